"""Sources become stubs: what stays, what goes, and how markers are read."""

import ast
from pathlib import Path

import pytest

from grading.manifest import MANIFEST, Exercise
from grading.stubs import find, marked, solution, stub_out

ROOT = Path(__file__).resolve().parents[2]
SKETCH = ("Add.", "Then return.")

SOURCE = '''"""A module."""

import numpy as np  # stays


def check_shape(x):
    """Given."""


def _secret(x):
    return _deeper(x) + 1


def _deeper(x):  # goes with the one above
    return x * 2


def _named(x):
    return x


def easy(x, *, y=1):
    """Docstring.

    With a second line.
    """
    check_shape(x)
    if x is None:
        raise ValueError("x")
    # a comment on the solution
    z = _secret(x)
    check_shape(z)
    return z + y  # and another


# BEGIN SOLUTION
TABLE = [1, 2]
# END SOLUTION


class Model:
    """A class."""

    def partly(self, x):
        """Given at both ends."""
        x = 2 * x  # given
        # BEGIN SOLUTION
        x = self._hidden(x)
        # END SOLUTION
        if x:
            # BEGIN SOLUTION
            x = 7
            # END SOLUTION
            x += 1
        return x

    def _hidden(self, x):
        return x - 4

    def last(self):
        return self.partly(3)
'''

STUB = '''"""A module."""

import numpy as np  # stays


def check_shape(x):
    """Given."""


def _named(x):
    return x


def easy(x, *, y=1):
    """Docstring.

    With a second line.
    """
    check_shape(x)
    if x is None:
        raise ValueError("x")
    # Call _named.
    # Return.
    raise NotImplementedError("Q1: write easy, in package/module.py")


class Model:
    """A class."""

    def partly(self, x):
        """Given at both ends."""
        x = 2 * x  # given
        # Add.
        # Then return.
        raise NotImplementedError("Q1 and Q2: write Model.partly, in package/module.py")
        if x:
            x += 1
        return x

    def last(self):
        raise NotImplementedError("Q1 and Q2: write Model.last, a part of Model.partly")
'''


def exercises():
    def exercise(name, question, **about):
        return Exercise(question, "package.module", name, 1, **about)

    return [
        exercise("easy", "q1", sketch=("Call _named.", "Return.")),
        exercise("Model.partly", "q1", cell_type="rnn", sketch=SKETCH, parts=("Model.last",)),
        exercise("Model.partly", "q2", cell_type="lstm", parts=("Model.last",)),
    ]


def test_a_stub_keeps_what_is_given():
    """Signature, docstring, checks at the top and unmarked lines stay unchanged; solutions, their
    comments, and private helpers that nothing else uses are removed; a helper that a sketch names
    stays.
    """
    assert stub_out(SOURCE, exercises()) == STUB


def test_an_exercise_that_is_not_there_is_refused():
    """A name in the manifest that the module lacks raises an error."""
    with pytest.raises(ValueError, match="has no easily"):
        stub_out(SOURCE, [Exercise("q1", "package.module", "easily", 1)])


@pytest.mark.parametrize(
    "source",
    [
        "# BEGIN SOLUTION\n",
        "# END SOLUTION\n",
        "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION\n",
    ],
)
def test_markers_come_in_pairs(source):
    """A marker without its partner is refused, with its line, so no solution is handed out by
    mistake.
    """
    with pytest.raises(ValueError, match=r"line \d: # (BEGIN|END) SOLUTION without a partner"):
        marked(source)


@pytest.mark.parametrize("name", MANIFEST.files)
def test_filled_back_in_it_is_the_source_again(name):
    """A stub differs from the source only in solutions and private helpers: with the exercises'
    functions and these helpers put back, it is the same program.
    """
    source = (ROOT / name).read_text(encoding="utf-8")
    mine = [exercise for exercise in MANIFEST.exercises.values() if exercise.path == name]
    whole, stub = ast.parse(source), ast.parse(stub_out(source, mine))
    for function in {n for exercise in mine for n in (exercise.name, *exercise.parts)}:
        regions = solution(source, find(whole, function))
        assert regions and all(regions)
        find(stub, function).body = find(whole, function).body
    for part, full in [(stub, whole), *zip(_classes(stub), _classes(whole), strict=True)]:
        there = {node.name for node in part.body if isinstance(node, ast.FunctionDef)}
        full.body = [
            node for node in full.body
            if not isinstance(node, ast.FunctionDef) or node.name in there or not node.name.startswith("_")
        ]  # fmt: skip
    assert ast.dump(stub) == ast.dump(whole)


def _classes(tree):
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("name", MANIFEST.files)
def test_no_line_gets_too_long(name):
    """Sketches fit into the 120 characters of a line, at the indent of their function."""
    mine = [exercise for exercise in MANIFEST.exercises.values() if exercise.path == name]
    stub = stub_out((ROOT / name).read_text(encoding="utf-8"), mine)
    assert max(map(len, stub.splitlines())) <= 120


def test_every_marked_region_belongs_to_an_exercise():
    """A function with a marked solution is in the manifest, as an exercise or as its part."""
    for name in MANIFEST.files:
        source = (ROOT / name).read_text(encoding="utf-8")
        tree = ast.parse(source)
        known = {
            n for e in MANIFEST.exercises.values() if e.path == name for n in (e.name, *e.parts)
        }
        inside = {line for n in known for line in _lines(find(tree, n))}
        assert {lines.start for lines in marked(source)} <= inside


def _lines(function):
    return range(function.lineno, function.end_lineno)
