"""Captioned images in the layout of the course's MS-COCO files: load them, draw minibatches, read
captions.

A data set is a folder with
    coco2014_captions.h5               train_captions, val_captions (n, L): words as indices, filled up with <NULL>;
                                       train_image_idxs, val_image_idxs (n,): the row of each
                                       caption's image
    coco2014_vocab.json                idx_to_word (list) and word_to_idx (dict)
    train2014_vgg16_fc7_pca.h5, ...    features (images, D), for val2014, too; without _pca: not reduced
    train2014_urls.txt, ...            one line an image: where it can be seen
    val_references.json                optional: the captions as people wrote them, for scores
"""

import contextlib
import json
import os
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import h5py
import numpy as np

from deeplearning.data_utils import STARTED_IN, data_folder
from deeplearning.layers import check_indices

TOYTOWN = "toytown_captioning"  # the data set that needs no download
SMALL = 1 << 20  # bytes: features below this are read, not mapped


class FeatureArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array in an HDF5 file, touched only where it is used.

    It behaves like an array to read from: shape, dtype, unsorted and repeated indices, arithmetic,
    np.asarray. A large uncompressed data set is mapped into memory, so that a row costs what a row
    costs; a small or compressed one is read as a whole at first use. No file stays open.
    """

    def __init__(self, path, name="features"):
        self.path, self.name = Path(path), name
        with _open_h5(self.path) as file:
            data = _dataset(file, name, self.path)
            if data.ndim != 2 or data.dtype.kind != "f":
                raise ValueError(
                    f"{path}: {name} must hold floating-point numbers of shape (images, D), "
                    f"got {data.dtype} of shape {data.shape}; fetch or build the data set again"
                )
            self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim
            self._offset = (
                data.id.get_offset() if data.nbytes > SMALL else None
            )  # None for chunked ones, too

    @cached_property
    def _array(self):
        if self._offset is not None:
            return np.memmap(
                self.path, self.dtype, mode="r", offset=self._offset, shape=self.shape
            ).view(np.ndarray)
        with _open_h5(self.path) as file:
            return file[self.name][:]

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        arrays = [x._array if isinstance(x, FeatureArray) else x for x in inputs]
        if any(isinstance(x, FeatureArray) for x in kwargs.get("out", ())):
            del kwargs[
                "out"
            ]  # features -= mean: the file stays as it is, and the name gets a new array
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __getitem__(self, index):
        return self._array[index]

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"FeatureArray({str(self.path)!r}, shape={self.shape}, dtype={self.dtype})"


def load_coco_data(base_dir=None, max_train=None, pca_features=True):
    """Load a captioning data set.

    Inputs:
    - base_dir: Its folder, or the name of one in the data folder. None: what the environment
      variable DEEPLEARNING_CAPTIONS says, else coco_captioning in the data folder if it is there,
      else Toytown, which comes with the project and is written on first use; its name is
      toytown_captioning
    - max_train: None for all training captions, or how many to draw, with replacement, by NumPy's
      global generator
    - pca_features: Whether to load the features reduced by PCA (D 512), or the full ones (D 4096)

    Returns a dictionary with:
    - train_captions, val_captions: int arrays of shape (captions, L)
    - train_image_idxs, val_image_idxs: int arrays of shape (captions,), the image of each caption
    - train_features, val_features: `FeatureArray` of shape (images, D)
    - train_urls, val_urls: arrays of str, of shape (images,)
    - idx_to_word: list of the words; word_to_idx: dictionary from word to index

    Raises FileNotFoundError for a missing folder or file, and ValueError for a damaged one or one
    whose contents do not fit together.
    """
    folder = find_dataset(base_dir)
    data = _vocabulary(_existing(folder / "coco2014_vocab.json"))
    captions_path = _existing(folder / "coco2014_captions.h5")
    with _open_h5(captions_path) as file:
        for split in ("train", "val"):
            for key in (f"{split}_captions", f"{split}_image_idxs"):
                data[key] = _dataset(file, key, captions_path)[:]
    for split in ("train", "val"):
        kind = "vgg16_fc7_pca" if pca_features else "vgg16_fc7"
        data[f"{split}_features"] = FeatureArray(_existing(folder / f"{split}2014_{kind}.h5"))
        data[f"{split}_urls"] = _urls(_existing(folder / f"{split}2014_urls.txt"), split)
        _check_split(data, split, folder)
    if max_train is not None:
        drawn = np.random.randint(len(data["train_captions"]), size=max_train)
        for key in ("train_captions", "train_image_idxs"):
            data[key] = data[key][drawn]
    return data


def sample_coco_minibatch(data, batch_size=100, split="train"):
    """Draw captions, with replacement, by NumPy's global generator.

    Inputs:
    - data: From `load_coco_data`
    - batch_size: Number of captions, N
    - split: "train" or "val"

    Returns a tuple of:
    - captions: ints of shape (N, L)
    - features: Features of each caption's image, of shape (N, D)
    - urls: URL of each caption's image, of shape (N,)
    """
    drawn = np.random.choice(len(data[f"{split}_captions"]), batch_size)
    images = data[f"{split}_image_idxs"][drawn]
    return (
        data[f"{split}_captions"][drawn],
        data[f"{split}_features"][images],
        data[f"{split}_urls"][images],
    )


def decode_captions(captions, idx_to_word):
    """Turn indices into words, up to and including the first <END>; <NULL> is left out.

    Inputs:
    - captions: ints of shape (L,) or (N, L)
    - idx_to_word: Sequence or dictionary that gives the word of an index

    Returns: a string, or a list of N strings

    Raises ValueError for an index without a word.
    """
    captions = np.asarray(captions)
    if captions.ndim == 1:
        return decode_captions(captions[None], idx_to_word)[0]
    decoded = []
    for caption in captions.tolist():
        words = []
        for index in caption:
            try:
                if index < 0:  # Python would count from the end
                    raise IndexError
                word = idx_to_word[index]
            except (IndexError, KeyError):
                raise ValueError(
                    f"captions hold index {index}, but the vocabulary has {len(idx_to_word)} words"
                ) from None
            if word != "<NULL>":
                words.append(word)
            if word == "<END>":
                break
        decoded.append(" ".join(words))
    return decoded


def load_references(data, base_dir=None, split="val"):
    """Captions of each image as people wrote them, to score against.

    Inputs:
    - data: From `load_coco_data`
    - base_dir: As given to `load_coco_data`
    - split: "train" or "val"

    Returns: list with a list of captions, as strings, for each image that has any; and the array of
    these images' rows in the features. The captions come from `<split>_references.json` in the
    folder, or, where there is none, from the data set itself, so with rare words as <UNK> and long
    captions cut.
    """
    path = find_dataset(base_dir) / f"{split}_references.json"
    if path.exists():
        try:
            images = json.loads(path.read_text(encoding="utf-8"))
            references, rows = (
                [image["captions"] for image in images],
                np.array([image["idx"] for image in images]),
            )
            if not all(isinstance(caption, str) for captions in references for caption in captions):
                raise ValueError("captions must be strings")
            check_indices("idx", rows, len(data[f"{split}_features"]), "the features")
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} holds no captions of this data set ({error}): fetch it again"
            ) from error
        return references, rows
    by_image = {}
    captions = decode_captions(data[f"{split}_captions"], data["idx_to_word"])
    for image, caption in zip(data[f"{split}_image_idxs"].tolist(), captions, strict=True):
        by_image.setdefault(image, []).append(caption)
    rows = sorted(by_image)
    return [by_image[row] for row in rows], np.array(rows)


def feature_statistics(features, chunk=4096):
    """Mean and standard deviation of each feature, to standardise them.

    Inputs:
    - features: Array of shape (images, D)
    - chunk: Rows to take into memory at a time

    Returns a tuple of float64 arrays of shape (D,): mean, and standard deviation with 1 in place of
    0

    Raises ValueError where there are no rows.
    """
    if len(features) == 0:
        raise ValueError("features has no rows to take the mean of")
    first = np.asarray(
        features[0], np.float64
    )  # sums of differences from it lose no digits where the mean is large
    total, squares = 0.0, 0.0
    for start in range(0, len(features), chunk):
        block = np.asarray(features[start : start + chunk], np.float64) - first
        total, squares = total + block.sum(axis=0), squares + (block**2).sum(axis=0)
    mean = total / len(features)
    std = np.sqrt(np.maximum(squares / len(features) - mean**2, 0))
    return first + mean, np.where(std > 0, std, 1.0)


def find_dataset(base_dir=None):
    """The folder of the data set that `load_coco_data(base_dir)` loads; Toytown is written first if
    it has to be.

    Returns: absolute Path

    Raises FileNotFoundError, with what to do, where there is none.
    """
    named = os.environ.get("DEEPLEARNING_CAPTIONS")
    if base_dir is not None:
        candidates = [Path(base_dir).expanduser().absolute(), data_folder() / base_dir]
    elif named:
        candidates = [STARTED_IN / Path(named).expanduser(), data_folder() / named]
    else:
        candidates = [data_folder() / "coco_captioning"]
    found = next((folder for folder in candidates if folder.is_dir()), None)
    if str(base_dir or named or TOYTOWN) == TOYTOWN and found in (None, data_folder() / TOYTOWN):
        from deeplearning.datasets.toytown.dataset import (
            ensure_toytown,
        )  # here, since it imports this module

        return ensure_toytown()
    if found is None:
        raise FileNotFoundError(
            f"no captioning data set at {' or '.join(map(str, candidates))}: fetch the data set into that folder, "
            "or set DEEPLEARNING_DATA to the folder of your data sets and DEEPLEARNING_CAPTIONS to the one to use; "
            f"{TOYTOWN} is always there"
        )
    return found


def _existing(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: this folder holds no complete data set; fetch or build it again"
        )
    return path


@contextlib.contextmanager
def _open_h5(path):
    """An open HDF5 file; what h5py raises on damaged ones becomes one ValueError."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged or no HDF5 file ({error}): delete it, then fetch or build it again"
        ) from error


