"""Pictures for style transfer that need no download: four styles and two contents, drawn by code.

A style fills a square with brush strokes, waves, mosaic or ink; a content picture shows a few large
forms with smooth shading. Everything is placed in units of the shorter side, x to the right and y
down, and drawn larger than it is shown, then shrunk to smooth the edges. So a picture looks the
same at every size.
"""

import math

import numpy as np

from deeplearning.datasets.paintings import contents, styles

STYLES = ("strokes", "waves", "mosaic", "ink")
CONTENTS = ("harbour", "portrait")
SMALLEST, LARGEST = 32, 1024
DRAWN_AT = 512  # pixels of the shorter side at which smaller pictures are drawn


def style_picture(name, size=256, seed=0):
    """Draw a picture whose texture is worth transferring.

    Inputs:
    - name: One of STYLES
    - size: Height and width in pixels, from 32 to 1024
    - seed: Equal seeds give equal pictures

    Returns: PIL image in RGB, size pixels high and wide

    Raises ValueError for another name or size.
    """
    return _draw(styles, STYLES, name, size, seed)


def content_picture(name, size=256, seed=0):
    """Draw a picture with large forms, to be painted in a style.

    Inputs:
    - name: One of CONTENTS
    - size: Length of the shorter side in pixels, from 32 to 1024
    - seed: Equal seeds give equal pictures

    Returns: PIL image in RGB; "portrait" is square, "harbour" a third wider than high

    Raises ValueError for another name or size.
    """
    return _draw(contents, CONTENTS, name, size, seed)


def _draw(module, names, name, size, seed):
    """Call the function with this name for a larger picture, and shrink that to size."""
    if name not in names:
        raise ValueError(f"expected one of {', '.join(names)}, got {name!r}")
    if not isinstance(size, int | np.integer) or not SMALLEST <= size <= LARGEST:
        raise ValueError(f"expected a size of {SMALLEST} to {LARGEST} whole pixels, got {size!r}")
    times = max(2, math.ceil(DRAWN_AT / size))
    return getattr(module, name)(np.random.default_rng(seed), int(size) * times).reduce(times)
