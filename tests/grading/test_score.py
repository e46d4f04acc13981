"""The command that prints one tree's points; the grader's findings are faked here, and have their
own tests.
"""

import json

import pytest

from grading import score
from grading.manifest import MANIFEST
from grading.marks import Grade, Mark
from grading.results import Result
from grading.sandbox import NoBox


@pytest.fixture
def graded(monkeypatch):
    """Function that sets what the grader will find: full points, except for its arguments."""

    def found(**marks):
        all_right = {e.id: Mark(e.id, e.points) for e in MANIFEST.exercises.values()}
        asked = []
        monkeypatch.setattr(score, "check_machine", lambda kind: asked.append(kind))
        monkeypatch.setattr(score, "grade", lambda *how: asked.append(how) or Grade(
            list((all_right | marks).values()), ["tv_loss is in the notebook."], box="bubblewrap"
        ))  # fmt: skip
        return asked

    return found


def test_all_points(graded, tmp_path, capsys):
    """Full points end in status 0; the grader gets the tree and the seed, and the best sandbox."""
    asked = graded()
    assert score.main([str(tmp_path), "--seed", "7"]) == 0
    assert asked == [(tmp_path, 7, None)]  # and the machine is not checked
    assert "total                            100 of 100" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_missing_points_and_their_reasons(graded, tmp_path, capsys):
    """A hint comes before the numbers behind it, in the table and in the file; notes follow; the
    status is 1.
    """
    graded(
        tv_loss=Mark(
            "tv_loss", 0, "loss is wrong by 0.5.", hint="Only vertical neighbours are counted."
        )
    )
    assert score.main([str(tmp_path), "--out", str(tmp_path / "results"), "--unsafe"]) == 1
    printed = capsys.readouterr().out
    assert "Only vertical neighbours are counted." in printed and "95 of 100" in printed
    assert "tv_loss is in the notebook.\n" in printed
    results = json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == 95 and "tv_loss is in the notebook." in results["output"]
    assert (
        results["tests"][-1]["output"]
        == "Only vertical neighbours are counted.\nloss is wrong by 0.5."
    )


def test_a_captioner_that_was_handed_in_counts(graded, monkeypatch, tmp_path):
    """Extra credit uses the same seed; without a model it is not mentioned."""
    graded()
    assert len(score.score(tmp_path, 3)[0]) == len(MANIFEST.exercises)
    monkeypatch.setattr(
        score, "extra_credit", lambda tree, seed: Result(MANIFEST.extra, 4, f"{tree.name} {seed}")
    )
    assert score.score(tmp_path, 3)[0][-1] == Result(MANIFEST.extra, 4, f"{tmp_path.name} 3")


def test_wrong_use(monkeypatch, tmp_path, capsys):
    """A tree that is not there is wrong usage, status 2; no box is a sentence that says
    what to do.
    """
    with pytest.raises(SystemExit) as ended:
        score.main([str(tmp_path / "nowhere")])
    assert ended.value.code == 2 and "does not exist" in capsys.readouterr().err

    def no_box(*_):
        raise NoBox("no box here: install bubblewrap")

    monkeypatch.setattr(score, "grade", no_box)
    with pytest.raises(SystemExit, match="score: no box here: install bubblewrap"):
        score.main([str(tmp_path)])
