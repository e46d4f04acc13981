"""Pictures and captions become a data set that loads, contains its input, and treats new pictures
the same way.
"""

import json
import time

import h5py
import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from torchvision.models import squeezenet1_1

from deeplearning.classifiers.backbones import image_features
from deeplearning.classifiers.squeezenet import load_squeezenet, save_squeezenet
from deeplearning.coco_utils import (
    decode_captions,
    load_coco_data,
    load_references,
    sample_coco_minibatch,
)
from deeplearning.datasets.assembly import build_dataset, encode, vocabulary
from deeplearning.datasets.build import main
from deeplearning.feature_transform import FeatureTransform
from deeplearning.image_fetching import image_from_url
from deeplearning.metrics import tokenize

SIZE = 40  # of the pictures that the network is said to be trained on
WORDS = ["<NULL>", "<START>", "<END>", "<UNK>", "a", "dog"]
INDEX = {word: index for index, word in enumerate(WORDS)}
CAPTIONS = [
    ["A dog runs.", "a dog's ball"],
    ["Two dogs run, run!"],
    ["A cat.", "A cat sleeps", "a dog"],
    ["A dog"],
]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network with random weights, as `load_squeezenet` gives it."""
    path = tmp_path_factory.mktemp("network") / "random.npz"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = squeezenet1_1(num_classes=2)
    save_squeezenet(
        path, model, ["a", "b"], mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), image_size=SIZE
    )
    return load_squeezenet(path)


@pytest.fixture
def pictures(tmp_path):
    """Files of six pictures: of the network's size and of others, one grey, one with transparency,
    one a JPEG.
    """
    rng = np.random.default_rng(0)
    paths = []
    for mode, size, kind in [
        ("RGB", (SIZE, SIZE), "png"),
        ("RGB", (50, 30), "png"),
        ("L", (SIZE, SIZE), "png"),
        ("RGBA", (SIZE, 20), "png"),
        ("RGB", (64, 64), "jpg"),
        ("RGB", (SIZE, SIZE), "png"),
    ]:
        channels = len(mode)
        pixels = rng.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
        paths.append(tmp_path / f"picture {len(paths)}.{kind}")
        Image.fromarray(pixels.squeeze()).save(paths[-1])
    return paths


@pytest.fixture
def splits(pictures):
    """Four training pictures with one to three captions each, two of validation."""
    val = [["A dog and a cat.", "Ünder a dog and"], ["a dog"]]
    return {
        "train": list(zip(pictures[:4], CAPTIONS, strict=True)),
        "val": list(zip(pictures[4:], val, strict=True)),
    }


@pytest.fixture
def built(splits, network, tmp_path):
    """Folder of a data set of those splits."""
    (tmp_path / "built").mkdir()
    build_dataset(tmp_path / "built", splits, network, min_count=2, length=6)
    return tmp_path / "built"


def on_white(image):
    """A picture in RGB, with transparent parts on white."""
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def features_one_by_one(paths, network):
    """Features of one picture after the other, straight from the definition: the oracle."""
    features = []
    for path in paths:
        with Image.open(path) as image:
            pixels = np.array(
                on_white(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float64
            )
        x = (pixels / 255 - network.mean) / network.std
        x = torch.tensor(x, dtype=torch.float32).permute(2, 0, 1).contiguous()[None]
        with torch.no_grad():
            maps = network.features(x.to(next(network.parameters()).device))[0]  # (512, h, w)
        features.append([float(channel.mean()) for channel in maps])
    return np.array(features)


# Words


def test_vocabulary_by_hand():
    """Four special words, then words of at least min_count by falling count, equally frequent ones
    by the alphabet.
    """
    captions = ["b a a C", "c b, A; d!", "e e d's d’s"]
    assert list(vocabulary(captions, 1)) == [*WORDS[:4], "a", "b", "c", "ds", "e", "d"]
    assert vocabulary(captions, 2) == {
        **{w: INDEX[w] for w in WORDS[:4]},
        "a": 4,
        "b": 5,
        "c": 6,
        "ds": 7,
        "e": 8,
    }
    assert list(vocabulary(captions, 4)) == WORDS[:4]


def test_vocabulary_default_is_the_courses():
    """By default a word must occur five times."""
    assert list(vocabulary(["yes no"] * 4 + ["yes"])) == [*WORDS[:4], "yes"]


def test_special_words_are_no_words():
    """Special words in captions, as in decoded ones, are not added to the vocabulary, and <UNK>
    stays <UNK>.
    """
    assert list(vocabulary(["<START> a <UNK> <END> <NULL>"] * 5)) == [*WORDS[:4], "a"]
    assert encode(["<START> a <UNK> <END>"], INDEX, 5).tolist() == [[1, 4, 3, 2, 0]]


def test_encode_by_hand():
    """START, words, END, NULLs; unknown words are UNK; long captions keep their first words and
    END.
    """
    captions = ["A dog.", "", "a cat: a dog, a dog", "a dog a dog"]
    expected = [[1, 4, 5, 2, 0, 0], [1, 2, 0, 0, 0, 0], [1, 4, 3, 4, 5, 2], [1, 4, 5, 4, 5, 2]]
    encoded = encode(captions, INDEX, 6)
    assert encoded.tolist() == expected and encoded.dtype == np.int32
    assert encode(captions, INDEX).shape == (4, 17)
    assert encode([], INDEX, 6).shape == (0, 6)
    assert encode(["a dog"], INDEX, 3).tolist() == [[1, 4, 2]]


def test_encode_and_decode():
    """Decoded captions are the words that scores compare, up to the cut."""
    rng = np.random.default_rng(0)
    captions = [
        " ".join(rng.choice(["a", "dog", "Cat", "red", "ball."], n))
        for n in rng.integers(1, 25, 50)
    ]
    word_to_idx = vocabulary(captions, 1)
    decoded = decode_captions(encode(captions, word_to_idx), list(word_to_idx))
    for caption, text in zip(captions, decoded, strict=True):
        assert text == " ".join(["<START>", *tokenize(caption)[:15], "<END>"])


@pytest.mark.parametrize("length", [2, 0, -1])
def test_encode_length(length):
    """A length without room for a word is refused by its value."""
    with pytest.raises(ValueError, match=f"length .*got {length}"):
        encode(["a"], INDEX, length)


@pytest.mark.parametrize("name", ["flickr8k_captioning", "coco_small_captioning"])
def test_real_captions(shared_data, name):
    """The real data sets' validation captions are rebuilt exactly from what people wrote and the
    vocabulary.
    """
    data = load_coco_data(shared_data / name)
    references, rows = load_references(data, shared_data / name)
    for row, captions in zip(rows, references, strict=True):
        stored = data["val_captions"][data["val_image_idxs"] == row]
        np.testing.assert_array_equal(encode(captions, data["word_to_idx"]), stored)


# Features


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_features_do_not_depend_on_the_batch(pictures, network, batch_size):
    """Batches of any size, with a smaller last one, give the same as pictures one by one."""
    features = image_features(pictures, network, batch_size, progress=False)
    assert features.shape == (6, 512) and features.dtype == np.float32
    np.testing.assert_allclose(
        features, features_one_by_one(pictures, network), rtol=1e-4, atol=1e-5
    )
    assert len(np.unique(features, axis=0)) == 6


def test_features_of_no_pictures(network):
    """No pictures have no features."""
    assert image_features([], network).shape == (0, 512)


def test_progress_is_shown_or_not(pictures, network, capsys):
    """The bar counts pictures on standard output; without it nothing is printed."""
    image_features(pictures, network, batch_size=4, progress=False)
    assert capsys.readouterr() == ("", "")
    image_features([str(path) for path in pictures], network, batch_size=4)
    output, errors = capsys.readouterr()
    assert "6/6" in output and "picture" in output and not errors


def test_network_and_generators_are_left_as_they_were(pictures, network):
    """Features change neither the network nor any global generator."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    image_features(pictures, network, progress=False)
    assert not network.training and all(
        torch.equal(before[name], value) for name, value in network.state_dict().items()
    )
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.parametrize(
    "content", [b"", b"<html>404 not found</html>", 0.5], ids=["empty", "page", "cut off"]
)
def test_broken_picture(pictures, network, content):
    """A file that is not a picture, or half of one, is refused by its name."""
    whole = pictures[4].read_bytes()
    pictures[4].write_bytes(whole[: len(whole) // 2] if content == 0.5 else content)
    with pytest.raises(ValueError, match=f"{pictures[4].name} can't be read.*replace it"):
        image_features(pictures, network, progress=False)


def test_missing_picture(pictures, network):
    """A missing picture is reported by its name."""
    pictures[5].unlink()
    with pytest.raises(FileNotFoundError, match=f"{pictures[5].name} is missing"):
        image_features(pictures, network, progress=False)


def test_real_features(shared_data):
    """Flickr8k's first hundred validation photos give the features that its data set holds, to
    1e-3.
    """
    folder = shared_data / "flickr8k_captioning"
    names = (folder / "val2014_urls.txt").read_text(encoding="utf-8").splitlines()[:100]
    features = image_features(
        [folder / "val_images" / name for name in names], load_squeezenet("imagenet"), 10
    )
    with h5py.File(folder / "val2014_vgg16_fc7_pca.h5") as file:
        np.testing.assert_allclose(features, file["features"][:100], rtol=0, atol=1e-3)


# A whole data set


def test_built_captions(built, splits):
    """The data set loads; its captions are the given ones, in order and on the right rows, with
    words that occur at least twice.
    """
    data = load_coco_data(built)
    # in the training captions: a 6, dog 3, and cat, dogs and run 2 each; val's two and don't count
    assert data["idx_to_word"] == [*WORDS[:4], "a", "dog", "cat", "dogs", "run"]
    assert data["train_image_idxs"].tolist() == [0, 0, 1, 2, 2, 2, 3] and data[
        "val_image_idxs"
    ].tolist() == [0, 0, 1]
    assert decode_captions(data["train_captions"], data["idx_to_word"]) == [
        "<START> a dog <UNK> <END>",
        "<START> a dogs <UNK> <END>",
        "<START> <UNK> dogs run run <END>",
        "<START> a cat <END>",
        "<START> a cat <UNK> <END>",
        "<START> a dog <END>",
        "<START> a dog <END>",
    ]
    assert data["val_captions"].tolist() == [
        [1, 4, 5, 3, 4, 2],
        [1, 3, 4, 5, 3, 2],
        [1, 4, 5, 2, 0, 0],
    ]
    assert data["train_captions"].dtype == data["train_image_idxs"].dtype == np.int32
    assert (
        data["val_urls"].tolist() == ["picture 4.jpg", "picture 5.png"]
        and len(data["train_urls"]) == 4
    )


def test_built_by_default(splits, network, tmp_path):
    """By default captions have the course's 17 words, those that occur five times."""
    splits["train"][3] = splits["train"][3][0], ["yes no"] * 4 + ["yes"]
    build_dataset(tmp_path, splits, network)
    data = load_coco_data(tmp_path)
    assert data["train_captions"].shape == (11, 17) and data["idx_to_word"] == [
        *WORDS[:4],
        "a",
        "yes",
    ]


def test_built_features(built, pictures, network):
    """Features are centred and scaled by the training split, whose mean is 0 and standard deviation
    1 then.
    """
    data, raw = load_coco_data(built), features_one_by_one(pictures, network)
    mean, std = raw[:4].mean(axis=0), raw[:4].std(axis=0)
    varied = std > 1e-2  # elsewhere float32's rounding shows
    assert varied.sum() > 400
    for split, rows in (("train", slice(4)), ("val", slice(4, 6))):
        expected = ((raw[rows] - mean) / np.where(varied, std, 1))[:, varied]
        np.testing.assert_allclose(
            np.asarray(data[f"{split}_features"])[:, varied], expected, rtol=1e-3, atol=1e-3
        )
        assert data[f"{split}_features"].dtype == np.float32
    train = np.asarray(data["train_features"])[:, varied]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-4)


def test_new_pictures_are_treated_alike(built, pictures, network):
    """A picture of the data set, treated as new, gets exactly its features in the data set."""
    raw = image_features(pictures[4:], network, progress=False)
    before = raw.copy()
    np.testing.assert_array_equal(
        FeatureTransform.load(built)(raw), np.asarray(load_coco_data(built)["val_features"])
    )
    np.testing.assert_array_equal(raw, before)
    assert FeatureTransform.load(built)(raw.astype(np.float64)).dtype == np.float32
    assert (
        json.loads((built / "features.json").read_text(encoding="utf-8"))["weights"]
        == network.weights
    )


def test_built_references(built, splits):
    """References are val's captions as they were written, in the layout of the other data sets."""
    references, rows = load_references(load_coco_data(built), built)
    assert references == [captions for _, captions in splits["val"]] and rows.tolist() == [0, 1]
    first = json.loads((built / "val_references.json").read_text(encoding="utf-8"))[0]
    assert first == {
        "idx": 0,
        "file_name": "picture 4.jpg",
        "url": None,
        "captions": splits["val"][0][1],
    }


def test_built_pictures_are_found(built, splits, pictures):
    """Pictures that the caller puts next to the data set are shown for its minibatches."""
    (built / "images").mkdir()
    for path in pictures:
        (built / "images" / path.name).write_bytes(path.read_bytes())
    captions, features, urls = sample_coco_minibatch(load_coco_data(built), 5)
    assert captions.shape == (5, 6) and features.shape == (5, 512)
    assert all(url.startswith("file:") for url in urls)


def test_building_twice_gives_the_same_bytes(built, splits, network, tmp_path):
    """Equal pictures and captions give equal files, which are all those of the layout and the
    transform.
    """
    (tmp_path / "again").mkdir()
    build_dataset(tmp_path / "again", splits, network, min_count=2, length=6)
    files = {path.name: path.read_bytes() for path in built.iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    of_splits = [
        f"{split}2014_{name}"
        for split in ("train", "val")
        for name in ("urls.txt", "vgg16_fc7_pca.h5")
    ]
    whole = ["coco2014_captions.h5", "coco2014_vocab.json", "features.json", "val_references.json"]
    assert sorted(files) == sorted(whole + of_splits)


def test_reduced_by_pca(splits, network, tmp_path):
    """With PCA the full features are written too; the reduced ones are their best projection, also
    for new pictures.
    """
    (tmp_path / "out").mkdir()
    build_dataset(tmp_path / "out", splits, network, min_count=1, components=3)
    raw = features_one_by_one([path for pairs in splits.values() for path, _ in pairs], network)
    full = {
        split: np.asarray(load_coco_data(tmp_path / "out", pca_features=False)[f"{split}_features"])
        for split in splits
    }
    np.testing.assert_allclose(
        np.concatenate([full["train"], full["val"]]), raw, rtol=1e-4, atol=1e-5
    )
    data = load_coco_data(tmp_path / "out")
    train, val = np.asarray(data["train_features"]), np.asarray(data["val_features"])
    assert train.shape == (4, 3) and val.shape == (2, 3) and train.dtype == np.float32
    # three directions hold all that distinguishes four pictures, and are uncorrelated
    centred = raw[:4] - raw[:4].mean(axis=0)
    np.testing.assert_allclose(train @ train.T, centred @ centred.T, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(np.cov(train.T) - np.diag(train.var(axis=0, ddof=1)), 0, atol=1e-2)
    np.testing.assert_array_equal(FeatureTransform.load(tmp_path / "out")(full["val"]), val)


def test_without_pca_again(splits, network, tmp_path):
    """A data set that replaces one with PCA leaves none of its files."""
    build_dataset(tmp_path, splits, network, min_count=1, components=3)
    assert (tmp_path / "projection.npy").exists() and (tmp_path / "val2014_vgg16_fc7.h5").exists()
    build_dataset(tmp_path, splits, network, min_count=1)
    assert not list(tmp_path.glob("projection*")) and not list(tmp_path.glob("*fc7.h5"))
    assert FeatureTransform.load(tmp_path)(np.zeros((1, 512))).shape == (1, 512)


def test_broken_pictures_are_left_out(splits, network, tmp_path):
    """With skip_broken, unreadable pictures and their captions are left out and reported."""
    broken = splits["train"][1][0]
    broken.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="picture 1.png can't be read"):
        build_dataset(tmp_path, splits, network, min_count=1)
    assert [path.name for path in tmp_path.glob("coco*")] == []
    left_out = build_dataset(tmp_path, splits, network, min_count=1, skip_broken=True)
    assert list(left_out) == [broken] and "can't be read" in left_out[broken]
    data = load_coco_data(tmp_path)
    assert list(data["train_urls"]) == ["picture 0.png", "picture 2.png", "picture 3.png"]
    assert (
        data["train_image_idxs"].tolist() == [0, 0, 1, 1, 1, 2] and "two" not in data["word_to_idx"]
    )
    raw = features_one_by_one([splits["train"][k][0] for k in (0, 2, 3)], network)
    varied = raw.std(axis=0) > 1e-2
    expected = ((raw - raw.mean(axis=0)) / raw.std(axis=0).clip(1e-9))[:, varied]
    np.testing.assert_allclose(
        np.asarray(data["train_features"])[:, varied], expected, rtol=1e-3, atol=1e-3
    )
    for path, _ in splits["val"]:
        path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="val: none of 2 pictures can be read; .*picture 4.jpg"):
        build_dataset(tmp_path, splits, network, min_count=1, skip_broken=True)


def test_linked_pictures_are_found_where_they_are(splits, network, tmp_path):
    """With link, pictures are shown from their own folders, whatever their names; equal names in
    two folders are fine.
    """
    names = ["new\nline.png", "ü ö.png", "same.png", "50% #1?.png"]
    paths = [tmp_path / "photos" / str(k) / name for k, name in enumerate([*names[:3], names[2]])]
    for path, (picture, _) in zip(paths, splits["train"], strict=True):
        path.parent.mkdir(parents=True)
        path.write_bytes(picture.read_bytes())
    splits["train"] = [
        (path, captions) for path, (_, captions) in zip(paths, splits["train"], strict=True)
    ]
    (tmp_path / "out").mkdir()
    build_dataset(tmp_path / "out", splits, network, min_count=1, link=True)
    urls = load_coco_data(tmp_path / "out")["train_urls"]
    for url, path in zip(urls, paths, strict=True):
        np.testing.assert_array_equal(image_from_url(url), np.asarray(on_white(Image.open(path))))
    with pytest.raises(ValueError, match=r"2 pictures are called same.png"):
        build_dataset(tmp_path / "out", splits, network, min_count=1)
    with pytest.raises(ValueError, match=r"'new\\nline.png' holds a line break"):
        build_dataset(
            tmp_path / "out", splits | {"train": splits["train"][:1]}, network, min_count=1
        )


def test_two_builds_at_once(splits, network, tmp_path):
    """While one run builds in a folder, another one there is refused."""
    (tmp_path / "building.part").mkdir()
    with (
        FileLock(tmp_path / "building.part" / "lock"),
        pytest.raises(OSError, match="another run is building"),
    ):
        build_dataset(tmp_path, splits, network, min_count=1)
    build_dataset(tmp_path, splits, network, min_count=1)
    assert not (tmp_path / "building.part").exists()


def test_folder_without_permission(splits, network, tmp_path, monkeypatch):
    """A folder that can't be written is named, with what to do."""

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", denied)
    with pytest.raises(
        OSError,
        match=r"can't make the folder .*building.part \(Permission denied\): name another one",
    ):
        build_dataset(tmp_path, splits, network, min_count=1)


def test_full_disk(splits, network, tmp_path, monkeypatch):
    """If the disk is full, one sentence says so, no file of the data set exists, and the next run
    continues.
    """
    create = h5py.Group.create_dataset

    def full(*_, **__):
        raise OSError(28, "No space left on device\nwith h5py's offsets")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(OSError, match=r"could not write .*h5: free space there") as caught:
        build_dataset(tmp_path, splits, network, min_count=1)
    assert len(str(caught.value).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if "2014" in path.name] == []
    monkeypatch.setattr(h5py.Group, "create_dataset", create)
    build_dataset(tmp_path, splits, network, min_count=1)
    assert load_coco_data(tmp_path)["train_features"].shape == (4, 512)


# As a command


@pytest.fixture
def photos(tmp_path, network):
    """Folder with 40 photos, their captions as CSV, and the file of a network's weights."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with open(tmp_path / "captions.csv", "w", encoding="utf-8") as file:
        file.write("image,caption\n")
        for k in range(40):
            Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).save(
                folder / f"{k}.png"
            )
            file.write(f"{k}.png,a dog with größe {k % 3}\n")
    return [
        "--images",
        folder,
        "--captions",
        tmp_path / "captions.csv",
        "--weights",
        network.weights,
    ]


COMMAND = "deeplearning.datasets.build"


def test_command_builds(run_module, photos, tmp_path):
    """The command builds a data set that loads, by a split drawn at random, and says what it left
    out.
    """
    (tmp_path / "my photos" / "7.png").write_bytes(b"damaged")
    (tmp_path / "my photos" / "new\nline.png").write_bytes(b"")
    with open(tmp_path / "captions.csv", "a", encoding="utf-8") as file:
        file.write("missing.png,a dog\n8.png,?!\n")
    status, output, errors = run_module(COMMAND, *photos, "--out", "in/mine", cwd=tmp_path)
    assert (status, errors) == (0, "")
    for fact in (
        "1 ('missing.png')",
        "without a word, of: 1 ('8.png')",
        r"1 ('new\nline.png')",
        "7.png can't be read",
    ):
        assert fact in output
    assert "pictures per hour" in output and "vocabulary of 11 words" in output
    assert "train_captioner --data in/mine" in output.replace("\\", "/")
    data = load_coco_data(tmp_path / "in" / "mine")
    assert sorted(len(data[f"{split}_urls"]) for split in ("train", "val")) in ([3, 36], [4, 35])
    assert "größe" in data["word_to_idx"] and data["train_urls"][0].startswith("file:")
    assert not (tmp_path / "in" / "mine" / "building.part").exists()


@pytest.mark.slow
def test_command_goes_on_after_a_kill(start_python, run_module, photos, tmp_path):
    """A run that was killed continues where it stopped, and gives the same files as one run."""
    folder, captions = tmp_path / "my photos", tmp_path / "captions.csv"
    names = [f"{k} {n}.png" for n in range(12) for k in range(40)]
    for name in names:
        (folder / name).write_bytes((folder / f"{name.split()[0]}.png").read_bytes())
    captions.write_text(
        "image,caption\n" + "".join(f"{name},a dog\n" for name in names), encoding="utf-8"
    )
    process = start_python("-m", COMMAND, *photos, "--out", tmp_path / "killed")
    raw = tmp_path / "killed" / "building.part" / "train.raw"
    batch = 100 * 512 * 4  # bytes, of the largest one; half a batch counts for nothing
    while process.poll() is None and not (raw.exists() and raw.stat().st_size >= batch):
        time.sleep(0.001)
    process.kill()
    process.wait()
    # nothing that could be taken for a data set
    assert not list((tmp_path / "killed").glob("*2014*"))
    status, output, errors = run_module(COMMAND, *photos, "--out", tmp_path / "killed")
    assert (status, errors) == (0, "") and "were already done" in output
    main([*map(str, photos), "--out", str(tmp_path / "whole")])
    files = {path.name: path.read_bytes() for path in (tmp_path / "killed").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}


PROBLEMS = {
    "captions": (["--captions", "none.csv"], "no captions at none.csv"),
    "images": (["--images", "nowhere"], "no folder of pictures at nowhere"),
    "network": (["--network", "vgg61"], "no classifier 'vgg61'"),
    "weights": (["--weights", "none.npz"], "no weights at none.npz"),
    "damaged weights": (["--weights", "captions.csv"], "captions.csv is damaged"),
    "share": (["--val", "2"], "between 0 and 1, got 2.0"),
    "too many components": (
        ["--pca", "99"],
        "PCA to 99 numbers needs more than 99 training pictures",
    ),
    "rare words": (["--min-count", "99"], "no word occurs 99 times"),
    "length": (["--length", "2"], "length must be at least 3"),
    "a file in place of a folder": (
        ["--out", "captions.csv"],
        "can't make the folder captions.csv",
    ),
}


@pytest.mark.parametrize("arguments, fact", PROBLEMS.values(), ids=PROBLEMS)
def test_command_problems(photos, tmp_path, monkeypatch, arguments, fact):
    """Anything that can't be found, read or done is reported in one line, and no data set
    is made.
    """
    monkeypatch.chdir(tmp_path)
    with pytest.raises((OSError, ValueError), match=fact) as caught:
        main([*map(str, photos), "--out", "out", *arguments])
    assert len(str(caught.value).splitlines()) == 1 and not list(tmp_path.glob("out/*2014*"))


def test_command_usage(capsys):
    """--help shows an example; a missing option is wrong usage."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    output = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0 and "example: python -m deeplearning.datasets.build" in output
    with pytest.raises(SystemExit) as caught:
        main(["--out", "x"])
    assert caught.value.code == 2


def test_a_problem_is_one_line(run_module, tmp_path):
    """Anything that can't be found is reported in one line, and the command's exit status is 1."""
    status, _, errors = run_module(
        COMMAND, "--images", "x", "--captions", "y", "--out", "z", cwd=tmp_path
    )
    assert (
        status == 1
        and errors.startswith("build: no folder of pictures")
        and len(errors.splitlines()) == 1
    )


# Bad input


def test_missing_folder(splits, network, tmp_path):
    """A missing folder is refused, not made."""
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        build_dataset(tmp_path / "nowhere", splits, network)
    assert not (tmp_path / "nowhere").exists()


WRONG_SPLITS = {
    "no val": ({"val": None}, r"'val'.*\{'train': 4\}"),
    "empty val": ({"val": []}, "'val': 0"),
    "test": ({"test": [("x.png", ["a"])]}, "'test': 1"),
    "same name": (
        {"val": [("a/x.png", ["a"]), ("b/x.png", ["b"])]},
        "val: 2 pictures are called x.png",
    ),
    "no caption": ({"val": [("x.png", [])]}, r"val: x.png needs .*\[\]"),
    "bare caption": ({"val": [("x.png", "a dog")]}, "val: x.png needs .*'a dog'"),
    "wordless caption": ({"val": [("x.png", ["a", "?!"])]}, r"val: x.png needs .*\?!"),
}


@pytest.mark.parametrize("changes, fact", WRONG_SPLITS.values(), ids=WRONG_SPLITS)
def test_wrong_splits(splits, network, tmp_path, changes, fact):
    """Splits that are missing, empty or unsuitable for training are refused before anything is
    written.
    """
    (tmp_path / "out").mkdir()
    splits = {split: pairs for split, pairs in (splits | changes).items() if pairs is not None}
    with pytest.raises(ValueError, match=fact):
        build_dataset(tmp_path / "out", splits, network)
    assert not list((tmp_path / "out").iterdir())


def test_data_set_without_transform(tiny_dataset):
    """A data set that doesn't say how its features were made can't be used for new pictures."""
    with pytest.raises(FileNotFoundError, match="features.json is missing.*new pictures"):
        FeatureTransform.load(tiny_dataset)(np.zeros((1, 512)))


@pytest.mark.parametrize(
    "content", ["", "[1]", "{}", '{"mean": [1], "std": [1, 2]}', '{"mean": "a", "std": "b"}']
)
def test_damaged_transform(tiny_dataset, content):
    """A truncated or malformed transform is reported by its file."""
    (tiny_dataset / "features.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="features.json does not hold how features were made"):
        FeatureTransform.load(tiny_dataset)(np.zeros((1, 1)))


@pytest.mark.parametrize("shape", [(512,), (2, 511), (1, 512, 1)])
def test_transform_of_another_shape(built, shape):
    """Features of another shape are refused, with the shape expected and the one received."""
    with pytest.raises(ValueError, match=rf"raw .*\(n, 512\).*got \({shape[0]}"):
        FeatureTransform.load(built)(np.zeros(shape))
