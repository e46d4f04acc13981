"""Drawing tools that styles and contents share. Points are in units of the shorter side, x to the
right, y down.
"""

import numpy as np
from PIL import Image

FOAM, BLACK, RED = (250, 245, 228), (26, 23, 26), (196, 38, 34)


def brush(draw, side, path, widths, fill):
    """A stroke of varying width."""
    half = 0.5 * np.maximum(widths, 0)[:, None] * normals(path)
    draw.polygon(to_pixels(np.concatenate([path + half, (path - half)[::-1]]), side), fill=fill)


def normals(path):
    """Unit vectors at right angles to a path of shape (N, 2), or to paths (..., N, 2)."""
    along = np.gradient(path, axis=-2)
    across = np.stack([-along[..., 1], along[..., 0]], -1)
    return across / (np.linalg.norm(along, axis=-1, keepdims=True) + 1e-6)


def to_pixels(points, side):
    return [tuple(point) for point in (points * side).tolist()]


def between(stops, share):
    """Interpolate between equally spaced colours at shares from 0 to 1; shape (..., 3)."""
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, at, channel) for channel in zip(*stops, strict=True)], -1)


def to_image(pixels):
    return Image.fromarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))
