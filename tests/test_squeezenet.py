"""SqueezeNet's weights are saved and loaded with no loss but float16's, and refused if anything is
wrong with them.
"""

import copy
import errno
import hashlib
import json
import os
import re
import urllib.error

import numpy as np
import pytest
import torch
from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

from deeplearning.classifiers import squeezenet
from deeplearning.classifiers.squeezenet import (
    extract_features,
    frozen,
    load_squeezenet,
    save_squeezenet,
)
from deeplearning.datasets.toytown.world import KINDS
from deeplearning.files import read_npz

SETTINGS = {
    "class_names": ["cat", "Äpfel", "dog"],
    "mean": (0.5, 0.4, 0.3),
    "std": (0.25, 0.5, 1.0),
    "image_size": 32,
}
IMAGENET = SqueezeNet1_1_Weights.IMAGENET1K_V1


@pytest.fixture(scope="module")
def original():
    """torchvision's own network with random weights; tests take copies of it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return squeezenet1_1(num_classes=3)


@pytest.fixture
def network(original):
    """A copy of the network, to change as one likes."""
    return copy.deepcopy(original)


@pytest.fixture(scope="module")
def content(original, tmp_path_factory):
    """The bytes that `save_squeezenet` writes."""
    path = tmp_path_factory.mktemp("weights") / "original.npz"
    save_squeezenet(path, original, **SETTINGS)
    return path.read_bytes()


@pytest.fixture
def saved(content, tmp_path):
    """A file that `save_squeezenet` wrote, to change as one likes."""
    (tmp_path / "saved.npz").write_bytes(content)
    return tmp_path / "saved.npz"


@pytest.fixture
def no_files(tmp_path, monkeypatch):
    """The data folder and torch's cache, both without weights, and no network."""

    def urlopen(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", urlopen)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path


def rewrite(path, settings=None, **arrays):
    """Replace settings and arrays in a file of weights; None takes one away."""
    old_settings, old_arrays = read_npz(path)
    settings = {
        key: value for key, value in (old_settings | (settings or {})).items() if value is not None
    }
    arrays = {name: value for name, value in (old_arrays | arrays).items() if value is not None}
    np.savez(path, **arrays | {"settings": np.array(json.dumps(settings))})


def half(state):
    """A state dict rounded to float16 and back."""
    return {name: value.half().float() for name, value in state.items()}


def assert_same(loaded, state):
    """Assert that a network holds exactly these parameters."""
    assert loaded.state_dict().keys() == state.keys()
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value.cpu(), state[name], rtol=0, atol=0)


# Saved and loaded


def test_round_trip(network, saved):
    """A loaded network is the saved one rounded to float16, frozen, in evaluation mode, with its
    settings.
    """
    loaded = load_squeezenet(saved)
    assert {name: getattr(loaded, name) for name in SETTINGS} == SETTINGS and loaded.weights == str(
        saved
    )
    assert not loaded.training and not any(module.training for module in loaded.modules())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert_same(loaded, half(network.state_dict()))


def test_scores_are_torchvisions(network, saved):
    """Scores are those of torchvision's own network with the rounded parameters, in evaluation
    mode.
    """
    network.load_state_dict(half(network.state_dict()))
    x = torch.from_numpy(
        np.random.default_rng(0).standard_normal((2, 3, 40, 40)).astype(np.float32)
    )
    loaded = load_squeezenet(str(saved))
    x = x.to(next(loaded.parameters()).device)
    torch.testing.assert_close(loaded(x), network.eval().to(x.device)(x), rtol=1e-5, atol=1e-6)


def test_gradients_reach_the_picture(saved):
    """A frozen network still gives a score's gradient with respect to the picture, but none for
    parameters.
    """
    loaded = load_squeezenet(saved)
    x = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0)).to(
        next(loaded.parameters()).device
    )
    x.requires_grad_()
    loaded(x)[0, 1].backward()
    assert x.grad.abs().sum() > 0 and all(
        parameter.grad is None for parameter in loaded.parameters()
    )


