import errno
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import deeplearning
from deeplearning.data_utils import (
    atomic_write,
    choose_world,
    data_folder,
    load_imagenet_val,
    read_npz,
)

# Where data lies


def test_default_folder(monkeypatch):
    """Without the variable, or with an empty one, data lies in the package's own folder."""
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
    """A relative DEEPLEARNING_DATA is absolute, from where the process started, wherever it goes
    later.
    """
    code = "import os; from deeplearning.data_utils import *; os.chdir(os.pardir); print(data_folder())"
    status, output, errors = run_python(
        "-c", code, cwd=tmp_path, env={"DEEPLEARNING_DATA": "my data"}
    )
    assert status == 0, errors
    folder = Path(output.removesuffix("\n"))
    assert folder.is_absolute() and folder == tmp_path.resolve() / "my data"


# Files written whole or not at all


def test_write(tmp_path):
    """The file appears with its whole content at the end, over an older one, and nothing else
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
    """Whatever ends the writing, an older file is as it was, and nothing half-written stays."""
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
    """A folder that is missing or no folder, a folder in the file's place, a name too long: one
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
    """A text, an empty file, a single array, a pickle, a folder, settings that are no dictionary:
    refused by name.
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
        with pytest.raises(ValueError) as raised:
            read_npz(path)
        assert str(path) in str(raised.value)


def test_read_damaged(tmp_path):
    """An archive that is cut anywhere, or has any byte damaged, is refused by name, or gives what
    was written.
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


# The pictures of question 3

LABELS = {3: "cat", 0: "dog, hound", 999: "ümlaut"}
CHECKPOINT = "torch/hub/checkpoints/squeezenet1_1-b8a52dc0.pth"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Folder of the data sets and the current one; torch's own folder lies in it, too, and both are
    empty.
    """
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imagenet(world, label_map=LABELS, **arrays):
    """The archive as the course hands it out, and ImageNet's weights. Bytes stand for a pickle,
    None for nothing.
    """
    (world / "squeezenet1_1.npz").write_bytes(b"")
    X = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    arrays = {"X": X, "y": np.array([3, 0, 999])} | arrays
    np.savez(
        "imagenet_val_25.npz",
        **{name: array for name, array in arrays.items() if array is not None},
    )
    if not isinstance(label_map, bytes | None):
        label_map = pickle.dumps(np.array(label_map, object), protocol=4)  # as np.savez does
    if label_map is not None:
        with (
            zipfile.ZipFile("imagenet_val_25.npz", "a") as file,
            file.open("label_map.npy", "w") as member,
        ):
            np.lib.format.write_array_header_1_0(
                member, {"descr": "|O", "fortran_order": False, "shape": ()}
            )
            member.write(label_map)
    return X


def refusal(world):
    """What load_imagenet_val says against the archive."""
    with pytest.raises(ValueError) as raised:
        load_imagenet_val()
    assert str(world / "imagenet_val_25.npz") in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
@pytest.mark.parametrize("pictures", [["imagenet_val_25.npz"], []])
@pytest.mark.parametrize(
    "weights", [[], ["squeezenet1_1.npz"], [CHECKPOINT], ["squeezenet1_1.npz", CHECKPOINT]]
)
def test_choose_world(world, make, pictures, weights):
    """ImageNet is looked at where files of its pictures and weights, ours or torch's, are there;
    else it says why.
    """
    for name in pictures + weights:
        (world / name).parent.mkdir(parents=True, exist_ok=True)
        make(world / name)
    name, reason = choose_world()
    pictures, weights = (make is Path.touch and bool(names) for names in (pictures, weights))
    shown = os.path.relpath(world) if world.is_relative_to(Path.cwd()) else str(world)
    assert name == ("imagenet" if pictures and weights else "toytown") and reason.endswith(
        f" in {shown}"
    )
    if name == "toytown":
        reason = reason.removesuffix(shown)
        assert ("imagenet_val_25.npz" in reason, "weights" in reason) == (not pictures, not weights)


def test_toytowns_pictures(world):
    """Without ImageNet there is one picture of each of Toytown's 22 kinds, labelled as what it is
    drawn of.
    """
    from deeplearning.datasets.toytown.plan import SEED, picture

    X, y, class_names = load_imagenet_val()
    assert (
        X.shape == (22, 128, 128, 3)
        and X.dtype == np.uint8
        and y.shape == (22,)
        and y.dtype.kind == "i"
    )
    assert (
        sorted(y) == sorted(class_names) == list(range(22)) and len({*class_names.values()}) == 22
    )
    assert all(type(label) is int and type(name) is str for label, name in class_names.items())
    drawn = (picture(SEED, "val", number) for number in range(30))
    kinds = {image.tobytes(): scene.main.kind for scene, image, _ in drawn}
    named = [
        (kinds.get(image.tobytes()), class_names[label]) for image, label in zip(X, y, strict=True)
    ]
    assert all(kind in (name, None) for kind, name in named) and named[0][0] and len(kinds) == 30
    for again, whole in zip(load_imagenet_val(num=5), (X[:5], y[:5], class_names), strict=True):
        np.testing.assert_array_equal(again, whole)


@pytest.mark.parametrize("num", [None, 2, 0, 100])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_imagenets_pictures(world, num, protocol):
    """The archive's pictures, labels and names, pickled by any Python, come as they are, the first
    num of them.
    """
    X = imagenet(world, pickle.dumps(np.array(LABELS, object), protocol))
    pictures, y, class_names = load_imagenet_val(num)
    np.testing.assert_array_equal(pictures, X[:num], strict=True)
    np.testing.assert_array_equal(y, np.array([3, 0, 999])[:num], strict=True)
    assert class_names == LABELS


def test_numpys_numbers_and_names(world):
    """Labels and names that were NumPy's become plain ones."""
    imagenet(world, {np.int64(3): "a", np.uint8(4): np.str_("b")}, y=np.array([3, 4, 3]))
    class_names = load_imagenet_val()[2]
    assert (
        class_names == {3: "a", 4: "b"}
        and {*map(type, class_names)} == {int}
        and type(class_names[4]) is str
    )


