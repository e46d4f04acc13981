"""Pictures from files and the internet, without PyTorch."""

import contextlib
import hashlib
import http.client
import io
import os
import time
import urllib.error
import urllib.request
import warnings
import zlib
from pathlib import Path

import numpy as np
import platformdirs
from PIL import ExifTags, Image, ImageDraw, JpegImagePlugin

from deeplearning.files import atomic_write

# downloaded pictures, named by a hash of their URL
CACHE = platformdirs.user_cache_path("deeplearning") / "pictures"
TIMEOUT = 10  # seconds
TRIES = 3  # if a server is busy or drops the connection
PAUSE = 0.5  # seconds before the second try, twice as long before the third
MAX_BYTES = 128 << 20
MAX_PIXELS = 120_000_000  # in memory; the cameras with the largest files have 102 million
MAX_JPEG_PIXELS = 250_000_000  # in the file; phone cameras have 200 million
LARGE = 32_000_000  # pixels; larger JPEGs are decoded at a half, quarter or eighth of their size
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
PLANES = ((), (1,), (3,), (4,))  # allowed axes after the height and width of an array
# How to turn an array of these kinds of numbers into a picture
HOW = {
    "u": "convert numbers from 0 to 255 with x.astype(np.uint8), with colours on the last axis",
    "i": "convert numbers from 0 to 255 with x.astype(np.uint8)",
    "f": "convert numbers from 0 to 1 with np.rint(255 * x).astype(np.uint8)",
}
PNG = b"\x89PNG\r\n\x1a\n"  # what such files begin with
# What Pillow raises for bad files
BROKEN = (OSError, ValueError, TypeError, SyntaxError, RuntimeError, Image.DecompressionBombError)


def image_from_url(url):
    """Fetch a picture and decode it in memory. Downloads are cached on disk.

    Inputs:
    - url: An http, https or file URL, as in the data sets

    Returns: uint8 array of shape (height, width, 3). If the picture can't be fetched, a warning
    says why, and a grey placeholder with the URL on it is returned, so that a dead link costs one
    picture and not the whole notebook.
    """
    try:
        cached = CACHE / hashlib.sha256(url.encode()).hexdigest()
        with contextlib.suppress(*BROKEN):  # not cached yet, or damaged: fetched below
            return np.array(decode_image(cached.read_bytes()))
        content = _fetch(url)
        picture = np.array(decode_image(content))
        if not url.lower().startswith("file:"):
            with contextlib.suppress(OSError):  # a full disk or a read-only one: no cache
                CACHE.mkdir(parents=True, exist_ok=True)
                with atomic_write(cached) as file:
                    file.write(content)
        return picture
    # AttributeError: the URL is not a string
    except (*BROKEN, AttributeError, http.client.HTTPException) as error:
        name = url if isinstance(url, str | bytes | os.PathLike) else f"a {type(url).__name__}"
        warnings.warn(f"no picture from {name}: {error}", stacklevel=2)
        return _placeholder(name)


def read_image(source):
    """Read a picture from any source; all functions that take a picture call this.

    Inputs:
    - source: Path of a file, PIL image of any mode, or uint8 array of shape (H, W), (H, W, 1),
      (H, W, 3) or (H, W, 4)

    Returns: PIL image in RGB, as `decode_image` describes it

    Raises FileNotFoundError for a missing file, ValueError for another type or array, and one of
    BROKEN for a file that is not a picture.
    """
    if isinstance(source, str | os.PathLike):
        return decode_image(Path(source).read_bytes())
    return in_rgb(source)


def decode_image(content):
    """Decode a picture.

    Inputs:
    - content: Bytes of a file in any format that Pillow reads

    Returns: PIL image in RGB, rotated as its EXIF data says. Transparent parts become white. Values
    of more than 16 bits are scaled to their own range. A JPEG of more than LARGE pixels is reduced
    to a half, a quarter or an eighth of its size.

    Raises ValueError for more than MAX_PIXELS, and for anything but a complete picture.
    """
    with warnings.catch_warnings():
        # our own limits apply first, and damaged EXIF data doesn't matter
        warnings.simplefilter("ignore")
        try:
            return _decoded(content)
        except ValueError:
            plain = _without_remarks(content)
            if plain == content:
                raise
        return _decoded(plain)


