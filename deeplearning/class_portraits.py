"""Portraits of classes: what a network thinks they look like, in both large and small forms.

Letters: n classes, C scores, H height and W width of the pictures.
"""

import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from deeplearning.checks import check_counts
from deeplearning.classifiers.squeezenet import frozen, parameter_of
from deeplearning.image_utils import black_and_white, check_size, deprocess
from deeplearning.network_visualization import score_gradient
from deeplearning.scores import check_labels, scores_of

# the axes along which the colours of pictures vary almost independently, scaled by how much:
# brightness most, then red to blue, then green to magenta (Ohta, Kanade and Sakai 1980, "Color
# information for region segmentation"); rows are red, green and blue
COLOUR_AXES = torch.tensor([[1.0, 0.35, 0.1], [1.0, 0.0, -0.2], [1.0, -0.35, 0.1]])


def paint_classes(
    classes,
    model,
    num_iterations=100,
    learning_rate=0.02,
    *,
    flatness=1.0,
    starts=None,
    image_size=None,
    generator=None,
):
    """Paint what the network thinks several classes look like, in both large and small forms.

    `create_class_visualization` follows the plain gradient, in which the finest patterns are the
    strongest. Here

    - the picture is a sum of waves, and Adam optimises their amplitudes: long waves start out
      larger, as in photos, and colours vary along axes that are almost independent (Olah et al.
      2017, "Feature visualization", preconditioning);
    - each gradient is computed on a picture shifted, rotated and scaled at random, so that no
      pattern can depend on one pixel grid (same source, transformation robustness);
    - the objective is s_y + 10 log p_y, so that the picture doesn't resemble other classes too;
    - waves are strongest in the middle of the picture, so that one object appears, not several;
    - total variation is penalised more and more, so that areas become flat and edges sharp (Rudin,
      Osher and Fatemi 1992);
    - each class starts from the one of 16 pictures that makes it most probable: random waves on a
      grey background, or on given backgrounds.

    Inputs:
    - classes: n classes, integers, or one
    - model: Network from pictures to scores
    - num_iterations: Number of steps
    - learning_rate: Adam's
    - flatness: Weight of total variation in the last step, in units of the score's gradient. The
      defaults suit networks trained on drawings; for photos 0.2 and a learning rate of 0.05 do
      better
    - starts: None for a grey background, or K backgrounds for each class, pictures of shape
      (K, n, 3, H, W) with red, green and blue from 0 to 1, such as Toytown's `clouds`
    - image_size: Height and width; by default the model's image_size, or 224 if it has none
    - generator: torch.Generator on the CPU, by default one with seed 0

    Returns: list of n PIL images

    Raises ValueError for a class out of range, or backgrounds of the wrong shape.
    """
    check_counts(num_iterations=num_iterations)
    classes = [classes] if np.ndim(classes) == 0 else classes
    parameter = parameter_of(model)
    # waves can't be summed in half precision
    parameter = parameter.to(torch.promote_types(parameter.dtype, torch.float32))
    generator = generator or torch.Generator().manual_seed(0)
    size = check_size(getattr(model, "image_size", 224) if image_size is None else image_size)
    waves = _Waves(size, *black_and_white(parameter))
    with frozen(model), torch.no_grad():
        chosen, ground, amplitudes = _begin(classes, model, waves, starts, generator, parameter)
    amplitudes.requires_grad_()
    optimiser = torch.optim.Adam([amplitudes], lr=learning_rate)
    climbed = _Climbed(model, generator)
    about = {"desc": f"{len(classes)} classes", "disable": num_iterations == 0}
    for t in tqdm(range(num_iterations), file=sys.stdout, **about):
        X = waves.picture(amplitudes, ground)  # (n, 3, H, W)
        ascent = _unit(score_gradient(X.detach(), chosen, climbed))
        flatten = flatness * t / num_iterations * _total_variation_gradient(X.detach())
        optimiser.zero_grad()
        X.backward(flatten - ascent)  # Adam descends
        optimiser.step()
    painted = waves.picture(amplitudes.detach(), ground)
    return [deprocess(x[None], should_rescale=False) for x in painted]


