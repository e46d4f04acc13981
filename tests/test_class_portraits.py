"""Portraits of classes, by what the network says about them; their parts against closed forms."""

import math

import pytest
import torch

from deeplearning import class_portraits as cp
from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.image_utils import preprocess


def test_painted_classes_are_recognised():
    """Classes painted over several bands are taken for themselves with a probability over 0.99; the
    model stays.
    """
    model, chosen = load_squeezenet("toytown"), [0, 13, 20]
    before = [p.clone() for p in model.parameters()]
    pictures = cp.paint_classes(chosen, model, num_iterations=80)
    X = torch.cat([preprocess(picture, 128) for picture in pictures])
    X = X.to(next(model.parameters()))
    probabilities = model(X).softmax(1)
    assert all(probabilities[k, c] > 0.99 for k, c in enumerate(chosen))
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
    lengths = (
        math.sqrt(3 + 1e-3),
        math.sqrt(6 + 1e-3),
    )  # before the spot, across or down; at the spot, both
    torch.testing.assert_close(
        g[1, :, 2, 2], torch.full((3,), 2 / lengths[0] + 2 / lengths[1], dtype=g.dtype)
    )


def test_bands_add_up():
    """The bands that a gradient is taken apart into add up to it, and coarser ones are smoother."""
    g = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    bands = cp._bands(g)
    torch.testing.assert_close(sum(bands), g)
    rough = [((b[..., 1:] - b[..., :-1]).norm() / b.norm()).item() for b in bands]
    assert rough == sorted(rough, reverse=True)


def test_moving_keeps_size_and_plain_pictures():
    """Turning, scaling and shifting leaves the size, and a plain picture as it is; each draw is
    another one.
    """
    generator = torch.Generator().manual_seed(0)
    plain = torch.full((2, 3, 20, 24), 0.5)
    torch.testing.assert_close(cp._moved(plain, generator), plain)
    X = torch.randn(2, 3, 20, 24)
    assert not torch.equal(cp._moved(X, generator), cp._moved(X, generator))
