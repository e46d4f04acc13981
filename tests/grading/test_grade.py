"""Many submissions: what is written, what a crash leaves, and that none stops the others. Grading
itself is faked.
"""

import csv
import json
import os
import signal
import threading
import time
from dataclasses import replace

import pytest

from grading import feedback, grade
from grading.hostile import corpus
from grading.manifest import MANIFEST
from grading.marks import Grade, Mark, held, nothing
from grading.sandbox import NoBox


def fake(paths, seed, kind=None, only=(), earned=()):
    """A grade without a sandbox, from the content of the file: the number of right exercises."""
    (path,) = paths
    text = path.read_text(encoding="utf-8")
    if text == "crash":
        raise ZeroDivisionError("of the grader")
    right = int(text)
    return Grade(
        [
            Mark(e.id, e.points, remark="<b>remark</b>")
            if k < right
            else Mark(e.id, 0, "It is <i>wrong</i>.", "Hint & more.")
            for k, e in enumerate(MANIFEST.exercises.values())
        ],
        ["A <note>."], {MANIFEST.questions["q3"].notebook: ["data:image/png;base64,iVBORw0KGgoAAA"]}, "bubblewrap",
    )  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that writes submissions, grades the folder, and returns exit status and the rows of
    grades.csv.
    """
    monkeypatch.setattr(grade, "grade", fake)
    monkeypatch.setattr(grade, "choose_kind", lambda: "bubblewrap")
    monkeypatch.setattr(grade, "check_machine", lambda kind: None)
    monkeypatch.setattr(grade, "extra_credit", lambda paths, seed: None)
    (tmp_path / "in").mkdir()

    def run(texts=(), *arguments):
        for name, text in dict(texts).items():
            (tmp_path / "in" / f"{name}.zip").write_text(text, encoding="utf-8")
        status = grade.main(
            [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--jobs", "1", *arguments]
        )
        with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
            return status, list(csv.DictReader(file))

    return run


def result(tmp_path, name):
    return json.loads((tmp_path / "out" / name / "results.json").read_text(encoding="utf-8"))


def test_what_is_written(run, tmp_path):
    """Points in Gradescope's format, a page for each, a table by name, and statistics of
    the class.
    """
    status, rows = run({"zoe": "21", "ann": "1", "bob": "0"})
    assert status == 0 and [(row["name"], row["score"]) for row in rows] == [
        ("ann", "2"),
        ("bob", "0"),
        ("zoe", "100"),
    ]
    assert (
        rows[0]["rnn_step_forward"] == "2"
        and rows[0]["rnn_step_backward"] == "0"
        and "A <note>." in rows[0]["remarks"]
    )
    ann = result(tmp_path, "ann")
    assert ann["score"] == 2 and len(ann["tests"]) == 21 and ann["output"] == "A <note>."
    assert {"name", "score", "max_score", "number", "output", "visibility"} <= set(ann["tests"][0])
    page = (tmp_path / "out" / "ann" / "feedback.html").read_text(encoding="utf-8")
    assert "Hint &amp; more." in page and "&lt;i&gt;wrong" in page and "A &lt;note&gt;." in page
    assert (
        "data:image/png;base64,iVBORw0KGgoAAA" in page
        and "<b>remark" not in page
        and "http" not in page.split("<body>")[1]
    )
    statistics = (tmp_path / "out" / "statistics.html").read_text(encoding="utf-8")
    assert (
        "Hint &amp; more." in statistics and "34.0" in statistics and "bubblewrap (3)" in statistics
    )


def test_what_is_graded_is_not_graded_again(run, tmp_path, monkeypatch):
    """A second run grades what is new or has changed, and nothing else; another seed grades all
    again.
    """
    run({"ann": "1", "bob": "2"})
    times = {
        name: (tmp_path / "out" / name / "results.json").stat().st_mtime_ns
        for name in ("ann", "bob")
    }
    status, rows = run({"bob": "3", "eve": "4"})
    assert status == 0 and len(rows) == 3 and result(tmp_path, "bob")["score"] == 9
    assert (tmp_path / "out" / "ann" / "results.json").stat().st_mtime_ns == times["ann"]
    monkeypatch.setattr(grade, "grade", lambda *_: pytest.fail("graded again"))
    assert run()[0] == 0
    monkeypatch.setattr(grade, "grade", lambda *_: fake([tmp_path / "in" / "eve.zip"], 0))
    run((), "--seed", "5")
    assert (
        result(tmp_path, "ann")["extra_data"]["seed"] == 5
        and result(tmp_path, "ann")["score"] == 15
    )


def test_half_written_results_count_for_nothing(run, tmp_path):
    """Results that a crash has cut off, or that are not JSON, are made again."""
    run({"ann": "1", "bob": "2"})
    whole = (tmp_path / "out" / "ann" / "results.json").read_text(encoding="utf-8")
    (tmp_path / "out" / "ann" / "results.json").write_text(whole[:100], encoding="utf-8")
    (tmp_path / "out" / "bob" / "results.json").unlink()
    status, rows = run()
    assert status == 0 and [row["score"] for row in rows] == ["2", "6"]
    assert (tmp_path / "out" / "ann" / "results.json").read_text(encoding="utf-8") == whole


def test_a_failure_stops_nobody(run, tmp_path):
    """If the grader itself fails on one, the others are graded, the status is 1, and the next run
    tries again.
    """
    status, rows = run({"ann": "crash", "bob": "2"})
    assert status == 1 and [row["score"] for row in rows] == ["", "6"]
    assert "ZeroDivisionError: of the grader" in result(tmp_path, "ann")["extra_data"]["failed"]
    assert "Not graded: ann (ZeroDivisionError" in (tmp_path / "out" / "statistics.html").read_text(
        encoding="utf-8"
    )
    assert run({"ann": "1"})[0] == 0 and result(tmp_path, "ann")["score"] == 2


def test_a_link_to_nowhere_stops_nobody(run, tmp_path):
    """A submission whose file is missing is listed as failed; the others are graded."""
    (tmp_path / "in" / "eve.zip").symlink_to(tmp_path / "nowhere")
    status, rows = run({"bob": "2"})
    assert status == 1 and [row["status"] for row in rows] == ["failed", "graded"]
    assert "No such file" in result(tmp_path, "eve")["extra_data"]["failed"]


def test_names_that_we_use_ourselves(run, tmp_path):
    """A submission called like a file of ours gets a folder of another name."""
    status, rows = run({"seed.txt": "1", "grades.csv": "2"})
    assert status == 0 and {row["name"] for row in rows} == {"seed.txt_", "grades.csv_"}


def test_a_killed_worker_stops_nobody(run, tmp_path, monkeypatch):
    """A submission that kills its worker fails alone; all others are graded, and grades.csv is
    written.
    """
    monkeypatch.setattr(grade, "grade_submission", killed_by)
    texts = {f"s{k}": "1" for k in range(6)} | {"killer": "1"}
    status, rows = run(texts, "--jobs", "2")
    assert status == 1 and len(rows) == 7
    assert {row["name"] for row in rows if row["status"] == "failed"} == {"killer"}


def killed_by(name, paths, seed, kind, only=(), before=None, begun=None, check=False):
    with grade._standing(begun):
        if name == "killer":
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGKILL)
        record = grade.as_record(fake(paths, seed), {"seed": seed, "paths": [], "fingerprint": ""})
    return name, record


@pytest.mark.parametrize("seed", ["-1", "x", "1.5"])
def test_seeds_are_numbers_from_0_on(run, capsys, seed):
    """An invalid seed is wrong usage, and doesn't make every submission fail."""
    with pytest.raises(SystemExit) as ended:
        run({"ann": "1"}, f"--seed={seed}")
    assert ended.value.code == 2 and "at least 0" in capsys.readouterr().err


