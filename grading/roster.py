"""The people of a class, and which of them each submission belongs to.

A roster is a CSV, separated by commas, semicolons or tabs, whose first line names the columns:
`name`, or first and last name, and if the platform needs them `id`, `email`, `login` and `section`;
the headings of Canvas's, Moodle's and Gradescope's own lists are known. Doubtful matches are not
guessed: nobody gets another's grade, or a 0, by mistake.
"""

import collections
import csv
import io
import itertools
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from grading.people import is_version

HEADINGS = {
    "name": ("name", "student", "full name", "student name"),
    "first": ("first name", "firstname", "given name"),
    "last": ("last name", "lastname", "surname", "family name"),
    "id": ("id", "id number", "sid", "student id", "student number", "orgdefinedid", "sis user id"),
    "email": ("email", "email address", "e mail", "e mail address"),
    "login": (
        "login",
        "sis login id",
        "login id",
        "username",
        "user name",
        "user id",
        "netid",
        "net id",
    ),  # fmt: skip
    "section": ("section", "sections", "groups"),
}
PSEUDONYMS = {"participant", "anon", "anonymous", "submission", "student"}
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i"})
MANY_WORDS = 6  # in a name; more are not tried in every order


@dataclass(frozen=True)
class Person:
    """A line of the roster."""

    name: str
    id: str = ""
    email: str = ""
    login: str = ""
    section: str = ""


def read_roster(path: Path) -> list[Person]:
    """The people of a class, each once. Raises ValueError for a file without names."""
    text = _text(path.read_bytes())
    lines = [line for line in text.splitlines() if line.strip(" ,;\t") and line[:4] != "sep="]
    first = lines[0] if lines else ""
    separator = max(",;\t", key=first.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows = [[cell.strip() for cell in row] for row in table]
    while rows and (not any(rows[0]) or rows[0][0].casefold().startswith("sep=")):
        del rows[0]
    headings = [" ".join(re.split(r"[\s_-]+", cell.casefold())) for cell in rows[0]] if rows else []
    columns = {key: _column(headings, known) for key, known in HEADINGS.items()}
    if columns["name"] is None and columns["last"] is None:
        raise ValueError(
            f"{path}: expected a CSV whose first line names the columns, one of them name"
        )
    people = [_person(row, columns) for row in rows[1:]]
    people = list(dict.fromkeys(p for p in people if p.name and p.name != "Points Possible"))
    if not people:
        raise ValueError(f"{path}: nobody has a name in it")
    return people


def _text(data):
    """The text of a file, in any encoding that editors and spreadsheets write."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _column(headings, known):
    return next((headings.index(heading) for heading in known if heading in headings), None)


def _person(row, columns):
    cells = {
        key: row[column] if column is not None and column < len(row) else ""
        for key, column in columns.items()
    }
    first, last = cells.pop("first"), cells.pop("last")
    cells["name"] = cells["name"] or f"{first} {last}".strip()
    cells["name"] = cells["name"] or cells["login"] or cells["email"] or cells["id"]
    return Person(**cells)


def assign(roster: list[Person], submissions) -> tuple[dict[str, Person], list[str]]:
    """Find the owner of each submission.

    Inputs:
    - roster: People of the class
    - submissions: Dictionary from name to `exports.Found`

    Returns: dictionary from a submission's name to a person; and names of submissions that belong
    to nobody, could belong to several people, or share their owner with another submission
    """
    likely = {name: candidates(roster, found) for name, found in submissions.items()}
    owners = {name: people[0] for name, people in likely.items() if len(people) == 1}
    counts = collections.Counter(owners.values())
    owners = {name: person for name, person in owners.items() if counts[person] == 1}
    return owners, [name for name in submissions if name not in owners]


def doubtful(roster: list[Person], submissions, strangers: list[str]) -> set[Person]:
    """People who may own a submission without a certain owner, and so must not get a 0."""
    people = set()
    for name in strangers:
        found = submissions[name]
        people |= set(candidates(roster, found))
        people |= {p for p in roster if _could_be_anybodys(found) or _may_be(p, found.name)}
    return people


def _could_be_anybodys(found):
    """Whether a submission's name tells nothing of its owner, or is in letters of its own."""
    pseudonym = PSEUDONYMS & set(_words(found.name))
    telling = not pseudonym and not is_version(found.name) and found.name.isascii()
    return bool(found.held) or not telling


def _may_be(person, text):
    """Whether a text has a word of a person's name, or contains a longer one, as lovelaceada does,
    or the login, the address or the number.
    """
    joined = _plain(text)
    known = [*_words(person.name), "".join(_words(person.name))]
    known += [*_words(person.login), *_words(person.email.partition("@")[0]), *_words(person.id)]
    known = [_plain(word) for word in known]
    contained = any(len(word) > 2 and word in joined for word in known)
    return contained or joined in known or bool(set(_words(text)) & set(_words(person.name)))


def _plain(text):
    """The letters of a text, with Joerg as Jorg."""
    return re.sub("([aou])e", r"\1", "".join(_words(text)))


def candidates(roster, found) -> list[Person]:
    """The people that a submission may belong to. The platform's number decides between people of
    the same name; on its own it counts only if nobody has the name, since some platforms number
    submissions.
    """
    by_email = [p for p in roster if found.email and _same(p.email, found.email)]
    by_id = [p for p in roster if found.id and p.id == found.id]
    logins = {found.name.casefold(), found.name.casefold().partition("@")[0]}
    by_name = [
        p
        for p in roster
        if _is_name(p.name, found.name) or logins & _logins(p) or found.name == p.id != ""
    ]
    both = [p for p in by_name if p in by_id]
    return by_email or both or by_name or by_id or _named_in(roster, found.name)


def _logins(person):
    """What a platform may call a person in place of the name."""
    known = (person.login.lstrip("#"), person.login.partition("@")[0], person.email)
    return {each.casefold() for each in (*known, person.email.partition("@")[0]) if each}


def _same(one, other):
    return one.casefold() == other.casefold()


def _is_name(name, other):
    """Whether two names have the same words, in any order, with or without spaces: "Lovelace, Ada"
    is "lovelaceada".
    """
    words, wanted = _words(name), _words(other)
    if len(words) > MANY_WORDS:
        return sorted(words) == sorted(wanted)
    return "".join(wanted) in map("".join, itertools.permutations(words)) and bool(words)


def _named_in(roster, text):
    """The people whose names or logins occur in a text, as in "assignment2 - Ada Lovelace"."""
    words = set(_words(text))
    named = [p for p in roster if len(_words(p.name)) > 1 and words.issuperset(_words(p.name))]
    named = [
        p
        for p in named
        if not any(set(_words(p.name)) < set(_words(other.name)) for other in named)
    ]
    return named or [p for p in roster if _has_login(text, p.login)]


def _has_login(text, login):
    """Whether a login occurs in a text as a whole word; numbers don't count."""
    if len(login) < 3 or login.isdigit():
        return False
    pattern = rf"(?<![^\W_]){re.escape(login.casefold())}(?![^\W_])"
    return bool(re.search(pattern, text.casefold()))


def _words(name):
    """The words of a name in lower case, without accents."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(re.findall(r"[^\W_]+", plain))
