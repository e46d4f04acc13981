"""Portraits of classes, judged by the network's scores; their parts against closed forms."""

import math
import random

import numpy as np
import pytest
import torch

from deeplearning import class_portraits as cp
from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.datasets.toytown import clouds as cl
from deeplearning.datasets.toytown.world import KINDS
from deeplearning.image_utils import black_and_white, preprocess


def test_painted_classes_are_recognised():
    """Classes painted with the robust network are recognised with a probability over 0.9; the model
    stays unchanged.
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


def test_each_class_begins_with_its_most_probable_picture():
    """Without a step the pictures are what they begin with: of each class's own grounds, with a
    little noise on them, the one that the network takes most for that class. Grounds of another
    shape are refused.
    """

    class Red(torch.nn.Module):
        image_size = 16

        def forward(self, X):
            return torch.stack([X[:, 0].mean((1, 2)), -X[:, 0].mean((1, 2))], 1)

    reds = torch.tensor([[0.4, 0.6], [0.9, 0.8], [0.5, 0.1]])  # (K, n)
    starts = torch.full((3, 2, 3, 16, 16), 0.5)
    starts[:, :, 0] = reds[..., None, None]
    most, least = cp.paint_classes([0, 1], Red(), num_iterations=0, starts=starts)
    for picture, red in ((most, 0.9), (least, 0.1)):
        found = np.asarray(picture).mean((0, 1)) / 255
        np.testing.assert_allclose(found, [red, 0.5, 0.5], atol=0.1)
    for one in (1, np.int64(1), torch.tensor(1)):
        assert len(cp.paint_classes(one, Red(), num_iterations=0)) == 1
    for shape in ((3, 1, 3, 16, 16), (3, 2, 3, 16, 8), (0, 2, 3, 16, 16)):
        with pytest.raises(ValueError, match=r"expected starts of shape \(K, 2, 3, 16, 16\)"):
            cp.paint_classes([0, 1], Red(), starts=torch.zeros(shape))


def test_seeds_decide_on_clouds(monkeypatch):
    """Equal seeds give equal clouds, different seeds different ones."""
    monkeypatch.setattr(cl, "DRAWINGS", 2)
    clouds = cl.clouds(4)
    assert torch.equal(clouds, cl.clouds(4)) and not torch.equal(clouds, cl.clouds(4, seed=1))


def test_clouds_say_little():
    """All colours are in range, and kinds in their order. Clouds are made of wide patches, and the
    network that portraits are painted through names fewer than half of them.
    """
    clouds = cl.clouds(4)
    assert clouds.shape == (4, len(KINDS), 3, 128, 128)
    assert clouds.min() >= 0 and clouds.max() <= 1
    assert clouds.diff(dim=4).abs().max() < 0.03  # of neighbouring pixels
    model = load_squeezenet("robust")
    low, high = black_and_white(clouds)
    scores = model((low + (high - low) * clouds).flatten(0, 1)).view(4, len(KINDS), -1)
    assert (scores.argmax(2) == torch.arange(len(KINDS))).float().mean() < 0.5
    oranges = clouds[:, list(KINDS).index("pizza")].mean((0, 2, 3))
    assert oranges[0] > oranges[1] > oranges[2]


def test_clouds_vary_as_drawings_do(monkeypatch):
    """Many clouds of a kind have the mean and the variance of its drawings, seen as coarsely."""
    monkeypatch.setattr(cl, "BLUR", 0)
    monkeypatch.setattr(cl, "WIDTH", 60)
    drawn = []
    draw = cl._drawn
    monkeypatch.setattr(cl, "_drawn", lambda *a: drawn.append(draw(*a)) or drawn[-1])
    generator = torch.Generator().manual_seed(0)
    clouds = cl._clouds("boat", 1000, random.Random(0), generator)
    small = torch.nn.functional.avg_pool2d(clouds, 8)
    drawings = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2) / 255
    drawings = torch.nn.functional.avg_pool2d(drawings, 8)
    assert len(drawings) == cl.DRAWINGS
    gap = (small.mean(0) - drawings.mean(0)).abs().max()
    assert gap < 0.07 < drawings.mean(0).std()
    expected, found = drawings.std(0), small.std(0)
    torch.testing.assert_close(found.mean(), expected.mean(), rtol=0.1, atol=0)


def test_total_variation_gradient():
    """A flat picture has none; a spot has one that takes it down, and its neighbours before
    it up.
    """
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
