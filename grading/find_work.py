"""Which of a submission's files count.

The exercises' files are looked for at the manifest's exact path, in whatever folder that lies:
among several such works the one with the most files, then the one that no name calls a copy, then
the one nearest to the top. A file that is not there may lie loose, under an older name too. Where
two candidates are equally good, and different, nobody guesses: the submission is held.

Besides, modules of the student's own count, in the package and beside it, and the notebooks.
"""

import functools
import re
from pathlib import Path, PurePosixPath

from grading.file_names import PACKAGES, as_called_first, can_be, notebook_names, present, small
from grading.manifest import MANIFEST
from grading.unpack import (
    OTHER_ARCHIVES,
    HandedIn,
    OtherArchive,
    TooMuch,
    inner_zips,
    is_noise,
    list_files,
    shown,
    unsafe,
    unzipped,
)

ROOT = Path(__file__).resolve().parent.parent
MAX_SOURCE = 1 << 20  # bytes
MAX_NOTEBOOK = 30 << 20
MAX_HELPERS = 100
MAX_HELPERS_SIZE = 4 << 20  # bytes of all: they come back from the sandbox in one message
MAX_TOTAL = 4 * MAX_NOTEBOOK
COPY = re.compile(
    r"(?i)(^|[^a-z])(backup|bak|old|older|copy|draft|archive|previous|orig|saved?|tmp)\d*([^a-z]|$)"
)


class Undecided(Exception):
    """Two candidates are equally good; the message names both."""


def read_submission(paths) -> HandedIn:
    """Read what one student has handed in.

    Inputs:
    - paths: Path of a zip or folder, or a list of such paths and of files

    Returns: HandedIn

    Raises ValueError, with a sentence for the student, where nothing can be read.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    try:
        entries = list_files(paths)
        notes = list(dict.fromkeys(entries.notes))
        handed_in = _choose(entries)
        zips = inner_zips(entries)
        if zips and not handed_in.sources:
            inner, note = _the_one(zips)
            handed_in = _choose([*entries, *inner])
            notes.append(note)
        if not handed_in.sources:
            _look_for_other_archives(entries)
    except (Undecided, OtherArchive) as undecided:
        return HandedIn(held=str(undecided))
    except TooMuch as error:
        raise ValueError(str(error)) from None
    handed_in.notes = notes + handed_in.notes
    return handed_in


def _look_for_other_archives(entries):
    for entry in entries:
        if entry.path.suffix.lower() in OTHER_ARCHIVES and not is_noise(entry.path):
            raise Undecided(
                f"{shown(entry.path)} can't be read here, and there is no other work: "
                "unpack it, and zip its content"
            )


def _the_one(zips, depth=1):
    """The files of the zip in a zip, or in a folder, that holds the work; and a note."""
    opened = [(entry, _files_of(entry, depth)) for entry in zips[:20]]
    useful = [(entry, files) for entry, files in opened if _choose(files).sources]
    useful = useful or opened[:1]
    contents = {_content(files) for _, files in useful}
    if len(contents) > 1:
        first, second = (shown(entry.path) for entry, _ in useful[:2])
        raise Undecided(f"There are several zips, {first} and {second}: which one counts?")
    entry, files = useful[0]
    return files, f"There was another zip in it, {shown(entry.path)}, which was graded."


def _files_of(entry, depth):
    """The files of a zip in a zip. Where there is nothing in it but one more, that one's."""
    files = unzipped(entry)
    zips = inner_zips(files)
    if not zips or _choose(files).sources:
        return files
    if len(zips) > 1 or depth == 0:
        raise Undecided(
            f"In {shown(entry.path)} are zips again, {shown(zips[0].path)} the first: what counts "
            "has to be unpacked"
        )
    return _the_one(zips, depth - 1)[0]


def _content(files):
    return tuple(sorted(_choose(files).sources.items()))


