import json
import os
import sys

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from deeplearning.coco_utils import (
    decode_captions,
    load_coco_data,
    load_references,
    sample_coco_minibatch,
)
from deeplearning.feature_array import feature_array, feature_statistics
from deeplearning.image_fetching import image_from_url
from deeplearning.metrics import tokenize

WORDS = ["<NULL>", "<START>", "<END>", "a", "dog"]
CAPTIONS = "coco2014_captions.h5"
FEATURES = "train2014_vgg16_fc7_pca.h5"
VOCABULARY = "coco2014_vocab.json"


def edit(path, **arrays):
    """Replace arrays in an HDF5 file; None takes one away."""
    with h5py.File(path, "a") as file:
        for name, array in arrays.items():
            file.pop(name, None)
            if array is not None:
                file[name] = array


# Where the data set is looked for


def test_load_by_path(tiny_dataset):
    """A folder given as str or as Path is loaded, with every key and shape of the contract."""
    for folder in (tiny_dataset, str(tiny_dataset)):
        data = load_coco_data(folder)
        shapes = {"captions": (40, 8), "image_idxs": (40,), "features": (10, 6), "urls": (10,)}
        assert {key: data[f"train_{key}"].shape for key in shapes} == shapes
        shapes = {"captions": (10, 8), "image_idxs": (10,), "features": (5, 6), "urls": (5,)}
        assert {key: data[f"val_{key}"].shape for key in shapes} == shapes
        assert isinstance(data["idx_to_word"], list) and isinstance(data["word_to_idx"], dict)
        assert [data["word_to_idx"][word] for word in data["idx_to_word"]] == list(range(12))
        assert (
            data["train_features"].dtype == np.float32 and data["train_captions"].dtype.kind == "i"
        )
        assert data["train_urls"][3] == "http://images.example/train_3.jpg"
        assert len(data) == 10


def test_load_by_name(tiny_dataset, monkeypatch, tmp_path):
    """A bare name is searched in the folder that DEEPLEARNING_DATA names."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    assert len(load_coco_data(tiny_dataset.name)["train_captions"]) == 40


@pytest.mark.parametrize("by_name", [True, False])
def test_load_by_environment(tiny_dataset, monkeypatch, tmp_path, by_name):
    """Without an argument DEEPLEARNING_CAPTIONS decides, which may be a name or a path."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path if by_name else tmp_path / "elsewhere"))
    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", tiny_dataset.name if by_name else str(tiny_dataset))
    assert len(load_coco_data()["train_captions"]) == 40


def test_load_default_name(tiny_dataset, monkeypatch, tmp_path):
    """Without an argument and DEEPLEARNING_CAPTIONS, coco_captioning in the data folder is
    loaded.
    """
    tiny_dataset.rename(tmp_path / "coco_captioning")
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    assert len(load_coco_data()["train_captions"]) == 40


@pytest.mark.parametrize(
    "folder, captions, argument",
    [
        (".", "tiny captioning", "None"),
        (".", "other", "'tiny captioning'"),
        ("other", "./tiny captioning", "None"),
    ],
)
def test_load_after_chdir(tiny_dataset, tmp_path, run_python, folder, captions, argument):
    """Relative folders in the environment count from where the process started, however often it
    changes its directory.
    """
    code = f"""if True:
        import os
        from deeplearning.coco_utils import load_coco_data
        os.chdir("elsewhere")
        print(len(load_coco_data({argument})["train_captions"]))
        os.chdir("..")
        print(load_coco_data({argument})["train_features"][0].shape)
    """
    (tmp_path / "elsewhere").mkdir()
    environment = {"DEEPLEARNING_DATA": folder, "DEEPLEARNING_CAPTIONS": captions}
    status, output, errors = run_python("-c", code, cwd=tmp_path, env=environment)
    assert (status, output.split(maxsplit=1)) == (0, ["40", "(6,)\n"]), errors


# What is drawn


