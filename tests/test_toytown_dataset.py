"""Toytown on disk is complete or absent, and made again if anything about it is wrong."""

import errno
import json
import os
import random
import shutil
import time

import h5py
import joblib
import numpy as np
import pytest
from PIL import Image

from deeplearning.classifiers import squeezenet
from deeplearning.coco_utils import decode_captions, load_coco_data, load_references
from deeplearning.datasets.finding import find_dataset
from deeplearning.datasets.toytown import __main__ as command
from deeplearning.datasets.toytown import dataset
from deeplearning.datasets.toytown.dataset import ensure_toytown
from deeplearning.datasets.toytown.grammar import write_captions
from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.datasets.toytown.record import load_scenes
from deeplearning.image_fetching import image_from_url

FEW = {"train": 8, "val": 3}


@pytest.fixture(autouse=True, scope="module")
def one_process():
    """Few pictures are drawn before other processes have started; `test_killed_run` starts them."""
    with joblib.parallel_config(backend="sequential"):
        yield


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A small Toytown data set."""
    return ensure_toytown(tmp_path_factory.mktemp("data") / "toytown", pictures=FEW)


@pytest.fixture
def toytown(written, tmp_path):
    """A copy of it to spoil."""
    return shutil.copytree(written, tmp_path / "toytown")


def test_loader_reads_it(written):
    """Pictures, captions, truth and masks on disk are those of the plan, and features are
    standardised.
    """
    data = load_coco_data(written)
    scenes = load_scenes("val", written)
    references, _ = load_references(data, written)
    with h5py.File(written / "masks.h5") as file:
        masks = file["val"][:]
    for number in range(FEW["val"]):
        scene, image, mask = picture(SEED, "val", number)
        captions = write_captions(scene, random.Random(f"toytown {SEED} val {number} captions"))
        assert scenes[number] == scene and references[number] == captions
        np.testing.assert_array_equal(image_from_url(data["val_urls"][number]), np.asarray(image))
        np.testing.assert_array_equal(masks[number], np.asarray(mask))
        rows = data["val_captions"][data["val_image_idxs"] == number]
        for row, caption in zip(decode_captions(rows, data["idx_to_word"]), captions, strict=True):
            pairs = zip(row.split()[1:-1], caption.split(), strict=True)
            assert all(stored in (word, "<UNK>") for stored, word in pairs)
    features = np.asarray(data["train_features"])
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-4)
    assert np.all((np.abs(features.std(0) - 1) < 1e-3) | (features.std(0) == 0))


def test_second_use_writes_nothing(written):
    """A complete data set is left as it is."""
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*")}
    assert ensure_toytown(written, pictures=FEW) == written
    assert {path: path.stat().st_mtime_ns for path in written.rglob("*")} == before


STAMPS = {
    "version": {"version": 0},
    "seed": {"seed": 1},
    "counts": {"pictures": {"train": 8, "val": 2}},
    "weights": {"network": "0"},
    "files": {"files": None},
    "more files": {"files": ["toytown.json", "of a later version"]},
}


def spoil_stamp(stamp, damage):
    """Replace the stamp with that of another set, or with something else."""
    if damage in STAMPS:
        damage = json.dumps(json.loads(stamp.read_text()) | STAMPS[damage])
    stamp.write_text(damage, encoding="latin-1")


@pytest.mark.parametrize("damage", ["{", "", "[]", "null", "3", "{}", "\xff", *STAMPS])
def test_a_wrong_stamp_is_seen(toytown, damage, monkeypatch):
    """Sets made from something else, or whose stamp is damaged, are made again; the test below
    really does it.
    """
    replaced = []
    monkeypatch.setattr(dataset, "_replace", lambda folder, *_: replaced.append(folder))
    spoil_stamp(toytown / "toytown.json", damage)
    ensure_toytown(toytown, pictures=FEW)
    assert replaced == [toytown]


@pytest.mark.parametrize("damage", ["picture", "file", "folder", "{", "version"])
def test_incomplete_sets_are_made_again(toytown, damage):
    """Deleted pictures and files, and sets made from something else, are mended by writing the same
    set anew.
    """
    stamp = toytown / "toytown.json"
    before = {
        path.relative_to(toytown): path.read_bytes()
        for path in toytown.rglob("*")
        if path.is_file()
    }
    if damage == "picture":
        (toytown / "val_images" / "00002.png").unlink()
    elif damage == "file":
        (toytown / "masks.h5").unlink()
    elif damage == "folder":
        shutil.rmtree(toytown / "train_images")
    else:
        spoil_stamp(stamp, damage)
    for suffix in ("part", "old"):  # of an interrupted run
        (toytown.with_name(f".toytown.123.{suffix}") / "train_images").mkdir(parents=True)
    ensure_toytown(toytown, pictures=FEW)
    assert {
        path.relative_to(toytown): path.read_bytes()
        for path in toytown.rglob("*")
        if path.is_file()
    } == before
    assert [path.name for path in toytown.parent.iterdir() if not path.name.endswith(".lock")] == [
        "toytown"
    ]


def test_what_others_put_there_does_no_harm(toytown):
    """Files that a system's file browser leaves among the pictures don't make a set incomplete."""
    for folder in (toytown, toytown / "val_images"):
        (folder / ".DS_Store").write_bytes(b"")
    before = (toytown / "toytown.json").stat().st_mtime_ns
    ensure_toytown(toytown, pictures=FEW)
    assert (toytown / "toytown.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("there", ["file", "folder"])
def test_something_else_is_left_alone(tmp_path, there):
    """A file or folder that is not a Toytown data set is never replaced, however it was named."""
    mine = tmp_path / "thesis" if there == "file" else tmp_path / "thesis" / "chapter"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(OSError, match="thesis .*something else is there"):
        ensure_toytown(tmp_path / "thesis", pictures=FEW)
    assert mine.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == [
        "thesis"
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make links")
def test_links_stay(toytown, tmp_path):
    """A link to a folder elsewhere stays a link, also if the data set behind it is made again."""
    (tmp_path / "link").symlink_to(toytown, target_is_directory=True)
    (toytown / "masks.h5").unlink()
    assert ensure_toytown(tmp_path / "link", pictures=FEW) == toytown.resolve()
    assert (tmp_path / "link").is_symlink() and (toytown / "masks.h5").is_file()


DRAWING = """
import sys
from types import SimpleNamespace
from deeplearning.datasets.toytown.dataset import ensure_toytown
# what comes after drawing: importing it would take seconds, and it isn't reached
for name in ("classifiers.squeezenet", "datasets.assembly"):
    nothing = SimpleNamespace(load_squeezenet=lambda _: None, build_dataset=None)
    sys.modules[f"deeplearning.{name}"] = nothing
