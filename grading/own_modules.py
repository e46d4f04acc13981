"""Find a student's own modules, in the package and next to it. They never replace the course's
files.
"""

import functools
from pathlib import Path, PurePosixPath

from grading.file_names import present

ROOT = Path(__file__).resolve().parent.parent
MAX_HELPERS = 100


def own_modules(entries, found, chosen):
    """The student's own modules: dictionary from the path where each belongs to its entry."""
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
    # a zip can hold a folder with a file's name
    return {
        path: entry
        for path, entry in helpers.items()
        if helpers.keys().isdisjoint(map(str, PurePosixPath(path).parents))
    }


def _shadows(path):
    """Whether a file would take the place of one of the course's modules: by its name, or in a
    folder of its name, which Python would import instead.
    """
    folders = [f"{folder}.py" for folder in PurePosixPath(path).parents]
    return not _course_files().isdisjoint([path, *folders])


@functools.cache
def _course_files():
    """Python files of the course's package, which a submission can't replace."""
    package = ROOT / "deeplearning"
    return {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")}
