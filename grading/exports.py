"""Whose is what: the submissions in a folder, as learning platforms export them.

Moodle, Canvas, Blackboard and Gradescope each name files after people in a way of their own; the
patterns below were made after the platforms' documentation. What lies there otherwise is named as
it is called: a zip or a folder is a submission, a folder or zip of these is a class.
"""

import collections
import contextlib
import datetime
import hashlib
import os
import re
import shutil
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grading.file_names import PACKAGES, looks_like_work
from grading.people import FEW, are_people, is_version
from grading.submitters import gradescope_people
from grading.unpack import (
    LOOSE,
    MAX_ENTRIES,
    OTHER_ARCHIVES,
    folder_entries,
    is_noise,
    path_in_zip,
)

ARCHIVES = {".zip", *OTHER_ARCHIVES}
OURS = {"grades.csv", "statistics.html", "seed.txt", "uploads", "unpacked"}
DOCUMENTS = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".npz", ".jar", ".epub"}  # zips
DEEP = 8  # folders, each alone in the other, around a class
MAX_CLASS = 20 << 30  # bytes of a class's zip, unpacked
MOODLE = re.compile(
    r"(?P<name>.+)_(?P<id>\d+)_assign(submission_)?(?P<kind>[a-z]+)(_(?P<rest>.*))?"
)
BLACKBOARD = re.compile(
    r"(?P<name>.+?)_attempt_(?P<when>\d{4}(-\d\d){5})(_(?P<rest>.+)|(?P<text>\.txt))"
)
CANVAS = re.compile(
    r"(?P<name>[^_]+)(_LATE)?_(?P<id>\d+)_(\d+_(?P<rest>.+)|(?P<kind>text|url)\.html?)",
    re.IGNORECASE,
)
BRIGHTSPACE = re.compile(
    r"(?P<id>\d+)-\d+ - (?P<name>.+?) - "
    r"([A-Z][a-z]+ \d+|\d+ [A-Z][a-z]+), \d{4} \d+( [AP]M)?( - (?P<rest>.+))?"
)
NBGRADER = re.compile(
    r"(?P<name>[^+]+)\+[^+]+\+(?P<when>\d{4}-\d\d-\d\d [\d:._]+ [A-Z]+)(\+[^+]*)?"
)
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")


@dataclass
class Found:
    """A submission.

    - name: Of its own among all, which its folder of grades bears
    - paths: Zips, folders or files that one person has handed in
    - id: What the platform calls this person, or empty
    - email: Of this person, or empty
    - held: Why a person has to decide whose it is, or empty
    """

    name: str
    paths: list[Path] = field(default_factory=list)
    id: str = ""
    email: str = ""
    held: str = ""


def find_submissions(paths, scratch: Path) -> dict[str, Found]:
    """The submissions that paths lead to.

    Inputs:
    - paths: Zips, folders, folders of these, and whole exports, as folder or zip
    - scratch: Folder that a class's zip is unpacked into

    Returns: dictionary from name to `Found`, sorted by name
    """
    found = []
    for path in map(Path, paths):
        found += _look(path, scratch)
    numbers: dict = {}
    for each in found:
        numbers.setdefault(each.name, set()).add(each.id)
    for each in found:
        if each.id and len(numbers[each.name]) > 1:  # as Moodle calls everybody Participant
            each.name = f"{each.name}-{each.id}"
    _hold_twins(found)
    named: dict = {}
    for each in sorted(found, key=lambda each: (each.name, str(each.paths))):
        each.name = _free(_safe(each.name), named)
        named[each.name] = each
    return named


def _hold_twins(found):
    """Hold what is one person's by name and number, and comes from several places."""
    counts = collections.Counter((each.name, each.id) for each in found if each.id)
    for each in found:
        if counts[each.name, each.id] > 1:
            each.held = each.held or f"There are several submissions of {each.name}, {each.id}."


