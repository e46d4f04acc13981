"""Files that are complete or absent, and archives of arrays."""

import errno
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from deeplearning.feature_array import open_h5
from deeplearning.feature_transform import FeatureTransform
from deeplearning.files import atomic_write, check_can_write, locked, read_npz, said, write_npz
from deeplearning.imagenet_file import read_imagenet_file


def test_write(tmp_path):
    """The file appears with its whole content at the end, replaces an older one, and nothing else
    stays.
    """
    for content in (b"old", b"new content"):
        before = (tmp_path / "file").read_bytes() if content != b"old" else None
        with atomic_write(tmp_path / "file") as file:
            file.write(content[:2])
            file.flush()
            assert ((tmp_path / "file").read_bytes() if before else None) == before
            file.write(content[2:])
        assert (tmp_path / "file").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with atomic_write(str(tmp_path / "second")) as file:
        file.write(b"a str names a file, too")
    assert (tmp_path / "second").exists()


@pytest.mark.parametrize(
    "error", [ValueError, KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")]
)
@pytest.mark.parametrize("older", [True, False])
def test_interrupted_write(tmp_path, error, older):
    """However writing fails, an older file is unchanged, and nothing half-written stays."""
    if older:
        (tmp_path / "file").write_bytes(b"older")
    with (
        pytest.raises(error if isinstance(error, type) else OSError),
        atomic_write(tmp_path / "file") as file,
    ):
        file.write(b"half")
        raise error
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("file", b"older")
    ] * older


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_disk_that_refuses(tmp_path, monkeypatch, function, code):
    """A full or read-only disk gives one sentence that names the file and the reason, with the
    system's error code.
    """

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    (tmp_path / "file").write_bytes(b"older")
    with monkeypatch.context() as patch:
        patch.setattr(os, function, refuse)
        with (
            pytest.raises(OSError, match=os.strerror(code)) as raised,
            atomic_write(tmp_path / "file") as file,
        ):
            file.write(b"half")
    assert raised.value.errno == code and str(tmp_path / "file") in str(raised.value)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"older")]


@pytest.mark.parametrize("name", ["missing/file", "a file/file", "a folder", "x" * 250])
def test_place_that_cannot_be_written(tmp_path, name):
    """For a missing folder, a file in a folder's place or the reverse, or too long a name, one
    sentence names it.
    """
    (tmp_path / "a file").write_bytes(b"")
    (tmp_path / "a folder").mkdir()
    before = sorted(tmp_path.iterdir())
    with (
        pytest.raises(OSError, match="could not write") as raised,
        atomic_write(tmp_path / name) as file,
    ):
        file.write(b"something")
    assert str(tmp_path / name) in str(raised.value) and ".part" not in str(raised.value)
    assert sorted(tmp_path.iterdir()) == before


# Archives of arrays


def archive(path, settings='{"a": [1, "ü"]}', **arrays):
    with open(path, "wb") as file:
        np.savez(file, settings=np.array(settings), **arrays)


def test_read_npz(tmp_path):
    """Settings and arrays come back as they were written; the file may be deleted."""
    arrays = {
        "params/W": np.arange(6.0).reshape(2, 3),
        "n": np.array(3, np.int8),
        "empty": np.zeros((0, 4)),
    }
    archive(tmp_path / "a.npz", **arrays)
    settings, read = read_npz(tmp_path / "a.npz")
    assert settings == {"a": [1, "ü"]}
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array, strict=True)
    (tmp_path / "a.npz").unlink()
    with pytest.raises(FileNotFoundError, match="a.npz"):
        read_npz(tmp_path / "a.npz")


def test_read_something_else(tmp_path):
    """A text, an empty file, a single array, a pickle, a folder, and settings that are not a
    dictionary are refused by name.
    """
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.save(tmp_path / "pickle.npy", np.array({"settings": 1}, dtype=object), allow_pickle=True)
    np.savez(tmp_path / "other.npz", W=np.zeros(3))
    np.savez(tmp_path / "pickles.npz", settings=np.array({}, dtype=object))
    archive(tmp_path / "no json", "{")
    for settings in ([], 3, None, "text"):
        archive(tmp_path / f"settings {settings}", json.dumps(settings))
    for path in tmp_path.iterdir():
        with pytest.raises((ValueError, IsADirectoryError)) as raised:
            read_npz(path)
        assert str(path) in str(raised.value)


