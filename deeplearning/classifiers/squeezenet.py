"""SqueezeNet 1.1, frozen: the network whose features describe pictures, and whose gradients
questions 3 and 4 use.

Its weights are `toytown` or `robust`, which come with the project, torchvision's `imagenet`, or
those in a file of your own. No function here changes a network passed to it. After Iandola et al.,
"SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from deeplearning.data_utils import imagenet_or_toytown
from deeplearning.files import atomic_write, not_damaged, read_npz
from deeplearning.locations import data_folder

TOYTOWN = Path(__file__).resolve().parents[1] / "datasets" / "toytown"
# the weights that come with the project
FILES = {"toytown": TOYTOWN / "squeezenet.npz", "robust": TOYTOWN / "squeezenet_robust.npz"}
SHA256 = {
    FILES["toytown"]: "d36165c058e1b2ab5c5913c71c740d06ee673023d6ba4cac20402c634b9ac26e",
    FILES["robust"]: "d2f8aeab5e5be83ca8bcbacb78d9a6108e1e85b3c8c1449392473d5d03705440",
}


def load_squeezenet(weights="auto"):
    """Load SqueezeNet 1.1, ready for use: frozen, in evaluation mode, on the GPU if there is one.

    Inputs:
    - weights: "toytown" or "robust" for weights that come with the project, the latter trained
      longer against misleading changes; "imagenet" for torchvision's, from the file
      squeezenet1_1.npz in the data folder if it exists, otherwise downloaded; the path of a file
      that `save_squeezenet` wrote; or "auto" for the network that fits the pictures of
      `load_imagenet_val`: a printed line says which one and why

    Returns: torchvision's squeezenet1_1, with the attributes
    - name: "squeezenet1_1"
    - weights: "toytown", "robust", "imagenet" or the path, as str
    - class_names: List of str, one for each score
    - mean, std: Tuples of three floats. The network reads (RGB from 0 to 1 - mean) / std
    - image_size: int, height and width of the pictures that it was trained on

    Raises FileNotFoundError for a missing file, ValueError for one that is damaged, changed or for
    another network, and OSError if the download fails.
    """
    if weights == "auto":
        weights, reason = imagenet_or_toytown()
        print(reason)
    if weights == "imagenet":
        source, settings, arrays = _imagenet()
    else:
        source, settings, arrays = _saved(FILES.get(weights) or Path(weights))
    model = _squeezenet(source, arrays, len(settings["class_names"]))
    for name, value in (settings | {"name": "squeezenet1_1", "weights": str(weights)}).items():
        setattr(model, name, value)
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def extract_features(x, cnn, last=None):
    """The outputs of all layers of a network, for some pictures.

    Inputs:
    - x: Pictures, of shape (N, 3, H, W)
    - cnn: Sequential of layers, such as `load_squeezenet().features`
    - last: Index of the last layer that is needed; by default all are computed

    Returns: list of tensors (N, C_i, H_i, W_i), the outputs of layers 0 to last

    Raises ValueError for a layer that the network does not have.
    """
    if last is not None and not 0 <= last < len(cnn):
        raise ValueError(f"expected a last layer from 0 to {len(cnn) - 1}, got {last}")
    features = []
    for layer in cnn[: None if last is None else last + 1]:
        # SqueezeNet's ReLUs overwrite their input, which is the previous feature map
        x = layer(x.clone() if getattr(layer, "inplace", False) else x)
        features.append(x)
    return features


@contextlib.contextmanager
def frozen(model):
    """Put a network into evaluation mode, without gradients for its parameters, within this
    context; afterwards restore it.

    Inputs:
    - model: torch.nn.Module

    Raises ValueError for anything else.
    """
    _check_network(model)
    modes = [(module, module.training) for module in model.modules()]
    wanted = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        model.eval().requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in wanted:
            parameter.requires_grad_(requires_grad)


def parameter_of(model):
    """A parameter of a network, with the device and dtype that its pictures need; a float32 scalar
    if it has no parameters.

    Raises ValueError for anything but a network, and for one whose weights were not loaded.
    """
    _check_network(model)
    parameters = (p for p in model.parameters() if p.is_floating_point())
    parameter = next(parameters, torch.zeros(()))
    if parameter.is_meta:
        raise ValueError("the network is on the device meta, without weights: load them first")
    return parameter


def save_squeezenet(path, model, class_names, mean, std, image_size):
    """Save a network's parameters, rounded to float16, for `load_squeezenet`. The same contents
    give the same bytes.

    Inputs:
    - path: File to write; an existing one is replaced
    - model: torchvision's squeezenet1_1, with any number of classes; it is not changed
    - class_names: Sequence of str, one for each class
    - mean, std: Three floats each, like the attributes of `load_squeezenet`
    - image_size: Height and width of the pictures that the network was trained on

    Raises ValueError for settings that do not fit the network or parameters that float16 can't
    hold, and OSError if the file can't be written.
    """
    settings = _settings(class_names, mean, std, image_size)
    arrays = {name: value.numpy(force=True) for name, value in model.state_dict().items()}
    _squeezenet(path, arrays, len(settings["class_names"]))
    for name, array in arrays.items():
        if not np.abs(array).max() <= np.finfo(np.float16).max:  # not <=: also for NaN
            raise ValueError(
                f"{name} holds NaN or numbers too large for float16: did the network's training "
                "diverge?"
            )
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    with atomic_write(path) as file:
        np.savez_compressed(file, settings=np.array(json.dumps(settings)), **halves)


def _check_network(model):
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"expected a network, a torch.nn.Module, got {type(model).__name__}")


def _saved(path):
    """Path, settings and arrays of a file of `save_squeezenet`; the project's own files must be
    unchanged.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}: name 'toytown' or 'robust', which come with the project, "
            "'imagenet', or a file that save_squeezenet wrote"
        )
    if path in SHA256:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != SHA256[path]:
            raise ValueError(
                f"{path} was changed or damaged: its SHA-256 is {found}, not {SHA256[path]}; "
                "fetch the project again"
            )
    settings, arrays = read_npz(path)
    try:
        return path, _settings(**settings), arrays
    # TypeError: one is missing, unknown, or of another type
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} holds no settings of a SqueezeNet ({error}): write it with save_squeezenet"
        ) from error


