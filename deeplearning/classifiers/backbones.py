"""Features of pictures: torchvision's classifiers without their last layer.

The raw features of a picture are the input of the network's last layer with weights, averaged over
space if that is a feature map: the 512 channels before SqueezeNet's last convolution, or fc7 of
VGG-16 (4096 numbers). Pictures are squashed to the size that the network was trained on, so that
nothing is cut off.
"""

import hashlib
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from tqdm import tqdm

from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.files import not_damaged
from deeplearning.image_fetching import read_image
from deeplearning.vision import torchvision


def load_network(name="squeezenet1_1", weights="imagenet"):
    """Load a classifier, ready for use: frozen, in evaluation mode, on the GPU if there is one.

    Inputs:
    - name: Its name in torchvision, such as "squeezenet1_1", "vgg16" or "resnet50"
    - weights: "imagenet" for torchvision's default weights, or the path of a file: for
      squeezenet1_1 as in `load_squeezenet`, for others a state dict saved with torch.save

    Returns: the network, with the attributes name, weights, mean, std and image_size, as
    `load_squeezenet` describes

    Raises ValueError for an unknown name or a damaged file, FileNotFoundError for a missing one,
    and OSError if weights can't be downloaded.
    """
    if name == "squeezenet1_1":
        return load_squeezenet(weights)
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise ValueError(
            f"torchvision has no classifier {name!r}; it has squeezenet1_1, vgg16, resnet50 and "
            "many others: https://pytorch.org/vision/stable/models.html"
        )
    default = torchvision.models.get_model_weights(name).DEFAULT
    with torch.random.fork_rng(devices=[]):  # parameters are drawn, and then replaced
        model = (
            _pretrained(name, default) if weights == "imagenet" else _from_file(name, Path(weights))
        )
    transform = default.transforms()
    model.name = name
    model.weights = str(weights)
    model.mean = tuple(transform.mean)
    model.std = tuple(transform.std)
    model.image_size = transform.crop_size[0]
    return model.eval().requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")


def weights_sha256(network):
    """A hash of a network's parameters, rounded to float16, so that copies in half precision have
    the same hash.
    """
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            digest.update(name.encode() + value.half().numpy(force=True).tobytes())
    return digest.hexdigest()


def last_layer(network):
    """Name and module of the last layer with weights, which turns features into scores."""
    return [
        (name, m) for name, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)
    ][-1]


def feature_dim(network):
    """Number of raw features of a picture, R."""
    layer = last_layer(network)[1]
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


def image_features(paths, network, batch_size=None, progress=True):
    """Raw features of pictures.

    Inputs:
    - paths: Files of n pictures
    - network: From `load_network` or `load_squeezenet`
    - batch_size: Pictures in a batch; by default `default_batch_size`
    - progress: Whether to show a progress bar

    Returns: float32 array of shape (n, R)

    Raises FileNotFoundError for a missing picture and ValueError for a broken one.
    """
    batches = [np.empty((0, feature_dim(network)), np.float32)]
    with tqdm(total=len(paths), disable=not progress, file=sys.stdout, unit="picture") as bar:
        for batch in feature_batches(paths, network, batch_size):
            batches.append(batch)
            bar.update(len(batch))
    return np.concatenate(batches)


def default_batch_size(network):
    """On CPUs a few pictures, which fit into the cache, are fastest; on GPUs many are."""
    return 100 if next(network.parameters()).is_cuda else 10


