"""Write the files about a class: the table of grades, the statistics page, and the files that
Canvas, Moodle and Gradescope import.
"""

import csv
import html
import io
from pathlib import Path

from deeplearning.files import atomic_write
from grading import feedback
from grading.manifest import MANIFEST
from grading.results import status_of

ASSIGNMENT = "Assignment 2"


def write_class(
    results, out: Path, roster=(), owners=None, *, doubtful=(), anonymous=False
) -> None:
    """Write grades.csv and statistics.html, and with a roster the files that platforms import.

    Inputs:
    - results: Dictionary from a submission's name to the content of its results.json
    - out: Folder
    - roster, owners: As `roster.read_roster` and `roster.assign` give them
    - doubtful: People who may own a submission without a certain owner, so they get no 0
    - anonymous: Whether to leave names out of the statistics
    """
    owners = owners or {}
    _write(out / "grades.csv", _table(results, roster, owners, doubtful))
    _write(out / "statistics.html", feedback.statistics(results, anonymous=anonymous))
    if roster:
        (out / "uploads").mkdir(exist_ok=True)
        scores: dict = {person: {} for person in doubtful}
        scores |= {owners[name]: r for name, r in results.items() if name in owners}
        for platform, rows in UPLOADS.items():
            _write(out / "uploads" / f"{platform}.csv", _csv(rows(roster, scores)))


def _table(results, roster, owners, doubtful):
    columns = {exercise.id: exercise.points for exercise in MANIFEST.exercises.values()}
    rows = [["name", "id", "email", "score", "extra", "status", *columns, "remarks"]]
    order = {"failed": 0, "held": 1, "missing": 2, "empty": 3}
    names = sorted(results, key=lambda name: (order.get(status_of(results[name]), 4), name))
    for name in names:
        result = results[name]
        person = owners.get(name)
        status = status_of(result)
        scores = {test["name"]: test["score"] for test in result.get("tests", ())}
        remarks = " ".join(result.get("output", "It was not graded.").split())
        known = status in ("graded", "empty")
        extra = scores.get(MANIFEST.extra.title, 0)
        about = [person.id if person else "", person.email if person else ""]
        score = result["score"] if known else ""
        marks = [scores.get(id, 0) if known else "" for id in columns]
        rows.append([name, *about, score, extra, status, *marks, remarks])
    handed_in = set(owners.values())
    for person in roster:
        if person not in handed_in:
            score = "" if person in doubtful else 0
            status = "unclear" if person in doubtful else "no submission"
            about = [person.name, person.id, person.email]
            rows.append([*about, score, score, status, *[""] * len(columns), ""])
    return _csv(rows)


def _canvas(roster, scores):
    """Canvas's gradebook import: the first columns as in its export, then the assignment."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ASSIGNMENT]
    yield ["    Points Possible", "", "", "", "", MANIFEST.points]
    for person in roster:
        yield [person.name, person.id, "", person.login, person.section, _score(person, scores)]


def _moodle(roster, scores):
    """Moodle's import of grades from CSV, matched by address or number."""
    yield ["Full name", "ID number", "Email address", ASSIGNMENT, "Feedback comments"]
    for person in roster:
        comment = _comment(scores[person]) if person in scores else "No submission."
        comment = html.escape(comment, quote=False)  # Moodle shows comments as HTML
        yield [person.name, person.id, person.email, _score(person, scores), comment]


def _gradescope(roster, scores):
    """Gradescope's roster format with a column of scores: it has no import of scores for a
    programming assignment.
    """
    yield ["Name", "SID", "Email", "Total Score", "Max Points"]
    for person in roster:
        score = _score(person, scores)
        yield [person.name, person.id, person.email, score, MANIFEST.points]


UPLOADS = {"canvas": _canvas, "moodle": _moodle, "gradescope": _gradescope}


def _comment(result):
    """What a student reads next to the points: remarks, and where points were lost and why."""
    if status_of(result) not in ("graded", "empty"):
        return "Not graded yet."
    sentences = [result["output"]]
    tests = result["tests"] if status_of(result) == "graded" else []
    for test in tests:
        extra = test["name"] == MANIFEST.extra.title
        if extra or test["score"] < test["max_score"]:
            of = "" if extra else f" of {test['max_score']:g}"
            sentences.append(f"{test['name']}, {test['score']:g}{of}: {test['output']}")
    return " ".join(" ".join(sentences).split())


def _score(person, scores):
    """Points; empty if a person has to check the submission first, and 0 without one."""
    result = scores.get(person)
    if result is None:
        return 0
    return result["score"] if status_of(result) in ("graded", "empty") else ""


def _csv(rows):
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(
        [_cell(value) for value in row] for row in rows
    )
    return table.getvalue()


def _cell(value):
    """A value that spreadsheets read as text, not as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _write(path, text):
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "replace"))
