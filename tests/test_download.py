import dataclasses
import errno
import hashlib
import os
import random
import shutil
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import deeplearning
from deeplearning.coco_utils import load_coco_data
from deeplearning.data_utils import load_imagenet_val
from deeplearning.datasets import download, downloader, unpacking
from deeplearning.datasets.download import PARTS, fetch, main
from deeplearning.locations import data_folder, squeezenet_checkpoint
from tests.downloads import contents, zipped
from tests.fault_server import serving

FILE = "/coco_captioning.zip"


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, impatient):
    """This test's own data folder; torch's cache is its own too."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("DEEPLEARNING_MIRROR", raising=False)
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    return tmp_path / "data"


@pytest.fixture
def dataset(tiny_dataset):
    """Folder with a small data set, whose files together have about 4 MB."""
    rng = np.random.default_rng(1)
    for split, images in (("train", 10), ("val", 5)):
        with h5py.File(tiny_dataset / f"{split}2014_vgg16_fc7.h5", "w") as file:
            file["features"] = rng.standard_normal((images, 65536)).astype(np.float32)
    return tiny_dataset


def names(folder):
    """The content of a folder, without lock files of earlier runs."""
    return (
        {path.name for path in folder.iterdir() if path.suffix != ".lock"}
        if folder.exists()
        else set()
    )


# From a healthy server


def test_coco(dataset, places, capsys):
    """The zip becomes the folder that load_coco_data() loads, file by file; nothing else stays in
    the data folder.
    """
    with serving({FILE: zipped(dataset)}) as server:
        assert main(["coco", "--mirror", server.url]) == 0
    output, errors = capsys.readouterr()
    assert errors == "" and "B/s" in output and "unpacking" in output and "is complete" in output
    assert names(places) == {"coco_captioning"} and contents(
        places / "coco_captioning"
    ) == contents(dataset)
    assert len(load_coco_data()["train_captions"]) == 40


@pytest.mark.parametrize("mask", [0o022, 0o077])
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_are_the_users(dataset, places, mask):
    """Files can be read by everyone that the user's umask allows."""
    before = os.umask(mask)
    try:
        with serving({FILE: zipped(dataset)}) as server:
            fetch("coco", server.url)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (places / "coco_captioning").iterdir()}
    assert modes == {0o666 & ~mask}


def test_second_run(dataset, places, capsys):
    """A second run says that everything exists, and asks no server."""
    with serving({FILE: zipped(dataset)}) as server:
        main(["coco", "--mirror", server.url])
        capsys.readouterr()
        assert main(["coco", "--mirror", server.url]) == 0
        assert len(server.asked) == 1
    assert capsys.readouterr().out == f"coco: {places / 'coco_captioning'} is already there\n"


@pytest.mark.parametrize("name", ["imagenet", "squeezenet"])
def test_files_by_hash(places, monkeypatch, name):
    """A file with the known SHA-256, or one that begins as its name says, is put in place; another
    one is not.
    """
    part, content = PARTS[name], random.Random(0).randbytes(1 << 20)
    path = f"/{part.file}"
    known = hashlib.sha256(content).hexdigest()[: 8 if name == "squeezenet" else None]
    monkeypatch.setitem(PARTS, name, dataclasses.replace(part, check=download._check_sha256(known)))
    with serving({path: content + b"."}) as server:
        with pytest.raises(ValueError, match=f"{part.file} is damaged or another file .*SHA-256"):
            fetch(name, server.url)
        assert names(part.place().parent) == set()
        server.files[path] = content
        assert fetch(name, server.url) == (part.place(), True) and fetch(name, server.url) == (
            part.place(),
            False,
        )
    assert part.place().read_bytes() == content and names(part.place().parent) == {part.file}


@pytest.fixture(scope="module")  # so that it comes before this module moves the data folder
def real_pictures():
    """Bytes of the course's file."""
    path = data_folder() / "imagenet_val_25.npz"
    if not path.is_file():
        pytest.skip("needs DEEPLEARNING_DATA, the folder with imagenet_val_25.npz")
    return path.read_bytes()


