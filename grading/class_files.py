"""What is written about a class: the table of grades, the page of statistics, and the files that
Canvas, Moodle and Gradescope import.

A roster is a CSV with a first line of names: `name`, and where the platform needs them `id`,
`email`, `login` and `section`. A submission belongs to the line with its id or address; else to the
one whose name has the same words, in whatever order.
"""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from deeplearning.files import atomic_write
from grading import feedback
from grading.manifest import MANIFEST

ASSIGNMENT = "Assignment 2"


@dataclass(frozen=True)
class Person:
    """A line of the roster."""

    name: str
    id: str = ""
    email: str = ""
    login: str = ""
    section: str = ""


def read_roster(path: Path) -> list[Person]:
    """The people of a class. Raises ValueError for a file without a column `name`."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [{(key or "").strip().lower(): (value or "").strip() for key, value in row.items()
             if not isinstance(value, list)} for row in rows]  # fmt: skip
    if not rows or "name" not in rows[0]:
        raise ValueError(
            f"{path}: expected a CSV whose first line names the columns, one of them name"
        )
    keys = ("name", "id", "email", "login", "section")
    return [Person(**{key: row.get(key, "") for key in keys}) for row in rows if row["name"]]


def assign(roster: list[Person], submissions) -> tuple[dict[str, Person], list[str]]:
    """Whose each submission is.

    Inputs:
    - roster: Of the class
    - submissions: Dictionary from name to `exports.Found`

    Returns: dictionary from a submission's name to a person; and names of submissions that belong
    to nobody, or could belong to several
    """
    owners = {}
    unknown = []
    for name, found in submissions.items():
        people = [p for p in roster if _is(p, found)] or [
            p for p in roster if p.login and p.login.casefold() == found.name.casefold()
        ]
        people = people or [p for p in roster if _words(p.name) == _words(found.name)]
        if len(people) == 1:
            owners[name] = people[0]
        else:
            unknown.append(name)
    return owners, unknown


def _is(person, found):
    by_id = found.id and person.id == found.id
    return by_id or (found.email and person.email.casefold() == found.email.casefold())


def _words(name):
    """The letters of a name, sorted by words: "Lovelace, Ada" is "ada lovelace", and so is
    "lovelaceada".
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or name
    words = re.findall(r"\w+", plain.casefold())
    return tuple(sorted("".join(words)))


def write_class(results, out: Path, roster=(), owners=None, *, anonymous=False) -> None:
    """Write grades.csv and statistics.html, and with a roster what platforms import.

    Inputs:
    - results: Dictionary from a submission's name to what is in its results.json
    - out: Folder
    - roster, owners: As `read_roster` and `assign` give them
    - anonymous: Whether statistics go without names
    """
    owners = owners or {}
    _write(out / "grades.csv", _table(results, roster, owners))
    _write(out / "statistics.html", feedback.statistics(results, anonymous=anonymous))
    if roster:
        (out / "uploads").mkdir(exist_ok=True)
        scores = {owners[name]: r for name, r in results.items() if name in owners}
        for platform, rows in UPLOADS.items():
            _write(out / "uploads" / f"{platform}.csv", _csv(rows(roster, scores)))


def status_of(result: dict) -> str:
    """ "graded", "held", "failed", "empty" or "missing"."""
    mark = result.get("extra_data", {})
    if not result:
        return "missing"
    if mark.get("failed"):
        return "failed"
    return "held" if mark.get("held") else "empty" if mark.get("empty") else "graded"


def _table(results, roster, owners):
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
            marks = [""] * len(columns)
            rows.append([person.name, person.id, person.email, 0, 0, "no submission", *marks, ""])
    return _csv(rows)


def _canvas(roster, scores):
    """Canvas's gradebook import: its first columns as it exports them, then the assignment."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ASSIGNMENT]
    total = sum(question.points for question in MANIFEST.questions.values())
    yield ["    Points Possible", "", "", "", "", total]
    for person in roster:
        yield [person.name, person.id, "", person.login, person.section, _score(person, scores)]


def _moodle(roster, scores):
    """Moodle's import of grades from CSV, mapped by address or number."""
    yield ["Full name", "ID number", "Email address", ASSIGNMENT, "Feedback comments"]
    for person in roster:
        reason = " ".join(scores.get(person, {}).get("output", "No submission.").split())
        yield [person.name, person.id, person.email, _score(person, scores), reason]


def _gradescope(roster, scores):
    """Gradescope has no import of scores for a programming assignment; this is its roster's form
    with a column of scores.
    """
    yield ["Name", "SID", "Email", "Total Score", "Max Points"]
    total = sum(question.points for question in MANIFEST.questions.values())
    for person in roster:
        yield [person.name, person.id, person.email, _score(person, scores), total]


UPLOADS = {"canvas": _canvas, "moodle": _moodle, "gradescope": _gradescope}


def _score(person, scores):
    """Points; nothing where a person has to look at it first, and 0 without a submission."""
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
    """A value as spreadsheets take it for text, not for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _write(path, text):
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "replace"))
