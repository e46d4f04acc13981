"""Reading submissions: the files that count are found wherever they lie, and nothing in an archive
can do harm.
"""

import io
import os
import tracemalloc
import zipfile

import pytest

from grading import find_work, unpack
from grading.hostile import RNN, RNN_LAYERS, STYLE_TRANSFER, corpus, zipped
from grading.manifest import MANIFEST

NOTEBOOK = MANIFEST.questions["q3"].notebook


@pytest.fixture
def read(tmp_path):
    """Function that zips files and reads the zip as a submission."""

    def read(files):
        with zipfile.ZipFile(tmp_path / "ann.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return find_work.read_submission(tmp_path / "ann.zip")

    return read


@pytest.mark.parametrize(
    "name",
    [
        RNN_LAYERS,
        f"assignment2/{RNN_LAYERS}",
        f"a/b c/ü/{RNN_LAYERS}",
        f"/home/ann/{RNN_LAYERS}",
        RNN_LAYERS.replace("/", "\\"),
        "cs231n/rnn_layers.py",
        "rnn_layers.py",
    ],
)
def test_sources_are_found_in_any_folder(read, name):
    """An exercise's file counts in whatever folder and package it lies."""
    assert read({name: "x = 1"}).sources == {RNN_LAYERS: b"x = 1"}


@pytest.mark.parametrize(
    "name", ["rnn.py", "other/rnn.py", "classifiers/rnn.txt", "._rnn_layers.py", "rnn_layers.pyc"]
)
def test_other_files_do_not_count(read, name):
    """A file of another name, or an extra file of macOS, is not taken for an exercise's."""
    submission = read({name: "x = 1", f"__MACOSX/x/{RNN_LAYERS}": "x = 1"})
    assert not submission.sources and not submission.notes


def test_notebooks_and_older_names(read):
    """Notebooks are found by name, and files of earlier editions get their present names."""
    submission = read(
        {
            f"a/{NOTEBOOK}": "{}",
            "a/cs231n/style_transfer_pytorch.py": "y",
            "a/cs231n/classifiers/rnn.py": "z",
        }
    )
    assert submission.notebooks == {NOTEBOOK: b"{}"}
    assert (
        submission.sources == {STYLE_TRANSFER: b"y", RNN: b"z"} and submission.package == "cs231n"
    )


def test_the_nearest_file_counts(read):
    """Of several files the one in the fewest folders counts, and a note says which."""
    submission = read({f"old/copy/{RNN_LAYERS}": "old", RNN_LAYERS: "new"})
    assert submission.sources == {RNN_LAYERS: b"new"}
    assert submission.notes == [
        "There are 2 works: deeplearning was graded, and not old/copy/deeplearning."
    ]


@pytest.mark.parametrize(
    "name", [name for name, h in corpus().items() if h.build.__module__.endswith(".archives")]
)
def test_hostile_archives(name, tmp_path, monkeypatch):
    """A malicious archive is read or refused in seconds and within 200 MB, and writes nothing
    anywhere.
    """
    monkeypatch.chdir(tmp_path)
    hostile = corpus()[name]
    (tmp_path / "x.zip").write_bytes(hostile.build())
    everything_lost = hostile.lost == tuple(MANIFEST.exercises)
    tracemalloc.start()
    try:
        submission = find_work.read_submission(tmp_path / "x.zip")
        assert everything_lost == (not submission.sources)
        lost = {e.id for e in MANIFEST.exercises.values() if e.path not in submission.sources}
        assert lost == set(hostile.lost) and (
            submission.notes or submission.held or not lost or name == "empty"
        )
    except ValueError as error:
        assert everything_lost and str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 200 << 20
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_damage_anywhere(tmp_path):
    """A zip cut off or changed at any place is read or refused with a sentence; nothing else is
    raised.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RNN_LAYERS, "x = 1\n" * 20)
        archive.writestr(STYLE_TRANSFER, "y = 1\n")
    good, path = data.getvalue(), tmp_path / "x.zip"
    changed = [good[:place] for place in range(len(good))]
    changed += [
        good[:p] + bytes([good[p] ^ bits]) + good[p + 1 :]
        for p in range(len(good))
        for bits in (1, 0x80, 0xFF)
    ]
    for bad in changed:
        path.write_bytes(bad)
        try:
            submission = find_work.read_submission(path)
        except ValueError:
            continue
        assert submission.sources.get(RNN_LAYERS, b"x = 1\n" * 20) == b"x = 1\n" * 20


def test_folders(tmp_path):
    """A folder counts like a zip; links and devices in it are not followed."""
    (tmp_path / "ann" / "deeplearning" / "classifiers").mkdir(parents=True)
    (tmp_path / "ann" / RNN_LAYERS).write_text("x = 1")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "ann" / RNN).symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "ann" / STYLE_TRANSFER)
    submission = find_work.read_submission(tmp_path / "ann")
    assert submission.sources == {RNN_LAYERS: b"x = 1"}
    left_out = {note.partition(" was left out")[0] for note in submission.notes}
    assert left_out == {RNN, STYLE_TRANSFER}


def test_the_last_end_record_counts(tmp_path):
    """Bytes within a zip that look like its end, with 65,535 files, and a whole zip before it do
    not count.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:  # stored: the bytes stand there as they are
        archive.writestr("notes.bin", b"PK\5\6" + b"\xff" * 18)
        archive.writestr(RNN_LAYERS, "x = 1")
    path = tmp_path / "x.zip"
    for before in (b"", zipped({RNN_LAYERS: "x = 0"})):
        path.write_bytes(before + out.getvalue())
        assert find_work.read_submission(path).sources == {RNN_LAYERS: b"x = 1"}


@pytest.mark.parametrize(
    ("name", "content"),
    [("1_12_report.pdf", b"%PDF-1.7"), ("1_12_readme.txt", b"hello"), ("1_12_b.zip", b"PK broken")],
)
def test_what_lies_beside_a_zip_costs_nothing(tmp_path, name, content):
    """A report, a text or a damaged zip that a platform exports with the work costs nothing; alone,
    each gives a message that says what it is.
    """
    beside = tmp_path / f"ada_{name}"
    beside.write_bytes(content)
    work = tmp_path / "ada_1_11_a.zip"
    work.write_bytes(zipped({RNN_LAYERS: "x = 1"}))
    assert find_work.read_submission([work, beside]).sources == {RNN_LAYERS: b"x = 1"}
    with pytest.raises(ValueError, match=r"this is (a PDF|not a zip)"):
        find_work.read_submission([beside])


@pytest.mark.parametrize("inner", [False, True])
def test_hours_of_unpacking(read, monkeypatch, inner):
    """However often a zip's files are read to tell which of them counts, the total unpacked size
    has a bound; beyond it, nothing is graded, and the message gives the reason.
    """
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 10 << 20)
    files = {f"d{k}/rnn_layers.py": bytes(2 << 20) for k in range(20)}
    files = {"work.zip": zipped(files)} if inner else files
    with pytest.raises(ValueError, match="unpacked, its files hold more than"):
        read(files)


def test_zips_of_very_many_files(read, monkeypatch):
    """The files of all zips in a zip are counted together."""
    monkeypatch.setattr(unpack, "MAX_ENTRIES", 30)
    inner = zipped({f"f{k}": "" for k in range(25)})
    with pytest.raises(ValueError, match="hold more than 60 files"):
        read({f"{k}.zip": inner for k in range(3)})
