"""Read captions of pictures from the files in which people keep them.

- COCO annotations (captions_train2014.json and alike): "images" with id and file_name,
  "annotations" with image_id and caption
- Karpathy's split (dataset_coco.json, dataset_flickr8k.json): "images" with filename, split and
  sentences; restval counts as train. Karpathy and Li, "Deep visual-semantic alignments", 2015
- CSV in UTF-8 whose first line names its columns: image (a file name), caption and, optionally,
  split (train, val or test); one line a caption. Commas separate them, or the semicolons or tabs
  that spreadsheets write

JSON is read as a stream: memory grows with the captions that are kept, not with the file.
"""

import csv
import os
import unicodedata
from collections import defaultdict
from pathlib import Path

import ijson
import numpy as np

from deeplearning.metrics import tokenize

SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}
SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}


def read_captions(path, images, val_path=None):
    """Read a file of captions, and find the pictures.

    Inputs:
    - path: The file; what ends in .csv or .tsv is CSV, the rest JSON
    - images: Folder with the pictures, or with folders of pictures
    - val_path: None, or a second file, for validation; then the first is for training, and neither
      may name splits

    Returns a tuple of:
    - splits: Dictionary with a list of pairs for each split that the file names ("train", "val",
      "test"), or for None where it names none: path of a picture, list of its captions as they were
      written. No list is empty
    - left_out: Dictionary from a reason to the list of names that were left out for it

    Raises FileNotFoundError for a missing file or folder, PermissionError for one that can't be
    read, and ValueError for a damaged file, one of another form, or one that contradicts itself.
    """
    # of inner dictionaries only the keys count
    find = _Finder(images)
    pictures = {}
    left_out = defaultdict(dict)
    for name, split, caption in _all_rows(path, val_path, find, left_out):
        picture = find(name)
        if picture is None:
            left_out[f"not in {images}, or there more than once"][name] = None
            continue
        known_split, captions = pictures.setdefault(picture, (split, []))
        if split != known_split:
            raise ValueError(
                f"{name!r} is in split {known_split} and in {split}: name one for each picture"
            )
        if caption is not None and tokenize(caption):
            captions.append(caption)
        elif caption is not None:
            left_out["captions without a word, of"][name] = None
    unknown = find.pictures() - set(pictures)
    left_out["in the folder, but not in the file"] |= dict.fromkeys(
        sorted(os.path.relpath(p, images) for p in unknown)
    )
    splits = defaultdict(list)
    for picture, (split, captions) in pictures.items():
        if captions:
            splits[split].append((picture, captions))
        else:
            left_out["without a caption"][os.path.relpath(picture, images)] = None
    if None in splits and len(splits) > 1:
        raise ValueError(
            f"{path}: {splits[None][0][0].name!r} is in no split, others are: name one for each "
            "picture"
        )
    if not splits:
        raise ValueError(
            f"no picture in {images} has a caption in {path}: name the folder of the pictures it "
            "speaks of"
        )
    return dict(splits), {reason: list(names) for reason, names in left_out.items() if names}


