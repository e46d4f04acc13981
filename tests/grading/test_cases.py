"""Unseen cases are reproducible, clear and of many sizes, and other software confirms the
answers.
"""

import functools

import numpy as np
import pytest
import torch

from deeplearning.classifiers import rnn
from exercises.calls import CALLS, Package
from exercises.compare import compare
from grading import cases
from grading.assemble import package

SEEDS = range(12)
inputs_of = functools.cache(cases.inputs)  # drawing clear ones takes a while


@pytest.mark.parametrize("exercise", CALLS)
def test_cases_come_from_their_seed(exercise):
    """Equal seeds give equal inputs, other seeds others; both precisions and sizes of 1 occur."""
    drawn = [inputs_of(exercise, seed) for seed in SEEDS]
    again = cases.inputs(exercise, 7)
    assert drawn[7].keys() == again.keys() and all(
        np.array_equal(drawn[7][name], again[name]) for name in again
    )
    shapes = {tuple(array.shape for array in inputs.values()) for inputs in drawn}
    assert len(shapes) > 6
    assert any(1 in array.shape for inputs in drawn for array in inputs.values())
    dtypes = {
        array.dtype for inputs in drawn for array in inputs.values() if array.dtype.kind == "f"
    }
    assert dtypes == {np.dtype(np.float32), np.dtype(np.float64)}


@pytest.mark.parametrize("exercise", CALLS)
def test_corners_are_in_every_run(exercise):
    """Whatever the seed, the same shapes are tried: sizes of 1, larger ones, and both precisions;
    only their numbers differ.
    """
    one, other = (cases.drawn(exercise, seed) for seed in (0, 1))
    corners = len(cases.CORNERS[exercise])
    shapes = [
        [[a.shape for a in inputs.values()] for inputs in run[:corners]] for run in (one, other)
    ]
    if exercise != "style_loss":  # layers of drawn sizes
        assert shapes[0] == shapes[1]
    assert len(one) == corners + cases.RANDOM and corners >= 4
    arrays = [array for inputs in one[:corners] for array in inputs.values()]
    assert any(1 in array.shape for array in arrays)
    assert max(array.size for array in arrays) > 80
    dtypes = {array.dtype.name for array in arrays if array.dtype.kind == "f"}
    assert dtypes == {"float32", "float64"}


@pytest.mark.parametrize(
    ("exercise", "array"),
    [("make_fooling_image", "X"), ("class_visualization_update_step", "img")],
)
def test_several_pictures_at_once(exercise, array):
    """Pictures that are changed step by step are tried one by one, and at least three together."""
    counts = {len(cases.corner(exercise, 5, k)[array]) for k in range(4)}
    assert 1 in counts and max(counts) >= 3


def test_gradients_are_large_enough_to_be_clipped():
    """In one corner case gradients are far beyond 5, the usual bound for clipping."""
    for exercise in ("rnn_backward", "lstm_backward", "rnn_step_backward", "lstm_step_backward"):
        inputs = cases.corner(exercise, 3, len(cases.CORNERS[exercise]) - 1)
        assert np.abs(cases.reference(exercise, inputs)["dx"]).max() > 20
    for cell in ("rnn", "lstm"):
        inputs = cases.corner(f"CaptioningRNN.loss[{cell}]", 3, 5)
        grads = cases.reference(f"CaptioningRNN.loss[{cell}]", inputs)
        assert min(np.abs(grads[f"d{name}"]).max() for name in ("Wx", "b")) > 20


def test_captions_with_holes():
    """One corner case has <NULL> between words, which shows a mask that only counts from
    the start.
    """
    inputs = cases.corner("CaptioningRNN.loss[rnn]", 3, 4)
    after = inputs["captions"][:, 3:] != inputs["null"]
    assert (inputs["captions"][:, 2] == inputs["null"]).all() and after.any()


@pytest.mark.parametrize("exercise", CALLS)
def test_the_reference_is_right_in_both_precisions(exercise):
    """What the reference gives in float32 agrees with what it gives in float64."""
    for inputs in cases.drawn(exercise, 4):
        assert compare(CALLS[exercise](Package(), inputs), cases.reference(exercise, inputs)) == []


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_gradients_through_time_are_those_of_torch(cell):
    """PyTorch's own modules give the same gradients as the reference."""
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
        inputs = inputs_of(f"CaptioningRNN.sample[{cell}]", seed)
        captions = cases.reference(f"CaptioningRNN.sample[{cell}]", inputs)["captions"]
        assert (captions[:, :-1] == inputs["end"]).any()
        assert (captions != inputs["null"]).sum(axis=1).max() > 2


