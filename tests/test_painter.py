"""The layers that paint: what is loaded and saved, and which damage is noticed."""

import numpy as np
import pytest
import torch

from deeplearning.classifiers import painter
from deeplearning.classifiers.painter import load_painter, save_painter
from deeplearning.classifiers.squeezenet import load_squeezenet


def test_layers_that_come_with_the_project():
    """The project's ten layers are frozen, small, and give finite features of the channels that a
    SqueezeNet has.
    """
    layers = load_painter("paintings")
    assert layers.weights == "paintings" and not layers.training
    assert not any(p.requires_grad for p in layers.parameters())
    assert painter.PAINTER.stat().st_size < 1.5e6
    x = torch.zeros(1, 3, 64, 64).to(next(layers.parameters()))
    assert layers(x).shape[1] == 384 and layers(x).isfinite().all()


def test_saved_and_loaded(tmp_path):
    """What is saved is loaded, rounded to float16; equal layers give equal bytes."""
    layers = load_squeezenet("toytown").features[:4]
    save_painter(tmp_path / "one.npz", layers)
    save_painter(tmp_path / "two.npz", layers)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    state, again = layers.state_dict(), load_painter(tmp_path / "one.npz")
    assert len(again) == 4 and again.weights == str(tmp_path / "one.npz")
    for name, value in again.state_dict().items():
        assert torch.equal(value, state[name].half().float())


def test_generator_stays(tmp_path):
    """Loading draws nothing from torch's global generator."""
    state = torch.random.get_rng_state()
    load_painter("paintings")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_is_refused(tmp_path, monkeypatch):
    """Missing, changed and foreign files, and numbers that float16 can't hold, are named."""
    layers, path = load_squeezenet("toytown").features[:4], tmp_path / "layers.npz"
    with pytest.raises(FileNotFoundError, match="no weights at .*layers.npz: name 'paintings'"):
        load_painter(path)
    save_painter(path, layers)
    monkeypatch.setattr(painter, "PAINTER", path)
    with pytest.raises(ValueError, match="was changed or damaged: its SHA-256 is"):
        load_painter("paintings")
    with np.load(path) as archive:
        arrays = dict(archive)
    for count, fact in (('{"layers": 5}', "weights of another network"), ("{}", "None layers")):
        np.savez(tmp_path / "other.npz", **arrays | {"settings": np.array(count)})
        with pytest.raises(ValueError, match=fact):
            load_painter(tmp_path / "other.npz")
    layers[0].bias.fill_(1e6)
    with pytest.raises(ValueError, match="0.bias holds NaN or numbers too large"):
        save_painter(path, layers)


def test_imagenet(shared_data):
    """With the real weights there, "auto" takes the thirteen layers of ImageNet's network."""
    layers = load_painter("auto")
    assert layers.weights == "imagenet" and len(layers) == 13