def _begin(classes, model, waves, starts, generator, like):
    """Classes as a tensor (n,), and what each starts from: the logits of a background, of shape
    (n, 3, H, W) or (n, 3, 1, 1), and amplitudes of shape (n, 3, H, W / 2 + 1, 2).
    """
    n = len(classes)
    H = waves.size
    if starts is None:
        starts = torch.full((16, 1, 3, 1, 1), 0.5)  # grey is the same for all classes
    elif np.shape(starts)[1:] != (n, 3, H, H) or len(starts) == 0:
        raise ValueError(f"expected starts of shape (K, {n}, 3, {H}, {H}), got {np.shape(starts)}")
    grounds = torch.logit(torch.as_tensor(starts).to(like), eps=0.02)
    shape = len(starts), 3, H, H // 2 + 1, 2
    amplitudes = 0.3 * torch.randn(shape, generator=generator).to(like)
    log_p = []
    for amplitude, ground in zip(amplitudes, grounds, strict=True):
        scores = scores_of(model, waves.picture(amplitude, ground))  # (n, C), or (1, C)
        log_p.append(scores.log_softmax(1).expand(n, -1))
    log_p = torch.stack(log_p)  # (K, n, C)
    chosen = check_labels(classes, log_p[0])
    best = log_p[:, torch.arange(n), chosen].argmax(0)  # (n,)
    grounds = grounds.expand(-1, n, -1, -1, -1)
    return chosen, grounds[best, torch.arange(n)], amplitudes[best]


class _Waves:
    """Pictures as sums of waves on a background.

    Amplitudes are of shape (n, 3, H, W / 2 + 1, 2): three axes of colour, frequencies as
    `torch.fft.rfft2` orders them, real and imaginary part. If all are zero, the picture is the
    background.
    """

    def __init__(self, size, low, high):
        down = torch.fft.fftfreq(size).to(low)[:, None]
        right = torch.fft.rfftfreq(size).to(low)
        lengths = 1 / (down.square() + right.square()).sqrt().clamp(min=1 / size)
        self.scale = size * lengths / lengths.mean()  # (H, W / 2 + 1)
        middle = torch.linspace(-1, 1, size).to(low)
        window = torch.exp(-(middle.square() + middle.square()[:, None]) / (2 * 0.4**2))
        self.window = 0.1 + window  # (H, W)
        self.low, self.high, self.size = low, high, size
        self.colour_axes = COLOUR_AXES.to(low)

    def picture(self, amplitudes, ground=0.0):
        """Normalised pictures of shape (n, 3, H, W), between black and white, whose logits are the
        background's (0 for grey) plus the waves.
        """
        spectrum = torch.view_as_complex(amplitudes) * self.scale
        along_axes = torch.fft.irfft2(spectrum, s=(self.size, self.size))  # (n, 3, H, W)
        x = torch.einsum("ca,...ahw->...chw", self.colour_axes, along_axes)
        return self.low + (self.high - self.low) * torch.sigmoid(ground + self.window * x)


class _Climbed(torch.nn.Module):
    """The objective of `paint_classes` as a network: s_y + 10 log p_y of moved pictures for each
    class y.
    """

    def __init__(self, model, generator):
        super().__init__()
        self.model, self.generator = model, generator

    def forward(self, X):
        scores = scores_of(self.model, _moved(X, self.generator))  # (n, C)
        return scores + 10 * scores.log_softmax(1)


def _total_variation_gradient(X):
    """Gradient of total variation: the sum over pixels of the length of the vector of differences
    to the right and lower neighbours in all three colours.
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
    """Pictures rotated by up to 10 degrees, scaled by up to 15 % and shifted by up to 6 %, all of
    them in the same way.
    """
    angle, log_scale, dx, dy = (torch.rand(4, generator=generator) * 2 - 1).tolist()
    scale = 1.15**-log_scale
    c = scale * math.cos(math.radians(10 * angle))
    s = scale * math.sin(math.radians(10 * angle))
    # affine_grid's coordinates run from -1 to 1, so the picture is 2 high and 2 wide
    to_source = X.new_tensor([[c, -s, 0.12 * dx], [s, c, 0.12 * dy]])
    grid = F.affine_grid(to_source.expand(len(X), 2, 3), X.shape, align_corners=False)
    return F.grid_sample(X, grid, padding_mode="reflection", align_corners=False)
