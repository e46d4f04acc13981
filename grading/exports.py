"""Whose is what: the submissions in a folder, as learning platforms export them.

Moodle, Canvas, Blackboard and Gradescope each name files after people in a way of their own; the
patterns below were made after the platforms' documentation. What lies there otherwise is named as
it is called: a zip or a folder is a submission, a folder or zip of these is a class.
"""

import contextlib
import datetime
import os
import re
import shutil
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grading.find_work import PACKAGES, looks_like_work
from grading.unpack import MAX_ENTRIES, is_noise

ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}
LOOSE = {".py", ".ipynb"}
OURS = {"grades.csv", "statistics.html", "seed.txt", "uploads", "unpacked"}
MAX_CLASS = 20 << 30  # bytes of a class's zip, unpacked
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(_(?P<rest>.*))?")
BLACKBOARD = re.compile(
    r".+?_(?P<name>[^_]+)_attempt_(?P<when>\d{4}(-\d\d){5})(_(?P<rest>.+)|(?P<text>\.txt))"
)
CANVAS = re.compile(r"(?P<name>[^\W_]+)(_LATE)?_(?P<id>\d+)_\d+_(?P<rest>.+)", re.IGNORECASE)
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
    named: dict = {}
    for each in sorted(found, key=lambda each: (each.name, str(each.paths))):
        each.name = _free(_safe(each.name), named)
        named[each.name] = each
    return named


def _look(path, scratch):
    """The submissions at a path that was named, or at the only folder in it."""
    if path.is_dir():
        items = _items(path)
        named = [item for item in items if _platform(item)]
        if not named and _is_one_work(path, items):
            return [Found(path.resolve().name, [path])]
        if not named and len(items) == 1 and items[0].is_dir() and not looks_like_work([items[0]]):
            return _look(items[0], scratch)
        return _class(path, items, scratch)
    unpacked = _unpacked_class(path, scratch)
    return _look(unpacked, scratch) if unpacked else [Found(path.stem, [path])]


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


def _class(folder, items, scratch):
    """The submissions in a class's folder."""
    groups = {}
    found = []
    people = _gradescope_people(folder)
    for item in items:
        match = _platform(item)
        if match:
            groups.setdefault(_person(match), []).append((item, match))
        elif item.is_dir():
            found += _folder_in_class(item, scratch)
        elif item.suffix.lower() in ARCHIVES:
            found += (
                _look(item, scratch)
                if item.suffix.lower() == ".zip"
                else [Found(item.stem, [item])]
            )
        elif item.suffix.lower() in LOOSE:
            reason = f"{item.name} lies loose: put it into a folder with the name of its student."
            found.append(Found(item.name, [item], held=reason))
    return found + [_group(person, parts, people) for person, parts in groups.items()]


def _folder_in_class(folder, scratch):
    """A folder in a class's folder: one submission, or a class in itself, as a section."""
    items = _items(folder)
    zips = [item for item in items if item.suffix.lower() == ".zip"]
    if any(map(_platform, items)):
        return _class(folder, items, scratch)
    if len(zips) > 2 and not looks_like_work(items):
        return _class(folder, items, scratch)
    return [Found(folder.name, [folder])]


def _platform(path):
    """The match of a platform's pattern, or None."""
    patterns = [MOODLE, BLACKBOARD, *([GRADESCOPE] if path.is_dir() else [CANVAS])]
    return next((match for p in patterns if (match := p.fullmatch(path.name))), None)


def _person(match):
    """Who has handed something in: name and number."""
    about = match.groupdict()
    return about.get("name") or match.string, about.get("id") or ""


def _group(person, parts, people):
    """What one person has handed in, of whatever parts the platform has made of it."""
    name, number = person
    if all(match.re is BLACKBOARD for _, match in parts):
        last = max(match["when"] for _, match in parts)
        parts = [(p, m) for p, m in parts if m["when"] == last and not m["text"]]
    paths = [p for p, m in parts if m.groupdict().get("kind", "file") in (None, "file")]
    if len({match.re for _, match in parts}) == 1 and parts and parts[0][1].re is GRADESCOPE:
        name, number, email = people.get(person[0], (name, number, ""))
        return Found(name, paths, number, email)
    return Found(name, paths, number)


def _gradescope_people(folder):
    """From a folder of Gradescope's export to name, number and address of its first submitter."""
    path = folder / "submission_metadata.yml"
    people = {}
    current = None
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := re.match(r"(submission_\d+):", line):
                current = people.setdefault(match[1], {})
            elif match := re.match(r"\s+-?\s*:?(name|sid|email):\s*['\"]?(.*?)['\"]?\s*$", line):
                if current is not None:
                    current.setdefault(match[1], match[2])
    return {
        key: (about.get("name") or key, about.get("sid", ""), about.get("email", ""))
        for key, about in people.items()
    }


def _unpacked_class(path, scratch):
    """Where a zip that holds a class was unpacked; None for one that holds none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [i for i in archive.infolist() if not i.filename.endswith("/")][:MAX_ENTRIES]
            if path.suffix.lower() != ".zip" or not _is_class(names):
                return None
            target = scratch / path.stem
            shutil.rmtree(target, ignore_errors=True)
            if sum(info.file_size for info in names) > MAX_CLASS:
                return None
            for info in names:
                _extract(archive, info, target)
            return target
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return None


def _is_class(infos):
    """Whether a zip holds submissions: names of a platform, or several zips and no work."""
    paths = [PurePosixPath(info.filename.replace("\\", "/")) for info in infos]
    paths = [path for path in paths if not is_noise(path) and path.name]
    parts = {part for path in paths for part in path.parts[:2]}
    if any(p.fullmatch(part) for p in (MOODLE, BLACKBOARD, GRADESCOPE) for part in parts):
        return True
    files = [path for path in paths if CANVAS.fullmatch(path.name)]
    zips = [path for path in paths if path.suffix.lower() == ".zip"]
    near = [path for path in paths if len(path.parts) <= 4 and path.suffix in LOOSE]
    return len(files) > 1 and len(files) > len(paths) / 2 or len(zips) > 1 and not near


def _extract(archive, info, target):
    """One plain file of a zip, below the target."""
    path = PurePosixPath(info.filename.replace("\\", "/"))
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
    """A name for a folder."""
    name = re.sub(r"[\x00-\x1f/\\:]", "_", name).strip(". ") or "unnamed"
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
