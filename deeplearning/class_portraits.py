"""Portraits of classes: what a network takes them to look like, large forms and small ones alike.

n classes, C scores, H and W height and width of the pictures.
"""

import math
import sys

import torch
import torch.nn.functional as F
from tqdm import tqdm

from deeplearning.classifiers.squeezenet import frozen
from deeplearning.image_utils import black_and_white, blur_tensor, deprocess
from deeplearning.network_visualization import check_labels, score_gradient, scores_of


def paint_classes(
    classes, model, num_iterations=200, learning_rate=0.15, *, image_size=None, generator=None
):
    """Paint what the network takes several classes to look like, large forms and small ones alike.

    `create_class_visualization` follows the plain gradient, in which the finest patterns are the
    strongest. Here

    - the gradient is taken apart into bands of different coarseness, and the coarse ones are made
      stronger (after Mordvintsev et al., "DeepDream", 2015, where it is called Laplacian pyramid
      gradient normalization);
    - it is taken twice, each time of the picture shifted, turned and scaled at random, so that no
      pattern can depend on one grid of pixels (Olah et al. 2017, "Feature visualization",
      transformation robustness);
    - it climbs s_y + 10 log p_y, so that the picture becomes nothing else besides;
    - steps are longest in the middle, so that there will be one thing rather than several;
    - total variation is kept low, so that areas become flat and edges stay sharp (Rudin, Osher and
      Fatemi 1992);
    - what no step renews fades to grey.

    Inputs:
    - classes: n classes, integers
    - model: Network from pictures to scores
    - num_iterations: Number of steps
    - learning_rate: Root mean square of a step in the middle of a picture, in normalised units
    - image_size: Height and width, by default the model's image_size, else 224
    - generator: torch.Generator on the CPU, by default one with seed 0

    Returns: list of n PIL images

    Raises ValueError for a class out of range.
    """
    parameter = next(model.parameters())
    generator = generator or torch.Generator().manual_seed(0)
    size, n = image_size or getattr(model, "image_size", 224), len(classes)
    low, high = black_and_white(parameter)
    middle = torch.linspace(-1, 1, size).to(parameter)
    window = torch.exp(-(middle.square() + middle.square()[:, None]) / (2 * 0.4**2))  # (H, W)
    coarse = 0.3 * torch.randn((16, 3, 16, 16), generator=generator).to(parameter)
    starts = window * F.interpolate(coarse, size=(size, size), mode="bicubic").detach()
    with (
        frozen(model),
        torch.no_grad(),
    ):  # where a class scores nothing, it has no gradient to begin with
        scores = scores_of(model, starts)  # (16, C)
        X = starts[
            scores[:, check_labels(classes, scores[:1].expand(n, -1))].argmax(0)
        ]  # (n, 3, H, W)
    climbed = _Climbed(model, generator)
    for t in tqdm(range(num_iterations), desc=f"{n} classes", file=sys.stdout):
        g = sum(_unit(score_gradient(X, torch.as_tensor(classes), climbed)) for _ in range(2))
        step = _unit(sum(1.5**k * _unit(band) for k, band in enumerate(_bands(g))))
        rate = learning_rate if t < 0.7 * num_iterations else 0.4 * learning_rate
        X = 0.98 * (X + rate * window * step)
        X = (X - 0.01 * _total_variation_gradient(X)).clamp(low, high)
    return [deprocess(x[None], should_rescale=False) for x in X]


class _Climbed(torch.nn.Module):
    """The network that `paint_classes` climbs: of moved pictures, s_y + 10 log p_y for each class
    y.
    """

    def __init__(self, model, generator):
        super().__init__()
        self.model, self.generator = model, generator

    def forward(self, X):
        scores = scores_of(self.model, _moved(X, self.generator))  # (n, C)
        return scores + 10 * scores.log_softmax(1)


def _bands(g, sigmas=(1, 2, 4, 8)):
    """Parts of pictures that add up to them, from the finest to the coarsest."""
    levels = [g, *(blur_tensor(g, sigma) for sigma in sigmas)]
    return [fine - coarse for fine, coarse in zip(levels, levels[1:], strict=False)] + levels[-1:]


def _total_variation_gradient(X):
    """Of the sum of the lengths of all differences to the right and the lower neighbour, over the
    three colours.
    """
    with torch.enable_grad():
        X = X.detach().requires_grad_()
        right, down = F.pad(X.diff(dim=3), (0, 1)), F.pad(X.diff(dim=2), (0, 0, 0, 1))
        lengths = (right.square() + down.square()).sum(1).add(1e-3).sqrt()  # (n, H, W)
        return torch.autograd.grad(lengths.sum(), X)[0]


def _unit(g):
    """Pictures scaled to a root mean square of 1; zero stays zero."""
    return g / g.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-20)


def _moved(X, generator):
    """Pictures turned by up to 10 degrees, scaled by up to 15 % and shifted by up to 6 %, all in
    the same way.
    """
    angle, log_scale, dx, dy = (torch.rand(4, generator=generator) * 2 - 1).tolist()
    scale, c, s = (
        1.15**-log_scale,
        math.cos(math.radians(10 * angle)),
        math.sin(math.radians(10 * angle)),
    )
    # affine_grid takes the picture's height and width as 2
    to_source = X.new_tensor(
        [[scale * c, -scale * s, 0.12 * dx], [scale * s, scale * c, 0.12 * dy]]
    )
    grid = F.affine_grid(to_source.expand(len(X), 2, 3), X.shape, align_corners=False)
    return F.grid_sample(X, grid, padding_mode="reflection", align_corners=False)
