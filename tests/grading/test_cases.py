"""Unseen cases: reproducible, of many sizes, clear, and with answers that other software confirms."""

import numpy as np
import pytest
import torch

from exercises.calls import CALLS, Package
from exercises.compare import compare
from grading import cases

SEEDS = range(30)


@pytest.mark.parametrize("exercise", CALLS)
def test_cases_come_from_their_seed(exercise):
    """Equal seeds give equal inputs, other seeds other ones; both precisions and sizes of 1 occur."""
    drawn = [cases.inputs(exercise, seed) for seed in SEEDS]
    again = cases.inputs(exercise, 7)
    assert drawn[7].keys() == again.keys() and all(
        np.array_equal(drawn[7][name], again[name]) for name in again
    )
    shapes = {tuple(array.shape for array in inputs.values()) for inputs in drawn}
    assert len(shapes) > 10
    assert any(1 in array.shape for inputs in drawn for array in inputs.values())
    dtypes = {
        array.dtype for inputs in drawn for array in inputs.values() if array.dtype.kind == "f"
    }
    assert dtypes == {np.dtype(np.float32), np.dtype(np.float64)}


@pytest.mark.parametrize("exercise", CALLS)
def test_the_reference_is_right_in_both_precisions(exercise):
    """What the reference gives in float32 agrees with what it gives in float64."""
    for seed in SEEDS[:9]:
        inputs = cases.inputs(exercise, seed)
        assert compare(CALLS[exercise](Package(), inputs), cases.reference(exercise, inputs)) == []


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_gradients_through_time_are_those_of_torch(cell):
    """The stored side of the truth: PyTorch's own modules give the same gradients."""
    inputs = cases.inputs(f"{cell}_backward", 3)
    expected = cases.reference(f"{cell}_backward", inputs)
    x, h0, Wx, Wh, b, dh = (
        torch.tensor(inputs[name]) for name in ("x", "h0", "Wx", "Wh", "b", "dh")
    )
    H = h0.shape[1]
    order = np.r_[0 : 2 * H, 3 * H : 4 * H, 2 * H : 3 * H] if cell == "lstm" else np.arange(H)
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[cell](
        x.shape[2], H, batch_first=True
    ).double()
    weights = {
        "weight_ih_l0": Wx.T[order],
        "weight_hh_l0": Wh.T[order],
        "bias_ih_l0": b[order],
        "bias_hh_l0": 0 * b,
    }
    module.load_state_dict(weights)
    x.requires_grad_()
    h, _ = module(x, h0[None] if cell == "rnn" else (h0[None], torch.zeros_like(h0)[None]))
    h.backward(dh)
    np.testing.assert_allclose(expected["dx"], x.grad, atol=1e-12)
    np.testing.assert_allclose(expected["dWx"][:, order], module.weight_ih_l0.grad.T, atol=1e-12)
    np.testing.assert_allclose(expected["dWh"][:, order], module.weight_hh_l0.grad.T, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_sampled_captions_are_telling(cell):
    """Some caption ends before its last place and has more than one word."""
    for seed in SEEDS[:9]:
        inputs = cases.inputs(f"CaptioningRNN.sample[{cell}]", seed)
        captions = cases.reference(f"CaptioningRNN.sample[{cell}]", inputs)["captions"]
        assert (captions[:, :-1] == inputs["end"]).any()
        assert (captions != inputs["null"]).sum(axis=1).max() > 2


def test_pictures_are_fooled_after_different_numbers_of_steps():
    """Fooling takes no step, one or several, so that neither a loop nor its stop can be left out."""
    steps = []
    for seed in SEEDS:
        inputs = cases.inputs("make_fooling_image", seed)
        steps.append(
            np.linalg.norm(cases.reference("make_fooling_image", inputs)["X_fooling"] - inputs["X"])
        )
    assert min(steps) == 0 and max(steps) > 3
