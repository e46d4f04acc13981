"""Drawn textures for a network to learn structure from: which forms, at what angle, of what size.

A texture has no colours of its own. It is drawn as two maps, `tone` and `light`, both from 0 to 1:
a tone stands for whichever colour a palette gives it, and light makes that colour darker towards 0.
`coloured` draws a new palette for each picture, so colours say nothing about the structure.

n pictures, S their height and width. A class is a family of forms, with an angle, a size and a
shape.
"""

import math

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

SPREAD = np.array([0.8192, 0.6710, 0.5497])  # powers of one number: no two fall into step


def class_parameters(number):
    """The family of a class, its angle in radians, and its size and shape, from 0 to 1.

    A family's classes lie evenly spread: each number goes on by an irrational share of its range.
    """
    family = FAMILIES[number % len(FAMILIES)]
    turn, size, shape = ((number // len(FAMILIES) + 0.5) * SPREAD) % 1
    return family, math.pi * turn, size, shape


def texture(number, S, rng):
    """Draw one texture of a class.

    Inputs:
    - number: Which class, from 0 on
    - S: Height and width in pixels
    - rng: NumPy Generator: where each form lies

    Returns: uint8 array of shape (2, S, S), tone and light
    """
    family, angle, size, shape = class_parameters(number)
    tone, light = family(rng, S, angle, size, shape)
    maps = np.stack(np.broadcast_arrays(tone, light))
    return np.rint(255 * maps.clip(0, 1)).astype(np.uint8)


def coloured(maps, generator):
    """Give each texture colours of its own.

    Inputs:
    - maps: uint8 tensor of shape (n, 2, S, S), as `texture` draws them
    - generator: torch.Generator

    Returns: pictures from 0 to 1, of shape (n, 3, S, S)
    """
    n = len(maps)
    palettes = _palettes(n, generator)  # (n, 256, 3)
    tones = maps[:, 0].long().flatten(1)  # (n, S * S)
    colours = palettes.gather(1, tones[..., None].expand(-1, -1, 3))
    depth = 0.2 + 0.6 * torch.rand(n, 1, 1, generator=generator)
    light = 1 - depth * (1 - maps[:, 1].flatten(1)[..., None] / 255)
    return (colours * light).transpose(1, 2).unflatten(2, maps.shape[2:])


def _palettes(n, generator, colours=5):
    """Colours for 256 tones, of shape (n, 256, 3): a few drawn at random, with the ones between."""
    drawn = torch.rand(n, colours, 3, generator=generator)
    grey = drawn.mean(2, keepdim=True)
    vivid = torch.rand(n, 1, 1, generator=generator).sqrt()
    drawn = grey + vivid * (drawn - grey)
    at = torch.linspace(0, colours - 1, 256).expand(n, 256)
    sharpness = 1 + 7 * torch.rand(n, 1, generator=generator).square()
    share = (sharpness * (at.frac() - 0.5) + 0.5).clamp(0, 1)[..., None]
    low = at.long().clamp(max=colours - 2)[..., None].expand(-1, -1, 3)
    return drawn.gather(1, low) * (1 - share) + drawn.gather(1, low + 1) * share


def _strokes(rng, S, angle, size, shape):
    """Brush strokes along a current that is straight, or full of eddies."""
    width, length = 2.5 + 4 * size, 10 + 22 * shape
    bend = _hills(rng, S, 3) * 4 * rng.random()
    return _painted(rng, S, 2.5 * S * S / (width * length), width, length, angle + bend, _stroke)


def _leaves(rng, S, angle, size, shape):
    """Pointed leaves that lie in all directions, or nearly in one, and let the ground be seen."""
    length = 8 + 22 * size
    width = length * (0.15 + 0.35 * shape)
    turn = angle + (0.2 + 2 * shape) * _hills(rng, S, S // 3)
    return _painted(rng, S, 0.9 * S * S / (width * length), width, length, turn, _leaf)


def _painted(rng, S, count, width, length, angles, form):
    """Forms painted one over the other, each of one tone, lighter on one long side."""
    tone, light = Image.new("L", (S, S), int(rng.integers(256))), Image.new("L", (S, S), 190)
    on_tone, on_light = ImageDraw.Draw(tone), ImageDraw.Draw(light)
    for centre in rng.uniform(-0.05, 1.05, (int(count), 2)) * S:
        y, x = np.clip(centre.astype(int), 0, S - 1)
        c, s = math.cos(angles[y, x]), math.sin(angles[y, x])
        outline = form(length * rng.uniform(0.6, 1.3), width * rng.uniform(0.7, 1.2))
        turned = outline @ np.array([[c, s], [-s, c]]) + centre[::-1]
        on_tone.polygon(list(map(tuple, turned)), fill=int(rng.integers(256)))
        on_light.polygon(list(map(tuple, turned)), fill=int(rng.integers(190, 256)))
        half = turned[: len(turned) // 2]
        on_light.line(list(map(tuple, half)), fill=int(rng.integers(60, 150)), width=1)
    return np.asarray(tone) / 255, np.asarray(light) / 255


def _stroke(length, width):
    turn = np.linspace(0, 2 * math.pi, 14, endpoint=False)
    corners = np.stack([np.cos(turn), np.sin(turn)], 1)
    return np.sign(corners) * np.abs(corners) ** 0.6 * [length / 2, width / 2]


def _leaf(length, width):
    along = np.linspace(-1, 1, 8)
    across = 1 - along**2
    upper = np.stack([along, across], 1)
    lower = np.stack([-along, -across], 1)
    return np.concatenate([upper, lower]) * [length / 2, width / 2]


def _tiles(rng, S, angle, size, shape):
    """Irregular tiles in grout, each tilted a little; longer along one direction."""
    u, v = _turned(S, angle, rng)
    stretch = 1 + 1.5 * shape
    cell = 5 + 15 * size
    places = np.stack([u / (cell * stretch), v / cell], -1)
    low, high = places.min((0, 1)) - 1, places.max((0, 1)) + 1
    axes = [np.arange(math.floor(a), math.ceil(b)) for a, b in zip(low, high, strict=True)]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    sites = corners + rng.uniform(0.05, 0.95, corners.shape)
    distance, which = cKDTree(sites).query(places, k=2)
    apart = np.linalg.norm(sites[which[..., 0]] - sites[which[..., 1]], axis=-1)
    gap = cell * (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * apart)
    tilt = rng.normal(0, 0.3, sites.shape)[which[..., 0]]
    slope = (tilt * (places - sites[which[..., 0]])).sum(-1)
    grout = np.clip(gap - 0.4, 0, 1)
    return rng.random(len(sites))[which[..., 0]] * grout, grout * (0.8 + slope)


def _bricks(rng, S, angle, size, shape):
    """Courses of bricks with mortar between them."""
    u, v = _turned(S, angle, rng)
    height = 5 + 10 * size
    width = height * (1 + 2 * shape)
    row = np.floor(v / height)
    column = np.floor(u / width + 0.5 * (row % 2))
    inside = np.minimum(v % height, (u + 0.5 * width * (row % 2)) % width)
    mortar = np.clip(inside - 0.5, 0, 1)
    return _hashed(row, column, rng) * mortar, 0.5 + 0.5 * mortar


def _scales(rng, S, angle, size, shape):
    """Overlapping scales, row upon row, with one rim or several."""
    u, v = _turned(S, angle, rng)
    R = 9 + 20 * size
    reach = np.full((S, S), 2.0)
    colour = np.zeros((S, S))
    for down in (1, 0, -1):  # the upper rows cover what is below
        row = np.floor(v / (R / 2)) + down
        shift = (row % 2) * R / 2
        column = np.floor((u - shift) / R)
        away = np.hypot(u - shift - (column + 0.5) * R, v - row * R / 2) / (0.6 * R)
        reach = np.where(away < 1, away, reach)
        colour = np.where(away < 1, _hashed(row, column, rng), colour)
    rings = (reach * (1 + 3 * shape)) % 1
    return 0.75 * rings + 0.25 * colour, 1 - 0.5 * reach.clip(0, 1)


def _dots(rng, S, angle, size, shape):
    """Round spots in rows, small and far apart or large and close."""
    u, v = _turned(S, angle, rng)
    step = 6 + 14 * size
    row = np.floor(v / step)
    across = u + 0.5 * step * (row % 2)
    away = np.hypot(across % step - step / 2, v % step - step / 2)
    spot = np.clip(step * (0.15 + 0.3 * shape) - away + 0.5, 0, 1)
    return spot * (0.4 + 0.6 * _hashed(row, np.floor(across / step), rng)), 1 - 0.3 * spot


def _waves(rng, S, angle, size, shape):
    """Bands that swing, the more the larger the shape."""
    u, v = _turned(S, angle, rng)
    period = 6 + 20 * size
    swing = period * (0.1 + shape) * np.sin(2 * math.pi * u / (period * 2.5))
    phase = ((v + swing + 3 * _hills(rng, S, 3)) / period) % 1
    return phase, 0.6 + 0.4 * np.abs(2 * phase - 1)


def _hatching(rng, S, angle, size, shape):
    """Thin lines in one direction, and across it."""
    u, v = _turned(S, angle, rng)
    step = 4 + 8 * size
    wobble = 2 * _hills(rng, S, 5)
    one = np.abs((v + wobble) % step - step / 2)
    two = np.abs((u * (0.4 + 0.6 * shape) + v * 0.5 + wobble) % (1.5 * step) - 0.75 * step)
    line = np.clip(1.3 - np.minimum(one, two), 0, 1)
    return 0.9 * line + 0.1 * _hills(rng, S, 4), 1 - 0.4 * line


def _rings(rng, S, angle, size, shape):
    """Rings, or curls, around many centres; the nearest one counts."""
    cell = 22 + 30 * size
    grid = np.arange(-cell, S + cell, cell)
    sites = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    sites = sites + rng.uniform(0, cell, sites.shape)
    at = np.stack(np.meshgrid(np.arange(S), np.arange(S)), -1)
    distance, which = cKDTree(sites).query(at)
    away = at - sites[which]
    turn = np.arctan2(away[..., 1], away[..., 0]) / (2 * math.pi)
    spin = rng.choice((-1, 1), len(sites))[which] * round(2 * shape)
    phase = (distance / (5 + 5 * size) + spin * turn + angle) % 1
    return phase, 0.6 + 0.4 * np.abs(2 * phase - 1)


def _grain(rng, S, angle, size, shape):
    """Noise of one coarseness, drawn out along one direction."""
    field = _oriented(rng, S, angle, 0.6 + 3 * size, 1 + 4 * shape)
    return 0.5 + 0.25 * field, 1.0


def _islands(rng, S, angle, size, shape):
    """The same noise in steps, like heights on a map."""
    field = _oriented(rng, S, angle, 1.5 + 4 * size, 1 + 2 * shape)
    levels = np.floor(2.5 * field + 4) / 8
    return levels, 0.85 + 0.05 * field


def _cracks(rng, S, angle, size, shape):
    """Dark lines where noise changes its sign."""
    field = _oriented(rng, S, angle, 2 + 5 * size, 1 + 2 * shape)
    line = np.clip(1.4 - 10 * np.abs(field) / (1 + 3 * shape), 0, 1)
    return (0.5 + 0.2 * _hills(rng, S, 4)) * (1 - line), 1 - 0.6 * line


FAMILIES = (
    _strokes, _leaves, _tiles, _bricks, _scales, _dots, _waves, _hatching, _rings, _grain,
    _islands, _cracks,
)  # fmt: skip


def _turned(S, angle, rng):
    """Coordinates along and across an angle, from a corner that is drawn anew each time."""
    y, x = np.mgrid[:S, :S] + rng.uniform(0, 1000, (2, 1, 1))
    c, s = math.cos(angle), math.sin(angle)
    return c * x + s * y, c * y - s * x


def _hashed(row, column, rng):
    """A number from 0 to 1 for each pair of whole numbers, the same wherever the pair occurs."""
    number = np.sin(12.9898 * row + 78.233 * column) * 43758.5453
    return number - np.floor(number)


def _hills(rng, S, cells):
    """Smooth noise from about -1 to 1, with so many hills along a side."""
    heights = rng.uniform(-1, 1, (cells + 2, cells + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(heights).resize((S, S), Image.Resampling.BICUBIC))


def _oriented(rng, S, angle, sigma, stretch):
    """Noise of mean 0 and deviation 1, blurred by sigma; along an angle `stretch` times as far."""
    wide = rng.standard_normal((2 * S, 2 * S)).astype(np.float32)
    wide = gaussian_filter(wide, (sigma, sigma * stretch))
    image = Image.fromarray(wide).rotate(-math.degrees(angle), Image.Resampling.BILINEAR)
    edge = S // 2
    field = np.asarray(image)[edge : edge + S, edge : edge + S]
    return (field - field.mean()) / (field.std() + 1e-6)
