"""Which files of a submission count."""

import io
import zipfile
from pathlib import Path

import pytest

from grading.find_work import read_submission
from grading.hostile import solved, unsolved, zipped
from grading.manifest import MANIFEST
from grading.stubs import stub_out

ROOT = Path(__file__).resolve().parents[2]

WORK = zipped(solved())
FILES = set(MANIFEST.files)
SOLVED = {name: text.encode() for name, text in solved().items()}
STUBS = {name: text.encode() for name, text in unsolved().items()}


def below(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(
    "files",
    [
        {**below("handout", STUBS), **below("work", SOLVED)},
        {**STUBS, **below("mine/done", SOLVED)},
        {**STUBS, **{n.replace("deeplearning", "cs231n"): c for n, c in SOLVED.items()}},
        {name.upper(): content for name, content in SOLVED.items()},
        {"a.zip": zipped({"b.zip": WORK})},
    ],
)
def test_the_work_is_found(tmp_path, files):
    """The hand-out never counts as a student's work, wherever it lies; case is ignored; a zip in a
    zip in a zip is opened.
    """
    (tmp_path / "x.zip").write_bytes(zipped(files))
    handed_in = read_submission(tmp_path / "x.zip")
    assert (handed_in.sources, handed_in.held) == (SOLVED, "")


@pytest.mark.parametrize("place", ["", "mine/", "Downloads/deeplearning/"])
def test_work_beside_the_stub(tmp_path, place):
    """A student who saves a file next to the package and leaves the stub in it is graded on the
    work; a note says so.
    """
    style = "deeplearning/style_transfer.py"
    files = SOLVED | {style: STUBS[style], f"{place}style_transfer.py": SOLVED[style]}
    (tmp_path / "x.zip").write_bytes(zipped(files))
    handed_in = read_submission(tmp_path / "x.zip")
    assert (handed_in.sources, handed_in.held) == (SOLVED, "")
    assert any(f"{style} was taken from {place}style_transfer.py" in n for n in handed_in.notes)


def test_two_works_beside_the_stub(tmp_path):
    """If two different candidates lie next to the stub, nothing is guessed; a second stub is not a
    candidate.
    """
    style = "deeplearning/style_transfer.py"
    files = SOLVED | {style: STUBS[style], "a/style_transfer.py": STUBS[style]}
    for held in (False, True):
        (tmp_path / "x.zip").write_bytes(zipped(files))
        assert bool(read_submission(tmp_path / "x.zip").held) == held
        files |= {"b/style_transfer.py": SOLVED[style], "c/style_transfer.py": b"x = 1"}


def test_very_large_helpers(tmp_path):
    """Modules of data that are too large in total are left out, with a note; the others count."""
    files = SOLVED | {f"deeplearning/data{k}.py": b"x = 1\n" + bytes(900_000) for k in range(30)}
    (tmp_path / "x.zip").write_bytes(zipped(files))
    handed_in = read_submission(tmp_path / "x.zip")
    assert handed_in.sources == SOLVED and len(handed_in.helpers) == 4
    assert [note for note in handed_in.notes if "own modules were left out" in note]


def test_one_function_of_a_file_counts_as_begun(tmp_path):
    """A file in which one function is written counts as the student's work, whatever stubs are left,
    also of helpers: an older copy elsewhere does not take its place.
    """
    path = "deeplearning/network_visualization.py"
    stubs = (ROOT / path).read_text(encoding="utf-8")
    stubs = stub_out(stubs, [e for e in MANIFEST.exercises.values() if e.path == path])
    first = stubs.index("    raise NotImplementedError")
    written = stubs[:first] + "    return 1" + stubs[stubs.index("\n", first) :]
    files = {path: written, "notes/network_visualization.py": stubs.replace("raise", "pass  #")}
    (tmp_path / "x.zip").write_bytes(zipped(files))
    assert read_submission(tmp_path / "x.zip").sources == {path: written.encode()}


def inner(*names):
    """A zip with zips in it, and macOS's extra files next to them."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, name in enumerate(names):
            files = solved() if number == 0 else {**solved(), "deeplearning/rnn_layers.py": "other"}
            archive.writestr(name, zipped(files))
            archive.writestr(f"__MACOSX/._{name}", b"remarks")
    return data.getvalue()


def test_zips_in_a_zip(tmp_path):
    """A zip in a zip counts, with a note if other files lie next to it; between two with different
    work, a person has to choose.
    """
    for name, content in {"one": inner("a.zip"), "two": inner("a.zip", "b.zip")}.items():
        (tmp_path / f"{name}.zip").write_bytes(content)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "assignment2.zip").write_bytes(zipped(solved()))
    alone = read_submission(tmp_path / "folder")
    assert set(alone.sources) == FILES and not alone.notes
    (tmp_path / "folder" / "letter.txt").write_text("Dear grader")
    assert "assignment2.zip, which was graded" in read_submission(tmp_path / "folder").notes[0]
    assert set(read_submission(tmp_path / "one.zip").sources) == FILES
    held = read_submission(tmp_path / "two.zip")
    assert "a.zip" in held.held and "b.zip" in held.held and not held.sources


@pytest.mark.parametrize(
    "stray",
    [
        {"rnn_layers.py": "stray", "style_transfer.py": "stray"},
        {f"a_backup/{name}": "old" for name in FILES},
        {f"work/.ipynb_checkpoints/{name}": "old" for name in FILES},
        {"a_backup/rnn_layers.py": "old", "z/old/deeplearning/rnn_layers.py": "old"},
    ],
)
def test_strays_do_not_count(tmp_path, stray):
    """The manifest's exact path comes first, before files outside the package, and copies."""
    files = {f"work/{name}": text for name, text in solved().items()} | stray
    (tmp_path / "x.zip").write_bytes(zipped(files))
    handed_in = read_submission(tmp_path / "x.zip")
    assert {name: data.decode() for name, data in handed_in.sources.items()} == solved()
    assert not handed_in.held


def test_two_works_are_held(tmp_path):
    """Two different works at the same depth are held with both names; equal ones are not."""
    one = {f"one/{name}": text for name, text in solved().items()}
    (tmp_path / "x.zip").write_bytes(zipped(one | {f"two/{name}": "x = 1" for name in FILES}))
    (tmp_path / "y.zip").write_bytes(zipped(one | {f"two/{n}": t for n, t in solved().items()}))
    held = read_submission(tmp_path / "x.zip").held
    assert "one/deeplearning" in held and "two/deeplearning" in held
    assert set(read_submission(tmp_path / "y.zip").sources) == FILES


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("Copy of RNN_Captioning.ipynb", "q1"),
        ("LSTM_Captioning (1).ipynb", "q2"),
        ("LSTM_Captioning-Copy1.ipynb", "q2"),
        ("NetworkVisualization.ipynb", "q3"),
        ("Copy of StyleTransfer-PyTorch.ipynb", "q4"),
    ],
)
def test_names_of_notebooks(tmp_path, name, question):
    """A notebook is known by its name, with or without what Colab, Jupyter and browsers add."""
    (tmp_path / "x.zip").write_bytes(zipped({**solved(), name: "{}"}))
    assert set(read_submission(tmp_path / "x.zip").notebooks) == {
        MANIFEST.questions[question].notebook
    }


