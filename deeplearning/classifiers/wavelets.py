"""An untrained network of rectified wavelets, for style transfer without any download.

Gram matrices need features that stand for an edge, a line or a colour at some position. A trained
network has such features; wavelets are such features. Each layer here is one octave: it halves the
picture, and looks for stripes of one width in all directions. From the second layer on, it also
looks for stripes in the *energies* of the layer below: places where small stripes of one direction
come and go, such as the row of strokes along a wave. There is nothing else in it: no learnt
weights, no files.

Textures from such statistics are older than deep networks: Portilla and Simoncelli, "A parametric
texture model based on joint statistics of complex wavelet coefficients", IJCV 2000. Wavelets of
wavelets' energies: Bruna and Mallat, "Invariant scattering convolution networks", PAMI 2013.
Covariances of rectified wavelets are enough for textures: Brochard, Zhang and Mallat, "Generalized
rectifier wavelet covariance models for texture synthesis", ICLR 2022.

Letters: N pictures, H height, W width, K = 4 directions, P = 3 phases.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

DIRECTIONS = 4
PHASES = 3  # a third of a wave apart: light, dark, and the edge between them
SIDE = 7  # height and width of a filter in pixels
CONTRAST = 2.0  # stripes count twice as much as plain colours
# brightness, red against green, yellow against blue; an orthogonal matrix
OPPONENT_COLOURS = (
    (3**-0.5, 3**-0.5, 3**-0.5),
    (2**-0.5, -(2**-0.5), 0.0),
    (6**-0.5, 6**-0.5, -2 * 6**-0.5),
)


def wavelet_network(octaves=4):
    """Layers for style transfer, on the GPU if there is one.

    Inputs:
    - octaves: Number of layers; layer j describes patterns of 2^j * 4 pixels

    Returns: Sequential of `Octave`s, frozen and in evaluation mode. Layer 0 has 42 channels, the
    others 90. A picture must be at least 2^(octaves + 1) pixels high and wide
    """
    layers = nn.Sequential(*[Octave(first=j == 0) for j in range(octaves)])
    layers = layers.eval().requires_grad_(False)
    return layers.to("cuda" if torch.cuda.is_available() else "cpu")


class Octave(nn.Module):
    """Features of one octave: colours, stripes, and stripes in the energies of finer stripes.

    Input: RGB, of shape (N, 3, H, W), for the first octave; otherwise the previous octave's output
    Output: features, none negative, of shape (N, 6 + 3 K P, H, W) for the first octave, and
    (N, 6 + 3 K P + K K P, H / 2, W / 2) for the others
    """

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.filters = nn.Parameter(wavelets())  # (K P, 1, 7, 7)
        self.colours = nn.Parameter(torch.tensor(OPPONENT_COLOURS)[..., None, None])
        binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.blur = nn.Parameter(torch.outer(binomial, binomial)[None, None])

    def forward(self, x):
        if self.first:
            colours = F.conv2d(x, self.colours)
            return torch.cat([F.relu(colours), F.relu(-colours), self._stripes(colours)], dim=1)
        light, dark, stripes = x[:, :3], x[:, 3:6], x[:, 6 : 6 + DIRECTIONS * PHASES]
        colours = self._halved(light - dark)  # (N, 3, H / 2, W / 2)
        energies = stripes.unflatten(1, (DIRECTIONS, PHASES)).sum(2)  # of brightness alone
        energies = self._halved(energies)  # (N, K, H / 2, W / 2)
        both = [self._stripes(colours), self._stripes(energies) / CONTRAST]
        return torch.cat([F.relu(colours), F.relu(-colours), *both], dim=1)

    def _stripes(self, x):
        """Each channel's stripes, of all directions and phases: (N, C K P, H, W)."""
        responses = _each_channel(x, self.filters)
        return CONTRAST * F.relu(responses)

    def _halved(self, x):
        """Blurred, then subsampled by two."""
        return _each_channel(x, self.blur)[:, :, ::2, ::2]


def wavelets():
    """Waves of 4 pixels under a bell curve, of shape (K P, 1, 7, 7): norm 1, mean 0.

    Source: Gabor, "Theory of communication", 1946, in two dimensions
    """
    at = torch.arange(SIDE) - SIDE // 2.0
    y, x = torch.meshgrid(at, at, indexing="ij")
    bell = torch.exp(-(x**2 + y**2) / (2 * 1.4**2))
    filters = []
    for direction in range(DIRECTIONS):
        angle = math.pi * direction / DIRECTIONS
        along = math.cos(angle) * x + math.sin(angle) * y
        for phase in range(PHASES):
            wave = bell * torch.cos(2 * math.pi * (along / 4 - phase / PHASES))
            wave = wave - bell * wave.sum() / bell.sum()
            filters.append(wave / wave.norm())
    return torch.stack(filters)[:, None]


def _each_channel(x, filters):
    """Filters applied to each channel separately, with the picture reflected beyond its edges."""
    C = x.shape[1]
    beyond = filters.shape[-1] // 2
    padded = F.pad(x, [beyond] * 4, mode="reflect")
    return F.conv2d(padded, filters.repeat(C, 1, 1, 1), groups=C)
