"""Check your work, and make the zip to hand in.

    python -m deeplearning.submission
    python -m deeplearning.submission --out ../ada.zip --force

The zip contains the four notebooks, the Python files of the package and next to it (including
helpers of your own), and any notes (`*.md`, `*.txt`) and extra-credit captioner. Data, other
weights, environments, caches and links stay out. If there are problems, they are listed and no zip
is made; with `--force` it is made anyway, with the list inside. Exit status: 0 all right, 1
problems found, 2 wrong usage.
"""

import argparse
import contextlib
import os
import re
import stat
import sys
import time
import unicodedata
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deeplearning.files import atomic_write, said
from deeplearning.handed_in import CAPTIONER, EXERCISE_FILES, NOTEBOOKS
from deeplearning.submission_checks import check_name, check_notebook, check_python, printable

ROOT = Path(__file__).resolve().parent.parent
SIZE_LIMIT = 20 << 20  # bytes of the zip; four notebooks full of figures take 4
ASKED_FOR = {*NOTEBOOKS, *EXERCISE_FILES}
PROBLEM_LIST = "PROBLEMS.txt"  # in a zip made with --force
# folders to leave out, in addition to hidden ones
NOT_OURS = {"__pycache__", "__MACOSX", "node_modules", "site-packages"}
# How browsers and Jupyter name second copies: "X-Copy1", "X (1)", "X copy 2"
COPY = r"(-Copy\d*| ?\(\d+\)| copy( \d+)?)?"
SAME_TIME = 60  # seconds; a checkout or unzipping writes its files within less
EARLIEST = 366 * 86400 * 11  # seconds; files from the hand-out's zip are dated 1980


@dataclass
class HandIn:
    """The files of a work tree to hand in, and the findings about them.

    - files: Dictionary from names in the zip to contents as bytes
    - saved: Dictionary from those names to the time of the last change, in seconds
    - problems: Sentences about what has to be fixed
    - remarks: Sentences about what is allowed but may be an oversight
    """

    files: dict = field(default_factory=dict)
    saved: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    remarks: list = field(default_factory=list)


def collect(folder):
    """Collect and check the files to hand in.

    Inputs:
    - folder: Work tree with the notebooks and the package

    Returns: HandIn. Files that can't be read, or whose names can't be unpacked everywhere, are
    listed in its problems instead of its files.
    """
    folder = Path(folder)
    hand_in = HandIn()
    names = list(_walk(folder, hand_in))
    for name in filter(_goes_in, names):
        _add(hand_in, folder, name)
    missing = [name for name in (*NOTEBOOKS, *EXERCISE_FILES) if name not in names]
    hand_in.problems += [_missing(folder, name, names) for name in missing]
    size = sum(len(content) for content in hand_in.files.values())
    if size > SIZE_LIMIT:
        largest = max(hand_in.files, key=lambda name: len(hand_in.files[name]))
        hand_in.problems.append(
            f"{_megabytes(size)} are more than the {_megabytes(SIZE_LIMIT)} that a zip may have: "
            f"clear outputs that you don't need; the largest file is {printable(largest)} with "
            f"{_megabytes(len(hand_in.files[largest]))}"
        )
    for name in NOTEBOOKS:
        if name in hand_in.files:
            hand_in.remarks += _newer(hand_in, folder, name, names)
    return hand_in


def _walk(folder, hand_in):
    """Names of the files in a folder, sorted, with forward slashes. Hidden files, caches and
    environments are left out, as are linked folders, which os.walk lists but does not follow.
    """

    def unreadable(error):
        name = Path(error.filename).relative_to(folder).as_posix()
        hand_in.problems.append(
            f"{printable(name)} can't be opened ({error.strerror}): change its permissions"
        )

    for where, folders, files in os.walk(folder, onerror=unreadable):
        inside = Path(where).relative_to(folder)
        for name in sorted(folders):
            path = os.path.join(where, name)
            if os.path.islink(path) and inside.parts[:1] == ("deeplearning",):
                shown = printable((inside / name).as_posix())
                hand_in.remarks.append(f"{shown} is a link: its target is left out")
            environment = any(
                os.path.exists(os.path.join(path, mark)) for mark in ("pyvenv.cfg", "conda-meta")
            )
            made = path == os.path.join(folder, "build")  # by `make run`
            if name.startswith(".") or name in NOT_OURS or environment or made:
                folders.remove(name)
        folders.sort()
        yield from (
            (inside / name).as_posix() for name in sorted(files) if not name.startswith(".")
        )


