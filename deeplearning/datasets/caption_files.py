"""Read the files in which captions of pictures are kept, row by row.

- COCO annotations (captions_train2014.json and alike): "images" with id and file_name,
  "annotations" with image_id and caption
- Karpathy's split (dataset_coco.json, dataset_flickr8k.json): "images" with filename, split and
  sentences; restval counts as train. Karpathy and Li, "Deep visual-semantic alignments", 2015
- JSON lines (Hugging Face's metadata.jsonl), or a JSON list: objects with file_name and text, or
  whatever else tables call these two
- Tables: see `caption_tables.py`

What is in a file decides, not the ending of its name. JSON is read as a stream: memory grows with
the captions that are kept, not with the file. An entry of another form costs that entry alone.
"""

import json
import re
from decimal import Decimal
from pathlib import Path

import ijson

from deeplearning.checks import shortened
from deeplearning.datasets.caption_tables import (
    CAPTIONS,
    IMAGES,
    SPLITS,
    column,
    first_line,
    is_table,
    table_rows,
)

ODD = (KeyError, TypeError, AttributeError)  # what reading an entry of another form raises


def caption_rows(path, find, left_out):
    """Rows of a file of captions, whatever its form.

    Inputs:
    - path: The file
    - find: Function from a picture's name to its path, or None, and a remark that is not used
    - left_out: Dictionary of dictionaries that takes the names of what is left out, by the reason

    Yields: name of a picture, split or None, and caption; None in its place tells of a picture
    without one

    Raises ValueError for a damaged file, one of another form, or one that contradicts itself.
    """
    line = first_line(path)
    ending = Path(path).suffix.lower()
    if ending == ".jsonl" or line.lstrip()[:1] == "{" and _is_row(line):
        return _json_lines(path, left_out)
    if (
        line.lstrip()[:1] in ("{", "[")
        or Path(path).suffix.lower() == ".json"
        and not is_table(line)
    ):
        return _json_rows(path, find, left_out)
    return table_rows(path, find, left_out)


def _json_rows(path, find, left_out):
    try:
        if first_line(path).lstrip()[:1] == "[":
            yield from _kept(_items(path, "item"), _named_rows, "entry", left_out)
            return
        first = next(_items(path, "images.item"), {})
        yield from (
            _karpathy_rows(path, left_out)
            if "sentences" in first
            else _coco_rows(path, find, left_out)
        )
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = error.args[0] if isinstance(error, ijson.JSONError) else error
        if isinstance(reason, bytes):
            reason = reason.decode("utf-8", "replace")
        reason = str(reason).partition("\n")[0]  # the lines after it show where
        raise ValueError(f"{path} is damaged or no JSON file ({reason}): fetch it again") from error
    except ODD as error:
        raise ValueError(
            f"{path} has neither the form of COCO's captions nor that of Karpathy's "
            f"({type(error).__name__}: {error}): deeplearning/datasets/caption_files.py "
            "describes both"
        ) from error


def _kept(entries, read, what, left_out):
    """The rows that `read` finds in each entry. What can't be read is left out by its number,
    unless nothing else is there: then its error is raised.
    """
    first = None
    any_good = False
    for number, entry in enumerate(entries, 1):
        try:
            rows = read(entry)
            any_good = True
        except ODD as error:
            first = first or error
            left_out["of another form"][f"{what} {number}: {_said(error)}"] = None
            continue
        yield from rows
    if first is not None and not any_good:
        raise first


def _said(error):
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _named_rows(entry):
    """Rows of an object that has a name and one or more captions, by whatever keys."""
    if not isinstance(entry, dict):
        raise TypeError(f"{shortened(entry)} stands where an object should be")
    name = column(entry, IMAGES)
    caption = column(entry, CAPTIONS)
    if name is None or caption is None:
        raise KeyError("file_name" if name is None else "text")
    split = _split(entry["split"]) if entry.get("split") else None
    captions = entry[caption] if isinstance(entry[caption], list) else [entry[caption]]
    name = _text(entry[name])
    return [(name, split, _text(text)) for text in captions]


def _is_row(line):
    """Whether a line is an object by itself that names a picture."""
    try:
        return isinstance(row := json.loads(line), dict) and column(row, IMAGES) is not None
    except (ValueError, RecursionError):
        return False


def _json_lines(path, left_out):
    any_good = False
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:  # NaN stands where people wrote none
                rows = _named_rows(json.loads(line, parse_constant=lambda _: None))
                any_good = True
            except (*ODD, ValueError, RecursionError) as error:
                reason = _said(error) if isinstance(error, ODD) else "it is no JSON"
                left_out["of another form"][f"line {number}: {reason}"] = None
                continue
            yield from rows
    if not any_good:
        raise ValueError(f"{path} has no line with file_name and text: fix it, or fetch it again")


def _coco_rows(path, find, left_out):
    names = {}

    def read(image):
        number = _id(image["id"])
        name = _text(image["file_name"])
        if names.setdefault(number, name) != name:
            raise ValueError(
                f"{path}: id {number} belongs to {shortened(names[number])} and to "
                f"{shortened(name)}: fix the ids"
            )
        return [(name, None, None)]

    yield from _kept(_items(path, "images.item"), read, "image", left_out)
    if not names:
        raise KeyError("images")
    yield from _coco_captions(path, names, find, left_out)


def _coco_captions(path, names, find, left_out):
    seen = set()

    def read(annotation):
        image = _id(annotation["image_id"])
        name = names.get(image)
        if name is None:
            reason = "captions of pictures that the file does not list"
            left_out[reason][f"image_id {image}"] = None
            return []
        caption = _text(annotation["caption"])
        if not find(name)[0]:  # of other pictures, nothing is kept in memory
            return []
        number = annotation.get("id")
        key = hash((str(number), name, caption))  # some files count anew for each picture
        if number is not None and key in seen:
            left_out["captions that occurred before"][f"id {number}"] = None
            return []
        seen.add(key)
        return [(name, None, caption)]

    yield from _kept(_items(path, "annotations.item"), read, "annotation", left_out)


def _id(number):
    """An id as text: some files hold 1 in one place, and "1", "0001" or 1.0 in the other."""
    if isinstance(number, Decimal) and number == number.to_integral_value():
        number = int(number)
    if not isinstance(number, int | str | Decimal) or isinstance(number, bool):
        raise TypeError(f"{shortened(number)} stands where an id should be")
    text = str(number).strip()
    return str(int(text)) if text.isdecimal() and len(text) < 20 else text


def _split(name):
    """The split that a file's name for it means."""
    split = SPLITS.get(name.lower()) if isinstance(name, str) else None
    if split is None:
        raise ValueError(f"split {shortened(name)}, which is none of {', '.join(SPLITS)}")
    return split


def _karpathy_rows(path, left_out):
    def read(image):
        name = _text(image["filename"])
        try:
            split = _split(image["split"])
        except ValueError as error:
            raise ValueError(f"{path}: {shortened(name)} is in {error}") from None
        texts = _kept(
            image["sentences"], lambda s: [_text(s["raw"])], f"{name}, sentence", left_out
        )
        return [(name, split, None), *((name, split, text) for text in texts)]

    yield from _kept(_items(path, "images.item"), read, "image", left_out)


def _text(value):
    """A text; null, which stands where people wrote none, is an empty one."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{shortened(value)} stands where a text should be")
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