def test_a_machine_that_is_not_in_order_grades_nobody(run, tmp_path, monkeypatch):
    """If the reference itself loses points, the run ends with the cause before anybody is
    graded.
    """

    def broken(kind):
        raise NoBox("the reference itself earns 62 points")

    monkeypatch.setattr(grade, "check_machine", broken)
    with pytest.raises(SystemExit, match="grade: the reference itself earns 62 points"):
        run({"ann": "1"})
    assert not (tmp_path / "out" / "ann").exists()


def test_again_and_only(run, tmp_path, monkeypatch):
    """--again grades one submission anew; --only one exercise of all, and keeps the others."""
    run({"ann": "1", "bob": "2"})
    (tmp_path / "in" / "other").write_text("21", encoding="utf-8")
    better = fake([tmp_path / "in" / "other"], 0)

    def grade_better(paths, seed, kind, only=(), earned=()):
        marks = [mark for mark in better.marks if not only or mark.exercise in only]
        return Grade(marks, box="bubblewrap")

    monkeypatch.setattr(grade, "grade", grade_better)
    (tmp_path / "in" / "other").unlink()
    run({}, "--again", "bob")
    assert [result(tmp_path, name)["score"] for name in ("ann", "bob")] == [2, 100]
    run({}, "--only", "tv_loss")
    assert [result(tmp_path, name)["score"] for name in ("ann", "bob")] == [7, 100]


