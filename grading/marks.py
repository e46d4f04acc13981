"""What a submission has earned: a mark for each exercise, and the grade that they add up to."""

import re
from dataclasses import dataclass, field, replace

from grading.manifest import MANIFEST
from grading.results import Result

KEEP_PRECISION = "To give new arrays the arguments' type, use dtype=x.dtype or np.zeros_like."

NOT_THERE = re.compile(
    r"cannot import name '\w+' from 'deeplearning[\w.]*'|No module named 'deeplearning[\w.]*'"
)


@dataclass(frozen=True)
class Mark:
    """What an exercise earned, and why.

    - exercise: Its id
    - points: Points earned
    - reason: What was wrong; empty if nothing was
    - hint: What the numbers suggest, or None
    - remark: What the student should know about how it earned its points, or empty
    - slip: Whether the only mistake is float64 results for float32 inputs
    """

    exercise: str
    points: int
    reason: str = ""
    hint: str | None = None
    remark: str = ""
    slip: bool = False


@dataclass
class Grade:
    """A graded submission.

    - marks: One for each exercise, in the manifest's order
    - notes: Sentences about the submission
    - pictures: Dictionary from notebook to the pictures that it shows, as data URLs
    - box: Kind of sandbox that the student's code ran in; empty if it did not run
    - held: Why a person has to check it before it counts, or empty
    - extra: What the extra credit has earned, or None
    """

    marks: list[Mark]
    notes: list[str] = field(default_factory=list)
    pictures: dict[str, list[str]] = field(default_factory=dict)
    box: str = ""
    held: str = ""
    extra: Result | None = None

    @property
    def score(self) -> float:
        return sum(result.score for result in self.results)

    @property
    def empty(self) -> bool:
        """Whether there was nothing to grade."""
        return not self.box and not self.held

    @property
    def remarks(self) -> list[str]:
        """The notes, and whether the code ran in the usual way, in a sandbox."""
        unusual = {"": "No code was run.", "none": "The code ran without a sandbox."}
        return [*self.notes, *([unusual[self.box]] if self.box in unusual else [])]

    @property
    def results(self) -> list[Result]:
        """The marks as `results.Result`: a hint comes before the numbers behind it."""
        found = [
            Result(
                MANIFEST.exercises[mark.exercise],
                mark.points,
                mark.hint or mark.reason,
                "\n".join(filter(None, [mark.reason if mark.hint else "", mark.remark])),
            )
            for mark in with_slips(self.marks)
        ]
        return [*found, self.extra] if self.extra else found


def nothing(*notes: str) -> Grade:
    """The grade of a submission from which nothing could be read."""
    return Grade(
        [Mark(exercise, 0, "It was not found.") for exercise in MANIFEST.exercises], [*notes]
    )


def held(reason: str, *notes: str) -> Grade:
    """The grade of a submission that a person has to check first."""
    marks = [Mark(exercise, 0, "It is not graded yet.") for exercise in MANIFEST.exercises]
    return Grade(marks, [reason, *notes], held=reason)


def of_another_edition(marks: list[Mark]) -> str:
    """Why a person should check work that imports something missing from the course's package; ""
    if it doesn't.
    """
    for mark in marks:
        found = NOT_THERE.search(mark.reason)
        if found:
            path = MANIFEST.exercises[mark.exercise].path
            return (
                f"{path}: {found[0]}. Was it written for another edition of the course, or is a "
                "file missing?"
            )
    return ""


def with_slips(marks: list[Mark]) -> list[Mark]:
    """Marks, less what float64 in place of float32 costs: a fixed number of points, once in each
    question, and nothing if it comes from a function that has lost points for it.
    """
    slipped = {mark.exercise for mark in marks if mark.slip}
    charged = set()
    result = []
    for mark in marks:
        exercise = MANIFEST.exercises[mark.exercise]
        if mark.slip:
            first = exercise.question not in charged and slipped.isdisjoint(exercise.needs)
            cost = min(MANIFEST.slip, mark.points) if first else 0
            charged.add(exercise.question)
            costs = f"It costs {cost} points" if first else "It costs no further points"
            reason = f"{mark.reason} {KEEP_PRECISION} {costs}: they are lost once per question."
            mark = replace(mark, points=mark.points - cost, reason=reason)
        result.append(mark)
    return result