def test_the_known_hash_is_that_of_the_course(real_pictures, places):
    """The course's file of 25 pictures is accepted, and load_imagenet_val reads it from its
    place.
    """
    with serving({"/imagenet_val_25.npz": real_pictures}) as server:
        assert fetch("imagenet", server.url) == (places / "imagenet_val_25.npz", True)
    squeezenet_checkpoint().parent.mkdir(parents=True)
    squeezenet_checkpoint().touch()
    assert load_imagenet_val()[0].shape == (25, 224, 224, 3)


def test_squeezenet_lies_where_torchvision_looks(monkeypatch, tmp_path):
    """URL and place of the weights are torchvision's, whichever variable moves torch's cache."""
    from torch.hub import get_dir
    from torchvision.models import SqueezeNet1_1_Weights

    part = PARTS["squeezenet"]
    assert part.urls()[0] == SqueezeNet1_1_Weights.IMAGENET1K_V1.url
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME", "HOME"):
        assert part.place() == Path(get_dir()) / "checkpoints" / part.file
        monkeypatch.delenv(variable, raising=False)


def test_https_comes_first(places, monkeypatch):
    """The course's server is asked by https, then by http if that fails; a mirror replaces it."""
    assert PARTS["coco"].urls() == [
        f"{p}://cs231n.stanford.edu/coco_captioning.zip" for p in ("https", "http")
    ]
    assert PARTS["coco"].urls("http://mirror.example/a/") == [
        "http://mirror.example/a/coco_captioning.zip"
    ]


def test_mirror_variable(dataset, places, monkeypatch):
    """The environment variable DEEPLEARNING_MIRROR can name a mirror too."""
    with serving({"/some/where" + FILE: zipped(dataset)}) as server:
        monkeypatch.setenv("DEEPLEARNING_MIRROR", f"{server.url}/some/where")
        assert main(["coco"]) == 0
    assert contents(places / "coco_captioning") == contents(dataset)


# By hand


@pytest.mark.parametrize("inside", ["coco_captioning/", "", "a/b/"])
def test_zip_put_there_by_hand(dataset, places, inside):
    """A zip that the user has put into the data folder is used without any server, and left
    there.
    """
    places.mkdir()
    (places / "coco_captioning.zip").write_bytes(zipped(dataset, inside))
    assert fetch("coco", "http://127.0.0.1:9") == (places / "coco_captioning", True)
    assert contents(places / "coco_captioning") == contents(dataset)
    assert names(places) == {"coco_captioning", "coco_captioning.zip"}


def test_damaged_zip_put_there_by_hand(dataset, places, capsys):
    """A damaged zip that the user has put there is named and left there, and the data come from the
    server.
    """
    places.mkdir()
    (places / "coco_captioning.zip").write_bytes(zipped(dataset)[:-5000])
    with serving({FILE: zipped(dataset)}) as server:
        assert fetch("coco", server.url)[1]
    assert f"in {places}, coco_captioning.zip is damaged" in capsys.readouterr().out
    assert contents(places / "coco_captioning") == contents(dataset)


