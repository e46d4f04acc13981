"""The network that paints: the early layers of a SqueezeNet, which know strokes, tiles and waves.

Style transfer compares pictures in the first ten layers of a network. Toytown's classifier was
trained so that nobody can mislead it, and its early layers see colours rather than strokes. So the
project comes with second ones, trained on drawn textures by
`deeplearning.datasets.paintings.train_squeezenet`. ImageNet's network serves both.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.data_utils import imagenet_or_toytown
from deeplearning.files import atomic_write, read_npz

PAINTER = Path(__file__).resolve().parents[1] / "datasets" / "paintings" / "squeezenet.npz"
PAINTER_SHA256 = ""


def load_painter(weights="auto"):
    """Load the layers that style transfer looks through: frozen, in evaluation mode, on the GPU
    where there is one.

    Inputs:
    - weights: "paintings" for those that come with the project; "imagenet" for the thirteen of
      ImageNet's SqueezeNet; the path of a file of `save_painter`; or "auto" for ImageNet's where
      its weights and pictures are there, and else the project's. One line is printed, saying which

    Returns: Sequential of layers, with the attribute `weights`, "paintings", "imagenet" or the path

    Raises FileNotFoundError for a missing file, ValueError for one that is damaged, changed or of
    another network, and OSError where the download fails.
    """
    if weights == "auto":
        name, reason = imagenet_or_toytown()
        weights = "imagenet" if name == "imagenet" else "paintings"
        print(f"Layers of SqueezeNet for {weights}: {reason}")
    if weights == "imagenet":
        layers = load_squeezenet("imagenet").features
    else:
        layers = _saved(PAINTER if weights == "paintings" else Path(weights))
    layers.weights = str(weights)
    return layers.to("cuda" if torch.cuda.is_available() else "cpu")


def save_painter(path, layers):
    """Save layers, rounded to float16, for `load_painter`. Equal contents give equal bytes.

    Inputs:
    - path: File to write; an existing one is replaced
    - layers: The first layers of torchvision's squeezenet1_1, `features[:n]`

    Raises ValueError for parameters that float16 can't hold, and OSError where the file can't be
    written.
    """
    arrays = {name: value.numpy(force=True) for name, value in layers.state_dict().items()}
    for name, array in arrays.items():
        if not np.abs(array).max() <= np.finfo(np.float16).max:  # not <=: also for NaN
            raise ValueError(f"{name} holds NaN or numbers too large for float16")
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    settings = json.dumps({"layers": len(layers)})
    with atomic_write(path) as file:
        np.savez_compressed(file, settings=np.array(settings), **halves)


def _saved(path):
    """The layers in a file of `save_painter`; the project's own one must be unchanged."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}: name 'paintings', which come with the project, 'imagenet', or "
            "a file that save_painter wrote"
        )
    if path == PAINTER:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != PAINTER_SHA256:
            raise ValueError(
                f"{path} was changed or damaged: its SHA-256 is {found}, not {PAINTER_SHA256}; "
                "fetch the project again"
            )
    settings, arrays = read_npz(path)
    state = {
        name: torch.from_numpy(array.astype(np.float32))
        for name, array in arrays.items()
        if name != "settings"
    }
    layers = _empty_layers(settings.get("layers"), path)
    try:
        layers.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{path} holds the weights of another network: {error}") from error
    # with the channels last in memory, convolutions take two thirds of the time on CPUs
    return layers.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _empty_layers(count, path):
    """So many layers of a SqueezeNet, without any memory behind their parameters yet."""
    from torchvision.models import squeezenet1_1  # torchvision takes seconds; only loading needs it

    with torch.device("meta"):  # nothing is drawn, so torch's global generator stays where it was
        layers = squeezenet1_1(num_classes=2).features
    if not isinstance(count, int) or not 1 <= count <= len(layers):
        raise ValueError(f"{path} says that it holds {count} layers: write it by save_painter")
    return layers[:count]
