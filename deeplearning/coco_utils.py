"""Captioned images: load a data set, draw minibatches, decode captions.

`dataset_folder.py` describes the files of a data set, and `datasets/finding.py` decides which one
is loaded.
"""

import numpy as np

from deeplearning.dataset_folder import read_dataset, read_references
from deeplearning.datasets.finding import find_dataset


def load_coco_data(base_dir=None, max_train=None, pca_features=True):
    """Load a captioning data set.

    Inputs:
    - base_dir: Its folder, or the name of one in the data folder. None: the one that the
      environment variable DEEPLEARNING_CAPTIONS names; otherwise coco_captioning in the data folder
      if it exists; otherwise Toytown, which comes with the project and is written on first use
      under the name toytown_captioning
    - max_train: None for all training captions, or how many to draw, with replacement, from NumPy's
      global generator
    - pca_features: Whether to load the features reduced by PCA (D 512), or the full ones (D 4096)

    Returns a dictionary with:
    - train_captions, val_captions: int arrays of shape (captions, L)
    - train_image_idxs, val_image_idxs: int arrays of shape (captions,), the image of each caption
    - train_features, val_features: arrays of shape (images, D); large ones stay on disk, see
      `feature_array`
    - train_urls, val_urls: arrays of str, of shape (images,)
    - idx_to_word: list of the words; word_to_idx: dictionary from word to index

    Raises FileNotFoundError for a missing folder or file, and ValueError for a damaged one or one
    whose contents do not fit together.
    """
    data = read_dataset(find_dataset(base_dir), pca_features)
    if max_train is not None:
        drawn = np.random.randint(len(data["train_captions"]), size=max_train)
        for key in ("train_captions", "train_image_idxs"):
            data[key] = data[key][drawn]
    return data


def sample_coco_minibatch(data, batch_size=100, split="train"):
    """Draw captions, with replacement, from NumPy's global generator.

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
    captions = data[f"{split}_captions"][drawn]
    features = data[f"{split}_features"][images]
    urls = data[f"{split}_urls"][images]
    return captions, features, urls


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
        return _decode(captions.tolist(), idx_to_word)
    return [_decode(caption, idx_to_word) for caption in captions.tolist()]


def _decode(caption, idx_to_word):
    words = []
    for index in caption:
        word = _word(index, idx_to_word)
        if word != "<NULL>":
            words.append(word)
        if word == "<END>":
            break
    return " ".join(words)


def _word(index, idx_to_word):
    try:
        if index < 0:  # Python would count from the end
            raise IndexError
        return idx_to_word[index]
    except (IndexError, KeyError):
        raise ValueError(
            f"captions hold index {index}, but the vocabulary has {len(idx_to_word)} words"
        ) from None


def decode_sentences(captions, idx_to_word):
    """As `decode_captions` for captions of shape (N, L), but without <END>. Returns: N strings."""
    decoded = decode_captions(captions, idx_to_word)
    return [caption.removesuffix("<END>").strip() for caption in decoded]


def load_references(data, base_dir=None, split="val"):
    """Original captions of each image, to score against.

    Inputs:
    - data: From `load_coco_data`
    - base_dir: As given to `load_coco_data`
    - split: "train" or "val"

    Returns a tuple of:
    - references: List with a list of captions, as strings, for each image that has any
    - rows: These images' rows in the features, ints

    The captions come from `<split>_references.json` in the folder. If that file doesn't exist, they
    come from the data set itself, with rare words as <UNK> and long captions cut.

    Raises ValueError for a damaged file.
    """
    path = find_dataset(base_dir) / f"{split}_references.json"
    if path.exists():
        return read_references(path, len(data[f"{split}_features"]))
    by_image = {}
    captions = decode_captions(data[f"{split}_captions"], data["idx_to_word"])
    for image, caption in zip(data[f"{split}_image_idxs"].tolist(), captions, strict=True):
        by_image.setdefault(image, []).append(caption)
    rows = sorted(by_image)
    return [by_image[row] for row in rows], np.array(rows)