def test_again_and_only_exclude_each_other(run, capsys):
    """Together they would grade one exercise of all and nothing else of the one named."""
    with pytest.raises(SystemExit) as ended:
        run({"ann": "1"}, "--again", "ann", "--only", "tv_loss")
    assert ended.value.code == 2 and "can't be used together" in capsys.readouterr().err


def test_a_page_that_can_not_be_made_stops_nobody(run, tmp_path, monkeypatch):
    """A bug in the page of one student makes that submission fail; the others are graded."""
    page = feedback.page
    monkeypatch.setattr(
        feedback, "page", lambda name, graded: 1 / 0 if name == "ann" else page(name, graded)
    )
    status, rows = run({"ann": "1", "bob": "21"})
    assert status == 1
    assert [(row["name"], row["status"]) for row in rows] == [("ann", "failed"), ("bob", "graded")]


def test_points_that_changed_are_counted_anew(run, tmp_path, monkeypatch, capsys):
    """New points in the manifest change totals without anything being run, and it says so."""
    run({"ann": "1", "bob": "0"})
    first = MANIFEST.exercises["rnn_step_forward"]
    changed = MANIFEST.exercises | {first.id: replace(first, points=5)}
    monkeypatch.setattr(MANIFEST, "exercises", changed)
    monkeypatch.setattr(grade, "grade", lambda *_: pytest.fail("graded again"))
    capsys.readouterr()
    _, rows = run()
    assert [row["score"] for row in rows] == ["5", "0"]
    assert "points or texts have changed: written anew for 2" in capsys.readouterr().out


def test_a_roster_and_what_platforms_import(run, tmp_path):
    """People are found by the words of their names; those without a submission are listed, each
    platform gets its file, and submissions of nobody on the roster are named.
    """
    roster = tmp_path / "roster.csv"
    roster.write_text("name,id,email\nAnn,7,ann@x.org\nCal,9,cal@x.org\n", encoding="utf-8")
    status, rows = run({"ann": "21", "zoe": "1"}, "--roster", str(roster))
    assert status == 1  # zoe is not on the roster
    assert [(row["name"], row["status"]) for row in rows] == [
        ("ann", "graded"),
        ("zoe", "graded"),
        ("Cal", "no submission"),
    ]
    uploads = tmp_path / "out" / "uploads"
    canvas = (uploads / "canvas.csv").read_text(encoding="utf-8").splitlines()
    assert canvas[0].startswith("Student,ID,SIS User ID,SIS Login ID,Section")
    assert canvas[2:] == ["Ann,7,,,,100", "Cal,9,,,,0"]
    assert "Ann,7,ann@x.org,100,A &lt;note&gt;." in (uploads / "moodle.csv").read_text(
        encoding="utf-8"
    )
    assert "Cal,9,cal@x.org,0,100" in (uploads / "gradescope.csv").read_text(encoding="utf-8")


