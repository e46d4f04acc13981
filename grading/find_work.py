"""Decide which of a submission's files count.

The exercises' files are expected at the manifest's exact paths, below any folder. Of several such
works, the one with the most files counts, then the one whose folder isn't named like a copy, then
the one nearest to the top. A missing file may lie in another folder, also under an older name. If
two candidates are equally good but differ, nothing is guessed: the submission is held.

The student's own modules, in the package and next to it, and the notebooks count too.
"""

import contextlib
import math
from pathlib import Path, PurePosixPath

from grading.file_names import as_called_first, can_be, notebook_names
from grading.manifest import MANIFEST
from grading.own_modules import own_modules
from grading.unpack import (
    OTHER_ARCHIVES,
    OtherArchive,
    TooMuch,
    inner_zips,
    is_noise,
    list_files,
    put_below,
    shown,
    unsafe,
    unzipped,
)
from grading.works import (
    COPY,
    HandedIn,
    Undecided,
    best_work,
    bytes_of,
    is_begun,
    is_handout,
    nearest,
    works_among,
)

ROOT = Path(__file__).resolve().parent.parent
MAX_SOURCE = 1 << 20  # bytes
MAX_NOTEBOOK = 30 << 20
MAX_HELPERS_SIZE = 4 << 20  # bytes of all: they come back from the sandbox in one message


def read_submission(paths) -> HandedIn:
    """Read what one student has handed in.

    Inputs:
    - paths: Path of a zip or folder, or a list of such paths and of files

    Returns: HandedIn

    Raises ValueError, with a sentence for the student, if nothing can be read.
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
            if len(entries) > 1:  # one zip in a platform's folder is nothing unusual
                notes.append(note)
        elif zips and not is_begun(handed_in.sources) and (begun := _begun(zips)):
            inner, note = _the_one(begun)
            put_below(inner, begun[0].path)
            handed_in = _choose([*entries, *inner])
            notes.append(note)
        elif zips and len(handed_in.sources) < len(MANIFEST.files):
            handed_in = _completed(handed_in, entries, zips)
        elif zips:
            _compare_with_zips(handed_in, entries, zips)
        _look_beside(handed_in, entries)
        if handed_in.locked and not handed_in.sources:
            raise Undecided(handed_in.notes[0])
        begun = is_begun(handed_in.sources)
        if not begun or len(handed_in.sources) < len(MANIFEST.files):
            _look_for_other_archives(entries, deep=math.inf if not begun else 2)
        if handed_in.sources and not begun:
            _look_for_damaged_zips(entries, zips)
    except (Undecided, OtherArchive) as undecided:
        return HandedIn(held=str(undecided))
    except TooMuch as error:
        raise ValueError(str(error)) from None
    handed_in.notes = notes + handed_in.notes
    return handed_in


def _completed(handed_in, entries, zips):
    """What counts if part of the work lies next to zips: both together. Zips of copies, and of what
    students start from, are ignored.
    """
    useful = [entry for entry in _begun(zips) if not COPY.search(entry.path.stem)]
    if not useful:
        return handed_in
    inner, _ = _the_one(useful)
    put_below(inner, useful[0].path)
    both = _choose([*entries, *inner])
    for path, content in handed_in.sources.items():
        if both.sources[path] != content and is_begun({path: content}):
            name = shown(useful[0].path)
            raise Undecided(f"{path} and the one in {name} differ: which one counts?")
    return both


def _begun(zips):
    """The zips whose work is more than what students start from."""
    begun = []
    for entry in zips[:20]:
        with contextlib.suppress(ValueError, Undecided):
            if is_begun(_choose(_files_of(entry, 1)).sources):
                begun.append(entry)
    return begun


def _compare_with_zips(handed_in, entries, zips):
    """Raise Undecided for a zip next to the work's folder that holds another work; a zip inside the
    folder was left there by the script that collects the submission.
    """
    chosen = best_work(works_among(entries))
    beside = chosen[0][:-1] if chosen and chosen[0] else None
    for entry in zips[:20]:
        other = {}
        if entry.path.parts[:-1] == beside and not COPY.search(entry.path.stem):
            with contextlib.suppress(ValueError, Undecided):
                other = _choose(_files_of(entry, 1)).sources
        if is_begun(other) and not other.items() <= handed_in.sources.items():
            names = f"{shown(PurePosixPath(*chosen[0]))} and {shown(entry.path)}"
            raise Undecided(f"There are two works, {names}: which one counts?")


def _look_beside(handed_in, entries):
    """Raise Undecided for a file handed in on its own that differs from the one in the work."""
    for path, content in handed_in.sources.items():
        for entry in entries:
            if not entry.alone or unsafe(entry) or not can_be(entry.path, path):
                continue
            own = bytes_of(entry) or b""
            if own != content and is_begun({path: own}):
                raise Undecided(
                    f"{path} was handed in twice, on its own and with other work, and the two "
                    "differ: which one counts?"
                )


def _look_for_other_archives(entries, deep):
    """Raise Undecided for an archive that could hold what is missing."""
    for entry in entries:
        archive = entry.path.suffix.lower() in OTHER_ARCHIVES and not is_noise(entry.path)
        if archive and len(entry.path.parts) <= deep:
            raise Undecided(
                f"{shown(entry.path)} can't be read here, and there is no other whole work: "
                "unpack it, and zip its content"
            )


def _look_for_damaged_zips(entries, zips):
    """Raise Undecided if there are only stubs, and a zip that can't be read."""
    why = next((note for note in entries.notes if "could not be read" in note), "")
    for entry in zips[:20]:
        try:
            _files_of(entry, 1)
        except ValueError as error:
            why = why or f"{shown(entry.path)} could not be read: {error}."
    if why:
        raise Undecided(f"There is nothing but what students start from, and {why}")


