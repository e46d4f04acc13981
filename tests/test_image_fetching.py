import errno
import http.server
import io
import os
import re
import socket
import struct
import threading
import urllib.request
import warnings
import zlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageOps

from deeplearning import image_fetching
from deeplearning.classifiers.backbones import read_picture
from deeplearning.image_fetching import decode_image, image_from_url, in_rgb, read_image
from deeplearning.image_utils import open_image

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)


def encoded(format, image=None, **how):
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, format, **how)
    return buffer.getvalue()


ALPHA = np.dstack([PIXELS, PIXELS[..., :1]])
WHITE = Image.new("RGBA", (17, 12), "white")
ON_WHITE = np.asarray(Image.alpha_composite(WHITE, Image.fromarray(ALPHA)).convert("RGB"))
START = encoded("PNG").index(b"IDAT")
IDAT = encoded("PNG")[START - 4 : START + 4]  # length and name of the chunk that holds the pixels
FILES = {
    "/photo.png": encoded("PNG"),
    "/photo.jpg": encoded("JPEG", quality=95),
    "/gr%C3%BCn%20%26%20blau.png": encoded("PNG"),
    "/alpha.png": encoded("PNG", Image.fromarray(ALPHA)),
    "/grey.png": encoded("PNG", Image.fromarray(PIXELS[..., 0])),
    "/cmyk.jpg": encoded("JPEG", Image.fromarray(PIXELS).convert("CMYK"), quality=95),
    "/truncated.jpg": encoded("JPEG")[:400],
    "/truncated.png": encoded("PNG")[:400],
    "/broken.png": encoded("PNG").replace(
        IDAT, bytes([0, 0, 0, 40]) + b"IDAT"
    ),  # what follows is no chunk
    "/truncated.gif": encoded("GIF")[:60],
    "/garbage.jpg": bytes(range(256)) * 10,
    "/page.html": b"<html>no photo here</html>",
    "/empty.jpg": b"",
    "/vast.png": encoded("PNG", Image.new("1", (8000, 5000)))[:100],  # the size stands at the front
}
ASKED = Counter()  # how often this test asked the server for a path
TROUBLE = {}  # statuses, or None for a connection cut off, that a path is answered with before its file


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ASKED[self.path] += 1
        if TROUBLE.get(self.path):
            status = TROUBLE[self.path].pop(0)
            if status is not None:
                self.send_error(status)
        elif self.path == "/moved.png":
            self.send_response(302)
            self.send_header("Location", "/photo.png")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path in FILES:
            self.send_response(200)
            self.send_header("Content-Length", str(len(FILES[self.path])))
            self.end_headers()
            self.wfile.write(FILES[self.path])
        elif self.path == "/silent.jpg":
            self.server.closing.wait(30)
        elif self.path == "/short.jpg":  # promises more than it sends
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(FILES["/photo.jpg"][:300])
        elif self.path == "/endless.jpg":
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + bytes(1000))
            self.server.closing.wait(30)
        elif self.path == "/nonsense":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    """URL of a web server on this machine with FILES."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.closing = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The server is reached directly, whatever proxy this machine uses. Returns the list of pauses,
    which take no time.
    """
    monkeypatch.setenv("no_proxy", "*")
    pauses = []
    monkeypatch.setattr(image_fetching, "time", SimpleNamespace(sleep=pauses.append))
    ASKED.clear()
    TROUBLE.clear()
    return pauses


def assert_placeholder(image):
    assert (
        type(image) is np.ndarray
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
    )
    assert min(image.shape[:2]) > 50 and image.std() > 0  # something is drawn on it


@pytest.mark.parametrize("name", ["/photo.png", "/moved.png", "/gr%C3%BCn%20%26%20blau.png"])
def test_pixels_from_a_server(server, name):
    """A picture on a server, a moved one included, comes as its pixels."""
    image = image_from_url(server + name)
    assert type(image) is np.ndarray and image.dtype == np.uint8
    np.testing.assert_array_equal(image, PIXELS)


def test_jpeg_from_a_server(server):
    """A JPEG is the picture that Pillow decodes."""
    with Image.open(io.BytesIO(FILES["/photo.jpg"])) as image:
        np.testing.assert_array_equal(image_from_url(server + "/photo.jpg"), np.asarray(image))