def _look(path, scratch, deep=0):
    """The submissions at a path that was named, or at the only folder in it, a few folders deep."""
    if not path.is_dir():
        unpacked = _unpacked_class(path, scratch, alone=True)
        return _look(unpacked, scratch, deep) if unpacked else [Found(_stem(path), [path])]
    items = _items(path)
    if any(map(_platform, items)):
        return _class(path, items, scratch)
    if _is_one_work(path, items):
        return [Found(path.resolve().name, [path])]
    if len(items) == 1 and deep < DEEP and not looks_like_work(items):
        inside = _items(items[0]) if items[0].is_dir() else []
        whole = len(inside) != 1 or not is_version(inside[0].name)
        whole = whole and not (deep and items[0].is_symlink())
        if whole and (items[0].is_dir() or items[0].suffix.lower() == ".zip"):
            return _look(items[0], scratch, deep + 1)
    works = [item for item in items if item.is_dir() or item.suffix.lower() in ARCHIVES]
    if 1 < len(works) <= FEW and all(is_version(work.name) for work in works):
        name = path.resolve().name
        if works[0].is_dir() and works[-1].is_dir():
            return [Found(name, [path])]
        why = f"{works[0].name} and {works[1].name} are no names of people: whose are they?"
        return [Found(name, [path], held=why)]
    return _class(path, items, scratch, students=deep > 0)


def _stem(path):
    """An archive's name without what says that it is one."""
    stem = path.stem
    return stem[:-4] if stem.lower().endswith(".tar") else stem


def _items(folder):
    """What lies in a folder, but for hidden things and what we write."""
    kept = [p for p in folder.iterdir() if p.name[0] != "." and p.name not in OURS]
    return sorted(p for p in kept if not is_noise(PurePosixPath(p.name)))


def _is_one_work(folder, items):
    """Whether a folder is one person's: it has a package or sources, and nobody's zips."""
    packages = [item for item in items if item.name in PACKAGES and item.is_dir()]
    zips = [item for item in items if item.suffix.lower() in ARCHIVES]
    loose = [item for item in items if item.suffix.lower() in LOOSE]
    return bool(packages) or (bool(loose) and not zips and looks_like_work(loose))


def _class(folder, items, scratch, students=False):
    """The submissions in a class's folder. Where it could be a student's own, nobody follows links:
    they could lead to another's work.
    """
    groups = {}
    found = []
    people = gradescope_people(folder)
    for item in items:
        match = _platform(item)
        if students and item.is_symlink():
            reason = f"{item.name} is a link: what it leads to may be another's work."
            found.append(Found(item.name, [item], held=reason))
        elif match:
            groups.setdefault(_person(match), []).append((item, match))
        elif item.is_dir():
            found += _folder_in_class(item, scratch)
        elif item.suffix.lower() in ARCHIVES:
            unpacked = _unpacked_class(item, scratch)
            found += _look(unpacked, scratch) if unpacked else [Found(_stem(item), [item])]
        elif item.suffix.lower() in LOOSE:
            reason = f"{item.name} lies loose: put it into a folder with the name of its student."
            found.append(Found(item.name, [item], held=reason))
        elif _is_zip_of_another_name(item):
            found.append(Found(item.name, [item]))
    for person, parts in _full_names(groups).items():
        found += _group(person, parts, people)
    return found


def _is_zip_of_another_name(path):
    """Whether a file is a zip by what is in it, and no document: its name has lost the ending."""
    if path.suffix.lower() in DOCUMENTS or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"PK\3\4"


def _folder_in_class(folder, scratch):
    """A folder in a class's folder: one submission, or a class in itself, as a section."""
    items = _items(folder)
    zips = [item for item in items if item.suffix.lower() == ".zip"]
    many = len(zips) > FEW and not looks_like_work(items)
    if many or any(map(_platform, items)) or are_people(_files(folder)):
        return _class(folder, items, scratch, students=True)
    return [Found(folder.name, [folder])]


def _files(folder):
    """Paths of the files in a folder, relative to it."""
    try:
        return [entry.path for entry in folder_entries(folder)]
    except ValueError:  # far too many
        return []


def _platform(path):
    """The match of a platform's pattern, or None."""
    either = GRADESCOPE if path.is_dir() else CANVAS
    patterns = [MOODLE, BLACKBOARD, BRIGHTSPACE, NBGRADER, either]
    return next((match for p in patterns if (match := p.fullmatch(path.name))), None)


def _person(match):
    """Who has handed something in: name and number."""
    about = match.groupdict()
    return about.get("name") or match.string, about.get("id") or ""