def _the_one(zips, depth=1):
    """The files of the inner zip that holds the work; and a note."""
    opened = _opened(zips, depth)
    useful = [(entry, files) for entry, files in opened if _content(files)]
    useful = useful or opened[:1]
    contents = {_content(files) for _, files in useful}
    if len(contents) > 1:
        return _together(useful)
    entry, files = useful[0]
    return files, f"The submission holds a zip, {shown(entry.path)}, which was graded."


def _together(useful):
    """The files of zips that are parts of one work; and a note. Raises Undecided if they differ."""
    found = {}
    first, second = (shown(entry.path) for entry, _ in useful[:2])
    for entry, files in useful:
        for path, content in _content(files):
            if found.setdefault(path, content) != content:
                raise Undecided(f"There are several zips, {first} and {second}: which one counts?")
        put_below(files, entry.path)
    note = f"The submission holds several zips, {first} and {second}: they were graded together."
    return [file for _, files in useful for file in files], note


def _opened(zips, depth):
    """Zips with their files, without unreadable ones. Raises ValueError if none can be read."""
    opened = []
    problem = None
    for entry in zips[:20]:
        try:
            opened.append((entry, _files_of(entry, depth)))
        except ValueError as error:
            problem = problem or error
    if problem and not opened:
        raise problem
    return opened


def _files_of(entry, depth):
    """The files of a zip in a zip; if it holds just another zip, the files of that one."""
    files = unzipped(entry)
    zips = inner_zips(files)
    if not zips or _choose(files).sources:
        return files
    if len(zips) > 1 or depth == 0:
        raise Undecided(
            f"{shown(entry.path)} contains zips again, such as {shown(zips[0].path)}: unpack the "
            "one that counts"
        )
    return _the_one(zips, depth - 1)[0]


def _content(files):
    handed_in = _choose(files)
    return tuple(sorted((handed_in.sources or handed_in.notebooks).items()))


def _choose(entries):
    """The entries that count."""
    handed_in = HandedIn()
    entries = [entry for entry in entries if not is_noise(entry.path)]
    _leave_out_unsafe(entries, handed_in)
    entries = [entry for entry in entries if not unsafe(entry)]
    works = works_among(entries)
    chosen = best_work(works)
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
    helpers = own_modules(entries, found, chosen)
    _read_all(helpers, MAX_SOURCE, handed_in.helpers, handed_in, MAX_HELPERS_SIZE)
    _say_where(found, works, chosen, handed_in)
    return handed_in


