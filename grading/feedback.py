"""Pages to read: one for each student, one about the class. They hold their pictures, and need no
network.
"""

from collections import Counter
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.manifest import MANIFEST

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_COMMON = 15  # mistakes on the page about the class


def page(name, graded):
    """A student's page.

    Inputs:
    - name: Of the submission
    - graded: `grade_one.Grade`

    Returns: HTML
    """
    questions = [
        (question, [result for result in graded.results if result.exercise.question == question.id])
        for question in MANIFEST.questions.values()
    ]
    pictures = {
        question.id: graded.pictures.get(question.notebook, ())
        for question in MANIFEST.questions.values()
    }
    return _template("feedback.html").render(
        name=name, graded=graded, questions=questions, pictures=pictures, total=_total()
    )


def statistics(results):
    """The page about a class.

    Inputs:
    - results: Dictionary from the name of a submission to what is in its results.json

    Returns: HTML
    """
    graded = {name: result for name, result in results.items() if result.get("tests")}
    scores = sorted(result["score"] for result in graded.values())
    bins = Counter(min(int(score) // 10, 9) for score in scores)
    solved, hints = Counter(), Counter()
    for result in graded.values():
        solved.update(test["name"] for test in result["tests"] if test["score"] > 0)
        hints.update(
            (exercise, hint) for exercise, hint in result["extra_data"].get("hints", {}).items()
        )
    return _template("statistics.html").render(
        scores=scores,
        median=scores[len(scores) // 2] if scores else 0,
        mean=sum(scores) / len(scores) if scores else 0,
        total=_total(),
        bins=[(f"{10 * k} to {10 * k + 9 if k < 9 else _total()}", bins[k]) for k in range(10)],
        exercises=[(exercise, solved[exercise.id]) for exercise in MANIFEST.exercises.values()],
        hints=hints.most_common(MOST_COMMON),
        boxes=Counter(result["extra_data"].get("box") or "none" for result in graded.values()),
        missing=sorted(set(results) - set(graded)),
    )


def _total():
    return sum(question.points for question in MANIFEST.questions.values())


@cache
def _template(name):
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