def test_comments_for_moodle_say_where_points_were_lost(run, tmp_path):
    """The comment next to the points holds the remarks, and each exercise that lost points with its
    hint, on one line, as HTML; nothing about exercises that are right, and nothing meant for staff.
    """
    roster = tmp_path / "roster.csv"
    roster.write_text("name,id\nAnn,7\nCal,9\nEve,10\n", encoding="utf-8")
    run({"ann": "20", "eve": "crash"}, "--roster", str(roster))
    text = (tmp_path / "out" / "uploads" / "moodle.csv").read_text(encoding="utf-8")
    last = list(MANIFEST.exercises.values())[-1]
    lost = f"{last.id}, 0 of {last.points}: Hint &amp; more. It is &lt;i&gt;wrong&lt;/i&gt;."
    assert text.splitlines()[1:] == [
        f'Ann,7,,{100 - last.points},"A &lt;note&gt;. {lost}"',
        "Cal,9,,0,No submission.",
        "Eve,10,,,Not graded yet.",
    ]


def test_no_zero_for_what_is_nobodys(run, tmp_path):
    """People who may own a submission without a certain owner get no score, in the table and in the
    platforms' files.
    """
    roster = tmp_path / "roster.csv"
    roster.write_text("name,id\nAnn Lee,7\nAnn Lee,8\nCal,9\n", encoding="utf-8")
    status, rows = run({"Ann Lee": "21"}, "--roster", str(roster))
    assert status == 1
    assert [(row["id"], row["score"]) for row in rows[1:]] == [("7", ""), ("8", ""), ("9", "0")]
    canvas = (tmp_path / "out" / "uploads" / "canvas.csv").read_text(encoding="utf-8")
    assert canvas.splitlines()[2:] == ["Ann Lee,7,,,,", "Ann Lee,8,,,,", "Cal,9,,,,0"]


def test_statistics_without_names(run, tmp_path):
    """With --anonymous the page counts who failed, and names nobody."""
    run({"ann": "crash", "bob": "1"}, "--anonymous")
    page = (tmp_path / "out" / "statistics.html").read_text(encoding="utf-8")
    assert "Not graded: 1" in page and "ann" not in page.split("<body>")[1]


def test_held_and_empty_come_first(run, tmp_path, monkeypatch):
    """Submissions that are held or empty come first on the page, set the status, and are not zeros
    in the statistics.
    """
    by_name = {"ann": held("Two works."), "bob": nothing("Nothing there.")}

    def graded(paths, seed, kind=None, only=(), earned=()):
        return by_name.get(paths[0].stem) or fake(paths, seed)

    monkeypatch.setattr(grade, "grade", graded)
    status, rows = run({"ann": "1", "bob": "1", "eve": "21"})
    assert status == 1
    assert [(r["name"], r["score"], r["status"]) for r in rows] == [
        ("ann", "", "held"),
        ("bob", "0", "empty"),
        ("eve", "100", "graded"),
    ]
    page = (tmp_path / "out" / "statistics.html").read_text(encoding="utf-8")
    assert "Held for review: ann (Two works.)" in page and "100.0" in page


def test_formulas_stay_text(run):
    """A name that a spreadsheet would take for a formula is written as text."""
    assert run({"=1+1": "1"})[1][0]["name"] == "'=1+1"


