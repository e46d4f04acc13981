"""Find the submissions in a folder, as learning platforms export them, and their owners.

Moodle, Canvas, Blackboard and Gradescope each name files after people in their own way, see
`platforms`. Anything else goes by its own name: a zip or a folder is a submission, a folder or zip
of these is a class.
"""

import collections
import itertools
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from grading.class_zips import ClassUnread, unpacked_class
from grading.file_names import PACKAGES, looks_like_work
from grading.handed_in_parts import Found, from_parts, full_names, person_of, platform_match
from grading.people import FEW, are_parts, are_people, is_version
from grading.platforms import (
    DRIVE,
    GRADESCOPE,
    METADATA,
)
from grading.submitters import gradescope_people
from grading.unpack import ARCHIVES, LOOSE, folder_entries, is_noise, is_zip_inside

MAX_NAME = 200  # bytes of a folder's name
OURS = {"grades.csv", "statistics.html", "seed.txt", "uploads", "unpacked"}
NBGRADERS = {"source", "release", "autograded", "feedback"}  # a course's folders, next to submitted
DEEP = 8  # folders around a class, each the only item of the next


def find_submissions(paths, scratch: Path) -> dict[str, Found]:
    """The submissions found at paths.

    Inputs:
    - paths: Zips, folders, folders of these, and whole exports, as folder or zip
    - scratch: Folder to unpack a class's zip into

    Returns: dictionary from name to `Found`, sorted by name
    """
    paths = _without_grades(paths, scratch)
    exported = _exported(paths)
    found: list = []
    for folder, items in exported.items():
        found += _class(folder, items, scratch)
    for path in [path for path in paths if path not in exported.get(path.parent, ())]:
        here = [each for each in _look(path, scratch) if not _is_ours(each, path, scratch)]
        found += _named_by_folder(here, path)
    numbers: dict = {}
    for each in found:
        numbers.setdefault(each.name, set()).add(each.id)
    for each in found:
        if each.id and len(numbers[each.name]) > 1:  # as Moodle calls everybody Participant
            each.name = f"{each.name}-{each.id}"
    _hold_twins(found)
    named: dict = {}
    for each in sorted(found, key=lambda each: (each.name, str(each.paths))):
        # macOS stores letters and their accents separately
        each.name = _free(_safe(unicodedata.normalize("NFC", each.name)), named)
        named[each.name] = each
    return named


def _without_grades(paths, scratch):
    """Paths of which `submissions/*` may name too many: without the folder of grades, and without
    files that are no work.
    """
    paths = list(map(Path, paths))
    if len(paths) == 1:
        return paths
    out = scratch.parent.resolve()
    return [path for path in paths if path.resolve() != out and _may_be_work(path)]


def _exported(paths):
    """Dictionary from a folder to the items of a platform's export that paths name one by one."""
    exported: dict = {}
    for path in paths:
        if platform_match(path) and (len(paths) > 1 or path.is_dir()):
            exported.setdefault(path.parent, []).append(path)
    return exported


def _named_by_folder(found, path):
    """The submissions at a path; one named like a version gets its folder's name, as in
    Ada/assignment2.zip.
    """
    own = path.resolve().name
    if len(found) == 1 and path.is_dir() and not found[0].id and not is_version(own):
        (only,) = found
        if is_version(only.name) and not GRADESCOPE.fullmatch(only.name):
            only.name = own
    return found


def _may_be_work(path):
    known = path.suffix.lower() in ARCHIVES | LOOSE
    return path.is_dir() or known or bool(platform_match(path)) or is_zip_inside(path)


def _is_ours(found, path, scratch):
    """Whether it lies in the folder that grades are written into, inside that of submissions."""
    out = scratch.parent.resolve()
    if path.resolve() not in out.parents:
        return False
    where = [each.resolve() for each in found.paths]
    return any(out in (p, *p.parents) and scratch.resolve() not in p.parents for p in where)


def _hold_twins(found):
    """Hold submissions with one person's name and number that come from several places."""
    counts = collections.Counter((each.name, each.id) for each in found if each.id)
    for each in found:
        if counts[each.name, each.id] > 1:
            each.held = each.held or f"There are several submissions of {each.name}, {each.id}."