def test_real_pictures(shared_data, monkeypatch):
    """The file that the course hands out has 25 pictures and the names of 999 classes, these of the
    pictures too.
    """
    if not (shared_data / "imagenet_val_25.npz").is_file():
        pytest.skip("needs imagenet_val_25.npz")
    monkeypatch.setattr(
        "deeplearning.data_utils.choose_world", lambda: ("imagenet", "of this test")
    )
    X, y, class_names = load_imagenet_val()
    assert type(X) is type(y) is np.ndarray and X.dtype == np.uint8 and y.dtype == np.int64
    assert X.shape == (25, 224, 224, 3) and y.shape == (25,) and len(class_names) == 999
    assert {*map(type, class_names)} == {int} and {*map(type, class_names.values())} == {str}
    assert class_names[y[0]] == "hay" and {*y.tolist()} < {*class_names} < {*range(1000)}


WRONG = [
    {1000: "a"},
    {-1: "a"},
    {3.0: "a"},
    {"3": "a"},
    {3: b"a"},
    {3: None},
    {3: ["a"]},
    {3: "a", 4: 4},
    ["a"],
    3,
]
NO_PICKLES = [b"", b".", b"N.", b"garbage", b"\x80\x04\x95", b"(" * 50]


@pytest.mark.parametrize("label_map", WRONG + NO_PICKLES, ids=repr)
def test_wrong_label_map(world, label_map):
    """Keys that are no integers from 0 to 999, names that are no strings, no dictionary, no pickle:
    refused.
    """
    imagenet(world, label_map)
    refusal(world)