def feature_batches(paths, network, batch_size=None, skip_broken=False):
    """Raw features, one batch of pictures at a time, while the next batches are being read.

    Inputs:
    - paths, network, batch_size: As for `image_features`
    - skip_broken: Whether pictures that can't be read get NaN as features; otherwise they raise

    Yields: float32 arrays of shape (B, R)

    Raises: as `image_features`
    """
    like = next(network.parameters())
    mean, std = (
        torch.tensor(values).view(3, 1, 1).to(like) for values in (network.mean, network.std)
    )
    for pictures in _read_ahead(
        paths, network.image_size, batch_size or default_batch_size(network), skip_broken
    ):
        there = [k for k, picture in enumerate(pictures) if picture is not None]
        features = np.full((len(pictures), feature_dim(network)), np.nan, np.float32)
        if there:
            # (B, S, S, 3) to (B, 3, S, S) without a copy: with channels last in memory, CPUs are
            # twice as fast
            x = (
                torch.from_numpy(np.stack([pictures[k] for k in there]))
                .permute(0, 3, 1, 2)
                .to(like)
                / 255
            )
            features[there] = _before_last_layer(network, (x - mean) / std).cpu().numpy()
        yield features


def read_picture(path, size):
    """A picture's pixels, squashed to a square.

    Inputs:
    - path: Its file, or anything else that `read_image` takes
    - size: Height and width, S

    Returns: uint8 array of shape (S, S, 3)

    Raises FileNotFoundError for a missing file, and ValueError for one that can't be read.
    """
    try:
        image = read_image(path)
        return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the picture {path} is missing: put it there, or leave it out"
        ) from None
    except Exception as error:  # damaged bytes make Pillow raise almost anything
        name = path if isinstance(path, str | PathLike) else f"given as {type(path).__name__}"
        raise ValueError(
            f"the picture {name} can't be read ({error}): replace it, or leave it out"
        ) from error


def why_broken(path, network):
    """Why a picture has no features: the message of the error that `read_picture` raises for it.

    Raises ValueError for a picture that can be read, but for which the network's features are not
    finite.
    """
    try:
        read_picture(path, network.image_size)
    except (OSError, ValueError) as error:
        return str(error)
    raise ValueError(
        f"the features of {path} are not finite: did the training of {network.weights} diverge?"
    )


def _read_ahead(paths, size, batch_size, skip_broken):
    """Lists of pictures; other threads read two batches ahead of the one in use."""
    read = _read_or_none if skip_broken else read_picture
    with ThreadPoolExecutor() as pool:
        ahead = deque()
        try:
            for start in range(0, len(paths), batch_size):
                ahead.append(pool.map(read, paths[start : start + batch_size], repeat(size)))
                if len(ahead) > 2:
                    yield list(ahead.popleft())
            while ahead:
                yield list(ahead.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _read_or_none(path, size):
    try:
        return read_picture(path, size)
    except (OSError, ValueError):
        return None


class _Reached(Exception):
    """Carries the input of the last layer out of the network, so that the last layer need not be
    computed.
    """


def _before_last_layer(network, x):
    def stop(_, inputs):
        raise _Reached(inputs[0])

    hook = last_layer(network)[1].register_forward_pre_hook(stop)
    try:
        with torch.no_grad():
            network(x)
    except _Reached as reached:
        features = reached.args[0]
        return features.mean((2, 3)) if features.ndim == 4 else features
    finally:
        hook.remove()
    raise ValueError(
        f"{type(network).__name__} does not use its last layer, so its features can't be taken"
    )


def _pretrained(name, weights):
    try:
        return torchvision.models.get_model(name, weights=weights)
    except Exception as error:  # no network, a wrong hash, a damaged file: almost anything
        raise OSError(
            f"no ImageNet weights of {name} from {weights.url} ({error}): connect to the internet "
            f"once, or put that file into {Path(torch.hub.get_dir()) / 'checkpoints'}"
        ) from error


def _from_file(name, path):
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}: name 'imagenet', or a file with a state dict of {name}"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        classes = len(state[f"{last_layer(torchvision.models.get_model(name))[0]}.weight"])
        model = torchvision.models.get_model(name, num_classes=classes)
        model.load_state_dict(state)
        return model
    except Exception as error:  # torch.load raises almost anything for damaged files
        # the first sentence only; PyTorch's next ones say how to load untrusted files
        reason = str(error).splitlines()[0].partition(". ")[0] or type(error).__name__
        raise not_damaged(path, error) or ValueError(
            f"{path} does not hold a state dict of {name} ({reason}): save one with torch.save"
        ) from error
