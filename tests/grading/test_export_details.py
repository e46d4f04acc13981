"""Odds and ends of exports: names as macOS and YAML write them, attempts without files, and files
that a browser has renamed.
"""

import contextlib
import io
import zipfile

import pytest

from grading.exports import find_submissions
from grading.find_work import read_submission
from grading.hostile import solved, zipped
from grading.manifest import MANIFEST

WORK = zipped(solved())
FILES = set(MANIFEST.files)


class OfMacOS(zipfile.ZipInfo):
    """An entry whose name is in UTF-8 without the flag that says so."""

    def _encodeFilenameFlags(self):
        return self.filename.encode(), self.flag_bits & ~0x800


@pytest.mark.parametrize("name", ["Jörg Müller.zip", "Jörg Müller_1_assignsubmission_file_/a.zip"])
def test_names_in_a_zip_of_macos(found, name):
    """A class that was packed by macOS keeps the letters of its names."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for each in (name, name.replace("Jörg Müller", "李雷")):
            archive.writestr(OfMacOS(each), WORK)
    assert set(found({"class.zip": data.getvalue()})) == {"Jörg Müller", "李雷"}


def test_names_in_gradescopes_yaml(found):
    """YAML's quotes and escapes are not part of a name."""
    people = [r'"J\u00F6rg M\xFCller"', "'Sean O''Neil'", "Zoë"]
    files = {f"submission_{k}/a.zip": WORK for k in range(3)}
    lines = [f"submission_{k}:\n  :submitters:\n  - :name: {n}\n" for k, n in enumerate(people)]
    files["submission_metadata.yml"] = "".join(lines).encode()
    assert list(found(files)) == ["Jörg Müller", "Sean O'Neil", "Zoë"]


def test_last_attempt_in_nbgraders_exchange(found):
    """Of several attempts in nbgrader's folder of submissions, the last counts."""
    folder = "{}+assignment2+2026-11-0{} 10_00_00.000000 UTC+x1/assignment2/{}"
    files = {}
    for who, day in (("ada", 1), ("ada", 2), ("alan", 1)):
        files |= {folder.format(who, day, k): v.encode() for k, v in solved().items()}
    submissions = found(files)
    assert list(submissions) == ["ada", "alan"]
    assert ["2026-11-02" in path.name for path in submissions["ada"].paths] == [True]


def test_a_last_attempt_without_files(found):
    """An attempt with nothing but text does not silently turn an earlier attempt's work
    into a 0.
    """
    attempt = "HW 2_{}_attempt_2026-11-0{}-10-00-00{}"
    files = {attempt.format("ada", 1, "_a.zip"): WORK, attempt.format("ada", 2, ".txt"): b"x"}
    submissions = found(files | {attempt.format("alan", 1, "_a.zip"): WORK})
    assert submissions["ada"].held and not submissions["alan"].held


def test_more_platform_names(found):
    """Brightspace's dates of other countries, and Moodle's files of feedback."""
    submissions = found(
        {
            "1-2 - Ada Lovelace - 1 November, 2026 1000 - a.zip": WORK,
            "Alan Turing_102_assignsubmission_file_/a.zip": WORK,
            "Alan Turing_102_assignfeedback_file_/a.zip": zipped({"rnn_layers.py": "x = 1"}),
        }
    )
    assert list(submissions) == ["Ada Lovelace", "Alan Turing"]
    assert set(read_submission(submissions["Alan Turing"].paths).sources) == FILES


@pytest.mark.parametrize("added", [" (1)", "(2)", "-copy", " copy", " 2", "-1", " - Copy", "_1"])
def test_sources_that_were_renamed(tmp_path, added):
    """A source whose name got a number from a browser or system is found, unless one with the plain
    name exists too.
    """
    for name, text in solved().items():
        path = tmp_path / "ada" / name.split("/")[-1].replace(".py", f"{added}.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert set(read_submission(tmp_path / "ada").sources) == FILES
    (tmp_path / "ada" / "rnn_layers.py").write_text("x = 1", encoding="utf-8")
    read = read_submission(tmp_path / "ada")
    assert read.sources["deeplearning/rnn_layers.py"] == b"x = 1" and not read.held


def test_two_class_zips_of_one_name(tmp_path):
    """Sections that were downloaded as zips of one name keep all their students' files apart."""
    for section, people in (("monday", "ada alan"), ("tuesday", "ada bo")):
        (tmp_path / section).mkdir()
        zips = {f"{who}.zip": zipped({"rnn_layers.py": section}) for who in people.split()}
        (tmp_path / section / "submissions.zip").write_bytes(zipped(zips))
    sections = sorted(tmp_path.glob("*/submissions.zip"))
    submissions = find_submissions(sections, tmp_path / "scratch")
    texts = [list(read_submission(each.paths).sources.values()) for each in submissions.values()]
    assert list(submissions) == ["ada", "ada-2", "alan", "bo"]
    assert sorted(texts) == [[b"monday"], [b"monday"], [b"tuesday"], [b"tuesday"]]


def test_zips_whose_ending_was_lost(found):
    """A zip with another extension gets its row and its grade; documents get none."""
    files = {"ada": WORK, "bo.zip.crdownload": WORK, "cy.docx": WORK, "dan.pdf": b"%PDF"}
    submissions = found(files | {"zoe.zip": WORK})
    assert list(submissions) == ["ada", "bo.zip.crdownload", "zoe"]
    assert set(read_submission(submissions["ada"].paths).sources) == FILES


def test_a_zip_that_bears_anothers_name(found):
    """A student's zip that looks like an export with another's name replaces nobody's work: both
    are held.
    """
    alan = "Alan Turing_102_assignsubmission_file_"
    submissions = found({f"{alan}/a.zip": WORK, "eve.zip": zipped({f"{alan}/a.zip": WORK})})
    assert len(submissions) == 2 and all(each.held for each in submissions.values())


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\x1b[2J\u202eb", "a_[2J_b"), ("Mu\udcfcller", "Muüller"), ("Ann\xa0Lee", "Ann Lee")],
)
def test_names_can_be_shown(tmp_path, name, shown):
    """A name that would move a terminal's cursor, or is not valid text, becomes a printable one."""
    with contextlib.suppress(OSError):  # not every file system takes it
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / f"{name}.zip").write_bytes(WORK)
        assert list(find_submissions([tmp_path / "in"], tmp_path / "scratch")) == [shown]
