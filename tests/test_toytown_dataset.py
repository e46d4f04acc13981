"""Toytown on disk: complete or not at all, and made again when it is not what it should be."""

import json
import random
import shutil

import h5py
import numpy as np
import pytest

from deeplearning.classifiers import squeezenet
from deeplearning.coco_utils import decode_captions, find_dataset, load_coco_data, load_references
from deeplearning.datasets.toytown import dataset
from deeplearning.datasets.toytown.dataset import ensure_toytown, load_scenes
from deeplearning.datasets.toytown.grammar import write_captions
from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.image_utils import image_from_url

FEW = {"train": 12, "val": 5}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A small Toytown data set."""
    return ensure_toytown(tmp_path_factory.mktemp("data") / "toytown", pictures=FEW)


@pytest.fixture
def toytown(written, tmp_path):
    """A copy of it to spoil."""
    return shutil.copytree(written, tmp_path / "toytown")


def test_loader_reads_it(written):
    """Pictures, captions, truth and masks on disk are those that the plan draws, and features are standardised."""
    data = load_coco_data(written)
    scenes = load_scenes("val", written)
    references, _ = load_references(data, written)
    with h5py.File(written / "masks.h5") as file:
        masks = file["val"][:]
    for number in range(FEW["val"]):
        scene, image, mask = picture(SEED, "val", number)
        captions = write_captions(scene, random.Random(f"toytown {SEED} val {number} captions"))
        assert scenes[number] == scene and references[number] == captions
        np.testing.assert_array_equal(image_from_url(data["val_urls"][number]), np.asarray(image))
        np.testing.assert_array_equal(masks[number], np.asarray(mask))
        rows = data["val_captions"][data["val_image_idxs"] == number]
        for row, caption in zip(decode_captions(rows, data["idx_to_word"]), captions, strict=True):
            pairs = zip(row.split()[1:-1], caption.split(), strict=True)
            assert all(stored in (word, "<UNK>") for stored, word in pairs)
    features = np.asarray(data["train_features"])
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-4)
    assert np.all((np.abs(features.std(0) - 1) < 1e-3) | (features.std(0) == 0))


def test_second_use_writes_nothing(written):
    """A complete data set is left as it is."""
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*")}
    assert ensure_toytown(written, pictures=FEW) == written
    assert {path: path.stat().st_mtime_ns for path in written.rglob("*")} == before


@pytest.mark.parametrize("damage", ["picture", "file", "version", "garbage"])
def test_incomplete_sets_are_made_again(toytown, damage):
    """Deleted pictures and files, and sets of another version, are mended by writing the data set anew."""
    stamp = toytown / "toytown.json"
    if damage == "picture":
        (toytown / "val_images" / "00002.png").unlink()
    elif damage == "file":
        (toytown / "masks.h5").unlink()
    elif damage == "version":
        stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"version": 0}))
    else:
        stamp.write_text("{")
    ensure_toytown(toytown, pictures=FEW)
    assert (toytown / "masks.h5").is_file() and len(list(toytown.glob("val_images/*.png"))) == FEW["val"]
    assert json.loads(stamp.read_text())["version"] == dataset.VERSION
    assert [path.name for path in toytown.parent.iterdir() if not path.name.endswith(".lock")] == ["toytown"]


def test_two_processes_at_once(tmp_path, start_python):
    """Two processes that need the data set at once both get it, whole."""
    program = (
        "import sys; from deeplearning.datasets.toytown.dataset import ensure_toytown;"
        f"print(ensure_toytown(sys.argv[1], pictures={FEW}))"
    )
    processes = [start_python("-c", program, tmp_path / "toytown") for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert str(tmp_path / "toytown") in output
    assert load_coco_data(tmp_path / "toytown")["train_features"].shape == (FEW["train"], 512)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True])
def test_seed_out_of_range(tmp_path, seed):
    """A seed that is no int from 0 to 2**32 - 1 is refused with its value."""
    with pytest.raises(ValueError, match="seed of Toytown must be an int"):
        ensure_toytown(tmp_path / "toytown", seed)
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path, monkeypatch):
    """Too little room is one clear error before anything is drawn, and nothing is left."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(OSError, match="could not write the Toytown data set to .*toytown.*DEEPLEARNING_CAPTIONS"):
        ensure_toytown(tmp_path / "toytown")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_failure_half_way(tmp_path, monkeypatch):
    """Where the weights have been tampered with, the error says so and no half-made folder stays."""
    monkeypatch.setattr(squeezenet, "TOYTOWN_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="was changed or damaged"):
        ensure_toytown(tmp_path / "toytown", pictures=FEW)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_found_without_any_data(tmp_path, monkeypatch):
    """Without data Toytown is found; coco_captioning and DEEPLEARNING_CAPTIONS come first; its name always works."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    monkeypatch.setattr(dataset, "ensure_toytown", lambda: "the built-in set")
    assert find_dataset() == find_dataset("toytown_captioning") == "the built-in set"
    (tmp_path / "coco_captioning").mkdir()
    assert find_dataset() == tmp_path / "coco_captioning"
    assert find_dataset("toytown_captioning") == "the built-in set"
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", "mine")
    assert find_dataset() == tmp_path / "mine"


def test_command_line(tmp_path, run_python):
    """A seed out of range ends the command with one line and status 1."""
    status, _, errors = run_python("-m", "deeplearning.datasets.toytown", "--out", tmp_path / "t", "--seed", "-1")
    assert status == 1 and errors.startswith("toytown: the seed of Toytown must be") and errors.count("\n") == 1


def test_loading_does_not_import_torch(run_python):
    """The NumPy half, with the data set's own module, starts without PyTorch."""
    program = (
        "import sys, deeplearning.classifiers.rnn, deeplearning.coco_utils, deeplearning.datasets.toytown.dataset;"
        "assert 'torch' not in sys.modules"
    )
    status, _, errors = run_python("-c", program)
    assert status == 0, errors
