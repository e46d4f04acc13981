"""The abilities of the two networks that come with the project, and the scripts that train them."""

import joblib
import numpy as np
import pytest
import torch

from deeplearning.attribution import pointing
from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.datasets.toytown import train_robust, train_squeezenet
from deeplearning.datasets.toytown import training_pictures as tp
from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.datasets.toytown.world import KINDS
from deeplearning.image_utils import preprocess
from deeplearning.network_visualization import compute_saliency_maps, make_fooling_image


@pytest.fixture(autouse=True)
def one_process():
    """Few pictures are drawn before other processes have started."""
    with joblib.parallel_config(backend="sequential"):
        yield


@pytest.fixture(scope="module")
def seen():
    """100 validation pictures, their kinds, and where the main things are."""
    scenes, drawings, masks = zip(*[picture(SEED, "val", k) for k in range(100)], strict=True)
    x = torch.cat([preprocess(drawing, 128) for drawing in drawings])
    kinds = torch.tensor([list(KINDS).index(scene.main.kind) for scene in scenes])
    return x, kinds, torch.stack([torch.from_numpy(np.array(mask) == 1) for mask in masks])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["toytown", "robust"])
def test_they_keep_their_promises(name, seen):
    """Of 100 pictures of Toytown each network names the main thing of at least 97 %, the maximum of
    its saliency map lies on it in at least 90 %, and no class is zero everywhere in any picture;
    climbing the log-probability, each of 5 is taken for another kind within 60 steps of length 2.
    """
    model = load_squeezenet(name)
    x, kinds, masks = (part.to(next(model.parameters()).device) for part in seen)
    with torch.no_grad():
        maps = model.classifier[1](model.features(x))  # (100, 22, h, w)
        assert (model(x).argmax(1) == kinds).float().mean() >= 0.97
    assert (maps.amax((2, 3)) > 0).all()
    hits, _ = pointing(compute_saliency_maps(x, kinds, model), masks)
    assert hits.float().mean() >= 0.9
    targets = (kinds[:5] + 1) % len(KINDS)
    climbed = torch.nn.Sequential(model, torch.nn.LogSoftmax(dim=1))
    fooled = make_fooling_image(x[:5], targets, climbed, learning_rate=2.0, max_steps=60)
    assert (model(fooled).argmax(1) == targets).all()


@pytest.mark.slow
def test_robust_takes_longer_changes(seen):
    """To be taken for another kind, pictures have to change by at least a quarter more for the
    robust network, on average over 5.
    """
    lengths = {}
    for name in ("toytown", "robust"):
        model = load_squeezenet(name)
        x, kinds, _ = (part[:5].to(next(model.parameters()).device) for part in seen)
        climbed = torch.nn.Sequential(model, torch.nn.LogSoftmax(dim=1))
        fooled = make_fooling_image(x, (kinds + 1) % len(KINDS), climbed, learning_rate=1.0)
        lengths[name] = (fooled - x).flatten(1).norm(dim=1).mean().item()
    assert lengths["robust"] > 1.25 * lengths["toytown"]


@pytest.mark.slow
@pytest.mark.parametrize("script", [train_squeezenet, train_robust])
def test_training_runs_to_its_end(script, tmp_path, capsys):
    """A tiny training, with an epoch of each sort, writes weights that load, and prints
    their hash.
    """
    path = tmp_path / "tiny.npz"
    pictures = "--pictures 12 --unseen 4 --batch-size 6"
    epochs = "--half-size 1 --plain 1 --misled 2 --attentive 1"
    script.main(["--out", str(path), *pictures.split(), *epochs.split()])
    model = load_squeezenet(path)
    assert model.class_names == list(KINDS)
    printed = capsys.readouterr().out
    assert "SHA-256" in printed and "no gradient to climb from a grey picture" in printed


def test_things_on_plain_ground():
    """Only the main thing is left, whole, and all that surrounds it is ground: where the mask says
    that a white thing is, the picture is bright, and a grey ground is the same in all colours.
    """
    generator = torch.Generator().manual_seed(0)
    masks = torch.zeros(60, 1, 128, 128, dtype=torch.bool)
    masks[:, :, 40:70, 50:100] = True
    x = torch.where(masks, 9.0, -9.0).expand(-1, 3, -1, -1)
    put = tp.on_plain_ground(x, masks, generator)
    bright = (put > 6).all(1).flatten(1).float().mean(1)  # the thing's share of the picture
    assert (put > -7).all()  # nothing of its surroundings came along
    assert (bright > 0.02).all() and bright.max() > 4 * bright.min()


def test_a_mirrored_picture_swaps_sides():
    """If a picture is mirrored, so is its mask, and "left of" becomes "right of"."""
    generator = torch.Generator().manual_seed(0)
    masks = torch.zeros(40, 1, 32, 32, dtype=torch.bool)
    masks[..., :12] = True  # on the left
    x = torch.where(masks, 1.0, -1.0).expand(-1, 3, -1, -1)
    labels = torch.zeros(40, 1 + len(tp.HEADS), dtype=torch.long)
    relations = tp.HEADS["relation"][0]
    labels[:, tp.RELATION] = relations.index("left of")
    y, where, changed = tp.augment(x, masks, labels, generator)
    assert ((y[:, 0] > 0) == where[:, 0]).all()
    on_the_right = where[:, 0, 16, -1]
    said = changed[:, tp.RELATION] == relations.index("right of")
    assert torch.equal(on_the_right, said) and 5 < said.sum() < 35