def _look(path, scratch, deep=0):
    """The submissions at a given path, or in the only folder in it, down to a few levels."""
    if not path.is_dir():
        people = _people_in_zips([path], scratch, deep, alone=True) if _is_zip(path) else None
        return people or [Found(_stem(path), [path])]
    items = _items(path, scratch)
    folders = {item.name for item in items if item.is_dir()}
    if "submitted" in folders and folders & NBGRADERS:
        return _look(path / "submitted", scratch, deep + 1)
    if not _has_package(items) and any(map(platform_match, items)):
        return _class(path, items, scratch)
    if _is_one_work(items):
        return [Found(path.resolve().name, [path])]
    if len(items) == 1 and deep < DEEP and not looks_like_work(items):
        inside = _items(items[0], scratch) if items[0].is_dir() else []
        whole = len(inside) != 1 or not is_version(inside[0].name)
        whole = whole and not (deep and items[0].is_symlink())
        if whole and (items[0].is_dir() or items[0].suffix.lower() == ".zip"):
            return _look(items[0], scratch, deep + 1)
    works = [item for item in items if item.is_dir() or item.suffix.lower() in ARCHIVES]
    works = [work for work in works if not DRIVE.fullmatch(work.name)]
    few = len(works) <= FEW
    sections = [w for w in works if (w.is_dir() or few and _is_zip(w)) and _people_in([w], scratch)]
    if not sections and 1 < len(works) <= FEW and all(is_version(work.name) for work in works):
        name = path.resolve().name
        if works[0].is_dir() and works[-1].is_dir():
            return [Found(name, [path])]
        why = f"{works[0].name} and {works[1].name} are not names of people: whose are they?"
        return [Found(name, [path], held=why)]
    return _class(path, items, scratch, students=deep > 0)


def _stem(path):
    """An archive's name without its extension; a folder's name as it is."""
    if path.is_dir():
        return path.name
    stem = path.stem
    return stem[:-4] if stem.lower().endswith(".tar") else stem


def _items(folder, scratch):
    """The content of a folder, without hidden items and what the grader writes."""
    ours = OURS if (folder / "seed.txt").is_file() else ()
    kept = [p for p in folder.iterdir() if p.name[0] != "." and p.name not in ours]
    kept = [p for p in kept if p.resolve() != scratch.parent.resolve()]
    return sorted(p for p in kept if not is_noise(PurePosixPath(p.name)))


def _is_zip(path):
    return path.suffix.lower() == ".zip" and path.is_file()


def _has_package(items):
    return any(item.name in PACKAGES and item.is_dir() for item in items)


def _is_one_work(items):
    """Whether a folder is one person's: it has a package, or sources and no zips."""
    zips = [item for item in items if item.suffix.lower() in ARCHIVES]
    loose = [item for item in items if item.suffix.lower() in LOOSE]
    return _has_package(items) or (bool(loose) and not zips and looks_like_work(loose))


def _class(folder, items, scratch, students=False):
    """The submissions in a class's folder. If it could be a student's own, links are not followed:
    they could lead to another's work.
    """
    groups = {}
    found = []
    people = gradescope_people(folder)
    links = [item for item in items if students and item.is_symlink()]
    rest = [item for item in items if not platform_match(item) and item not in links]
    sections = _sections(rest, scratch)
    for item in items:
        match = platform_match(item)
        if item in links:
            reason = f"{item.name} is a link, and may lead to another's work."
            found.append(Found(item.name, [item], held=reason))
        elif match:
            groups.setdefault(person_of(match), []).append((item, match))
        elif item in sections:
            found += sections[item]
        elif item.is_dir() or item.suffix.lower() in ARCHIVES:
            found.append(Found(_stem(item), [item]))
        elif item.suffix.lower() in LOOSE:
            reason = f"{item.name} is a single file: put it into a folder named after its student."
            found.append(Found(item.name, [item], held=reason))
        elif is_zip_inside(item):
            found.append(Found(item.name, [item]))
    for person, parts in full_names(groups).items():
        found += from_parts(person, parts, people)
    return found


