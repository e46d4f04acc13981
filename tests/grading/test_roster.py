"""Owners of submissions by the roster: nobody gets another's grade, or a 0 by a guess."""

import pytest

from grading.exports import Found
from grading.roster import Person, assign, doubtful, read_roster

ADA = Person("Ada Lovelace", "7", "ada@x.org", "adal")
ALAN = Person("Alan Turing", "101", "alan@x.org", "alan-t")
AMY = Person("Amy", "8")
MAY = Person("May", "9")
CLASS = [ADA, ALAN, AMY, MAY]


def owner(found, roster=CLASS):
    owners, _ = assign(roster, {"x": found})
    return owners.get("x")


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace", "Lovelace, Ada", "lovelaceada", "ADA_LOVELACE", "adal", "Áda Lovelace",
        "assignment2 - Ada Lovelace", "Ada Lovelace - assignment2 (1)", "assignment2-adal-main",
        "Tutorial 1-Ada Lovelace", "Lovelace, Ada(adal)",
    ],
)  # fmt: skip
def test_names(name):
    """A person is found by the words of a name, in any order, and with anything that platforms add."""
    assert owner(Found(name)) == ADA


def test_names_of_the_same_letters():
    """Names that are made of the same letters are different people."""
    assert owner(Found("May")) == MAY and owner(Found("Amy")) == AMY
    assert owner(Found("Alan Lovelaced")) is None and owner(Found("Yam")) is None
    numbered = [Person("student12"), Person("student21")]
    assert owner(Found("student21"), numbered) == numbered[1]


def test_a_name_before_a_number():
    """A platform's number that happens to be another person's id doesn't give away their grade;
    between people of the same name it decides.
    """
    assert owner(Found("Ada Lovelace", id="101")) == ADA
    twins = [Person("Wei Zhang", "1"), Person("Wei Zhang", "2")]
    assert owner(Found("Wei Zhang", id="2"), twins) == twins[1]
    assert owner(Found("Wei Zhang"), twins) is None
    assert owner(Found("Participant", id="101")) == ALAN


def test_longer_names_first():
    """If one name is part of a longer one, the longer one counts; two possible people are none."""
    ann = [Person("Ann Lee"), Person("Ann Marie Lee")]
    assert owner(Found("hw - Ann Marie Lee"), ann) == ann[1]
    assert owner(Found("Ada Lovelace with Alan Turing")) is None


def test_two_works_of_one_person():
    """Neither of two submissions for one person counts, and the person gets no 0."""
    submissions = {"Ada Lovelace": Found("Ada Lovelace"), "adal": Found("adal")}
    owners, strangers = assign(CLASS, submissions)
    assert not owners and strangers == list(submissions)
    assert doubtful(CLASS, submissions, strangers) == {ADA}


@pytest.mark.parametrize(
    ("name", "people"),
    [("Ada L.", {ADA}), ("Participant-4", set(CLASS)), ("zoe", set())],
)
def test_no_zero_where_a_work_may_be_theirs(name, people):
    """People who may own an unassigned submission are told apart from those without one."""
    assert doubtful(CLASS, {name: Found(name)}, [name]) == people


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        'name,id\n"Müller, Jörg",7\n"Müller, Jörg",7\n\n',
        "Name;ID\r\nMüller, Jörg;7\r\n",
        "First name,Surname,ID number,Groups\nJörg,Müller,7,\n",
        'Student,ID,SIS Login ID\n"    Points Possible",,\n"Müller, Jörg",7,\n',
        "SID\tName\n7\tJörg Müller\n",
    ],
)
def test_rosters(tmp_path, text, encoding):
    """A roster as spreadsheets and platforms write it: each person once."""
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    (person,) = read_roster(path)
    assert person.id == "7" and sorted(person.name.replace(",", "").split()) == ["Jörg", "Müller"]


def test_no_roster(tmp_path):
    """A file without a column of names is refused with a sentence."""
    path = tmp_path / "roster.csv"
    for text in ("", "id,email\n1,a\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="one of them name"):
            read_roster(path)