def _imagenet():
    """Source, settings and arrays of torchvision's weights."""
    from deeplearning.vision import torchvision  # takes seconds to import; only loading needs it

    imagenet = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    transform = imagenet.transforms()
    settings = _settings(
        imagenet.meta["categories"], transform.mean, transform.std, transform.crop_size[0]
    )
    path = data_folder() / "squeezenet1_1.npz"
    if path.is_file():
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                return path, settings, dict(archive)
        except Exception as error:  # damaged bytes make zipfile and NumPy raise almost anything
            damaged = ValueError(f"{path} is damaged ({error}): delete it or fetch it again")
            raise not_damaged(path, error) or damaged from error
    try:
        state = imagenet.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except Exception as error:  # no network, a wrong hash, a damaged file: almost anything
        raise OSError(
            f"no ImageNet weights from {imagenet.url} ({error}): connect to the internet once, or "
            f"put the file squeezenet1_1.npz into {data_folder()}"
        ) from error
    return imagenet.url, settings, {name: value.numpy() for name, value in state.items()}


def _settings(class_names, mean, std, image_size):
    """Settings to store with the parameters, in the types that `load_squeezenet` promises."""
    names, mean, std = list(map(str, class_names)), tuple(map(float, mean)), tuple(map(float, std))
    if not len(mean) == len(std) == 3 or not min(std) > 0 or image_size < 1:
        raise ValueError(
            "expected three means, three positive standard deviations and a positive image size, "
            f"got {mean}, {std} and {image_size}"
        )
    return {"class_names": names, "mean": mean, "std": std, "image_size": int(image_size)}


def _squeezenet(source, arrays, classes):
    """The frozen network with these parameters; missing arrays and wrong shapes are refused."""
    from deeplearning.vision import torchvision  # as in `_imagenet`

    # no parameters are drawn, so torch's global generator is not advanced
    with torch.device("meta"):
        model = torchvision.models.squeezenet1_1(num_classes=classes)
    state = {}
    for name, parameter in model.state_dict().items():
        array, shape = arrays.get(name), tuple(parameter.shape)
        if array is None or array.dtype.kind != "f" or array.shape != shape:
            got = "none" if array is None else f"{array.dtype} of shape {array.shape}"
            raise ValueError(
                f"{source}: {name} of a SqueezeNet 1.1 with {classes} class names must hold "
                f"floating-point numbers of shape {shape}, got {got}; check the class names, or "
                "take a file that save_squeezenet wrote"
            )
        state[name] = torch.from_numpy(array.astype(np.float32))
    model.load_state_dict(state, assign=True)
    # with channels last in memory, convolutions and their gradients take two thirds of the time on
    # CPUs
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
