"""Fixtures that several test files use."""

import io
import json
import os
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import deeplearning
from deeplearning.locations import data_folder

# Beneath nbformat, jsonschema would compile a grammar of web addresses for seconds; notebooks need
# none, and what is None here counts as not installed
sys.modules.setdefault("rfc3987_syntax", None)

WORDS = [
    "<NULL>",
    "<START>",
    "<END>",
    "<UNK>",
    "a",
    "dog",
    "cat",
    "ball",
    "red",
    "runs",
    "sleeps",
    "jumps",
]


@pytest.fixture(autouse=True)
def picture_cache(tmp_path, monkeypatch):
    """Folder for this test's pictures from the network, in place of the user's; it doesn't exist
    yet.
    """
    monkeypatch.setattr("deeplearning.image_fetching.CACHE", tmp_path / "cached" / "pictures")
    return tmp_path / "cached" / "pictures"


@pytest.fixture
def tiny_dataset(tmp_path):
    """Folder with a small data set in the COCO layout: 40 train captions of 10 images, 10 val
    captions of 5 images.
    """
    rng = np.random.default_rng(0)
    folder = tmp_path / "tiny captioning"
    folder.mkdir()
    vocabulary = {
        "idx_to_word": WORDS,
        "word_to_idx": {word: index for index, word in enumerate(WORDS)},
    }
    (folder / "coco2014_vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with h5py.File(folder / "coco2014_captions.h5", "w") as file:
        for split, count, images in (("train", 40, 10), ("val", 10, 5)):
            captions = np.zeros((count, 8), np.int32)
            captions[:, 0] = 1
            for caption, length in zip(captions, rng.integers(2, 7, count), strict=True):
                caption[1 : length + 1] = [*rng.integers(3, len(WORDS), length - 1), 2]
            file[f"{split}_captions"] = captions
            file[f"{split}_image_idxs"] = (np.arange(count) % images).astype(np.int32)
            with h5py.File(folder / f"{split}2014_vgg16_fc7_pca.h5", "w") as features:
                features["features"] = rng.standard_normal((images, 6)).astype(np.float32)
            urls = [f"http://images.example/{split}_{image}.jpg\n" for image in range(images)]
            (folder / f"{split}2014_urls.txt").write_text("".join(urls), encoding="utf-8")
    return folder


@pytest.fixture
def impatient(monkeypatch):
    """Downloads, which this machine itself serves, don't wait between tries, and wait 0.2 s for a
    silent server.
    """
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(
        "deeplearning.datasets.downloader.time", SimpleNamespace(sleep=lambda _: None)
    )
    monkeypatch.setattr("deeplearning.datasets.downloader.STALL", 0.2)


@pytest.fixture
def shared_data():
    """Folder with the real data sets, if DEEPLEARNING_DATA names one."""
    if (
        not os.environ.get("DEEPLEARNING_DATA")
        or not (data_folder() / "flickr8k_captioning").is_dir()
    ):
        pytest.skip("needs DEEPLEARNING_DATA, the folder with flickr8k_captioning")
    return data_folder()


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network with random weights, as `load_squeezenet` returns it."""
    import torch  # takes a second, and few tests need it
    from torchvision.models import squeezenet1_1

    from deeplearning.classifiers.squeezenet import load_squeezenet, save_squeezenet

    path = tmp_path_factory.mktemp("network") / "random.npz"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_squeezenet(
            path, squeezenet1_1(num_classes=2), ["a", "b"], (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), 40
        )
    return load_squeezenet(path)


@pytest.fixture
def start_python():
    """Function that starts Python on its arguments, from any directory, and returns the process."""
    processes = []

    def start(*arguments, **how):
        path = [
            str(Path(deeplearning.__file__).parents[1]),
            *filter(None, [os.environ.get("PYTHONPATH")]),
        ]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)} | how.pop("env", {})
        pipes = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "encoding": "utf-8",
        }
        processes.append(
            subprocess.Popen(
                [sys.executable, *map(str, arguments)], env=environment, **(pipes | how)
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        with process:  # closes the pipes and waits
            process.kill()


@pytest.fixture
def run_python(start_python):
    """Function that runs Python on its arguments and returns exit status, output and errors."""

    def run(*arguments, **how):
        process = start_python(*arguments, **how)
        output, errors = process.communicate(timeout=1200)
        return process.returncode, output, errors

    return run


@pytest.fixture
def run_module(monkeypatch):
    """Function that runs a module as `python -m` does, and returns exit status, output and errors.
    It runs in this process, where PyTorch is imported already.
    """

    def run(module, *arguments, cwd=".", encoding="utf-8"):
        output = io.TextIOWrapper(io.BytesIO(), encoding)
        errors = io.TextIOWrapper(io.BytesIO(), encoding)
        status = 0
        with monkeypatch.context() as changes:
            changes.chdir(cwd)
            changes.setattr(sys, "argv", [module, *map(str, arguments)])
            changes.setattr(sys, "stdout", output)
            changes.setattr(sys, "stderr", errors)
            try:
                runpy.run_path(find_spec(module).origin, run_name="__main__")
            except SystemExit as end:
                status = end.code or 0
        if isinstance(status, str):
            print(status, file=errors)
            status = 1
        for stream in (output, errors):
            stream.flush()
        return status, *(s.buffer.getvalue().decode(encoding) for s in (output, errors))

    return run


def pytest_sessionfinish(session):
    """With NO_SKIPS set, a skipped test fails the run: everything that tests could need should be
    installed.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