def _choose(entries):
    """Of the entries, those that count."""
    handed_in = HandedIn()
    entries = [entry for entry in entries if not is_noise(entry.path)]
    _leave_out_unsafe(entries, handed_in)
    entries = [entry for entry in entries if not unsafe(entry)]
    works = _works(entries)
    chosen = _best_work(works)
    found = dict(works[chosen]) if chosen else {}
    found |= _instead_of_stubs(entries, found, chosen)
    for wanted in MANIFEST.files:
        if wanted not in found:
            entry = _elsewhere(entries, works, wanted, chosen)
            if entry is not None:
                found[wanted] = entry
    _read_all(found, MAX_SOURCE, handed_in.sources, handed_in)
    packages = [_package(wanted, found[wanted]) for wanted in handed_in.sources]
    handed_in.package = next(iter(packages), "deeplearning")
    notebooks = {n: e for n in notebook_names() if (e := _notebook(entries, n, chosen)) is not None}
    _read_all(notebooks, MAX_NOTEBOOK, handed_in.notebooks, handed_in)
    helpers = _helpers(entries, found, chosen)
    _read_all(helpers, MAX_SOURCE, handed_in.helpers, handed_in, MAX_HELPERS_SIZE)
    _say_where(found, works, chosen, handed_in)
    return handed_in


def _leave_out_unsafe(entries, handed_in):
    for entry in entries:
        wanted = [*MANIFEST.files, *notebook_names()]
        if unsafe(entry) and any(can_be(entry.path, name) for name in wanted):
            handed_in.notes.append(f"{shown(entry.path)} was left out: {unsafe(entry)}.")


def _works(entries):
    """Folders that hold a package with exercises at their exact paths: from (folder, package) to a
    dictionary from those paths to entries.
    """
    works = {}
    for entry in entries:
        for wanted in MANIFEST.files:
            parts = PurePosixPath(wanted).parts
            own = present(entry.path).parts
            place = own[-len(parts) :]
            if small(place[1:]) == parts[1:] and place[0].lower() in PACKAGES:
                works.setdefault((own[: -len(parts)], place[0]), {}).setdefault(wanted, entry)
    return works


def _best_work(works):
    """The work that counts, or None. Raises Undecided."""
    if not works:
        return None
    plain = {key: (-len(files), *_distance(key[0]), key[1]) for key, files in works.items()}
    likely = sorted(works, key=plain.get)[:20]
    rank = {key: (len(works) > 1 and _is_handout(works[key]), *plain[key]) for key in likely}
    best, *others = sorted(likely, key=rank.get)
    for other in others:
        tie = rank[other][:-1] == rank[best][:-1]
        if tie and not _same(works[best], works[other]):
            names = " and ".join(shown("/".join([*k[0], k[1]])) for k in (best, other))
            raise Undecided(f"There are two works, {names}: which one counts?")
    return best


def _is_handout(files):
    """Whether a work is what students start from: nothing but stubs."""
    for path, entry in files.items():
        functions = {e.name for e in MANIFEST.exercises.values() if e.path == path}
        if (_bytes(entry) or b"").count(b'raise NotImplementedError("Q') < len(functions):
            return False
    return True


def _distance(folder):
    """How unlikely it is that a folder holds the work."""
    return ".ipynb_checkpoints" in folder, any(map(COPY.search, folder)), len(folder)


def _same(one, other):
    return one.keys() == other.keys() and all(_bytes(one[k]) == _bytes(other[k]) for k in one)


def _bytes(entry):
    try:
        return entry.read(MAX_NOTEBOOK)
    except (ValueError, OSError):
        return None


def _elsewhere(entries, works, wanted, chosen):
    """The file of an exercise that is not in the work that was chosen, or None."""
    near = chosen[0] if chosen else ()
    exact = [work[wanted] for work in works.values() if wanted in work]
    loose = [entry for entry in entries if can_be(entry.path, wanted)]
    loose = loose or [entry for entry in entries if _holds_class_of(entry, wanted)]
    as_called = [entry for entry in loose if as_called_first(entry.path) == entry.path]
    return _nearest(exact or as_called or loose, near)


def _instead_of_stubs(entries, found, chosen):
    """Files that somebody wrote, for those of the work that are as students get them: who saves
    beside the package forgets the stub in it.
    """
    better = {}
    for wanted, stub in found.items():
        others = [entry for entry in entries if entry is not stub and can_be(entry.path, wanted)]
        if others and _is_handout({wanted: stub}):
            written = [entry for entry in others[:20] if not _is_handout({wanted: entry})]
            entry = _nearest(written, chosen[0])
            better |= {wanted: entry} if entry else {}
    return better