def _leave_out_unsafe(entries, handed_in):
    for entry in entries:
        wanted = [*MANIFEST.files, *notebook_names()]
        if unsafe(entry) and any(can_be(entry.path, name) for name in wanted):
            handed_in.notes.append(f"{shown(entry.path)} was left out: {unsafe(entry)}.")


def _elsewhere(entries, works, wanted, chosen):
    """A file of exercises that the chosen work lacks, from elsewhere, or None."""
    near = chosen[0] if chosen else ()
    exact = [work[wanted] for work in works.values() if wanted in work]
    loose = [entry for entry in entries if can_be(entry.path, wanted)]
    loose = loose or [entry for entry in entries if _holds_class_of(entry, wanted)]
    as_called = [entry for entry in loose if as_called_first(entry.path) == entry.path]
    return nearest(exact or as_called or loose, near)


def _instead_of_stubs(entries, found, chosen):
    """Edited files, to replace unedited stubs in the work: some students save outside the package,
    and forget the stub in it.
    """
    better = {}
    for wanted, stub in found.items():
        others = [entry for entry in entries if entry is not stub and can_be(entry.path, wanted)]
        if others and is_handout({wanted: stub}):
            written = [entry for entry in others[:20] if not is_handout({wanted: entry})]
            entry = nearest(written, chosen[0])
            better |= {wanted: entry} if entry else {}
    return better


def _holds_class_of(entry, wanted):
    """Whether a file with the right name, in another folder, defines the class of an exercise."""
    classes = {e.name.split(".")[0] for e in MANIFEST.exercises.values() if e.path == wanted}
    names = [f"class {name}".encode() for name in classes if name[0].isupper()]
    if not names or as_called_first(entry.path).name != PurePosixPath(wanted).name:
        return False
    return any(name in (bytes_of(entry) or b"") for name in names)


def _notebook(entries, name, chosen):
    """The entry of a question's notebook, or None."""
    candidates = [entry for entry in entries if can_be(entry.path, name)]
    exact = [entry for entry in candidates if entry.path.name == name]
    return nearest(exact or candidates, chosen[0] if chosen else ())


def _package(wanted, entry):
    """Name of the folder that stands for the package."""
    depth = len(PurePosixPath(wanted).parts)
    return entry.path.parts[-depth] if len(entry.path.parts) >= depth else ""


def _read_all(found, limit, into, handed_in, total=math.inf):
    for name, entry in found.items():
        try:
            data = entry.read(limit)
        except (ValueError, OSError) as error:
            handed_in.notes.append(f"{shown(entry.path)} could not be read: {error}.")
            handed_in.locked |= isinstance(error, OtherArchive)
            continue
        if sum(map(len, into.values())) + len(data) <= total:
            into[name] = data
        else:
            handed_in.too_large.append(shown(entry.path))


def _say_where(found, works, chosen, handed_in):
    """Note anything unusual: several works, files from elsewhere or left out, and own modules."""
    if len(works) > 1:
        where = {key: shown("/".join([*key[0], key[1]])) for key in works}
        others = ", ".join(sorted(name for key, name in where.items() if key != chosen)[:3])
        handed_in.notes.append(
            f"There are {len(works)} works: {where[chosen]} was graded, and not {others}."
        )
    for wanted, entry in found.items():
        if chosen and works[chosen].get(wanted) is not entry:
            handed_in.notes.append(f"{wanted} was taken from {shown(entry.path)}.")
    if handed_in.too_large:
        names = ", ".join(handed_in.too_large[:3])
        handed_in.notes.append(
            f"Some of your own modules were left out, such as {names}: all together are larger "
            f"than {MAX_HELPERS_SIZE >> 20} MB."
        )
    own = sorted(name.removeprefix("beside/") for name in handed_in.helpers)
    if own and found:
        more = f" and {len(own) - 5} more" if len(own) > 5 else ""
        names = ", ".join(shown(name) for name in own[:5])
        handed_in.notes.append(f"Your own modules were included: {names}{more}.")
