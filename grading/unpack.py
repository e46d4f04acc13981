"""What a student handed in, read so that nothing in it can do harm.

A zip is never unpacked onto the disk: of its entries only those that can hold an exercise or a
question's notebook are read, into memory, each up to a limit that does not trust the sizes the
archive claims. So paths that climb, links, devices and bombs meet nobody. Folders, as LMSs and
Gradescope make them of a zip, are read by the same rules.
"""

import contextlib
import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grading.manifest import MANIFEST

MAX_ARCHIVE = 200 << 20  # bytes
MAX_ENTRIES = 20_000
MAX_SOURCE = 1 << 20
MAX_NOTEBOOK = 30 << 20
OTHER_FORMATS = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
}
PACKAGES = ("deeplearning", "cs231n", "cs182")
OLDER_NAMES = {  # files of earlier editions, and what they are called now
    "net_visualization_pytorch.py": "network_visualization.py",
    "style_transfer_pytorch.py": "style_transfer.py",
}


@dataclass
class HandedIn:
    """What of a submission counts.

    - sources: Dictionary from the path of a file of exercises, as the manifest names it, to its
      bytes
    - notebooks: Dictionary from the name of a question's notebook to its bytes
    - package: Name of the folder that held the sources
    - notes: Sentences for the student, on what was unusual
    """

    sources: dict = field(default_factory=dict)
    notebooks: dict = field(default_factory=dict)
    helpers: dict = field(default_factory=dict)
    package: str = "deeplearning"
    held: str = ""
    notes: list = field(default_factory=list)


def read_submission(path):
    """Read a zip, or a folder with what was in one.

    Inputs:
    - path: The zip or folder

    Returns: HandedIn

    Raises ValueError, with a sentence for the student, for what is no zip, is damaged as a whole,
    or far too large.
    """
    path = Path(path)
    if path.is_dir():
        return _choose(_folder_entries(path))
    if path.stat().st_size > MAX_ARCHIVE:
        raise ValueError(
            f"the zip is larger than {MAX_ARCHIVE >> 20} MB: leave out data sets and environments"
        )
    with open(path, "rb") as file:
        return _read_zip(file)


def _read_zip(file, nested=False):
    with _open_zip(file) as archive:
        entries = [
            _ZipEntry(archive, info) for info in reversed(archive.infolist()) if not info.is_dir()
        ]  # last wins
        submission = _choose(entries)
        inner = [
            entry for entry in entries if entry.path.suffix.lower() == ".zip" and not _unsafe(entry)
        ]
        if not (submission.sources or submission.notebooks or nested) and len(inner) == 1:
            submission = _read_zip(io.BytesIO(inner[0].read(MAX_ARCHIVE // 4)), nested=True)
            submission.notes.append(
                f"The zip held another zip, {inner[0].path.name}, which was graded."
            )
    return submission


def _open_zip(file):
    """The archive, its table of contents read. Its size is looked at first."""
    head = file.read(4)
    for magic, kind in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise ValueError(f"this is {kind}, not a zip: unpack it, and zip its content")
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 65_557))  # the end record, with the longest comment
    tail = file.read()
    found = tail.rfind(b"PK\5\6")
    if found < 0 or len(tail) < found + 22:
        raise ValueError(
            "this is no zip, or only the first part of one: zip the folder again and look into the result"
        )
    count, size = struct.unpack_from("<HI", tail, found + 10)
    if count > MAX_ENTRIES or size > 200 * MAX_ENTRIES or tail.rfind(b"PK\6\7", 0, found) >= 0:
        raise ValueError(
            f"the zip holds more than {MAX_ENTRIES:,} files: hand in only the assignment's"
        )
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
        raise ValueError(f"the zip is damaged ({error}): zip the folder again") from error


class _ZipEntry:
    """A file in an archive."""

    def __init__(self, archive, info):
        self.archive, self.info = archive, info
        self.path = PurePosixPath(
            info.filename.replace("\\", "/")
        )  # some Windows programs write backslashes
        self.kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG

    def read(self, limit):
        """Its bytes. Raises ValueError for more than the limit, damage, a password or an unknown
        compression.
        """
        try:
            with self.archive.open(self.info) as file:
                data = file.read(limit + 1)
        except RuntimeError as error:
            raise ValueError("it needs a password") from error
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
        ) as error:
            raise ValueError(f"it is damaged: {error}") from error
        except Exception as error:  # other compressions raise errors of their own
            raise ValueError(f"it can't be unpacked: {type(error).__name__}") from error
        if len(data) > limit:
            raise ValueError(f"it is larger than {limit >> 20} MB")
        return data


