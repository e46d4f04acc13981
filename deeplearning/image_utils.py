"""Pictures as networks read them: normalised, shifted, blurred, and back again.

The first part works on NumPy arrays, the second on PyTorch tensors. Letters: N pictures, H height,
W width.
"""

import os
from numbers import Integral
from os import PathLike

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from deeplearning.files import ADVICE
from deeplearning.image_fetching import BROKEN, image_from_url, read_image

__all__ = [
    "SQUEEZENET_MEAN", "SQUEEZENET_STD", "black_and_white", "blur_image", "blur_tensor",
    "check_size", "deprocess", "deprocess_image", "image_from_url", "jitter", "load_image",
    "open_image", "preprocess", "preprocess_image", "rescale",
]  # fmt: skip

# statistics of ImageNet's pixels; red, green and blue from 0 to 1
SQUEEZENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SQUEEZENET_STD = np.array([0.229, 0.224, 0.225], np.float32)
BLUR = np.array([[1, 2, 1], [2, 188, 2], [1, 2, 1]]) / 200


def preprocess_image(img):
    """Normalise a picture for SqueezeNet.

    Inputs:
    - img: Pixels from 0 to 255, of shape (..., 3)

    Returns: float32 array of the same shape, (img / 255 - SQUEEZENET_MEAN) / SQUEEZENET_STD

    Raises ValueError for another last dimension.
    """
    img = np.asarray(img)
    if img.ndim == 0 or img.shape[-1] != 3:
        raise ValueError(f"expected pixels of shape (..., 3), got {img.shape}")
    return (img.astype(np.float32) / 255 - SQUEEZENET_MEAN) / SQUEEZENET_STD


def deprocess_image(img, rescale=False):
    """Undo `preprocess_image`.

    Inputs:
    - img: Normalised picture, of shape (..., 3)
    - rescale: Whether to stretch the result over the whole range from black to white; a picture of
      a single colour stays as it is

    Returns: uint8 array of the same shape; pixels out of range are clipped

    Raises ValueError for another last dimension, NaN or infinity.
    """
    img = np.asarray(img)
    if img.ndim == 0 or img.shape[-1] != 3 or not np.isfinite(img).all():
        raise ValueError(
            f"expected a picture of shape (..., 3) without NaN and infinity, got one of {img.shape}"
        )
    img = img * SQUEEZENET_STD + SQUEEZENET_MEAN
    # less than a grey level is rounding error, not a picture
    if rescale and np.ptp(img) > 1e-3:
        img = (img - img.min()) / np.ptp(img)
    return np.rint(255 * img.clip(0, 1)).astype(np.uint8)


def load_image(filename, size=None):
    """Read a picture from a file.

    Inputs:
    - filename: Path, or anything else that `open_image` takes
    - size: Length of its shorter side in pixels, or a pair of height and width; by default the
      picture isn't resized

    Returns: uint8 array of shape (H, W, 3)

    Raises FileNotFoundError for a missing file, and ValueError for one that isn't a picture.
    """
    image = open_image(filename)
    if size is not None:
        # importing torchvision takes seconds, and most functions don't need it
        from deeplearning.vision import torchvision

        image = torchvision.transforms.functional.resize(image, _side(size))
    return np.array(image)


def open_image(path):
    """Read a picture from a file; a PIL image or an array of pixels is accepted too.

    Returns: PIL image in RGB

    Raises FileNotFoundError for a missing file, and ValueError for anything that isn't a picture,
    or is a very large one.
    """
    try:
        return read_image(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no picture at {path}: check the spelling, and which folder it is in"
        ) from None
    except BROKEN as error:
        what = f"the picture {path}" if isinstance(path, str | PathLike) else "it as a picture"
        reason = str(error)
        if isinstance(error, OSError) and error.errno in ADVICE:
            reason = f"{os.strerror(error.errno)}, so {ADVICE[error.errno]}"
        raise ValueError(f"can't read {what}: {reason}") from error


def check_size(size):
    """A number of pixels as an int. Raises ValueError for anything but a positive integer."""
    if not isinstance(size, Integral) or size < 1:
        raise ValueError(f"expected a size of 1 pixel or more, got {size!r}")
    return int(size)


