"""Pictures and their captions become a data set in the course's COCO layout, which `load_coco_data` reads.

A picture's features are the spatial mean of the last layer of SqueezeNet's `features`, (512,). In the data set they are
centred and scaled by the training split; `features.json` keeps by how much, so that new pictures can be treated alike:

    raw = image_features(["new.jpg"], load_squeezenet(...))
    captions = model.sample(transform_features(raw, "my_captioning"))
"""

import json
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from deeplearning.coco_utils import feature_statistics, find_dataset
from deeplearning.metrics import UNKNOWN, tokenize

SPECIAL = ("<NULL>", "<START>", "<END>", "<UNK>")


def build_dataset(out, splits, network, *, min_count=5, length=17):
    """Write a data set; the pictures themselves are the caller's to put into its images/, train_images/ or val_images/.

    Inputs:
    - out: Folder to write into, which is there
    - splits: Dictionary with, for "train" and "val", a list of pairs: path of a picture, list of its captions
    - network: From `load_squeezenet`
    - min_count: How often a word must occur in the training captions to be in the vocabulary
    - length: Number of words that a stored caption has, <START> and <END> included

    Raises FileNotFoundError for a missing folder or picture, and ValueError for splits of another form and for a broken
    picture.
    """
    out = Path(out)
    if not out.is_dir():
        raise FileNotFoundError(f"{out} is no folder: make the data set's folder first")
    _check_splits(splits)
    captions = {split: [c for _, captions in pairs for c in captions] for split, pairs in splits.items()}
    word_to_idx = vocabulary(captions["train"], min_count)
    _write_json(out / "coco2014_vocab.json", {"idx_to_word": list(word_to_idx), "word_to_idx": word_to_idx})
    with h5py.File(out / "coco2014_captions.h5", "w") as file:
        for split, pairs in splits.items():
            counts = [len(captions) for _, captions in pairs]
            file[f"{split}_captions"] = encode(captions[split], word_to_idx, length)
            file[f"{split}_image_idxs"] = np.repeat(np.arange(len(pairs), dtype=np.int32), counts)
    _write_names(out, splits)
    _write_features(out, splits, network)


def vocabulary(captions, min_count=5):
    """The words that captions are stored in.

    Inputs:
    - captions: Strings, those of the training split
    - min_count: How often a word must occur in them

    Returns: dictionary from word to index: <NULL>, <START>, <END>, <UNK>, then the words, the most frequent one first,
    equally frequent ones by the alphabet
    """
    counts = Counter(word for caption in captions for word in tokenize(caption))
    del counts[UNKNOWN]  # a caption that says <UNK> means <UNK>
    words = sorted((word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word))
    return {word: index for index, word in enumerate([*SPECIAL, *words])}


def encode(captions, word_to_idx, length=17):
    """Captions as indices: <START>, the words, <END>, then <NULL> up to the length.

    Inputs:
    - captions: n strings
    - word_to_idx: From `vocabulary`; other words become <UNK>
    - length: L, at least 3; captions of more than L - 2 words are cut

    Returns: int32 array of shape (n, L)

    Raises ValueError for a smaller length.
    """
    if length < 3:
        raise ValueError(f"length must be at least 3, for <START>, a word and <END>, got {length}")
    null, start, end, unknown = (word_to_idx[word] for word in SPECIAL)
    encoded = np.full((len(captions), length), null, np.int32)
    for row, caption in zip(encoded, captions, strict=True):
        words = [word_to_idx.get(word, unknown) for word in tokenize(caption)[: length - 2]]
        row[: len(words) + 2] = [start, *words, end]
    return encoded


