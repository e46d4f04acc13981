"""One upload on Gradescope gets points, or a message about the machine's problem; never a
silent 0.
"""

import json

import pytest

from grading import upload
from grading.manifest import MANIFEST
from grading.marks import Grade, Mark, held
from grading.sandbox import NoBox


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that grades an upload with a fake grader; returns status and results."""
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "x.py").write_text("x = 1", encoding="utf-8")
    (tmp_path / "seed").write_text("41\n", encoding="utf-8")
    monkeypatch.setattr(upload, "choose_kind", lambda: "bubblewrap")
    monkeypatch.setattr(upload, "check_machine", lambda kind: None)
    monkeypatch.setattr(upload, "extra_credit", lambda paths, seed: None)

    def run(found):
        monkeypatch.setattr(upload, "grade", found)
        arguments = [str(tmp_path / "submission"), "--out", str(tmp_path / "results")]
        status = upload.main([*arguments, "--secret", str(tmp_path / "seed")])
        text = (tmp_path / "results" / "results.json").read_text(encoding="utf-8")
        return status, json.loads(text)

    return run


def graded(points=None):
    marks = [Mark(e.id, e.points) for e in MANIFEST.exercises.values()]
    if points is not None:
        marks[-1] = Mark(marks[-1].exercise, points, "It is wrong.")
    return Grade(marks, box="bubblewrap")


def test_points(run):
    """Right work gets its points, in Gradescope's format."""
    status, results = run(lambda *_: graded())
    assert status == 0 and results["score"] == 100 and len(results["tests"]) == 21


def test_a_machine_without_a_sandbox(run, monkeypatch):
    """No sandbox: results.json says so, holds no score, and the status is 1."""

    def none():
        raise NoBox("no sandbox here")

    monkeypatch.setattr(upload, "choose_kind", none)
    status, results = run(lambda *_: graded())
    assert status == 1 and "score" not in results and not results["tests"]
    assert "not your fault" in results["output"] and "no sandbox here" in results["output"]


def test_a_machine_that_fails_the_reference(run, monkeypatch):
    """If points are missing, the reference is graded too; if it fails, nobody gets a 0."""
    checked = []
    monkeypatch.setattr(upload, "check_machine", checked.append)
    assert run(lambda *_: graded())[1]["score"] == 100 and not checked
    assert run(lambda *_: graded(0))[1]["score"] == 95 and checked == ["bubblewrap"]

    def broken(kind):
        raise NoBox("the reference itself earns 62 points")

    monkeypatch.setattr(upload, "check_machine", broken)
    status, results = run(lambda *_: graded(0))
    assert status == 1 and "score" not in results and "62 points" in results["output"]


def test_what_is_held_says_so(run):
    """The output of an upload that a person has to check says why."""
    _, results = run(lambda *_: held("There are two works."))
    assert "Not graded yet" in results["output"] and "two works" in results["output"]


def test_each_upload_has_a_seed_of_its_own(run, tmp_path):
    """The same files get the same inputs, whenever they are uploaded; different files get
    others.
    """
    seeds = []
    run(lambda paths, seed, kind: seeds.append(seed) or graded())
    (tmp_path / "submission" / "x.py").touch()
    run(lambda paths, seed, kind: seeds.append(seed) or graded())
    (tmp_path / "submission" / "x.py").write_text("x = 2", encoding="utf-8")
    run(lambda paths, seed, kind: seeds.append(seed) or graded())
    assert seeds[0] == seeds[1] != seeds[2]
    assert upload.upload_seed("41", "a") != upload.upload_seed("42", "a")
