"""Clouds with the colours and layout of things, as starting points for portraits of classes.

A kind's drawings, all facing right, are reduced to the mean and covariance of a few large pixels,
and samples with these statistics are blurred. Colours, their positions and a rough outline remain:
given the list of kinds, two readers named 14 and 15 of the 22 clouds in question 3's notebook, and
two others 15 and 16 of their portraits. After Santurkar et al., "Image synthesis with a single
(robust) classifier", 2019, section 3.1, who start in the same way.
"""

import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from deeplearning.datasets.toytown.scene import SIZE, draw_thing
from deeplearning.datasets.toytown.world import COLOURS, KINDS, Thing
from deeplearning.image_utils import blur_tensor

DRAWINGS = 24  # of each kind
GRID = 16  # height and width in pixels of a reduced drawing
WIDTH = 100  # pixels of a drawing's longer side before the reduction
BLUR = 12  # pixels
GROUND = (124, 116, 104)


def clouds(count=32, seed=0):
    """Draw clouds of each kind of Toytown.

    Inputs:
    - count: Number of clouds per kind
    - seed: Equal seeds give equal clouds

    Returns: float32 tensor of shape (count, 22, 3, 128, 128), red, green and blue from 0 to 1; the
    kinds are in the order of `KINDS`
    """
    rng = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([_clouds(kind, count, rng, generator) for kind in KINDS], 1)


def _clouds(kind, count, rng, generator):
    drawn = np.stack([_drawn(kind, rng) for _ in range(DRAWINGS)])  # (K, S, S, 3)
    drawn = torch.from_numpy(drawn).permute(0, 3, 1, 2) / 255
    small = F.interpolate(drawn, (GRID, GRID), mode="area")
    mean = small.mean(0)
    # sums with independent normal weights have the drawings' covariance
    shares = torch.randn((count, DRAWINGS), generator=generator) / (DRAWINGS - 1) ** 0.5
    varied = mean + torch.einsum("nk,kchw->nchw", shares, small - mean)
    large = F.interpolate(varied, (SIZE, SIZE), mode="bicubic")
    return blur_tensor(large, BLUR).clamp(0, 1)


def _drawn(kind, rng):
    """A thing in the middle of a plain background, facing right, uint8 of shape (128, 128, 3)."""
    colour = rng.choice(list(COLOURS)) if KINDS[kind].coloured else None
    sheet = draw_thing(Thing(kind, colour, 1, None, (), 0.0), "ground", rng)
    factor = WIDTH / max(sheet.size)
    sheet = sheet.resize([max(1, round(side * factor)) for side in sheet.size])
    picture = Image.new("RGB", (SIZE, SIZE), GROUND)
    corner = (SIZE - sheet.width) // 2, (SIZE - sheet.height) // 2
    picture.paste(sheet.convert("RGB"), corner, sheet.getchannel("A"))
    return np.asarray(picture)
