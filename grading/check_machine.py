"""Does this machine give right work its points? The reference goes through the very sandbox that
students' code will run in; where it earns less than everything, nobody is graded here.
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
    """Send the reference through a sandbox.

    Inputs:
    - kind: Kind of sandbox, None for the best that works here

    Raises NoBox where it does not earn all points, with the first cause.
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
