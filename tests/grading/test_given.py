"""Functions of the reference for a second try: they work alone, and no other exercise is in them."""

import ast

import numpy as np
import pytest

from grading.given import given
from grading.manifest import MANIFEST

RNN_LAYERS = MANIFEST.files[0]
NEEDED = sorted(
    {tuple(ids) for exercise in MANIFEST.exercises.values() for ids in exercise.trials if ids}
)


def functions(source):
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("ids", NEEDED, ids=" ".join)
def test_no_other_exercise_is_in_it(ids):
    """What a box gets for a trial defines the exercises that are given, and none besides."""
    exercises = {exercise.name: exercise for exercise in MANIFEST.exercises.values()}
    for path in {MANIFEST.exercises[i].path for i in ids}:
        names = tuple(MANIFEST.exercises[i].name for i in ids if MANIFEST.exercises[i].path == path)
        assert functions(given(path, names)) & set(exercises) == set(names)


def test_given_functions_work():
    """A function alone, with what it calls, does what it does in its module."""
    names = {}
    exec(given(RNN_LAYERS, ("lstm_step_forward",)), names)
    rng = np.random.default_rng(0)
    x, h, c, Wx, Wh, b = (
        rng.normal(size=s) for s in ((2, 3), (2, 4), (2, 4), (3, 16), (4, 16), (16,))
    )
    from deeplearning.rnn_layers import lstm_step_forward

    assert np.array_equal(
        names["lstm_step_forward"](x, h, c, Wx, Wh, b)[0], lstm_step_forward(x, h, c, Wx, Wh, b)[0]
    )


def test_what_is_given_comes_before():
    """An exercise only ever gets the reference of earlier ones, so that no process sees what a
    later one is asked.
    """
    order = list(MANIFEST.exercises)
    for exercise in MANIFEST.exercises.values():
        assert all(order.index(needed) < order.index(exercise.id) for needed in exercise.needs)
