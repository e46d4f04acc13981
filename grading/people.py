"""Whether folders and zips that lie side by side belong to several people, or are versions of one
person's work. Names decide, and what lies in them.
"""

import re
from pathlib import PurePosixPath

from grading.find_work import can_be, notebook_names
from grading.manifest import MANIFEST
from grading.unpack import is_noise

WORDS = (
    "assignments?|homework|hw|ass|ex|a|version|v|hand|out|handout|template|starter|solutions?|"
    "submissions?|final|new|old|older|backup|bak|copy|kopie|of|draft|orig|original|archive|"
    "previous|saved?|tmp|my|work|code|src|source|project|deeplearning|cs231n|cs182|rnn|lstm|"
    "captioning|network|visualization|style|transfer|pytorch|notebooks?|questions?|q|parts?|"
    "fixed|last|latest|updated?|corrected|done|finished|results?|output|build|lib|main|master|"
    "abgabe|the|and|with|without|data|ipynb|py|checkpoints"
)
VERSION = re.compile(rf"([\W\d_]*({WORDS}))+[\W\d_]*|[\W_]*", re.IGNORECASE)


FEW = 3  # as many versions one person may have side by side; more are a class, whatever their names


def is_version(name: str) -> bool:
    """Whether a name says which version or part of a work something is, and not whose."""
    if re.search(r"\d{5}", name) and not re.search(r"(^|\D)20\d{6}(\D|$)", name):
        return False  # the number of a student, and no date
    return VERSION.fullmatch(re.sub(r"(?i)\.(zip|tar|gz|tgz|rar|7z)$", "", name)) is not None


def are_people(paths) -> bool:
    """Whether files are those of several people.

    Inputs:
    - paths: Of files, relative to the folder that may be a class's
    """
    paths = [path for path in paths if path.parts and not is_noise(path)]
    tops = {path.parts[0] for path in paths}
    if len(tops) == 1:
        return are_people([PurePosixPath(*path.parts[1:]) for path in paths])
    if any(len(path.parts) == 1 and _work_of(path) for path in paths):
        return False
    works: dict = {}
    for path in paths:
        if path.suffix.lower() == ".zip" and len(path.parts) <= 3:
            works.setdefault(path.parts[0], set()).add("zip")
        elif len(path.parts) > 1:
            works.setdefault(path.parts[0], set()).update(_work_of(path))
    works = {top: work for top, work in works.items() if work}
    if len(works) < 2 or any(map(is_version, works)):
        return False
    return not _could_be_parts(list(works.values()))


def _work_of(path):
    """Of the files that are handed in, those that a path could be."""
    return {wanted for wanted in [*MANIFEST.files, *notebook_names()] if can_be(path, wanted)}


def _could_be_parts(works):
    """Whether no file lies in two of several works, so that together they could be one."""
    return len(set().union(*works)) == sum(map(len, works))