ensure_toytown(sys.argv[1])
"""


def test_killed_run(tmp_path, start_python):
    """A run that is killed while drawing leaves nothing that looks like a data set, and the next
    one succeeds.
    """
    process = start_python("-c", DRAWING, tmp_path / "toytown")
    until = time.monotonic() + 1000
    while not list(tmp_path.glob(".toytown.*.part/train_images/*.png")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert list(tmp_path.glob(".toytown.*.part")) and not (tmp_path / "toytown").exists()
    assert ensure_toytown(tmp_path / "toytown", pictures=FEW) == tmp_path / "toytown"
    assert dataset._is_complete(tmp_path / "toytown", SEED, FEW)
    assert len(list((tmp_path / "toytown" / "train_images").iterdir())) == FEW["train"]


def test_two_processes_at_once(tmp_path, start_python, monkeypatch):
    """A process that needs the data set while another one draws it waits, draws nothing, and gets
    it complete.
    """
    program = (
        "import sys; from deeplearning.datasets.toytown.dataset import ensure_toytown;"
        "print('ready', flush=True);"
        f"print(ensure_toytown(sys.argv[1], pictures={FEW}))"
    )
    draw_split = dataset._draw_split
    started = []

    def start_the_other(*arguments):
        if not started:
            started.append(start_python("-c", program, tmp_path / "toytown"))
            assert started[0].stdout.readline() == "ready\n"
        return draw_split(*arguments)

    monkeypatch.setattr(dataset, "_draw_split", start_the_other)
    assert ensure_toytown(tmp_path / "toytown", pictures=FEW) == tmp_path / "toytown"
    output, errors = started[0].communicate(timeout=1200)
    assert started[0].returncode == 0, errors
    assert output.splitlines() == [str(tmp_path / "toytown")]
    assert load_coco_data(tmp_path / "toytown")["train_features"].shape == (FEW["train"], 512)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True, np.int64(1)])
def test_seed_out_of_range(tmp_path, seed):
    """A seed that is not an int from 0 to 2**32 - 1 is refused with its value."""
    with pytest.raises(ValueError, match="seed of Toytown must be an int"):
        ensure_toytown(tmp_path / "toytown", seed)
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path, monkeypatch):
    """Too little room is one clear error before anything is drawn, and nothing is left."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(
        OSError, match="could not write the Toytown data set to .*toytown.*DEEPLEARNING_CAPTIONS"
    ):
        ensure_toytown(tmp_path / "toytown")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("older", [True, False])
