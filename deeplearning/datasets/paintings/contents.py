"""Pictures of a few large forms with smooth shading: a harbour and the portrait of a cat."""

import math

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import uniform_filter

from deeplearning.datasets.paintings.brush import BLACK, FOAM, RED, between, brush, to_image
from deeplearning.datasets.toytown.pen import WHITE, curve, mix, shade

GLINT, RIPPLE = (255, 214, 150), (128, 184, 200)
FURS = ((232, 146, 66), (172, 164, 164), (206, 160, 116))
STRIPES = (
    (0, 0.25, 0, 0.12),
    (0.085, 0.265, -0.02, 0.1),
    (0.36, 0.5, -0.09, 0.01),
    (0.355, 0.58, -0.1, 0.0),
)


def harbour(rng, side):
    """A sailing boat before hills and a lighthouse, in the evening; a third wider than high."""
    wide = round(side * 4 / 3)
    sun = rng.uniform(0.50, 0.62)
    y, x = np.mgrid[:side, :wide] / side
    sky = between([(70, 120, 190), (140, 180, 214), (250, 214, 160), (252, 176, 110)], y / 0.6)
    glow = np.exp(-((x - sun) ** 2 + (y - 0.42) ** 2) / 0.03)[..., None]
    sea = between([(236, 176, 130), (70, 140, 170), (26, 78, 128), (14, 48, 92)], (y - 0.55) / 0.45)
    picture = to_image(np.where(y[..., None] < 0.56, sky + glow * (60, 50, 30), sea))
    _form(picture, _ring(sun, 0.42, 0.075), (255, 236, 170), 0.01)
    for height, foot, colour in ((0.16, 0.575, (126, 132, 170)), (0.09, 0.585, (78, 108, 122))):
        a, b = rng.uniform(0, 6.3, 2)
        u = np.arange(-0.1, 1.5, 0.04)
        ridge = np.stack(
            [u, 0.56 - height * (0.55 + 0.3 * np.sin(5 * u + a) + 0.15 * np.sin(11 * u + b))], 1
        )
        _form(picture, [*ridge, (1.5, foot), (-0.1, foot)], colour, 0.04)
    for v in np.linspace(0.59, 0.98, 34):
        u, long = rng.uniform(-0.1, 1.3), 0.02 + 0.16 * (v - 0.55)
        u, tone = (
            (sun + 0.1 * rng.standard_normal() - long, GLINT) if rng.random() < 0.5 else (u, RIPPLE)
        )
        _form(
            picture,
            curve(
                [(u, v), (u + long, v - 0.1 * long), (u + 2 * long, v), (u + long, v + 0.1 * long)]
            ),
            tone,
        )
    _lighthouse(picture)
    _boat(picture, rng.uniform(0.84, 0.92))
    return picture


def _lighthouse(picture):
    """A lighthouse on a rock, on the left."""
    rock = [
        (-0.1, 0.7),
        (-0.05, 0.52),
        (0.08, 0.5),
        (0.2, 0.53),
        (0.33, 0.56),
        (0.42, 0.66),
        (0.3, 0.72),
        (0.1, 0.73),
    ]
    _form(picture, curve(rock), (112, 92, 84), 0.05)
    for low, high, wide, narrow, colour in (
        (0.54, 0.45, 0.062, 0.054, WHITE), (0.45, 0.36, 0.054, 0.046, RED),
        (0.36, 0.27, 0.046, 0.038, WHITE), (0.27, 0.18, 0.038, 0.03, RED),
        (0.18, 0.165, 0.045, 0.045, (60, 56, 70)),
        (0.165, 0.11, 0.027, 0.027, (255, 226, 120)), (0.11, 0.06, 0.04, 0, (170, 44, 44)),
    ):  # fmt: skip
        outline = [
            (0.17 - wide, low),
            (0.17 + wide, low),
            (0.17 + narrow, high),
            (0.17 - narrow, high),
        ]
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
        (jib, (228, 120, 62), 0.1), (flag, RED, 0.02), (hull, (150, 52, 44), 0.06),
        (rail, WHITE, 0.02),
    ):  # fmt: skip
        _form(picture, np.array(points) + (x, 0), colour, bulge)


