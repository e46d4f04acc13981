"""Pictures for style transfer that need no download: four styles and two contents, drawn by code.

A style fills a square with brush strokes, waves, mosaic or ink; a content shows few large forms with smooth shading.
Everything is placed in units of the shorter side, x to the right and y down, and drawn larger than it is shown;
shrinking it makes the edges smooth. So a picture of another size is the same picture.
"""

import math

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

from deeplearning.datasets.toytown.pen import WHITE, curve, mix, shade

STYLES = ("strokes", "waves", "mosaic", "ink")
CONTENTS = ("harbour", "portrait")
SMALLEST, LARGEST = 32, 1024
DRAWN_AT = 512  # pixels of the shorter side that smaller pictures are drawn at

NIGHT = [(14, 22, 72), (24, 52, 138), (44, 98, 190), (124, 178, 214), (240, 226, 152), (250, 190, 34), (222, 124, 20)]
INDIGO, SEA, TEAL, CREAM, FOAM = (24, 38, 92), (44, 92, 142), (62, 146, 152), (238, 226, 190), (250, 245, 228)
CLAY = [(96, 34, 28), (160, 54, 36), (204, 96, 48), (226, 154, 66), (242, 206, 128), (250, 234, 196)]
GROUT, GLASS = (62, 46, 42), (44, 128, 130)
PAPER, BLACK, RED = (244, 233, 210), (26, 23, 26), (196, 38, 34)
GLINT, RIPPLE = (255, 214, 150), (128, 184, 200)
FURS = ((232, 146, 66), (172, 164, 164), (206, 160, 116))
STRIPES = ((0, 0.25, 0, 0.12), (0.085, 0.265, -0.02, 0.1), (0.36, 0.5, -0.09, 0.01), (0.355, 0.58, -0.1, 0.0))


def style_picture(name, size=256, seed=0):
    """Draw a picture whose texture is worth transferring.

    Inputs:
    - name: One of STYLES
    - size: Height and width in pixels, from 32 to 1024
    - seed: Equal seeds give equal pictures

    Returns: PIL image in RGB, size pixels high and wide

    Raises ValueError for another name or size.
    """
    return _draw({"strokes": strokes, "waves": waves, "mosaic": mosaic, "ink": ink}, name, size, seed)


def content_picture(name, size=256, seed=0):
    """Draw a picture with large forms, to be painted in a style.

    Inputs:
    - name: One of CONTENTS
    - size: Pixels of the shorter side, from 32 to 1024
    - seed: Equal seeds give equal pictures

    Returns: PIL image in RGB; "portrait" is square, "harbour" a third wider than high

    Raises ValueError for another name or size.
    """
    return _draw({"harbour": harbour, "portrait": portrait}, name, size, seed)


def _draw(pictures, name, size, seed):
    """Draw a picture larger than it is wanted, and shrink it."""
    if name not in pictures:
        raise ValueError(f"expected one of {', '.join(pictures)}, got {name!r}")
    if not isinstance(size, int | np.integer) or not SMALLEST <= size <= LARGEST:
        raise ValueError(f"expected a size of {SMALLEST} to {LARGEST} whole pixels, got {size!r}")
    times = max(2, math.ceil(DRAWN_AT / size))
    return pictures[name](np.random.default_rng(seed), int(size) * times).reduce(times)


def strokes(rng, side):
    """Thick strokes of a bristle brush that follow eddies, blue where it is calm and yellow at their cores."""
    centres = _apart(rng, 6, 0.3)
    radii, spins = rng.uniform(0.10, 0.17, len(centres)), rng.choice((-1, 1), len(centres))
    phase = rng.uniform(0, 6.3, 2)
    image = Image.new("RGB", (side, side), NIGHT[1])
    draw = ImageDraw.Draw(image)
    for width, count in ((0.034, 1500), (0.024, 1700)):
        start = rng.uniform(-0.06, 1.06, (count, 2))
        away = np.linalg.norm(start[:, None] - centres, axis=2) / radii  # (count, centres)
        glow, near = np.exp(-(away**2)).max(1), away.min(1)
        tone = 0.2 + 0.1 * np.cos(5 * near) + 0.75 * glow + 0.09 * rng.standard_normal(count)
        colours = _between(NIGHT, tone)
        paths = _follow(start, centres, radii, spins, phase)
        for path, colour in zip(paths, colours, strict=True):
            _bristles(draw, rng, side, path, width, tuple(colour))
    return image