def test_modules_of_their_own(tmp_path):
    """Helpers in the package and next to it are included; copies of the course's files are not."""
    files = {
        "deeplearning/my_layers.py": "", "deeplearning/gates/lstm.py": "", "helper.py": "",
        "deeplearning/layers.py": "", "deeplearning/datasets/build.py": "", "other/far.py": "",
    }  # fmt: skip
    (tmp_path / "x.zip").write_bytes(zipped({f"hw/{n}": t for n, t in (solved() | files).items()}))
    assert set(read_submission(tmp_path / "x.zip").helpers) == {
        "deeplearning/my_layers.py",
        "deeplearning/gates/lstm.py",
        "beside/helper.py",
    }


def test_an_entry_without_a_name(tmp_path):
    """An entry with an empty name is noted, and the rest is read."""

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in solved().items():
            archive.writestr(name, text)
        archive.writestr(zipfile.ZipInfo(""), b"x")

    (tmp_path / "x.zip").write_bytes(out.getvalue())
    handed_in = read_submission(tmp_path / "x.zip")
    assert set(handed_in.sources) == FILES and "no name" in handed_in.notes[0]


OTHER = {name: content + b"\nx = 1\n" for name, content in SOLVED.items()}
FIRST = "deeplearning/rnn_layers.py"
PARTS = {
    "the same beside its zip": ({"rnn_layers.py": SOLVED[FIRST], "a.zip": WORK}, ""),
    "a stub beside a zip": ({"rnn_layers.py": STUBS[FIRST], "a.zip": WORK}, ""),
    "the rest in a zip": (
        {FIRST: SOLVED[FIRST], "a.zip": zipped({n: c for n, c in SOLVED.items() if n != FIRST})},
        "",
    ),
    "beside a damaged zip": ({**SOLVED, "a.zip": WORK[:1000]}, ""),
    "a zip in the work's folder": ({**below("w", SOLVED), "w/a.zip": zipped(OTHER)}, ""),
    "the zip that the work came from": ({**below("w", SOLVED), "a.zip": WORK}, ""),
    "a copy beside the work": ({**below("w", SOLVED), "old.zip": zipped(OTHER)}, ""),
    "a handout beside the work": ({**below("w", SOLVED), "a.zip": zipped(STUBS)}, ""),
    "a zip of another work": ({**below("w", SOLVED), "a.zip": zipped(OTHER)}, "which one counts?"),
    "another beside a zip": ({"rnn_layers.py": OTHER[FIRST], "a.zip": WORK}, "which one counts?"),
}


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_beside_a_zip(tmp_path, kind):
    """If part of the work lies next to a zip of the rest, both count; if the two differ, a person
    decides. Nothing is lost silently.
    """
    files, held = PARTS[kind]
    for name, content in files.items():
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_bytes(content)
    handed_in = read_submission(tmp_path / "x")
    assert held in handed_in.held and bool(held) == bool(handed_in.held)
    assert handed_in.sources == ({} if held else SOLVED)


