"""Points of one submission, as a printed table and as the file that Gradescope reads."""

import textwrap
from dataclasses import dataclass

from grading.manifest import Exercise, ExtraCredit


@dataclass(frozen=True)
class Result:
    """What an exercise, or the extra credit, earned.

    - exercise: `manifest.Exercise` or `manifest.ExtraCredit`
    - score: Points earned
    - reason: One sentence, empty if all is right
    - note: Anything else the student should know; may have several lines
    """

    exercise: Exercise | ExtraCredit
    score: float
    reason: str = ""
    note: str = ""


def table(results):
    """A table of results: exercise, points earned of points, reason; with a sum for each question
    and a total.
    """
    lines = []
    width = max(len(_name(result)) for result in results) + 2
    for question in dict.fromkeys(_question(result) for result in results):
        mine = [result for result in results if _question(result) == question]
        lines.append(f"{question.capitalize():{width}}{_points(mine)}")
        for result in mine:
            reason = textwrap.shorten(result.reason, 110, placeholder=" ...")
            lines.append(f"  {_name(result):{width - 2}}{_points([result])}  {reason}".rstrip())
    regular = [result for result in results if isinstance(result.exercise, Exercise)]
    extra = sum(result.score for result in results) - sum(result.score for result in regular)
    lines.append(
        f"{'total':{width}}{_points(regular)}" + (f"  and {extra:g} extra" if extra else "")
    )
    return "\n".join(lines)


def gradescope(results):
    """Results in the format of Gradescope's results.json: a dictionary for `json.dump`.

    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    tests = []
    count = {}
    for result in results:
        question = _question(result)
        count[question] = count.get(question, 0) + 1
        tests.append(
            {
                "name": _name(result),
                "number": f"{question.removeprefix('q')}.{count[question]}",
                "score": result.score,
                "max_score": result.exercise.points if isinstance(result.exercise, Exercise) else 0,
                "output": "\n".join(
                    text for text in (result.reason or "Right.", result.note) if text
                ),
                "visibility": "visible",
            }
        )
    return {
        "score": sum(result.score for result in results),
        "tests": tests,
        "stdout_visibility": "hidden",
    }


def status_of(result: dict) -> str:
    """ "graded", "held", "failed", "empty" or "missing", from the content of results.json."""
    mark = result.get("extra_data", {})
    if not result:
        return "missing"
    if mark.get("failed"):
        return "failed"
    return "held" if mark.get("held") else "empty" if mark.get("empty") else "graded"


def _question(result):
    return result.exercise.question if isinstance(result.exercise, Exercise) else "extra"


def _name(result):
    return result.exercise.id if isinstance(result.exercise, Exercise) else result.exercise.title


def _points(results):
    earned = sum(result.score for result in results)
    return f"{earned:3g} of {sum(result.exercise.points for result in results):3g}"