def _dataset(file, name, path):
    if not isinstance(file.get(name), h5py.Dataset):
        raise ValueError(
            f"{path} holds no data set {name!r}, only {sorted(file)}: fetch or build it again"
        )
    return file[name]


def _vocabulary(path):
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))
        words, index = list(vocabulary["idx_to_word"]), dict(vocabulary["word_to_idx"])
        if index != {word: i for i, word in enumerate(words)} or len(index) != len(words):
            raise ValueError("idx_to_word and word_to_idx contradict each other")
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no vocabulary ({error}): fetch or build it again") from error
    return {"idx_to_word": words, "word_to_idx": index}


def _urls(path, split):
    """URLs of all images; a bare name becomes the URL of the file of that name beside the data set,
    if there.
    """
    try:
        urls = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no text in UTF-8 ({error}): fetch or build it again"
        ) from error
    local = {}
    for folder in (path.parent / "images", path.parent / f"{split}_images"):
        if folder.is_dir():
            local |= {
                name: f"{folder.resolve().as_uri()}/{quote(name)}" for name in os.listdir(folder)
            }
    return np.array([local.get(url, url) for url in urls] if local else urls, dtype=object)


def _check_split(data, split, folder):
    """Refuse a split whose arrays do not fit each other or the vocabulary."""
    captions, images = data[f"{split}_captions"], data[f"{split}_image_idxs"]
    features, urls, V = data[f"{split}_features"], data[f"{split}_urls"], len(data["idx_to_word"])
    problem = None
    if captions.ndim != 2 or captions.dtype.kind not in "iu":
        problem = f"captions must be integers of shape (captions, L), got {captions.dtype} of shape {captions.shape}"
    elif images.dtype.kind not in "iu":
        problem = f"image indices must be integers, got {images.dtype}"
    elif images.shape != captions.shape[:1]:
        problem = f"{len(captions)} captions need as many image indices, got shape {images.shape}"
    elif captions.size and not 0 <= captions.min() <= captions.max() < V:
        problem = f"captions hold indices {captions.min()} to {captions.max()}, the vocabulary has {V} words (0 to {V - 1})"
    elif images.size and not 0 <= images.min() <= images.max() < len(features):
        problem = f"captions point at images {images.min()} to {images.max()}, features has {len(features)} rows"
    elif len(urls) != len(features):
        problem = f"features has {len(features)} rows, but there are {len(urls)} URLs"
    if problem:
        raise ValueError(f"{folder}, {split} split: {problem}; fetch or build the data set again")