class Runs:
    """Whatever unpickles it calls a function."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


ATTACKS = [
    (os.system, "echo > ran"),
    (eval, "open('ran', 'w')"),
    (exec, "open('ran', 'w')"),
    (os.mkdir, "ran"),
]
ATTACKS += [
    (np.save, "ran.npy", 3),
    (np.memmap, "ran", "u1", "w+", 0, 3),
    (np.fromfile, "ran"),
    (Path, "ran"),
    (list,),
]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[0].__name__)
def test_pickle_that_runs_code(world, attack, wrapped, protocol):
    """A label map that asks for anything but arrays of plain objects is refused, and nothing of it
    is run.
    """
    imagenet(
        world,
        pickle.dumps(np.array({3: Runs(*attack)}, object) if wrapped else Runs(*attack), protocol),
    )
    before = sorted(world.iterdir())
    assert "it asks for" in refusal(world)
    assert sorted(world.iterdir()) == before


BUFFER = b"c_codecs\nencode\nX\x08\x00\x00\x00AAAAAAAAX\x06\x00\x00\x00latin1\x86R"  # eight bytes
OBJECTS = b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R"  # that shall be taken for the address of an object
SCALAR = b"cnumpy._core.multiarray\nscalar\n"


ARRAY = b"cnumpy\nndarray\n((t" + OBJECTS + BUFFER + b"tR."


@pytest.mark.parametrize(
    "pickled", [ARRAY, SCALAR + OBJECTS + BUFFER + b"\x86R.", b"cmultiarray\nscalar\n."]
)
def test_crafted_label_map(world, run_python, pickled):
    """Names that NumPy's own pickles use can't be put together so that Python reads memory that
    isn't its own.
    """
    imagenet(world, b"\x80\x02" + pickled)
    code = "import deeplearning.data_utils as d; d._read_imagenet(d.Path('imagenet_val_25.npz'))"
    status, _, errors = run_python("-c", code, cwd=world)
    assert status == 1 and "imagenet_val_25.npz is damaged or was tampered with" in errors


def test_label_without_a_name(world):
    """Pictures of a class that the file does not name are refused."""
    imagenet(world, y=np.array([3, 0, 998]))
    assert "no name" in refusal(world)


SHAPES = {"X": [(3, 3, 4, 5), (3, 4, 3), (2, 4, 4, 3)], "y": [(2,), (3, 1), ()]}
ARRAYS = [(name, np.zeros(shape, np.uint8)) for name, shapes in SHAPES.items() for shape in shapes]
ARRAYS += [("X", np.zeros((3, 4, 4, 3), dtype)) for dtype in (np.float32, np.int8, bool)]
ARRAYS += [("y", np.zeros(3, dtype)) for dtype in (float, bool, "U1")] + [
    ("y", np.array([Runs(os.mkdir, "ran")] * 3))
]


@pytest.mark.parametrize("name, array", [*ARRAYS, ("X", None), ("y", None), ("label_map", None)])
def test_wrong_arrays(world, name, array):
    """An array that is missing, or of another type or shape, is refused; a pickled one without
    being looked at.
    """
    imagenet(world, **{name: array})
    message = refusal(world)
    assert (array is not None or name in message) and not Path("ran").exists()


def test_damaged_archive(world):
    """An archive that is cut anywhere, or has any byte damaged, is refused by name, or gives what
    was written.
    """
    X = imagenet(world)
    content = Path("imagenet_val_25.npz").read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 31)]
    damaged += [
        content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :]
        for at in range(0, len(content), 5)
    ]
    kept = 0
    for wrong in damaged:
        Path("imagenet_val_25.npz").write_bytes(wrong)
        try:
            loaded = load_imagenet_val()
        except ValueError as error:
            assert str(world / "imagenet_val_25.npz") in str(error)
        else:
            kept += 1
            for array, whole in zip(loaded, (X, [3, 0, 999], LABELS), strict=True):
                np.testing.assert_array_equal(array, whole)
    assert kept < 0.3 * len(damaged)
