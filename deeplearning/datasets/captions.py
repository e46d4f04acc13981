"""Find the pictures and captions for a new data set.

`caption_files.py` lists the supported forms of caption files.
"""

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from deeplearning.checks import check_counts, shortened
from deeplearning.datasets.caption_files import caption_rows
from deeplearning.datasets.caption_tables import SUFFIXES
from deeplearning.metrics import tokenize

AROUND = " \t\r\n\xa0\u200b\ufeff'\"\u2018\u2019\u201c\u201d"  # may be copied along with names
RESPELT = "found under another spelling"  # the only remark about names that are not left out
MISSING = {"nan", "null", "none", "n/a", "#n/a"}  # what programs write for a missing caption
SEVERAL = object()  # instead of a path: more than one picture could be meant


def read_captions(path, images, val_path=None):
    """Read a file of captions, and find the pictures.

    Inputs:
    - path: The file, in any form that `caption_files.py` reads
    - images: Folder with the pictures, or with folders of pictures
    - val_path: None, or a second file, for validation; then the first is for training, and neither
      may name splits

    Returns a tuple of:
    - splits: Dictionary with a list of pairs for each split that the file names ("train", "val",
      "test"), or for None if it names none: path of a picture, list of its original captions. No
      list is empty
    - left_out: Dictionary from a reason to the list of names that were left out for it; the names
      under `RESPELT` were found anyway

    Raises FileNotFoundError for a missing file or folder, PermissionError for one that can't be
    read, and ValueError for a file that is damaged, in another form, or contradicts itself.
    """
    find = _Finder(images)
    left_out = defaultdict(dict)  # of the inner dictionaries only the keys count
    pictures = _captions_by_picture(_all_rows(path, val_path, find, left_out), find, left_out)
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
    left_out = {reason: list(names) for reason, names in left_out.items() if names}
    _check_splits(splits, left_out, path, images)
    return dict(splits), left_out


def _captions_by_picture(rows, find, left_out):
    """Dictionary from the path of a picture to its split and the list of its captions."""
    pictures = {}
    for name, split, caption in rows:
        picture, remark = find(name)
        if remark:
            left_out[remark][name] = None
        if picture is None:
            continue
        known_split, captions = pictures.setdefault(picture, (split, []))
        if split != known_split:
            raise ValueError(
                f"{shortened(name)} is in split {known_split} and in {split}: name one for each "
                "picture"
            )
        if caption is not None and tokenize(caption) and caption.strip().lower() not in MISSING:
            captions.append(caption)
        elif caption is not None:
            left_out["captions without a word, of"][name] = None
    return pictures


def _check_splits(splits, left_out, path, images):
    """Refuse captions if none has a picture, or only some have a split."""
    if None in splits and len(splits) > 1:
        raise ValueError(
            f"{path}: {splits[None][0][0].name!r} is in no split, others are: name one for each "
            "picture"
        )
    if not splits:
        reasons = [f"; {reason}: {shortened(names[0])}" for reason, names in left_out.items()]
        raise ValueError(
            f"no picture in {images} has a caption in {path}: name the folder of the pictures it "
            f"describes{''.join(reasons)}"
        )


