"""Extra credit: what a captioner earns on new pictures, and which files are refused."""

import errno
import os
import shutil

import numpy as np
import pytest

from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.datasets.toytown.dataset import ensure_toytown
from grading import extra_credit as extra
from grading.manifest import MANIFEST


@pytest.fixture
def toytown(tmp_path, monkeypatch):
    """A small Toytown in place of the whole one; eight new pictures."""
    folder = ensure_toytown(tmp_path / "toytown", pictures={"train": 12, "val": 3})
    monkeypatch.setattr(extra, "ensure_toytown", lambda: folder)
    monkeypatch.setattr(extra, "PICTURES", 8)
    extra.unseen.cache_clear()
    yield
    extra.unseen.cache_clear()


def model(path, features=512, words=("<NULL>", "<START>", "<END>", "<UNK>", "a", "boat")):
    CaptioningRNN({word: k for k, word in enumerate(words)}, features, 4, 4).save(path)
    return path


def test_a_model_is_scored_on_new_pictures(toytown, tmp_path):
    """The same seed draws the same pictures, another one others; an untrained model earns nothing,
    and the reason names its score and the levels.
    """
    references, features = extra.unseen(1, 8)
    assert (
        features.shape == (8, 512)
        and features.dtype == np.float32
        and [len(r) for r in references] == [5] * 8
    )
    again, same = extra.unseen.__wrapped__(1, 8)
    assert again == references and np.array_equal(same, features)
    assert extra.unseen.__wrapped__(2, 8)[0] != references
    model(tmp_path / "captioner.npz")
    result = extra.extra_credit(tmp_path, seed=1)
    assert (
        result.score == 0
        and "CIDEr-D is 0.0" in result.reason
        and "2 points from 2.6" in result.reason
    )


@pytest.mark.parametrize("score, points", [(2.59, 0), (2.6, 2), (2.76, 4), (2.9, 5), (9, 5)])
def test_levels(monkeypatch, tmp_path, score, points):
    """Points follow the levels of the manifest; at the highest there is nothing to say."""
    monkeypatch.setattr(extra, "score_captioner", lambda path, seed: score)
    (tmp_path / "captioner.npz").touch()
    result = extra.extra_credit(tmp_path, seed=1)
    assert result.score == points and bool(result.reason) == (points < MANIFEST.extra.points)


def test_the_model_is_found(monkeypatch, tmp_path):
    """It is found in a folder or a zip, also one folder down; of two, the one nearer to the top
    counts; a link does not.
    """
    monkeypatch.setattr(
        extra, "score_captioner", lambda path, seed: float(path.read_text(encoding="utf-8"))
    )
    tree = tmp_path / "tree"
    (tree / "assignment2" / "old").mkdir(parents=True)
    (tree / "deeplearning").mkdir()
    (tree / "deeplearning" / "captioner.npz").write_text("3", encoding="utf-8")
    assert extra.extra_credit(tree, 1) is None
    (tree / "assignment2" / "captioner.npz").write_text("2.8", encoding="utf-8")
    (tree / "assignment2" / "old" / "captioner.npz").write_text("2.9", encoding="utf-8")
    assert extra.extra_credit(tree, 1).score == 4
    assert (
        extra.extra_credit(shutil.make_archive(tmp_path / "handed in", "zip", tree), 1).score == 4
    )
    if os.name == "posix":
        (tree / "captioner.npz").symlink_to(tree / "assignment2" / "old" / "captioner.npz")
        assert extra.extra_credit(tree, 1).score == 4
    (tmp_path / "no zip").touch()
    assert extra.extra_credit(tmp_path / "no zip", 1) is None


def test_a_damaged_zip_next_to_the_model(monkeypatch, tmp_path):
    """A damaged zip neither takes the place of a model that is there, nor makes one up."""
    monkeypatch.setattr(extra, "score_captioner", lambda path, seed: 2.8)
    (tmp_path / "old.zip").write_bytes(b"PK\3\4 damaged")
    assert extra.extra_credit(tmp_path, 1) is None
    (tmp_path / "captioner.npz").touch()
    assert extra.extra_credit(tmp_path, 1).score == 4


def test_a_fault_of_the_machine_is_not_the_models(monkeypatch, tmp_path):
    """A full disk is raised: nobody loses extra credit for it."""

    def full(path, seed):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(extra, "score_captioner", full)
    (tmp_path / "captioner.npz").touch()
    with pytest.raises(OSError, match="No space"):
        extra.extra_credit(tmp_path, 1)


def test_what_is_no_captioner_earns_nothing(toytown, tmp_path, monkeypatch):
    """A file of another kind, a model of other features, and one that unpacks to too much each give
    a sentence, not an error.
    """
    path = tmp_path / "captioner.npz"
    path.write_bytes(b"no zip")
    assert "captioner.npz could not be used" in extra.extra_credit(tmp_path, 1).reason
    path.write_bytes(extra.BUILT_IN_MODEL.read_bytes())
    assert "comes with the project" in extra.extra_credit(tmp_path, 1).reason
    model(path, features=100)
    assert "D = 100" in extra.extra_credit(tmp_path, 1).reason
    model(path)
    monkeypatch.setattr(extra, "MAX_BYTES", 1000)
    assert "more than" in extra.extra_credit(tmp_path, 1).reason


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([f"w{k}" for k in range(6000)], "at most 5000 words"),
        (["x" * 101], "at most 5000 words"),
        (["x" * 300_000], "a text of more than 1 MB"),
    ],
)
def test_vocabularies_that_would_take_all_memory(toytown, tmp_path, words, said):
    """A small file with very many words, or very long ones, is refused before it is used: nothing
    limits what this process takes.
    """
    model(tmp_path / "captioner.npz", words=["<NULL>", "<START>", "<END>", "<UNK>", *words])
    result = extra.extra_credit(tmp_path, 1)
    assert result.score == 0 and said in result.reason