def test_rounding(network, saved):
    """Saving keeps each parameter to half a float16 step: a relative 2^-11, or 2^-25 for the
    smallest.
    """
    loaded = load_squeezenet(saved).state_dict()
    for name, value in network.state_dict().items():
        error = (loaded[name].cpu() - value).abs()
        assert (error <= torch.clamp(value.abs() * 2**-11, min=2**-25)).all()


def test_saving_twice_changes_nothing(saved, tmp_path):
    """Equal contents give equal bytes, and a loaded network saves to the same bytes as its file."""
    save_squeezenet(tmp_path / "again.npz", load_squeezenet(saved), **SETTINGS)
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_saving_leaves_the_network_as_it_was(network, tmp_path):
    """Saving leaves mode, gradients and parameters of a network in training, and adds no
    attributes.
    """
    before = {name: value.clone() for name, value in network.state_dict().items()}
    save_squeezenet(tmp_path / "x.npz", network.train(), **SETTINGS)
    assert network.training and all(parameter.requires_grad for parameter in network.parameters())
    assert_same(network, before)
    assert not hasattr(network, "class_names")


def test_loading_leaves_torchs_generator(saved):
    """Loading draws nothing: what torch's global generator gives afterwards does not depend
    on it.
    """
    state = torch.random.get_rng_state()
    load_squeezenet(saved)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_settings_of_other_types(network, tmp_path):
    """Arrays and NumPy numbers are taken as settings, and come back in plain Python types."""
    given = [
        np.array(SETTINGS["class_names"]),
        np.array(SETTINGS["mean"]),
        list(SETTINGS["std"]),
        np.int64(32),
    ]
    save_squeezenet(tmp_path / "x.npz", network, *given)
    loaded = load_squeezenet(tmp_path / "x.npz")
    assert {name: getattr(loaded, name) for name in SETTINGS} == SETTINGS
    assert (
        type(loaded.class_names[0]) is str
        and type(loaded.mean[0]) is float
        and type(loaded.image_size) is int
    )


# The weights that come with the project


@pytest.mark.parametrize("name", ["toytown", "robust"])
def test_shipped_file(name):
    """The shipped weights are those whose SHA-256 the module names, and load."""
    path = squeezenet.FILES[name]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == squeezenet.SHA256[path]
    loaded = load_squeezenet(name)
    assert loaded.weights == name and loaded.image_size == 128
    assert loaded.class_names == list(KINDS)
    assert loaded.classifier[1].out_channels == len(KINDS)


def test_shipped_file_is_checked(saved, monkeypatch):
    """The project's file loads while its hash is the module's; one changed byte, or no file, is one
    clear error.
    """
    monkeypatch.setitem(squeezenet.FILES, "toytown", saved)
    right = hashlib.sha256(saved.read_bytes()).hexdigest()
    monkeypatch.setitem(squeezenet.SHA256, saved, right)
    assert load_squeezenet("toytown").weights == "toytown"
    changed = bytearray(saved.read_bytes())
    changed[len(changed) // 2] ^= 1
    saved.write_bytes(changed)
    with pytest.raises(ValueError, match="changed or damaged.*SHA-256"):
        load_squeezenet("toytown")
    saved.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(saved))):
        load_squeezenet("toytown")


# ImageNet's weights


def test_imagenet_from_the_data_folder(no_files):
    """The file in the data folder is preferred to a download; names, mean, std and size are
    torchvision's.
    """
    state = squeezenet1_1().state_dict()
    np.savez(
        no_files / "squeezenet1_1.npz", **{name: value.numpy() for name, value in state.items()}
    )
    loaded = load_squeezenet("imagenet")
    assert loaded.class_names == IMAGENET.meta["categories"] and loaded.weights == "imagenet"
    assert (loaded.mean, loaded.std, loaded.image_size) == (
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
        224,
    )
    assert_same(loaded, state)


def test_a_failing_disk_is_not_called_damage(no_files, monkeypatch):
    """If the disk fails, the message doesn't advise deleting weights that may be sound."""
    path = no_files / "squeezenet1_1.npz"
    path.write_bytes(b"")

    def load(*arguments, **named):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(np, "load", load)
    with pytest.raises(OSError, match="can't use .*squeezenet1_1.npz .*the disk.*fails") as caught:
        load_squeezenet("imagenet")
    assert "delete" not in str(caught.value)


