"""The record of a graded submission: `graded.json` in its folder, from which points, page and
tables are made. So nothing has to be run again if the manifest's points change.
"""

import functools
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from grading.manifest import MANIFEST
from grading.marks import Grade, Mark, of_another_edition
from grading.results import Result, gradescope

ROOT = Path(__file__).resolve().parent.parent
FILE = "graded.json"


@functools.cache
def grader_version() -> str:
    """A short hash of everything that decides a mark: grader, exercises and reference."""
    digest = hashlib.sha256()
    files = [*(ROOT / "grading").glob("*.py"), *(ROOT / "exercises").rglob("*")]
    files += [*(ROOT / "grading" / "mistakes").glob("*.py"), *(ROOT / p for p in MANIFEST.files)]
    for path in sorted(path for path in files if path.suffix in (".py", ".npz")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def as_record(graded: Grade, about: dict) -> dict:
    """A grade as JSON.

    Inputs:
    - graded: The grade
    - about: `seed`, `fingerprint` and anything else to record
    """
    marks = {mark.exercise: _raw(mark) for mark in graded.marks}
    extra = None
    if graded.extra:
        extra = {key: getattr(graded.extra, key) for key in ("score", "reason", "note")}
    return about | {
        "version": grader_version(),
        "marks": marks,
        "notes": graded.notes,
        "pictures": graded.pictures,
        "box": graded.box,
        "held": graded.held,
        "empty": graded.empty,
        "extra": extra,
    }


def _raw(mark):
    raw = asdict(mark)
    raw["right"] = raw.pop("points") > 0
    raw["version"] = grader_version()
    return raw


def as_grade(record: dict) -> Grade:
    """The grade in a record, with the manifest's present points."""
    marks = []
    for id, exercise in MANIFEST.exercises.items():
        raw = dict(
            record["marks"].get(id, {"exercise": id, "right": False, "reason": "Not tried."})
        )
        raw.pop("version", None)
        marks.append(Mark(points=exercise.points if raw.pop("right") else 0, **raw))
    extra = record.get("extra")
    extra = (
        Result(MANIFEST.extra, extra["score"], extra["reason"], extra["note"]) if extra else None
    )
    keys = ("notes", "pictures", "box", "held")
    return Grade(marks, extra=extra, **{key: record[key] for key in keys})


def kept_marks(before: dict, about: dict) -> dict:
    """The marks to keep when only some exercises are tried again. There are none if all have to be
    tried: the submission was not graded before, was held, or had other files or another seed.
    """
    same = all(before.get(key) == about.get(key) for key in ("seed", "fingerprint"))
    marks = before.get("marks", {})
    whole = before.get("box") and "failed" not in before and marks.keys() >= set(MANIFEST.exercises)
    return marks if same and whole else {}


def merged(before: dict, record: dict) -> dict:
    """A record of some exercises, completed from an earlier one."""
    marks = {id: record["marks"].get(id, raw) for id, raw in before["marks"].items()}
    both = record | {"marks": marks, "extra": before["extra"], "pictures": before["pictures"]}
    both["held"] = record["held"] or of_another_edition(as_grade(both).marks)
    return both


def results_of(record: dict) -> dict:
    """The content of results.json."""
    mark = {key: record.get(key) for key in ("seed", "fingerprint", "version")}
    if "failed" in record:
        mark["failed"] = record["failed"]
        return {"score": 0, "tests": [], "output": "The grader failed.", "extra_data": mark}
    graded = as_grade(record)
    hints = {each.exercise: each.hint for each in graded.marks if each.hint}
    mark |= {"box": graded.box, "hints": hints}
    mark |= {key: record[key] for key in ("held", "empty") if record[key]}
    results = gradescope(graded.results)
    return results | {"output": "\n".join(graded.remarks), "extra_data": mark}


def read_record(folder: Path) -> dict:
    """The record in a submission's folder of grades; empty if there is none that can be read."""
    try:
        record = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))
        return record if isinstance(record, dict) else {}
    except (OSError, ValueError):
        return {}
