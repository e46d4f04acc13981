"""Read captions from tables: one line a picture or a caption.

- The first line names the columns, of which one is called as in `IMAGES` and one or more as in
  `CAPTIONS` (caption, or caption_1 to caption_5); there may be one called split. Commas separate
  cells, or semicolons, tabs or bars: the course's CSV, Flickr8k's captions.txt, Flickr30k's
  results.csv, Hugging Face's metadata.csv. A cell may hold a list: ["a dog", "two dogs"]
- Flickr8k's and Flickr30k's token files have no such line, but `name#0<TAB>caption`
"""

import ast
import codecs
import contextlib
import csv
import functools
import json
import re
from pathlib import Path

from deeplearning.checks import shortened

SPLITS = {
    "train": "train", "training": "train", "restval": "train", "val": "val", "valid": "val",
    "validation": "val", "dev": "val", "test": "test", "testing": "test",
}  # fmt: skip
SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
# What people call the columns, in small letters and without anything between; the first one that
# is there counts
IMAGES = (
    "image", "imagename", "filename", "imagefile", "imagepath", "filepath", "file", "img",
    "imgname", "imgpath", "path", "imageurl", "url", "imageid",
)  # fmt: skip
CAPTIONS = (
    "caption", "captions", "comment", "text", "sentence", "sentences", "description", "raw",
    "prompt", "title",
)  # fmt: skip
TOKEN = re.compile(r"(?P<image>[^\t]+)#\d+\t(?P<caption>.*)")
SEPARATORS = ",;\t|"


def columns(names, known):
    """Those of `names` that mean the first of `known` that is there; they may be numbered, as
    caption_1 and caption_2 are.
    """
    meant = {}
    for name in names:
        meant.setdefault(_meaning(name), []).append(name)
    return next((meant[word] for word in known if word in meant), [])


def split_of(name):
    """The split that a file's name for it means, such as "train" for "Training" and "train2014".

    Raises ValueError for one that is not known.
    """
    split = SPLITS.get(re.sub(r"\d+$", "", name.strip().lower())) if isinstance(name, str) else None
    if split is None:
        raise ValueError(f"split {shortened(name)}, which is none of {', '.join(SPLITS)}")
    return split


def is_table(line):
    """Whether a file whose first line this is holds a table of captions."""
    return bool(TOKEN.match(line)) or _separator(line) is not None


def first_line(path):
    """The first line of a text file that says something; "" where it has none.

    Raises ValueError for a file that is no text.
    """
    with open(path, encoding=encoding_of(path), errors="replace") as file:
        lines = iter(lambda: file.readline(1 << 16), "")
        line = next((line for line in lines if line.strip() and not _names_separator(line)), "")
    if "\0" in line:
        raise ValueError(
            f"{path} is no text in UTF-8, since it holds NUL bytes: save it as CSV in UTF-8"
        )
    return line


def table_rows(path, find, left_out):
    """Rows of a table.

    Inputs:
    - path: The file, in UTF-8, or UTF-16 with a mark
    - find: Function from a picture's name to its path, or None, and a remark that is not used
    - left_out: Dictionary of dictionaries that takes the lines that are left out, by the reason

    Yields: name of a picture, split or None, and caption

    Raises ValueError for a damaged file, one of another form, or one that contradicts itself.
    """
    header = first_line(path)
    try:
        with open(path, encoding=encoding_of(path), newline="") as file:
            if TOKEN.match(header):
                yield from _token_rows(file, left_out)
            else:
                yield from _rows_of_cells(file, header, find, left_out)
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} can't be read as CSV in UTF-8 ({in_another_encoding(path)}): fix it, or save "
            "it again as such"
        ) from None
    except ValueError as error:
        raise ValueError(
            f"{path} can't be read as CSV in UTF-8 ({error}): fix it, or save it again as such"
        ) from error


def texts_of(cell):
    """A cell's captions: itself, or those of a list that JSON or Python wrote into it."""
    if cell.strip()[:1] == "[":
        for read in (json.loads, ast.literal_eval):
            with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
                texts = read(cell.strip())
                if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
                    return texts
    return [cell]


