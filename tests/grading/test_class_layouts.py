"""Nobody disappears: layouts of classes and of students' work as teaching assistants meet them."""

import pytest

from grading.exports import Found, find_submissions
from grading.find_work import read_submission
from grading.hostile import solved, unsolved, zipped
from grading.manifest import MANIFEST
from grading.roster import Person, assign, doubtful, read_roster

FILES = set(MANIFEST.files)
RIGHT = {name: text.encode() for name, text in solved().items()}
STUBS = {name: text.encode() for name, text in unsolved().items()}
WORK = zipped(RIGHT)


def below(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


def loose(files):
    """Files as a platform that takes no folders gets them."""
    return {name.rpartition("/")[2]: content for name, content in files.items()}


def sources(submission):
    """The right sources that were found; the reason if a person has to decide."""
    handed_in = read_submission(submission.paths)
    return handed_in.held or {n for n, c in handed_in.sources.items() if c == RIGHT[n]}


LAYOUTS = {
    "Brightspace, files instead of a zip": {
        f"10{k}-20{k} - {name} - Nov 1, 2026 1000 AM - {file}": content
        for k, name in enumerate(["Ada", "Bo"])
        for file, content in loose(RIGHT).items()
    },
    "late, with a single person": {"Ada.zip": WORK, "Al.zip": WORK, "late/Bo.zip": WORK},
    "sections, one with a single person": {
        f"{section}/{name}.zip": WORK
        for section, name in [("S1", "Ada"), ("S1", "Al"), ("S2", "Cy"), ("S2", "Di"), ("S3", "Bo")]
    },
    "two downloads": {
        "submissions.zip": zipped({"ada_1_11_a.zip": WORK}),
        "submissions (1).zip": zipped({"bo_2_12_a.zip": WORK}),
    },
    "one zip for each question": {
        **below("Bo", {f"q{k}.zip": zipped({n: c}) for k, (n, c) in enumerate(RIGHT.items(), 1)}),
        "Ada.zip": WORK,
        "Al.zip": WORK,
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everybody_is_found(written, tmp_path, layout):
    """Each person in a class has a row, with all files of the work."""
    found = find_submissions([written(LAYOUTS[layout])], tmp_path / "out" / "unpacked")
    people = {name.lower(): sources(submission) for name, submission in found.items()}
    assert {"ada", "bo"} <= people.keys()
    assert all(files == FILES for files in people.values())


def test_several_paths_keep_their_names(written, tmp_path):
    """`submissions/*` finds the same people as `submissions`: a platform's items and folders of one
    zip each. The folder of grades among them is left out.
    """
    scratch = tmp_path / "class" / "grades" / "unpacked"
    files = {f"{name}_1_assignsubmission_file_/assignment2.zip": WORK for name in ("Ada", "Bo")}
    inside = written(files | {"Cy/assignment2.zip": WORK, "grades/Ada/graded.json": b"{}"})
    assert set(find_submissions(sorted(inside.iterdir()), scratch)) == {"Ada", "Bo", "Cy"}


def test_grades_inside_the_submissions_folder(written, tmp_path):
    """The folder of grades, written next to a class's zip by a first run, changes nothing."""
    scratch = tmp_path / "class" / "grades" / "unpacked"
    people = below("Ada", RIGHT) | below("Bo", RIGHT) | below("Cy", RIGHT)
    inside = written({"CS182 fall.zip": zipped(people)})
    assert set(find_submissions([inside], scratch)) == {"Ada", "Bo", "Cy"}
    written({"grades/seed.txt": b"1", "grades/Ada/graded.json": b"{}"})
    assert set(find_submissions([inside], scratch)) == {"Ada", "Bo", "Cy"}


def still_with_stubs_lines():
    """Finished files in which the line that a stub raises stands in a comment, or below a return."""
    files = {}
    for name, content in RIGHT.items():
        left = STUBS[name].count(b'raise NotImplementedError("Q')
        comments = b"\n".join([b'# raise NotImplementedError("Q1")'] * left)
        dead = b'\ndef g(x):\n    return x\n    raise NotImplementedError("Q1")\n'
        files[name] = content + comments + dead
    return files


UNREADABLE = {"w.rar": b"Rar!\x1a\7\1\0", "new.zip": b"PK\3\4 broken"}
STUDENTS = {
    "untouched next to a zip of the work": STUBS | {"submission.zip": WORK},
    "four parts": {f"p{k}.zip": zipped({n: c}) for k, (n, c) in enumerate(RIGHT.items())},
    "next to the hand-out": STUBS | below("mine/assignment2", RIGHT),
}


@pytest.mark.parametrize("files", STUDENTS.values(), ids=STUDENTS)
def test_the_work_counts_and_not_the_stubs(written, files):
    """Wherever a student has put the work, it counts rather than what students start from."""
    assert sources(Found("x", [written(below("a b", files))])) == FILES


def test_lines_that_stubs_raise_may_stay(written):
    """A finished work that still holds the stubs' lines, unused, is not the hand-out."""
    files = still_with_stubs_lines()
    handed_in = read_submission([written(STUBS | below("mine/assignment2", files))])
    assert handed_in.sources == files


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_can_not_be_read_next_to_stubs_is_held(written, name):
    """Next to stubs alone, an archive that can't be read could be the work: a person decides."""
    held = sources(Found("x", [written(STUBS | {name: UNREADABLE[name]})]))
    assert name in held


@pytest.mark.parametrize("left", [{"rnn.py": b"x = 1"}, {"report.pdf": b"%PDF"}])
def test_a_last_attempt_that_lacks_files_is_held(written, tmp_path, left):
    """If the last attempt holds only a corrected file or a report, an earlier one may count, too."""
    first = {f"HW 2_ada_attempt_2026-11-01-10-00-00_{n}": c for n, c in loose(RIGHT).items()}
    last = {f"HW 2_ada_attempt_2026-11-02-10-00-00_{n}": c for n, c in left.items()}
    whole = {f"HW 2_bo_attempt_2026-11-01-10-00-00_{n}": c for n, c in loose(RIGHT).items()}
    found = find_submissions([written(first | last | whole)], tmp_path / "out" / "unpacked")
    assert "earlier attempt" in found["ada"].held and not found["bo"].held


@pytest.mark.parametrize(
    ("submission", "person"),
    [
        ("lovelaceada", Person("Ada Marie Lovelace")),
        ("smithjohn", Person("Smith, John (JJ)")),
        ("al12", Person("Ada Lovelace", email="al12@x.edu")),
        ("12345", Person("Ada Lovelace", id="12345")),
        ("Joerg Mueller", Person("Jörg Müller")),
        ("oyvindas", Person("Øyvind Ås")),
        ("late", Person("Ada Lovelace")),
    ],
)
def test_nobody_gets_a_zero_for_a_work_that_may_be_theirs(submission, person):
    """A person either gets the submission, or is listed as unclear; somebody else gets it never."""
    roster = [person, Person("Bo Li")]
    found = {submission: Found(submission)}
    owners, strangers = assign(roster, found)
    assert owners.get(submission) == person or person in doubtful(roster, found, strangers)
    assert owners.get(submission) in (None, person)


def test_a_login_that_is_anothers_name():
    """If a submission's name is one person's name and another's login, nobody gets the points."""
    roster = [Person("Chen Wu", "1", "", "cwu12"), Person("Bo Li", "2", "", "chenwu")]
    found = {"chenwu": Found("chenwu")}
    owners, strangers = assign(roster, found)
    assert not owners and doubtful(roster, found, strangers) == set(roster)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("identifier,github_username,name\nx,ada,Ada\n", [Person("Ada")]),
        ("name,NetID\n,ada12\n", [Person("ada12", login="ada12")]),
        ("first_name,last_name\nAda,Lovelace\n", [Person("Ada Lovelace")]),
        ("\nsep=;\nname;id\nAda;7\n", [Person("Ada", "7")]),
        ("Name,OrgDefinedId\nAda,#7\n", [Person("Ada", "#7")]),
    ],
)
def test_rosters_with_other_headings(tmp_path, text, people):
    """Headings of more platforms are known; a row without a name goes by login, address or id."""
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    assert read_roster(tmp_path / "roster.csv") == people


def test_a_roster_of_nobody_is_refused(tmp_path):
    """A roster without a single name would be as none."""
    (tmp_path / "roster.csv").write_text("name,id\n,\n", encoding="utf-8")
    with pytest.raises(ValueError, match="nobody has a name in it"):
        read_roster(tmp_path / "roster.csv")


def test_letters_that_end_in_a_backslash(written, tmp_path):
    """A class's zip with names in Big5 or CP932, where a letter's second byte can be a backslash, keeps
    everybody.
    """
    names = [
        f"{letters}.zip".encode(code) for letters, code in [("成功", "big5"), ("カソ", "cp932")]
    ]
    data = zipped({"aaaa.zip": WORK, "bbbb.zip": WORK})
    placeholders = (b"aaaa.zip", b"bbbb.zip")
    for name, placeholder in zip(names, placeholders, strict=True):
        assert len(name) == len(placeholder)
        data = data.replace(placeholder, name)
    found = find_submissions([written({"class.zip": data})], tmp_path / "out" / "unpacked")
    assert len(found) == 2 and all(sources(each) == FILES for each in found.values())
