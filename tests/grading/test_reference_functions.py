"""Functions lent to an exercise return the reference's values, and reveal nothing else."""

import numpy as np
import pytest

from deeplearning import rnn_layers
from grading import messages
from grading.reference_functions import (
    MAX_CALLS,
    MAX_ENTRIES,
    MAX_REFUSED,
    Lender,
    lent_functions,
    usual_forward,
)
from grading.sandbox import BoxError

rng = np.random.default_rng(0)
STEP = [rng.normal(size=shape) for shape in ((2, 3), (2, 4), (3, 4), (4, 4), (4,))]
SEQUENCE = [rng.normal(size=shape) for shape in ((2, 5, 3), (2, 4), (3, 4), (4, 4), (4,))]


class Closed:
    """A stand-in for a value that stays with the grader."""

    def __init__(self, number):
        self.number = number


class Sandbox:
    """The sandbox's end of the conversation, without any hostility."""

    def __init__(self, functions, **own):
        self.lender, self.own, self.kept = Lender(functions), own, []

    def call(self, name, *arguments):
        arrays = {}
        values = messages.described([list(arguments), {}], arrays, self._keep)
        about, (arrays,) = self.lender.answer({"call": name, "values": values}, [arrays], self._run)
        if "error" in about:
            raise RuntimeError(about["error"])
        return messages.restored(about["values"], arrays, self._fetch)

    def _run(self, about, groups):
        arguments = messages.restored(about["values"], groups[0], self._fetch)
        arrays = {}
        returned = self.own[about["run"]](*arguments)
        values = messages.described(returned, arrays, self._keep)
        return {"returned": True, "values": values}, [arrays]

    def _keep(self, value):
        if isinstance(value, Closed):
            return {"yours": value.number}
        self.kept.append(value)
        return {"mine": len(self.kept) - 1}

    def _fetch(self, about):
        return Closed(about["mine"]) if "mine" in about else self.kept[about["yours"]]


def test_values_without_a_look_into_caches():
    """A forward function returns its values and a closed cache, which its backward function
    takes.
    """
    sandbox = Sandbox(lent_functions(["rnn_step_forward", "rnn_step_backward"]))
    next_h, cache = sandbox.call("rnn_step_forward", *STEP)
    right, right_cache = rnn_layers.rnn_step_forward(*STEP)
    assert np.array_equal(next_h, right) and isinstance(cache, Closed)
    grads = sandbox.call("rnn_step_backward", next_h, cache)
    for a, n in zip(grads, rnn_layers.rnn_step_backward(right, right_cache), strict=True):
        assert np.array_equal(a, n)


def test_a_loop_over_the_students_own_steps():
    """Over a sequence the loop runs here, and the steps are the student's, whose caches come back
    as they were.
    """

    def step(x, prev_h, Wx, Wh, b):
        next_h, _ = rnn_layers.rnn_step_forward(x, prev_h, Wx, Wh, b)
        return next_h, {1, 2, 3}  # can't be sent

    functions = {"rnn_forward": usual_forward("rnn_forward", "student")}
    h, caches = Sandbox(functions, rnn_step_forward=step).call("rnn_forward", *SEQUENCE)
    np.testing.assert_allclose(h, rnn_layers.rnn_forward(*SEQUENCE)[0])
    assert caches == [{1, 2, 3}] * 5


def test_a_usual_cache_is_a_tuple_of_arrays():
    """The usual forward pass of a step returns a readable cache, as most people write it."""
    functions = {"rnn_step_forward": usual_forward("rnn_step_forward", "usual")}
    _, cache = Sandbox(functions).call("rnn_step_forward", *STEP)
    assert type(cache) is tuple and all(type(part) is np.ndarray for part in cache)


@pytest.mark.parametrize("name", ["rnn_backward", "rnn_forward", "__class__", "eval", "kept"])
def test_only_what_is_lent_can_be_called(name):
    """No other function runs, whatever its name."""
    with pytest.raises(RuntimeError, match="invalid arguments"):
        Sandbox(lent_functions(["rnn_step_forward"])).call(name, *STEP)


@pytest.mark.parametrize(
    "arguments",
    [[], STEP[:4], [*STEP, 1], ["x"] * 5, [np.zeros((MAX_ENTRIES + 1, 1))] * 5, [Closed(7)] * 5],
)
def test_odd_arguments_are_refused_without_details(arguments):
    """Arguments that do not fit give one plain sentence, with nothing of the reference in it."""
    with pytest.raises(RuntimeError) as refused:
        Sandbox(lent_functions(["rnn_step_forward"])).call("rnn_step_forward", *arguments)
    assert "(" in str(refused.value) and len(str(refused.value)) < 80


def test_a_trial_may_not_ask_for_ever():
    """After many refusals the trial ends; after very many calls nothing is answered any more."""
    sandbox = Sandbox(lent_functions(["rnn_step_forward"]))
    for _ in range(MAX_REFUSED):
        with pytest.raises(RuntimeError):
            sandbox.call("eval")
    with pytest.raises(BoxError):
        sandbox.call("eval")
    many = Sandbox(lent_functions(["rnn_step_forward"]))
    many.lender.calls = MAX_CALLS
    with pytest.raises(RuntimeError):
        many.call("rnn_step_forward", *STEP)