@pytest.mark.parametrize("name", ["photo.png", "two words.png", "grün & 50% #1.png"])
def test_pixels_from_a_file(tmp_path, name):
    """A file URL gives the file's pixels, whatever its name, and leaves the file free to be
    deleted.
    """
    (tmp_path / name).write_bytes(FILES["/photo.png"])
    np.testing.assert_array_equal(image_from_url((tmp_path / name).as_uri()), PIXELS)
    (tmp_path / name).unlink()


@pytest.mark.parametrize(
    "name, expected", [("alpha.png", ON_WHITE), ("grey.png", PIXELS[..., :1].repeat(3, axis=2))]
)
def test_other_modes_become_rgb(server, name, expected):
    """Transparent and grey pictures come with three channels."""
    np.testing.assert_array_equal(image_from_url(f"{server}/{name}"), expected)


def test_cmyk_becomes_rgb(server):
    """A photo in CMYK comes as RGB."""
    assert image_from_url(server + "/cmyk.jpg").shape == PIXELS.shape


BAD = [
    "missing.jpg",
    "truncated.jpg",
    "truncated.png",
    "truncated.gif",
    "broken.png",
    "garbage.jpg",
    "page.html",
    "empty.jpg",
    "short.jpg",
    "nonsense",
    "vast.png",
]


@pytest.mark.parametrize("name", BAD)
def test_no_picture_from_a_server(server, name):
    """A missing or truncated picture, or another file, gives one warning with its URL, and a
    placeholder.
    """
    with pytest.warns(UserWarning, match=name) as warned:
        assert_placeholder(image_from_url(f"{server}/{name}"))
    assert len(warned) == 1 and warned[0].filename == __file__  # the warning points at the caller


def test_refused_connection():
    """An unreachable server gives a warning and a placeholder."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # bound, so nobody else listens there
        with pytest.warns(UserWarning, match=str(port)):
            assert_placeholder(image_from_url(f"http://127.0.0.1:{port}/photo.png"))


def test_silent_server(server, monkeypatch):
    """A server that does not answer is given up on after the time limit."""
    monkeypatch.setattr(image_fetching, "TIMEOUT", 0.2)
    with pytest.warns(UserWarning, match="silent.jpg.*timed out"):
        assert_placeholder(image_from_url(server + "/silent.jpg"))


UNUSABLE = [
    "gopherus://x/y.png",
    "photo.jpg",
    "",
    "http://",
    "http://[::1/x",
    "http://a b/ü.jpg",
    "http://\ud800/x.jpg",
]


@pytest.mark.parametrize(
    "url", [*UNUSABLE, None, 3, b"http://x/y.png", Path("photo.jpg"), ["photo.jpg"]]
)
def test_unusable_url(url):
    """An unknown scheme, a bare name, a malformed URL or anything but a string gives a warning and
    a placeholder.
    """
    with pytest.warns(UserWarning, match="no picture"):
        assert_placeholder(image_from_url(url))


def test_missing_file(tmp_path):
    """A URL of a missing file, or of a folder, gives a warning and a placeholder."""
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.warns(UserWarning, match=path.name):
            assert_placeholder(image_from_url(path.as_uri()))


def test_too_large(server, tmp_path, monkeypatch):
    """At most a limit is read into memory, from a file or from a server that sends without end."""
    monkeypatch.setattr(image_fetching, "MAX_BYTES", 300)
    (tmp_path / "large.png").write_bytes(FILES["/photo.png"])
    with pytest.warns(UserWarning, match="larger"):
        assert_placeholder(image_from_url((tmp_path / "large.png").as_uri()))
    monkeypatch.setattr(image_fetching, "TIMEOUT", 100)
    with pytest.warns(UserWarning, match="larger"):
        assert_placeholder(image_from_url(server + "/endless.jpg"))


def test_too_many_pixels(tmp_path, monkeypatch):
    """A PNG of 400 million pixels is refused, the limit itself is allowed."""
    path = tmp_path / "picture.png"
    path.write_bytes(encoded("PNG", Image.new("1", (20_000, 20_000))))
    with pytest.warns(UserWarning, match="it has more than 120 million pixels"):
        assert_placeholder(image_from_url(path.as_uri()))
    path.write_bytes(FILES["/photo.png"])
    monkeypatch.setattr(image_fetching, "MAX_PIXELS", 12 * 17)
    np.testing.assert_array_equal(image_from_url(path.as_uri()), PIXELS)
    monkeypatch.setattr(image_fetching, "MAX_PIXELS", 12 * 17 - 1)
    with pytest.warns(UserWarning, match="17 x 12 pixels"):
        assert_placeholder(image_from_url(path.as_uri()))


@pytest.mark.parametrize("pixels", [24.2e6, 50.3e6, 61e6, 102e6, 108e6, 200e6])
def test_sizes_that_cameras_have(pixels):
    """JPEGs of today's cameras and telephones are allowed."""
    assert pixels < image_fetching.MAX_JPEG_PIXELS
    assert pixels / 64 < image_fetching.MAX_PIXELS


