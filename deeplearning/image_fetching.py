"""Pictures from files and the network, without PyTorch."""

import contextlib
import hashlib
import http.client
import io
import time
import urllib.error
import urllib.request
import warnings

import numpy as np
import platformdirs
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from deeplearning.files import atomic_write

CACHE = (
    platformdirs.user_cache_path("deeplearning") / "pictures"
)  # what came from the network, by a hash of its URL
TIMEOUT = 10  # seconds
TRIES = 3  # where a server is busy or drops the connection
PAUSE = 0.5  # seconds before the second try, twice as many before the third
MAX_BYTES = 32 << 20
MAX_PIXELS = 24_000_000
# What Pillow raises for bad files
BROKEN = (OSError, ValueError, TypeError, SyntaxError, RuntimeError, Image.DecompressionBombError)


def image_from_url(url):
    """Fetch a picture and decode it in memory. What came from the network is kept on the disk for
    the next time.

    Inputs:
    - url: An http, https or file URL, as the data sets name them

    Returns: uint8 array of shape (height, width, 3). Where there is none to be had, a warning says
    why, and a grey placeholder with the URL on it is returned, so that a dead link costs one
    picture and not the notebook.
    """
    try:
        cached = CACHE / hashlib.sha256(url.encode()).hexdigest()
        with contextlib.suppress(*BROKEN):  # not there yet, or damaged: fetched again
            return np.array(decode_image(cached.read_bytes()))
        content = _fetch(url)
        picture = np.array(decode_image(content))
        if not url.lower().startswith("file:"):
            with contextlib.suppress(OSError):  # a full disk or a read-only one: no cache
                CACHE.mkdir(parents=True, exist_ok=True)
                with atomic_write(cached) as file:
                    file.write(content)
        return picture
    except (
        *BROKEN,
        AttributeError,
        http.client.HTTPException,
    ) as error:  # AttributeError: no string at all
        warnings.warn(f"no picture from {url}: {error}", stacklevel=2)
        return _placeholder(url)


def decode_image(content):
    """Decode a picture.

    Inputs:
    - content: Bytes of a file in any format that Pillow reads

    Returns: PIL image in RGB, turned the way that its EXIF data says it was taken

    Raises ValueError for more than MAX_PIXELS, and one of BROKEN for what is no picture, or only a
    part of one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", Image.DecompressionBombWarning
        )  # we refuse smaller ones than Pillow warns of
        try:
            image = Image.open(io.BytesIO(content))
        except UnidentifiedImageError:  # whose message names an object in memory
            raise ValueError(
                "it is no picture of a kind that Pillow reads: save it as JPEG or PNG"
            ) from None
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(
                f"{image.width} x {image.height} pixels are more than {MAX_PIXELS // 10**6} million: make it smaller"
            )
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):  # of which Pillow would show all but the darkest as white
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
        # A palette may hold transparent colours, which only RGBA can take
        return (image.convert("RGBA") if image.mode == "P" else image).convert("RGB")


def _fetch(url):
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                content = response.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ValueError(f"the file is larger than {MAX_BYTES >> 20} MiB")
            return content
        except (urllib.error.HTTPError, ConnectionResetError, http.client.HTTPException) as error:
            busy = not isinstance(error, urllib.error.HTTPError) or error.code in (
                429,
                500,
                502,
                503,
                504,
            )
            if not busy or attempt == TRIES - 1:
                raise
            time.sleep(PAUSE * 2**attempt)


def _placeholder(url):
    image = Image.new("RGB", (256, 192), (225, 225, 225))
    draw = ImageDraw.Draw(image)
    draw.rectangle((4, 4, 251, 187), outline=(150, 150, 150))
    draw.text((16, 70), "picture not available", fill=(60, 60, 60))
    draw.text((16, 100), str(url)[-36:], fill=(110, 110, 110))
    return np.asarray(image)
