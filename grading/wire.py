"""Arrays between the grader and its box: one plain message format, with nothing in it that runs.

A message is its length (8 bytes, big-endian), the length of its header (4 bytes), a header in JSON,
and the raw bytes of its arrays, one after the other. The header holds `about`, any JSON value, and
`groups`, lists of [name, dtype, shape]. What comes from the box is hostile until it is decoded:
`decode` checks every size against the bytes that are there.
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
    - groups: Sequence of dictionaries from name to array. Of anything that is not a plain array of
      numbers, only the name of its type goes into the message

    Returns: bytes
    """
    described, raw = [], []
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


def length(prefix):
    """Bytes that follow the 8 bytes of a length. Raises ValueError beyond MAX_MESSAGE."""
    (count,) = struct.unpack(">Q", prefix)
    if not 4 <= count <= MAX_MESSAGE:
        raise ValueError(f"a message of {count} bytes")
    return count


def decode(payload):
    """Read a message, its length taken off.

    Inputs:
    - payload: bytes

    Returns a tuple of:
    - about: JSON value
    - groups: List of dictionaries from name to array. Where there was none of numbers, an object
      stands that is an instance of an empty class of the same name

    Raises ValueError where anything does not fit.
    """
    try:
        (size,) = struct.unpack_from(">I", payload)
        if size > min(MAX_HEADER, len(payload) - 4):
            raise ValueError(f"a header of {size} bytes")
        header = json.loads(payload[4 : 4 + size])
        position, groups = 4 + size, []
        for described in header["groups"]:
            group = {}
            for name, dtype, shape in described:
                if dtype is None:
                    group[str(name)[:100]] = _stand_in(str(shape)[:80])
                    continue
                group[str(name)[:100]], position = _array(payload, position, dtype, shape)
            groups.append(group)
        if position != len(payload):
            raise ValueError(f"{len(payload) - position} bytes too many")
        return header["about"], groups
    except (struct.error, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"a message that is none ({type(error).__name__})") from error


def _stand_in(kind):
    """An object whose type has a given name, and nothing else of it."""
    module, _, name = re.sub(r"[^\w. ]", "?", kind).rpartition(".")
    return type(name, (), {"__module__": module})()


def _array(payload, position, dtype, shape):
    """The array at a position of the payload, in memory of its own, and the position behind it."""
    sizes_fit = (
        type(shape) is list
        and len(shape) <= 16
        and all(type(n) is int and 0 <= n <= MAX_MESSAGE for n in shape)
    )
    if dtype not in DTYPES or not sizes_fit:
        raise ValueError("an array that is none")
    dtype, count = np.dtype("<" + dtype), math.prod(shape)
    end = position + count * dtype.itemsize
    if end > len(payload):
        raise ValueError("an array that is larger than its message")
    array = (
        np.frombuffer(payload, dtype, count, position)
        .reshape(shape)
        .astype(dtype.newbyteorder("="))
    )
    return array, end