def _goes_in(name):
    path = PurePosixPath(name)
    if len(path.parts) == 1:
        notes_and_code = path.suffix.lower() in (".py", ".md", ".txt") and name != PROBLEM_LIST
        return name in (*NOTEBOOKS, CAPTIONER) or notes_and_code
    return path.parts[0] == "deeplearning" and path.suffix == ".py"


def _add(hand_in, folder, name):
    """Read and check one file."""
    # macOS decomposes accented letters, and Python looks for composed ones
    stored = unicodedata.normalize("NFC", name)
    problems = check_name(stored)
    remarks = []
    twins = [other for other in hand_in.files if other.casefold() == stored.casefold()]
    if twins:
        problems.append(
            f"{printable(name)} and {printable(twins[0])} are the same name on Windows and macOS: "
            "rename one"
        )
    if not problems:
        try:
            hand_in.saved[stored] = (folder / name).lstat().st_mtime
            hand_in.files[stored] = content = _read(folder / name, printable(name))
            problems, remarks = _checked(name, content)
        except OSError as error:
            problems.append(
                f"{printable(name)} can't be read ({error.strerror}): change its permissions"
            )
        except ValueError as error:
            problems.append(str(error))
    hand_in.problems += problems
    hand_in.remarks += remarks


def _checked(name, content):
    """Problems and remarks on a file's content; an empty __init__.py is fine."""
    check = {".ipynb": check_notebook, ".py": check_python}.get(PurePosixPath(name).suffix)
    if check and (content or name in (*NOTEBOOKS, *EXERCISE_FILES)):
        return check(printable(name), content)
    return [], []