class _FolderEntry:
    """A file in a folder."""

    def __init__(self, root, path):
        self.file, self.path = path, PurePosixPath(path.relative_to(root).as_posix())
        self.kind = stat.S_IFMT(path.lstat().st_mode)

    def read(self, limit):
        with open(self.file, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"it is larger than {limit >> 20} MB")
        return data


def _folder_entries(root):
    entries = []
    for folder, _, names in os.walk(root):  # does not follow links
        entries += [_FolderEntry(root, Path(folder, name)) for name in names]
        if len(entries) > MAX_ENTRIES:
            raise ValueError(
                f"the folder holds more than {MAX_ENTRIES:,} files: hand in only the assignment's"
            )
    return entries


def _choose(entries):
    """Of the entries, those that count: for each file that is wanted the one in the fewest folders."""
    submission, packages = HandedIn(), {}
    notebooks = [question.notebook for question in MANIFEST.questions.values()]
    for wanted in (*MANIFEST.files, *notebooks):
        candidates = sorted((e for e in entries if _is(e.path, wanted)), key=_nearness)
        safe = [entry for entry in candidates if not _unsafe(entry)]
        submission.notes += [
            f"{_shown(e.path)} was left out: {_unsafe(e)}." for e in candidates if _unsafe(e)
        ]
        if not safe:
            continue
        if len(safe) > 1:
            submission.notes.append(
                f"There are {len(safe)} files {safe[0].path.name}: {_shown(safe[0].path)} was graded."
            )
        read_into, limit = (
            (submission.notebooks, MAX_NOTEBOOK)
            if wanted in notebooks
            else (submission.sources, MAX_SOURCE)
        )
        try:
            read_into[wanted] = safe[0].read(limit)
        except (ValueError, OSError) as error:
            submission.notes.append(f"{_shown(safe[0].path)} could not be read: {error}.")
            continue
        if wanted not in notebooks:
            depth = len(PurePosixPath(wanted).parts)
            parts = safe[0].path.parts
            packages[parts[-depth] if len(parts) >= depth else ""] = True
    with contextlib.suppress(StopIteration):
        submission.package = next(iter(packages))
    return submission


def _is(path, wanted):
    """Whether a path can be the file that is wanted, in whatever folder, by its present or an older
    name.
    """
    if path.name.startswith("._") or "__MACOSX" in path.parts:  # remarks that macOS keeps
        return False
    name = OLDER_NAMES.get(path.name, path.name)
    parts = PurePosixPath(wanted).parts
    if len(parts) > 2:  # deeplearning/classifiers/rnn.py: rnn.py alone could be anything
        return (*path.parts[-2:-1], name) == parts[-2:]
    return name == parts[-1]


def _nearness(entry):
    named = len(entry.path.parts) > 1 and "deeplearning" in entry.path.parts
    return (
        ".ipynb_checkpoints" in entry.path.parts,
        len(entry.path.parts),
        not named,
        str(entry.path),
    )


def _unsafe(entry):
    """Why an entry is not read, or None."""
    path = entry.path
    if ".." in path.parts or len(str(path)) > 1000:
        return "its path leads out of the zip" if ".." in path.parts else "its path is too long"
    if entry.kind != stat.S_IFREG:
        return "it is a link or a device, not a file"
    return None


def _shown(path):
    """A path for people to read: short, and of printable letters."""
    text = str(path).encode("ascii", "backslashreplace").decode()
    return text if len(text) < 80 else f"{text[:30]}...{text[-40:]}"


def looks_like_a_submission(folder):
    """Whether a folder is one submission, not a folder of them: it holds a notebook, a source, or
    their package.
    """
    names = [*MANIFEST.files, *(question.notebook for question in MANIFEST.questions.values())]
    near = [PurePosixPath(path.name) for path in Path(folder).iterdir()]
    return any(path.name in PACKAGES or any(_is(path, name) for name in names) for path in near)


def fingerprint(path):
    """A hash that changes with a submission: of a zip's bytes, or of the names, sizes and times of
    a folder's files.
    """
    digest, path = hashlib.sha256(), Path(path)
    if path.is_dir():
        for entry in sorted(_folder_entries(path), key=lambda entry: str(entry.path)):
            about = entry.file.lstat()
            digest.update(
                f"{entry.path} {about.st_size} {about.st_mtime_ns}\n".encode(
                    "utf-8", "surrogateescape"
                )
            )
        return digest.hexdigest()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
