"""A backward pass that is right for a forward pass that is wrong in a known way."""

import numpy as np
import pytest

from exercises.calls import CALLS
from grading import cases, grade_one
from grading.assemble import package
from grading.follow_up_errors import gradients, known_mistake
from grading.manifest import MANIFEST
from grading.marks import Mark, with_slips
from grading.mistakes import mistakes
from grading.sandbox import BoxError
from grading.variants import plain


def mistake(function, cause):
    (found,) = [m for m in mistakes() if m.function == function and cause in m.cause]
    return found


def no_tanh(x, prev_h, Wx, Wh, b):
    return x @ Wx + prev_h @ Wh + b, {
        "x": x,
        "prev_h": prev_h,
        "weights": (Wx, Wh),
    }  # a cache of unusual form


def no_tanh_backward(dnext_h, cache):
    x, prev_h, (Wx, Wh) = cache["x"], cache["prev_h"], cache["weights"]
    return dnext_h @ Wx.T, dnext_h @ Wh.T, x.T @ dnext_h, prev_h.T @ dnext_h, dnext_h.sum(axis=0)


class InProcess:
    """A fake sandbox that runs functions of this file in place of the student's."""

    def __init__(self, **functions):
        self.functions = functions

    def ask(self, about, groups, lend=None):
        names = [name for lent in about.get("lent", ()) for name in lent["names"]]
        tried = package(self.functions | {name: getattr(plain, name) for name in names})
        try:
            return "done", [CALLS[about["exercise"]](tried, inputs) for inputs in groups]
        except Exception as error:
            raise BoxError(str(error)) from error


def judge(**functions):
    exercise = MANIFEST.exercises["rnn_step_backward"]
    box = InProcess(**functions)
    own = grade_one.try_own(box, exercise, seed=5)
    return own if own.points else grade_one.try_again(box, exercise, set(), seed=5) or own


def test_it_earns_its_points():
    """Both functions lack tanh, and agree: the forward pass has lost its points, the backward pass
    keeps its own.
    """
    verdict = judge(rnn_step_forward=no_tanh, rnn_step_backward=no_tanh_backward)
    assert verdict.points == 4 and "right for your rnn_step_forward" in verdict.remark


def test_an_unknown_forward_pass_is_no_measure():
    """Half of tanh is not a known mistake: a backward pass that fits it earns nothing."""

    def half(*arguments):
        next_h, cache = no_tanh(*arguments)
        return next_h / 2, cache

    verdict = judge(
        rnn_step_forward=half, rnn_step_backward=lambda d, cache: no_tanh_backward(d / 2, cache)
    )
    assert verdict.points == 0


def test_a_wrong_backward_pass_stays_wrong():
    """A backward pass that is right neither for the right forward pass nor for the student's earns
    nothing.
    """

    def doubled(dnext_h, cache):
        return no_tanh_backward(2 * dnext_h, cache)

    assert judge(rnn_step_forward=no_tanh, rnn_step_backward=doubled).points == 0


@pytest.mark.parametrize("seed", [3, 5])  # float64, float32
def test_gradients_of_a_known_mistake(seed):
    """Finite differences of the cell without tanh are its closed form; names and dtypes are the
    reference's.
    """
    inputs = cases.inputs("rnn_step_backward", seed)
    expected = cases.reference("rnn_step_backward", inputs)
    found = gradients(
        "rnn_step_forward", mistake("rnn_step_forward", "tanh is missing"), inputs, expected
    )
    _, cache = no_tanh(*(inputs[name] for name in ("x", "prev_h", "Wx", "Wh", "b")))
    closed = no_tanh_backward(inputs["dnext_h"], cache)
    for name, right in zip(("dx", "dprev_h", "dWx", "dWh", "db"), closed, strict=True):
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_allclose(found[name], right, rtol=1e-4, atol=1e-5)
    assert set(found) == set(expected)


@pytest.mark.parametrize(
    "exercise", ["rnn_forward", "lstm_step_forward", "lstm_forward", "word_embedding_forward"]
)
def test_mistakes_are_recognised(exercise):
    """A mistake of the corpus is recognised by its numbers; the right forward pass is not one."""
    groups = [cases.inputs(exercise.replace("forward", "backward"), seed) for seed in range(4)]
    known = [m for m in mistakes() if exercise in m.exercises]
    for m in known:
        try:
            answers = [CALLS[exercise](package({exercise: m.wrong}), inputs) for inputs in groups]
        except Exception:
            continue  # it does not work for all sizes
        assert known_mistake(exercise, groups, answers) is not None
    assert (
        known_mistake(exercise, groups, [CALLS[exercise](package({}), inputs) for inputs in groups])
        is None
    )


def test_too_few_answers_earn_nothing():
    """Answering only some of the cases, even correctly, earns nothing."""

    class Short(InProcess):
        def ask(self, about, groups, lend=None):
            done, answers = super().ask(about, groups, lend)
            return done, answers[:-1]

    exercise = MANIFEST.exercises["rnn_step_forward"]
    assert grade_one.try_own(InProcess(), exercise, seed=5).points
    short = grade_one.try_own(Short(), exercise, seed=5)
    assert not short.points and "did not answer every question" in short.reason


def test_float64_costs_once_in_a_question():
    """Right numbers in float64 for float32 inputs cost the manifest's few points, once in each
    question, and the reason says how to fix it.
    """

    def precise(x, prev_h, Wx, Wh, b):
        next_h, cache = plain.rnn_step_forward(x, prev_h, Wx, Wh, b)
        return next_h.astype(np.float64), cache

    exercise = MANIFEST.exercises["rnn_step_forward"]
    mark = grade_one.try_own(InProcess(rnn_step_forward=precise), exercise, seed=5)
    assert mark.slip and mark.points == exercise.points
    other = Mark("rnn_forward", 3, "h must be float32, got float64.", slip=True)
    lstm = Mark("lstm_forward", 3, "h must be float32, got float64.", slip=True)
    first, second, third = with_slips([mark, other, lstm])
    expected = [exercise.points - MANIFEST.slip, 3, 3 - MANIFEST.slip]
    assert [m.points for m in (first, second, third)] == expected
    assert "dtype=x.dtype" in first.reason and "once per question" in first.reason


def test_float64_of_an_earlier_function_costs_nothing_more():
    """If the loss of the second question calls a function of the first that has already cost
    points, it costs none itself.
    """
    embedding = Mark("word_embedding_forward", 1, "out must be float32, got float64.", slip=True)
    loss = Mark("CaptioningRNN.loss[lstm]", 4, "dW_vocab must be float32.", slip=True)
    assert [mark.points for mark in with_slips([embedding, loss])] == [0, 4]
    assert [mark.points for mark in with_slips([loss])] == [4 - MANIFEST.slip]


def test_a_loss_of_one_entry_has_a_note():
    """A loss of shape (1,) earns its points, and a remark says what is usual."""
    from deeplearning.style_transfer import tv_loss

    exercise = MANIFEST.exercises["tv_loss"]
    one = InProcess(tv_loss=lambda *arguments: tv_loss(*arguments).reshape(1))
    mark = grade_one.try_own(one, exercise, seed=5)
    assert mark.points == exercise.points and "shape (1,)" in mark.remark