def _follow(xy, centres, radii, spins, phase, steps=13, step=0.009):
    """Paths of shape (N, steps, 2) from points of shape (N, 2), along eddies in a gentle current."""
    paths = [xy]
    for _ in range(steps - 1):
        away = (xy[:, None] - centres) / radii[:, None]  # (N, centres, 2)
        pull = spins * np.exp(-0.35 * (away**2).sum(2))  # (N, centres)
        flow = (pull[..., None] * np.stack([-away[..., 1], away[..., 0]], 2)).sum(1)  # (N, 2)
        flow = flow + 0.25 * np.stack([np.ones(len(xy)), np.sin(7 * xy[:, 0] + phase[0] + 2 * xy[:, 1])], 1)
        xy = xy + step * flow / (np.linalg.norm(flow, axis=1, keepdims=True) + 1e-6)
        paths.append(xy)
    return np.stack(paths, 1)


def _bristles(draw, rng, side, path, width, colour, hairs=6):
    """One stroke: parallel hairs of paint, light on the ridge that faces the light and dark on the other."""
    normal = _across(path)
    for across in np.linspace(-1, 1, hairs):
        begin, end = rng.integers(0, 3), len(path) - rng.integers(0, 3)
        hair = (path + 0.5 * width * across * normal)[begin:end]
        lit = -across * normal[len(path) // 2].sum() * abs(across)  # the light comes from above and the left
        tone = shade(colour, float(np.clip(0.3 * lit + 0.07 * rng.standard_normal(), -0.5, 0.5)))
        draw.line(_pixels(hair, side), fill=tone, width=math.ceil(1.3 * width / hairs * side), joint="curve")


def waves(rng, side):
    """Row behind row of curling waves with rims of foam, in the flat colours of a woodcut."""
    image = Image.new("RGB", (side, side), CREAM)
    draw = ImageDraw.Draw(image)
    for row in range(10):
        for column in range(-1, 6):
            centre = np.array([0.25 * (column + 0.5 * (row % 2)), 0.04 + 0.13 * row]) + rng.uniform(-0.03, 0.03, 2)
            _wave(draw, rng, side, centre, rng.uniform(0.13, 0.18), rng.choice((-1, 1)))
    return image


def _wave(draw, rng, side, centre, radius, hand):
    """One wave that curls to the left (hand -1) or to the right (hand 1)."""
    angles = np.arange(0.95, 2.1, 0.07) * math.pi
    rim = centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    sizes = radius * rng.uniform(0.08, 0.2, len(rim))
    for grow, fill in ((0.007, INDIGO), (0, FOAM)):
        for spot, size in zip(rim, sizes, strict=True):
            _dot(draw, side, spot, size + grow, fill)
    body = TEAL if rng.random() < 0.4 else SEA
    for k, (share, fill) in enumerate(((1, INDIGO), (0.94, body), (0.78, CREAM), (0.7, INDIGO))):
        _dot(draw, side, centre + radius * np.array([0.05 * k * hand, -0.01 * k]), share * radius, fill)
    turn = np.linspace(0, 4.2 * math.pi, 90)
    reach = 0.6 * (1 - turn / turn[-1]) ** 0.8  # a spiral that starts on the lee side and ends in its middle
    middle = centre + radius * np.array([0.15 * hand, -0.1])
    spiral = middle + radius * np.stack([-hand * reach * np.cos(turn), -reach * np.sin(turn)], 1)
    for spot, thick in zip(spiral, radius * (0.035 + 0.08 * reach), strict=True):
        _dot(draw, side, spot, thick, FOAM)
    for spot in centre + radius * rng.uniform((-1.2, -1.7), (1.2, -1.25), (4, 2)):  # spray
        _dot(draw, side, spot, 0.004, FOAM)


def mosaic(rng, side):
    """Irregular tesserae laid in rings around a few centres, each with its own tilt and shade, in dark grout."""
    grid = np.stack(np.meshgrid(np.arange(-1, 24), np.arange(-1, 24)), -1).reshape(-1, 2)
    sites = (grid + rng.uniform(0.1, 0.9, grid.shape)) / 22
    centres = _apart(rng, 4, 0.4)
    away = np.linalg.norm(sites[:, None] - centres, axis=2).min(1)
    tone = 0.5 + 0.42 * np.cos(21 * away) + 0.08 * rng.standard_normal(len(sites))
    colours = _between(CLAY, tone)
    colours[(away > 0.11) & (rng.random(len(sites)) < 0.09)] = GLASS
    at = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1) / side  # (side, side, 2)
    distance, which = cKDTree(sites).query(at, k=2, workers=1)
    first, second = sites[which[..., 0]], sites[which[..., 1]]
    gap = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * np.linalg.norm(second - first, axis=2))  # to the edge
    tilt = rng.normal((-3, -4), 5, sites.shape)[which[..., 0]]
    light = 1 + (tilt * (at - first)).sum(2) + 0.05 * _noise(rng, (side, side), 90)
    tile = np.clip((gap - 0.0035) * 400, 0, 1)[..., None]
    bevel = 0.75 + 0.25 * np.clip((gap - 0.004) * 150, 0, 1)
    return _image(tile * colours[which[..., 0]] * (light * bevel)[..., None] + (1 - tile) * GROUT)


