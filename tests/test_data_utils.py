"""The pictures of question 3."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from deeplearning.data_utils import imagenet_or_toytown, load_imagenet_val

LABELS = {3: "cat", 0: "dog, hound", 999: "ümlaut"}
CHECKPOINT = "torch/hub/checkpoints/squeezenet1_1-b8a52dc0.pth"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Folder of the data sets and current directory; torch's own folder is in it, and both are
    empty.
    """
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imagenet(world, label_map=LABELS, **arrays):
    """The course's archive and ImageNet's weights. Bytes stand for a pickle, None for nothing."""
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
    """The message of load_imagenet_val about the archive."""
    with pytest.raises(ValueError) as raised:
        load_imagenet_val()
    assert str(world / "imagenet_val_25.npz") in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
@pytest.mark.parametrize("pictures", [["imagenet_val_25.npz"], []])
@pytest.mark.parametrize(
    "weights", [[], ["squeezenet1_1.npz"], [CHECKPOINT], ["squeezenet1_1.npz", CHECKPOINT]]
)
def test_imagenet_or_toytown(world, make, pictures, weights):
    """ImageNet is used if its pictures and weights, ours or torch's, exist; otherwise a message
    says why not.
    """
    for name in pictures + weights:
        (world / name).parent.mkdir(parents=True, exist_ok=True)
        make(world / name)
    name, reason = imagenet_or_toytown()
    pictures, weights = (make is Path.touch and bool(names) for names in (pictures, weights))
    if pictures and weights:
        assert (name, reason) == (
            "imagenet",
            f"Using ImageNet's network and the pictures in {world}.",
        )
    else:
        assert name == "toytown" and reason.startswith("Using Toytown's network and pictures.")
        assert ("imagenet_val_25.npz" in reason, "weights" in reason) == (not pictures, not weights)


def test_toytowns_pictures(world):
    """Without ImageNet there is one picture of each of Toytown's 22 kinds, labelled with
    its kind.
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
    """The archive's first num pictures, labels and names, pickled by any Python, come unchanged."""
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
        "deeplearning.data_utils.imagenet_or_toytown", lambda: ("imagenet", "of this test")
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
    """Keys that are not integers from 0 to 999, names that are not strings, and anything but a
    pickled dictionary are refused.
    """
    imagenet(world, label_map)
    refusal(world)


class Runs:
    """Unpickling this calls a function."""

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
    """A label map that contains anything but arrays of plain objects is refused, and none of it is
    run.
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
    """Names used by NumPy's own pickles can't be combined to make Python read foreign memory."""
    imagenet(world, b"\x80\x02" + pickled)
    code = "import deeplearning.imagenet_file as d; d.read_imagenet_file('imagenet_val_25.npz')"
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
    """An array that is missing, or of another type or shape, is refused; a pickled one unread."""
    imagenet(world, **{name: array})
    message = refusal(world)
    assert (array is not None or name in message) and not Path("ran").exists()


def test_damaged_archive(world):
    """An archive that is truncated anywhere, or has any byte damaged, is refused by name, or gives
    what was written.
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