@pytest.mark.parametrize(
    "error, reason",
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (
            OSError(errno.ENOSPC, "Can't write data (time = now\n, buf = 0x1)"),
            os.strerror(errno.ENOSPC),
        ),
        (RuntimeError("Can't decrement id ref count"), "Can't decrement id ref count"),
    ],
)
def test_disk_fills_while_writing(toytown, monkeypatch, error, reason, older):
    """A disk that fills, as the system or h5py tells it, is one line with the reason; an older set
    stays as it is.
    """

    def fail(*_):
        raise error

    monkeypatch.setattr("deeplearning.datasets.assembly.build_dataset", fail)
    if older:
        (toytown / "masks.h5").unlink()
    else:
        shutil.rmtree(toytown)
    before = sorted(toytown.rglob("*"))
    with pytest.raises(OSError, match=rf"toytown \({reason}\)") as raised:
        ensure_toytown(toytown, pictures=FEW)
    assert "\n" not in str(raised.value) and raised.value.errno == getattr(
        error, "errno", errno.EIO
    )
    assert sorted(toytown.rglob("*")) == before and toytown.exists() == older
    assert not list(toytown.parent.glob(".toytown.*.part")) and not list(
        toytown.parent.glob(".toytown.*.old")
    )


def test_a_file_in_the_way(tmp_path):
    """If the parent folder is a file, the error names the data set's folder, and the file stays."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="could not write the Toytown data set to .*toytown"):
        ensure_toytown(tmp_path / "file" / "toytown", pictures=FEW)
    assert (tmp_path / "file").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_interrupted_by_hand(tmp_path, monkeypatch):
    """Ctrl-C leaves nothing behind."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("deeplearning.datasets.assembly.build_dataset", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ensure_toytown(tmp_path / "toytown", pictures=FEW)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_failure_half_way(tmp_path, monkeypatch):
    """If the weights have been tampered with, the error says so, and no half-made folder stays."""
    monkeypatch.setitem(squeezenet.SHA256, squeezenet.FILES["toytown"], "0" * 64)
    with pytest.raises(ValueError, match="was changed or damaged"):
        ensure_toytown(tmp_path / "toytown", pictures=FEW)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_found_without_any_data(tmp_path, monkeypatch):
    """Without data Toytown is found; coco_captioning and DEEPLEARNING_CAPTIONS come first; its name
    always works.
    """
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    monkeypatch.setattr(dataset, "ensure_toytown", lambda: "the built-in set")
    assert find_dataset() == find_dataset("toytown_captioning") == "the built-in set"
    (tmp_path / "coco_captioning").mkdir()
    assert find_dataset() == tmp_path / "coco_captioning"
    assert find_dataset("toytown_captioning") == "the built-in set"
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", "mine")
    assert find_dataset() == tmp_path / "mine"


def test_where_it_lies_by_default(tmp_path, monkeypatch):
    """A folder of that name in the data folder is used; otherwise it is written next to the
    package.
    """
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    assert dataset.toytown_folder() == dataset.HERE.parent / "toytown_captioning"
    (tmp_path / "toytown_captioning").mkdir()
    assert dataset.toytown_folder() == tmp_path / "toytown_captioning"


def test_scenes_of_the_set_in_use(written, tiny_dataset, monkeypatch):
    """Scenes are those of the set that `load_coco_data` loads; another data set has none."""
    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", str(written))
    assert load_scenes("train") == [
        picture(SEED, "train", number)[0] for number in range(FEW["train"])
    ]
    with pytest.raises(FileNotFoundError, match="val_truth.json is missing: only Toytown"):
        load_scenes("val", tiny_dataset)


def test_command_line_writes(tmp_path, monkeypatch, capsys):
    """The command writes the set into the given folder, even a new one, prints where, and makes a
    sheet.
    """
    monkeypatch.setattr(dataset, "PICTURES", FEW)
    out, sheet = tmp_path / "new" / "t", tmp_path / "sheet.jpg"
    command.main(["--out", str(out), "--sheet", str(sheet)])
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert len(list(out.glob("*_images/*.png"))) == sum(FEW.values())
    with Image.open(sheet) as image:
        assert image.size == (8 * 134 + 6, 134 + 6)


def test_command_line(tmp_path, run_python):
    """A seed out of range ends the command with one line and status 1."""
    status, _, errors = run_python(
        "-m", "deeplearning.datasets.toytown", "--out", tmp_path / "t", "--seed", "-1"
    )
    assert (
        status == 1
        and errors.startswith("toytown: the seed of Toytown must be")
        and errors.count("\n") == 1
    )


def test_loading_does_not_import_torch(run_python):
    """The NumPy half, with the data set's own module, starts without PyTorch."""
    program = (
        "import sys, deeplearning.classifiers.rnn, deeplearning.coco_utils, "
        "deeplearning.datasets.toytown.dataset;assert 'torch' not in sys.modules"
    )
    status, _, errors = run_python("-c", program)
    assert status == 0, errors
