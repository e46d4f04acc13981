"""Turn pictures and their captions into a data set in the course's COCO layout.

The features of pictures come from `classifiers/backbones.py`. For the data set they are centred and
scaled by the training split's statistics, or reduced by PCA as the course did for MS-COCO;
`feature_transform.py` stores how, so that new pictures can be treated in the same way. An
interrupted run resumes where it stopped when it is started again; until everything is written, it
all lies in OUT/building.part.
"""

import errno
import json
import shutil
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
from filelock import Timeout

from deeplearning.classifiers.backbones import feature_dim, last_layer, weights_sha256
from deeplearning.datasets.extraction import image_features_to_disk
from deeplearning.datasets.pca import check_components, principal_components
from deeplearning.feature_array import feature_array, feature_statistics
from deeplearning.feature_transform import FeatureTransform
from deeplearning.files import locked, make_folder
from deeplearning.metrics import UNKNOWN, tokenize

SPECIAL = ("<NULL>", "<START>", "<END>", "<UNK>")


def build_dataset(
    out, splits, network, *, min_count=5, length=17, components=None, link=False, skip_broken=False
):
    """Write a data set, except for the pictures: the caller puts them into its images/,
    train_images/ or val_images/.

    Inputs:
    - out: Existing folder to write into
    - splits: Dictionary with a list of pairs for "train" and one for "val": path of a picture, list
      of its captions
    - network: From `load_network` or `load_squeezenet`
    - min_count: How often a word must occur in the training captions to be in the vocabulary
    - length: Number of words of a stored caption, <START> and <END> included
    - components: None to centre and scale the features, or the number to which PCA of the training
      split reduces them; then the full features are written, too
    - link: Whether the data set refers to pictures by their present location, not just their name
    - skip_broken: Whether pictures that can't be read are left out; otherwise they raise

    Returns: dictionary from the paths of left-out pictures to the reason

    Raises FileNotFoundError for a missing folder or picture, ValueError for invalid splits, a
    broken picture or more components than there are training pictures or features, and OSError if
    the disk is full, the folder can't be written to or another run is building there.
    """
    out = Path(out)
    if not out.is_dir():
        raise FileNotFoundError(f"{out} is not a folder: make the data set's folder first")
    _check_splits(splits, link)
    word_to_idx = vocabulary(_all_captions(splits["train"]), min_count)
    encode([], word_to_idx, length)  # refuses too small a length now, not after hours
    if len(word_to_idx) == len(SPECIAL):
        raise ValueError(
            f"no word occurs {min_count} times in the training captions: ask for a smaller "
            "min_count"
        )
    if components is not None:
        check_components(components, len(splits["train"]), feature_dim(network))
    part = out / "building.part"
    make_folder(part)
    try:
        with locked(part / "lock", blocking=False):
            broken = _build(
                part, out, splits, network, min_count, length, components, link, skip_broken
            )
    except Timeout:
        raise OSError(
            f"another run is building in {out}: wait for it, or name another folder"
        ) from None
    shutil.rmtree(part)
    return broken


def vocabulary(captions, min_count=5):
    """The vocabulary of a data set.

    Inputs:
    - captions: The training captions, strings
    - min_count: How often a word must occur in them

    Returns: dictionary from word to index: <NULL>, <START>, <END>, <UNK>, then the words, the most
    frequent first, equally frequent ones in alphabetical order
    """
    counts = Counter(word for caption in captions for word in tokenize(caption))
    del counts[UNKNOWN]  # a caption that says <UNK> means <UNK>
    words = sorted(
        (word for word in counts if counts[word] >= min_count),
        key=lambda word: (-counts[word], word),
    )
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


def _check_splits(splits, link):
    """Refuse splits that would give an unusable data set, before any work is done."""
    if set(splits) != {"train", "val"} or not all(splits.values()):
        counts = {split: len(pairs) for split, pairs in splits.items()}
        raise ValueError(
            "splits must hold pictures for 'train' and for 'val', got these numbers of them: "
            f"{counts}"
        )
    for split, pairs in splits.items():
        names = Counter(str(path) if link else Path(path).name for path, _ in pairs)
        name, count = names.most_common(1)[0]
        if count > 1:
            raise ValueError(
                f"{split}: {count} pictures are called {name}; a data set identifies pictures by "
                "their names"
            )
        if not link and (
            broken := next((name for name in names if len(name.splitlines()) > 1), None)
        ):
            raise ValueError(
                f"{split}: the name {broken!r} holds a line break, and names are listed in lines: "
                "rename it"
            )
        for path, captions in pairs:
            if isinstance(captions, str) or not captions or not all(map(tokenize, captions)):
                raise ValueError(
                    f"{split}: {path} needs a list of at least one caption, with words in each, "
                    f"got {captions!r}"
                )


