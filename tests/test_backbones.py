"""Torchvision's networks without their last layer: their features, and the messages if they are not
available.
"""

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision.models import get_model, list_models

from deeplearning.classifiers import backbones
from deeplearning.classifiers.backbones import (
    feature_batches,
    feature_dim,
    image_features,
    last_layer,
    load_network,
    read_picture,
    weights_sha256,
    why_broken,
)
from tests.networks import condition


def random_network(name, **how):
    """A network with random weights, as `load_network` gives it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = get_model(name, **how).eval().requires_grad_(False)
    model.name, model.weights, model.image_size = name, "random", 64
    model.mean, model.std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    return model


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (70, 90, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.mark.parametrize(
    "name, before",
    [
        pytest.param(
            "alexnet",
            lambda m, x: m.classifier[:6](torch.flatten(m.avgpool(m.features(x)), 1)),  # fc7
            marks=pytest.mark.corpus,  # 61 million random weights
        ),
        ("squeezenet1_0", lambda m, x: m.features(x).mean((2, 3))),
        (
            "mobilenet_v3_small",
            lambda m, x: m.classifier[:3](torch.flatten(m.avgpool(m.features(x)), 1)),
        ),
    ],
)
def test_features_are_what_the_last_layer_reads(pictures, name, before):
    """Features are the input of the last layer, averaged over space; the network is left as
    it was.
    """
    network = random_network(name)
    was = condition(network)
    features = image_features(pictures, network, progress=False)
    assert condition(network) == was
    x = np.stack([read_picture(path, 64) for path in pictures]) / 255
    x = torch.tensor((x - network.mean) / network.std, dtype=torch.float32).permute(0, 3, 1, 2)
    assert features.shape == (3, feature_dim(network))
    np.testing.assert_allclose(features, before(network, x).numpy(), rtol=1e-3, atol=1e-5)
    assert len(np.unique(features, axis=0)) == 3


def test_vgg_features_are_fc7():
    """The input of VGG-16's last layer is fc7, with 4096 numbers, as used by the course."""
    with torch.device("meta"):
        vgg = get_model("vgg16")
    assert last_layer(vgg) == ("classifier.6", vgg.classifier[6]) and feature_dim(vgg) == 4096


# RegNets differ in their sizes alone, which are worked out by numbers that PyTorch's meta device
# does not have
CLASSIFIERS = [
    name for name in list_models(module=torchvision.models) if not name.startswith("regnet")
]


@pytest.mark.corpus
@pytest.mark.parametrize("name", [*CLASSIFIERS, "regnet_y_400mf"])
def test_last_layers_of_all_classifiers(name):
    """In every classifier of torchvision, the last layer is the one that gives the 1000 scores."""
    how = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        layer = last_layer(get_model(name, **how))[1]
    assert (layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels) == 1000


def test_broken_pictures_are_skipped(pictures, tmp_path):
    """Pictures that can't be read get NaN and a reason, the others the same features as alone; this
    also holds for a whole broken batch.
    """
    network = random_network("squeezenet1_1")
    alone = image_features(pictures, network, progress=False)
    (tmp_path / "broken.png").write_bytes(pictures[0].read_bytes()[:-2000])
    paths = [pictures[0], tmp_path / "broken.png", tmp_path / "missing.png", *pictures[1:]]
    for batch_size in (1, 2, 5):
        features = np.concatenate(
            list(feature_batches(paths, network, batch_size, skip_broken=True))
        )
        np.testing.assert_allclose(features[[0, 3, 4]], alone, rtol=1e-4, atol=1e-6)
        assert np.isnan(features[[1, 2]]).all()
    assert "broken.png can't be read" in why_broken(paths[1], network)
    assert "missing.png is missing" in why_broken(paths[2], network)
    with pytest.raises(ValueError, match=r"features of .*0\.png are not finite"):
        why_broken(paths[0], network)


def test_few_pictures_are_in_memory(pictures, monkeypatch):
    """When a batch arrives, only the pictures of a few batches have been read, however many there
    are.
    """
    read = []
    monkeypatch.setattr(
        backbones,
        "read_picture",
        lambda path, size: read.append(path) or np.zeros((64, 64, 3), np.uint8),
    )
    network = random_network("squeezenet1_1")
    for done, _ in enumerate(feature_batches(pictures * 20, network, 2), 1):
        assert len(read) <= 2 * (done + 2)
    assert len(read) == 60


def test_photos_lie_as_they_were_taken(tmp_path):
    """A photo that a phone stores on its side, with EXIF data that says so, is turned."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = 255  # white on the left; turned clockwise, at the top
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "photo.png", exif=exif)
    picture = read_picture(tmp_path / "photo.png", 40)
    assert picture[:15].min() > 200 and picture[25:].max() < 50


def test_weights_hash():
    """The hash is of the numbers in float16: rounding them beforehand changes nothing, changing one
    does.
    """
    network = random_network("squeezenet1_1")
    before = weights_sha256(network)
    for parameter in network.parameters():
        parameter.copy_(parameter.half().float())
    assert weights_sha256(network) == before
    network.features[0].bias[3] += 0.01
    assert weights_sha256(network) != before


# Loading


def test_load_from_a_file(pictures, tmp_path):
    """A state dict of any number of classes gives the network that it was saved from; no random
    number is drawn.
    """
    original = random_network("shufflenet_v2_x0_5", num_classes=7)
    torch.save(original.state_dict(), tmp_path / "mine.pth")
    state = torch.random.get_rng_state()
    network = load_network("shufflenet_v2_x0_5", tmp_path / "mine.pth")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert weights_sha256(network) == weights_sha256(original)
    assert (network.name, network.weights) == ("shufflenet_v2_x0_5", str(tmp_path / "mine.pth"))
    assert network.image_size == 224 and network.mean == (0.485, 0.456, 0.406)
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_squeezenet_is_load_squeezenets():
    """squeezenet1_1 is loaded as everywhere in the project, by the project's names of weights."""
    network = load_network("squeezenet1_1", "toytown")
    assert (network.name, network.weights, network.image_size) == ("squeezenet1_1", "toytown", 128)
    assert last_layer(network)[0] == "classifier.1"


def test_load_refuses(tmp_path):
    """Unknown names, missing and damaged files and those of another network are reported in one
    line.
    """
    with pytest.raises(ValueError, match="no classifier 'vgg61'"):
        load_network("vgg61")
    with pytest.raises(FileNotFoundError, match=r"no weights at .*none\.pth"):
        load_network("alexnet", tmp_path / "none.pth")
    torch.save(random_network("shufflenet_v2_x0_5").state_dict(), tmp_path / "other.pth")
    (tmp_path / "damaged.pth").write_bytes(b"damaged")
    torch.save([1], tmp_path / "list.pth")
    for name in ("other.pth", "damaged.pth", "list.pth"):
        with pytest.raises(
            ValueError, match=rf"{name} does not hold a state dict of alexnet"
        ) as caught:
            load_network("alexnet", tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1


def test_offline(monkeypatch, tmp_path):
    """If weights can't be downloaded, the message names their URL and the folder for a download by
    hand.
    """

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(
        OSError, match=r"weights of alexnet from https://.*\.pth \(no route to host\).*checkpoints"
    ):
        load_network("alexnet")
