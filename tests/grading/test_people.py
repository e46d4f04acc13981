"""Whether names are those of people."""

from pathlib import PurePosixPath

import pytest

from grading.people import are_people, is_version


@pytest.mark.parametrize(
    "name",
    [
        "v1",
        "assignment2 (1).zip",
        "final_final",
        "work_20261101",
        "My Work",
        "old",
        "hw2-20261101T101010Z-001.zip",
        "drive-download-20261101T101010Z-1-002.zip",
    ],
)
def test_versions(name):
    """Names of versions and parts of a work."""
    assert is_version(name)


@pytest.mark.parametrize(
    "name", ["ada", "Jörg Müller", "assignment2-ada", "12345", "a1234567", "Finn", "Codey"]
)
def test_people(name):
    """Names of people, including numbers."""
    assert not is_version(name)


@pytest.mark.parametrize(
    "name", ["handout" * 36 + "x", "a" * 250 + "!x", "_" * 250, "1", "(1)", ""]
)
def test_odd_names(name):
    """Names crafted to take long, or without words, are read at once, and are not versions."""
    assert not is_version(name)


def test_deep_folders():
    """A class is recognised within any number of folders; without files there is nobody."""
    around = "x/" * 3000
    names = [f"{around}{who}/deeplearning/rnn_layers.py" for who in ("ada", "alan")]
    assert are_people(map(PurePosixPath, names))
    assert not are_people([PurePosixPath(names[0])]) and not are_people([])


def test_people_beside_a_template():
    """A class is recognised with the hand-out, or work packed in other formats, among its
    people.
    """
    names = [f"assignment2-{who}/deeplearning/rnn_layers.py" for who in ("ada", "alan", "starter")]
    assert are_people(map(PurePosixPath, names))
    packed = ["ada/assignment2.rar", "alan/assignment2.7z", "zoe/v 1/assignment2.zip"]
    assert are_people(map(PurePosixPath, packed))