def test_imagenet_from_torchs_cache(no_files):
    """Without that file torchvision provides the weights, here from torch's cache of downloads."""
    state = squeezenet1_1().state_dict()
    torch.save(state, no_files / "torch" / "hub" / "checkpoints" / IMAGENET.url.rpartition("/")[2])
    loaded = load_squeezenet("imagenet")
    assert len(loaded.class_names) == 1000 and not loaded.training
    assert_same(loaded, state)


def test_imagenet_offline(no_files):
    """A failing download is one sentence: what failed, which file helps and where to put it;
    nothing is left behind.
    """
    with pytest.raises(OSError, match="no route to host.*squeezenet1_1.npz") as raised:
        load_squeezenet("imagenet")
    assert str(no_files) in str(raised.value) and "\n" not in str(raised.value)
    assert not [path for path in no_files.rglob("*") if path.is_file()]


@pytest.mark.parametrize("damaged", [b"", b"<html>404 not found</html>", b"PK\x03\x04 cut off"])
def test_imagenet_file_damaged(no_files, damaged):
    """A damaged file in the data folder is reported by its name, and nothing is downloaded
    instead.
    """
    (no_files / "squeezenet1_1.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match="squeezenet1_1.npz is damaged"):
        load_squeezenet("imagenet")


def test_imagenet_file_with_pickles(no_files):
    """A file with a pickled object is refused unread."""
    np.savez(no_files / "squeezenet1_1.npz", **{"features.0.weight": np.array({}, dtype=object)})
    with pytest.raises(ValueError, match="squeezenet1_1.npz is damaged.*allow_pickle"):
        load_squeezenet("imagenet")


def test_imagenet_file_of_another_network(no_files):
    """Arrays of another network under that name are refused by the first one that does not fit."""
    np.savez(no_files / "squeezenet1_1.npz", fc=np.zeros(3))
    with pytest.raises(
        ValueError, match=r"squeezenet1_1.npz: features.0.weight .*\(64, 3, 3, 3\), got none"
    ):
        load_squeezenet("imagenet")


def test_weights_by_default(no_files, capsys):
    """By default the network is the one for the available pictures, and one line says which and
    why.
    """
    for world in ("toytown", "imagenet"):
        assert load_squeezenet().weights == world
        assert re.fullmatch(f"Using {world}'s network.+\n", capsys.readouterr().out, re.I)
        (no_files / "imagenet_val_25.npz").touch()
        np.savez(no_files / "squeezenet1_1.npz", **squeezenet1_1().state_dict())


def test_real_imagenet_weights(shared_data):
    """The real weights name at least 13 of the 25 ImageNet images that come with the
    course's data.
    """
    with np.load(shared_data / "imagenet_val_25.npz") as archive:
        X, y = archive["X"], archive["y"]
    network = load_squeezenet("imagenet")
    x = torch.from_numpy((X / 255 - network.mean) / network.std).permute(0, 3, 1, 2)
    scores = network(x.to(next(network.parameters())))
    assert (scores.argmax(dim=1).cpu().numpy() == y).sum() >= 13
    assert network.class_names[y[0]] == IMAGENET.meta["categories"][y[0]]


def test_extract_features(network):
    """Entry i is the output of layers 0 to i, although rectifiers overwrite their input."""
    x = torch.rand(2, 3, 33, 40, generator=torch.Generator().manual_seed(0))
    expected = [network.features[: i + 1](x) for i in range(13)]
    for last, count in ((None, 13), (12, 13), (0, 1), (7, 8)):
        torch.testing.assert_close(
            extract_features(x, network.features, last), expected[:count], rtol=0, atol=0
        )


def test_frozen(network):
    """Inside, no part is in training mode; afterwards, even after an error, each has its mode and
    requires_grad as before.
    """
    network.train().classifier.eval().requires_grad_(False)
    parts, parameters = list(network.modules()), list(network.parameters())
    before = (
        [part.training for part in parts],
        [parameter.requires_grad for parameter in parameters],
    )
    with pytest.raises(KeyError), frozen(network):
        assert not any(part.training for part in parts) and not any(
            p.requires_grad for p in parameters
        )
        raise KeyError
    assert before == (
        [part.training for part in parts],
        [parameter.requires_grad for parameter in parameters],
    )


# Bad input


def test_missing_file(tmp_path):
    """A path without a file, a misspelt name included, is reported with what could be named."""
    for weights in (tmp_path / "none.npz", "imagnet", tmp_path):
        with pytest.raises(
            FileNotFoundError,
            match=f"{re.escape(str(weights))}.*toytown.*imagenet.*save_squeezenet",
        ):
            load_squeezenet(weights)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_truncated_file(saved, content, kept):
    """A file cut off anywhere is reported by its name."""
    saved.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(ValueError, match="saved.npz is damaged"):
        load_squeezenet(saved)


def test_pickles_are_refused(saved):
    """A file with a pickled object is refused unread."""
    np.savez(saved, settings=np.array({"class_names": []}, dtype=object))
    with pytest.raises(ValueError, match="saved.npz is damaged"):
        load_squeezenet(saved)


WRONG_ARRAYS = {
    "missing": ("features.3.squeeze.bias", None, r"\(16,\), got none"),
    "shape": (
        "features.0.weight",
        np.zeros((64, 3, 7, 7), np.float16),
        r"\(64, 3, 3, 3\), got float16 .*64, 3, 7, 7",
    ),
    "integers": ("features.0.bias", np.zeros(64, np.int64), r"\(64,\), got int64"),
    "classes": (
        "classifier.1.bias",
        np.zeros(4, np.float16),
        r"3 class names .*\(3,\), got .*\(4,\)",
    ),
}


@pytest.mark.parametrize("name, array, fact", WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_wrong_arrays(saved, name, array, fact):
    """Arrays missing, of another shape or of integers: one sentence with file, array, shape
    expected and received.
    """
    rewrite(saved, **{name: array})
    with pytest.raises(ValueError, match=f"saved.npz: {name} .*{fact}") as raised:
        load_squeezenet(saved)
    assert "\n" not in str(raised.value)


WRONG_SETTINGS = {
    "missing": ({"mean": None}, "saved.npz holds no settings.*mean"),
    "unknown": ({"version": 2}, "saved.npz holds no settings.*version"),
    "two means": ({"mean": [0.5, 0.5]}, "saved.npz holds no settings.*three means"),
    "flat colours": ({"std": [1, 0, 1]}, "saved.npz holds no settings.*positive"),
    "no numbers": ({"std": "abc"}, "saved.npz holds no settings"),
    "no size": ({"image_size": 0}, "saved.npz holds no settings.*size"),
    "size in words": ({"image_size": "large"}, "saved.npz holds no settings"),
    "fewer classes": ({"class_names": ["cat"]}, "saved.npz: .*1 class names"),
}


@pytest.mark.parametrize("settings, fact", WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_wrong_settings(saved, settings, fact):
    """Settings missing, unknown, out of range or of another count than the classifier's are refused
    by the file.
    """
    rewrite(saved, settings)
    with pytest.raises(ValueError, match=fact):
        load_squeezenet(saved)


@pytest.mark.parametrize(
    "settings",
    [{"class_names": ["cat", "dog"]}, {"mean": (0.5,)}, {"std": (1, 1, -1)}, {"image_size": 0}],
)
def test_nothing_wrong_is_saved(network, tmp_path, settings):
    """Weights that could not be loaded are refused before anything is written."""
    with pytest.raises(ValueError):
        save_squeezenet(tmp_path / "x.npz", network, **SETTINGS | settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [1e5, -7e4, np.nan, np.inf])
def test_parameters_that_float16_cannot_hold(network, tmp_path, value):
    """Parameters beyond float16's range are refused by their name, and an older file stays as it
    was.
    """
    (tmp_path / "x.npz").write_bytes(b"older")
    with torch.no_grad():
        network.features[3].squeeze.bias[2] = value
    with pytest.raises(ValueError, match="features.3.squeeze.bias .*float16"):
        save_squeezenet(tmp_path / "x.npz", network, **SETTINGS)
    assert (tmp_path / "x.npz").read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1