def draw_split(pairs, share, seed):
    """Divide pictures at random; the same pictures and seed give the same splits, in whatever order
    they come.

    Inputs:
    - pairs: List of at least two pairs, as in `read_captions`
    - share: Of the pictures that validation gets, between 0 and 1; at least one is in each split
    - seed: Of the draw

    Returns: dictionary with the lists for "train" and "val", each in the order of `pairs`

    Raises ValueError for a share out of range, and for less than two pictures.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share of validation must lie between 0 and 1, got {share}")
    if len(pairs) < 2:
        raise ValueError(
            "at least two pictures are needed, one to learn from and one to validate, got "
            f"{len(pairs)}"
        )
    paths = sorted(str(path) for path, _ in pairs)
    count = min(max(1, round(share * len(paths))), len(paths) - 1)
    val = {paths[k] for k in np.random.default_rng(seed).permutation(len(paths))[:count]}
    return {
        "train": [pair for pair in pairs if str(pair[0]) not in val],
        "val": [pair for pair in pairs if str(pair[0]) in val],
    }


class _Finder:
    """Finds pictures by their path in a folder, or in one around it; by their name alone in folders
    inside it, too.
    """

    def __init__(self, folder):
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"no folder of pictures at {folder}: look at the spelling")
        self.by_path = {}
        self.by_name = {}
        for where, _, names in os.walk(folder, onerror=self._unreadable, followlinks=True):
            for name in names:
                path = Path(where, name)
                name = _normal(name)
                self.by_path[_normal(path.relative_to(folder).as_posix())] = path
                # None: it is not known which one is meant
                self.by_name[name] = None if name in self.by_name else path

    def __call__(self, name):
        parts = _normal(name).split("/")
        paths = ("/".join(parts[k:]) for k in range(len(parts)))  # images/a.jpg, and then a.jpg
        found = next(filter(None, map(self.by_path.get, paths)), None)
        return found or (self.by_name.get(parts[0]) if len(parts) == 1 else None)

    def pictures(self):
        """All files whose names end as those of pictures do."""
        return {path for path in self.by_path.values() if path.suffix.lower() in SUFFIXES}

    def _unreadable(self, error):
        raise PermissionError(
            f"can't read the folder {error.filename} ({error.strerror}): ask for permission to "
            "read it"
        )


def _normal(name):
    """Accents are spelt in one or two characters, depending on who wrote the name."""
    return unicodedata.normalize("NFC", name.removeprefix("./"))


def _all_rows(path, val_path, find, left_out):
    """Triples of file name, split and caption; caption None tells of a picture alone."""
    files = (
        [(Path(path), None)]
        if val_path is None
        else [(Path(path), "train"), (Path(val_path), "val")]
    )
    for path, given in files:
        if not path.is_file():
            raise FileNotFoundError(
                f"no captions at {path}: look at the spelling, and at which folder it is in"
            )
        rows = (
            _csv_rows(path)
            if path.suffix.lower() in (".csv", ".tsv")
            else _json_rows(path, find, left_out)
        )
        for name, split, caption in rows:
            if given and split:
                raise ValueError(
                    f"{path} names splits itself: give it alone, without a file for validation"
                )
            yield name, given or split, caption


def _json_rows(path, find, left_out):
    """Rows of either kind of JSON."""
    try:
        first = next(_items(path, "images.item"), {})
        yield from (
            _karpathy_rows(path) if "sentences" in first else _coco_rows(path, find, left_out)
        )
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]  # the lines after it show where
        raise ValueError(f"{path} is damaged or no JSON file ({reason}): fetch it again") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} has neither the form of COCO's captions nor that of Karpathy's "
            f"({type(error).__name__}: {error}): deeplearning/datasets/captions.py describes both"
        ) from error


def _coco_rows(path, find, left_out):
    names = {}
    seen = set()
    for image in _items(path, "images.item"):
        name = _text(image["file_name"])
        if names.setdefault(image["id"], name) != name:
            raise ValueError(
                f"{path}: id {image['id']} belongs to {names[image['id']]!r} and to {name!r}: mend "
                "the ids"
            )
        yield name, None, None
    if not names:
        raise KeyError("images")
    for annotation in _items(path, "annotations.item"):
        number = annotation.get("id")
        name = names.get(annotation["image_id"])
        if name is None:
            left_out["captions of pictures that the file does not list"][
                f"image_id {annotation['image_id']}"
            ] = None
        elif number is not None and number in seen:
            left_out["captions whose id occurred before"][f"id {number}"] = None
        # in a large file about other pictures there is nothing to be kept in memory
        elif find(name):
            seen.add(number)
            yield name, None, _text(annotation["caption"])


def _karpathy_rows(path):
    for image in _items(path, "images.item"):
        name = _text(image["filename"])
        split = image["split"]
        if split not in SPLITS:
            raise ValueError(
                f"{path}: {name!r} is in split {split!r}, which is none of {', '.join(SPLITS)}"
            )
        yield name, SPLITS[split], None
        for sentence in image["sentences"]:
            yield name, SPLITS[split], _text(sentence["raw"])


def _text(value):
    """A text; null, which stands where people wrote none, is an empty one."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} stands where a text should be")
    return value or ""


def _items(path, prefix):
    with open(path, "rb") as file:
        if file.read(3) != b"\xef\xbb\xbf":  # a mark of UTF-8 that some editors write
            file.seek(0)
        yield from ijson.items(file, prefix)


def _csv_rows(path):
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            separator = max(",;\t", key=header.count)
            columns = [
                column.strip().lower()
                for column in next(csv.reader([header], delimiter=separator), [])
            ]
            if not {"image", "caption"} <= set(columns):
                raise ValueError(
                    "its first line must name the columns image and caption, got "
                    f"{header.strip()!r}"
                )
            rows = csv.DictReader(file, columns, restkey="more", restval="", delimiter=separator)
            for row in rows:
                if "more" in row:
                    raise ValueError(
                        f"line {rows.line_num + 1} has too many columns: put {separator!r} into "
                        "quotes"
                    )
                split = row.get("split") or None
                if split is not None and split not in SPLITS:
                    raise ValueError(
                        f"{row['image']!r} is in split {split!r}, which is none of "
                        f"{', '.join(SPLITS)}"
                    )
                yield row["image"], SPLITS.get(split), row["caption"]
    except (csv.Error, UnicodeDecodeError, ValueError) as error:
        raise ValueError(
            f"{path} can't be read as CSV in UTF-8 ({error}): mend it, or save it again as such"
        ) from error
