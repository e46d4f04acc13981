"""Check that this machine gives right work its points. The reference is graded in the same sandbox
as students' code; if it loses a point, nobody is graded here.
"""

import functools
import tempfile
from pathlib import Path

from grading.grade_one import ROOT, grade
from grading.manifest import MANIFEST
from grading.sandbox import NoBox

SEED = 16


@functools.cache
def check_machine(kind: str | None) -> None:
    """Grade the reference in a sandbox.

    Inputs:
    - kind: Kind of sandbox, None for the best that works here

    Raises NoBox, with the first cause, if it does not earn all points.
    """
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        for path in MANIFEST.files:
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / path).read_bytes())
        graded = grade(Path(folder), SEED, kind)
    lost = [mark for mark in graded.marks if mark.reason]
    if lost:
        raise NoBox(
            f"this machine can't grade: the reference itself earns {graded.score} points in the "
            f"{graded.box} sandbox. {lost[0].exercise}: {lost[0].hint or lost[0].reason} "
            "That is the machine's fault (packages, folders that can't be read), not a student's"
        )
