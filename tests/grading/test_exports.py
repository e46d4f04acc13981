"""Whose is what: exports of learning platforms, and folders as staff have them.

The exports were made by hand after the platforms' documentation.
"""

import io
import zipfile

import pytest

from grading.exports import find_submissions
from grading.find_work import read_submission
from grading.hostile import solved, zipped
from grading.manifest import MANIFEST

WORK = zipped(solved())
FILES = set(MANIFEST.files)


@pytest.fixture
def found(tmp_path):
    """Function that writes files, from name to bytes, and finds the submissions there."""

    def found(files, as_zip=False):
        if as_zip:
            path = tmp_path / "class.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
            return find_submissions([path], tmp_path / "scratch")
        for name, content in files.items():
            path = tmp_path / "class" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return find_submissions([tmp_path / "class"], tmp_path / "scratch")

    return found


def work(submission):
    """Paths of the exercises' files that were found, and why it is held."""
    handed_in = read_submission(submission.paths)
    return set(handed_in.sources), handed_in.held


EXPORTS = {
    "Moodle, in folders": (
        {
            "Ada Lovelace_101_assignsubmission_file_/assignment2.zip": WORK,
            "Ada Lovelace_101_assignsubmission_onlinetext_/onlinetext.html": b"Hello",
            "Alan Turing_102_assignsubmission_file_/assignment2.zip": WORK,
        },
        {"Ada Lovelace": "101", "Alan Turing": "102"},
    ),
    "Moodle, flat": (
        {
            "Ada Lovelace_101_assignsubmission_file_assignment2.zip": WORK,
            "Alan Turing_102_assignsubmission_file_a.zip": WORK,
        },
        {"Ada Lovelace": "101", "Alan Turing": "102"},
    ),
    "Canvas": (
        {
            "lovelaceada_123_4567_assignment2.zip": WORK,
            "turingalan_LATE_124_4568_assignment2-1.zip": WORK,
            **{
                f"hoppergrace_125_{4569 + k}_{name.split('/')[-1]}": text.encode()
                for k, (name, text) in enumerate(solved().items())
            },
        },
        {"lovelaceada": "123", "turingalan": "124", "hoppergrace": "125"},
    ),
    "Blackboard": (
        {
            "HW2_ada_attempt_2026-11-01-10-00-00_assignment2.zip": zipped({"x": ""}),
            "HW2_ada_attempt_2026-11-02-10-00-00_assignment2.zip": WORK,
            "HW2_ada_attempt_2026-11-02-10-00-00.txt": b"Name: Ada",
            "HW2_alan_attempt_2026-11-01-09-00-00_assignment2.zip": WORK,
        },
        {"ada": "", "alan": ""},
    ),
    "Gradescope": (
        {
            "submission_11/assignment2.zip": WORK,
            **{f"submission_12/{name}": text.encode() for name, text in solved().items()},
            "submission_metadata.yml": b"---\nsubmission_11:\n  :submitters:\n"
            b"  - :name: Ada Lovelace\n    :sid: '7'\n    :email: ada@x.org\n"
            b"submission_12:\n  :submitters:\n  - :name: Alan Turing\n    :sid: '8'\n",
        },
        {"Ada Lovelace": "7", "Alan Turing": "8"},
    ),
}


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("inside", ["", "assignment_99_export/"])
@pytest.mark.parametrize("platform", EXPORTS)
def test_exports(found, platform, inside, as_zip):
    """Each student of a platform's export gets a submission of their own name and number, with all
    their files, from a folder and from the export's zip.
    """
    files, people = EXPORTS[platform]
    submissions = found({inside + name: content for name, content in files.items()}, as_zip)
    assert {name: each.id for name, each in submissions.items()} == people
    for each in submissions.values():
        assert work(each) == (FILES, "") and not each.held


def test_a_class_of_zips_and_folders(found):
    """Zips and folders are named as they are called; a loose file is held with its name, whatever
    lies beside it.
    """
    submissions = found(
        {"ada.zip": WORK, "alan/deeplearning/rnn_layers.py": b"x", "RNN_Captioning.ipynb": b"{}",
         "rnn_layers.py": b"x", "notes.txt": b"", "turing.rar": b"Rar!"}
    )  # fmt: skip
    held = {name for name, each in submissions.items() if each.held}
    assert held == {"RNN_Captioning.ipynb", "rnn_layers.py"}
    assert set(submissions) - held == {"ada", "alan", "turing"}


def test_one_work_tree_is_one_submission(found):
    """A folder with the package in it is a submission, whatever else lies there."""
    files = {name: text.encode() for name, text in solved().items()}
    assert list(found(files | {"RNN_Captioning.ipynb": b"{}", "helper.py": b""})) == ["class"]


def test_equal_names_are_told_apart(tmp_path):
    """Two of one name, capital letters aside, get two folders."""
    for name in ("a/ann.zip", "b/Ann.zip"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(WORK)
    names = find_submissions([tmp_path / "a", tmp_path / "b"], tmp_path / "scratch")
    assert sorted(names) == ["Ann", "ann-2"]


def inner(*names):
    """A zip with zips in it, and what macOS keeps beside them."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, name in enumerate(names):
            files = solved() if number == 0 else {**solved(), "deeplearning/rnn_layers.py": "other"}
            archive.writestr(name, zipped(files))
            archive.writestr(f"__MACOSX/._{name}", b"remarks")
    return data.getvalue()


def test_zips_in_a_zip(tmp_path):
    """A zip in a zip counts; of two with different work, nobody chooses but a person."""
    for name, content in {"one": inner("a.zip"), "two": inner("a.zip", "b.zip")}.items():
        (tmp_path / f"{name}.zip").write_bytes(content)
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
    """The manifest's exact path comes first, before files beside the package, and copies."""
    files = {f"work/{name}": text for name, text in solved().items()} | stray
    (tmp_path / "x.zip").write_bytes(zipped(files))
    handed_in = read_submission(tmp_path / "x.zip")
    assert {name: data.decode() for name, data in handed_in.sources.items()} == solved()
    assert not handed_in.held


def test_two_works_are_held(tmp_path):
    """Two works, equally near and different, are held with both names; equal ones are not."""
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
    """Helpers in the package and beside it come along; what the course has itself does not."""
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
