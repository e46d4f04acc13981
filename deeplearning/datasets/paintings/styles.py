"""Squares full of texture: brush strokes, waves, mosaic and ink."""

import math

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from deeplearning.datasets.paintings.brush import (
    BLACK,
    FOAM,
    RED,
    between,
    brush,
    normals,
    to_image,
    to_pixels,
)
from deeplearning.datasets.toytown.pen import mix, shade

NIGHT = [
    (14, 22, 72),
    (24, 52, 138),
    (44, 98, 190),
    (124, 178, 214),
    (240, 226, 152),
    (250, 190, 34),
    (222, 124, 20),
]
INDIGO, SEA, TEAL, CREAM = (24, 38, 92), (44, 92, 142), (62, 146, 152), (238, 226, 190)
CLAY = [
    (96, 34, 28),
    (160, 54, 36),
    (204, 96, 48),
    (226, 154, 66),
    (242, 206, 128),
    (250, 234, 196),
]
GROUT, GLASS = (62, 46, 42), (44, 128, 130)
PAPER = (244, 233, 210)


def strokes(rng, side):
    """Thick strokes of a bristle brush that follow eddies, blue in calm places and yellow in the
    eddies' cores.
    """
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
        colours = between(NIGHT, tone)
        paths = _follow(start, centres, radii, spins, phase)
        for path, normal, colour in zip(paths, normals(paths), colours, strict=True):
            _bristles(draw, rng, side, path, normal, width, tuple(colour.tolist()))
    return image


def _follow(xy, centres, radii, spins, phase, steps=13, step=0.009):
    """Paths (N, steps, 2) from points (N, 2), along eddies in a gentle current."""
    paths = [xy]
    for _ in range(steps - 1):
        away = (xy[:, None] - centres) / radii[:, None]  # (N, centres, 2)
        pull = spins * np.exp(-0.35 * (away**2).sum(2))  # (N, centres)
        flow = (pull[..., None] * np.stack([-away[..., 1], away[..., 0]], 2)).sum(1)  # (N, 2)
        flow = flow + 0.25 * np.stack(
            [np.ones(len(xy)), np.sin(7 * xy[:, 0] + phase[0] + 2 * xy[:, 1])], 1
        )
        xy = xy + step * flow / (np.linalg.norm(flow, axis=1, keepdims=True) + 1e-6)
        paths.append(xy)
    return np.stack(paths, 1)


