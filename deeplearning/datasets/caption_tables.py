"""Read captions from tables, with one line per picture or caption.

- The first line names the columns: one has a name from `IMAGES`, one or more have names from
  `CAPTIONS` (caption, or caption_1 to caption_5), and one may be called split. Cells are separated
  by commas, semicolons, tabs or bars: the course's CSV, Flickr8k's captions.txt, Flickr30k's
  results.csv, Hugging Face's metadata.csv. A cell may hold a list: ["a dog", "two dogs"]
- Flickr8k's and Flickr30k's token files have no such line, but rows `name#0<TAB>caption`
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
# Common names of the columns, in lower case and with letters only; the first one found counts
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
    """Those of `names` that match the first entry of `known` that occurs among them; they may be
    numbered, such as caption_1 and caption_2.
    """
    meant = {}
    for name in names:
        meant.setdefault(_meaning(name), []).append(name)
    return next((meant[word] for word in known if word in meant), [])


def split_of(name):
    """The split that a file's name for it stands for: "train" for "Training" and "train2014".

    Raises ValueError for an unknown name.
    """
    split = SPLITS.get(re.sub(r"\d+$", "", name.strip().lower())) if isinstance(name, str) else None
    if split is None:
        raise ValueError(f"split {shortened(name)}, which is not one of {', '.join(SPLITS)}")
    return split


def is_table(line):
    """Whether a file with this first line holds a table of captions."""
    return bool(TOKEN.match(line)) or _separator(line) is not None


def first_line(path):
    """The first meaningful line of a text file, or "" if there is none.

    Raises ValueError for a file that isn't text.
    """
    with open(path, encoding=encoding_of(path), errors="replace") as file:
        lines = iter(lambda: file.readline(1 << 16), "")
        line = next((line for line in lines if line.strip() and not _names_separator(line)), "")
    if "\0" in line:
        raise ValueError(
            f"{path} is not text in UTF-8, since it holds NUL bytes: save it as CSV in UTF-8"
        )
    return line


def table_rows(path, find, left_out):
    """Rows of a table.

    Inputs:
    - path: The file, in UTF-8, or UTF-16 with a byte order mark
    - find: Function from a picture's name to its path, or None, and a remark that is not used
    - left_out: Dictionary of dictionaries that collects the lines that are left out, by reason

    Yields: name of a picture, split or None, and caption

    Raises ValueError for a file that is damaged, in another form, or contradicts itself.
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
    """A cell's captions: the cell itself, or the entries of a JSON or Python list in it."""
    if cell.strip()[:1] == "[":
        for read in (json.loads, ast.literal_eval):
            with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
                texts = read(cell.strip())
                if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
                    return texts
    return [cell]


def encoding_of(path):
    """UTF-16 if there is a byte order mark for it, otherwise UTF-8."""
    with open(path, "rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def in_another_encoding(path):
    """What is wrong with a file that can't be decoded: its first line that is not UTF-8."""
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
    # Flickr30k's bar-separated captions contain unpaired quotation marks
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
    """Positions of the name, the captions and the split in a row."""

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
        """Triples of name, split and caption. Missing cells of a short row are empty."""
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
        texts = list(filter(str.strip, texts)) or [""]  # some caption cells may be empty
        return [(name, split, text) for text in texts]

    def _fitted(self, row):
        """The row with as many cells as the header, if possible."""
        if len(row) > self.count and any(cell.startswith(' "') for cell in row):
            text = [self.separator.join(row)]
            row = next(csv.reader(text, delimiter=self.separator, skipinitialspace=True))
        while len(row) > self.count and not row[-1].strip():
            row = row[:-1]
        return row + [""] * (self.count - len(row))

    def _check_quotes(self, row, line):
        """Refuse a row in which a cell without a closing quote has swallowed others."""
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
    """The separator of a table's columns, or None if the line names no columns."""
    for separator in SEPARATORS:
        cells = next(csv.reader([header], delimiter=separator), [])
        if columns(cells, IMAGES) and columns(cells, CAPTIONS):
            return separator
    return None


def _names_separator(line):
    """Whether this is a line such as `sep=;`, which tells Excel the separator."""
    return line.lower().startswith("sep=") and len(line.strip()) <= len("sep=;")


@functools.lru_cache(1000)
def _meaning(name):
    """The letters of a column's name, in lower case."""
    return re.sub(r"[\W\d_]", "", name).lower()
