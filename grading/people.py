"""Tell whether folders and zips side by side belong to several people, or are versions of one
person's work. Their names and contents decide.
"""

import re
from pathlib import PurePosixPath

from grading.file_names import can_be, notebook_names
from grading.manifest import MANIFEST
from grading.unpack import ARCHIVES, is_noise

WORDS = set(
    "assignment assignments homework hw ass ex a version v hand out handout template starter "
    "solution solutions submission submissions final new old older backup bak copy kopie of draft "
    "orig original archive previous save saved tmp my work mywork code src source project "
    "deeplearning cs rnn lstm captioning network visualization networkvisualization style transfer "
    "styletransfer pytorch notebook notebooks question questions q part parts fixed last latest "
    "update updated correct corrected done finished result results output build lib main master "
    "abgabe drive download the and with without data ipynb py checkpoints attempt attempts try "
    "late resubmission resubmitted upload uploads export numpy torch".split()
)
PART = re.compile(r"(?i)\W*(q|question|part|p|problem|ex|exercise|task)[\W_]*\d+\W*")
FEW = 3  # versions that one person may have side by side; more are a class, whatever their names


def is_version(name: str) -> bool:
    """Whether a name tells the version or part of a work, and not whose it is."""
    name = re.sub(r"\d{8}T\d{6}Z(-\d+)*", "", name)  # added by Google Drive
    if re.search(r"\d{5}", name) and not re.search(r"(^|\D)20\d{6}(\D|$)", name):
        return False  # a student's number, not a date
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?i)\.(zip|tar|gz|tgz|rar|7z)$", "", name).lower())
    return bool(words) and WORDS.issuperset(words)


def are_parts(zips) -> bool:
    """Whether names are those of a work's parts, as q1 to q4, or RNN, LSTM and StyleTransfer."""
    stems = [path.stem for path in zips]
    if all(PART.fullmatch(stem) for stem in stems):
        return True
    words = {tuple(re.findall(r"[^\W\d_]+", stem.lower())) for stem in stems}
    return all(map(is_version, stems)) and len(words) == len(stems)


def are_people(paths) -> bool:
    """Whether files belong to several people.

    Inputs:
    - paths: Paths of files, relative to the folder that may be a class's
    """
    paths = [path for path in paths if path.parts and not is_noise(path)]
    around = len(_common([path.parts[:-1] for path in paths]))
    paths = [PurePosixPath(*path.parts[around:]) for path in paths]
    if any(len(path.parts) == 1 and _work_of(path) for path in paths):
        return False
    works: dict = {}
    for path in paths:
        if path.suffix.lower() in ARCHIVES and len(path.parts) <= 5:
            works.setdefault(path.parts[0], set()).add("zip")
        elif len(path.parts) > 1:
            works.setdefault(path.parts[0], set()).update(_work_of(path))
    # a folder of the template or of older work is neither a person, nor a sign of versions
    works = {top: work for top, work in works.items() if work and not is_version(top)}
    if len(works) < 2:
        return False
    return not _could_be_parts(list(works.values()))


def _common(folders):
    """The folders that are common to all paths."""
    first, last = min(folders, default=()), max(folders, default=())
    same = [one == other for one, other in zip(first, last, strict=False)]
    return first[: same.index(False) if False in same else len(same)]


def _work_of(path):
    """The assignment's files that a path could be."""
    return {wanted for wanted in [*MANIFEST.files, *notebook_names()] if can_be(path, wanted)}


def _could_be_parts(works):
    """Whether no file occurs in two of several works, so they could be parts of one."""
    return len(set().union(*works)) == sum(map(len, works))