def encoding_of(path):
    """UTF-16 where a mark says so, else UTF-8."""
    with open(path, "rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def in_another_encoding(path):
    """What is wrong with a file that can't be decoded, with its first line that is not UTF-8."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if "\ufffd" in line.decode("utf-8", "replace"):
                return f"line {number} is in another encoding"
    return "it is in another encoding"


def _rows_of_cells(file, header, find, left_out):
    separator = _separator(header)
    if separator is None:
        raise ValueError(
            "its first line must name the columns image and caption, got "
            f"{shortened(header.strip())}"
        )
    # Flickr30k's captions, between bars, hold single quotation marks
    quoting = csv.QUOTE_NONE if separator == "|" else csv.QUOTE_MINIMAL
    rows = csv.reader(file, delimiter=separator, quoting=quoting)
    table = None
    line = 1
    try:
        for row in rows:
            if not any(map(str.strip, row)) or _names_separator(row[0]):
                pass
            elif table is None:
                table = _Table(row, separator, find, left_out)
            else:
                yield from table.read(row, line)
            line = rows.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"line {line}: {error}; perhaps a quote that opens in line {line} is not closed there"
        ) from error


class _Table:
    """Where in a row the name, the captions and the split stand."""

    def __init__(self, header, separator, find, left_out):
        self.separator = separator
        self.find = find
        self.left_out = left_out
        self.count = len(header)
        self.image = header.index(columns(header, IMAGES)[0])
        captions = columns(header, CAPTIONS)
        self.captions = [k for k, name in enumerate(header) if name in captions]
        split = columns(header, ("split",))
        self.split = header.index(split[0]) if split else None

    def read(self, row, line):
        """Triples of name, split and caption. A short row has empty ones."""
        self._check_quotes(row, line)
        row = self._fitted(row)
        name = row[self.image]
        if len(row) > self.count:
            reason = f"with too many columns: put {self.separator!r} into quotes"
            self.left_out[reason][f"line {line}"] = None
            return []
        if not name.strip():
            self.left_out["without a picture's name"][f"line {line}"] = None
            return []
        try:
            split = None if self.split is None else row[self.split].strip()
            split = split_of(split) if split else None
        except ValueError as error:
            raise ValueError(f"line {line}: {shortened(name)} is in {error}") from None
        texts = [text for k in self.captions for text in texts_of(row[k])]
        texts = list(filter(str.strip, texts)) or [""]  # pictures have up to so many captions
        return [(name, split, text) for text in texts]

    def _fitted(self, row):
        """The row with as many cells as the header has, where that can be."""
        if len(row) > self.count and any(cell.startswith(' "') for cell in row):
            text = [self.separator.join(row)]
            row = next(csv.reader(text, delimiter=self.separator, skipinitialspace=True))
        while len(row) > self.count and not row[-1].strip():
            row = row[:-1]
        return row + [""] * (self.count - len(row))

    def _check_quotes(self, row, line):
        """Refuse a row in which a cell has swallowed others, for want of a closing quote."""
        for further in (text for cell in row for text in cell.splitlines()[1:]):
            cells = further.split(self.separator)
            name = cells[self.image].strip().strip('"') if len(cells) > self.image else ""
            if len(cells) > 1 and (Path(name).suffix.lower() in SUFFIXES or self.find(name)[0]):
                raise ValueError(
                    f"a quote that opens in line {line} is not closed there, and swallows the row "
                    f"of {shortened(name, quotes=False)}: close it"
                )


def _token_rows(file, left_out):
    for number, line in enumerate(file, 1):
        match = TOKEN.match(line)
        if match:
            yield match["image"], None, match["caption"].strip()
        elif line.strip():
            left_out["not of the form name#0<TAB>caption"][f"line {number}"] = None


def _separator(header):
    """What separates the columns of a table, or None where the line names no columns."""
    for separator in SEPARATORS:
        cells = next(csv.reader([header], delimiter=separator), [])
        if columns(cells, IMAGES) and columns(cells, CAPTIONS):
            return separator
    return None


def _names_separator(line):
    """Whether this is the line `sep=;`, which tells Excel what separates cells."""
    return line.lower().startswith("sep=") and len(line.strip()) <= len("sep=;")


@functools.lru_cache(1000)
def _meaning(name):
    """The letters of a column's name, in small ones."""
    return re.sub(r"[\W\d_]", "", name).lower()