@pytest.mark.parametrize("arguments", [[], ["nowhere", "--out", "x"], ["."], [".", "--out"]])
def test_usage(arguments, capsys, tmp_path, monkeypatch):
    """Wrong usage ends with status 2 and a sentence."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        grade.main(arguments)
    assert ended.value.code == 2 and "grade" in capsys.readouterr().err


def test_no_box(run, monkeypatch):
    """Without a sandbox for students' code nothing is graded, and one sentence says so; --unsafe
    grades anyway.
    """

    def none():
        raise NoBox("no box here")

    monkeypatch.setattr(grade, "choose_kind", none)
    with pytest.raises(SystemExit, match="grade: no box here"):
        run({"ann": "1"})
    assert run({}, "--unsafe")[0] == 0


def test_help(run_python):
    """--help shows an example."""
    status, output, _ = run_python("-m", "grading.grade", "--help")
    assert status == 0 and "example: python -m grading.grade" in output


@pytest.mark.slow
def test_killed_and_resumed(tmp_path, start_python):
    """A batch that was killed continues where it stopped: nothing is graded twice, and nothing
    half-graded counts.
    """
    (tmp_path / "in").mkdir()
    for k in range(12):
        (tmp_path / "in" / f"s{k:02}.zip").write_text(str(k), encoding="utf-8")
    code = (
        "import sys, time; from grading import grade; from tests.grading.test_grade import fake\n"
        "def slow(*a): time.sleep(0.15); return fake(*a)\n"
        "grade.grade, grade.choose_kind = slow, lambda: 'bubblewrap'\n"
        "grade.check_machine, grade.extra_credit = lambda kind: None, lambda paths, seed: None\n"
        "sys.exit(grade.main(sys.argv[1:]))"
    )
    arguments = ["-c", code, tmp_path / "in", "--out", tmp_path / "out", "--jobs", "1"]
    first = start_python(*arguments)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("out/*/results.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/*/results.json")}
    assert 3 <= len(done) < 12
    second = start_python(*arguments)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert {path: path.stat().st_mtime_ns for path in done} == done and len(
        list(tmp_path.glob("out/*/results.json"))
    ) == 12


def test_total_is_the_manifests():
    """Pages name the manifest's total of points, and cut it into ten parts; the median of an even
    number of scores lies between two.
    """
    assert "90 to 100" in feedback.statistics({}) and "0 to under 10" in feedback.statistics({})
    graded = {"tests": [], "extra_data": {"box": "bubblewrap"}}
    assert "50" in feedback.statistics({"a": graded | {"score": 10}, "b": graded | {"score": 90}})


def test_an_empty_class():
    """Statistics without any submission still make a page."""
    assert "0 submissions" in feedback.statistics({}) and nothing("x").score == 0


@pytest.mark.corpus
def test_on_a_cluster(tmp_path):
    """A Dask cluster gives the same grades as this machine, even if one of its workers is killed
    meanwhile.
    """
    distributed = pytest.importorskip("distributed", reason="needs requirements-staff.txt")
    names = ["untouched", "syntax_error", "flat", "bomb", "older_package", "rar_named_zip"]
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / f"{name}.zip").write_bytes(corpus()[name].build())

    def kill_one(cluster):
        while not list(tmp_path.glob("far/*/results.json")):
            time.sleep(0.05)
        os.kill(cluster.workers[0].process.process.pid, signal.SIGKILL)

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        threading.Thread(target=kill_one, args=(cluster,), daemon=True).start()
        arguments = [str(tmp_path / "in"), "--seed", "7", "--out"]
        assert (
            grade.main(
                [*arguments, str(tmp_path / "far"), "--scheduler", cluster.scheduler_address]
            )
            == 0
        )
    assert grade.main([*arguments, str(tmp_path / "near")]) == 0
    for name in names:
        far, near = (tmp_path / place / name / "results.json" for place in ("far", "near"))
        assert json.loads(far.read_text(encoding="utf-8")) == json.loads(
            near.read_text(encoding="utf-8")
        )