def draw_split(pairs, share, seed):
    """Split pictures at random; the same pictures and seed give the same splits, whatever the order
    of the pictures.

    Inputs:
    - pairs: List of at least two pairs, as in `read_captions`
    - share: Fraction of the pictures for validation, between 0 and 1; each split gets at least one
    - seed: Seed of the random split

    Returns: dictionary with the lists for "train" and "val", each in the order of `pairs`

    Raises ValueError for a share out of range, and for less than two pictures.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share of validation must lie between 0 and 1, got {share}")
    check_counts(seed=seed)
    if len(pairs) < 2:
        raise ValueError(
            "at least two pictures are needed, one for training and one for validation, got "
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
    """Finds pictures by the names that a caption file has for them.

    A name is a path in the folder, or in one of its parents; a bare name is also searched for in
    subfolders. If that finds nothing, capitals, spaces and quotes at the ends, backslashes, the
    extension and zeros before a number may differ; then a URL's escapes and what follows its ? or
    # are ignored, too.
    """

    def __init__(self, folder):
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"no folder of pictures at {folder}: check the spelling")
        self.folder = folder
        self.exact = _Names(str)
        self.loose = _Names(str.casefold)
        self.stems = _Names(_stem)
        for where, _, names in os.walk(folder, onerror=self._unreadable, followlinks=True):
            for name in names:
                path = Path(where, name)
                # bytes first, since old locales decode them differently from UTF-8
                inside = os.fsencode(path.relative_to(folder).as_posix())
                inside = _normal(inside.decode("utf-8", "surrogateescape"))
                self.exact.add(inside, path)
                if path.suffix.lower() in SUFFIXES:
                    self.loose.add(inside, path)
                    self.stems.add(inside, path)

    def __call__(self, name):
        """The path of a picture, or None; and a remark about its name, or None."""
        exact = self.exact.find(_normal(name))
        cleaned = _normal(posixpath.normpath(name.replace("\\", "/").strip(AROUND)))
        plain = _normal(unquote(re.split("[?#]", cleaned)[0]))
        found = exact or next(filter(None, map(self._respelt, {cleaned: 0, plain: 0})), None)
        if found is None:
            return None, f"not in {self.folder}"
        if found is SEVERAL:
            return None, f"more than once in {self.folder}"
        return found, None if exact else RESPELT

    def _respelt(self, name):
        return self.loose.find(name) or self.stems.find(name)

    def pictures(self):
        """All files with the extension of a picture."""
        return {path for path in self.exact.by_path.values() if path.suffix.lower() in SUFFIXES}

    def _unreadable(self, error):
        raise PermissionError(
            f"can't read the folder {error.filename} ({error.strerror}): ask for permission to "
            "read it"
        )


class _Names:
    """Files by path and by bare name; names with the same `key` count as the same."""

    def __init__(self, key):
        self.key = key
        self.by_path = {}
        self.by_name = {}

    def add(self, inside, path):
        inside = self.key(inside)
        name = inside.rpartition("/")[2]
        self.by_path[inside] = SEVERAL if inside in self.by_path else path
        self.by_name[name] = SEVERAL if name in self.by_name else path

    def find(self, name):
        parts = self.key(name).split("/")
        for k in range(len(parts)):  # images/a.jpg, and then a.jpg
            path = self.by_path.get("/".join(parts[k:]))
            if path is not None:
                return path
        return self.by_name.get(parts[0]) if len(parts) == 1 else None


def _stem(name):
    """A name without a picture's extension, and without the prefix that COCO's names had before
    their number in 2014.
    """
    stem, dot, ending = name.casefold().rpartition(".")
    stem = stem if dot + ending in SUFFIXES else name.casefold()
    return re.sub(r"(^|/)(?:coco_[a-z]+\d+_)?0{0,20}(?=\d+$)", r"\1", stem)


def _normal(name):
    """A name with its accents in one form: they may be spelt as one character or two."""
    return unicodedata.normalize("NFC", name.removeprefix("./"))


def _all_rows(path, val_path, find, left_out):
    """Triples of file name, split and caption; with caption None, the row only names a picture."""
    files = [(Path(path), None)]
    if val_path is not None:
        files = [(Path(path), "train"), (Path(val_path), "val")]
    for path, given in files:
        if not path.is_file():
            raise FileNotFoundError(
                f"no captions at {path}: check the spelling, and which folder it is in"
            )
        for name, split, caption in caption_rows(path, find, left_out):
            if given and split:
                raise ValueError(
                    f"{path} names splits itself: give it alone, without a file for validation"
                )
            yield name, given or split, caption
