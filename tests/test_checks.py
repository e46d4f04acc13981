"""Checks of arguments: shapes in letters, kinds of numbers, indices."""

import numpy as np
import pytest

from deeplearning.checks import check_counts, check_finite, check_indices, check_upstream, takes


@takes(x="N D*", W="D 4H", y="int N", mask="bool N")
def layer(x, W, y=None, mask=None):
    """A layer."""
    return x, W, y, mask


def test_arguments_that_fit_pass_unchanged():
    """The function gets its arguments, by position or by name, and keeps its name and docstring."""
    x, W, y = np.ones((2, 3, 1)), np.ones((3, 8)), np.array([0, 1])
    assert layer(x, W) == (x, W, None, None)
    assert layer(x, W=W, y=y)[2] is y
    assert layer.__name__ == "layer" and layer.__doc__ == "A layer."


@pytest.mark.parametrize(
    "change, message",
    [
        ({"x": [[1.0]]}, "x must be a NumPy array of floating-point numbers, got list"),
        ({"x": np.ones((2, 3), int)}, "x must be .* got an array of int64"),
        ({"x": np.ones(2)}, r"x must have shape \(N, d_1, ..., d_k\), got \(2,\)"),
        ({"x": np.ones((2, 4))}, r"W must have shape \(D, 4H\) with D = 4, got \(3, 8\)"),
        ({"W": np.ones((3, 7))}, r"W must have shape \(D, 4H\) with D = 3, got \(3, 7\)"),
        ({"y": np.ones(2)}, "y must be a NumPy array of integers, got an array of float64"),
        ({"y": np.ones(3, int)}, r"y must have shape \(N,\) with N = 2, got \(3,\)"),
        ({"mask": np.ones(2, int)}, "mask must be a NumPy array of bools"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    """The first argument that does not fit is named, with what was expected and what came."""
    with pytest.raises(ValueError, match=message):
        layer(**({"x": np.ones((2, 3)), "W": np.ones((3, 8))} | change))


def test_python_names_what_is_missing():
    """A call that Python itself refuses raises its TypeError, not an error of ours."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'W'"):
        layer(np.ones((2, 3)))
    with pytest.raises(TypeError, match="positional arguments"):
        layer(np.ones((2, 3)), np.ones((3, 8)), None, None, None)


def test_no_rows_fit():
    """An axis of length zero has a size like any other."""
    assert layer(np.ones((0, 3)), np.ones((3, 8)))[0].shape == (0, 3)


def test_indices():
    """The first index outside is named with its place, unless it does not count."""
    indices = np.array([[0, 1], [7, -1]])
    with pytest.raises(ValueError, match=r"y\[1, 0\] = 7 is outside the 3 classes: .* 0 to 2"):
        check_indices("y", indices, 3, "the 3 classes")
    check_indices("y", indices, 3, "the 3 classes", where=np.isin(indices, [0, 1]))
    with pytest.raises(ValueError, match="y must be a NumPy array of integers, got float"):
        check_indices("y", 1.0, 3, "the 3 classes")


def test_upstream_gradient():
    """A gradient of another shape or kind than the output is named."""
    check_upstream("dout", np.ones((2, 3)), (2, 3))
    with pytest.raises(ValueError, match=r"dout must have the shape of the output, \(2, 3\)"):
        check_upstream("dout", np.ones((3, 2)), (2, 3))
    with pytest.raises(ValueError, match="dout must be a NumPy array of floating-point numbers"):
        check_upstream("dout", np.ones((2, 3), int), (2, 3))


@pytest.mark.parametrize("number", [np.nan, np.inf, None, "1", [1.0, 2.0], 10**400])
def test_finite(number):
    """Anything but a finite number is refused by its name."""
    check_finite(rate=1, other=np.float32(2))
    with pytest.raises(ValueError, match="expected a finite rate, got "):
        check_finite(other=1, rate=number)


@pytest.mark.parametrize("number", [1.0, None, "1", np.nan, True])
def test_counts(number):
    """Anything but an integer, or one too small, is refused by its name."""
    check_counts(steps=0, other=np.int64(3))
    with pytest.raises(ValueError, match="steps must be an integer, got "):
        check_counts(other=1, steps=number)
    with pytest.raises(ValueError, match="steps must be at least 2, got 1"):
        check_counts(2, steps=1)
