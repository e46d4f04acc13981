"""Read a JSON file part by part: memory grows with the size of a part, not of the file.

The parser is written in C. Input that would crash it or use unlimited memory is kept from it.
"""

import re

import ijson

from deeplearning.checks import shortened
from deeplearning.datasets.caption_tables import encoding_of

DEEPEST = 100  # levels; the parser spells out the path to each value


def items(path, prefix):
    """The values at a place in a file.

    Inputs:
    - path: The file, in UTF-8, or UTF-16 with a byte order mark
    - prefix: The place in ijson's notation, such as "images.item"

    Yields: the values there

    Raises ijson.JSONError for a damaged file, and UnicodeDecodeError for another encoding.
    """
    with open(path, encoding=encoding_of(path), newline="") as file:
        yield from ijson.items(_Screened(file), prefix)


def members(path):
    """Pairs of key and value of the object in a file. Inputs and errors: as for `items`."""
    with open(path, encoding=encoding_of(path), newline="") as file:
        yield from ijson.kvitems(_Screened(file), "")


def what_is_wrong(error):
    """A parser's error message, in one line."""
    reason = error.args[0]
    if isinstance(reason, bytes):
        reason = reason.decode("utf-8", "replace")
    reason, *context = str(reason).splitlines()
    near = context[0].strip() if context else ""
    return f"{reason.rstrip('.')}, near {shortened(near)}" if near else reason


class _Screened:
    """A JSON file, made safe for a parser in C.

    NaN and Infinity, which Python writes but JSON lacks, become null. Numbers of more than 1,000
    digits and deep nesting, which crash the parser, are refused.
    """

    STRING = re.compile(rb'("(?:[^"\\]|\\.)*")', re.DOTALL)
    UNKNOWN = re.compile(rb"-?\b(?:NaN|Infinity)\b")
    DIGITS = re.compile(rb"\d{1000}")
    BRACKET = re.compile(rb"[][{}]")
    UNFINISHED = re.compile(rb'(?:"|[-+.\w]*\Z)', re.DOTALL)  # a string or a word that goes on

    def __init__(self, file):
        self.file = file
        self.rest = b""
        self.depth = 0

    def read(self, size):
        if size == 0:  # asks for the type of the file's content, bytes or str
            return b""
        while chunk := self.file.read(size):
            text = self._screened(self.rest + chunk.encode())
            if text:
                return text
        last = self._screened(self.rest + b" ")
        self.rest = b""
        return last.rstrip()

    def _screened(self, text):
        parts = self.STRING.split(text)  # strings are at odd positions
        end = self.UNFINISHED.search(parts[-1]).start()
        self.rest = parts[-1][end:]
        parts[-1] = parts[-1][:end]
        between = b'"'.join(parts[::2])  # these parts contain no quotation mark
        if self.DIGITS.search(between) or self.DIGITS.match(self.rest):
            raise ijson.JSONError("a number has more than 1,000 digits")
        for bracket in self.BRACKET.findall(between):
            self.depth += 1 if bracket in b"[{" else -1
            if self.depth > DEEPEST:
                raise ijson.JSONError(f"it is nested more than {DEEPEST} levels deep")
        parts[::2] = self.UNKNOWN.sub(b"null", between).split(b'"')
        return b"".join(parts)