def _holds_class_of(entry, wanted):
    """Whether a file of the right name, outside of its folder, defines the class of an exercise."""
    classes = {e.name.split(".")[0] for e in MANIFEST.exercises.values() if e.path == wanted}
    names = [f"class {name}".encode() for name in classes if name[0].isupper()]
    if not names or as_called_first(entry.path).name != PurePosixPath(wanted).name:
        return False
    return any(name in (_bytes(entry) or b"") for name in names)


def _nearest(candidates, near):
    """The candidate that is nearest to a folder, or None. Raises Undecided."""

    def rank(entry):
        folder = entry.path.parts[:-1]
        return folder[: len(near)] != near, *_distance(folder)

    candidates = sorted(candidates, key=lambda entry: (rank(entry), str(entry.path)))
    for other in candidates[1:]:
        if rank(other) == rank(candidates[0]) and _bytes(other) != _bytes(candidates[0]):
            names = f"{shown(candidates[0].path)} and {shown(other.path)}"
            raise Undecided(f"There are two files, {names}: which one counts?")
    return candidates[0] if candidates else None


def _notebook(entries, name, chosen):
    """The entry of a question's notebook, or None."""
    candidates = [entry for entry in entries if can_be(entry.path, name)]
    exact = [entry for entry in candidates if entry.path.name == name]
    return _nearest(exact or candidates, chosen[0] if chosen else ())


def _package(wanted, entry):
    """Name of the folder that stands for the package."""
    depth = len(PurePosixPath(wanted).parts)
    return entry.path.parts[-depth] if len(entry.path.parts) >= depth else ""


def _helpers(entries, found, chosen):
    """The student's own modules: from the path where they belong to entries."""
    if chosen:
        beside = chosen[0]
        package = (*chosen[0], chosen[1])
    elif found:
        beside = package = next(iter(found.values())).path.parts[:-1]
    else:
        return {}
    helpers = {}
    for entry in entries:
        folder = entry.path.parts[:-1]
        name = entry.path.name
        if entry.path.suffix != ".py" or entry in found.values() or len(helpers) >= MAX_HELPERS:
            continue
        if any(part.startswith(".") for part in folder):
            continue
        if folder[: len(package)] == package:
            inside = "/".join(["deeplearning", *folder[len(package) :], name])
            if not _shadows(inside) and present(entry.path).name == name:
                helpers.setdefault(inside, entry)
        if folder == beside and name != "conftest.py":
            helpers.setdefault(f"beside/{name}", entry)
    return helpers


def _shadows(path):
    """Whether a file would take the place of one of the course's modules: under its name, or in a
    folder of its name, which Python would take for the module.
    """
    folders = [f"{folder}.py" for folder in PurePosixPath(path).parents]
    return not _course_files().isdisjoint([path, *folders])


@functools.cache
def _course_files():
    """Python files of the course's package, which nobody can replace."""
    package = ROOT / "deeplearning"
    return {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")}


def _read_all(found, limit, into, handed_in, total=MAX_TOTAL):
    for name, entry in found.items():
        try:
            data = entry.read(limit)
        except (ValueError, OSError) as error:
            handed_in.notes.append(f"{shown(entry.path)} could not be read: {error}.")
            continue
        if sum(map(len, into.values())) + len(data) <= total:
            into[name] = data
        else:
            handed_in.too_large.append(shown(entry.path))


def _say_where(found, works, chosen, handed_in):
    """Note what an eye should fall on: several works, and files from elsewhere."""
    if len(works) > 1:
        where = shown("/".join([*chosen[0], chosen[1]]))
        handed_in.notes.append(f"There are {len(works)} works: {where} was graded.")
    for wanted, entry in found.items():
        if chosen and works[chosen].get(wanted) is not entry:
            handed_in.notes.append(f"{wanted} was taken from {shown(entry.path)}.")
    if handed_in.too_large:
        count = len(handed_in.too_large)
        handed_in.notes.append(
            f"{count} files were left out, {handed_in.too_large[0]} the first: together with the "
            f"others they are larger than {MAX_HELPERS_SIZE >> 20} MB."
        )
    own = sorted(name.removeprefix("beside/") for name in handed_in.helpers)
    own = [name for name in own if found]
    if own:
        more = f" and {len(own) - 5} more" if len(own) > 5 else ""
        names = ", ".join(shown(name) for name in own[:5])
        handed_in.notes.append(f"Modules of your own came along: {names}{more}.")
