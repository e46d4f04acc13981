"""Verdicts on arrays: nothing wrong gets through, however it presents itself."""

import numpy as np
import pytest

from exercises.compare import compare, only_precision, settled

RIGHT = {"h": np.random.default_rng(0).normal(size=(3, 4, 5)), "x kept": np.array(True)}
H = RIGHT["h"]


class Agreeable(np.ndarray):
    """Answers every comparison in its own favour, and has any shape."""

    shape, dtype = H.shape, H.dtype

    def __array_ufunc__(self, *args, **kwargs):
        return np.array(True)

    def __array_function__(self, *args, **kwargs):
        return 0.0


def put(value):
    h = H.copy()
    h[1, 2, 3] = value
    return h


@pytest.mark.parametrize(
    "wrong, says",
    [
        (H.tolist(), "h must be a plain array, got builtins.list."),
        (None, "got builtins.NoneType"),
        (np.zeros_like(H).view(Agreeable), "h must be a plain array"),
        (np.ma.masked_array(H, mask=True), "h must be a plain array"),
        (H.astype(object), "h must be float64"),
        (H.astype(complex), "h must be float64"),
        (H.astype(np.float32), "h must be float64 like the arguments, got float32."),
        (H[:1], "h must have shape (3, 4, 5), got (1, 4, 5)."),
        (H[None], "h must have shape (3, 4, 5), got (1, 3, 4, 5)."),
        (H.ravel(), "h must have shape (3, 4, 5), got (60,)."),
        (np.float64(1), "h must be a plain array"),
        (put(np.nan), "h holds 1 numbers that are NaN or infinite."),
        (put(-np.inf), "h holds 1 numbers that are NaN or infinite."),
        (put(1e200), "h is wrong by"),
        (np.full_like(H, 1e308), "h is wrong by"),
        (np.zeros_like(H), "h is wrong by 1 of its size"),
        (1.001 * H, "h is wrong by 0.001 of its size"),
        (H + 1e-5, "h is wrong by"),
    ],
)
def test_wrong_arrays_are_found(wrong, says):
    """A wrong type, shape, precision, number or size gives one finding that names it."""
    (finding,) = compare(RIGHT | {"h": wrong}, RIGHT)
    assert says in finding


@pytest.mark.parametrize("dtype, factor", [(np.float64, 1 + 1e-9), (np.float32, 1 + 1e-6)])
def test_rounding_is_no_mistake(dtype, factor):
    """Rounding errors pass; a mistake of a tenth of a per cent is wrong in both precisions."""
    right = {"h": H.astype(dtype)}
    assert compare({"h": (factor * H).astype(dtype)}, right) == []
    assert compare({"h": (1.001 * H).astype(dtype)}, right)


def test_zero_against_zero_is_right_and_against_nothing_else():
    """Where zero is expected only zero is right; NaN is never right, not even where it is
    expected.
    """
    zero = {"d": np.zeros((2, 3))}
    assert compare(zero, zero) == []
    assert compare({"d": np.full((2, 3), 1e-8)}, zero)
    nan = {"d": np.full((2, 3), np.nan)}
    assert compare(nan, zero) and compare(nan, nan)


def test_names_must_be_those_asked_for():
    """Missing and superfluous outputs are reported."""
    assert compare({"x kept": np.array(True)}, RIGHT) == ["h is missing."]
    assert compare(RIGHT | {"c": H}, RIGHT) == ["c was not asked for."]


def test_changed_arguments_are_named():
    """An argument that was changed in place is a finding of its own."""
    assert compare(RIGHT | {"x kept": np.array(False)}, RIGHT) == ["x was changed in place."]


@pytest.mark.parametrize(
    "words, says",
    [
        (np.array([[1, 2], [3, 4]]), "words[1, 1] is 4, expected 5."),
        (np.array([[1.0, 2.0], [3.0, 5.0]]), "words must hold integers, got float64."),
        (np.array([[1, 2]]), "words must have shape (2, 2), got (1, 2)."),
    ],
)
def test_integers_are_compared_exactly(words, says):
    """Words may be integers of any width, and all have to be right."""
    expected = {"words": np.array([[1, 2], [3, 5]])}
    assert compare({"words": expected["words"].astype(np.int32)}, expected) == []
    assert compare({"words": words}, expected) == [says]


def test_findings_without_numbers():
    """For students, a finding says how far off an answer is, but never the right one."""
    right = {"y": np.array([[1.23456789, 2.0], [3.0, 4.0]]), "words": np.array([5, 6])}
    wrong = {"y": right["y"] * 1.1, "words": np.array([5, 7])}
    findings = " ".join(compare(wrong, right, numbers=False))
    assert "y is wrong, by roughly 0.1 of its size, most at [1, 1]." in findings
    assert "words is wrong in 50% of its entries, first at [1]." in findings
    assert not any(number in findings for number in ("1.2", "4.4", "expected", " 6", " 7"))


def test_a_loss_of_one_entry_counts():
    """A loss of shape (1,) is taken as a number, with a note; nothing else is reshaped."""
    right = {"loss": np.array(2.0), "y": np.zeros(1)}
    outputs, note = settled({"loss": np.array([2.0]), "y": np.zeros(1)}, right)
    assert compare(outputs, right) == [] and "(1,)" in note
    outputs, note = settled({"loss": np.array([[2.0]]), "y": np.zeros(())}, right)
    assert len(compare(outputs, right)) == 2 and not note


def test_only_precision():
    """float64 for float32 inputs is a slip if the numbers are right, and nothing else is one."""
    right = {"y": np.linspace(0, 1, 5, dtype=np.float32)}
    assert only_precision({"y": right["y"].astype(np.float64)}, right)
    assert not only_precision({"y": right["y"].astype(np.float64) * 2}, right)
    assert not only_precision({"y": right["y"].astype(np.float16)}, right)
    exact = {"y": np.linspace(0, 1, 5)}
    assert not only_precision({"y": exact["y"].astype(np.float32)}, exact)