def _sections(items, scratch):
    """Dictionary from each item of a class's folder that holds the work of several people to their
    submissions. If most of the other items are one person's each, such an item is held: it could
    come from one student who uses the names of others.
    """
    found = {}
    for kind in ([i for i in items if i.is_dir()], [i for i in items if _is_zip(i)]):
        inside = {}
        for _, parts in itertools.groupby(kind, key=_before_parts):
            parts = list(parts)
            people = _people_in(parts, scratch)
            inside |= dict.fromkeys(parts[1:], []) if people is not None else {}
            inside |= {parts[0]: people} if people is not None else {}
        trusted = 2 * len(inside) > len(kind)
        for item in kind:
            if item not in inside and (trusted or is_version(item.name)):
                if one := _section_of_one(item, scratch):
                    found[item] = one
        for item, people in inside.items():
            sure = trusted or is_version(item.name) or DRIVE.fullmatch(item.name)
            found[item] = people if sure else [_mixed(item)]
    return found


def _section_of_one(item, scratch):
    """The submission in a section with a single person, as in late/Ada.zip; none if it is no such
    section.
    """
    if not item.is_dir() or not os.access(item, os.R_OK | os.X_OK):
        return []
    items = _items(item, scratch)
    work = len(items) == 1 and (items[0].is_dir() or _is_zip(items[0]))
    if not work or is_version(items[0].name) or platform_match(items[0]):
        return []
    return [Found(_stem(items[0]), items)]


def _before_parts(path):
    """A name, without the part number of a zip by Google Drive."""
    match = DRIVE.fullmatch(path.name)
    return match["all"] if match else path.name


def _mixed(item):
    reason = (
        f"{item.name} holds works under several names, and lies among works of one person each: is "
        "it one person's? Otherwise put it into a folder of its own."
    )
    return Found(_stem(item), [item], held=reason)


def _people_in(parts, scratch):
    """The submissions in an item of a class's folder: a folder, a zip or the parts of one; None if
    it is a submission itself.
    """
    first = parts[0]
    if not first.is_dir():
        drive = DRIVE.fullmatch(first.name)
        people = _people_in_zips(parts, scratch, alone=bool(drive) or is_version(first.name))
        return people or ([Found(drive["name"], parts)] if drive else None)
    items = _items(first, scratch) if os.access(first, os.R_OK | os.X_OK) else []
    if not items or _has_package(items):
        return None
    zips = [item for item in items if _is_zip(item)]
    many = len(zips) > FEW and not looks_like_work(items) and not are_parts(zips)
    if many or _are_exported(first, items) or are_people(_files(first)):
        return _class(first, items, scratch, students=True)
    only = zips if len(zips) == len(items) == 1 else None
    return _people_in_zips(only, scratch, exported=True) if only else None


def _people_in_zips(paths, scratch, deep=0, **how):
    """The submissions in a class's zips; None if they hold none."""
    try:
        unpacked = unpacked_class(paths, scratch, **how)
    except ClassUnread as error:
        return [Found(_stem(paths[0]), paths, held=str(error))]
    return _look(unpacked, scratch, deep) if unpacked and unpacked.is_dir() else None


def _are_exported(folder, items):
    """Whether most items of a folder have names that a platform gives."""
    matches = [match for match in map(platform_match, items) if match]
    known = [m for m in matches if m.re is not GRADESCOPE or (folder / METADATA).exists()]
    return 2 * len(known) > len(items)


def _files(folder):
    """Paths of the files in a folder, relative to it."""
    try:
        return [entry.path for entry in folder_entries(folder)]
    except (ValueError, OSError):  # far too many, or not readable
        return []


def _safe(name):
    """A name for a folder, of printable characters that are allowed in paths."""
    if any("\ud800" <= letter <= "\udfff" for letter in name):  # bytes that are not UTF-8
        name = name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    name = name.replace("\N{NO-BREAK SPACE}", " ")
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    name = re.sub(r"[/\\:]", "_", name).encode()[:MAX_NAME].decode("utf-8", "ignore")
    name = name.strip(". ") or "unnamed"
    return f"{name}_" if name in OURS else name


def _free(name, taken):
    """A name that is not taken, whether in capital or small letters."""
    lower = {other.casefold() for other in taken}
    free = name
    count = 1
    while free.casefold() in lower:
        count += 1
        free = f"{name}-{count}"
    return free
