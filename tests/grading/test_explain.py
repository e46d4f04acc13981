"""An appeal: inputs, answer, expected and difference of a student's own seed."""

import json

import numpy as np
import pytest

from grading import explain
from grading.explain import explained
from grading.fingerprint import fingerprint
from grading.manifest import MANIFEST
from grading.marks import Grade, Mark
from grading.record import as_record

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


@pytest.fixture
def record():
    """The record of a perfect submission, to be changed."""
    marks = [Mark(e.id, e.points) for e in MANIFEST.exercises.values()]
    return as_record(Grade(marks, box="bubblewrap"), {"seed": 7, "fingerprint": "", "paths": []})


def test_points_of_a_second_try_are_explained(record):
    """A function that is right only with the reference's in place of others says so first."""
    remark = "It was tried with the reference's rnn_step_forward in place of yours."
    assert explain.verdict(record, "rnn_forward") == "Graded with 3 of 3 points. Right."
    record["marks"]["rnn_forward"]["remark"] = f"{remark}\nThe loss has shape (1,)."
    text = explain.verdict(record, "rnn_forward")
    assert text.startswith(f"Graded with 3 of 3 points. Right. {remark} The loss has shape (1,). ")
    assert text.endswith("own functions alone.")


def test_points_that_a_slip_cost_are_named(record):
    """float64 for float32 costs points, though the numbers are right."""
    record["marks"]["rnn_forward"] |= {"reason": "h must be float32.", "slip": True}
    text = explain.verdict(record, "rnn_forward")
    assert text.startswith("Graded with 1 of 3 points. h must be float32.")


def test_what_was_not_graded_is_no_wrong_answer(record):
    """A held or failed submission was not graded: the reason is given in place of points."""
    assert explain.verdict(record | {"held": "Two works."}, "tv_loss") == "Held: Two works."
    assert explain.verdict({"seed": 7, "failed": "no disk"}, "tv_loss") == "Not graded: no disk"


def test_arguments_that_were_not_changed_are_left_out():
    """Whether an argument was kept is shown only if it was changed."""
    kept = {"y": np.ones(2), "x kept": np.array(True)}
    pairs = [({"x": np.ones(2)}, kept)]
    assert "x kept" not in explained(pairs, [kept | {"y": np.zeros(2)}])
    changed = explained(pairs, [kept | {"x kept": np.array(False)}])
    assert "x kept" in changed and "x was changed in place" in changed


def test_the_command(tmp_path, monkeypatch, capsys, record):
    """The seed and the files come from graded.json; a folder without one is wrong usage. It says if
    the mark is of another version, or if the files have changed.
    """
    (tmp_path / "ann.zip").touch()
    paths = [str(tmp_path / "ann.zip")]
    record |= {"paths": paths, "fingerprint": fingerprint(paths)}
    record["marks"]["tv_loss"] |= {"version": "old", "remark": "a\x1b[2J\ud800"}
    (tmp_path / "graded.json").write_text(json.dumps(record), encoding="utf-8")
    asked = []
    monkeypatch.setattr(explain, "answers", lambda *how: asked.append(how) or (PAIRS, "no"))
    monkeypatch.setattr(explain, "choose_kind", lambda: "bubblewrap")
    explain.main([str(tmp_path), "tv_loss"])
    printed = capsys.readouterr().out
    assert asked == [(paths, "tv_loss", 7, "bubblewrap")]
    assert "Right. a?[2J? " in printed and "by version old" in printed
    assert "have changed" not in printed
    (tmp_path / "ann.zip").write_bytes(b"other")
    explain.main([str(tmp_path), "content_loss"])
    printed = capsys.readouterr().out
    assert "by version" not in printed and "The files have changed since" in printed
    with pytest.raises(SystemExit) as ended:
        explain.main([str(tmp_path / "nowhere"), "tv_loss"])
    assert ended.value.code == 2
