"""Messages between grader and sandbox: values survive, and nothing hostile gets past `decode`."""

import json
import struct

import numpy as np
import pytest

from grading import messages, sandbox


def payload(about, *groups):
    return messages.encode(about, groups)[8:]


def forged(header, raw=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">I", len(header)) + header + raw


def one(dtype, shape, raw):
    return forged({"about": 0, "groups": [[["a", dtype, shape]]]}, raw)


@pytest.mark.parametrize("dtype", sorted(messages.DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 1, 3)])
def test_arrays_come_back_as_they_were(dtype, shape):
    """Value, dtype and shape survive, whatever the array's layout in memory; the result is a plain,
    writable array.
    """
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    for given in (array, np.array(array, order="F"), array.astype(array.dtype.newbyteorder(">"))):
        about, ((back),) = messages.decode(payload({"x": 1}, {"a": given}))
        assert about == {"x": 1} and type(back["a"]) is np.ndarray and back["a"].flags.writeable
        assert (
            back["a"].dtype == array.dtype
            and back["a"].shape == shape
            and (back["a"] == array).all()
        )


def test_groups_and_names_keep_their_order():
    """Several groups, also empty ones, come back in their order, and so do the names in each."""
    groups = [{"b": np.ones(2), "a": np.zeros((2, 2))}, {}, {"c": np.array(3)}]
    _, back = messages.decode(payload(None, *groups))
    assert [list(group) for group in back] == [["b", "a"], [], ["c"]]


class Lying(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value",
    [np.zeros(2).view(Lying), np.array([None]), [1.0], 1.0, None, "text", np.zeros(2, complex)],
)
def test_what_is_no_plain_array_does_not_become_one(value):
    """Only the name of its type arrives, on an object with nothing else."""
    _, ((group),) = messages.decode(payload(0, {"a": value}))
    assert not isinstance(group["a"], np.ndarray)
    assert type(group["a"]).__qualname__.split(" ")[0] == type(value).__qualname__.split(".")[-1]


HOSTILE = {
    "nothing": b"",
    "a header that is not there": struct.pack(">I", 100),
    "no JSON": forged(b"{"),
    "no text": forged(b"\xff\xfe\xfd"),
    "deep JSON": forged(b"[" * 100_000),
    "a long number": forged(b'{"about": ' + b"9" * 100_000 + b', "groups": []}'),
    "another JSON": forged([1, 2]),
    "no groups": forged({"about": 1}),
    "groups of something else": forged({"about": 1, "groups": [[1]]}),
    "a pickle": one("O", [1], b"cos\nsystem\n(S'id'\ntR."),
    "an unknown type": one("f3", [1], b"abc"),
    "a type that is no text": one(["f8"], [1], b"12345678"),
    "a negative size": one("f8", [-1], b""),
    "two negative sizes": one("f8", [-1, -1], b"12345678"),
    "a size that is no integer": one("f8", [1.0], b"12345678"),
    "a size that is a boolean": one("f8", [True], b"12345678"),
    "a shape that is no list": one("f8", 1, b"12345678"),
    "many axes": one("f8", [1] * 100, b"12345678"),
    "more than there is": one("f8", [1 << 25], b"12345678"),
    "far more than there is": one("f8", [1 << 25] * 8, b"12345678"),
    "less than there is": one("f8", [1], b"123456789"),
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_forged_messages_are_refused(message):
    """Anything malformed raises ValueError, and takes no time or memory."""
    with pytest.raises(ValueError):
        messages.decode(message)


@pytest.mark.parametrize("count", [0, 3, messages.MAX_MESSAGE + 1, (1 << 64) - 1])
def test_lengths_are_limited(count):
    """A length beyond the limit, or too short for any message, is refused before anything
    is read.
    """
    with pytest.raises(ValueError):
        messages.length(struct.pack(">Q", count))


def test_random_bytes_raise_nothing_else():
    """Messages with a few bytes changed are read or refused; nothing else happens."""
    rng = np.random.default_rng(0)
    good = payload({"x": [1, 2]}, {"a": np.ones((2, 3)), "b": np.arange(4)})
    for _ in range(3000):
        data = bytearray(good)
        for place in rng.integers(len(data), size=rng.integers(1, 5)):
            data[place] = rng.integers(256)
        try:
            messages.decode(bytes(data))
        except ValueError:
            continue


def test_words_of_a_student_can_be_printed():
    """Names of arrays and errors contain nothing that moves a terminal's cursor, reverses letters,
    or can't be encoded.
    """
    odd = "a\x1b[2J\u202e\ud800\0ü"
    (group,) = messages.decode(messages.encode("done", [{odd: np.zeros(1)}])[8:])[1]
    assert list(group) == ["a?[2J???ü"]
    assert sandbox._reason({"error": odd}) == "a?[2J???ü"