def test_max_train_draws_the_courses_choice(tiny_dataset):
    """np.random.seed(231) and max_train=50 give the rows that np.random.randint then draws, images
    along with them.
    """
    everything = load_coco_data(tiny_dataset)
    np.random.seed(231)
    rows = np.random.randint(40, size=50)
    np.random.seed(231)
    data = load_coco_data(tiny_dataset, max_train=50)
    np.testing.assert_array_equal(data["train_captions"], everything["train_captions"][rows])
    np.testing.assert_array_equal(data["train_image_idxs"], everything["train_image_idxs"][rows])
    assert data["train_features"].shape == (10, 6) and len(data["val_captions"]) == 10


@pytest.mark.parametrize("split, count", [("train", 40), ("val", 10)])
def test_minibatch_draws_by_choice(tiny_dataset, split, count):
    """A minibatch is the rows that np.random.choice draws, with features and URLs of the same
    images.
    """
    data = load_coco_data(tiny_dataset)
    np.random.seed(1)
    rows = np.random.choice(count, 25)
    np.random.seed(1)
    captions, features, urls = sample_coco_minibatch(data, batch_size=25, split=split)
    np.testing.assert_array_equal(captions, data[f"{split}_captions"][rows])
    with h5py.File(tiny_dataset / f"{split}2014_vgg16_fc7_pca.h5") as file:
        np.testing.assert_array_equal(
            features, file["features"][:][rows % (count // (4 if split == "train" else 2))]
        )
    assert type(features) is np.ndarray and features.dtype == np.float32
    images = data[f"{split}_image_idxs"][rows]
    assert list(urls) == [f"http://images.example/{split}_{image}.jpg" for image in images]


# Features


LAYOUTS = {
    "mapped": ((3000, 128), {}),
    "small": ((30, 8), {}),
    "compressed": ((3000, 128), {"compression": "gzip"}),
    "chunked": ((3000, 128), {"chunks": (7, 100)}),
}


@pytest.fixture(params=LAYOUTS)
def stored(request, tmp_path):
    """Features in a file of each layout, and the same ones as an array."""
    shape, how = LAYOUTS[request.param]
    array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file.create_dataset("other", data=np.arange(5))
        file.create_dataset("features", data=array, **how)
    return feature_array(tmp_path / "features.h5"), array


def test_features_are_indexed_like_an_array(stored):
    """Shape, dtype, length and every kind of index agree with the array that was stored."""
    features, array = stored
    assert (features.shape, features.dtype, features.ndim, len(features)) == (
        array.shape,
        np.float32,
        2,
        len(array),
    )
    mask = np.arange(len(array)) % 3 == 1
    for index in (
        0,
        -1,
        slice(None),
        slice(20, 5, -2),
        [5, 2, 5, 0, -1],
        np.array([7, 7, 1]),
        mask,
        (slice(9), 3),
    ):
        np.testing.assert_array_equal(features[index], array[index])
        assert features[index].dtype == np.float32
    assert type(features[[3, 3]]) is np.ndarray and features[[]].shape == (0, array.shape[1])
    np.testing.assert_array_equal(np.stack(list(features)), array)
    with pytest.raises(IndexError):
        features[len(array)]


def test_features_are_computed_with_like_an_array(stored):
    """Conversion, arithmetic and NumPy's functions agree with the array that was stored."""
    features, array = stored
    assert type(np.asarray(features)) is np.ndarray
    np.testing.assert_array_equal(np.asarray(features), array)
    assert np.asarray(features, np.float64).dtype == np.float64
    copy = np.array(features)
    copy[:] = 0  # a copy may be written to, and leaves the features as they are
    np.testing.assert_array_equal(features - array.mean(0), array - array.mean(0))
    np.testing.assert_array_equal(array[0] - features, array[0] - array)
    np.testing.assert_array_equal(features > 0, array > 0)
    np.testing.assert_array_equal(features @ array[:5].T, array @ array[:5].T)
    np.testing.assert_array_equal(features - features, 0 * array)
    np.testing.assert_array_equal(np.maximum(features, 0), np.maximum(array, 0))
    for function in (np.mean, np.std, np.max, np.sum):
        np.testing.assert_array_equal(function(features), function(array))
        np.testing.assert_array_equal(function(features, axis=0), function(array, axis=0))
    np.testing.assert_array_equal(
        np.concatenate([features, features]), np.concatenate([array, array])
    )


def test_features_in_place(stored):
    """`data["train_features"] -= mean`, as students write it, gives the array that it gives for an
    array.
    """
    features, array = stored
    data = {"train_features": features}
    data["train_features"] -= array.mean(axis=0)
    data["train_features"] /= np.float32(2)
    np.testing.assert_array_equal(
        np.asarray(data["train_features"]), (array - array.mean(axis=0)) / np.float32(2)
    )


def test_features_leave_no_file_open(stored, tmp_path):
    """After opening, the file can be rewritten, and except where it is mapped renamed and
    deleted.
    """
    features, array = stored
    path = tmp_path / "features.h5"
    with h5py.File(path, "a") as file:  # HDF5 refuses this where a handle to read is still open
        file["more"] = 1
    if isinstance(features.base, np.memmap) and os.name != "posix":
        return  # Windows keeps a mapped file until it is let go
    moved = path.rename(tmp_path / "moved.h5")
    np.testing.assert_array_equal(features[[4, 3]], array[[4, 3]])
    moved.unlink()
    np.testing.assert_array_equal(features, array)


def test_features_are_an_array(stored, tmp_path):
    """They are a plain ndarray with all that it has, PyTorch takes them, and the file stays as it
    is whatever is written into them.
    """
    features, array = stored
    before = (tmp_path / "features.h5").read_bytes()
    assert type(features) is np.ndarray and features.dtype.isnative
    assert features.size == array.size and features.T.shape == array.T.shape
    assert features.mean() == array.mean() and features.std(axis=0).shape == array.shape[1:]
    assert features.astype(np.float64).dtype == np.float64
    np.testing.assert_array_equal(features.reshape(-1), array.reshape(-1))
    np.testing.assert_array_equal(features.copy(), array)
    np.testing.assert_array_equal(torch.from_numpy(features), array)
    features[:] = 0
    assert not features.any() and (tmp_path / "features.h5").read_bytes() == before


def test_features_of_another_byte_order(tmp_path):
    """Numbers in another machine's byte order become this one's, so that PyTorch accepts them."""
    array = np.arange(6000 * 64, dtype=">f4").reshape(6000, 64)
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file["features"] = array
    features = feature_array(tmp_path / "features.h5")
    assert features.dtype.isnative
    np.testing.assert_array_equal(torch.from_numpy(features), array.astype(np.float32))


def test_large_features_are_mapped(tmp_path):
    """Reading a row of large contiguous features costs one row: they stay mapped from the file, and
    are never copied as a whole.
    """
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file["features"] = np.ones((3000, 128), np.float32)
    rows = feature_array(tmp_path / "features.h5")[10:20]
    while isinstance(rows.base, np.ndarray):
        rows = rows.base
    assert type(rows.base).__name__ == "mmap"


def test_wrong_features_are_refused(tmp_path):
    """A file of features opened by its wrong name is refused in one sentence."""
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file.create_group("features")
    with pytest.raises(ValueError, match="features.h5.*features"):
        feature_array(tmp_path / "features.h5")


@pytest.mark.parametrize("count, chunk", [(1, 4096), (50, 7), (50, 50), (1000, 64), (1000, 4096)])
def test_feature_statistics(count, chunk):
    """Mean and deviation are NumPy's, whatever the chunks; a constant column of any value has
    deviation 1.
    """
    features = np.random.default_rng(0).standard_normal((count, 8)).astype(np.float32)
    features[:, 1] *= 1e-3
    features[:, 2] += 1e4  # a mean that dwarfs the deviation
    features[:, 3:] = [0, 0.1, 3.3, -7, 1e6]
    mean, std = feature_statistics(features, chunk)
    exact = features.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(std[:3], exact.std(axis=0)[:3] if count > 1 else 1, rtol=1e-6)
    np.testing.assert_array_equal(std[3:], 1)
    assert mean.dtype == std.dtype == np.float64


# URLs


@pytest.mark.parametrize(
    "folder, split",
    [("images", "train"), ("images", "val"), ("train_images", "train"), ("val_images", "val")],
)
def test_bare_names_become_file_urls(tiny_dataset, folder, split):
    """A bare name whose file lies next to the data set becomes a URL that opens it, whatever the
    name; others stay.
    """
    names = [
        "plain.jpg",
        "two words.jpg",
        "grün & 50%.jpg",
        "missing.jpg",
        f"http://images.example/{split}.jpg",
    ]
    (tiny_dataset / folder).mkdir()
    for shade, name in enumerate(names[:3]):
        Image.new("RGB", (4, 3), (shade, 10, 20)).save(tiny_dataset / folder / name, format="PNG")
    count = {"train": 10, "val": 5}[split]
    urls = "".join(f"{name}\n" for name in (names * 2)[:count])
    (tiny_dataset / f"{split}2014_urls.txt").write_text(urls, encoding="utf-8")
    loaded = load_coco_data(tiny_dataset)[f"{split}_urls"]
    assert list(loaded[3:5]) == names[3:]
    for shade, url in enumerate(loaded[:3]):
        assert url.startswith("file:") and " " not in url
        np.testing.assert_array_equal(image_from_url(url)[0, 0], [shade, 10, 20])


def test_images_of_the_other_split_are_not_taken(tiny_dataset):
    """A file in train_images/ does not count for val."""
    (tiny_dataset / "train_images").mkdir()
    Image.new("RGB", (4, 3)).save(tiny_dataset / "train_images" / "same.png")
    for split, count in (("train", 10), ("val", 5)):
        (tiny_dataset / f"{split}2014_urls.txt").write_text("same.png\n" * count, encoding="utf-8")
    data = load_coco_data(tiny_dataset)
    assert data["train_urls"][0].startswith("file:") and data["val_urls"][0] == "same.png"


# Captions and references


def test_decode_captions():
    """START stays, NULL is left out, END is kept and last; one caption gives a string, several a
    list.
    """
    captions = np.array(
        [[1, 3, 4, 2, 0, 0], [1, 0, 4, 0, 2, 4], [1, 3, 4, 3, 4, 3], [0, 0, 0, 0, 0, 0]]
    )
    expected = ["<START> a dog <END>", "<START> dog <END>", "<START> a dog a dog a", ""]
    assert decode_captions(captions, WORDS) == expected
    assert decode_captions(captions[0], WORDS) == expected[0]
    assert (
        decode_captions(captions[:1].astype(np.int32).tolist(), dict(enumerate(WORDS)))
        == expected[:1]
    )


@pytest.mark.parametrize("words", [WORDS, dict(enumerate(WORDS))], ids=["list", "dict"])
@pytest.mark.parametrize("index", [-1, 5])
def test_decode_unknown_index(words, index):
    """An index without a word, a negative one included, is refused by its value."""
    with pytest.raises(ValueError, match=rf"index {index}\b"):
        decode_captions([[1, index, 2]], words)


def test_references_of_the_data_set(tiny_dataset):
    """Without a file of references they are the decoded captions, grouped by image."""
    data = load_coco_data(tiny_dataset)
    references, rows = load_references(data, tiny_dataset)
    assert (
        rows.tolist() == [0, 1, 2, 3, 4] and [len(captions) for captions in references] == [2] * 5
    )
    assert references[3] == decode_captions(data["val_captions"][[3, 8]], data["idx_to_word"])
    assert len(load_references(data, tiny_dataset, "train")[0]) == 10


def test_references_as_written(tiny_dataset, monkeypatch, tmp_path):
    """A file of references is used unchanged, for the images that it names; a data set's name finds
    it.
    """
    images = [{"idx": 3, "captions": ["A dog's ball.", "Ä"]}, {"idx": 0, "captions": ["two"]}]
    (tiny_dataset / "val_references.json").write_text(
        json.dumps(images, ensure_ascii=False), encoding="utf-8"
    )
    data = load_coco_data(tiny_dataset)
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    for base_dir in (tiny_dataset, tiny_dataset.name):
        references, rows = load_references(data, base_dir)
        assert references == [["A dog's ball.", "Ä"], ["two"]] and rows.tolist() == [3, 0]


@pytest.mark.parametrize(
    "content", ["[{", "{}", "[1]", '[{"idx": 0}]', '[{"idx": 5, "captions": ["a"]}]']
)
def test_damaged_references(tiny_dataset, content):
    """References that are truncated, malformed or of an unknown image are refused by their file."""
    (tiny_dataset / "val_references.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="val_references.json"):
        load_references(load_coco_data(tiny_dataset), tiny_dataset)


# Bad input


def test_missing_folder(tmp_path, monkeypatch):
    """A missing data set is reported by its name, with the variable that says where to look."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="(?s)no_such_set.*DEEPLEARNING_DATA"):
        load_coco_data("no_such_set")
    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", "nor_this")
    with pytest.raises(FileNotFoundError, match="nor_this"):
        load_coco_data()


@pytest.mark.parametrize(
    "name",
    [
        VOCABULARY,
        CAPTIONS,
        *(f"{s}2014_{f}" for s in ("train", "val") for f in ("vgg16_fc7_pca.h5", "urls.txt")),
    ],
)
def test_missing_file(tiny_dataset, name):
    """Each missing file is reported by its name."""
    (tiny_dataset / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load_coco_data(tiny_dataset)


def test_full_features(tiny_dataset):
    """pca_features=False loads the other files, and reports the first one missing."""
    with pytest.raises(FileNotFoundError, match="train2014_vgg16_fc7.h5"):
        load_coco_data(tiny_dataset, pca_features=False)
    for split, images in (("train", 10), ("val", 5)):
        with h5py.File(tiny_dataset / f"{split}2014_vgg16_fc7.h5", "w") as file:
            file["features"] = np.zeros((images, 11), np.float32)
    assert load_coco_data(tiny_dataset, pca_features=False)["val_features"].shape == (5, 11)


@pytest.mark.parametrize("name", [CAPTIONS, FEATURES])
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_truncated_h5(tiny_dataset, name, kept):
    """A file cut off anywhere is reported by its name."""
    content = (tiny_dataset / name).read_bytes()
    (tiny_dataset / name).write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(ValueError, match=f"{name}.*damaged"):
        load_coco_data(tiny_dataset)


@pytest.mark.parametrize("name", [CAPTIONS, FEATURES])
def test_h5_that_is_text(tiny_dataset, name):
    """An error page saved under the name of a data file is reported by that name."""
    (tiny_dataset / name).write_text("<html>404 not found</html>\n" * 100, encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name}.*damaged"):
        load_coco_data(tiny_dataset)


@pytest.mark.parametrize("name", [CAPTIONS, FEATURES])
def test_damaged_bytes(tiny_dataset, name):
    """Bytes damaged anywhere inside a file give one error that names it, unless HDF5 itself does
    not notice.
    """
    with h5py.File(tiny_dataset / name) as file:
        arrays = {key: file[key][:] for key in file}
    with h5py.File(tiny_dataset / name, "w") as file:
        for key, array in arrays.items():
            file.create_dataset(key, data=array, compression="gzip", fletcher32=True)
    content = (tiny_dataset / name).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(len(content), size=20)] ^= 0x55
        (tiny_dataset / name).write_bytes(damaged.tobytes())
        try:
            np.asarray(load_coco_data(tiny_dataset)["train_features"])
        except ValueError as error:
            assert str(tiny_dataset) in str(error)
            refused += 1
    assert refused > 10


CONTRADICTIONS = {
    "captions key missing": (CAPTIONS, {"val_captions": None}, "val_captions"),
    "image key missing": (CAPTIONS, {"train_image_idxs": None}, "train_image_idxs"),
    "features key missing": (FEATURES, {"features": None}, "features"),
    "captions of one dimension": (
        CAPTIONS,
        {"train_captions": np.zeros(40, int)},
        r"shape .*\(40,\)",
    ),
    "captions of reals": (CAPTIONS, {"train_captions": np.zeros((40, 8))}, "float64"),
    "images of reals": (CAPTIONS, {"train_image_idxs": np.zeros(40)}, "image.*float64"),
    "word too large": (CAPTIONS, {"train_captions": np.full((40, 8), 12)}, "12 words"),
    "word negative": (CAPTIONS, {"val_captions": np.full((10, 8), -1)}, "-1"),
    "image too large": (CAPTIONS, {"train_image_idxs": np.full(40, 10)}, "10 rows"),
    "image negative": (CAPTIONS, {"val_image_idxs": np.full(10, -3)}, "-3"),
    "fewer images than captions": (
        CAPTIONS,
        {"train_image_idxs": np.zeros(39, int)},
        r"40 captions.*\(39,\)",
    ),
    "features of one dimension": (
        FEATURES,
        {"features": np.zeros(10, np.float32)},
        r"shape \(10,\)",
    ),
    "features of integers": (FEATURES, {"features": np.zeros((10, 6), np.int64)}, "int64"),
    "features of another count": (
        FEATURES,
        {"features": np.zeros((11, 6), np.float32)},
        "11 rows.*10 URLs",
    ),
}


@pytest.mark.parametrize("name, arrays, fact", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_arrays_that_do_not_fit(tiny_dataset, name, arrays, fact):
    """Arrays missing, of a wrong shape or type, or out of range: one sentence with the place and
    the fact.
    """
    edit(tiny_dataset / name, **arrays)
    with pytest.raises(ValueError, match=fact) as raised:
        load_coco_data(tiny_dataset)
    assert str(tiny_dataset) in str(raised.value) and "\n" not in str(raised.value)


def test_urls_that_do_not_fit(tiny_dataset):
    """Too few URLs are counted; a file of another encoding is named."""
    path = tiny_dataset / "val2014_urls.txt"
    path.write_text("a.jpg\n" * 4, encoding="utf-8")
    with pytest.raises(ValueError, match="val.*5 rows.* 4 URLs"):
        load_coco_data(tiny_dataset)
    path.write_bytes("grün.jpg\n".encode("latin-1") * 5)
    with pytest.raises(ValueError, match="val2014_urls.txt"):
        load_coco_data(tiny_dataset)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1, 2",
        "null",
        "[]",
        "{}",
        '{"idx_to_word": ["a"], "word_to_idx": 3}',
        '{"idx_to_word": 3, "word_to_idx": {}}',
        '{"idx_to_word": ["a", "b"], "word_to_idx": {"a": 0}}',
        '{"idx_to_word": ["a"], "word_to_idx": {"a": 0, "b": 1}}',
        '{"idx_to_word": ["a", "b"], "word_to_idx": {"a": 1, "b": 0}}',
        '{"idx_to_word": ["a", "a"], "word_to_idx": {"a": 1, "b": 0}}',
        '{"idx_to_word": [["a"]], "word_to_idx": {"a": 0}}',
        b"\xff\xfe\x00",
    ],
)
def test_damaged_vocabulary(tiny_dataset, content):
    """A truncated, malformed or contradictory vocabulary is reported by its file."""
    (tiny_dataset / VOCABULARY).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    with pytest.raises(ValueError, match=VOCABULARY):
        load_coco_data(tiny_dataset)


# At the size of COCO

OPEN_AND_MEASURE = """
import sys
from pathlib import Path
from deeplearning.coco_utils import load_coco_data, sample_coco_minibatch

def peak():
    # the largest memory of this program in MiB; getrusage counts that of the program that started
    # it, too
    if sys.platform == "linux":
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**10
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

before = peak()
data = load_coco_data(sys.argv[1])
features = sample_coco_minibatch(data, 100)[1]
assert data["train_features"].shape == (82783, 512) and features.shape == (100, 512)
print(peak() - before)
"""


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows does not say how much memory a program took"
)
def test_memory_at_the_size_of_coco(tiny_dataset, run_python):
    """COCO's 400,135 captions and 82,783 x 512 features open, and give a minibatch, in less than
    150 MiB.
    """
    late = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    # its place in the file is fixed, but zeros take no space there
    late.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    late.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(tiny_dataset / CAPTIONS, "w") as captions:
        for split, count, images in (("train", 400_135, 82_783), ("val", 195_954, 40_504)):
            captions[f"{split}_captions"] = np.zeros((count, 17), np.int32)
            captions[f"{split}_image_idxs"] = (np.arange(count, dtype=np.int32) * 7919) % images
            with h5py.File(tiny_dataset / f"{split}2014_vgg16_fc7_pca.h5", "w") as file:
                space = h5py.h5s.create_simple((images, 512))
                h5py.h5d.create(file.id, b"features", h5py.h5t.IEEE_F32LE, space, dcpl=late)
            urls = "".join(
                f"http://images.example/{split}2014/{image:012}.jpg\n" for image in range(images)
            )
            (tiny_dataset / f"{split}2014_urls.txt").write_text(urls, encoding="utf-8")
    assert (tiny_dataset / FEATURES).stat().st_size > 4 * 82_783 * 512
    status, output, errors = run_python("-c", OPEN_AND_MEASURE, tiny_dataset)
    assert status == 0, errors
    assert 20 < float(output) < 150  # the captions alone take 27 MiB


# Real data


@pytest.mark.parametrize(
    "name, train, val, words",
    [
        ("flickr8k_captioning", (30_000, 6_000), (5_000, 1_000), 2538),
        ("coco_small_captioning", (4_356, 871), (1_000, 200), 1004),
    ],
)
def test_real_data(shared_data, name, train, val, words):
    """The real data sets load, with the sizes that their description gives."""
    data = load_coco_data(shared_data / name)
    assert (len(data["train_captions"]), len(data["train_features"])) == train
    assert (len(data["val_captions"]), len(data["val_features"])) == val
    assert len(data["idx_to_word"]) == words and data["train_features"].shape[1] == 512
    captions, features, _ = sample_coco_minibatch(data, 100)
    assert (
        captions.shape == (100, 17) and features.shape == (100, 512) and np.isfinite(features).all()
    )


def test_real_photos_of_the_overfit(shared_data):
    """Of Flickr8k the photos of the 50 captions that seed 231 draws, and the first hundred of val,
    open from disk.
    """
    np.random.seed(231)
    data = load_coco_data(shared_data / "flickr8k_captioning", max_train=50)
    urls = {*data["train_urls"][data["train_image_idxs"]], *data["val_urls"][:100]}
    assert len(urls) > 140 and all(url.startswith("file:") for url in urls)
    for url in urls:  # a missing one would warn, which is an error here
        assert image_from_url(url).shape == (224, 224, 3)


@pytest.mark.parametrize("name", ["flickr8k_captioning", "coco_small_captioning"])
def test_real_references_are_the_captions(shared_data, name):
    """Raw references, in the words that scores compare, are val's captions but for rare words and
    the cut at 15.
    """
    data = load_coco_data(shared_data / name)
    references, rows = load_references(data, shared_data / name)
    read = {row: [] for row in rows}
    for row, caption in zip(data["val_image_idxs"], data["val_captions"], strict=True):
        words = decode_captions(caption, data["idx_to_word"]).split()
        read[row].append([word for word in words if word not in ("<START>", "<END>")])
    for row, captions in zip(rows, references, strict=True):
        words = [
            [word if word in data["word_to_idx"] else "<UNK>" for word in tokenize(c)[:15]]
            for c in captions
        ]
        assert read[row] == words
