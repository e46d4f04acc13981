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
from PIL import ExifTags, Image, ImageDraw, UnidentifiedImageError

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
# What undoes each orientation of the EXIF standard (CIPA DC-008, tag 274).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
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

    Returns: PIL image in RGB, turned the way that its EXIF data says it was taken. What is
    transparent lies on white. Numbers of more than 16 bits are spread over their own range.

    Raises ValueError for more than MAX_PIXELS, and one of BROKEN for what is not a picture, or only
    a part of one.
    """
    with warnings.catch_warnings():
        # MAX_PIXELS is smaller than the size that Pillow warns of; damaged EXIF data is no matter
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(content))
        except UnidentifiedImageError:  # whose message names an object in memory
            raise ValueError(
                "it is not a picture of a kind that Pillow reads: save it as JPEG or PNG"
            ) from None
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(
                    f"{image.width} x {image.height} pixels are more than "
                    f"{MAX_PIXELS // 10**6} million: make it smaller"
                )
            image.load()
            return in_rgb(_upright(image))


def _upright(image):
    """The picture turned as its EXIF data says; as it lies if that can't be read.

    ImageOps.exif_transpose also writes the data anew, and fails on much that is damaged in it.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged data makes Pillow raise almost anything
        return image
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def in_rgb(image):
    """A PIL image of any mode in RGB, see `decode_image`."""
    if image.mode.startswith("I;16"):  # Pillow would show all but the darkest as white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        return _own_range(np.asarray(image, np.float64))
    if "transparency" in image.info or "A" in image.getbands() or image.mode == "P":
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _own_range(values):
    """Numbers (H, W) from black for the smallest to white for the largest."""
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinity: save it as JPEG or PNG")
    span = np.ptp(values)
    share = (values - values.min()) / span if span > 0 else np.zeros_like(values)
    return Image.fromarray(np.rint(255 * share).astype(np.uint8)).convert("RGB")


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
