"""A fingerprint shows whether a submission has changed."""

import os

import pytest

from grading.exports import find_submissions
from grading.fingerprint import fingerprint


def test_fingerprint(tmp_path):
    """It changes with a zip's bytes and with a folder's files, and with nothing else."""
    path = tmp_path / "x.zip"
    path.write_bytes(b"a")
    first = fingerprint([path])
    path.touch()
    assert fingerprint([path]) == first
    path.write_bytes(b"b")
    assert fingerprint([path]) != first
    before = fingerprint([tmp_path])
    assert fingerprint([tmp_path]) == before
    (tmp_path / "y").touch()
    assert fingerprint([tmp_path]) != before


def test_names_of_loose_files_and_bytes_without_times_count(tmp_path):
    """It changes with the name of a loose file, which decides what the file is, and with the bytes
    of code in a folder whose files have no times, as after unpacking some zips.
    """
    path = tmp_path / "rnnlayers.py"
    path.write_text("a + b", encoding="utf-8")
    before = fingerprint([path])
    path = path.rename(tmp_path / "rnn_layers.py")
    assert fingerprint([path]) != before
    os.utime(path, (0, 0))
    before = fingerprint([tmp_path])
    path.write_text("a - b", encoding="utf-8")
    os.utime(path, (0, 0))
    assert fingerprint([tmp_path]) != before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_stops_nobody(tmp_path):
    """A pipe with the name of a zip is refused with an error, not waited for."""
    (tmp_path / "class").mkdir()
    os.mkfifo(tmp_path / "class" / "ada.zip")
    (tmp_path / "class" / "zoe.zip").write_bytes(b"x")
    found = find_submissions([tmp_path / "class"], tmp_path / "scratch")
    assert list(found) == ["ada", "zoe"]
    with pytest.raises(ValueError, match="a device or a pipe"):
        fingerprint(found["ada"].paths)


def test_a_closed_folder_is_no_empty_one(tmp_path, monkeypatch):
    """A student's folder without read permission fails, rather than counting as empty, and doesn't
    stop others.
    """
    for who in ("ada", "zoe"):
        (tmp_path / "class" / who).mkdir(parents=True)
        (tmp_path / "class" / who / "rnn_layers.py").write_text("x = 1")
    closed = tmp_path / "class" / "ada"
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, _without(closed, getattr(os, name)))
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(closed))
    found = find_submissions([tmp_path / "class"], tmp_path / "scratch")
    assert list(found) == ["ada", "zoe"]
    with pytest.raises(PermissionError):
        fingerprint(found["ada"].paths)


def _without(closed, look):
    def looked(path="."):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    return looked