def ink(rng, side):
    """Brushed stems and leaves, pale washes and splashes of ink on warm paper, with a few berries in red."""
    wet = _noise(rng, (side, side), 6) + 0.2 * _noise(rng, (side, side), 24)
    wash = 0.3 * np.clip(4 * wet - 0.8, 0, 1) * (0.7 + 0.3 * _noise(rng, (side, side), 4))
    wash += 0.13 * np.exp(-(((wet - 0.22) / 0.03) ** 2))  # a wash dries darkest at its edge
    tint = np.array(PAPER) - wash[..., None] * np.array([230, 214, 180])
    image = _image(tint * (1 + 0.03 * _noise(rng, (side, side), 130))[..., None])
    draw = ImageDraw.Draw(image)
    for tone, stems in ((0.68, 6), (0.4, 6), (0.0, 8)):
        fill = mix(BLACK, PAPER, tone)
        for k in range(stems):
            path = _stem(rng, (k + rng.random()) / stems)
            _brush(draw, side, path, 0.014 * np.linspace(1.2, 0.4, len(path)), fill)
            for joint in path[1::3]:
                _leaves(draw, rng, side, joint, fill)
    for size in rng.pareto(1.6, 260):
        _dot(draw, side, rng.random(2), min(0.0018 * (1 + size), 0.011), BLACK)
    for spot in _apart(rng, 9, 0.2):
        for _ in range(4):
            _dot(draw, side, spot + rng.normal(0, 0.018, 2), rng.uniform(0.009, 0.017), RED)
    return image


def _stem(rng, x, steps=22):
    """A path that leaves the lower edge at x and sways upwards."""
    lean, sway = rng.normal(0, 0.25), rng.uniform(0, 6.3)
    t = np.linspace(0, 1, steps)
    across = x + lean * t + 0.05 * np.sin(5 * t + sway)
    return np.stack([across, 1.05 - rng.uniform(0.7, 1.2) * t], 1)


def _leaves(draw, rng, side, joint, fill):
    """A spray of one to three pointed leaves."""
    for _ in range(rng.integers(1, 4)):
        angle, length, bend = rng.uniform(-0.5, 3.64), rng.uniform(0.07, 0.16), rng.normal(0, 0.5)
        turn = angle + bend * np.linspace(0, 1, 10)
        path = joint + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1), 0) * length / 10
        _brush(draw, side, path, 0.024 * np.sin(np.linspace(0.15, math.pi, 10)) ** 0.8, fill)


def _brush(draw, side, path, widths, fill):
    """A stroke of changing width."""
    half = 0.5 * np.maximum(widths, 0)[:, None] * _across(path)
    draw.polygon(_pixels(np.concatenate([path + half, (path - half)[::-1]]), side), fill=fill)


def harbour(rng, side):
    """A sailing boat before hills and a lighthouse, in the evening; a third wider than high."""
    wide = round(side * 4 / 3)
    sun = rng.uniform(0.50, 0.62)
    y, x = np.mgrid[:side, :wide] / side
    sky = _between([(70, 120, 190), (140, 180, 214), (250, 214, 160), (252, 176, 110)], y / 0.6)
    glow = np.exp(-((x - sun) ** 2 + (y - 0.42) ** 2) / 0.03)[..., None]
    sea = _between([(236, 176, 130), (70, 140, 170), (26, 78, 128), (14, 48, 92)], (y - 0.55) / 0.45)
    picture = _image(np.where(y[..., None] < 0.56, sky + glow * (60, 50, 30), sea))
    _form(picture, _ring(sun, 0.42, 0.075), (255, 236, 170), 0.01)
    for height, foot, colour in ((0.16, 0.575, (126, 132, 170)), (0.09, 0.585, (78, 108, 122))):
        a, b = rng.uniform(0, 6.3, 2)
        u = np.arange(-0.1, 1.5, 0.04)
        ridge = np.stack([u, 0.56 - height * (0.55 + 0.3 * np.sin(5 * u + a) + 0.15 * np.sin(11 * u + b))], 1)
        _form(picture, [*ridge, (1.5, foot), (-0.1, foot)], colour, 0.04)
    for v in np.linspace(0.59, 0.98, 34):
        u, long = rng.uniform(-0.1, 1.3), 0.02 + 0.16 * (v - 0.55)
        u, tone = (sun + 0.1 * rng.standard_normal() - long, GLINT) if rng.random() < 0.5 else (u, RIPPLE)
        _form(picture, curve([(u, v), (u + long, v - 0.1 * long), (u + 2 * long, v), (u + long, v + 0.1 * long)]), tone)
    _lighthouse(picture)
    _boat(picture, rng.uniform(0.84, 0.92))
    return picture