def _build(part, out, splits, network, min_count, length, components, link, skip_broken):
    """Extract features, write everything to the folder `part`, and move it into `out`."""
    ready = part / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir()
    full = part if components is None else ready  # with PCA, the course's layout has full features
    splits, broken = _extract(part, full, splits, network, skip_broken)
    _write_captions(ready, splits, min_count, length)
    _write_names(ready, splits, link)
    _write_features(ready, full, network, components)
    for name in ("projection.npy", "train2014_vgg16_fc7.h5", "val2014_vgg16_fc7.h5"):
        (out / name).unlink(missing_ok=True)  # from an earlier data set reduced by PCA
    for path in ready.iterdir():
        path.replace(out / path.name)
    return broken


def _extract(part, full, splits, network, skip_broken):
    """Write the raw features of all pictures that can be read.

    Returns: the splits without the other pictures, and why these were left out
    """
    readable = {}
    broken = {}
    for split, pairs in splits.items():
        paths = [path for path, _ in pairs]
        features, reasons = image_features_to_disk(paths, network, part, split, skip_broken)
        rows = np.setdiff1d(np.arange(len(pairs)), list(reasons))
        readable[split] = [pairs[row] for row in rows]
        broken |= {paths[row]: reason for row, reason in reasons.items()}
        if len(rows) == 0:
            raise ValueError(
                f"{split}: none of {len(pairs)} pictures can be read; "
                f"{next(iter(reasons.values()))}"
            )
        _write_array(
            full / f"{split}2014_vgg16_fc7.h5",
            len(rows),
            lambda k, f=features, rows=rows: f[rows[k]],
        )
    return readable, broken


def _all_captions(pairs):
    return [caption for _, captions in pairs for caption in captions]


def _write_captions(ready, splits, min_count, length):
    word_to_idx = vocabulary(_all_captions(splits["train"]), min_count)
    _write_json(
        ready / "coco2014_vocab.json",
        {"idx_to_word": list(word_to_idx), "word_to_idx": word_to_idx},
    )
    with h5py.File(ready / "coco2014_captions.h5", "w") as file:
        for split, pairs in splits.items():
            counts = [len(captions) for _, captions in pairs]
            file[f"{split}_captions"] = encode(_all_captions(pairs), word_to_idx, length)
            file[f"{split}_image_idxs"] = np.repeat(np.arange(len(pairs), dtype=np.int32), counts)


def _write_names(ready, splits, link):
    """Write where each picture can be seen, and the original validation captions."""
    for split, pairs in splits.items():
        names = [Path(path).absolute().as_uri() if link else Path(path).name for path, _ in pairs]
        text = "".join(f"{name}\n" for name in names)
        (ready / f"{split}2014_urls.txt").write_text(text, encoding="utf-8", newline="\n")
    references = [
        {"idx": row, "file_name": Path(path).name, "url": None, "captions": list(captions)}
        for row, (path, captions) in enumerate(splits["val"])
    ]
    _write_json(ready / "val_references.json", references, indent=0)


def _write_features(ready, full, network, components):
    """Fit the transform to the training split, and write it and the transformed features."""
    raw = {split: feature_array(full / f"{split}2014_vgg16_fc7.h5") for split in ("train", "val")}
    if components is None:
        mean, std, projection = *feature_statistics(raw["train"]), None
    else:
        mean, projection = principal_components(raw["train"], components)
        std = np.ones_like(mean)
    transform = FeatureTransform(
        network=network.name,
        weights=network.weights,
        weights_sha256=weights_sha256(network),
        layer=last_layer(network)[0],
        image_size=network.image_size,
        pixel_mean=network.mean,
        pixel_std=network.std,
        mean=mean,
        std=std,
        projection=projection,
    )
    transform.save(ready)
    for split, features in raw.items():
        path = ready / f"{split}2014_vgg16_fc7_pca.h5"
        _write_array(path, len(features), lambda rows, features=features: transform(features[rows]))


def _write_array(path, n, block, size=4096):
    """Write n rows to the array `features` of an HDF5 file; `block` returns the rows of a slice."""
    try:
        with h5py.File(path, "w") as file:
            for start in range(0, n, size):
                rows = block(slice(start, min(start + size, n)))
                if start == 0:
                    file.create_dataset("features", (n, rows.shape[1]), np.float32)
                file["features"][start : start + size] = rows
    except (OSError, RuntimeError) as error:
        # RuntimeError is what h5py raises when it closes files on a full disk
        code = getattr(error, "errno", None) or errno.ENOSPC
        raise OSError(
            code,
            f"could not write {path}: free space there, then start again; it will go on from here",
        ) from error


def _write_json(path, value, indent=None):
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8", newline="\n")
