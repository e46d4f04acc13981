"""The pictures that Toytown's SqueezeNet is trained on: drawn once, then changed at random in each
step.

Letters: N pictures, S their height and width. Everything is on one device; masks are bool, and True
where the main thing is.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from joblib import Parallel, delayed
from tqdm import tqdm

from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.datasets.toytown.world import COLOURS, KINDS, RELATIONS, SETTINGS, WEATHERS

# ImageNet's, so that both networks take the same input
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
KIND_NAMES = list(KINDS)
# what linear heads on the features predict: the possible values, a function that finds a scene's
# value, and the weight in the loss
HEADS = {
    "colour": ([None, *COLOURS], lambda s: s.main.colour, 0.5),
    "setting": (list(SETTINGS), lambda s: s.setting, 0.5),
    "weather": ([None, *WEATHERS], lambda s: s.weather, 0.2),
    "relation": ([None, *RELATIONS], lambda s: s.relation, 0.5),
    "size": (["big", "small"], lambda s: s.main.size, 0.2),
    "other": ([None, *KINDS], lambda s: s.other and s.other.kind, 1.0),
    "its colour": ([None, *COLOURS], lambda s: s.other and s.other.colour, 0.3),
    "its count": ([0, 1, 2, 3], lambda s: s.other.count if s.other else 0, 0.2),
}
RELATION = 1 + list(HEADS).index("relation")  # its column in the labels
# relations that change when a picture is mirrored
SIDES = {"left of": "right of", "right of": "left of"}
MIRRORED = torch.tensor(
    [HEADS["relation"][0].index(SIDES.get(value, value)) for value in HEADS["relation"][0]]
)


def draw(split, count):
    """Draw pictures of a split.

    Returns a tuple of:
    - pictures: uint8 tensor of shape (N, 3, 128, 128)
    - masks: bool tensor of shape (N, 1, 128, 128)
    - labels: Integers of shape (N, 1 + heads), with the kind first
    """
    jobs = (delayed(picture)(SEED, split, number) for number in range(count))
    drawn = Parallel(n_jobs=-1, return_as="generator")(jobs)
    pictures = torch.empty((count, 3, 128, 128), dtype=torch.uint8)
    masks = torch.empty((count, 1, 128, 128), dtype=torch.bool)
    labels = []
    bar = tqdm(drawn, f"{split} pictures", count, file=sys.stdout)
    for number, (scene, image, mask) in enumerate(bar):
        pictures[number] = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        masks[number, 0] = torch.from_numpy(np.array(mask) == 1)
        heads = [values.index(find(scene)) for values, find, _ in HEADS.values()]
        labels.append([KIND_NAMES.index(scene.main.kind), *heads])
    return pictures, masks, torch.tensor(labels)


def normalise(pictures):
    """Pictures as the network reads them: (RGB from 0 to 1 - mean) / std."""
    mean = pictures.new_tensor(MEAN, dtype=torch.float32).view(3, 1, 1)
    std = pictures.new_tensor(STD, dtype=torch.float32).view(3, 1, 1)
    return ((pictures / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def augment(x, masks, labels, generator):
    """Mirror half of the pictures, shift by up to 5 pixels, and change brightness and contrast a
    little.

    Inputs: x of shape (N, 3, S, S), masks of shape (N, 1, S, S), and labels. Returns all three:
    masks move with their pictures, and in mirrored pictures left of and right of are exchanged.
    """
    mirrored = _uniform(len(x), generator) < 0.5
    sides = labels[:, RELATION]
    sides = torch.where(mirrored, MIRRORED.to(sides.device)[sides], sides)
    labels = torch.cat([labels[:, :RELATION], sides[:, None], labels[:, RELATION + 1 :]], 1)
    right, down = torch.randint(0, 11, (2,)).tolist()
    S = x.shape[-1]
    x = torch.cat([x, masks], 1)  # (N, 4, S, S)
    x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(3), x)
    x = F.pad(x, (5, 5, 5, 5), mode="replicate")[:, :, down : down + S, right : right + S]
    return _lit(x[:, :3], generator), x[:, 3:] > 0.5, labels


def on_plain_ground(x, masks, generator):
    """Cut out the main things, and put each somewhere on a plain background: a single colour, often
    grey, or soft clouds of colour. Without surroundings, only the thing itself reveals its name
    (Xiao et al. 2021, "Noise or signal"), and the background of class portraits becomes a familiar
    one.

    Inputs: x of shape (N, 3, S, S) and masks of shape (N, 1, S, S). Returns pictures of the shape
    of x.
    """
    N = len(x)
    to_source = _placements(masks[:, 0], generator)
    grid = F.affine_grid(to_source, x.shape, align_corners=True)
    cut = F.grid_sample(torch.cat([x * masks, masks], 1), grid, align_corners=True)
    things, shares = cut[:, :3], cut[:, 3:]
    greys = 0.5 * torch.randn((N, 1, 1, 1), generator=generator, device=x.device)
    colours = 3 * _uniform((N, 3, 1, 1), generator) - 1.5
    clouds = torch.randn((N, 3, 8, 8), generator=generator, device=x.device)
    clouds = F.interpolate(clouds, size=x.shape[2:], mode="bicubic")
    clouds = clouds * _uniform((N, 1, 1, 1), generator)
    which = _uniform((N, 1, 1, 1), generator)
    ground = torch.where(which < 0.4, greys, torch.where(which < 0.65, colours, clouds))
    return _lit(things + (1 - shares) * ground, generator)


def _placements(masks, generator):
    """Affine maps from target to source positions of things, for `affine_grid`, of shape (N, 2, 3).

    A thing takes up a quarter to nearly all of the picture's height or width, is mirrored half of
    the time, and rotated by up to 11 degrees.
    """
    N, _, S = masks.shape
    left, right = _ends(masks.any(1))
    top, bottom = _ends(masks.any(2))
    half = torch.maximum(right - left, bottom - top).clamp(min=0.1) / 2
    extent = 0.25 + 0.7 * _uniform(N, generator)
    scale = (half / extent).clamp(max=1.6)  # of the source, in units of the target
    x, y = 0.8 * (1 - extent) * (2 * _uniform((2, N), generator) - 1)  # target position
    angle = 0.2 * (2 * _uniform(N, generator) - 1)
    flip = torch.where(_uniform(N, generator) < 0.5, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    across = torch.stack([cos * flip, -sin, (left + right) / 2 - cos * flip * x + sin * y], 1)
    along = torch.stack([sin * flip, cos, (top + bottom) / 2 - sin * flip * x - cos * y], 1)
    return torch.stack([across, along], 1)


def _ends(occupied):
    """First and last True position in each row of (N, S); the picture spans -1 to 1."""
    places = torch.linspace(-1, 1, occupied.shape[1], device=occupied.device)
    first = torch.where(occupied, places, 1.0).amin(1)
    last = torch.where(occupied, places, -1.0).amax(1)
    return first, last


def _lit(x, generator):
    """Pictures with a little more or less contrast and brightness."""
    contrast, brightness = _uniform((2, len(x), 1, 1, 1), generator)
    return x * (0.9 + 0.2 * contrast) + 0.2 * (brightness - 0.5)


def _uniform(shape, generator):
    return torch.rand(shape, generator=generator, device=generator.device)
