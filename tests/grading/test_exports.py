"""Submissions and their owners, from exports of learning platforms and from staff's own folders.

The exports were made by hand after the platforms' documentation.
"""

import io
import tarfile

import pytest

from grading.exports import find_submissions
from grading.find_work import read_submission
from grading.hostile import solved, unsolved, zipped
from grading.manifest import MANIFEST

WORK = zipped(solved())
FILES = set(MANIFEST.files)


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
            "o'neil-lie_126_4580_assignment2.zip": WORK,
            **{
                f"hoppergrace_125_{4569 + k}_{name.split('/')[-1]}": text.encode()
                for k, (name, text) in enumerate(solved().items())
            },
        },
        {"lovelaceada": "123", "turingalan": "124", "hoppergrace": "125", "o'neil-lie": "126"},
    ),
    "Moodle, without names": (
        {
            "Participant_7788_assignsubmission_file_/assignment2.zip": WORK,
            "Participant_7789_assignsubmission_file/my work.zip": WORK,
        },
        {"Participant-7788": "7788", "Participant-7789": "7789"},
    ),
    "Brightspace": (
        {
            "101-202 - Ada Lovelace - Nov 1, 2026 1000 AM - assignment2.zip": WORK,
            "103-204 - Jörg Müller - Nov 1, 2026 1001 PM/assignment2.zip": WORK,
            "index.html": b"",
        },
        {"Ada Lovelace": "101", "Jörg Müller": "103"},
    ),
    "Brightspace, handed in twice": (
        {
            "101-202 - Ada Lovelace - Nov 1, 2026 1000 AM - a.zip": zipped({"x": ""}),
            "101-202 - Ada Lovelace - Nov 1, 2026 103 PM - a.zip": WORK,
            "103-204 - Alan Turing - 1 November, 2026 1000 AM - a.zip": WORK,
        },
        {"Ada Lovelace": "101", "Alan Turing": "103"},
    ),
    "nbgrader": (
        {
            "inbound/ada+ps2+2026-11-01 10:00:00.000000 UTC+x1/rnn_layers.py": b"",
            **{
                f"inbound/{who}+ps2+2026-11-02 10:00:00.000000 UTC+x2/{name}": text.encode()
                for who in ("ada", "alan")
                for name, text in solved().items()
            },
        },
        {"ada": "", "alan": ""},
    ),
    "Microsoft Teams": (
        {
            "Submitted files/Ada Lovelace/Assignment 2/Version 1/assignment2.zip": WORK,
            "Submitted files/Alan Turing/Assignment 2/assignment2.zip": WORK,
        },
        {"Ada Lovelace": "", "Alan Turing": ""},
    ),
    "Canvas, without names": (
        {"anon_aB3dE_11_a.zip": WORK, "anon_LATE_x9Fg2_12_a.zip": WORK},
        {"anon-aB3dE": "aB3dE", "anon-x9Fg2": "x9Fg2"},
    ),
    "Sakai": (
        {
            "Assignment 2/Lovelace, Ada(ada)/Submission attachment(s)/assignment2.zip": WORK,
            "Assignment 2/Lovelace, Ada(ada)/timestamp.txt": b"",
            "Assignment 2/Turing, Alan(alan)/Submission attachment(s)/assignment2.zip": WORK,
            "Assignment 2/grades.csv": b"",
        },
        {"Lovelace, Ada(ada)": "", "Turing, Alan(alan)": ""},
    ),
    "GitHub Classroom": (
        {
            f"assignment2-submissions/assignment2-{who}/{name}": text.encode()
            for who in ("ada", "alan")
            for name, text in solved().items()
        },
        {"assignment2-ada": "", "assignment2-alan": ""},
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
            b"  - :name: Grace Hopper\n    :sid: '9'\n    :email: grace@x.org\n"
            b"  :history:\n  - :id: 4\n    :submitters:\n    - :name: Nobody\n"
            b"submission_12:\n  :submitters:\n  - :name: 'Miles O''Brien'\n    :sid: '8'\n"
            b'  - :name: "Zo\\xEB \\u0141"\n    :sid: null\n',
        },
        {"Ada Lovelace": "7", "Grace Hopper": "9", "Miles O'Brien": "8", "Zoë Ł": ""},
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
    """Zips and folders go by their own names; a single file is held under its name, whatever lies
    next to it.
    """
    submissions = found(
        {"ada.zip": WORK, "alan/deeplearning/rnn_layers.py": b"x", "RNN_Captioning.ipynb": b"{}",
         "rnn_layers.py": b"x", "notes.txt": b"", "turing.rar": b"Rar!"}
    )  # fmt: skip
    held = {name for name, each in submissions.items() if each.held}
    assert held == {"RNN_Captioning.ipynb", "rnn_layers.py"}
    assert set(submissions) - held == {"ada", "alan", "turing"}


