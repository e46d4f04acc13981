"""Pictures from files and the network, as arrays."""

import http.client
import io
import urllib.request
import warnings

import numpy as np
from PIL import Image, ImageDraw

TIMEOUT = 10  # seconds
MAX_BYTES = 32 << 20


def image_from_url(url):
    """Fetch a picture and decode it in memory.

    Inputs:
    - url: An http, https or file URL

    Returns: uint8 array of shape (height, width, 3). Where there is none to be had, a warning says why, and a grey
    placeholder with the URL on it is returned, so that a dead link costs one picture and not the notebook.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            content = response.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"the file is larger than {MAX_BYTES >> 20} MiB")
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except (
        OSError,
        http.client.HTTPException,
        ValueError,
        SyntaxError,
        RuntimeError,
        Image.DecompressionBombError,
    ) as error:
        # SyntaxError and RuntimeError are Pillow's words for some broken files
        warnings.warn(f"no picture from {url}: {error}", stacklevel=2)
        return _placeholder(url)


def _placeholder(url):
    image = Image.new("RGB", (256, 192), (225, 225, 225))
    draw = ImageDraw.Draw(image)
    draw.rectangle((4, 4, 251, 187), outline=(150, 150, 150))
    draw.text((16, 70), "picture not available", fill=(60, 60, 60))
    draw.text((16, 100), str(url)[-36:], fill=(110, 110, 110))
    return np.asarray(image)