def _lighthouse(picture):
    """A lighthouse on a rock, at the left."""
    rock = [(-0.1, 0.7), (-0.05, 0.52), (0.08, 0.5), (0.2, 0.53), (0.33, 0.56), (0.42, 0.66), (0.3, 0.72), (0.1, 0.73)]
    _form(picture, curve(rock), (112, 92, 84), 0.05)
    for low, high, wide, narrow, colour in (
        (0.54, 0.45, 0.062, 0.054, WHITE), (0.45, 0.36, 0.054, 0.046, RED), (0.36, 0.27, 0.046, 0.038, WHITE),
        (0.27, 0.18, 0.038, 0.03, RED), (0.18, 0.165, 0.045, 0.045, (60, 56, 70)),
        (0.165, 0.11, 0.027, 0.027, (255, 226, 120)), (0.11, 0.06, 0.04, 0, (170, 44, 44)),
    ):  # fmt: skip
        outline = [(0.17 - wide, low), (0.17 + wide, low), (0.17 + narrow, high), (0.17 - narrow, high)]
        _form(picture, outline, colour, 0.03)


def _boat(picture, x):
    """A sailing boat around x, with its shadow on the water."""
    shadow = curve([(-0.3, 0.84), (0, 0.83), (0.3, 0.84), (0.16, 0.93), (-0.14, 0.95)])
    mast = [(-0.008, 0.76), (0.008, 0.76), (0.006, 0.1), (-0.006, 0.1)]
    main = [(0.02, 0.14), (0.1, 0.34), (0.16, 0.5), (0.27, 0.68), (0.02, 0.7)]
    jib = [(-0.02, 0.18), (-0.02, 0.7), (-0.14, 0.7), (-0.25, 0.67), (-0.13, 0.45)]
    flag = [(0, 0.1), (0.1, 0.125), (0, 0.15)]
    hull = [(-0.31, 0.72), (0, 0.75), (0.33, 0.71), (0.25, 0.84), (0, 0.865), (-0.22, 0.84)]
    rail = [(-0.31, 0.72), (0, 0.75), (0.33, 0.71), (0.31, 0.745), (0, 0.785), (-0.29, 0.75)]
    for points, colour, bulge in (
        (shadow, (22, 52, 84), 0.01), (mast, (96, 62, 44), 0.01), (main, (250, 238, 212), 0.1),
        (jib, (228, 120, 62), 0.1), (flag, RED, 0.02), (hull, (150, 52, 44), 0.06), (rail, WHITE, 0.02),
    ):  # fmt: skip
        _form(picture, np.array(points) + (x, 0), colour, bulge)


def portrait(rng, side):
    """The face of a cat with a collar and a bell, before a wall and a warm lamp."""
    fur = FURS[rng.integers(len(FURS))]
    y, x = np.mgrid[:side, :side] / side
    picture = _image(_between([(104, 172, 178), (54, 110, 134), (24, 50, 88)], np.hypot(x - 0.4, y - 0.3)))
    _form(picture, _ring(0.5, 0.44, 0.46), (246, 206, 112), 0.03)
    body = [(0.04, 1.2), (0.1, 0.95), (0.28, 0.8), (0.72, 0.8), (0.9, 0.95), (0.96, 1.2)]
    _form(picture, curve(body), fur, 0.1)
    _form(picture, curve([(0.26, 0.84), (0.5, 0.93), (0.74, 0.84), (0.78, 0.9), (0.5, 1.01), (0.22, 0.9)]), RED, 0.02)
    _form(picture, _ring(0.5, 0.97, 0.045), (248, 204, 70), 0.03)
    for s in (-1, 1):
        ear = [(0.5 + 0.35 * s, 0.46), (0.5 + 0.36 * s, 0.07), (0.5 + 0.31 * s, 0.07), (0.5 + 0.06 * s, 0.27)]
        _form(picture, curve(ear), fur, 0.06)
        inner = [(0.5 + 0.31 * s, 0.38), (0.5 + 0.315 * s, 0.15), (0.5 + 0.14 * s, 0.28)]
        _form(picture, curve(inner), (236, 150, 142), 0.04)
    _form(picture, _ring(0.5, 0.53, 0.37, 0.31), fur, 0.12)
    _features(picture, shade(fur, -0.45), mix(fur, (255, 250, 240), 0.75))
    return picture