def _read(path, name):
    """Content of a regular file; a pipe would block forever, and a link leads to files that graders
    don't have.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise ValueError(f"{name} is a link: put the file itself there")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{name} is not a regular file: put the file itself there")
    if status.st_size > SIZE_LIMIT:
        raise ValueError(
            f"{name} has {_megabytes(status.st_size)}, more than the {_megabytes(SIZE_LIMIT)} that "
            "a zip may have: clear outputs that you don't need"
        )
    return path.read_bytes()


def _missing(folder, name, names):
    """A sentence about a missing file, with the place where it seems to be."""
    wanted = PurePosixPath(name)
    pattern = re.compile(re.escape(wanted.stem) + COPY + re.escape(wanted.suffix), re.IGNORECASE)
    found = [other for other in names if pattern.fullmatch(PurePosixPath(other).name)]
    if found:
        nearest = printable(min(found, key=len), 100)
        return f"{name} is missing, but there is {nearest}: give it the right name and place"
    if os.path.isdir(folder / name):
        return f"{name} is a folder: put the file there"
    if os.path.exists(folder / name):
        return f"{name} lies behind a link: put the file itself there"
    return (
        f"{name} is missing: fetch it again from where you got the assignment, or from your own "
        "copies"
    )


def _newer(hand_in, folder, notebook, names):
    """Remarks on changes made after a notebook was saved: to its code, a copy, its checkpoint."""
    saved = hand_in.saved[notebook]
    remarks = []
    if saved > EARLIEST:
        remarks += _code_changed(hand_in, notebook)
    stem = Path(notebook).stem
    pattern = re.compile(re.escape(stem) + COPY + r"\.ipynb")
    copies = [n for n in names if n != notebook and pattern.fullmatch(PurePosixPath(n).name)]
    for copy in [*copies, f".ipynb_checkpoints/{stem}-checkpoint.ipynb"]:
        with contextlib.suppress(OSError):  # most have no checkpoint
            newer = (folder / copy).stat().st_mtime > saved + 2  # FAT counts in steps of 2 seconds
            if newer and (folder / copy).read_bytes() != hand_in.files[notebook]:
                remarks.append(
                    f"{printable(copy, 100)} is newer than {notebook}: did you work in that one, "
                    "or forget to save?"
                )
    return remarks


def _code_changed(hand_in, notebook):
    """A remark if code that a notebook tests was changed after the notebook was saved."""
    saved = hand_in.saved[notebook]
    for name in NOTEBOOKS[notebook]:
        later = hand_in.saved.get(name, 0) - saved
        if later > SAME_TIME:
            return [
                f"{notebook} was saved {_duration(later)} before {name} changed: if its outputs "
                "are old, run and save it again"
            ]
    return []


def write_hand_in(files, out):
    """Write a zip whose bytes depend on the files alone: sorted, with one date and mode, and
    uncompressed, since compressors differ from machine to machine.

    Inputs:
    - files: Dictionary from names to contents as bytes
    - out: File to write

    Raises OSError if it can't be written; nothing is left behind then.
    """
    with atomic_write(out) as file, zipfile.ZipFile(file, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, files[name])


def main(argv=None):
    """Run the command, and return its exit status."""
    args = _arguments(argv)
    hand_in = collect(args.folder)
    _print_findings(hand_in, args.folder)
    if hand_in.problems and not args.force:
        print(
            "\nNo zip was made. Fix the problems and run this again, or hand in what there is with "
            "--force."
        )
        if args.out.exists():
            age = _duration(time.time() - args.out.stat().st_mtime)
            print(f"Do not upload {args.out}: it is from an earlier run, {age} ago.")
        return 1
    if hand_in.problems:
        title = f"Made with --force. Problems ({len(hand_in.problems)}):"
        hand_in.files[PROBLEM_LIST] = "\n".join([title, *hand_in.problems, ""]).encode()
    write_hand_in(hand_in.files, args.out)
    print(f"\n{args.out}:")
    main_files = [name for name in sorted(hand_in.files) if name in ASKED_FOR or "/" not in name]
    for name in main_files:
        print(f"{len(hand_in.files[name]):12,}  {name}")
    others = len(hand_in.files) - len(main_files)
    if others:
        print(f"{'':12}  and {others} more of the package")
    print(f"{len(hand_in.files)} files, {_megabytes(args.out.stat().st_size)}")
    print(f"\nNext: upload {args.out}, unchanged, where your course takes submissions.")
    return 1 if hand_in.problems else 0


def _print_findings(hand_in, folder):
    print(f"Checked {folder}\n")
    for name in NOTEBOOKS:
        print(f"  {name:36s}{_when(hand_in.saved.get(name))}")
    for title, sentences in (("Problems", hand_in.problems), ("Worth a look", hand_in.remarks)):
        if sentences:
            print(f"\n{title} ({len(sentences)}):")
            print("\n".join(f"  - {sentence}" for sentence in sentences))


def _when(saved):
    """When a notebook was last saved, in words."""
    if saved is None:
        return "missing"
    if saved < EARLIEST:
        return "not saved since it was handed out"
    clock = time.strftime("%a %d %b %H:%M", time.localtime(saved))
    return f"last saved {clock}, {_duration(time.time() - saved)} ago"


def _duration(seconds):
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def _megabytes(size):
    return f"{size / (1 << 20):.1f} MiB"


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.submission",
        description="Check the notebooks and the code, and make the zip to hand in.",
        epilog="example: python -m deeplearning.submission --out ../assignment2.zip",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        default=ROOT,
        type=Path,
        help="work tree (default: the one that contains this package)",
    )
    parser.add_argument(
        "--out", type=Path, help="zip to write (default: assignment2.zip in the work tree)"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="make the zip despite problems, with a list of them inside",
    )
    args = parser.parse_args(argv)
    args.folder = Path(os.path.abspath(args.folder))
    args.out = Path(os.path.abspath(args.out or args.folder / "assignment2.zip"))
    if not args.folder.is_dir():
        parser.error(f"there is no folder {args.folder}: name the one that holds your notebooks")
    if args.out.suffix != ".zip" or args.out.is_dir() or not args.out.parent.is_dir():
        parser.error(f"--out {args.out}: name a file that ends in .zip, in an existing folder")
    return args


if __name__ == "__main__":
    # a Windows console may not be able to show all characters of file names
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"submission: {said(error)}")