def image_features(paths, network, batch_size=10, progress=True):
    """What a network sees in pictures, which are squashed to the size that it was trained on.

    Inputs:
    - paths: Files of n pictures
    - network: From `load_squeezenet`
    - batch_size: Number of pictures at a time; a few, which fit into the cache, are faster on CPUs than many
    - progress: Whether to show a progress bar

    Returns: float32 array of shape (n, 512)

    Raises FileNotFoundError for a missing picture and ValueError for a broken one.
    """
    like = next(network.parameters())
    mean, std = (torch.tensor(values).view(3, 1, 1).to(like) for values in (network.mean, network.std))
    features = np.empty((len(paths), 512), np.float32)
    with torch.no_grad(), tqdm(total=len(paths), disable=not progress, file=sys.stdout, unit="picture") as bar:
        for start in range(0, len(paths), batch_size):
            pictures = np.stack([_picture(path, network.image_size) for path in paths[start : start + batch_size]])
            # (B, S, S, 3) to (B, 3, S, S), without a copy: with the colours last in memory, CPUs are twice as fast
            x = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(like) / 255
            features[start : start + len(x)] = network.features((x - mean) / std).mean((2, 3)).cpu().numpy()
            bar.update(len(x))
    return features


def transform_features(raw, folder=None):
    """Centre and scale features of new pictures as a data set's own ones were.

    Inputs:
    - raw: Array of shape (n, 512), from `image_features`
    - folder: The data set, as given to `load_coco_data`

    Returns: float32 array of shape (n, 512)

    Raises FileNotFoundError where the data set does not say how, and ValueError where its `features.json` is damaged or
    features have another shape.
    """
    path = find_dataset(folder) / "features.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: how the features of this data set were made is not known, so new pictures can't be "
            "treated alike; build the data set with deeplearning.datasets.build"
        )
    try:
        transform = json.loads(path.read_text(encoding="utf-8"))
        mean, std = np.array([transform["mean"], transform["std"]], np.float32)  # (512,) each
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} holds no mean and std of features ({error}): build the data set again") from error
    raw = np.asarray(raw, np.float32)
    if raw.shape[1:] != mean.shape:
        raise ValueError(f"raw must have shape (n, {len(mean)}), as image_features returns it, got {raw.shape}")
    return (raw - mean) / std


def _check_splits(splits):
    """Refuse what would give a data set that can't be trained on, before any work is done."""
    if set(splits) != {"train", "val"} or not all(splits.values()):
        counts = {split: len(pairs) for split, pairs in splits.items()}
        raise ValueError(f"splits must hold pictures for 'train' and for 'val', got these numbers of them: {counts}")
    for split, pairs in splits.items():
        names = Counter(Path(path).name for path, _ in pairs)
        name, count = names.most_common(1)[0]
        if count > 1:
            raise ValueError(f"{split}: {count} pictures are called {name}; a data set knows pictures by their names")
        for path, captions in pairs:
            if isinstance(captions, str) or not captions or not all(map(tokenize, captions)):
                raise ValueError(
                    f"{split}: {path} needs a list of at least one caption, with words in each, got {captions!r}"
                )


def _write_names(out, splits):
    """The names of all pictures, and val's captions as people wrote them."""
    for split, pairs in splits.items():
        text = "".join(f"{Path(path).name}\n" for path, _ in pairs)
        (out / f"{split}2014_urls.txt").write_text(text, encoding="utf-8", newline="\n")
    references = [
        {"idx": row, "file_name": Path(path).name, "url": None, "captions": list(captions)}
        for row, (path, captions) in enumerate(splits["val"])
    ]
    _write_json(out / "val_references.json", references, indent=0)


def _write_features(out, splits, network):
    raw = {split: image_features([path for path, _ in pairs], network) for split, pairs in splits.items()}
    mean, std = feature_statistics(raw["train"])
    transform = {"network": network.weights, "mean": mean.tolist(), "std": std.tolist()}
    _write_json(out / "features.json", transform)
    for split in splits:
        with h5py.File(out / f"{split}2014_vgg16_fc7_pca.h5", "w") as file:
            file["features"] = transform_features(raw[split], out)


def _write_json(path, value, indent=None):
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8", newline="\n")


def _picture(path, size):
    """A picture's pixels, uint8 of shape (size, size, 3); one of that size already is taken as it is."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
    except FileNotFoundError:
        raise FileNotFoundError(f"the picture {path} is missing: put it there, or leave it out") from None
    except Exception as error:  # damaged bytes make Pillow raise almost anything
        raise ValueError(f"the picture {path} can't be read ({error}): replace it, or leave it out") from error
