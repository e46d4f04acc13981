"""Make the hand-out for students: this repository without solutions, answers and staff's parts.

    python -m grading.handout

writes build/assignment2-handout/ and build/assignment2-handout.zip, from the present state of the
files that git tracks. Exercises become stubs (see `grading/stubs.py`), notebooks lose their outputs
and answers, and only the tests in tests/exercises/ are included. README and Makefile come from
grading/student/.
"""

import argparse
import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat

from deeplearning.files import atomic_write
from deeplearning.handed_in import ANSWER
from grading.manifest import MANIFEST
from grading.stubs import stub_out

ROOT = Path(__file__).resolve().parent.parent
NAME = "assignment2-handout"
STUDENT = "grading/student/"  # files here replace those of the same name at the top
KEPT = [
    ".gitattributes",
    ".gitignore",
    "collectSubmission.sh",
    "conftest.py",
    "pyproject.toml",
    "requirements-numpy.txt",
    "requirements.txt",
    "deeplearning/*",
    "exercises/*",
    "tests/__init__.py",
    "tests/exercises/*",
]
STAFF = [  # files that neither students nor their notebooks use
    "deeplearning/caption.py",
    "deeplearning/templates/*",
    "deeplearning/datasets/build.py",
    "deeplearning/datasets/caption_files.py",
    "deeplearning/datasets/caption_tables.py",
    "deeplearning/datasets/captions.py",
    "deeplearning/datasets/json_stream.py",
    "deeplearning/datasets/toytown/__main__.py",
    "deeplearning/datasets/toytown/train_robust.py",
    "deeplearning/datasets/toytown/train_squeezenet.py",
    "deeplearning/datasets/toytown/training_pictures.py",
]


def write_handout(out):
    """Write the hand-out.

    Inputs:
    - out: Folder to write it into; an earlier hand-out there is replaced

    Returns: paths of the hand-out's folder and of its zip

    Raises FileNotFoundError if git or the repository is missing, and ValueError for sources that
    don't fit the manifest.
    """
    out = Path(out)
    files = handout_files()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        for name, content in files.items():
            path = Path(scratch) / NAME / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(_mode(name))
        if (out / NAME).exists():
            shutil.rmtree(out / NAME)
        shutil.move(Path(scratch) / NAME, out / NAME)
    return out / NAME, write_zip(
        out / f"{NAME}.zip", {f"{NAME}/{name}": content for name, content in files.items()}
    )


def handout_files():
    """The hand-out's files: a dictionary from their names, with slashes, to bytes."""
    tracked = tracked_files()
    sources = {name: name for name in tracked if _is_kept(name)}
    sources |= {name.removeprefix(STUDENT): name for name in tracked if name.startswith(STUDENT)}
    files = {
        name: _for_students(name, content_of(source)) for name, source in sorted(sources.items())
    }
    text = b"\n".join(
        content for name, content in files.items() if name.endswith((".md", ".ipynb", ".sh"))
    ).decode()
    pages = [name for name in tracked if name.startswith("docs/") and name in text]
    return files | {name: content_of(name) for name in pages}


def tracked_files(root=ROOT):
    """Names of the existing files that git tracks, relative to the repository, with slashes.

    Raises FileNotFoundError if there is no git or no repository.
    """
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise FileNotFoundError(
            f"{root} is not a git repository, or git is missing; the hand-out is made from the "
            "files that git tracks: work in a clone"
        ) from error
    names = sorted(name for name in listed.stdout.decode().split("\0") if name)
    return [name for name in names if (Path(root) / name).is_file()]


def content_of(name):
    """The bytes of a tracked file; text has the line ends that git stores, not this checkout's."""
    content = (ROOT / name).read_bytes()
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def write_zip(path, files):
    """Write a zip; the same files give the same archive, whenever it is made.

    Inputs:
    - path: Where to write
    - files: Dictionary from name, with slashes, to bytes

    Returns: the path
    """
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # with the date 1980-01-01
            entry.external_attr = (0o100000 | _mode(name)) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def _mode(name):
    """Permissions of a file: scripts are executable."""
    return 0o755 if name.endswith((".sh", "run_autograder")) else 0o644


def _is_kept(name):
    notebooks = [question.notebook for question in MANIFEST.questions.values()]
    return _matches(name, [*KEPT, *notebooks]) and not _matches(name, STAFF)


def _matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _for_students(name, content):
    """A file's content as students get it."""
    if name in MANIFEST.files:
        exercises = [exercise for exercise in MANIFEST.exercises.values() if exercise.path == name]
        return stub_out(content.decode(), exercises).encode()
    if name.endswith(".ipynb"):
        return _unanswered(content.decode()).encode()
    if name == "pyproject.toml":
        return _settings(content.decode()).encode()
    return content


def _unanswered(text):
    """A notebook without outputs and answers."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
        elif "answer" in cell.metadata.get("tags", []):
            cell.source = ANSWER
            cell.metadata = {}
    return nbformat.writes(notebook) + "\n"


# Parts of pyproject.toml about what only staff have
STAFF_SETTINGS = [
    r', "optional-dependencies"',
    r', "grading\*"',
    r"\[tool\.setuptools\.dynamic\.optional-dependencies\]\n(?:.+\n)+\n",
    r" -m 'not slow and not corpus'",
    r' *"slow: .+\n *"corpus: .+\n',
    r' *"error",\n',  # a new release of some package must not turn a student's tests red
    r" *# joblib .+\n",
    r' *"ignore:A worker stopped .+\n',
    r'"grading/hostile/.+\n',
    r"\n\[tool\.mypy\]\n(?:.+\n)+",
]


def _settings(text):
    """pyproject.toml without the staff's parts; its linter doesn't complain about given imports and
    names that students don't use yet.
    """
    for pattern in STAFF_SETTINGS:
        text = _replaced(pattern, "", text)
    room = "".join(
        f'"{name}" = ["F401", "F841"]  # until you use what is given\n' for name in MANIFEST.files
    )
    return _replaced(r"(?m)^(\[tool\.ruff\.lint\.per-file-ignores\]\n)", rf"\1{room}", text)


def _replaced(pattern, new, text):
    """The text with the only match of a pattern replaced."""
    text, count = re.subn(pattern, new, text)
    if count != 1:
        raise ValueError(f"pyproject.toml should have one match of {pattern}, it has {count}")
    return text


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m grading.handout",
        description="Make the hand-out for students, as a folder and as a zip.",
        epilog="example: python -m grading.handout --out build",
    )
    parser.add_argument(
        "--out", default=ROOT / "build", type=Path, help="folder to write into (default: build)"
    )
    args = parser.parse_args(argv)
    try:
        folder, archive = write_handout(args.out)
    except (OSError, ValueError) as error:
        sys.exit(f"handout: {error}")
    files = [path for path in folder.rglob("*") if path.is_file()]
    print(f"{folder}: {len(files)} files; {archive.name}: {archive.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
