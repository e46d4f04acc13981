"""Maps of where a score comes from, against closed forms of tiny models, and their scoring."""

import pytest
import torch
from torch import nn

from deeplearning import network_visualization as nv
from deeplearning.attribution import grad_cam, integrated_gradients, pointing, smooth_grad
from tests.networks import condition
from tests.test_network_visualization import (
    MEAN,
    STD,
    C,
    Quadratic,
    dtypes,
    in_disorder,
    network,
    numbers,
    shapes,
)


def test_smooth_grad():
    """The map is the mean gradient's, not the mean map; for linear models with one sample it equals
    saliency's.
    """
    X = 3 * numbers(1, 3, 9, 8)
    linear, curved = Quadratic(X.shape, curvature=0), Quadratic(X.shape, slope=0)
    torch.testing.assert_close(
        smooth_grad(X, [1], linear, samples=1), nv.compute_saliency_maps(X, [1], linear)
    )
    error = smooth_grad(X, [1], curved, samples=900, noise=0.1) - nv.compute_saliency_maps(
        X, [1], curved
    )
    assert error.abs().max() < 5 * 0.1 * (X.max() - X.min()) * curved.a[1].abs().max() / 900**0.5


@pytest.mark.parametrize("samples", [1, 9])
def test_noise_of_smooth_grad(samples):
    """The noise has the standard deviation asked for, a share of each picture's own range, from a
    generator's seed.
    """
    X, model = torch.zeros(2, 3, 60, 60, dtype=torch.float64), Quadratic((1, 3, 60, 60), slope=0)
    model.a.data.fill_(1)  # the gradient is the picture itself
    X[0, 0], X[1, 2] = 50, 7  # the brightest colour stays the brightest
    maps = [
        smooth_grad(X, 0, model, samples, 0.05, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(maps[0], maps[1]) and not torch.equal(maps[0], maps[2])
    noise = maps[0] - torch.tensor([50.0, 7.0]).view(2, 1, 1)
    expected = 0.05 * torch.tensor([50.0, 7.0], dtype=torch.float64) / samples**0.5
    torch.testing.assert_close(noise.std((1, 2)), expected, rtol=0.06, atol=0)
    assert (noise.mean((1, 2)).abs() < 5 * expected / 60).all()


@shapes
@dtypes
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("X0", [None, numbers(3, 1, 1, seed=3), numbers(3, 7, 6, seed=3)])
def test_integrated_gradients(shape, dtype, steps, X0):
    """For quadratic scores the midpoint rule is exact, and attributions add up to the gain over the
    baseline's.
    """
    model, X, y = Quadratic(shape, dtype), numbers(*shape, dtype=dtype), torch.arange(shape[0])
    baseline = None if X0 is None else X0[:, : shape[2], : shape[3]].to(dtype)
    X0 = (-MEAN / STD).to(dtype) if X0 is None else baseline  # black
    found = integrated_gradients(X, y, model, steps, baseline)
    torch.testing.assert_close(
        found, (X - X0) * model.gradient((X + X0) / 2, y), rtol=1e-5, atol=1e-5
    )
    gain = (model(X) - model(X0.expand_as(X)))[range(len(y)), y].detach()
    torch.testing.assert_close(found.sum((1, 2, 3)), gain, rtol=1e-4, atol=1e-4)


def test_smooth_grad_refuses():
    """Zero samples, negative noise and zero steps are refused in a sentence."""
    X, model = numbers(1, 3, 4, 4), network()
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        smooth_grad(X, 0, model, samples=0, noise=0.1)
    with pytest.raises(ValueError, match="noise of at least 0, got -0.1"):
        smooth_grad(X, 0, model, samples=1, noise=-0.1)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        integrated_gradients(X, 0, model, steps=0)
    with pytest.raises(ValueError, match=r"broadcasts to \(1, 3, 4, 4\), got .* \(7,\)"):
        integrated_gradients(X, 0, model, baseline=torch.zeros(7))
    with pytest.raises(ValueError, match="a layer of the network, a module, got 'features'"):
        grad_cam(X, 0, model, "features")


class Pooled(nn.Module):
    """Channels of a picture, and scores that are linear in the means of these channels."""

    def __init__(self):
        super().__init__()
        self.features = nn.Identity()
        self.after = nn.ReLU(inplace=True)
        self.w = nn.Parameter(numbers(C, 3, seed=4))

    def forward(self, X):
        return self.after(self.features(X)).mean((2, 3)) @ self.w.T


def test_grad_cam():
    """For scores that are linear in the channels' means the map is the positive part of the
    channels, each times its weight over the number of places; a later layer in place does no harm.
    """
    X, y, model = numbers(2, 3, 5, 7).abs(), torch.tensor([2, 0]), Pooled()
    weights = model.w.detach()[y] / 35  # (2, 3)
    expected = (weights[:, :, None, None] * X).sum(1).relu()
    torch.testing.assert_close(grad_cam(X, y, model), expected)


def test_grad_cam_of_a_layer():
    """A layer can be named; its coarse map is enlarged to the picture's size, and the network and
    the pictures stay as they were.
    """
    X, y = numbers(2, 3, 8, 6), torch.tensor([1, 3])
    model = in_disorder(network().insert(2, nn.MaxPool2d(2)))
    before, x = condition(model), X.clone()
    found = grad_cam(X, y, model, model[3])
    assert found.shape == (2, 8, 6) and (found >= 0).all() and found.any()
    assert condition(model) == before and torch.equal(X, x)
    with pytest.raises(ValueError, match="output has shape .N, K, h, w.: choose another"):
        grad_cam(X, y, model, model[-1])
    with pytest.raises(ValueError, match="no `features`: name the layer"):
        grad_cam(X, y, model)
    assert condition(model) == before


def test_pointing():
    """A map hits if its maximum, after blurring, lies on the thing; the share is of the
    whole map.
    """
    maps, masks = torch.zeros(3, 30, 30), torch.zeros(3, 30, 30, dtype=torch.bool)
    masks[:, 10:20, 10:20] = True
    maps[0, 15, 15] = 1.0
    maps[1, 2, 2], maps[1, 12:18, 12:18] = 3.0, 1.0  # one bright pixel, and an area
    maps[2, 25, 25], maps[2, 15, 15] = 3.0, 1.0
    hits, shares = pointing(maps, masks)
    assert hits.tolist() == [True, True, False]
    torch.testing.assert_close(shares, torch.tensor([1.0, 36 / 39, 0.25]))
    assert not pointing(torch.zeros(1, 30, 30), masks[:1])[1].any()
    with pytest.raises(ValueError, match="maps and masks of one shape"):
        pointing(maps, masks[:2])