def portrait(rng, side):
    """The face of a cat with a collar and a bell, before a wall and a warm lamp."""
    fur = FURS[rng.integers(len(FURS))]
    y, x = np.mgrid[:side, :side] / side
    picture = to_image(
        between([(104, 172, 178), (54, 110, 134), (24, 50, 88)], np.hypot(x - 0.4, y - 0.3))
    )
    _form(picture, _ring(0.5, 0.44, 0.46), (246, 206, 112), 0.03)
    body = [(0.04, 1.2), (0.1, 0.95), (0.28, 0.8), (0.72, 0.8), (0.9, 0.95), (0.96, 1.2)]
    _form(picture, curve(body), fur, 0.1)
    _form(
        picture,
        curve([(0.26, 0.84), (0.5, 0.93), (0.74, 0.84), (0.78, 0.9), (0.5, 1.01), (0.22, 0.9)]),
        RED,
        0.02,
    )
    _form(picture, _ring(0.5, 0.97, 0.045), (248, 204, 70), 0.03)
    for s in (-1, 1):
        ear = [
            (0.5 + 0.35 * s, 0.46),
            (0.5 + 0.36 * s, 0.07),
            (0.5 + 0.31 * s, 0.07),
            (0.5 + 0.06 * s, 0.27),
        ]
        _form(picture, curve(ear), fur, 0.06)
        inner = [(0.5 + 0.31 * s, 0.38), (0.5 + 0.315 * s, 0.15), (0.5 + 0.14 * s, 0.28)]
        _form(picture, curve(inner), (236, 150, 142), 0.04)
    _form(picture, _ring(0.5, 0.53, 0.37, 0.31), fur, 0.12)
    _features(picture, shade(fur, -0.45), mix(fur, (255, 250, 240), 0.75))
    return picture


def _features(picture, dark, light):
    """A cat's face: stripes, eyes, muzzle and whiskers."""
    draw, side, t = ImageDraw.Draw(picture), picture.height, np.linspace(0, 1, 12)
    for s in (-1, 1):
        for u, v, du, dv in STRIPES:
            path = np.stack([0.5 + s * (u + du * t), v + dv * t], 1)
            brush(draw, side, path, 0.036 * np.sin(0.3 + 2.84 * t), dark)
        for rx, ry, tone in (
            (0.083, 0.075, dark),
            (0.07, 0.063, (176, 206, 84)),
            (0.026, 0.056, BLACK),
        ):
            _form(picture, _ring(0.5 + 0.165 * s, 0.5, rx, ry), tone, 0.025)
        _form(picture, _ring(0.48 + 0.165 * s, 0.475, 0.016), FOAM)
    for u, v, rx, ry in (
        (0.405, 0.68, 0.12, 0.095),
        (0.595, 0.68, 0.12, 0.095),
        (0.5, 0.755, 0.08, 0.055),
    ):
        _form(picture, _ring(u, v, rx, ry), light, 0.05)
    for s in (-1, 1):
        for rise in (-0.05, 0, 0.05):
            path = np.stack([0.5 + s * (0.13 + 0.32 * t), 0.675 + 0.3 * rise + rise * t**2], 1)
            brush(draw, side, path, 0.008 - 0.006 * t, FOAM)
        mouth = np.stack(
            [0.5 + s * 0.055 * (1 - np.cos(2.6 * t)), 0.685 + 0.05 * np.sin(2.6 * t)], 1
        )
        brush(draw, side, mouth, np.full(12, 0.011), shade(dark, -0.4))
    _form(
        picture,
        curve([(0.44, 0.615), (0.5, 0.605), (0.56, 0.615), (0.5, 0.68)]),
        (214, 96, 104),
        0.03,
    )


def _form(picture, points, colour, bulge=0.01):
    """Fill an outline as a solid form that rises within `bulge` of its edge, lit from above and the
    left.
    """
    side = picture.height
    points = np.asarray(points) * side
    margin = round(3 * bulge * side) + 1  # the reach of the blur
    low, high = np.floor(points.min(0)) - margin, np.ceil(points.max(0)) + margin
    mask = Image.new("L", tuple(int(v) for v in high - low))
    ImageDraw.Draw(mask).polygon([tuple(p) for p in (points - low).tolist()], fill=255)
    height = np.asarray(mask, np.float32) / 255
    for _ in range(3):  # almost a Gaussian, and just as fast if wide
        height = uniform_filter(height, max(3, round(2 * bulge * side)), mode="constant")
    down, right = np.gradient(height)
    light = 1 + np.clip(0.55 * bulge * side * (down + right), -0.45, 0.3)
    picture.paste(to_image(light[..., None] * colour), tuple(int(v) for v in low), mask)


def _ring(x, y, rx, ry=None):
    turn = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    return np.stack([x + rx * np.cos(turn), y + (rx if ry is None else ry) * np.sin(turn)], 1)