def test_pictures_are_fooled_after_different_numbers_of_steps():
    """Fooling takes one step or several, so that neither a loop nor its stop can be left out."""
    steps = []
    for seed in range(40):
        inputs = inputs_of("make_fooling_image", seed)
        steps.append(
            np.linalg.norm(cases.reference("make_fooling_image", inputs)["X_fooling"] - inputs["X"])
        )
        if min(steps) < 1.5 and max(steps) > 3:
            return
    pytest.fail(f"lengths of all changes: {steps}")


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_no_probability_of_a_word_is_zero(cell, monkeypatch):
    """The logarithm of a softmax is finite in each case of a loss, so code that takes it passes."""
    spread = []
    loss_of = rnn.temporal_softmax_loss

    def watched(scores, y, mask):
        spread.append(np.ptp(scores, axis=2).max() / -np.log(np.finfo(scores.dtype).tiny))
        return loss_of(scores, y, mask)

    monkeypatch.setattr(rnn, "temporal_softmax_loss", watched)
    for seed in range(20):
        for inputs in cases.drawn(f"CaptioningRNN.loss[{cell}]", seed):
            cases.reference(f"CaptioningRNN.loss[{cell}]", inputs)
    assert len(spread) >= 20 and max(spread) < 0.9


def too_short(dout, cache):
    """A gradient with as many rows as the largest occurring word requires."""
    x = cache[0]
    dW = np.zeros((x.max() + 1, dout.shape[-1]), dout.dtype)
    np.add.at(dW, x, dout)
    return dW


def fooling(stops, max_steps=100, eps=0.0):
    """Pictures that each take steps until `stops` is true of the scores; `first` is the class that
    a picture had at first.
    """

    def make_fooling_image(X, target_y, model):
        changed = []
        for x in X.split(1):
            first = model(x).argmax().item()
            for _ in range(max_steps):
                x = x.detach().requires_grad_()
                scores = model(x)[0]
                if first == target_y or stops(scores, target_y, first):
                    break
                (g,) = torch.autograd.grad(scores[target_y], x)
                x = x + g / (g.norm() + eps)
            changed.append(x.detach())
        return torch.cat(changed)

    return make_fooling_image


def on_top(scores, target_y, first):
    return scores.argmax() == target_y


def clamped(img, model, target_y, l2_reg, learning_rate):
    x = img.detach().requires_grad_()
    (g,) = torch.autograd.grad(model(x)[:, target_y].sum() - l2_reg * x.square().sum(), x)
    step = learning_rate * g / g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (x + step).detach().clamp(-2.2, 2.6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        ("word_embedding_backward", too_short),
        ("make_fooling_image", fooling(on_top, max_steps=12)),
        ("make_fooling_image", fooling(lambda scores, y, first: scores[y] > scores[first])),
        ("make_fooling_image", fooling(lambda scores, y, first: scores.argmax() != first)),
        ("class_visualization_update_step", clamped),
    ],
)
def test_rare_mistakes_are_found_by_every_seed(exercise, wrong, seed):
    """Each of these mistakes has a corner case, so no seed misses it."""
    tree = package({exercise: wrong})
    assert any(compare(CALLS[exercise](tree, i), e) for i, e in answered(exercise, seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6, 19])
def test_a_norm_that_is_kept_from_zero_is_right(seed):
    """Adding 1e-8 to the norm makes no noticeable difference: on a picture's way the gradient is
    never small. With these seeds it once was.
    """
    tree = package({"make_fooling_image": fooling(on_top, eps=1e-8)})
    for inputs, expected in answered("make_fooling_image", seed):
        assert not compare(CALLS["make_fooling_image"](tree, inputs), expected)


@functools.cache
def answered(exercise, seed):
    return [(i, cases.reference(exercise, i)) for i in cases.drawn(exercise, seed)]


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_odd_words_are_sampled(cell):
    """In a corner case <NULL> and <START> are sampled within a caption, which goes on after
    them.
    """
    for seed in range(3):
        inputs = cases.corner(f"CaptioningRNN.sample[{cell}]", seed, 0)
        captions = cases.reference(f"CaptioningRNN.sample[{cell}]", inputs)["captions"].tolist()
        said = [c[: c.index(inputs["end"])] if inputs["end"] in c else c for c in captions]
        for word in (inputs["null"], inputs["start"]):
            assert any(a == word != b for c in said for a, b in zip(c, c[1:], strict=False))


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_a_caption_without_words_counts(cell):
    """One corner case of the loss has a caption without words: the mean is over all captions."""
    corner = next(
        k for k, c in enumerate(cases.CORNERS[f"CaptioningRNN.loss[{cell}]"]) if "holes" in c
    )
    inputs = cases.corner(f"CaptioningRNN.loss[{cell}]", 0, corner)
    empty = (inputs["captions"][:, 1:] == inputs["null"]).all(axis=1)
    assert empty.any() and not empty.all()
