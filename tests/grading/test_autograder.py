"""The zip for Gradescope: what is in it, and what its scripts do in Gradescope's layout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grading import autograder, handout
from grading.manifest import MANIFEST

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def gradescope(tmp_path):
    """A folder laid out like Gradescope's /autograder, with the zip unpacked in it and this Python
    as its environment.
    """
    autograder.main(["--out", str(tmp_path)])
    for name in ("source", "submission", "results", "venv/bin"):
        (tmp_path / "autograder" / name).mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        archive.extractall(tmp_path / "autograder" / "source")
    python = tmp_path / "autograder" / "venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return tmp_path / "autograder"


def run_autograder(root):
    done = subprocess.run(
        ["bash", root / "source" / "run_autograder"], env=os.environ | {"AUTOGRADER": str(root)}, capture_output=True,
        text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_zip_holds_what_grading_needs(tmp_path, capsys):
    """Scripts are at the top and executable; package, manifest and calls are included, notebooks
    and our tests are not.
    """
    autograder.main(["--out", str(tmp_path), "--seed", "41"])
    assert "seed 41" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        names = set(archive.namelist())
        for script in ("setup.sh", "run_autograder"):
            assert archive.getinfo(script).external_attr >> 16 & 0o111
            assert archive.read(script).startswith(
                b"#!/usr/bin/env bash\n"
            ) and b"\r" not in archive.read(script)
        assert archive.read("seed") == b"41\n"
    assert {
        *MANIFEST.files,
        "grading/exercises.toml",
        "grading/upload.py",
        "exercises/calls.py",
    } <= names
    assert not [
        name
        for name in names
        if name.endswith(".ipynb") or name.startswith(("grading/hostile", "tests/test_"))
    ]


@pytest.mark.skipif(os.name == "nt", reason="Gradescope's scripts are for Linux")
def test_setup_makes_an_environment(tmp_path, gradescope):
    """setup.sh installs PyTorch's CPU build, or the usual one if that is not available, and then
    the requirements.
    """
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    for name, does in {
        "apt-get": "",
        "python3": f'mkdir -p "$3/bin" && cp "{tmp_path}/bin/pip" "$3/bin/python"',
        "pip": 'case "$*" in *--index-url*) exit 1;; esac',
    }.items():
        (tmp_path / "bin" / name).write_text(
            f'#!/bin/sh\necho {name} "$@" >> "{calls}"\n{does}\n', encoding="utf-8"
        )
        (tmp_path / "bin" / name).chmod(0o755)
    env = os.environ | {
        "AUTOGRADER": str(gradescope),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run(["bash", gradescope / "source" / "setup.sh"], env=env, check=True)
    called = [
        line
        for line in calls.read_text(encoding="utf-8").splitlines()
        if not line.startswith("apt-get")
    ]
    assert called[0] == f"python3 -m venv {gradescope}/venv"
    assert "torch torchvision" in called[1] and called[1].endswith(
        "https://download.pytorch.org/whl/cpu"
    )
    assert called[2].endswith("--force-reinstall torch torchvision")
    assert called[3].endswith(f"-r {gradescope}/source/requirements.txt")
    assert called[4] == "pip -c import torchvision" and len(called) == 5
    assert (gradescope / "source").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name == "nt", reason="Gradescope's scripts are for Linux")
@pytest.mark.parametrize("status", [0, 1, 2])
def test_run_autograder_grades_an_upload(gradescope, status):
    """It grades the submission with the zip's secret, and fails if grading fails."""
    python = gradescope / "venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\necho "$PWD" "$@"\nexit {status}\n', encoding="utf-8")
    asked = f"-m grading.upload {gradescope}/submission --out {gradescope}/results --secret seed"
    assert run_autograder(gradescope) == (status, f"{gradescope}/source {asked}\n")


@pytest.mark.corpus
@pytest.mark.parametrize(
    "solved, points", [(MANIFEST.files, 100), (MANIFEST.files[:1], 42), ((), 0)]
)
def test_a_submission_gets_its_points(gradescope, solved, points):
    """Run as by Gradescope, a hand-out with these files solved gets their points in
    results.json.
    """
    for name in MANIFEST.files:
        path = gradescope / "submission" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(handout.handout_files()[name])
        if name in solved:
            shutil.copy(ROOT / name, path)
    _, output = run_autograder(gradescope)
    assert (gradescope / "results" / "results.json").is_file(), output
    results = json.loads((gradescope / "results" / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == points, output
    assert len(results["tests"]) == len(MANIFEST.exercises)