@pytest.mark.parametrize("limit, scale", [(800, 1), (799, 2), (199, 4), (49, 8), (1, 8)])
def test_large_jpegs_are_decoded_reduced(monkeypatch, limit, scale):
    """Above LARGE, a JPEG comes at a half, a quarter or an eighth of its size, and turned."""
    monkeypatch.setattr(image_fetching, "LARGE", limit)
    exif = Image.Exif()
    exif[274] = 6
    file = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(file, "JPEG", exif=exif.tobytes())
    image = decode_image(file.getvalue())
    assert image.size == (-(-20 // scale), 40 // scale)
    np.testing.assert_allclose(np.asarray(image).mean(axis=(0, 1)), [255, 0, 0], atol=2)


def test_a_jpeg_that_no_camera_makes(monkeypatch):
    """A JPEG above its own limit is refused before it is decoded."""
    monkeypatch.setattr(image_fetching, "MAX_JPEG_PIXELS", 12 * 17 - 1)
    with pytest.raises(ValueError, match="17 x 12 pixels, more"):
        decode_image(FILES["/photo.jpg"])


def test_kept_for_the_next_time(server):
    """A picture is requested once; each URL has its own."""
    for _ in range(3):
        np.testing.assert_array_equal(image_from_url(server + "/photo.png"), PIXELS)
        assert image_from_url(server + "/grey.png").std(axis=2).max() == 0
    assert ASKED == {"/photo.png": 1, "/grey.png": 1}


def test_kept_where_the_server_is_gone(monkeypatch):
    """A picture that was fetched once is available without a network, for a URL of any length."""
    url = "http://127.0.0.1:9/" + "photo" * 100
    with monkeypatch.context() as patch:
        patch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(FILES["/photo.png"]))
        image_from_url(url)
    np.testing.assert_array_equal(image_from_url(url), PIXELS)


@pytest.mark.parametrize("content", [b"", b"<html>", FILES["/photo.png"][:300], FILES["/vast.png"]])
def test_damaged_in_the_cache(server, picture_cache, content):
    """A kept picture that is damaged is fetched again, without a warning, and mended."""
    image_from_url(server + "/photo.png")
    (kept,) = picture_cache.iterdir()
    kept.write_bytes(content)
    for _ in range(2):
        np.testing.assert_array_equal(image_from_url(server + "/photo.png"), PIXELS)
    assert ASKED == {"/photo.png": 2} and kept.read_bytes() == FILES["/photo.png"]
    assert list(picture_cache.iterdir()) == [kept]


@pytest.mark.parametrize("obstacle", ["file above", "file", "folder of that name", "full disk"])
def test_no_place_for_the_cache(server, picture_cache, monkeypatch, obstacle):
    """If nothing can be stored, the picture still comes, without a warning."""

    def refuse(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if obstacle == "full disk":
        monkeypatch.setattr(os, "fsync", refuse)
    elif obstacle == "folder of that name":
        image_from_url(server + "/photo.png")
        (kept,) = picture_cache.iterdir()
        kept.unlink()
        kept.mkdir()
    else:
        place = picture_cache if obstacle == "file" else picture_cache.parent
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"")
    for _ in range(2):
        np.testing.assert_array_equal(image_from_url(server + "/photo.png"), PIXELS)


@pytest.mark.parametrize("scheme", ["file:", "FILE:"])
def test_files_are_not_kept(tmp_path, picture_cache, scheme):
    """A file on this machine is read anew each time."""
    url = scheme + (tmp_path / "photo.png").as_uri().removeprefix("file:")
    for pixels in (PIXELS, 255 - PIXELS):
        (tmp_path / "photo.png").write_bytes(encoded("PNG", Image.fromarray(pixels)))
        np.testing.assert_array_equal(image_from_url(url), pixels)
    assert not picture_cache.exists()


@pytest.mark.parametrize("name", ["missing.jpg", "truncated.png", "page.html", "vast.png"])
def test_failures_are_not_kept(server, picture_cache, monkeypatch, name):
    """A failed picture is requested again, and comes once it exists."""
    for _ in range(2):
        with pytest.warns(UserWarning, match=name):
            image_from_url(f"{server}/{name}")
    assert ASKED == {f"/{name}": 2} and not picture_cache.exists()
    monkeypatch.setitem(FILES, f"/{name}", FILES["/photo.png"])
    np.testing.assert_array_equal(image_from_url(f"{server}/{name}"), PIXELS)


@pytest.mark.parametrize("trouble", [[503, 503], [429, 500], [502, 504], [None, None], [503]])
def test_busy_server(server, pauses, trouble):
    """A server that is busy, or drops the connection, up to twice is asked again, after a pause
    that doubles.
    """
    TROUBLE["/photo.png"] = list(trouble)
    np.testing.assert_array_equal(image_from_url(server + "/photo.png"), PIXELS)
    assert ASKED == {"/photo.png": len(trouble) + 1}
    assert pauses == [image_fetching.PAUSE, 2 * image_fetching.PAUSE][: len(trouble)]


@pytest.mark.parametrize("status, times", [(503, 3), (None, 3), (404, 1), (403, 1), (410, 1)])
def test_server_that_refuses(server, pauses, status, times):
    """A server that stays busy is given up on after three tries; a refusal is final at once."""
    TROUBLE["/photo.png"] = [status] * 5
    with pytest.warns(UserWarning, match="photo.png"):
        assert_placeholder(image_from_url(server + "/photo.png"))
    assert ASKED == {"/photo.png": times} and len(pauses) == times - 1


def test_pictures_of_other_kinds(tmp_path):
    """A palette with transparent colours lies on white, and 16 bits a pixel keep their brightness,
    without a warning.
    """
    palette = Image.new("P", (4, 4))
    palette.putpalette([250, 20, 10] * 3)
    palette.save(tmp_path / "palette.png", transparency=bytes([0, 128, 255]))
    Image.fromarray(np.full((4, 4), 30000, np.uint16)).save(tmp_path / "deep.png")
    assert (image_from_url((tmp_path / "palette.png").as_uri()) == 255).all()
    deep = image_from_url((tmp_path / "deep.png").as_uri())
    assert (deep == round(255 * 30000 / 65535)).all() and deep.flags.writeable


def test_enormous_picture(tmp_path):
    """Of a picture of 200 megapixels there is one warning, ours, and a placeholder."""
    Image.new("1", (20000, 10000)).save(tmp_path / "large.png")
    with pytest.warns(UserWarning) as caught:
        assert_placeholder(image_from_url((tmp_path / "large.png").as_uri()))
    assert ["no picture" in str(warning.message) for warning in caught] == [True]


def test_any_damaged_file(tmp_path):
    """Whichever byte of a picture is damaged, the result is an array: its pixels, or a placeholder
    with a warning.
    """
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged"
    warned = 0
    for format in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        content = np.frombuffer(encoded(format), np.uint8)
        for _ in range(60):
            damaged = content.copy()
            damaged[rng.integers(min(100, len(content)), size=2)] = rng.integers(256, size=2)
            path.write_bytes(damaged.tobytes())
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                image = image_from_url(path.as_uri())
            assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
            warned += bool(caught)
    assert warned > 50


# Pictures as they come


def jpeg_with_exif(exif):
    """A picture of 8 x 16 pixels, red above blue, with these bytes as its EXIF data."""
    image = Image.new("RGB", (8, 16), "red")
    image.paste("blue", (0, 8, 8, 16))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, subsampling=0, exif=exif)
    return file.getvalue()