def _decoded(content):
    with _opened(content) as image:
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            _check_size(image, MAX_JPEG_PIXELS)
            pixels = image.width * image.height
            scale = next((k for k in (1, 2, 4) if pixels <= LARGE * k**2), 8)
            image.draft(None, (image.width // scale, image.height // scale))
        _check_size(image, MAX_PIXELS)
        try:
            image.load()
        except Exception as error:  # damaged bytes make Pillow raise almost anything
            raise ValueError(
                f"its pixels can't be decoded ({error}): fetch it again, or save it again as JPEG "
                "or PNG"
            ) from error
        return in_rgb(image)


def _opened(content):
    """A picture whose size is known but whose pixels have not been decoded yet."""
    jpeg = content[:3] == b"\xff\xd8\xff"
    try:
        # Image.open refuses the picture sizes of some phones, unless its limit is lifted globally
        return (JpegImagePlugin.JpegImageFile if jpeg else Image.open)(io.BytesIO(content))
    except Image.DecompressionBombError:
        raise ValueError(
            f"it has more than {MAX_PIXELS // 10**6} million pixels: make it smaller"
        ) from None
    except Exception:  # Pillow's own message may name an object in memory
        raise ValueError(
            "it is not a picture in a format that Pillow reads: save it as JPEG or PNG"
        ) from None


def _without_remarks(content):
    """A PNG file without its optional chunks, since Pillow refuses files in which one is damaged.
    Transparency and orientation stay if they are intact. Other files are returned unchanged.
    """
    if not content.startswith(PNG):
        return content
    chunks = [PNG]
    start = len(PNG)
    while start + 12 <= len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        kind = content[start + 4 : start + 8]
        checksum = zlib.crc32(content[start + 4 : end - 4]).to_bytes(4, "big")
        known = kind in (b"tRNS", b"eXIf") and content[end - 4 : end] == checksum
        if kind[:1].isupper() or known:  # a capital letter marks chunks needed for the pixels
            chunks.append(content[start:end])
        start = end
    return b"".join(chunks)


def _check_size(image, limit):
    if image.width * image.height > limit:
        raise ValueError(
            f"it has {image.width} x {image.height} pixels, more than {limit // 10**6} million: "
            "make it smaller"
        )


def in_rgb(picture):
    """A PIL image of any mode, or a uint8 array, as a PIL image in RGB, see `decode_image`."""
    if isinstance(picture, np.ndarray):
        picture = _from_array(picture)
    if not isinstance(picture, Image.Image):
        raise ValueError(
            f"expected the path of a picture, a PIL image or an array, got {type(picture).__name__}"
        )
    if 0 in picture.size:
        raise ValueError(
            f"it has {picture.width} x {picture.height} pixels: there is nothing to see"
        )
    image = _upright(picture)
    if image.mode.startswith("I;16"):
        image = _upper_bits(image)
    if image.mode in ("I", "F"):
        return _own_range(np.asarray(image, np.float64))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La", "P"):
        return _on_white(image)
    return image.convert("RGB")


def _from_array(array):
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in PLANES:
        raise ValueError(
            f"expected a picture as uint8 array of shape (H, W, 3), got {array.dtype} of shape "
            f"{array.shape}; {HOW.get(array.dtype.kind, HOW['f'])}"
        )
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


def _upper_bits(image):
    """The upper 8 of 16 bits; Pillow itself would show all but the darkest values as white."""
    values = np.asarray(image)
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    if isinstance(clear := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def _on_white(image):
    """Transparent parts become white; a picture whose transparent colour is invalid is taken as
    opaque.
    """
    try:
        # Pillow can't convert La directly
        image = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    except (ValueError, TypeError):
        image = image.copy()
        del image.info["transparency"]
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _upright(image):
    """The picture rotated as its EXIF data says, or unchanged if that can't be read.

    ImageOps.exif_transpose also rewrites the data, and often fails if it is damaged.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        return image.transpose(TURNS[orientation]) if orientation in TURNS else image
    except Exception:  # damaged data makes Pillow raise almost anything
        return image


def _own_range(values):
    """Values (H, W) as grey levels, from black for the smallest to white for the largest."""
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