def _full_names(groups):
    """The groups with the name of Blackboard's assignment taken off: what all names begin with."""
    ours = [key for key, parts in groups.items() if parts[0][1].re is BLACKBOARD]
    common = os.path.commonprefix([name for name, _ in ours])
    common = common[: common.rfind("_") + 1] if len(ours) > 1 else ""
    short = {name: name.removeprefix(common) for name, _ in ours}
    last = {name: name.rpartition("_")[2] for name in short}
    if not common and len(set(last.values())) == len(last):
        short = last
    return {(short.get(name, name), id): parts for (name, id), parts in groups.items()}


def _group(person, parts, people):
    """What one person has handed in, of whatever parts the platform has made of it; the same for
    each of a group.
    """
    name, number = person
    kinds = {match.re for _, match in parts}
    held = ""
    if kinds <= {BLACKBOARD, NBGRADER}:
        last = max(match["when"] for _, match in parts)
        works = [(p, m) for p, m in parts if not m.groupdict().get("text")]
        parts = [(p, m) for p, m in works if m["when"] == last]
        if works and not parts:
            held = "The last attempt holds no file, but an earlier one does: which one counts?"
    paths = [p for p, m in parts if m.groupdict().get("kind") in (None, "file")]
    if kinds == {GRADESCOPE}:
        partners = people.get(name) or [{}]
        return [
            Found(each.get("name") or name, paths, each.get("sid", ""), each.get("email", ""))
            for each in partners
        ]
    return [Found(name, paths, number, held=held)]


def _unpacked_class(path, scratch, alone=False):
    """Where a zip that holds a class was unpacked; None for one that holds none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [i for i in archive.infolist() if not i.filename.endswith("/")][:MAX_ENTRIES]
            if path.suffix.lower() != ".zip" or not _is_class(names, alone):
                return None
            # two sections can have zips of one name
            place = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:8]
            target = scratch / f"{path.stem}-{place}"
            shutil.rmtree(target, ignore_errors=True)
            if sum(info.file_size for info in names) > MAX_CLASS:
                return None
            for info in names:
                _extract(archive, info, target)
            return target
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return None  # a RecursionError, of folders in folders, is a RuntimeError


def _is_class(infos, alone):
    """Whether a zip holds submissions: names of a platform, several zips and no work, or, where the
    zip lies alone, folders of several people.
    """
    paths = list(map(path_in_zip, infos))
    paths = [path for path in paths if not is_noise(path) and path.name]
    parts = {part for path in paths for part in path.parts[:2]}
    patterns = (MOODLE, BLACKBOARD, BRIGHTSPACE, NBGRADER, GRADESCOPE)
    if any(p.fullmatch(part) for p in patterns for part in parts):
        return True
    files = [path for path in paths if CANVAS.fullmatch(path.name)]
    zips = [path for path in paths if path.suffix.lower() == ".zip"]
    near = [path for path in paths if len(path.parts) <= 4 and path.suffix in LOOSE]
    several = len(zips) > 1 and not all(is_version(path.name) for path in zips)
    several = several or len(zips) > FEW
    several = several and len(near) < (len(zips) if alone else 1)
    return len(files) > len(paths) / 2 or several or alone and are_people(paths)


def _extract(archive, info, target):
    """One plain file of a zip, below the target."""
    path = path_in_zip(info)
    kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG
    if path.is_absolute() or ".." in path.parts or not path.name or kind != stat.S_IFREG:
        return
    where = target.joinpath(*path.parts)
    where.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, open(where, "wb") as file:
        shutil.copyfileobj(source, file)
    with contextlib.suppress(ValueError, OverflowError):
        when = datetime.datetime(*info.date_time).timestamp()
        os.utime(where, (when, when))  # so that an export unpacked again is the same


def _safe(name):
    """A name for a folder, of letters that can be shown and written."""
    if any("\ud800" <= letter <= "\udfff" for letter in name):  # bytes that are no UTF-8
        name = name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    name = name.replace("\N{NO-BREAK SPACE}", " ")
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    name = re.sub(r"[/\\:]", "_", name).strip(". ") or "unnamed"
    return f"{name}_" if name in OURS else name


def _free(name, taken):
    """A name that nobody has, capital letters or not."""
    lower = {other.casefold() for other in taken}
    free = name
    count = 1
    while free.casefold() in lower:
        count += 1
        free = f"{name}-{count}"
    return free
