"""Numerical gradients, and the verdict on gradients computed by hand."""

from functools import partial

import numpy as np
import pytest

from deeplearning.gradient_check import (
    NotRight,
    check_below,
    check_close,
    check_gradient,
    compare_gradients,
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    grad_check_sparse,
    rel_error,
)
from deeplearning.rnn_layers import lstm_backward, lstm_forward


@pytest.mark.parametrize("shape", [(1,), (2, 3), (2, 1, 4)])
def test_numerical_gradient_of_a_polynomial(shape):
    """The slope of sum(x^3) is 3 x^2, to the accuracy of central differences, and x is restored
    exactly.
    """
    x = np.random.default_rng(0).normal(size=shape)
    before = x.copy()
    grad = eval_numerical_gradient(lambda x: np.sum(x**3), x, verbose=False)
    np.testing.assert_allclose(grad, 3 * x**2, atol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_prints_only_when_asked(capsys):
    """verbose=True, the default, prints each index; verbose=False nothing."""
    eval_numerical_gradient(np.sum, np.ones((1, 2)), verbose=False)
    assert capsys.readouterr().out == ""
    eval_numerical_gradient(np.sum, np.ones((1, 2)))
    assert "(0, 1)" in capsys.readouterr().out


def test_numerical_gradient_of_an_array_function():
    """The gradient of sum(x A * df) is df A^T, also for a function that reuses its output array."""
    rng = np.random.default_rng(0)
    x, A, df = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    reused = np.empty((2, 4))
    grad = eval_numerical_gradient_array(lambda x: np.matmul(x, A, out=reused), x, df)
    np.testing.assert_allclose(grad, df @ A.T, atol=1e-8)


def test_x_is_restored_when_f_raises():
    """An exception inside f leaves x as it was."""
    x = np.array([0.1, 0.2])
    with pytest.raises(ZeroDivisionError):
        eval_numerical_gradient(lambda x: 1 / 0, x)
    np.testing.assert_array_equal(x, [0.1, 0.2])


def test_integer_points_are_refused():
    """An integer x would swallow h: it raises a ValueError."""
    with pytest.raises(ValueError, match="floating-point numbers, got an array of int64"):
        eval_numerical_gradient(np.sum, np.ones(2, np.int64))


def test_grad_check_sparse(capsys):
    """Prints one line for each place, with a small error for a right gradient and a large one for a
    wrong one.
    """
    x = np.random.default_rng(0).normal(size=(3, 4))
    for gradient, right in ((2 * x, True), (-2 * x, False)):
        grad_check_sparse(lambda x: np.sum(x**2), x, gradient, num_checks=5)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 5
        assert all((float(line.rsplit(" ", 1)[1]) < 1e-6) == right for line in lines)


def test_rel_error():
    """The element-wise maximum, NaN for NaN, and a ValueError for shapes that differ."""
    assert rel_error(np.array([1.0, 2.0]), np.array([1.0, 3.0])) == pytest.approx(0.2)
    assert rel_error(np.zeros(3), np.zeros(3)) == 0
    assert np.isnan(rel_error(np.array([np.nan]), np.array([np.nan])))
    with pytest.raises(ValueError, match="same shape"):
        rel_error(np.zeros(3), np.zeros((3, 1)))


@pytest.mark.parametrize("shape", [(1,), (4, 4), (2, 5, 3)])
def test_verdict_names_the_worst_place(shape):
    """A wrong gradient fails, and its worst place is named with both values."""
    right = np.random.default_rng(0).normal(size=shape)
    wrong = right.copy()
    index = tuple(size - 1 for size in shape)
    wrong[index] += 0.5
    verdict = compare_gradients(wrong, right, "dx")
    assert not verdict and "dx: " in str(verdict) and "WRONG" in str(verdict)
    place = [int(i) for i in index]
    assert f"Worst at {place}: {wrong[index]:.6g}, expected {right[index]:.6g}." in str(verdict)


@pytest.mark.parametrize(
    "analytic, message",
    [
        (np.ones((3, 2)), "Expected shape (2, 3), got (3, 2)"),
        (np.ones((1, 3)), "Expected shape (2, 3), got (1, 3)"),
        (np.full((2, 3), np.nan), "6 entries that are NaN"),
        (np.ones((2, 3)).view(np.matrix), "got matrix"),
        (np.ones((2, 3), object), "got an array of object"),
        ([[1.0] * 3] * 2, "got list"),
    ],
)
def test_verdict_refuses_what_cannot_be_compared(analytic, message):
    """Broadcastable shapes, NaN, subclasses that could answer comparisons, and other types are
    wrong.
    """
    verdict = compare_gradients(analytic, np.ones((2, 3)))
    assert not verdict and message in str(verdict)


def test_nan_in_the_numerical_gradient_is_not_right():
    """NaN against NaN does not agree."""
    assert not compare_gradients(np.array([np.nan]), np.array([np.nan]))
    assert not compare_gradients(np.array([1.0]), np.array([np.nan]))


def test_verdict_follows_the_rule():
    """Right exactly up to norm(a - n) = 1e-6 (norm(a) + norm(n)) + 1e-9; two zero gradients pass
    with a warning.
    """
    n = np.array([3.0, 4.0])
    assert compare_gradients(n * (1 + 1.9e-6), n)
    assert not compare_gradients(n * (1 + 2.1e-6), n)
    assert compare_gradients(np.array([0.9e-9]), np.array([0.0]))
    verdict = compare_gradients(np.zeros(3), np.zeros(3))
    assert verdict and "shows nothing" in str(verdict)


def test_verdict_on_a_right_lstm_does_not_depend_on_luck():
    """A right LSTM's dWh passes for every seed; its element-wise error is often above 1e-6."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x, h0, Wx, Wh, b = (
            rng.normal(size=s) for s in [(2, 10, 3), (2, 6), (3, 24), (6, 24), (24,)]
        )
        dh = rng.normal(size=(2, 10, 6))
        analytic = lstm_backward(dh, lstm_forward(x, h0, Wx, Wh, b)[1])[3]
        states = partial(_lstm_states, x, h0, Wx, b)
        numeric = eval_numerical_gradient_array(states, Wh, dh)
        assert compare_gradients(analytic, numeric)
        assert not compare_gradients(analytic * 1.001, numeric)


def _lstm_states(x, h0, Wx, b, Wh):
    return lstm_forward(x, h0, Wx, Wh, b)[0]


def test_checks_print_what_was_measured_and_stop(capsys):
    """A check that passes prints measurement and limit; one that fails raises AssertionError with
    both.
    """
    check_close("h", np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]), 1e-8)
    check_below("loss", np.float32(0.25), 0.5)
    check_gradient("dW", np.ones(2), np.ones(2))
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "h",
        "loss",
        "dW",
    ]
    for check in (
        lambda: check_close("h", np.array([1.0]), np.array([1.1]), 1e-8),
        lambda: check_close("h", np.array([np.nan]), np.array([np.nan]), 1e-8),
        lambda: check_close("h", np.ones((1, 2)), np.ones(2), 1e-8),
        lambda: check_below("loss", 0.5, 0.5),
        lambda: check_below("loss", np.nan, 0.5),
        lambda: check_gradient("dW", np.ones(2), np.zeros(2)),
    ):
        with pytest.raises(AssertionError, match="(h|loss|dW): .*(limit|expected shape)"):
            check()


def test_check_close_shows_both_numbers_and_the_known_mistake():
    """A wrong result is shown next to the expected one, at the worst place, and a mistake that
    would give the same is named; another one is not.
    """
    known = {"a mean over time": 0.5, "a sum over captions": 30.0}
    with pytest.raises(AssertionError, match=r"Here: 0.5, expected 6. This is what a mean over"):
        check_close("loss", 0.5, 6.0, 1e-6, known)
    with pytest.raises(AssertionError, match=r"Here: 0.7, expected 6\.$"):
        check_close("loss", 0.7, 6.0, 1e-6, known)
    with pytest.raises(AssertionError, match=r"Worst at \[1, 0\]: nan, expected 3\."):
        check_close("h", np.array([[1.0, 2.0], [np.nan, 4]]), np.arange(1.0, 5).reshape(2, 2), 1e-6)


def test_jupyter_shows_a_failed_check_without_a_traceback():
    """IPython asks an exception for what to show: it is the message, line by line."""
    assert NotRight("dW is wrong.\nIt looks as if ...")._render_traceback_() == [
        "dW is wrong.",
        "It looks as if ...",
    ]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_coarse_arrays_are_not_called_wrong(dtype, which):
    """If float32 is too coarse to tell right from wrong, the message says what to do."""
    pair = [np.full((2, 3), 0.1), np.full((2, 3), 0.1)]
    pair[which] = pair[which].astype(dtype) * dtype(1.001)
    verdict = compare_gradients(*pair)
    assert not verdict and "WRONG" not in str(verdict)
    assert f"can't be judged. The arrays are {np.dtype(dtype)}" in str(verdict)
    assert "x.astype(np.float64)" in str(verdict)


def test_sparse_checks_of_coarse_arrays_say_so(capsys):
    """The numbers of a check in float32 come with the reason why they differ."""
    for dtype in (np.float64, np.float32):
        x = np.ones((2, 3), dtype)
        grad_check_sparse(lambda x: np.sum(x**2), x, 2 * x, num_checks=1)
    output = capsys.readouterr().out
    assert output.count("use float64") == 1 and "x is float32" in output


def test_arrays_without_axes():
    """A single number is checked as an array is, and its gradient may be NumPy's scalar."""
    x = np.array(2.0)
    numeric = eval_numerical_gradient(lambda x: x**2, x, verbose=False)
    assert compare_gradients(2 * x, numeric) and compare_gradients(np.array(4.0), numeric)
    assert "WRONG. Here: 5, expected 4." in str(compare_gradients(np.float64(5), numeric))
    assert compare_gradients(
        3 * x**2, eval_numerical_gradient_array(lambda x: x**3, x, np.array(1.0))
    )
    assert not compare_gradients(4.0, numeric)