def test_other_things_in_the_place_are_kept(dataset, places, capsys):
    """A folder of that name that is not such a data set is kept under another name, which is
    reported.
    """
    for _ in range(2):
        (places / "coco_captioning").mkdir(parents=True)
        (places / "coco_captioning" / "notes.txt").write_text("mine")
        with serving({FILE: zipped(dataset)}) as server:
            fetch("coco", server.url)
        assert contents(places / "coco_captioning") == contents(dataset)
        shutil.rmtree(places / "coco_captioning")
    assert names(places) == {"coco_captioning.old1", "coco_captioning.old2"}
    assert "now coco_captioning.old2" in capsys.readouterr().out
    assert (places / "coco_captioning.old1" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_damaged_data_set_is_fetched_again(dataset, places, damage, capsys):
    """A data set with a file missing or cut off is replaced by the right one."""
    shutil.copytree(dataset, places / "coco_captioning")
    path = places / "coco_captioning" / "val2014_vgg16_fc7.h5"
    if damage == "missing":
        path = places / "coco_captioning" / "coco2014_vocab.json"
        path.unlink()
    else:
        os.truncate(path, 1000 if damage == "cut" else 0)
    with serving({FILE: zipped(dataset)}) as server:
        assert fetch("coco", server.url)[1]
    assert f"{places / 'coco_captioning'} is incomplete, damaged" in capsys.readouterr().out
    assert contents(places / "coco_captioning") == contents(dataset)


def test_left_over_by_a_killed_run(dataset, places):
    """Half-unpacked files of a killed run are deleted, its complete zip is used, and neither stays;
    nor do they if the run was killed when all was done.
    """
    work = places / ".coco_captioning.part"
    for _ in range(2):
        (work / "coco_captioning").mkdir(parents=True)
        (work / "coco_captioning" / "coco2014_vocab.json").write_text("{")
        (work / "tmp123").touch()
        (work / "coco_captioning.zip").write_bytes(zipped(dataset))
        fetch("coco", "http://127.0.0.1:9")
        assert contents(places / "coco_captioning") == contents(dataset) and names(places) == {
            "coco_captioning"
        }


# Zips that are not what they should be


def refused(places, content, match):
    """The answer is refused with this message after two requests, and nothing of it is left."""
    with serving({FILE: content}) as server:
        with pytest.raises(ValueError, match=match):
            fetch("coco", server.url)
        assert server.asked == [(FILE, None)] * 2
    assert names(places) == set()


def test_page_in_place_of_the_zip(places):
    """A network's login page in place of the zip is recognised."""
    refused(
        places,
        b"<!DOCTYPE html><html>Welcome to our network",
        "File is not a zip.*it is a web page, perhaps",
    )


def test_empty_file(places):
    """An empty file is not a zip."""
    refused(places, b"", "File is not a zip file")


@pytest.mark.parametrize(
    "name", ["coco2014_vocab.json", "coco2014_captions.h5", "val2014_vgg16_fc7_pca.h5"]
)
@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_zip_without_the_data_set(dataset, places, name, damage):
    """A sound zip whose files are not those of a data set is refused."""
    if damage == "missing":
        (dataset / name).unlink()
    else:
        (dataset / name).write_bytes(b"no such thing" * 100)
    refused(places, zipped(dataset), name.replace(".", r"\."))


def test_other_shapes(dataset, places):
    """A data set whose arrays do not fit each other is refused."""
    with h5py.File(dataset / "coco2014_captions.h5", "a") as file:
        del file["val_image_idxs"]
        file["val_image_idxs"] = np.full(10, 5)
    refused(places, zipped(dataset), "point at images 5 to 5")


# Disk and folders


def test_free_space_is_checked_first(dataset, places, monkeypatch, capsys):
    """If the file and its unpacked content don't fit on the disk, nothing is transferred, and the
    message says how much is needed and which variable names another disk.
    """
    content = zipped(dataset)
    monkeypatch.setattr(
        downloader.shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * len(content))
    )
    with serving({FILE: content}) as server:
        assert "needed" in main(["coco", "--mirror", server.url])
        with pytest.raises(OSError, match=r"MiB are needed, .* MiB are free.*DEEPLEARNING_DATA"):
            fetch("coco", server.url)
    assert names(places) == set()


def test_folder_without_permission(places, monkeypatch):
    """A data folder without write permission gives a message that names it and the variable."""

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(
        OSError, match=r"could not write to .*data \(Permission denied\).*DEEPLEARNING_DATA"
    ):
        fetch("coco", "http://127.0.0.1:9")


def test_file_in_place_of_the_data_folder(places):
    """A data folder that is a file gives a message that names it and the variable."""
    places.write_text("no folder")
    with pytest.raises(OSError, match=r"could not write to .*data \(.*DEEPLEARNING_DATA"):
        fetch("coco", "http://127.0.0.1:9")


# As a command


@pytest.mark.parametrize("name", list(PARTS))
def test_without_network(run_module, tmp_path, name):
    """Without a network, one message names URL, file and place for a download by hand; the status
    is 1, and nothing is left half-done.
    """
    command = ["deeplearning.datasets.download", name, "--mirror", "http://127.0.0.1:9/cs231n"]
    status, output, errors = run_module(*command, cwd=tmp_path)
    part = PARTS[name]
    assert (
        status == 1 and len(errors.splitlines()) == 1 and errors.startswith(f"download: {name}: ")
    )
    for word in (
        f"http://127.0.0.1:9/cs231n/{part.file}",
        "no connection",
        str(part.place().parent),
        part.file,
    ):
        assert word in errors
    assert names(part.place().parent) == set()