def _features(picture, dark, light):
    """What a cat's face holds: stripes, eyes, muzzle and whiskers."""
    draw, side, t = ImageDraw.Draw(picture), picture.height, np.linspace(0, 1, 12)
    for s in (-1, 1):
        for u, v, du, dv in STRIPES:
            path = np.stack([0.5 + s * (u + du * t), v + dv * t], 1)
            _brush(draw, side, path, 0.036 * np.sin(0.3 + 2.84 * t), dark)
        for rx, ry, tone in ((0.083, 0.075, dark), (0.07, 0.063, (176, 206, 84)), (0.026, 0.056, BLACK)):
            _form(picture, _ring(0.5 + 0.165 * s, 0.5, rx, ry), tone, 0.025)
        _form(picture, _ring(0.48 + 0.165 * s, 0.475, 0.016), FOAM)
    for u, v, rx, ry in ((0.405, 0.68, 0.12, 0.095), (0.595, 0.68, 0.12, 0.095), (0.5, 0.755, 0.08, 0.055)):
        _form(picture, _ring(u, v, rx, ry), light, 0.05)
    for s in (-1, 1):
        for rise in (-0.05, 0, 0.05):
            path = np.stack([0.5 + s * (0.13 + 0.32 * t), 0.675 + 0.3 * rise + rise * t**2], 1)
            _brush(draw, side, path, 0.008 - 0.006 * t, FOAM)
        mouth = np.stack([0.5 + s * 0.055 * (1 - np.cos(2.6 * t)), 0.685 + 0.05 * np.sin(2.6 * t)], 1)
        _brush(draw, side, mouth, np.full(12, 0.011), shade(dark, -0.4))
    _form(picture, curve([(0.44, 0.615), (0.5, 0.605), (0.56, 0.615), (0.5, 0.68)]), (214, 96, 104), 0.03)


def _form(picture, points, colour, bulge=0.01):
    """Fill an outline as if it were a body that rises over `bulge` from its edge, lit from above and the left."""
    side = picture.height
    points = np.asarray(points) * side
    margin = round(3 * bulge * side) + 1  # as far as the blur reaches
    low, high = np.floor(points.min(0)) - margin, np.ceil(points.max(0)) + margin
    mask = Image.new("L", tuple(int(v) for v in high - low))
    ImageDraw.Draw(mask).polygon([tuple(p) for p in (points - low).tolist()], fill=255)
    height = np.asarray(mask, np.float32) / 255
    for _ in range(3):  # nearly a Gaussian, and as fast for a wide one
        height = uniform_filter(height, max(3, round(2 * bulge * side)), mode="constant")
    down, right = np.gradient(height)
    light = 1 + np.clip(0.55 * bulge * side * (down + right), -0.45, 0.3)
    picture.paste(_image(light[..., None] * colour), tuple(int(v) for v in low), mask)


def _across(path):
    """Unit vectors at right angles to a path of shape (N, 2)."""
    along = np.gradient(path, axis=0)
    return np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)


def _ring(x, y, rx, ry=None):
    turn = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    return np.stack([x + rx * np.cos(turn), y + (rx if ry is None else ry) * np.sin(turn)], 1)


def _dot(draw, side, centre, radius, fill):
    x, y, r = centre[0] * side, centre[1] * side, radius * side
    draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _pixels(points, side):
    return [tuple(point) for point in (points * side).tolist()]


def _apart(rng, count, gap):
    """Points of the unit square that keep a distance; fewer than `count` where they find no room."""
    points = []
    for point in rng.random((40 * count, 2)):
        if len(points) < count and all(np.hypot(*(point - other)) > gap for other in points):
            points.append(point)
    return np.array(points)


def _noise(rng, shape, cells):
    """Smooth noise from about -1 to 1 with so many hills along a side, the same at every size."""
    hills = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(hills.resize(shape[::-1], Image.Resampling.BICUBIC))


def _between(stops, share):
    """Colours, of shape (..., 3), at shares from 0 to 1 of the way through equally spaced ones."""
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, at, channel) for channel in zip(*stops, strict=True)], -1)


def _image(pixels):
    return Image.fromarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))
