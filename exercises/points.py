"""pytest plugin: a table of points at the end of a run, and with `--results FILE` the same as JSON.

An exercise earns its points if its test passes: all or none. The JSON has the form that Gradescope
reads.
"""

import json
import textwrap

import pytest

from exercises.beyond import finding, notes
from exercises.stored import exercises
from exercises.verdict import judge

# From each exercise judged in this run to its verdict
VERDICTS: pytest.StashKey[dict] = pytest.StashKey()
# The same for tasks that earn no points: from the name to what is wrong
BEYOND: pytest.StashKey[dict] = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption(
        "--results",
        metavar="FILE",
        help="write the points of the exercises as JSON (Gradescope's form)",
    )


def pytest_configure(config):
    config.stash[VERDICTS] = {}
    config.stash[BEYOND] = {}


@pytest.fixture
def check(pytestconfig):
    """Function that fails the test with one message if an exercise is not right."""

    def check(exercise):
        verdicts = pytestconfig.stash[VERDICTS]
        verdict = verdicts[exercise] = judge(exercise)
        if not verdict.right:
            pytest.fail(_begun_below(exercise, verdicts) or str(verdict), pytrace=False)

    return check


@pytest.fixture
def check_beyond(pytestconfig):
    """Function that fails the test if a task that earns no points is not right."""

    def check_beyond(name):
        said = pytestconfig.stash[BEYOND][name] = finding(name)
        if said:
            pytest.fail(said, pytrace=False)

    return check_beyond


def pytest_collection_finish(session):
    """If nothing else is tested, pytest's own list of failures would only repeat the table."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    ours = {"check", "check_beyond"}
    if reporter and all(ours.intersection(getattr(i, "fixturenames", ())) for i in session.items):
        reporter.reportchars = ""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    result = yield  # the table comes last
    verdicts = config.stash[VERDICTS]
    if verdicts:
        terminalreporter.section("points")
        terminalreporter.write_line(table(verdicts, beyond=config.stash[BEYOND]))
    return result


def pytest_sessionfinish(session):
    path = session.config.getoption("--results")
    if path and session.config.stash[VERDICTS]:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results(session.config.stash[VERDICTS]), file, indent=1)


def table(verdicts, width=100, beyond=None):
    """Points by exercise, with one reason for each that is not right, and notes.

    Inputs:
    - verdicts: Dictionary from exercise to `Verdict`
    - width: Characters in a line
    - beyond: None, or a dictionary from tasks that earn no points to what is wrong with them

    Returns: the table, a string
    """
    lines = []
    earned = _earned(verdicts)
    for exercise, points, _ in _rows(verdicts):
        lines.append(f"{exercise:36s}{earned[exercise]:3d} of {points}")
        said = [_reason(exercise, verdicts)]
        said += _notes(exercise) if verdicts[exercise].right else []
        lines += _indented(said, width)
    for name, said in (beyond or {}).items():
        lines.append(f"{name:36s}{'not right' if said else 'right'}")
        lines += _indented([said.removeprefix(f"{name}: ")], width)
    total = sum(points for _, points, _ in _rows(verdicts))
    lines.append(f"{'':36s}{sum(earned.values()):3d} of {total}")
    return "\n".join([*lines, *_up_to(verdicts, earned, width)])


def _notes(exercise):
    return [f"A note on {note}" for note in notes(exercise)]


def _indented(sentences, width):
    wrap = textwrap.TextWrapper(width, initial_indent="    ", subsequent_indent="    ")
    return [line for sentence in sentences for line in wrap.wrap(sentence)]


def _earned(verdicts):
    """Points of each exercise. float64 instead of float32 costs a few, once per question."""
    earned = {}
    charged = set()
    for exercise, points, verdict in _rows(verdicts):
        about = exercises()[exercise]
        earned[exercise] = points if verdict.right or verdict.slip else 0
        if verdict.slip and about["question"] not in charged:
            charged.add(about["question"])
            earned[exercise] = max(points - about["slip"], 0)
    return earned


def _up_to(verdicts, earned, width):
    """A sentence on the highest possible score: an exercise that builds on a wrong one may still be
    right itself, and grading tests it on top of right functions.
    """
    hidden = [
        (exercise, points)
        for exercise, points, verdict in _rows(verdicts)
        if not earned[exercise] and not verdict.missing and _below(exercise, verdicts)
    ]
    if not hidden:
        return []
    most = sum(earned.values()) + sum(points for _, points in hidden)
    text = (
        f"One mistake costs once: when your work is graded, {_and([e for e, _ in hidden])} "
        f"will be tried on top of right functions, too. Your score can then reach {most} points."
    )
    return textwrap.wrap(text, width)


def _and(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def results(verdicts):
    """The points as a dictionary in the form of Gradescope's results.json."""
    earned = _earned(verdicts)
    tests = [
        {
            "name": exercise,
            "number": f"{exercises()[exercise]['question'][1:]}.{number}",
            "score": earned[exercise],
            "max_score": points,
            "output": str(verdict),
            "visibility": "visible",
        }
        for number, (exercise, points, verdict) in enumerate(_rows(verdicts), start=1)
    ]
    return {"tests": tests}


def _rows(verdicts):
    """Exercise, points and verdict, in the order of the manifest."""
    return [
        (name, about["points"], verdicts[name])
        for name, about in exercises().items()
        if name in verdicts
    ]


def _reason(exercise, verdicts):
    """Why an exercise earns nothing; if it builds on one that is not right either, that one comes
    first.
    """
    verdict = verdicts[exercise]
    return _begun_below(exercise, verdicts) or verdict.reason


def _begun_below(exercise, verdicts):
    """Where to begin, if an exercise is not right and builds on one that is not right either;
    otherwise an empty string.
    """
    verdict = verdicts[exercise]
    if verdict.right or verdict.missing:
        return ""
    below = _below(exercise, verdicts)
    if below:
        begin = f"{exercise} builds on {below[0]}, which is not right yet: begin there."
        known = verdict.hint if (verdict.hint or "").startswith("It looks as if") else None
        return " ".join(filter(None, [begin, known]))
    imprecise = [name for name in _needs(exercise, verdicts) if verdicts[name].slip]
    if verdict.slip and imprecise:
        return (
            f"{exercise} builds on {imprecise[0]}, which turns float32 into float64: begin there. "
            "This costs points only once."
        )
    return ""


def _below(exercise, verdicts):
    """The exercises that this one builds on and that are not right."""
    return [name for name in _needs(exercise, verdicts) if not _earns_points(verdicts[name])]


def _needs(exercise, verdicts):
    return [name for name in exercises()[exercise]["needs"] if name in verdicts]


def _earns_points(verdict):
    return verdict.right or verdict.slip
