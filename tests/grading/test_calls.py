"""Calls of the exercises: any kind of cache works, changed arguments are noticed, and messages
about the returned values are clear.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from exercises.calls import CALLS, Package
from exercises.compare import compare
from exercises.verdict import judge
from grading import cases
from grading.assemble import package
from grading.manifest import MANIFEST
from grading.variants import plain


def layers(**functions):
    return SimpleNamespace(rnn_layers=SimpleNamespace(**(vars(plain) | functions)))


def test_every_exercise_has_a_call_and_cases():
    """The manifest, the calls and the makers of cases have the same exercises."""
    assert list(CALLS) == list(MANIFEST.exercises) == list(cases.MAKERS)


@pytest.mark.parametrize("exercise", CALLS)
def test_a_call_leaves_its_inputs_alone(exercise):
    """A call leaves its inputs unchanged, and a second call gives the same answer."""
    inputs = cases.inputs(exercise, 4)
    before = {name: array.copy() for name, array in inputs.items()}
    first, second = (CALLS[exercise](Package(), inputs) for _ in range(2))
    assert all(np.array_equal(before[name], array) for name, array in inputs.items())
    assert compare(first, second) == []
    assert all(type(array) is np.ndarray for array in first.values())


@pytest.mark.parametrize("spoil", ["x += 1", "x.resize(x.shape[::-1], refcheck=False)"])
def test_a_patched_comparison_hides_nothing(monkeypatch, spoil):
    """Changed arguments are noticed, even if code has replaced NumPy's comparisons."""
    monkeypatch.setattr(np, "array_equal", lambda *_, **__: True)

    def forward(x, prev_h, Wx, Wh, b):
        returned = plain.rnn_step_forward(x.copy(), prev_h, Wx, Wh, b)
        exec(spoil, {"x": x})
        return returned

    inputs = cases.inputs("rnn_step_forward", 4)
    outputs = CALLS["rnn_step_forward"](layers(rnn_step_forward=forward), inputs)
    assert not outputs["x kept"] and outputs["prev_h kept"]


def test_a_cache_must_outlive_the_next_call():
    """A backward pass that relies on what the last forward pass left in a global variable
    is wrong.
    """
    left = {}

    def forward(*arguments):
        next_h, left["cache"] = plain.rnn_step_forward(*arguments)
        return next_h, None

    def backward(dnext_h, cache):
        return plain.rnn_step_backward(dnext_h, left["cache"])

    assert not judge(
        "rnn_step_backward", layers(rnn_step_forward=forward, rnn_step_backward=backward)
    ).right


def test_zero_forward_with_zero_backward_is_wrong():
    """A pair of functions that fit together but compute nothing earns nothing."""

    def forward(x, prev_h, Wx, Wh, b):
        return np.zeros_like(prev_h), (x, prev_h, Wx, Wh, b)

    def backward(dnext_h, cache):
        return tuple(np.zeros_like(array) for array in cache)

    package = layers(rnn_step_forward=forward, rnn_step_backward=backward)
    assert not judge("rnn_step_forward", package).right
    assert not judge("rnn_step_backward", package).right


@pytest.mark.parametrize(
    "returned, says",
    [
        (
            None,
            "rnn_step_backward returned None: it must end with `return dx, dprev_h, dWx, dWh, db`",
        ),
        (
            (1, 2),
            "rnn_step_backward must return 5 values, dx, dprev_h, dWx, dWh, db, but returned 2 values",
        ),
        (
            np.zeros(5),
            "rnn_step_backward must return 5 values, dx, dprev_h, dWx, dWh, db, but returned a single ndarray",
        ),
    ],
)
def test_what_is_returned_is_counted(returned, says):
    """The message for a function that returns nothing, or too few or many values, says what is
    expected.
    """
    verdict = judge("rnn_step_backward", layers(rnn_step_backward=lambda dnext_h, cache: returned))
    assert verdict.findings == (f"ValueError: {says}",)


def test_a_loss_without_gradient_is_wrong():
    """A loss of the right value whose gradient is cut off does not pass."""

    def content_loss(weight, current, original):
        return weight * (current.detach() - original).square().sum()

    verdict = judge(
        "content_loss", SimpleNamespace(style_transfer=SimpleNamespace(content_loss=content_loss))
    )
    assert [finding.split()[0] for finding in verdict.findings] == ["dcontent_current"]


@pytest.mark.parametrize(
    ("exercise", "name"),
    [
        ("compute_saliency_maps", "saliency"),
        ("make_fooling_image", "X_fooling"),
        ("class_visualization_update_step", "next_img"),
        ("gram_matrix", "gram"),
    ],
)
def test_nothing_returned_is_said(exercise, name):
    """For a function of pictures without a return, the message says so, with one picture or
    more.
    """
    nothing = package({exercise: lambda *_, **__: None})
    for inputs in cases.drawn(exercise, 0):
        with pytest.raises(ValueError, match=f"{exercise} returned None.*`return {name}`"):
            CALLS[exercise](nothing, inputs)
