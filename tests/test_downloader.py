import random
from types import SimpleNamespace

import pytest
import requests

from deeplearning.datasets import downloader
from tests.fault_server import serving

pytestmark = pytest.mark.usefixtures("impatient")
CONTENT = random.Random(1).randbytes(3 << 20)


def received(server, path, **how):
    downloader.ResumingDownloader(**how)(f"{server.url}/file", path, None)
    return path.read_bytes()


def test_goes_on_where_it_was_cut(tmp_path):
    """After a broken connection only the rest is requested."""
    with serving({"/file": CONTENT}, [("cut", 2 << 20), ("cut", (2 << 20) + (1 << 19))]) as server:
        assert received(server, tmp_path / "file") == CONTENT
        assert server.asked == [
            ("/file", None),
            ("/file", "bytes=2097152-"),
            ("/file", "bytes=2621440-"),
        ]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("how", [{"ranges": False}, {"versions": None}, {"versions": "W/"}])
def test_without_ranges_from_the_beginning(tmp_path, how):
    """After a broken connection, a server without ranges, or one that doesn't say which version it
    sends, sends everything again.
    """
    with serving({"/file": CONTENT}, [("cut", 2 << 20)], **how) as server:
        assert received(server, tmp_path / "file") == CONTENT
        assert [wanted is None for _, wanted in server.asked] == [True, how != {"ranges": False}]


def test_another_version_from_the_beginning(tmp_path):
    """If the server has another version after a broken connection, nothing of the first one
    stays.
    """
    with serving({"/file": CONTENT}, [("cut", 1 << 20), 404]) as server:
        with pytest.raises(ConnectionError, match="/file: the server answers 404 Not Found"):
            received(server, tmp_path / "file")
        server.files["/file"] = CONTENT[::-1]
        assert received(server, tmp_path / "file") == CONTENT[::-1]


@pytest.mark.parametrize("extra", [b"", b"more than the server has"])
def test_complete_when_it_was_stopped(tmp_path, extra):
    """A run that stopped between the last byte and the final renaming loses nothing; more bytes
    than the server has are discarded.
    """
    with serving({"/file": CONTENT}, [("cut", len(CONTENT) - 1), 404]) as server:
        with pytest.raises(ConnectionError):
            received(server, tmp_path / "file")
        (tmp_path / "incoming").write_bytes(CONTENT + extra)
        asked = len(server.asked)
        assert received(server, tmp_path / "file") == CONTENT
        assert len(server.asked) - asked == (2 if extra else 1)


def test_patience(tmp_path, monkeypatch):
    """As long as new data arrives, any number of broken connections is tolerated; without, there
    are four rounds, each after a longer pause.
    """
    pauses = []
    monkeypatch.setattr(downloader, "time", SimpleNamespace(sleep=pauses.append))
    with serving({"/file": CONTENT}, [("cut", n << 18) for n in range(1, 12)]) as server:
        assert received(server, tmp_path / "file") == CONTENT
        assert pauses == [1] * 11
        server.faults[:] = [503] * 8
        pauses.clear()
        with pytest.raises(ConnectionError, match="503"):
            received(server, tmp_path / "file", others=[f"{server.url}/file"])
        assert pauses == [1, 2, 4] and server.faults == []


def test_endless_file(tmp_path):
    """A file larger than any expected one is refused, whether the server tells its length
    or not.
    """
    for fault in ((None, 0), ("close", len(CONTENT))):
        with serving({"/file": CONTENT}, [fault] * 4) as server:
            with pytest.raises(ConnectionError, match="more than 1 MiB, so it is the wrong one"):
                received(server, tmp_path / "file", limit=1 << 20)
        assert (
            not (tmp_path / "incoming").exists()
            or (tmp_path / "incoming").stat().st_size <= 1 << 20
        )


def test_the_next_url_is_tried(tmp_path):
    """If one URL fails, the next one is used."""
    with serving({"/there": b"content"}) as server:
        downloader.ResumingDownloader([f"{server.url}/there"])(
            f"{server.url}/gone", tmp_path / "file", None
        )
        assert [path for path, _ in server.asked] == ["/gone", "/there"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_other_bytes_than_asked_for(tmp_path):
    """If a server continues at the wrong byte, everything is requested again."""
    with serving({"/file": CONTENT}, [("cut", 1 << 20), ("shift", 1000)]) as server:
        assert received(server, tmp_path / "file") == CONTENT
        assert [wanted for _, wanted in server.asked] == [None, "bytes=1048576-", None]


def test_the_version_belongs_to_the_bytes(tmp_path):
    """If the whole file came again, and the server doesn't say which version it is, the old version
    is forgotten.
    """
    with serving({"/file": CONTENT}, [("cut", 1 << 20), 404]) as server:
        with pytest.raises(ConnectionError):
            received(server, tmp_path / "file")
        server.files["/file"], server.versions, server.faults = (
            CONTENT[::-1],
            None,
            [("cut", 2 << 20)],
        )
        assert received(server, tmp_path / "file") == CONTENT[::-1]
        assert [wanted for _, wanted in server.asked[-2:]] == ["bytes=1048576-", None]


def test_shorter_than_announced(tmp_path):
    """A body that ends early is noticed, also with versions of urllib3 that don't report it."""
    response = SimpleNamespace(iter_content=lambda _: [b"abc"])
    with pytest.raises(requests.ConnectionError, match="cut off after 3 of 5 bytes"):
        downloader.Incoming(tmp_path / "incoming", 1, 100)._write(response, 5)


@pytest.mark.parametrize("status, asked", [(404, 1), (403, 1), (410, 1), (503, 4), (429, 4)])
def test_an_answer_that_will_stay_is_asked_for_once(tmp_path, status, asked):
    """A missing file is not requested again; a busy server is asked again."""
    with serving({"/file": CONTENT}, [status] * 9) as server:
        with pytest.raises(ConnectionError, match=str(status)):
            received(server, tmp_path / "file")
        assert len(server.asked) == asked


def test_the_other_url_is_tried_where_one_is_wrong(tmp_path):
    """An address that has moved doesn't affect the others."""
    with serving({"/file": CONTENT}) as server:
        other = f"{server.url}/file"
        target = tmp_path / "file"
        received(SimpleNamespace(url=f"{server.url}/moved"), target, others=[other])
        assert target.read_bytes() == CONTENT
        assert [path for path, _ in server.asked] == ["/moved/file", "/file"]


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ChunkedEncodingError(OSError("('Connection broken: Incomplete', 3)")),
        requests.exceptions.ConnectionError(OSError("Connection aborted.", "RemoteDisconnected")),
        requests.exceptions.ContentDecodingError(OSError("bad")),
    ],
)
def test_a_broken_connection_is_said_in_our_words(error):
    """Python's own text of a connection that broke does not reach the user."""
    assert downloader._reason(error) == "the connection broke"
    assert downloader._reason(requests.ConnectionError("cut off after 3")) == "cut off after 3"
