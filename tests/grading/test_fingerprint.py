"""What tells whether a submission has changed."""

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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_stops_nobody(tmp_path):
    """A pipe with the name of a zip is nothing to wait for: it can't be read, and says so."""
    (tmp_path / "class").mkdir()
    os.mkfifo(tmp_path / "class" / "ada.zip")
    (tmp_path / "class" / "zoe.zip").write_bytes(b"x")
    found = find_submissions([tmp_path / "class"], tmp_path / "scratch")
    assert list(found) == ["ada", "zoe"]
    with pytest.raises(ValueError, match="a device or a pipe"):
        fingerprint(found["ada"].paths)
