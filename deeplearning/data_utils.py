"""The pictures of question 3: 25 from ImageNet, or one of each of Toytown's kinds."""

import numpy as np

from deeplearning.imagenet_file import read_imagenet_file
from deeplearning.locations import data_folder, squeezenet_checkpoint


def imagenet_or_toytown():
    """Which network and pictures questions 3 and 4 use: ImageNet's if both are available.

    Returns: tuple of "imagenet" or "toytown", and a sentence that says why
    """
    folder = data_folder()
    pictures = (folder / "imagenet_val_25.npz").is_file()
    weights = (folder / "squeezenet1_1.npz").is_file() or squeezenet_checkpoint().is_file()
    if pictures and weights:
        return "imagenet", f"Using ImageNet's network and the pictures in {folder}."
    missing = []
    if not pictures:
        missing.append("the pictures (imagenet_val_25.npz)")
    if not weights:
        missing.append("the weights")
    return "toytown", (
        "Using Toytown's network and pictures. For ImageNet's, fetch "
        f"{' and '.join(missing)}: python -m deeplearning.datasets.download squeezenet imagenet"
    )


def load_imagenet_val(num=None):
    """Load the pictures of question 3: ImageNet's or Toytown's, see `imagenet_or_toytown`.

    Inputs:
    - num: How many; by default all 25 of ImageNet, or one of each of Toytown's 22 kinds

    Returns a tuple of:
    - X: uint8 array of shape (n, S, S, 3)
    - y: Labels, integers of shape (n,)
    - class_names: Dictionary from labels to names

    Raises ValueError for a damaged file, or one that holds anything but numbers and names.
    """
    if imagenet_or_toytown()[0] == "imagenet":
        X, y, class_names = read_imagenet_file(data_folder() / "imagenet_val_25.npz")
    else:
        X, y, class_names = _draw_toytown()
    return X[:num], y[:num], class_names


def _draw_toytown():
    """The first validation picture of each kind of Toytown."""
    from deeplearning.datasets.toytown.plan import PICTURES, SEED, picture
    from deeplearning.datasets.toytown.world import KINDS

    kinds = list(KINDS)
    found = {}
    for number in range(PICTURES["val"]):
        scene, image, _ = picture(SEED, "val", number)
        found.setdefault(kinds.index(scene.main.kind), np.asarray(image))
        if len(found) == len(kinds):
            break
    return np.stack(list(found.values())), np.array(list(found)), dict(enumerate(kinds))