@pytest.mark.parametrize("beside", ["a handout", "a copy"])
def test_zips_that_are_no_work(tmp_path, beside):
    """Part of the work still counts if a zip next to it holds stubs, or a copy."""
    name, content = {"a handout": ("a.zip", zipped(STUBS)), "a copy": ("old.zip", zipped(OTHER))}[
        beside
    ]
    (tmp_path / "rnn_layers.py").write_bytes(SOLVED[FIRST])
    (tmp_path / name).write_bytes(content)
    assert read_submission(tmp_path).sources == {FIRST: SOLVED[FIRST]}


@pytest.mark.parametrize("same", [True, False])
def test_a_file_handed_in_beside_a_zip(tmp_path, same):
    """If a platform exports a zip and a file, equal ones are one work; otherwise a person
    chooses.
    """
    paths = [tmp_path / "ada_1_11_a.zip", tmp_path / "ada_1_12_rnn_layers.py"]
    paths[0].write_bytes(WORK)
    paths[1].write_bytes(SOLVED[FIRST] if same else OTHER[FIRST])
    handed_in = read_submission(paths)
    assert bool(handed_in.held) != same and bool(handed_in.sources) == same


@pytest.mark.parametrize("name", ["helper.py/inner.py", f"{'a' * 300}.py"])
def test_names_that_nobody_could_write(tmp_path, name):
    """A folder with the name of a file next to it, and names too long for any disk, are left out;
    the work counts.
    """
    files = {**SOLVED, "deeplearning/helper.py": "x = 1", f"deeplearning/{name}": "x = 2"}
    (tmp_path / "x.zip").write_bytes(zipped(files))
    handed_in = read_submission(tmp_path / "x.zip")
    assert list(handed_in.helpers) == ["deeplearning/helper.py"]
    assert handed_in.sources == SOLVED
