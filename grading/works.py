"""Find works among a submission's files, which are folders with a package of exercises, and decide
which of several counts.
"""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grading.file_names import PACKAGES, present, small
from grading.manifest import MANIFEST
from grading.unpack import shown

MAX_READ = 30 << 20  # bytes of a file
COPY = re.compile(
    r"(?i)(^|[^a-z])(backup|bak|old|older|copy|draft|archive|previous|orig|saved?|tmp)\d*([^a-z]|$)"
)


@dataclass
class HandedIn:
    """The parts of a submission that count.

    - sources: Dictionary from the path of a file of exercises, as the manifest names it, to its
      bytes
    - helpers: Dictionary from the student's own modules to their bytes; "deeplearning/NAME.py" in
      the package, "beside/NAME.py" next to it
    - notebooks: Dictionary from the name of a question's notebook to its bytes
    - package: Name of the folder that held the sources
    - notes: Sentences for the student about anything unusual
    - too_large: Files that were left out because all together would be too large
    - locked: Whether a file needs a password or a compression that is unknown here
    - held: Why a person has to decide what counts, or empty
    """

    sources: dict[str, bytes] = field(default_factory=dict)
    helpers: dict[str, bytes] = field(default_factory=dict)
    notebooks: dict[str, bytes] = field(default_factory=dict)
    package: str = "deeplearning"
    notes: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)
    locked: bool = False
    held: str = ""


class Undecided(Exception):
    """Two candidates are equally good; the message names both."""


def works_among(entries):
    """Folders that hold a package with exercises at their exact paths: dictionary from (folder,
    package) to a dictionary from those paths to entries.
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


def best_work(works):
    """The work that counts, or None. Raises Undecided."""
    if not works:
        return None
    plain = {key: (-len(files), *_distance(key[0]), key[1]) for key, files in works.items()}
    likely = sorted(works, key=plain.get)[:20]
    rank = {key: (len(works) > 1 and is_handout(works[key]), *plain[key]) for key in likely}
    best, *others = sorted(likely, key=rank.get)
    for other in others:
        tie = rank[other][:-1] == rank[best][:-1]
        if tie and not _agree(works[best], works[other]):
            names = " and ".join(shown("/".join([*k[0], k[1]])) for k in (best, other))
            raise Undecided(f"There are two works, {names}: which one counts?")
    return best


def is_handout(files):
    """Whether a work is still what students start from: nothing but stubs."""
    return not is_begun({path: bytes_of(entry) or b"" for path, entry in files.items()})


def is_begun(sources):
    """Whether some exercise in sources is more than a stub."""
    for path, content in sources.items():
        mine = [e for e in MANIFEST.exercises.values() if e.path == path]
        stubs = {name for e in mine for name in (e.name, *e.parts)}
        if _stubs_in(content) < len(stubs):
            return True
    return False


def _stubs_in(content):
    """How many stubs a source holds: raised errors that were neither commented out, nor left below
    the return of what was written in their place.
    """
    stubs = 0
    returned: set = set()  # indents of the blocks around a line that have returned before it
    for line in content.splitlines():
        code = line.strip()
        if not code or code.startswith(b"#"):
            continue
        indent = len(line) - len(line.lstrip())
        returned = {other for other in returned if other <= indent}
        if code.startswith(b"return"):
            returned.add(indent)
        elif code.startswith(b'raise NotImplementedError("Q') and indent not in returned:
            stubs += 1
    return stubs


def _distance(folder):
    """How unlikely a folder is to hold the work, as a sort key."""
    return ".ipynb_checkpoints" in folder, any(map(COPY.search, folder)), len(folder)


def _agree(one, other):
    """Whether works agree in all files that both have: then they are parts, or copies."""
    both = one.keys() & other.keys()
    return all(bytes_of(one[path]) == bytes_of(other[path]) for path in both)


def bytes_of(entry):
    try:
        return entry.read(MAX_READ)
    except (ValueError, OSError):
        return None


def nearest(candidates, near):
    """The candidate that is nearest to a folder, or None. Raises Undecided."""

    def rank(entry):
        folder = entry.path.parts[:-1]
        return folder[: len(near)] != near, *_distance(folder)

    candidates = sorted(candidates, key=lambda entry: (rank(entry), str(entry.path)))
    for other in candidates[1:]:
        if rank(other) == rank(candidates[0]) and bytes_of(other) != bytes_of(candidates[0]):
            names = f"{shown(candidates[0].path)} and {shown(other.path)}"
            raise Undecided(f"There are two files, {names}: which one counts?")
    return candidates[0] if candidates else None
