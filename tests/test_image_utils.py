import importlib
import io
import re
import struct
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from deeplearning import image_fetching, image_utils
from deeplearning.image_utils import (
    SQUEEZENET_MEAN,
    SQUEEZENET_STD,
    blur_image,
    blur_tensor,
    deprocess,
    deprocess_image,
    jitter,
    load_image,
    open_image,
    preprocess,
    preprocess_image,
    rescale,
)

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
LEVELS = np.stack([np.arange(256), np.arange(256)[::-1], np.roll(np.arange(256), 100)], 1).astype(
    np.uint8
)
LEVELS = LEVELS.reshape(8, 32, 3)  # each channel holds every grey level once
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)


def encoded(image, format="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# Normalised and back


def test_constants():
    """Mean and standard deviation are ImageNet's, in float32; the function for pictures from URLs
    is available here too.
    """
    for constant, values in ((SQUEEZENET_MEAN, MEAN), (SQUEEZENET_STD, STD)):
        assert constant.dtype == np.float32
        np.testing.assert_allclose(constant, values, rtol=1e-7)
    assert image_utils.image_from_url is image_fetching.image_from_url


@pytest.mark.parametrize("shape", [(3,), (4, 5, 3), (2, 4, 5, 3), (1, 1, 3), (0, 4, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_preprocess_image(shape, dtype):
    """Pixels of any type and shape become (img / 255 - mean) / std in float32; a PIL image and
    lists will do.
    """
    img = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    out = preprocess_image(img)
    assert type(out) is np.ndarray and out.dtype == np.float32
    np.testing.assert_allclose(out, (img / 255.0 - MEAN) / STD, atol=2e-6, strict=False)
    np.testing.assert_array_equal(preprocess_image(img.tolist()) if img.size else out, out)


@pytest.mark.parametrize("shape", [(3,), (4, 5, 3), (2, 4, 5, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deprocess_image(shape, dtype):
    """Numbers become the nearest grey level of 255 * (x * std + mean); what is out of range is
    clipped.
    """
    x = 3 * numbers(*shape, dtype=dtype)
    out = deprocess_image(x)
    assert type(out) is np.ndarray and out.dtype == np.uint8 and out.shape == shape
    assert np.abs(out - (255 * (x * STD + MEAN)).clip(0, 255)).max() < 0.501


def test_deprocess_image_rescaled():
    """Rescaled, the smallest number of the whole picture is black, the largest white, and those
    between are linear.
    """
    x = 0.1 * numbers(4, 5, 3)
    pixels = x * STD + MEAN
    expected = 255 * (pixels - pixels.min()) / (pixels.max() - pixels.min())
    out = deprocess_image(x, rescale=True)
    assert out.dtype == np.uint8 and out.min() == 0 and out.max() == 255
    assert np.abs(out - expected).max() < 0.501


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_round_trip(dtype):
    """Every grey level of every channel survives normalising and back."""
    np.testing.assert_array_equal(
        deprocess_image(preprocess_image(LEVELS).astype(dtype)), LEVELS, strict=True
    )


def test_torch_round_trip():
    """Every grey level of every channel survives the PyTorch pair, and a picture that spans all is
    not stretched.
    """
    for should_rescale in (False, True):
        out = deprocess(preprocess(Image.fromarray(LEVELS), 8), should_rescale=should_rescale)
        assert isinstance(out, Image.Image) and out.mode == "RGB"
        np.testing.assert_array_equal(out, LEVELS)


def test_numpy_and_torch_agree():
    """Both pairs give the same numbers, and each takes back what the other made."""
    x = preprocess(Image.fromarray(PIXELS), 12)
    assert x.shape == (1, 3, 12, 17) and x.dtype == torch.float32
    swapped = preprocess_image(PIXELS)
    np.testing.assert_allclose(x[0].permute(1, 2, 0).numpy(), swapped, atol=2e-6)
    np.testing.assert_array_equal(deprocess_image(x[0].permute(1, 2, 0).numpy()), PIXELS)
    np.testing.assert_array_equal(
        deprocess(torch.tensor(swapped).permute(2, 0, 1)[None], should_rescale=False), PIXELS
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_deprocess_takes_what_networks_give(dtype):
    """Tensors of other types, strided ones and ones with a gradient become pictures; without a word
    it is rescaled.
    """
    x = torch.tensor(numbers(1, 3, 5, 4)).to(dtype).transpose(2, 3).requires_grad_()
    array = x[0].detach().permute(1, 2, 0).float().numpy()
    np.testing.assert_array_equal(deprocess(x), deprocess_image(array, rescale=True))
    np.testing.assert_array_equal(deprocess(x, should_rescale=False), deprocess_image(array))


@pytest.mark.parametrize("value", [0.0, -5.0, 1e4])
def test_constant_picture_rescaled(value):
    """A picture of one grey is rescaled to one of one colour, without a warning or a
    division by 0.
    """
    x = ((value - SQUEEZENET_MEAN) / SQUEEZENET_STD).reshape(1, 1, 3).repeat(4, axis=1)
    for out in (
        deprocess_image(x, rescale=True),
        np.asarray(deprocess(torch.tensor(x).permute(2, 0, 1)[None])),
    ):
        assert out.shape == (1, 4, 3) and (out == out[:, :1]).all()


@pytest.mark.parametrize("shape", [(), (4,), (4, 5), (5, 4, 1), (3, 4, 4)])
def test_no_three_channels(shape):
    """Anything but three channels at the end is refused with the shape."""
    for function in (preprocess_image, deprocess_image):
        with pytest.raises(ValueError) as raised:
            function(np.zeros(shape))
        assert str(shape) in str(raised.value)


@pytest.mark.parametrize(
    "shape", [(3, 4, 5), (2, 3, 4, 5), (1, 1, 4, 5), (1, 4, 5, 3), (0, 3, 4, 5)]
)
def test_no_single_picture(shape):
    """Anything but one picture with its channels in front is refused with the shape."""
    with pytest.raises(ValueError) as raised:
        deprocess(torch.zeros(shape))
    assert str(shape) in str(raised.value)


@pytest.mark.parametrize("rescaled", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan(rescaled, value):
    """A picture with a single NaN or infinity is refused, not shown as black."""
    x = numbers(1, 3, 4, 5)
    x[0, 1, 2, 3] = value
    with pytest.raises(ValueError, match="NaN"):
        deprocess_image(x[0].transpose(1, 2, 0), rescale=rescaled)
    with pytest.raises(ValueError, match="NaN"):
        deprocess(torch.tensor(x), should_rescale=rescaled)


@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_plain_picture_stays_plain(level):
    """In a picture of one colour there is nothing to stretch: rounding errors don't become colours."""
    plain = np.full((4, 5, 3), level, np.uint8)
    np.testing.assert_array_equal(deprocess_image(preprocess_image(plain), rescale=True), plain)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float16, np.float32, np.float64])
def test_blur_keeps_plain_pictures(dtype):
    """Whatever the dtype, the middle of a plain picture stays as it is."""
    blurred = blur_image(np.full((1, 3, 5, 5), 200, dtype))
    assert (
        blurred.dtype == dtype
        and abs(float(blurred[0, 0, 2, 2]) - 200) <= 200 * np.finfo(np.float16).eps / 2
    )


def test_pixels_can_be_changed(tmp_path):
    """The loaded array is the caller's own."""
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    assert (
        load_image(tmp_path / "a.png").flags.writeable
        and load_image(tmp_path / "a.png", 5).flags.writeable
    )


# Sizes, modes and files

SIZES = [
    ((20, 40), 10),
    ((40, 20), 10),
    ((30, 47), 10),
    ((47, 31), 60),
    ((9, 9), 9),
    ((1, 1), 5),
    ((1, 7), 3),
]


@pytest.mark.parametrize("shape, size", [*SIZES, ((8, 8), 1), ((21, 8), 1)])
def test_shorter_side(tmp_path, shape, size):
    """The shorter side of a picture, portrait or landscape, gets the size, the other one in
    proportion.
    """
    image = Image.new("RGB", shape[::-1], (10, 20, 30))
    image.save(tmp_path / "picture.png")
    for H, W in (
        preprocess(image, size).shape[2:],
        load_image(tmp_path / "picture.png", size).shape[:2],
    ):
        assert min(H, W) == size and (H <= W) == (shape[0] <= shape[1])
        assert abs(max(H, W) - size * max(shape) / min(shape)) < 1


def test_sizes_by_default(tmp_path):
    """Without a size the PyTorch pair makes the shorter side 224, and a file stays as it is."""
    assert preprocess(Image.fromarray(PIXELS)).shape == (1, 3, 224, 317)
    (tmp_path / "picture.png").write_bytes(encoded(Image.fromarray(PIXELS)))
    for path in (tmp_path / "picture.png", str(tmp_path / "picture.png")):
        loaded = load_image(path)
        assert type(loaded) is np.ndarray
        np.testing.assert_array_equal(loaded, PIXELS, strict=True)


@pytest.mark.parametrize("size", [6, 12, 30])
def test_resized_pixels(tmp_path, size):
    """A resized file is what the PyTorch pair makes of it, and close to the mean of what its pixels
    cover.
    """
    smooth = np.add.outer(np.arange(12) * 8, np.arange(17) * 6)[..., None] + [0, 20, 40]
    (tmp_path / "picture.png").write_bytes(encoded(Image.fromarray(smooth.astype(np.uint8))))
    loaded = load_image(tmp_path / "picture.png", size)
    x = preprocess(open_image(tmp_path / "picture.png"), size)
    np.testing.assert_array_equal(deprocess(x, should_rescale=False), loaded)
    rows, columns = (
        (np.arange(n) + 0.5) * of / n - 0.5
        for n, of in zip(loaded.shape[:2], (12, 17), strict=True)
    )
    expected = np.add.outer(rows.clip(0, 11) * 8, columns.clip(0, 16) * 6)[..., None] + [0, 20, 40]
    assert np.abs(loaded - expected)[1:-1, 1:-1].max() < 3


RED = (255, 0, 0)
MODES = [
    ("RGB", RED, RED, "PNG"),
    ("RGBA", (*RED, 10), (255, 245, 245), "PNG"),
    ("CMYK", (0, 255, 255, 0), RED, "TIFF"),
    ("L", 77, (77, 77, 77), "PNG"),
    ("LA", (77, 0), (255, 255, 255), "PNG"),
    ("1", 1, (255, 255, 255), "PNG"),
    ("P", 1, (10, 20, 30), "GIF"),
]


@pytest.mark.parametrize("mode, value, colour, format", MODES)
def test_modes(tmp_path, mode, value, colour, format):
    """Transparent, grey, black-and-white, palette and printers' pictures become their colours, in
    memory or a file.
    """
    image = Image.new(mode, (6, 4), value)
    if mode == "P":
        image.putpalette([0, 0, 0, 10, 20, 30])
    (tmp_path / "picture").write_bytes(encoded(image, format))
    expected = np.full((4, 6, 3), colour, np.uint8)
    np.testing.assert_array_equal(deprocess(preprocess(image, 4), should_rescale=False), expected)
    np.testing.assert_array_equal(load_image(tmp_path / "picture"), expected)
    for opened in (open_image(tmp_path / "picture"), open_image(image)):
        assert opened.mode == "RGB"
        np.testing.assert_array_equal(opened, expected)


@pytest.mark.parametrize("function", [load_image, open_image])
def test_missing_file(tmp_path, function):
    """A missing file is a FileNotFoundError that names it."""
    with pytest.raises(FileNotFoundError, match="gone.jpg"):
        function(tmp_path / "gone.jpg")


PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
# of a black and white PNG
HEADER = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
BAD = {
    "empty": b"",
    "text": b"no picture at all",
    "cut": encoded(PHOTO)[:2000],
    "cut jpeg": encoded(PHOTO, "JPEG")[:900],
    "vast": encoded(PHOTO)[:12]
    + HEADER
    + struct.pack(">I", zlib.crc32(HEADER))
    + encoded(PHOTO)[33:],
}


@pytest.mark.parametrize("function", [load_image, open_image])
@pytest.mark.parametrize("name", [*BAD, "folder"])
def test_no_picture(tmp_path, function, name):
    """A folder, a text, a picture that is cut off or says it has 400 million pixels is a ValueError
    that names the file.
    """
    if name == "folder":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(BAD[name])
    with pytest.raises(
        ValueError, match="more than 120 million" if name == "vast" else "can't read"
    ) as raised:
        function(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)
    assert "Errno" not in str(raised.value)


# Stretched, shifted and blurred


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(7,), (2, 3, 4, 5)])
def test_rescale(dtype, shape):
    """Numbers of any range are mapped linearly to exactly [0, 1], in the same type."""
    for factor, shift in ((1, 0), (0.01, 7), (100, -1000)):
        x = torch.tensor(factor * numbers(*shape) + shift).to(dtype)
        out = rescale(x)
        assert out.dtype == dtype and out.shape == shape and out.min() == 0 and out.max() == 1
        expected = (x.double() - x.min().double()) / (x.max().double() - x.min().double())
        torch.testing.assert_close(out.double(), expected, rtol=0, atol=4 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("value", [0.0, 3.7, -1e30, 1e-40])
def test_rescale_constant(value):
    """Where all numbers are equal they become 0, never NaN."""
    assert rescale(torch.full((2, 3), value)).eq(0).all() and rescale(torch.tensor(value)) == 0


@pytest.mark.parametrize("ox, oy", [(0, 0), (1, 0), (0, 1), (2, -3), (-4, 5), (16, 9), (-23, 2)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (1, 3, 6, 1)])
def test_jitter(ox, oy, shape):
    """Pictures are rolled round the edges, ox pixels to the right and oy down, and back by the
    negative shifts.
    """
    X = torch.tensor(numbers(*shape))
    out = jitter(X, ox, oy)
    np.testing.assert_array_equal(out.numpy(), np.roll(X.numpy(), (oy, ox), axis=(2, 3)))
    assert torch.equal(jitter(out, -ox, -oy), X)


def test_jitter_directions():
    """The pixel at the top left goes oy rows down and ox columns to the right."""
    X = torch.zeros(1, 1, 4, 5)
    X[0, 0, 0, 0] = 1
    assert jitter(X, ox=3, oy=1).nonzero().tolist() == [[0, 0, 1, 3]]


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 3, 1, 1), (1, 3, 1, 6), (0, 3, 4, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blur_image(shape, dtype):
    """Each pixel is 188 / 200 of itself plus 2 / 200 of each neighbour and 1 / 200 of diagonal
    ones, zeros around.
    """
    X = numbers(*shape, dtype=dtype)
    kernel, padded = (
        np.array([[1, 2, 1], [2, 188, 2], [1, 2, 1]]) / 200,
        np.zeros((*shape[:2], shape[2] + 2, shape[3] + 2)),
    )
    padded[:, :, 1:-1, 1:-1] = X
    expected = np.empty(shape)
    for n, c, i, j in np.ndindex(shape):
        expected[n, c, i, j] = (kernel * padded[n, c, i : i + 3, j : j + 3]).sum()
    out = blur_image(X)
    assert type(out) is np.ndarray and out.dtype == dtype and out.shape == shape
    np.testing.assert_allclose(out, expected, atol=10 * np.finfo(dtype).eps)


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.5, 0.7, 1, 1.3, 2])
@pytest.mark.parametrize(
    "shape", [(2, 3, 9, 12), (1, 4, 7, 5), (1, 1, 1, 1), (1, 3, 1, 8), (2, 2, 3, 1)]
)
def test_blur_tensor(sigma, shape):
    """Each channel of each picture is SciPy's Gaussian, cut off at three standard deviations, its
    edges repeated.
    """
    X = numbers(*shape)
    expected = gaussian_filter(X, (0, 0, sigma, sigma), mode="nearest", truncate=3)
    np.testing.assert_allclose(blur_tensor(torch.tensor(X), sigma).numpy(), expected, atol=1e-12)


def test_blur_tensor_by_default():
    """Without a word the standard deviation is one pixel; none at all gives a copy."""
    X = torch.tensor(numbers(1, 3, 6, 5))
    assert torch.equal(blur_tensor(X), blur_tensor(X, 1))
    copy = blur_tensor(X, 0)
    assert torch.equal(copy, X) and copy.data_ptr() != X.data_ptr()


@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float32, 1e-6), (torch.float64, 1e-12), (torch.float16, 4e-3)]
)
def test_blur_tensor_types(dtype, tolerance):
    """The type and a constant stay the same, and float32 agrees with float64 within its
    precision.
    """
    if dtype == torch.float16 and torch.__version__ < "2.6":
        pytest.skip("old releases of PyTorch can't pad half-precision pictures on a CPU")
    for sigma in (0.5, 2):
        constant = blur_tensor(torch.full((1, 3, 5, 7), 0.75, dtype=dtype), sigma)
        assert constant.dtype == dtype
        torch.testing.assert_close(
            constant, torch.full_like(constant, 0.75), rtol=0, atol=tolerance
        )
        X = torch.tensor(numbers(1, 3, 6, 5)).to(dtype)
        torch.testing.assert_close(
            blur_tensor(X, sigma).double(), blur_tensor(X.double(), sigma), rtol=0, atol=tolerance
        )


ARRAYS = [preprocess_image, deprocess_image, lambda x: deprocess_image(x, rescale=True), blur_image]
TENSORS = [
    deprocess,
    rescale,
    lambda x: jitter(x, 1, 2),
    blur_tensor,
    lambda x: deprocess(x, should_rescale=False),
]


@pytest.mark.parametrize("function", ARRAYS + TENSORS)
def test_inputs_stay(function):
    """No argument is changed in place, nor shares memory with what is returned."""
    x = numbers(1, 3, 4, 3, dtype=np.float32)
    argument = x.copy() if function in ARRAYS else torch.tensor(x)
    out = function(argument)
    np.testing.assert_array_equal(argument, x)
    if not isinstance(out, Image.Image):
        out[...] = 0
        np.testing.assert_array_equal(argument, x)


def test_a_torchvision_that_does_not_fit(tmp_path, monkeypatch):
    """Torchvision's error with a mismatched release of PyTorch becomes one sentence."""
    (tmp_path / "torchvision").mkdir()
    text = "operator torchvision::nms does not exist"
    (tmp_path / "torchvision" / "__init__.py").write_text(f"raise RuntimeError({text!r})")
    monkeypatch.syspath_prepend(tmp_path)
    for name in list(sys.modules):
        if re.match(r"torchvision\b|deeplearning\.(vision|classifiers\.backbones)$", name):
            monkeypatch.delitem(sys.modules, name)  # until the test ends
    sentence = rf"torchvision does not fit PyTorch \({text}\): install both together"
    with pytest.raises(ImportError, match=sentence):
        importlib.import_module("deeplearning.classifiers.backbones")
    with pytest.raises(ImportError, match=sentence):
        preprocess(Image.new("RGB", (3, 3)))
