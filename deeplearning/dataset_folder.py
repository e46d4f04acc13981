"""A captioning data set on disk, in the layout of the course's MS-COCO files.

A data set is a folder with

    coco2014_captions.h5        train_captions, val_captions (n, L): words as indices, padded with
                                <NULL>; train_image_idxs, val_image_idxs (n,): the row of each
                                caption's image
    coco2014_vocab.json         idx_to_word (list) and word_to_idx (dict)
    train2014_vgg16_fc7_pca.h5  features (images, D), also for val2014; without _pca: not reduced
    train2014_urls.txt          one line per image: where it can be seen; also for val2014
    val_references.json         optional: the original captions, for scores
"""

import json
import os
from urllib.parse import quote

import numpy as np

from deeplearning.checks import check_indices
from deeplearning.feature_array import feature_array, h5_dataset, open_h5


def read_dataset(folder, pca_features=True):
    """Read a data set.

    Inputs:
    - folder: Path of its folder
    - pca_features: Whether to read the features reduced by PCA, or the full ones

    Returns: the dictionary that `coco_utils.load_coco_data` describes

    Raises FileNotFoundError for a missing file, and ValueError for a damaged one or one whose
    contents do not fit together.
    """
    data = _vocabulary(_existing(folder / "coco2014_vocab.json"))
    captions_path = _existing(folder / "coco2014_captions.h5")
    with open_h5(captions_path) as file:
        for split in ("train", "val"):
            for key in (f"{split}_captions", f"{split}_image_idxs"):
                data[key] = h5_dataset(file, key, captions_path)[:]
    kind = "vgg16_fc7_pca" if pca_features else "vgg16_fc7"
    for split in ("train", "val"):
        data[f"{split}_features"] = feature_array(_existing(folder / f"{split}2014_{kind}.h5"))
        data[f"{split}_urls"] = _urls(_existing(folder / f"{split}2014_urls.txt"), split)
        _check_split(data, split, folder)
    return data


def read_references(path, images):
    """Read the original captions of a split.

    Inputs:
    - path: The file, `val_references.json`
    - images: Number of images in the split

    Returns a tuple of:
    - references: List with a list of captions, as strings, for each image that has any
    - rows: These images' rows in the features, ints

    Raises ValueError for a damaged file or one of another data set.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        references = [entry["captions"] for entry in entries]
        rows = np.array([entry["idx"] for entry in entries])
        for captions in references:
            if not all(isinstance(caption, str) for caption in captions):
                raise ValueError("captions must be strings")
        check_indices("idx", rows, images, "the features")
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} does not hold captions of this data set ({error}): fetch it again"
        ) from error
    return references, rows


def _existing(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: the data set in this folder is incomplete; fetch or build it again"
        )
    return path


def _vocabulary(path):
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))
        words = list(vocabulary["idx_to_word"])
        index = dict(vocabulary["word_to_idx"])
        if index != {word: i for i, word in enumerate(words)} or len(index) != len(words):
            raise ValueError("idx_to_word and word_to_idx contradict each other")
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} does not hold a vocabulary ({error}): fetch or build it again"
        ) from error
    return {"idx_to_word": words, "word_to_idx": index}


def _urls(path, split):
    """URLs of all images; a bare name becomes the URL of the file with that name in the data set's
    folders of images, if there is one.
    """
    try:
        urls = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not text in UTF-8 ({error}): fetch or build it again"
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
    problem = _problem(
        data[f"{split}_captions"],
        data[f"{split}_image_idxs"],
        len(data[f"{split}_features"]),
        len(data[f"{split}_urls"]),
        len(data["idx_to_word"]),
    )
    if problem:
        raise ValueError(f"{folder}, {split} split: {problem}; fetch or build the data set again")


def _problem(captions, images, rows, urls, V):
    if captions.ndim != 2 or captions.dtype.kind not in "iu":
        return (
            "captions must be integers of shape (captions, L), "
            f"got {captions.dtype} of shape {captions.shape}"
        )
    if images.dtype.kind not in "iu":
        return f"image indices must be integers, got {images.dtype}"
    if images.shape != captions.shape[:1]:
        return f"{len(captions)} captions need as many image indices, got shape {images.shape}"
    if captions.size and not 0 <= captions.min() <= captions.max() < V:
        return (
            f"captions hold indices {captions.min()} to {captions.max()}, "
            f"the vocabulary has {V} words (0 to {V - 1})"
        )
    if images.size and not 0 <= images.min() <= images.max() < rows:
        return (
            f"captions point at images {images.min()} to {images.max()}, features has {rows} rows"
        )
    if urls != rows:
        return f"features has {rows} rows, but there are {urls} URLs"
    return None