def _side(size):
    """A size as torchvision takes it: the shorter side, or height and width."""
    return list(map(check_size, size)) if isinstance(size, tuple | list) else check_size(size)


def blur_image(X):
    """Blur very slightly: each pixel becomes a weighted mean of itself, which dominates, and its
    eight neighbours.

    Inputs:
    - X: Pictures, array of shape (N, 3, H, W); they are padded with zeros

    Returns: array of the same shape and dtype
    """
    from scipy.ndimage import convolve  # importing takes a while, and only this function needs it

    blurred = convolve(X.astype(np.float64), BLUR[None, None], mode="constant")
    return (blurred if X.dtype.kind == "f" else np.rint(blurred)).astype(X.dtype)


def preprocess(img, size=224):
    """Turn a picture into SqueezeNet's input.

    Inputs:
    - img: PIL image, or anything else that `open_image` takes
    - size: Length of its shorter side in pixels, or a pair of height and width

    Returns: float32 tensor of shape (1, 3, H, W)
    """
    from deeplearning.vision import torchvision  # as in `load_image`

    TF = torchvision.transforms.functional
    return TF.normalize(
        TF.to_tensor(TF.resize(open_image(img), _side(size))), SQUEEZENET_MEAN, SQUEEZENET_STD
    )[None]


def deprocess(img, should_rescale=True):
    """Undo `preprocess`.

    Inputs:
    - img: Tensor of shape (1, 3, H, W)
    - should_rescale: Whether to stretch it over the whole range from black to white; otherwise it
      is clipped

    Returns: PIL image

    Raises ValueError for more than one picture, NaN or infinity.
    """
    if img.ndim != 4 or img.shape[:2] != (1, 3):
        raise ValueError(f"expected one picture of shape (1, 3, H, W), got {tuple(img.shape)}")
    array = img[0].detach().float().permute(1, 2, 0).numpy(force=True)  # (H, W, 3)
    return Image.fromarray(deprocess_image(array, rescale=should_rescale))


def black_and_white(like):
    """Black and white as the network reads them.

    Inputs:
    - like: Tensor whose dtype and device to use

    Returns: two tensors of shape (3, 1, 1)
    """
    mean = torch.as_tensor(SQUEEZENET_MEAN).to(like).view(3, 1, 1)
    std = torch.as_tensor(SQUEEZENET_STD).to(like).view(3, 1, 1)
    return -mean / std, (1 - mean) / std


def rescale(x):
    """Stretch numbers over the range from 0 to 1; if all are equal, they become 0.

    Inputs:
    - x: Tensor of any shape

    Returns: tensor of the same shape
    """
    low, high = x.min(), x.max()
    return (x - low) / (high - low).clamp(min=torch.finfo(x.dtype).tiny)


def jitter(X, ox, oy):
    """Shift pictures cyclically: pixels that leave on one side enter on the other. Negative shifts
    undo positive ones.

    Inputs:
    - X: Tensor of shape (N, C, H, W)
    - ox, oy: Shifts to the right and down, in pixels

    Returns: tensor of the same shape
    """
    return X.roll((oy, ox), dims=(2, 3))


def blur_tensor(X, sigma=1):
    """Blur with a Gaussian, cut off at three standard deviations; edge pixels are repeated beyond
    the edge.

    Inputs:
    - X: Tensor of shape (N, C, H, W)
    - sigma: Standard deviation in pixels

    Returns: tensor of the same shape, dtype and device
    """
    if sigma <= 0:
        return X.clone()
    reach = max(1, round(3 * sigma))
    at = torch.arange(-reach, reach + 1, dtype=X.dtype, device=X.device)
    kernel = torch.exp(-at.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(X.shape[1], 1, 1, -1)  # (C, 1, 1, 2 reach + 1)
    X = F.conv2d(F.pad(X, (reach, reach, 0, 0), mode="replicate"), kernel, groups=X.shape[1])
    return F.conv2d(
        F.pad(X, (0, 0, reach, reach), mode="replicate"), kernel.transpose(2, 3), groups=X.shape[1]
    )