def tiff_entries(*entries):
    """EXIF data of one directory: triples of tag, kind and four bytes, and then what they
    point at.
    """
    count = struct.pack("<H", len(entries))
    body = b"".join(struct.pack("<HHI", tag, kind, 1) + value for tag, kind, value in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + count + body + b"\0" * 4


RATIONAL = struct.pack("<I", 8 + 2 + 2 * 12 + 4)  # where the two numbers stand, after two entries
SIXTH = (274, 3, struct.pack("<HH", 6, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_pillow_turns_it(orientation):
    """For sound EXIF data, the picture is turned as Pillow's own function turns it."""
    exif = Image.Exif()
    exif[274] = orientation
    content = jpeg_with_exif(exif.tobytes())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(decode_image(content), np.asarray(expected))


def test_resolution_that_divides_by_zero():
    """A resolution of -1 / 0 doesn't matter: the picture is turned."""
    exif = tiff_entries(SIXTH, (282, 10, RATIONAL)) + struct.pack("<ii", -1, 0)
    assert decode_image(jpeg_with_exif(exif)).size == (16, 8)


@pytest.mark.parametrize(
    "exif",
    [
        tiff_entries(SIXTH, (282, 5, RATIONAL)),
        tiff_entries((274, 11, struct.pack("<f", 6.5)), (271, 11, struct.pack("<f", 1))),
        tiff_entries((274, 2, b"six\0")),
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0",
        b"Exif\0\0nonsense",
    ],
    ids=["cut off", "fractions", "text", "elsewhere", "empty", "nonsense"],
)
def test_damaged_exif_data(exif):
    """EXIF data that can't be read leaves the picture as it lies, or turned, without a warning."""
    image = decode_image(jpeg_with_exif(exif))
    assert image.mode == "RGB" and sorted(image.size) == [8, 16]
    np.testing.assert_allclose(np.asarray(image).mean(axis=(0, 1)), [127, 0, 127], atol=3)


def chunk(kind, data, damage=0):
    """A chunk of a PNG file, whose check sum is wrong by `damage`."""
    checksum = zlib.crc32(kind + data) ^ damage
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


BOMB = b"k\0\0" + zlib.compress(bytes(100 << 20), level=1)
REMARKS = {
    "text": chunk(b"tEXt", b"Comment\0hello", damage=1),
    "bomb": chunk(b"zTXt", BOMB),
    "profile": chunk(b"iCCP", BOMB),
    "gamma": chunk(b"gAMA", b"") + chunk(b"cHRM", b"\0") + chunk(b"pHYs", b""),
    "time": chunk(b"tIME", b"\0", damage=1),
}


@pytest.mark.parametrize("remark", REMARKS.values(), ids=REMARKS)
@pytest.mark.parametrize("where", [b"IDAT", b"IEND"])
def test_damaged_remarks_in_a_png(remark, where):
    """Damaged metadata in a PNG file never costs the picture, whose transparency and orientation
    still count.
    """
    exif = Image.Exif()
    exif[274] = 6
    grey = Image.new("L", (4, 2), 0)
    grey.paste(100, (0, 0, 2, 2))
    content = png(grey, transparency=0, exif=exif)
    at = content.index(where) - 4
    image = decode_image(content[:at] + remark + content[at:])
    assert np.asarray(image)[..., 0].tolist() == [[100, 100], [100, 100], [255, 255], [255, 255]]


def test_damage_that_costs_the_picture():
    """Damaged pixels are reported, even in a PNG file with damaged metadata."""
    content = encoded("PNG")
    at = content.index(b"IDAT") - 4
    content = content[:at] + REMARKS["text"] + content[at:-40]
    with pytest.raises(ValueError, match="can't be decoded .*: fetch it again"):
        decode_image(content)


def png(image, **how):
    file = io.BytesIO()
    image.save(file, "PNG", **how)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "I;16"])
def test_transparent_lies_on_white(mode):
    """What is transparent becomes white, whatever colour is stored there."""
    black = Image.new("RGBA", (4, 2), (0, 0, 0, 255))
    black.paste((0, 0, 0, 0), (0, 0, 2, 2))
    if mode == "P":
        image = Image.new("P", (4, 2), 1)
        image.putpalette([0, 0, 0, 0, 0, 0])
        image.paste(0, (0, 0, 2, 2))
        content = png(image, transparency=0)
    elif mode == "RGB":
        image = Image.new("RGB", (4, 2), "black")
        image.paste((1, 1, 1), (0, 0, 2, 2))
        content = png(image, transparency=(1, 1, 1))
    elif mode == "I;16":
        values = np.array([[257, 257, 0, 0]] * 2, np.uint16)
        content = png(Image.fromarray(values), transparency=257)
    else:
        content = png(black.convert(mode))
    grey = np.asarray(decode_image(content))[0, :, 0].tolist()
    assert grey == [255, 255, 0, 0]


@pytest.mark.parametrize(
    ("mode", "clear"), [("P", 300), ("P", None), ("L", b"\0"), ("RGB", "red")], ids=str
)
def test_a_transparent_colour_that_does_not_fit(mode, clear):
    """A transparent colour that a picture of this mode can't have leaves all of it opaque."""
    image = Image.fromarray(PIXELS).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    image.info["transparency"] = clear
    np.testing.assert_array_equal(in_rgb(image), expected)
    assert image.info["transparency"] is clear


@pytest.mark.parametrize(
    "values, expected",
    [
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[-2, 0, 2]], np.float32), [0, 128, 255]),
        (np.array([[0, 1 << 30, 1 << 30]], np.int32), [0, 255, 255]),
        (np.array([[7, 7, 7]], np.int32), [0, 0, 0]),
    ],
)
def test_numbers_of_more_than_16_bits(values, expected):
    """Floats and 32-bit integers are spread over their own range, not clipped."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    assert np.asarray(decode_image(file.getvalue()))[0, :, 0].tolist() == expected


def test_numbers_that_are_not_finite():
    """A float picture with NaN is refused with one sentence."""
    file = io.BytesIO()
    Image.fromarray(np.array([[0, np.nan]], np.float32)).save(file, "TIFF")
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        decode_image(file.getvalue())


# One rule for all ways in


def test_ways_in_agree(tmp_path):
    """A file, a PIL image and an array give the same pixels: turned, on white, of their range."""
    image = Image.open(io.BytesIO(jpeg_with_exif(tiff_entries(SIXTH))))
    deep = Image.fromarray(np.full((3, 4), 30000, np.uint16))
    clear = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    for name, picture in {"turned.png": image, "deep.png": deep, "clear.png": clear}.items():
        path = tmp_path / name
        picture.save(path, exif=picture.getexif())
        for way in (path, str(path), Image.open(path), np.asarray(read_image(path))):
            np.testing.assert_array_equal(read_image(way), read_image(picture))
    assert read_image(image).size == (16, 8)
    assert np.asarray(read_image(deep)).max() == 117
    assert np.asarray(read_image(clear)).min() == 255


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 3), (3, 4, 4)])
def test_arrays_are_pictures(shape):
    """Grey, coloured and transparent pixels in an array are a picture."""
    array = np.full(shape, 200, np.uint8)
    expected = 255 - (255 - 200) * 200 / 255 if shape[2:] == (4,) else 200
    np.testing.assert_allclose(np.asarray(read_image(array)), np.full((3, 4, 3), expected), atol=1)


@pytest.mark.parametrize(
    "picture",
    [np.random.default_rng(0).random((50, 60, 3)), np.zeros((1, 3, 9, 9), np.uint8), 3, None],
)
def test_what_is_no_picture(picture):
    """Other arrays and things get one short sentence, which does not print their numbers."""
    for use in (read_image, lambda picture: read_picture(picture, 8), open_image):
        with pytest.raises(ValueError, match="expected (a picture as uint8|the path)") as caught:
            use(picture)
        assert len(str(caught.value)) < 250
    with pytest.warns(UserWarning, match="no picture from a ") as caught:
        assert_placeholder(image_from_url(picture))
    assert len(str(caught[0].message)) < 250


@pytest.mark.parametrize(
    "array, advice",
    [
        (np.zeros((3, 4, 3)), "np.rint(255 * x)"),
        (np.zeros((3, 4), bool), "np.rint(255 * x)"),
        (np.zeros((3, 4, 3), int), "convert numbers from 0 to 255 with x.astype(np.uint8)"),
        (np.zeros((3, 40, 50), np.uint8), "colours on the last axis"),
        (np.zeros((0, 4, 3), np.uint8), "it has 4 x 0 pixels"),
    ],
)
def test_how_arrays_become_pictures(array, advice):
    """The message says how to turn such an array into a picture; one without pixels is refused."""
    with pytest.raises(ValueError, match=re.escape(advice)):
        open_image(array)


@pytest.mark.parametrize(
    "mode", ["La", "RGBa", "PA", "LAB", "HSV", "YCbCr", "CMYK", "1", "P", "F", "I"]
)
def test_every_mode(mode):
    """Every mode of Pillow becomes RGB."""
    assert in_rgb(Image.new(mode, (3, 2))).mode == "RGB"