def test_read_damaged(tmp_path):
    """An archive that is truncated anywhere, or has any byte damaged, is refused by name, or gives
    what was written.
    """
    array = np.random.default_rng(0).standard_normal(50)
    archive(tmp_path / "a.npz", W=array)
    content = (tmp_path / "a.npz").read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 9)]
    for place in range(0, len(content), 2):
        damaged.append(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
    refused = 0
    for wrong in damaged:
        (tmp_path / "a.npz").write_bytes(wrong)
        try:
            settings, arrays = read_npz(tmp_path / "a.npz")
        except ValueError as error:
            assert str(tmp_path / "a.npz") in str(error)
            refused += 1
        else:
            assert settings == {"a": [1, "ü"]}
            if "W" in arrays:  # a damaged name leaves the array to be missed
                np.testing.assert_array_equal(arrays["W"], array)
    assert refused > 0.8 * len(damaged)


REFUSED = {
    errno.EACCES: "permission",
    errno.EAGAIN: "another program holds it",
    errno.ENOLCK: "has no locks",
    errno.EIO: "the disk, or the way to it, fails",
}


@pytest.mark.parametrize("code, advice", REFUSED.items())
@pytest.mark.parametrize("read", [read_npz, read_imagenet_file, FeatureTransform.load, open_h5])
def test_a_sound_file_that_cannot_be_read(tmp_path, monkeypatch, read, code, advice):
    """A file without permission, locked, on a file system without locks or on a failing disk is not
    called damaged: the advice fits.
    """

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    path = tmp_path / "features.json"
    path.touch()
    for where in ("builtins.open", "h5py.File"):
        monkeypatch.setattr(where, refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(OSError, match=f"can't use .*features.json.*{advice}") as caught:
        with read(tmp_path if read == FeatureTransform.load else path):
            pass
    assert caught.value.errno == code and "damaged" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + b"\xff" * 300])
def test_a_damaged_file_is_called_damaged(tmp_path, content):
    """Problems with the content are still reported as such."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        read_npz(tmp_path / "file")
    with pytest.raises(ValueError, match="is damaged"), open_h5(tmp_path / "file"):
        pass


def test_a_locked_file(tmp_path):
    """A data set that another program is writing is not called damaged."""
    fcntl = pytest.importorskip("fcntl", reason="Windows locks files in another way")
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file["x"] = 1
    with open(tmp_path / "file.h5", "rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(OSError, match="another program holds it"),
            open_h5(tmp_path / "file.h5"),
        ):
            pass


def test_where_nothing_can_be_written(tmp_path, monkeypatch):
    """A missing folder, a folder in place of the file and a read-only one are refused
    beforehand.
    """
    check_can_write(tmp_path / "file", "--out")
    with pytest.raises(FileNotFoundError, match="folder of --out .* does not exist"):
        check_can_write(tmp_path / "missing" / "file", "--out")
    with pytest.raises(IsADirectoryError, match="name a file"):
        check_can_write(tmp_path, "--out")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="can't write into the folder of --out"):
        check_can_write(tmp_path / "file", "--out")


@pytest.mark.parametrize("error", [NotImplementedError("flock"), OSError(errno.ENOLCK, "none")])
def test_a_file_system_without_locks(tmp_path, monkeypatch, error):
    """It is reported, with advice; and a lock is free again after its use."""
    for _ in range(2):
        with locked(tmp_path / "lock", blocking=False):
            pass

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(OSError, match="this file system has no locks"), locked(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("read", [read_npz, lambda path: open_h5(path).__enter__()])
def test_a_file_that_is_missing(tmp_path, read):
    """The message about a missing file to read doesn't advise to make its folder."""
    with pytest.raises(FileNotFoundError, match="^no file at .*gone: check the spelling"):
        read(tmp_path / "gone")


def test_a_file_of_another_kind(tmp_path):
    """No message advises loading it as a pickle, or only deleting what may be a file of
    captions.
    """
    path = tmp_path / "captions.csv"
    path.write_text("image,caption\n")
    with pytest.raises(ValueError, match="not begin as such archives do.*name another") as raised:
        read_npz(path)
    assert "pickle" not in str(raised.value)


def test_what_people_are_told(tmp_path):
    """Our own messages come without the system's error number, Python's with advice."""
    assert said(OSError(errno.ENOSPC, "could not write x: free space")).startswith("could not")
    assert said(ValueError("x")) == "x"
    with pytest.raises(FileNotFoundError) as raised:
        open(tmp_path / "gone")
    gone = tmp_path / "gone"
    assert said(raised.value) == (
        f"no file at {gone}: check the spelling, and which folder it is in"
    )
    refused = PermissionError(errno.EACCES, "Permission denied", "captions.csv")
    assert said(refused) == (
        "can't use captions.csv (Permission denied): ask for permission, or name another place"
    )


def test_what_is_read_can_be_written(tmp_path):
    """An archive gives back the settings and arrays that were written, and nothing else."""
    write_npz(tmp_path / "a.npz", {"x": 1}, {"w": np.arange(3)})
    settings, arrays = read_npz(tmp_path / "a.npz")
    assert settings == {"x": 1} and list(arrays) == ["w"]
    write_npz(tmp_path / "b.npz", settings, arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
