"""HTML pages: one for each student, and one about the class. Pictures are embedded, so the pages
need no network.
"""

from collections import Counter
from functools import cache
from pathlib import Path
from statistics import mean, median

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.manifest import MANIFEST, Exercise
from grading.results import status_of

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_COMMON = 15  # mistakes on the page about the class


def page(name, graded):
    """A student's page.

    Inputs:
    - name: Name of the submission
    - graded: `marks.Grade`

    Returns: HTML
    """
    questions = [
        (question, _of_question(graded, question)) for question in MANIFEST.questions.values()
    ]
    pictures = {
        question.id: graded.pictures.get(question.notebook, ())
        for question in MANIFEST.questions.values()
    }
    return _template("feedback.html").render(
        name=name, graded=graded, questions=questions, pictures=pictures, total=MANIFEST.points
    )


def statistics(results, *, anonymous=False):
    """The page about a class.

    Inputs:
    - results: Dictionary from the name of a submission to the content of its results.json
    - anonymous: Whether to leave out names

    Returns: HTML
    """
    counted = {name: each for name, each in results.items() if status_of(each) == "graded"}
    scores = [result["score"] for result in counted.values()]
    step = MANIFEST.points / 10
    bins = Counter(min(int(score / step), 9) for score in scores)
    solved = Counter()
    hints = Counter()
    boxes = Counter()
    for result in counted.values():
        mark = result["extra_data"]
        solved.update(test["name"] for test in result["tests"] if test["score"] > 0)
        hints.update((exercise, hint) for exercise, hint in mark.get("hints", {}).items())
        boxes[mark.get("box") or "none"] += 1
    return _template("statistics.html").render(
        scores=scores,
        median=median(scores or [0]),
        mean=mean(scores or [0]),
        total=MANIFEST.points,
        bins=[
            (f"{k * step:g} to {'under ' if k < 9 else ''}{(k + 1) * step:g}", bins[k])
            for k in range(10)
        ],
        exercises=[(exercise, solved[exercise.id]) for exercise in MANIFEST.exercises.values()],
        hints=hints.most_common(MOST_COMMON),
        boxes=boxes,
        notices=list(_notices(results, anonymous)),
    )


def _notices(results, anonymous):
    """Sentences about the submissions that somebody has to check."""
    groups = {"Not graded": [], "Held for review": [], "Nothing to grade": []}
    for name, result in sorted(results.items()):
        mark = result.get("extra_data", {})
        status = status_of(result)
        if status in ("failed", "missing"):
            groups["Not graded"].append((name, mark.get("failed", "")))
        elif status == "held":
            groups["Held for review"].append((name, mark["held"]))
        elif status == "empty":
            groups["Nothing to grade"].append((name, result.get("output", "").split("\n")[0]))
    for title, people in groups.items():
        if people and anonymous:
            yield f"{title}: {len(people)}"
        elif people:
            names = [f"{name} ({reason})" if reason else name for name, reason in people]
            yield f"{title}: {', '.join(names)}"


def _of_question(graded, question):
    results = [result for result in graded.results if isinstance(result.exercise, Exercise)]
    return [result for result in results if result.exercise.question == question.id]


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
