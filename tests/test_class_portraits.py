"""Portraits of classes, by what the network says about them; their parts against closed forms."""

import math

import pytest
import torch

from deeplearning import class_portraits as cp
from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.image_utils import black_and_white, preprocess


def test_painted_classes_are_recognised():
    """Classes painted through the robust network are taken for themselves with a probability over
    0.9; the model stays.
    """
    model, chosen = load_squeezenet("robust"), [0, 13, 20]
    before = [p.clone() for p in model.parameters()]
    pictures = cp.paint_classes(chosen, model, num_iterations=40)
    X = torch.cat([preprocess(picture, 128) for picture in pictures])
    X = X.to(next(model.parameters()))
    probabilities = model(X).softmax(1)
    assert all(probabilities[k, c] > 0.9 for k, c in enumerate(chosen))
    assert all(
        torch.equal(p, q) and p.grad is None
        for p, q in zip(model.parameters(), before, strict=True)
    )
    with pytest.raises(ValueError, match="from 0 to 21"):
        cp.paint_classes([22], model)


def test_total_variation_gradient():
    """A flat picture has none; a spot has one that takes it down, and its neighbours before it up."""
    X = torch.zeros(2, 3, 5, 5, dtype=torch.float64)
    X[1, :, 2, 2] = 1.0
    g = cp._total_variation_gradient(X)
    assert not g[0].any() and (g[1, :, 2, 2] > 0).all()
    assert (g[1, :, 2, 1] < 0).all() and (g[1, :, 1, 2] < 0).all() and not g[1, :, :, 4].any()
    # before the spot, across or down; at the spot, both
    lengths = math.sqrt(3 + 1e-3), math.sqrt(6 + 1e-3)
    torch.testing.assert_close(
        g[1, :, 2, 2], torch.full((3,), 2 / lengths[0] + 2 / lengths[1], dtype=g.dtype)
    )


def test_pictures_are_sums_of_waves():
    """No waves are a grey picture. One wave along the first axis of colour is as it says: as many
    crests as its frequency, the same in red, green and blue, most in the middle. Of two waves with
    equal amplitudes the longer one is the larger. All stays between black and white.
    """
    low, high = black_and_white(torch.zeros((), dtype=torch.float64))
    waves = cp._Waves(64, low, high)
    amplitudes = torch.zeros(4, 3, 64, 33, 2, dtype=torch.float64)
    amplitudes[1, 0, 0, 4, 0] = 1.0  # four crests from left to right
    amplitudes[2, 0, 0, 8, 0] = 1.0  # eight
    amplitudes[3] = 1e3
    grey, four, eight, huge = waves.picture(amplitudes)
    torch.testing.assert_close(grey, ((low + high) / 2).expand(3, 64, 64))
    around = (four - grey) / (high - low)  # (3, 64, 64)
    torch.testing.assert_close(around[0], around[2])
    middle = around[0, 32]
    crests = (middle[1:-1] > middle[:-2]) & (middle[1:-1] > middle[2:]) & (middle[1:-1] > 0)
    assert 3 <= crests.sum() <= 4  # the first lies on the edge
    assert around[0, 32].abs().max() > 5 * around[0, 0].abs().max()
    assert (four - grey).abs().max() > 1.5 * (eight - grey).abs().max()
    assert (huge >= low).all() and (huge <= high).all()


def test_moving_keeps_size_and_plain_pictures():
    """Turning, scaling and shifting leaves the size, and a plain picture as it is; each draw is
    another one.
    """
    generator = torch.Generator().manual_seed(0)
    plain = torch.full((2, 3, 20, 24), 0.5)
    torch.testing.assert_close(cp._moved(plain, generator), plain)
    X = torch.randn(2, 3, 20, 24)
    assert not torch.equal(cp._moved(X, generator), cp._moved(X, generator))
