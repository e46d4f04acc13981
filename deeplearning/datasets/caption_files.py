"""Read the files in which captions of pictures are kept, row by row.

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
import re
from pathlib import Path

import ijson

SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}
SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}


def json_rows(path, find, left_out):
    """Rows of either kind of JSON.

    Inputs:
    - path: The file
    - find: Function from a picture's name to its path, or None, and a remark that is not used
    - left_out: Dictionary of dictionaries that takes the names of what is left out, by the reason

    Yields: name of a picture, split or None, and caption; None in its place tells of a picture
    without one

    Raises ValueError for a damaged file, one of another form, or one that contradicts itself.
    """
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
            f"({type(error).__name__}: {error}): deeplearning/datasets/caption_files.py "
            "describes both"
        ) from error


def _coco_rows(path, find, left_out):
    names = {}  # by ids as text: some files hold 1 in one place and "1" in the other
    for image in _items(path, "images.item"):
        name = _text(image["file_name"])
        if names.setdefault(str(image["id"]), name) != name:
            raise ValueError(
                f"{path}: id {image['id']} belongs to {names[str(image['id'])]!r} and to "
                f"{name!r}: fix the ids"
            )
        yield name, None, None
    if not names:
        raise KeyError("images")
    yield from _coco_captions(path, names, find, left_out)


def _coco_captions(path, names, find, left_out):
    seen = set()
    without = 0
    for annotation in _items(path, "annotations.item"):
        image = annotation["image_id"]
        name = names.get(str(image))
        if name is None:
            reason = "captions of pictures that the file does not list"
            left_out[reason][f"image_id {image}"] = None
        elif "caption" not in annotation:
            without += 1
            reason = "annotations without a caption"
            left_out[reason][f"id {annotation.get('id')}"] = None
        elif find(name)[0]:  # of other pictures, nothing is kept in memory
            caption = _text(annotation["caption"])
            number = annotation.get("id")
            key = hash((str(number), name, caption))  # some files count anew for each picture
            if number is not None and key in seen:
                left_out["captions that occurred before"][f"id {number}"] = None
                continue
            seen.add(key)
            yield name, None, caption
    if without and not seen:
        raise KeyError("caption")


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
        yield from ijson.items(_Screened(file), prefix)


class _Screened:
    """A file of JSON, made safe for a parser in C.

    NaN and Infinity, which Python writes and JSON does not know, become null. Numbers of thousands
    of digits, which crash the parser, are refused.
    """

    STRING = re.compile(rb'("(?:[^"\\]|\\.)*")', re.DOTALL)
    UNKNOWN = re.compile(rb"-?\b(?:NaN|Infinity)\b")
    DIGITS = re.compile(rb"\d{1000}")
    UNFINISHED = re.compile(rb'(?:"|[-+.\w]*\Z)', re.DOTALL)  # a string or a word that goes on

    def __init__(self, file):
        self.file = file
        self.rest = b""

    def read(self, size):
        if size == 0:  # a question for the kind of file, not for its content
            return b""
        while chunk := self.file.read(size):
            text = self._screened(self.rest + chunk)
            if text:
                return text
        last = self._screened(self.rest + b" ")
        self.rest = b""
        return last.rstrip()

    def _screened(self, text):
        parts = self.STRING.split(text)  # strings stand at odd places
        end = self.UNFINISHED.search(parts[-1]).start()
        self.rest = parts[-1][end:]
        parts[-1] = parts[-1][:end]
        for k in range(0, len(parts), 2):
            if self.DIGITS.search(parts[k]) or self.DIGITS.match(self.rest):
                raise ijson.JSONError("a number has more than 1,000 digits")
            parts[k] = self.UNKNOWN.sub(b"null", parts[k])
        return b"".join(parts)


def csv_rows(path):
    """Rows of a CSV file, as from `json_rows`. Raises ValueError for what can't be read as such."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            separator = max(",;\t", key=header.count)
            rows = csv.DictReader(
                file, _columns(header, separator), restkey="more", restval="", delimiter=separator
            )
            line = 2
            for row in rows:
                _check_row(row, line, separator)
                split = row.get("split", "").strip() or None
                yield row["image"], SPLITS.get(split), row["caption"]
                line = rows.line_num + 2
    except (csv.Error, UnicodeDecodeError, ValueError) as error:
        raise ValueError(
            f"{path} can't be read as CSV in UTF-8 ({error}): fix it, or save it again as such"
        ) from error


def _columns(header, separator):
    cells = next(csv.reader([header], delimiter=separator), [])
    columns = [cell.strip().lower() for cell in cells]
    if not {"image", "caption"} <= set(columns):
        raise ValueError(
            f"its first line must name the columns image and caption, got {header.strip()!r}"
        )
    return columns


def _check_row(row, line, separator):
    """Refuse a row with too many cells, in an unknown split, or that has swallowed others."""
    if "more" in row:
        raise ValueError(f"line {line} has too many columns: put {separator!r} into quotes")
    split = row.get("split", "").strip()
    if split and split not in SPLITS:
        raise ValueError(
            f"{row['image']!r} is in split {split!r}, which is none of {', '.join(SPLITS)}"
        )
    for further in row["caption"].splitlines()[1:]:
        name = further.partition(separator)[0].strip()
        if separator in further and Path(name).suffix.lower() in SUFFIXES:
            raise ValueError(
                f"a quote that opens in line {line} is not closed there, and swallows the row of "
                f"{name}: close it"
            )
