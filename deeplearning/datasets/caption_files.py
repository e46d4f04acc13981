"""Read caption files, row by row.

- COCO annotations (captions_train2014.json and the like): "images" with id and file_name,
  "annotations" with image_id and caption
- Karpathy's split (dataset_coco.json, dataset_flickr8k.json): "images" with filename, split and
  sentences; restval counts as train. Karpathy and Li, "Deep visual-semantic alignments", 2015
- JSON lines (Hugging Face's metadata.jsonl), or a JSON list: objects with file_name and text, or
  any other column names that tables may have for these two
- A JSON object from names of pictures to their captions
- Tables: see `caption_tables.py`

A single caption may always stand in place of a list. A file's content decides its form, not its
extension. JSON is read as a stream (`json_stream.py`). If an entry has another form, only that
entry is lost.
"""

import json
from decimal import Decimal
from pathlib import Path

import ijson

from deeplearning.checks import shortened
from deeplearning.datasets.caption_tables import (
    CAPTIONS,
    IMAGES,
    columns,
    encoding_of,
    first_line,
    in_another_encoding,
    is_table,
    split_of,
    table_rows,
    texts_of,
)
from deeplearning.datasets.json_stream import items, members, what_is_wrong

ODD = (KeyError, TypeError, AttributeError)  # raised when reading an entry of another form


def caption_rows(path, find, left_out):
    """Rows of a caption file, whatever its form.

    Inputs:
    - path: The file
    - find: Function from a picture's name to its path, or None, and a remark that is not used
    - left_out: Dictionary of dictionaries that collects the names of what is left out, by reason

    Yields: name of a picture, split or None, and caption; the caption is None for a picture without
    one

    Raises ValueError for a file that is damaged, in another form, or contradicts itself.
    """
    line = first_line(path)
    ending = Path(path).suffix.lower()
    if ending == ".jsonl" or line.lstrip()[:1] == "{" and _is_row(line):
        return _json_lines(path, left_out)
    if line.lstrip()[:1] in ("{", "[") or ending == ".json" and not is_table(line):
        return _json_rows(path, find, left_out)
    return table_rows(path, find, left_out)


def _json_rows(path, find, left_out):
    try:
        if first_line(path).lstrip()[:1] == "[":
            yield from _kept(items(path, "item"), _named_rows, "entry", left_out)
        else:
            yield from _object_rows(path, find, left_out)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = what_is_wrong(error)
        if isinstance(error, UnicodeDecodeError):
            reason = in_another_encoding(path)
        raise ValueError(
            f"{path} is damaged or not JSON in UTF-8 ({reason}): fix it, or fetch it again"
        ) from error
    except ODD as error:
        raise ValueError(
            f"{path} has neither the form of COCO's captions nor that of Karpathy's "
            f"({_said(error)}): deeplearning/datasets/caption_files.py lists what is read"
        ) from error


def _object_rows(path, find, left_out):
    """Rows of a JSON object, whose first picture shows which form it has."""
    first = next(items(path, "images.item"), None)
    if first is None and next(items(path, "annotations.item"), None) is not None:
        if next(items(path, "images"), None):
            raise TypeError("its images are not a list")
        return _kept(items(path, "annotations.item"), _named_rows, "annotation", left_out)
    if first is None:
        return _kept(members(path), _member_rows, "entry", left_out)
    if "sentences" in first or "filename" in first and "id" not in first:
        return _karpathy_rows(path, left_out)
    if isinstance(first, dict) and columns(first, CAPTIONS):
        return _kept(items(path, "images.item"), _named_rows, "image", left_out)
    return _coco_rows(path, find, left_out)


def _kept(entries, read, what, left_out):
    """The rows that `read` finds in each entry. Entries that can't be read are left out and listed
    by number; if there are no others, the first one's error is raised.
    """
    first = KeyError(what) if what == "entry" else None  # a list or an object may be empty
    any_good = False
    for number, entry in enumerate(entries, 1):
        try:
            rows = read(entry)
            any_good = True
        except ODD as error:
            first = error if number == 1 else first
            left_out["of another form"][f"{what} {number}: {_said(error)}"] = None
            continue
        yield from rows
    if first is not None and not any_good:
        raise first


def _said(error):
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _named_rows(entry):
    """Rows of an object that has a name and one or more captions, under any known keys."""
    name = _name(entry)
    captions = _captions(entry, "text")
    split = split_of(entry["split"]) if entry.get("split") else None
    return [(name, split, text) for text in captions]


