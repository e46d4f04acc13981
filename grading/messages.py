"""Exchange arrays between the grader and its sandbox, in a plain format that never runs code.

A message is its length (8 bytes, big-endian), the length of its header (4 bytes), a header in JSON,
and the raw bytes of its arrays, one after the other. The header holds `about`, any JSON value, and
`groups`, lists of [name, dtype, shape]. Messages from the sandbox are not trusted: `decode` checks
every size against the bytes received.
"""

import json
import math
import re
import struct

import numpy as np

DTYPES = {
    f"{kind}{size}"
    for kind, sizes in {"f": "248", "i": "1248", "u": "1248", "b": "1"}.items()
    for size in sizes
}
MAX_MESSAGE = 1 << 26  # bytes: 64 MB
MAX_HEADER = 1 << 23


def encode(about, groups=()):
    """A message.

    Inputs:
    - about: JSON value
    - groups: Sequence of dictionaries from name to array. For anything that is not a plain array of
      numbers, only the name of its type goes into the message

    Returns: bytes
    """
    described = []
    raw = []
    for group in groups:
        described.append([])
        for name, value in group.items():
            if type(value) is np.ndarray and value.dtype.kind + str(value.dtype.itemsize) in DTYPES:
                value = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).reshape(
                    value.shape
                )
                described[-1].append([str(name), value.dtype.str[1:], value.shape])
                raw.append(value.tobytes())
            else:
                kind = f"{type(value).__module__}.{type(value).__qualname__}"
                kind += f" of {value.dtype}" if type(value) is np.ndarray else ""
                described[-1].append([str(name), None, kind])
    header = json.dumps({"about": about, "groups": described}).encode()
    payload = struct.pack(">I", len(header)) + header + b"".join(raw)
    return struct.pack(">Q", len(payload)) + payload


def described(value, arrays, keep):
    """A value of any kind as JSON, its arrays put into a dictionary that `encode` takes as a group.

    Inputs:
    - value: Arrays, numbers, text, None, and tuples, lists and dictionaries of these; or anything
    - arrays: Dictionary that the arrays are added to
    - keep: Function that returns JSON for anything that can't be sent
    """
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if type(value) is np.ndarray and value.dtype.kind + str(value.dtype.itemsize) in DTYPES:
        arrays[f"array{len(arrays)}"] = value
        return {"array": f"array{len(arrays) - 1}"}
    if type(value) in (tuple, list):
        return {type(value).__name__: [described(part, arrays, keep) for part in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: described(part, arrays, keep) for key, part in value.items()}}
    if value is None or type(value) in (bool, int, float, str):
        return {"plain": value}
    return keep(value)


def restored(about, arrays, fetch):
    """The value that `described` has described.

    Inputs:
    - about: What it returned
    - arrays: The dictionary of arrays
    - fetch: Function that returns the value that `keep` has described

    Raises ValueError if anything does not fit.
    """
    try:
        (kind, content), *more = about.items()
        if more:
            raise ValueError("a value of several kinds")
        if kind == "array":
            return arrays[content]
        if kind in ("tuple", "list"):
            parts = [restored(part, arrays, fetch) for part in content]
            return tuple(parts) if kind == "tuple" else parts
        if kind == "dict":
            return {key: restored(part, arrays, fetch) for key, part in content.items()}
        return content if kind == "plain" else fetch(about)
    except (AttributeError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ValueError(f"a value that makes no sense ({type(error).__name__})") from error


def length(prefix):
    """Bytes that follow the 8 bytes of a length. Raises ValueError beyond MAX_MESSAGE."""
    (count,) = struct.unpack(">Q", prefix)
    if not 4 <= count <= MAX_MESSAGE:
        raise ValueError(f"a message of {count} bytes")
    return count


def decode(payload):
    """Read a message, without its length.

    Inputs:
    - payload: bytes

    Returns a tuple of:
    - about: JSON value
    - groups: List of dictionaries from name to array. Anything that was not an array of numbers is
      replaced by an instance of an empty class with the same name

    Raises ValueError if anything does not fit.
    """
    try:
        (size,) = struct.unpack_from(">I", payload)
        if size > min(MAX_HEADER, len(payload) - 4):
            raise ValueError(f"a header of {size} bytes")
        header = json.loads(payload[4 : 4 + size])
        position = 4 + size
        groups = []
        for described in header["groups"]:
            group = {}
            for name, dtype, shape in described:
                name = printable(str(name)[:100])
                if dtype is None:
                    group[name] = _stand_in(str(shape)[:80])
                    continue
                group[name], position = _array(payload, position, dtype, shape)
            groups.append(group)
        if position != len(payload):
            raise ValueError(f"{len(payload) - position} bytes too many")
        return header["about"], groups
    except (struct.error, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"a message that makes no sense ({type(error).__name__})") from error


def printable(text: str) -> str:
    """A text without characters that move a cursor, reverse letters or can't be written."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _stand_in(kind):
    """An object whose type has a given name, and nothing else."""
    module, _, name = re.sub(r"[^\w. ]", "?", kind).rpartition(".")
    return type(name, (), {"__module__": module})()


def _array(payload, position, dtype, shape):
    """A copy of the array at a position of the payload, and the position after it."""
    sizes_fit = (
        type(shape) is list
        and len(shape) <= 16
        and all(type(n) is int and 0 <= n <= MAX_MESSAGE for n in shape)
    )
    if dtype not in DTYPES or not sizes_fit:
        raise ValueError("an array of an unknown type or shape")
    dtype = np.dtype("<" + dtype)
    count = math.prod(shape)
    end = position + count * dtype.itemsize
    if end > len(payload):
        raise ValueError("an array that is larger than its message")
    array = (
        np.frombuffer(payload, dtype, count, position)
        .reshape(shape)
        .astype(dtype.newbyteorder("="))
    )
    return array, end