def test_one_work_tree_is_one_submission(found):
    """A folder with the package in it is one submission, whatever else it holds."""
    files = {name: text.encode() for name, text in solved().items()}
    assert list(found(files | {"RNN_Captioning.ipynb": b"{}", "helper.py": b""})) == ["class"]


def test_equal_names_are_told_apart(tmp_path):
    """Two submissions whose names differ at most in case get two folders."""
    for name in ("a/ann.zip", "b/Ann.zip"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(WORK)
    names = find_submissions([tmp_path / "a", tmp_path / "b"], tmp_path / "scratch")
    assert sorted(names) == ["Ann", "ann-2"]


BLACKBOARD_NAMES = [
    ("HW_2_a_lovelace HW_2_b_lovelace", "a_lovelace b_lovelace"),
    ("HW 2_ada HW 2_alan", "ada alan"),
    ("HW_2_ada", "ada"),
]


@pytest.mark.parametrize(("before", "names"), BLACKBOARD_NAMES)
def test_underscores_in_names(found, before, names):
    """On Blackboard, names begin with the assignment's name; two people never become one."""
    whos = before.replace(" HW", "|HW").split("|")
    files = {f"{who}_attempt_2026-11-01-10-00-00_a.zip": WORK for who in whos}
    assert list(found(files)) == names.split()


def test_what_was_written_online_is_no_work(found):
    """Canvas's page of typed text is ignored; its student is listed, with an empty submission."""
    submissions = found({"ada_1_11_a.zip": WORK, "bob_2_text.html": b"<p>"}, as_zip=True)
    assert {name: bool(each.paths) for name, each in submissions.items()} == {
        "ada": True,
        "bob": False,
    }


SOLVED = {name: text.encode() for name, text in solved().items()}
STUBS = {name: text.encode() for name, text in unsolved().items()}
OTHER = {name: text + b"\nx = 1\n" for name, text in SOLVED.items()}


def below(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


def plain(files):
    """Files without their folders, as one is told to upload them."""
    return {name.split("/")[-1]: content for name, content in files.items()}


CLASSES = {
    "folders": {**below("Jörg Müller", SOLVED), **below("Zoë/assignment2", SOLVED)},
    "loose files in folders": {
        **below("Jörg Müller", plain(SOLVED)),
        **below("Zoë", plain(SOLVED)),
    },
    "sections of folders": {
        **below("monday/Jörg Müller", SOLVED),
        **below("monday/Zoë", SOLVED),
    },
    "a zip in each folder": {"Jörg Müller/assignment2.zip": WORK, "Zoë/assignment2.zip": WORK},
    "a section of two": {"s/Jörg Müller.zip": WORK, "s/Zoë.zip": WORK},
    "with what macOS keeps": {
        "Jörg Müller.zip": WORK,
        "Zoë.zip": WORK,
        "__MACOSX/._Zoë.zip": b"x",
        "Thumbs.db": b"",
    },
}


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("kind", CLASSES)
def test_classes(found, kind, as_zip):
    """A class as staff keep it, as a folder or a zip: each person has a name and the right
    files.
    """
    submissions = found(CLASSES[kind], as_zip)
    assert list(submissions) == ["Jörg Müller", "Zoë"]
    assert all(work(each) == (FILES, "") for each in submissions.values())


@pytest.mark.parametrize(
    "files",
    [
        below("ada/assignment2", SOLVED),
        {"ada/assignment2.zip": WORK},
        {**below("ada/assignment2-handout", STUBS), **below("ada/assignment2", SOLVED)},
        {**below("ada/v1", SOLVED), **below("ada/v2", SOLVED)},
    ],
)
def test_one_folder_of_one_person(found, files):
    """If a class has a single folder, with a work or versions of it, the folder is a person's."""
    submissions = found(files)
    assert list(submissions) == ["ada"]
    assert work(submissions["ada"]) == (FILES, "")


def archive(mode):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as file:
        file.addfile(tarfile.TarInfo("rnn_layers.py"))
    return data.getvalue()


OTHER_ARCHIVES = {
    "a.tar.gz": archive("w:gz"), "a.tgz": archive("w:gz"), "a.tar": archive("w"),
    "a.tar.bz2": archive("w:bz2"), "a.tar.xz": archive("w:xz"), "a.rar": b"Rar!\x1a\7\0",
    "a.7z": b"7z\xbc\xaf\x27\x1c", "a.zip": archive("w:gz"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_ARCHIVES)
@pytest.mark.parametrize("folder", ["", "ada/"])
def test_other_archives_are_held(found, name, folder):
    """What can't be unpacked here is held under the student's name, and doesn't earn a 0."""
    submissions = found({f"{folder}{name}": OTHER_ARCHIVES[name], "zoe.zip": WORK})
    ada = submissions["ada" if folder else "a"]
    assert "unpack it" in work(ada)[1]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ada_1_11_a.zip": WORK, "ada_1_12_a-1.zip": zipped(OTHER), "b_2_13_a.zip": WORK}, "a-1"),
        ({"ada/a.zip": zipped({"b.zip": WORK, "c.zip": WORK}), "zoe.zip": WORK}, "zips again"),
        ({**below("ada/v1", SOLVED), **below("ada/v2", OTHER), "zoe.zip": WORK}, "v2"),
    ],
)
def test_nobody_guesses(found, files, said):
    """Where one person has handed in two works, whatever form they have, a person decides."""
    ada = found(files)["ada"]
    assert said in work(ada)[1]


@pytest.mark.parametrize("folder", ["", "monday/"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_numbers_of_people(found, folder, as_zip):
    """More than a few zips are a class, even if their names are only numbers."""
    names = [f"submission{number}" for number in range(1, 5)]
    submissions = found({f"{folder}{name}.zip": WORK for name in names}, as_zip)
    assert list(submissions) == names


def test_names_of_versions_are_nobody(found):
    """A folder of zips that are not named after people is held: nobody knows whose they are."""
    (only,) = found({"assignment2.zip": WORK, "assignment2 (1).zip": WORK}).values()
    assert "are not names of people" in only.held


def test_folders_named_like_what_the_grader_writes(found):
    """A folder `uploads` or `unpacked` of the class is read; what the grader has written next to
    its seed is not.
    """
    files = {"uploads/Ada.zip": WORK, "uploads/Alan.zip": WORK, "late/Zoe.zip": WORK}
    assert set(found(files | {"late/Eve.zip": WORK})) == {"Ada", "Alan", "Zoe", "Eve"}


def test_sections_with_everyday_names(found):
    """Sections called submissions and late are not two versions of one person's work."""
    people = {f"submissions/person{letter}.zip" for letter in "abcdefgh"}
    people |= {"late/Zoe Quill.zip", "late/Eve Stone.zip"}
    assert len(found(dict.fromkeys(people, WORK))) == 10


def test_very_long_names(found):
    """Files whose names are too long for a folder are unpacked all the same, with names cut."""
    files = {f"Person {'ä' * 300}{k}.zip": WORK for k in range(2)} | {"Ada.zip": WORK}
    submissions = found({"class.zip": zipped(files)})
    assert len(submissions) == 3 and "Ada" in submissions
    for name, submission in submissions.items():
        assert len(name.encode()) <= 200 and work(submission) == (FILES, "")


def test_very_long_names_in_gradescopes_yaml(found):
    """Students choose their names on Gradescope: one that no folder can have is cut."""
    files = {f"submission_{k}/a.zip": WORK for k in range(2)}
    lines = [f"submission_{k}:\n  :submitters:\n  - :name: {'ä' * 300}\n" for k in range(2)]
    names = list(found(files | {"submission_metadata.yml": "".join(lines).encode()}))
    assert names == ["ä" * 100, f"{'ä' * 100}-2"]