def _member_rows(member):
    """Rows of a picture's name and the value that an object has under it."""
    name, value = member
    if value in ([], {}, None):
        raise KeyError("caption")
    if isinstance(value, dict):
        return _named_rows(value | {"image": name})
    return _named_rows({"image": name, "captions": value})


def _is_row(line):
    """Whether a line is a complete object that names a picture."""
    try:
        row = json.loads(line.strip().rstrip(","))
        return isinstance(row, dict) and bool(columns(row, IMAGES))
    except (ValueError, RecursionError):
        return False


def _json_lines(path, left_out):
    try:
        with open(path, encoding=encoding_of(path)) as file:
            yield from _kept(filter(str.strip, file), _line_rows, "line", left_out)
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} can't be read as JSON lines in UTF-8 ({in_another_encoding(path)}): save it "
            "again as such"
        ) from None
    except ODD as error:
        raise ValueError(
            f"{path} has no line with file_name and text ({_said(error)}): fix it, or fetch it "
            "again"
        ) from error


def _line_rows(line):
    try:  # NaN may stand for a missing caption, and lines cut out of a list end in a comma
        entry = json.loads(line.strip().rstrip(","), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise TypeError("it is not JSON") from None
    return _named_rows(entry)


def _coco_rows(path, find, left_out):
    names = {}

    def read(image):
        name = _name(image)
        number = _id(image["id"])
        if names.setdefault(number, name) != name:
            raise ValueError(
                f"{path}: id {number} belongs to {shortened(names[number])} and to "
                f"{shortened(name)}: fix the ids"
            )
        return [(name, None, None)]

    yield from _kept(items(path, "images.item"), read, "image", left_out)
    yield from _coco_captions(path, names, find, left_out)


def _coco_captions(path, names, find, left_out):
    seen = set()

    def read(annotation):
        captions = _captions(annotation, "caption")
        image = _id(annotation["image_id"])
        name = names.get(image)
        if name is None:
            reason = "captions of pictures that the file does not list"
            left_out[reason][f"image_id {image}"] = None
            return []
        if not find(name)[0]:  # nothing is kept in memory for other pictures
            return []
        number = annotation.get("id")
        key = hash((str(number), name, *captions))  # some files restart their ids for each picture
        if number is not None and key in seen:
            left_out["captions that occurred before"][f"id {number}"] = None
            return []
        seen.add(key)
        return [(name, None, caption) for caption in captions]

    yield from _kept(items(path, "annotations.item"), read, "annotation", left_out)


def _karpathy_rows(path, left_out):
    def read(image):
        name = _name(image)
        sentences = image["sentences"]
        try:
            split = split_of(image["split"]) if image.get("split") else None
        except ValueError as error:
            raise ValueError(f"{path}: {shortened(name)} is in {error}") from None
        texts = _kept(sentences, lambda s: [_text(s)], f"{name}, sentence", left_out)
        return [(name, split, None), *((name, split, text) for text in texts)]

    yield from _kept(items(path, "images.item"), read, "image", left_out)


def _name(entry):
    """The name of a picture, or the number that identifies it."""
    if not isinstance(entry, dict):
        raise TypeError(f"{shortened(entry)} stands where an object should be")
    known = columns(entry, IMAGES)
    name = entry[known[0]] if known else None
    if name is None or name == "":
        raise KeyError(known[0] if known else "file_name")
    return name if isinstance(name, str) else _id(name)


def _captions(entry, expected):
    """The captions of an entry, a list of texts."""
    if not isinstance(entry, dict):
        raise TypeError(f"{shortened(entry)} stands where an object should be")
    known = columns(entry, CAPTIONS)
    if not known:
        raise KeyError(expected)
    texts = []
    for value in (entry[key] for key in known):
        if isinstance(value, str):
            texts += texts_of(value)
        else:
            texts += value if isinstance(value, list) else [value]
    return [_text(text) for text in texts]


def _id(number):
    """An id as text: some files have 1 in one place, and "1", "0001" or 1.0 in another."""
    if not isinstance(number, int | float | str | Decimal) or isinstance(number, bool):
        raise TypeError(f"{shortened(number)} stands where an id should be")
    # 1e999999999 is valid JSON, but not an id, and takes hours to write out
    if isinstance(number, float | Decimal) and -1e18 < number < 1e18 and number == int(number):
        number = int(number)
    text = str(number).strip().removesuffix(".0")
    return str(int(text)) if text.isdecimal() and len(text) < 20 else text


def _text(value):
    """A text, which Karpathy's files store as raw or as tokens; null stands for an empty one."""
    if isinstance(value, dict):
        value = value.get("raw") or " ".join(value.get("tokens", ())) or value
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{shortened(value)} stands where a text should be")
    return value or ""
