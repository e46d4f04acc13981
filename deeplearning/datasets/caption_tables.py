"""Read captions from tables: one line a caption.

- The first line names the columns, of which one is `IMAGES` and one is `CAPTIONS`; there may be
  one called split (train, val or test). Commas separate cells, or semicolons, tabs or bars: the
  course's CSV, Flickr8k's captions.txt, Flickr30k's results.csv, Hugging Face's metadata.csv
- Flickr8k's and Flickr30k's token files have no such line, but `name#0<TAB>caption`
"""

import codecs
import csv
import re
from pathlib import Path

from deeplearning.checks import shortened

SPLITS = {
    "train": "train", "restval": "train", "val": "val", "test": "test", "validation": "val"
}  # fmt: skip
SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
# What people call the columns; the first one that is there counts
IMAGES = ("image", "image_name", "file_name", "filename", "image_file", "image_path", "file")
CAPTIONS = ("caption", "captions", "comment", "text", "sentence", "description")
TOKEN = re.compile(r"(?P<image>[^\t]+)#\d+\t(?P<caption>.*)")
SEPARATORS = ",;\t|"


def column(names, known):
    """The name in `names` that means the same as those in `known`, or None."""
    meant = {name.strip().lower().replace(" ", "_"): name for name in names}
    return next((meant[name] for name in known if name in meant), None)


def is_table(line):
    """Whether a file whose first line this is holds a table of captions."""
    return bool(TOKEN.match(line)) or _separator(line) is not None


def first_line(path):
    """The first line of a text file that is not empty; "" where it has none."""
    with open(path, encoding=_encoding(path), errors="replace") as file:
        return next((line for line in iter(lambda: file.readline(1 << 16), "") if line.strip()), "")


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
    line = 1
    try:
        with open(path, encoding=_encoding(path), newline="") as file:
            if TOKEN.match(header):
                yield from _token_rows(file, left_out)
                return
            separator = _separator(header)
            if separator is None:
                raise ValueError(
                    "its first line must name the columns image and caption, got "
                    f"{shortened(header.strip())}"
                )
            # Flickr30k's captions, between bars, hold single quotation marks
            quoting = csv.QUOTE_NONE if separator == "|" else csv.QUOTE_MINIMAL
            rows = csv.reader(file, delimiter=separator, quoting=quoting)
            columns = None
            for row in rows:
                if columns is None and row:
                    columns = _Columns(row, separator, find)
                elif row and len(row) > columns.count:
                    columns.check_quotes(row, line)
                    left_out[f"with too many columns: put {separator!r} into quotes"][
                        f"line {line}"
                    ] = None
                elif row:
                    yield columns.read(row, line)
                line = rows.line_num + 1
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} can't be read as CSV in UTF-8 (line {_undecodable(path)} is in another "
            "encoding): fix it, or save it again as such"
        ) from None
    except (csv.Error, ValueError) as error:
        reason = str(error)
        if "field limit" in reason:  # of a cell's length
            reason = f"a quote that opens in line {line} is not closed there"
        raise ValueError(
            f"{path} can't be read as CSV in UTF-8 ({reason}): fix it, or save it again as such"
        ) from error


class _Columns:
    """Where in a row the name, the caption and the split stand."""

    def __init__(self, header, separator, find):
        self.separator = separator
        self.find = find
        self.count = len(header)
        self.image = header.index(column(header, IMAGES))
        self.caption = header.index(column(header, CAPTIONS))
        split = column(header, ("split",))
        self.split = None if split is None else header.index(split)

    def read(self, row, line):
        """Name, split and caption. A short row has empty ones."""
        self.check_quotes(row, line)
        row = row + [""] * (self.count - len(row))
        name = row[self.image]
        split = "" if self.split is None else row[self.split].strip()
        if split and split.lower() not in SPLITS:
            raise ValueError(
                f"line {line}: {shortened(name)} is in split {shortened(split)}, which is none of "
                f"{', '.join(SPLITS)}"
            )
        return name, SPLITS.get(split.lower()), row[self.caption]

    def check_quotes(self, row, line):
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
        if column(cells, IMAGES) and column(cells, CAPTIONS):
            return separator
    return None


def _encoding(path):
    with open(path, "rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _undecodable(path):
    """Number of the first line that is not UTF-8."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if "\ufffd" in line.decode("utf-8", "replace"):
                return number
    return "?"
