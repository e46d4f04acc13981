"""Where data is stored."""

import os
from pathlib import Path

import deeplearning
from deeplearning.locations import data_folder


def test_default_folder(monkeypatch):
    """Without the variable, or with an empty one, data is stored in the package's own folder."""
    for unset in (
        lambda: monkeypatch.delenv("DEEPLEARNING_DATA", raising=False),
        lambda: monkeypatch.setenv("DEEPLEARNING_DATA", ""),
    ):
        unset()
        assert data_folder() == Path(deeplearning.__file__).resolve().parent / "datasets"


def test_folder_of_the_environment(monkeypatch, tmp_path):
    """DEEPLEARNING_DATA names the folder, and may be changed while the process runs; ~ is the home
    folder.
    """
    for folder in (tmp_path, tmp_path / "with spaces"):
        monkeypatch.setenv("DEEPLEARNING_DATA", str(folder))
        assert data_folder() == folder
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("DEEPLEARNING_DATA", os.path.join("~", "data"))
    assert data_folder() == tmp_path / "data"


def test_relative_folder(run_python, tmp_path):
    """A relative DEEPLEARNING_DATA counts from the directory where the process started."""
    code = (
        "import os; from deeplearning.locations import *; os.chdir(os.pardir); print(data_folder())"
    )
    status, output, errors = run_python(
        "-c", code, cwd=tmp_path, env={"DEEPLEARNING_DATA": "my data"}
    )
    assert status == 0, errors
    folder = Path(output.removesuffix("\n"))
    assert folder.is_absolute() and folder == tmp_path.resolve() / "my data"
