"""Submissions that try to fool or break the grader, or are just as unusual as real ones, with what
each deserves.

    python -m grading.hostile             prints the table
    python -m grading.hostile FOLDER      writes the zips too

The idea is from Ares (Luisser and Krusche, TU Munich), which keeps such a corpus for Java. A small
function builds each submission from the reference, or from the stubs that students start with, and
is labelled with the exercises that the submission must lose. Most tricks are in one exercise of an
otherwise right tree, which must lose only that one.
"""

import importlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from grading.manifest import MANIFEST
from grading.stubs import stub_out

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ["archives", "files", "notebooks", "processes", "snooping", "answers", "leaks"]
EVERYTHING = tuple(MANIFEST.exercises)
RNN_LAYERS, RNN, NETWORK_VISUALIZATION, STYLE_TRANSFER = MANIFEST.files
_written: list = []


@dataclass(frozen=True)
class Hostile:
    """A hostile submission.

    - name: What it does
    - about: A sentence that describes it
    - lost: ids of the exercises that it deserves no points for
    - build: Function that returns the bytes of the submission
    """

    name: str
    about: str
    lost: tuple[str, ...]
    build: object


def hostile(*lost):
    """Decorator that registers a function which returns a submission's bytes, with the exercises
    that the submission must lose.
    """

    def file(build):
        _written.append(Hostile(build.__name__, " ".join(build.__doc__.split()), lost, build))
        return build

    return file


def corpus():
    """All hostile submissions by name."""
    for module in MODULES:
        importlib.import_module(f"grading.hostile.{module}")
    return {hostile.name: hostile for hostile in _written}


def of(*paths):
    """ids of the exercises in some files."""
    return tuple(exercise.id for exercise in MANIFEST.exercises.values() if exercise.path in paths)


def solved():
    """The files of the reference, as a dictionary from path to text."""
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in MANIFEST.files}


def unsolved(extra=""):
    """The stubs, with the same text at the end of each."""
    exercises = MANIFEST.exercises.values()
    return {
        path: stub_out(text, [e for e in exercises if e.path == path]) + extra
        for path, text in solved().items()
    }


def instead(name, code):
    """The reference's files, with one exercise's function replaced by a definition after it.

    Inputs:
    - name: Name of the function
    - code: Source of the new one; in it, `right` is the function that it replaces
    """
    files = solved()
    path = next(exercise.path for exercise in MANIFEST.exercises.values() if exercise.name == name)
    files[path] += f"\n\nright = {name}\n{code}"
    return files


def zipped(files):
    """A zip of files, a dictionary from name to text or bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