def test_one_part_after_the_other(dataset, places, capsys):
    """Parts that can't be downloaded don't stop the others; all problems are listed at the end."""
    with serving({FILE: zipped(dataset)}) as server:
        problems = main(["--mirror", server.url])
    assert [line.split(":")[1] for line in problems.splitlines()] == [" squeezenet", " imagenet"]
    assert names(places) >= {"coco_captioning"}


def test_help(run_python, tmp_path):
    """--help explains the parts with an example, from any directory."""
    status, output, errors = run_python(
        "-m", "deeplearning.datasets.download", "--help", cwd=tmp_path
    )
    assert (status, errors) == (0, "")
    assert "squeezenet, imagenet, coco" in output and "example: python -m deeplearning" in " ".join(
        output.split()
    )


@pytest.mark.parametrize("arguments", [["cifar"], ["--mirror", "ftp://example.org"], ["--bad"]])
def test_usage(arguments, capsys):
    """Unknown parts, mirrors of other kinds and unknown options are refused with status 2."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and arguments[-1] in capsys.readouterr().err


SCRIPT = Path(deeplearning.__file__).parent / "datasets" / "get_assignment2_data.sh"
BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(os.name == "nt" or BASH is None, reason="needs bash")


def script(root, *arguments, path, **how):
    """Run the script of a project at `root`, with programs from the folders `path`."""
    command = [BASH, str(root / "deeplearning" / "datasets" / SCRIPT.name), *arguments]
    environment = os.environ | {"PATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False, **how
    )


@needs_bash
@pytest.mark.parametrize("folder", ["project", "my course/päckage"])
def test_script(dataset, places, tmp_path, folder):
    """The script does the same as the module, with its arguments, from any directory and wherever
    the project lies.
    """
    root = tmp_path / folder
    root.parent.mkdir(exist_ok=True)
    root.symlink_to(SCRIPT.parents[2], target_is_directory=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").write_text(f'#!{BASH}\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python3").chmod(0o755)
    (tmp_path / "elsewhere").mkdir()
    with serving({FILE: zipped(dataset)}) as server:
        done = script(root, "coco", "--mirror", server.url, path=[tmp_path / "bin", "/usr/bin", "/bin"],
                      cwd=tmp_path / "elsewhere")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(places / "coco_captioning") == contents(dataset)
    assert script(root, "cifar", path=[tmp_path / "bin", "/usr/bin", "/bin"]).returncode == 2


@needs_bash
def test_script_prefers_the_projects_python(tmp_path):
    """The script prefers .venv's Python, skips Pythons without our packages, and says what to do if
    there is none.
    """
    root = tmp_path / "project"
    (root / "deeplearning" / "datasets").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "deeplearning" / "datasets")
    programs = {
        root / ".venv" / "bin" / "python": 1,
        tmp_path / "bin" / "python3": 0,
        tmp_path / "bin" / "python": 1,
    }
    for program, has_packages in programs.items():
        program.parent.mkdir(parents=True, exist_ok=True)
        text = f'#!{BASH}\nif [ "$1" = -c ]; then exit {1 - has_packages}; fi\necho "$0" "$@"\n'
        program.write_text(text)
        program.chmod(0o755)
    path = [tmp_path / "bin", "/usr/bin", "/bin"]
    venv, _, other = programs
    assert (
        script(root, "a b", path=path).stdout == f"{venv} -m deeplearning.datasets.download a b\n"
    )
    venv.unlink()
    assert script(root, path=path).stdout == f"{other} -m deeplearning.datasets.download\n"
    other.write_text(f"#!{BASH}\nexit 1\n")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "dirname").symlink_to(shutil.which("dirname"))
    done = script(root, path=[tmp_path / "bin", tmp_path / "tools"])
    assert done.returncode == 1 and "pip install -r requirements.txt" in done.stderr


# Sixty ways to fail: always the right files or none, and the next run heals it

SIZE = 3_500_000  # bytes of the zip, about
RUNS = {
    "cut": 10,
    "status": 8,
    "wrong": 8,
    "no ranges": 8,
    "stalled": 8,
    "full disk": 6,
    "killed": 8,
    "two at once": 4,
}
ALL = [(fault, seed) for fault, count in RUNS.items() for seed in range(count)]


class Faults:
    """Each method runs the command with one fault, and returns whether it reported success; None if
    it could not report anything.
    """

    def __init__(self, server, rng, start_python, monkeypatch):
        self.server, self.rng, self.start_python, self.monkeypatch = (
            server,
            rng,
            start_python,
            monkeypatch,
        )

    def run(self):
        return main(["coco", "--mirror", self.server.url]) == 0

    def start(self, before=""):
        code = f"{before}\nimport sys\nfrom deeplearning.datasets.download import main\nsys.exit(main())"
        return self.start_python("-c", code, "coco", "--mirror", self.server.url)

    def repeated(self, fault):
        """Once or a few times, after which the download succeeds, or more often than it is
        patient.
        """
        self.server.faults[:] = [fault] * self.rng.choice([1, 3, 100])
        return self.run()

    def cut(self):
        return self.repeated(("cut", self.rng.randrange(SIZE)))

    def status(self):
        return self.repeated(self.rng.choice([404, 503]))

    def wrong(self):
        return self.repeated(("wrong", self.rng.randrange(SIZE)))

    def no_ranges(self):
        self.server.ranges = False
        return self.repeated((self.rng.choice(["cut", "close"]), self.rng.randrange(SIZE)))

    def stalled(self):
        return self.repeated(("stall", self.rng.randrange(SIZE)))

    def full_disk(self):
        free = [self.rng.randrange(2 * SIZE)]  # for the zip and for what it unpacks to
        with self.monkeypatch.context() as patch:
            for module in (downloader, unpacking):
                patch.setattr(module, "open", partial(crowded, free), raising=False)
            return self.run()

    def killed(self):
        stalls = self.rng.random() < 0.5
        if stalls:
            self.server.faults[:] = [("stall", self.rng.randrange(SIZE))]
        process = self.start()
        (self.server.held if stalls else self.server.reached).wait(600)
        if not stalls:  # at some moment of receiving, unpacking, checking or moving
            time.sleep(self.rng.uniform(0, 0.15))
        process.kill()
        process.communicate()

    def two_at_once(self):
        self.server.faults[:] = [("stall", self.rng.randrange(SIZE))]
        first = self.start()
        self.server.held.wait(600)
        second = self.start()
        assert (
            second.stdout.readline() == "waiting for another process that fetches coco_captioning\n"
        )
        self.server.faults[:] = [("cut", self.rng.randrange(SIZE))] * self.rng.randrange(3)
        self.server.go.set()
        outputs = [process.communicate(timeout=600) for process in (first, second)]
        assert [errors for _, errors in outputs] == ["", ""]
        assert [output.split()[-1] for output, _ in outputs] == ["complete", "there"]
        return True


@contextmanager
def crowded(free, path, mode):
    """Replaces `open` on a disk with this many free bytes, counted down in the list `free`."""
    with open(path, mode) as file:

        def write(content):
            free[0] -= len(content)
            if free[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            file.write(content)

        yield SimpleNamespace(write=write, tell=file.tell)


def heals(fault, seed, dataset, places, start_python, monkeypatch):
    """Run with a fault and then without: first the right files or none, reported truthfully; then
    the right ones, and nothing else is left.
    """
    content, right = zipped(dataset), contents(dataset)
    with serving({FILE: content}) as server:
        went_well = getattr(Faults(server, random.Random(f"{fault} {seed}"), start_python, monkeypatch),
                            fault.replace(" ", "_"))()  # fmt: skip
        found = (
            contents(places / "coco_captioning") if (places / "coco_captioning").exists() else None
        )
        assert (
            found == right if went_well else found is None or went_well is None and found == right
        )
        server.faults.clear()
        assert main(["coco", "--mirror", server.url]) == 0
        assert contents(places / "coco_captioning") == right and names(places) == {
            "coco_captioning"
        }


@pytest.mark.parametrize("fault", RUNS)
def test_heals(fault, dataset, places, start_python, monkeypatch):
    """One run of each of the eight ways to fail."""
    heals(fault, 0, dataset, places, start_python, monkeypatch)


@pytest.mark.corpus
@pytest.mark.parametrize("fault, seed", ALL)
def test_heals_always(fault, seed, dataset, places, start_python, monkeypatch):
    """All sixty runs."""
    heals(fault, seed, dataset, places, start_python, monkeypatch)
