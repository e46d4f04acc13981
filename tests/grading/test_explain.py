"""An appeal: inputs, answer, expected and difference of a student's own seed."""

import json

import numpy as np
import pytest

from grading import explain
from grading.explain import explained

PAIRS = [({"x": np.arange(3.0)}, {"y": np.arange(3.0)}), ({"x": np.ones(2)}, {"y": np.ones(2)})]


def test_the_first_wrong_case_is_shown():
    """Inputs, answer, expected values and difference of the wrong case are shown."""
    text = explained(PAIRS, [{"y": np.arange(3.0)}, {"y": np.array([1.0, 3.0])}])
    assert "Case 2 of 2. Wrong cases: 2." in text and "float64 (2,)" in text
    assert "[1., 3.]" in text and "[0., 2.]" in text and "expected 1." in text


def test_another_case_and_errors():
    """--case shows any case; an error is shown as it was; if all cases are right, it says so."""
    right = [expected for _, expected in PAIRS]
    assert "Case 1 of 2. Wrong cases: none." in explained(PAIRS, right, case=1)
    assert "All 2 cases are right" in explained(PAIRS, right)
    assert explained(PAIRS, "ValueError: x") == "It ended in an error: ValueError: x"


@pytest.mark.parametrize("case", [0, 3, 99])
def test_cases_that_are_not_there(case):
    """A case number out of range is refused, with the valid range."""
    with pytest.raises(ValueError, match="numbered from 1 to 2"):
        explained(PAIRS, [expected for _, expected in PAIRS], case)


def test_too_few_answers():
    """If not every question was answered, nothing is called right."""
    assert "0 answers to 2 questions" in explained(PAIRS, [])


def test_what_is_held(tmp_path):
    """A held submission has no answers to show; the message gives the reason."""
    for name in ("v1", "v2"):
        path = tmp_path / name / "deeplearning" / "rnn_layers.py"
        path.parent.mkdir(parents=True)
        path.write_text(f"x = '{name}'")
    with pytest.raises(ValueError, match="the submission is held: There are two works"):
        explain.answers([tmp_path], "tv_loss", 1, "none")


def test_points_of_a_second_try_are_explained():
    """A function that is right only with the reference's in place of others says so first."""
    remark = "It was tried with the reference's rnn_step_forward in place of yours."
    text = explain.verdict({"right": True, "reason": "", "remark": remark})
    assert text.startswith(f"Graded as right. {remark}") and "own functions alone" in text
    assert explain.verdict({"right": False, "reason": "It was not found."}) == (
        "Graded as wrong. It was not found."
    )
    assert explain.verdict({"right": True, "reason": ""}) == "Graded as right."


def test_arguments_that_were_not_changed_are_left_out():
    """Whether an argument was kept is shown only if it was changed."""
    kept = {"y": np.ones(2), "x kept": np.array(True)}
    pairs = [({"x": np.ones(2)}, kept)]
    assert "x kept" not in explained(pairs, [kept | {"y": np.zeros(2)}])
    changed = explained(pairs, [kept | {"x kept": np.array(False)}])
    assert "x kept" in changed and "x was changed in place" in changed


def test_the_command(tmp_path, monkeypatch, capsys):
    """The seed and the files come from graded.json; a folder without one is wrong usage."""
    record = {
        "seed": 7,
        "paths": ["ann.zip"],
        "version": "old",
        "marks": {"tv_loss": {"right": True, "reason": "a\x1b[2J\ud800"}},
    }
    (tmp_path / "graded.json").write_text(json.dumps(record), encoding="utf-8")
    asked = []
    monkeypatch.setattr(explain, "answers", lambda *how: asked.append(how) or (PAIRS, "no"))
    monkeypatch.setattr(explain, "choose_kind", lambda: "bubblewrap")
    explain.main([str(tmp_path), "tv_loss"])
    printed = capsys.readouterr().out
    assert asked == [(["ann.zip"], "tv_loss", 7, "bubblewrap")]
    assert "Graded as right. a?[2J?\n" in printed and "by version old" in printed
    with pytest.raises(SystemExit) as ended:
        explain.main([str(tmp_path / "nowhere"), "tv_loss"])
    assert ended.value.code == 2
