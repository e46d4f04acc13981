"""Features on disk: an interrupted run loses at most a batch, and features are never mixed up."""

import errno
import os

import numpy as np
import pytest
from PIL import Image

from deeplearning.classifiers import backbones
from deeplearning.classifiers.backbones import image_features
from deeplearning.datasets import extraction
from deeplearning.datasets.extraction import image_features_to_disk


@pytest.fixture
def pictures(tmp_path):
    """Files of 35 pictures: three batches of ten, and a half one."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{k:02d}.png" for k in range(35)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture(autouse=True)
def batches_of_ten(monkeypatch):
    """The same batches on a GPU, where they are larger by default."""
    for module in (backbones, extraction):
        monkeypatch.setattr(module, "default_batch_size", lambda _: 10)


@pytest.fixture
def read(monkeypatch):
    """Names of the pictures that have been read."""
    names, read_picture = [], backbones.read_picture

    def recorded(path, size):
        names.append(path.name)
        return read_picture(path, size)

    monkeypatch.setattr(backbones, "read_picture", recorded)
    return names


class Full:
    """A file on a full disk."""

    def __init__(self, name):
        self.name = name

    def write(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(pictures, network, folder, monkeypatch, batches):
    """Start extracting, and interrupt after this many batches."""

    def some(*arguments):
        for done, batch in enumerate(backbones.feature_batches(*arguments)):
            if done == batches:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "feature_batches", some)
        image_features_to_disk(pictures, network, folder, "train")


def test_features_are_those_of_image_features(pictures, network, tmp_path, capsys):
    """Features on disk equal those in memory; progress and rate are shown."""
    features, broken = image_features_to_disk(pictures, network, tmp_path, "train")
    np.testing.assert_array_equal(features, image_features(pictures, network, progress=False))
    assert features.dtype == np.float32 and broken == {}
    output = capsys.readouterr().out
    assert "35/35" in output and "pictures per hour\n" in output


@pytest.mark.parametrize("torn", [0, 1, 4000])
def test_goes_on_where_it_stopped(pictures, network, tmp_path, monkeypatch, read, capsys, torn):
    """After an interruption, even during a write, only the rest is computed, and everything is
    identical to the last bit.
    """
    interrupted(pictures, network, tmp_path, monkeypatch, batches=2)
    with open(tmp_path / "train.raw", "ab") as file:
        file.write(b"x" * torn)
    read.clear()
    features, _ = image_features_to_disk(pictures, network, tmp_path, "train")
    assert sorted(read) == [path.name for path in pictures[20:]]
    assert "the first 20 were already done" in capsys.readouterr().out
    np.testing.assert_array_equal(features, image_features(pictures, network, progress=False))


def test_a_finished_run_is_not_repeated(pictures, network, tmp_path, read):
    """A last batch that is not full is computed again, everything else is kept."""
    first = np.array(image_features_to_disk(pictures, network, tmp_path, "train")[0])
    read.clear()
    np.testing.assert_array_equal(
        image_features_to_disk(pictures, network, tmp_path, "train")[0], first
    )
    assert sorted(read) == [path.name for path in pictures[30:]]


@pytest.mark.parametrize("change", ["picture", "order", "fewer", "network", "record"])
def test_starts_over_when_something_changed(pictures, network, tmp_path, monkeypatch, read, change):
    """Features of other pictures, or of another network, are never mixed with these."""
    interrupted(pictures, network, tmp_path, monkeypatch, batches=2)
    if change == "picture":
        os.utime(pictures[3], ns=(0, 0))
    elif change == "order":
        pictures = pictures[::-1]
    elif change == "fewer":
        pictures = pictures[:-1]
    elif change == "network":
        monkeypatch.setattr("deeplearning.datasets.extraction.weights_sha256", lambda _: "another")
    else:
        (tmp_path / "train.json").write_text("{")
    read.clear()
    features, _ = image_features_to_disk(pictures, network, tmp_path, "train")
    assert len(read) == len(pictures)
    np.testing.assert_array_equal(features, image_features(pictures, network, progress=False))


def test_broken_pictures(pictures, network, tmp_path):
    """Broken pictures raise, or are left out with the reason, also in a run that continues an
    earlier one.
    """
    pictures[4].write_bytes(b"<html>404</html>")
    pictures[33].unlink()
    with pytest.raises(ValueError, match=r"04.png can't be read"):
        image_features_to_disk(pictures, network, tmp_path, "train")
    for _ in range(2):
        features, broken = image_features_to_disk(
            pictures, network, tmp_path, "train", skip_broken=True
        )
        assert np.flatnonzero(np.isnan(features).any(axis=1)).tolist() == list(broken) == [4, 33]
        assert "04.png can't be read" in broken[4] and "33.png is missing" in broken[33]
    with pytest.raises(ValueError, match=r"04.png can't be read"):  # not what was left out before
        image_features_to_disk(pictures, network, tmp_path, "train")


def test_full_disk(pictures, network, tmp_path, monkeypatch):
    """If the disk is full, one sentence names the file and says that the next run continues, which
    it does.
    """
    room = []

    def write(file, features):
        if len(room) == 1:
            file = Full(file.name)
        room.append(None)
        append(file, features)

    append = extraction._append
    monkeypatch.setattr(extraction, "_append", write)
    with pytest.raises(
        OSError, match=r"could not write .*train.raw \(No space left on device\).*go on from here"
    ):
        image_features_to_disk(pictures, network, tmp_path, "train")
    features, _ = image_features_to_disk(pictures, network, tmp_path, "train")
    np.testing.assert_array_equal(features, image_features(pictures, network, progress=False))
