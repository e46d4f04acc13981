"""Zips that hold a class, and folders and zips of one person that look like one."""

import os
import subprocess
import zipfile

import pytest

from grading import class_zips
from grading.exports import find_submissions
from grading.find_work import read_submission
from grading.hostile import solved, unsolved, zipped
from grading.manifest import MANIFEST

SOLVED = solved()
WORK = zipped(SOLVED)
FILES = set(MANIFEST.files)
DRIVE = "drive-download-20261101T100000Z-00"


def below(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


def works(submissions):
    """Dictionary from names to whether all files of exercises were found."""
    return {name: set(read_submission(s.paths).sources) == FILES for name, s in submissions.items()}


def test_parts_of_what_google_drive_has_packed(found):
    """A folder that Drive has packed into several zips is one class again; a student whose files
    lie in two of them is one student.
    """
    one, two = dict(list(SOLVED.items())[:2]), dict(list(SOLVED.items())[2:])
    parts = {
        f"{DRIVE}1.zip": zipped({**below("ada", one), **below("alan", SOLVED)}),
        f"{DRIVE}2.zip": zipped({**below("ada", two), "zoe/assignment2.zip": WORK}),
    }
    assert works(found(parts)) == {"ada": True, "alan": True, "zoe": True}


def test_parts_of_google_drive_in_a_zip(tmp_path):
    """The same in a zip of all, and with one part alone."""
    both = below("ada", SOLVED) | below("zoe", SOLVED)
    for parts in (1, 2):
        names = [f"{DRIVE}{number}.zip" for number in range(1, parts + 1)]
        (tmp_path / "all.zip").write_bytes(zipped(dict.fromkeys(names, zipped(both))))
        submissions = find_submissions([tmp_path / "all.zip"], tmp_path / "scratch")
        assert works(submissions) == {"ada": True, "zoe": True}


def test_one_person_packed_by_google_drive(found):
    """Google Drive's zips of one person's folder get that folder's name."""
    name = "ada-20261101T100000Z-001.zip"
    assert works(found({name: zipped(below("ada", SOLVED)), "zoe.zip": WORK})) == {
        "ada": True,
        "zoe": True,
    }


def test_zips_of_one_name(found):
    """Each section's folder holds a zip of the same name, which the platform gives to all."""
    mon = zipped({"ada_1_11_a.zip": WORK, "bob_2_12_a.zip": WORK})
    tue = zipped({"cy_3_13_a.zip": WORK, "dan_4_14_a.zip": WORK})
    submissions = found({"mon/submissions.zip": mon, "tue/submissions.zip": tue})
    assert works(submissions) == dict.fromkeys(["ada", "bob", "cy", "dan"], True)


def test_zips_of_one_name_at_once(tmp_path):
    """Two exports on one command line are never unpacked over each other."""
    for section, who in (("mon", "ada_1"), ("tue", "bob_2")):
        (tmp_path / section).mkdir()
        content = zipped({f"{who}_11_a.zip": WORK, f"{who}x_12_a.zip": WORK})
        (tmp_path / section / "submissions.zip").write_bytes(content)
    paths = [tmp_path / section / "submissions.zip" for section in ("mon", "tue")]
    submissions = find_submissions(paths, tmp_path / "scratch")
    assert all(works(submissions).values()) and {"ada", "bob"} <= set(submissions)


def test_nobody_of_a_large_class_is_lost(tmp_path, monkeypatch):
    """Every person is found, however many files a class's zip holds."""
    monkeypatch.setattr(class_zips, "LOOKED_AT", 100)
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for who in range(50):
            for name in [*SOLVED, "a.txt"]:
                archive.writestr(f"student {who}/{name}", "x = 1")
    assert len(find_submissions([tmp_path / "class.zip"], tmp_path / "scratch")) == 50


ONE_PERSONS = {
    "a picture with numbers": {**below("ada", SOLVED), "ada/figure_1_2_old.png": ""},
    "a folder submission_1": below("ada/submission_1", SOLVED),
    "a zip of submission_2": {"ada.zip": zipped(below("submission_2", SOLVED))},
    "a zip in submission_1": {"ada/submission_1/assignment2.zip": WORK},
    "names of others beside the package": {
        "ada.zip": zipped({**SOLVED, "bob_2_assignsubmission_file_/a.zip": WORK})
    },
    "attempts": {**below("ada/attempt 1", unsolved()), **below("ada/attempt 2", SOLVED)},
}


@pytest.mark.parametrize("kind", ONE_PERSONS)
def test_one_person_stays_one(found, kind):
    """A student's own files and folders with names like a platform's don't count as other
    people.
    """
    submissions = found({**ONE_PERSONS[kind], "bob.zip": WORK, "zoe/assignment2.zip": WORK})
    assert works(submissions) == {"ada": True, "bob": True, "zoe": True}


NAMES_OF_OTHERS = {
    "names of a platform": {"bob_2_assignsubmission_file_/a.zip": zipped(unsolved())},
    "plain names": {"bob.zip": zipped(unsolved()), "zoe.zip": zipped(unsolved())},
}


@pytest.mark.parametrize("kind", NAMES_OF_OTHERS)
@pytest.mark.parametrize("as_zip", [True, False])
def test_nobody_hands_in_for_others(found, kind, as_zip):
    """A submission with works under others' names is held, and the others keep their own works."""
    inside = NAMES_OF_OTHERS[kind]
    mallory = {"m. y.zip": zipped(inside)} if as_zip else below("m. y", inside)
    bob = (
        {"bob.zip": WORK, "zoe.zip": WORK}
        if as_zip
        else {**below("bob", SOLVED), **below("zoe", SOLVED)}
    )
    submissions = found({**mallory, **bob})
    assert list(submissions) == ["bob", "m. y", "zoe"]
    assert works({name: submissions[name] for name in ("bob", "zoe")}) == {"bob": True, "zoe": True}
    held = submissions["m. y"].held or read_submission(submissions["m. y"].paths).held
    assert "works under several names" in held or "several zips" in held


@pytest.mark.skipif(os.name != "posix", reason="made by mkdir")
@pytest.mark.parametrize("others", [True, False])
def test_a_very_deep_folder(tmp_path, others):
    """A chain of nested folders is one submission, and does not stop others from being found."""
    deep = tmp_path / "class" / "ada" / ("a/" * 1200)
    subprocess.run(["mkdir", "-p", str(deep)], check=True)
    subprocess.run(["touch", f"{deep}/rnn_layers.py"], check=True)
    if others:
        (tmp_path / "class" / "zoe.zip").write_bytes(WORK)
    try:
        found = find_submissions([tmp_path / "class"], tmp_path / "scratch")
        assert len(found) == 1 + others
    finally:  # Python's own ways to remove folders would give up
        subprocess.run(["rm", "-rf", str(tmp_path / "class")], check=True)


def test_a_zip_of_very_deep_folders(tmp_path):
    """It is read, or counts as one submission; nothing is raised."""
    names = [f"{'a/' * 3000}{who}/deeplearning/rnn_layers.py" for who in ("ada", "alan")]
    (tmp_path / "x.zip").write_bytes(zipped(dict.fromkeys(names, "x = 1")))
    assert list(find_submissions([tmp_path / "x.zip"], tmp_path / "scratch")) == ["x"]


@pytest.mark.parametrize("beside", [["x", "y"], []])
def test_a_link_to_another_student(tmp_path, beside):
    """A link in a student's folder, to the work of another, is held: it never counts as theirs."""
    for name, content in below("alan", SOLVED).items():
        (tmp_path / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / name).write_text(content)
    alone = tmp_path / "class" if beside else tmp_path / "other"
    for name in ["", *beside]:
        (alone / "eve" / name).mkdir(parents=True, exist_ok=True)
    for name in beside:
        (alone / "eve" / name / "rnn_layers.py").write_bytes(b"x = 1")
    (alone / "eve" / "eve").symlink_to(tmp_path / "class" / "alan")
    held = find_submissions([alone], tmp_path / "scratch")["eve"].held
    assert ("works under several names" if beside else "is a link") in held


def test_grades_beside_the_submissions(found, tmp_path):
    """The folder that grades are written into is never a submission, wherever it lies."""
    files = {"ada.zip": WORK, "zoe.zip": WORK}
    written = {"out/ada/results.json": "{}", "out/zoe/graded.json": "{}", "out/seed.txt": "7"}
    found(files | written)
    scratch = tmp_path / "class" / "out" / "unpacked"
    assert list(find_submissions([tmp_path / "class"], scratch)) == ["ada", "zoe"]


@pytest.mark.parametrize("as_zips", [False, True])
def test_parts_of_one_work(found, as_zips):
    """Two zips of one person with different files are parts of one work, in a folder or handed over
    one by one.
    """
    one, two = dict(list(SOLVED.items())[:2]), dict(list(SOLVED.items())[2:])
    names = ("ada_1_11_a.zip", "ada_1_12_b.zip") if as_zips else ("ada/a.zip", "ada/b.zip")
    files = dict(zip(names, map(zipped, (one, two)), strict=True))
    assert works(found({**files, "bob_2_13_c.zip": WORK})) == {"ada": True, "bob": True}


def test_a_course_of_nbgrader(found):
    """In a course's folder, only what was handed in counts, not what was handed out."""
    files = {**below("submitted/ada/ps2", SOLVED), **below("submitted/zoe/ps2", SOLVED)}
    others = {**below("source/ps2", SOLVED), **below("release/ps2", unsolved())}
    assert works(found(files | others)) == {"ada": True, "zoe": True}


def test_accents_of_macos(found):
    """A name comes out the same, however macOS encodes its accents."""
    assert list(found({"Jo\u0308rg/a.zip": WORK, "zoe/a.zip": WORK})) == ["J\u00f6rg", "zoe"]


def test_a_class_that_can_not_be_unpacked(tmp_path):
    """If a file of a class's zip is damaged, the zip is held: it is not one person's work, and
    nobody is left out silently.
    """
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for who in ("ada", "zoe"):
            archive.writestr(f"{who}/deeplearning/rnn_layers.py", f"x = '{who}'" * 20)
    path.write_bytes(path.read_bytes().replace(b"x = 'zoe'", b"x = 'zoo'", 1))
    (only,) = find_submissions([path], tmp_path / "scratch").values()
    assert only.name == "class" and "zoe/deeplearning/rnn_layers.py" in only.held


def test_names_in_a_class_that_nobody_could_write(tmp_path):
    """One student's odd names stop nobody's work from being unpacked."""
    files = {**below("ada", SOLVED), **below("zoe", SOLVED)}
    odd = [f"zoe/{'a' * 300}.py", "zoe/x.py", "zoe/x.py/y.py"]
    (tmp_path / "class.zip").write_bytes(zipped(files | dict.fromkeys(odd, "x = 1")))
    submissions = find_submissions([tmp_path / "class.zip"], tmp_path / "scratch")
    assert works(submissions) == {"ada": True, "zoe": True}