def _bristles(draw, rng, side, path, normal, width, colour, hairs=6):
    """One stroke: parallel hairs of paint, light on the ridge that faces the light and dark on the
    other.
    """
    across = np.linspace(-1, 1, hairs)
    facing = normal[len(path) // 2].sum()  # the light comes from above and the left
    points = path + 0.5 * width * across[:, None, None] * normal  # (hairs, steps, 2)
    for share, hair in zip(across.tolist(), points, strict=True):
        begin, end = rng.integers(0, 3), len(path) - rng.integers(0, 3)
        lit = -share * facing * abs(share)
        tone = min(max(0.3 * lit + 0.07 * rng.standard_normal(), -0.5), 0.5)
        draw.line(
            to_pixels(hair[begin:end], side),
            fill=shade(colour, float(tone)),
            width=math.ceil(1.3 * width / hairs * side),
            joint="curve",
        )


def waves(rng, side):
    """Row behind row of curling waves with rims of foam, in the flat colours of a woodcut."""
    image = Image.new("RGB", (side, side), CREAM)
    draw = ImageDraw.Draw(image)
    for row in range(10):
        for column in range(-1, 6):
            centre = np.array([0.25 * (column + 0.5 * (row % 2)), 0.04 + 0.13 * row]) + rng.uniform(
                -0.03, 0.03, 2
            )
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
        _dot(
            draw,
            side,
            centre + radius * np.array([0.05 * k * hand, -0.01 * k]),
            share * radius,
            fill,
        )
    turn = np.linspace(0, 4.2 * math.pi, 90)
    # a spiral that starts on the lee side and ends in its middle
    reach = 0.6 * (1 - turn / turn[-1]) ** 0.8
    middle = centre + radius * np.array([0.15 * hand, -0.1])
    spiral = middle + radius * np.stack([-hand * reach * np.cos(turn), -reach * np.sin(turn)], 1)
    for spot, thick in zip(spiral, radius * (0.035 + 0.08 * reach), strict=True):
        _dot(draw, side, spot, thick, FOAM)
    for spot in centre + radius * rng.uniform((-1.2, -1.7), (1.2, -1.25), (4, 2)):  # spray
        _dot(draw, side, spot, 0.004, FOAM)


def mosaic(rng, side):
    """Irregular tesserae laid in rings around a few centres, each with its own tilt and shade, in
    dark grout.
    """
    grid = np.stack(np.meshgrid(np.arange(-1, 24), np.arange(-1, 24)), -1).reshape(-1, 2)
    sites = (grid + rng.uniform(0.1, 0.9, grid.shape)) / 22
    centres = _apart(rng, 4, 0.4)
    away = np.linalg.norm(sites[:, None] - centres, axis=2).min(1)
    tone = 0.5 + 0.42 * np.cos(21 * away) + 0.08 * rng.standard_normal(len(sites))
    colours = between(CLAY, tone)
    colours[(away > 0.11) & (rng.random(len(sites)) < 0.09)] = GLASS
    at = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1) / side  # (side, side, 2)
    distance, which = cKDTree(sites).query(at, k=2, workers=1)
    first, second = sites[which[..., 0]], sites[which[..., 1]]
    apart = np.linalg.norm(second - first, axis=2)
    gap = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * apart)  # to the edge
    tilt = rng.normal((-3, -4), 5, sites.shape)[which[..., 0]]
    light = 1 + (tilt * (at - first)).sum(2) + 0.05 * _noise(rng, (side, side), 90)
    tile = np.clip((gap - 0.0035) * 400, 0, 1)[..., None]
    bevel = 0.75 + 0.25 * np.clip((gap - 0.004) * 150, 0, 1)
    return to_image(tile * colours[which[..., 0]] * (light * bevel)[..., None] + (1 - tile) * GROUT)


def ink(rng, side):
    """Brushed stems and leaves, pale washes and splashes of ink on warm paper, with a few berries
    in red.
    """
    wet = _noise(rng, (side, side), 6) + 0.2 * _noise(rng, (side, side), 24)
    wash = 0.3 * np.clip(4 * wet - 0.8, 0, 1) * (0.7 + 0.3 * _noise(rng, (side, side), 4))
    wash += 0.13 * np.exp(-(((wet - 0.22) / 0.03) ** 2))  # a wash dries darkest at its edge
    tint = np.array(PAPER) - wash[..., None] * np.array([230, 214, 180])
    image = to_image(tint * (1 + 0.03 * _noise(rng, (side, side), 130))[..., None])
    draw = ImageDraw.Draw(image)
    for tone, stems in ((0.68, 6), (0.4, 6), (0.0, 8)):
        fill = mix(BLACK, PAPER, tone)
        for k in range(stems):
            path = _stem(rng, (k + rng.random()) / stems)
            brush(draw, side, path, 0.014 * np.linspace(1.2, 0.4, len(path)), fill)
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
        brush(draw, side, path, 0.024 * np.sin(np.linspace(0.15, math.pi, 10)) ** 0.8, fill)


def _dot(draw, side, centre, radius, fill):
    x, y, r = centre[0] * side, centre[1] * side, radius * side
    draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _apart(rng, count, gap):
    """Points of the unit square at least `gap` apart; fewer than `count` if there is no room."""
    points = []
    for point in rng.random((40 * count, 2)):
        if len(points) < count and all(np.hypot(*(point - other)) > gap for other in points):
            points.append(point)
    return np.array(points)


def _noise(rng, shape, cells):
    """Smooth noise from about -1 to 1 with `cells` hills along a side, the same at every size."""
    hills = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(hills.resize(shape[::-1], Image.Resampling.BICUBIC))
