"""Read what a student handed in, so that nothing in it can do harm.

A zip is never unpacked to disk: only entries that can count are read, into memory, each up to a
limit that does not trust the sizes the archive claims. This makes path traversal, links, devices
and zip bombs harmless. Folders, which learning platforms make from zips, are read by the same
rules. `find_work` decides which of the files count.
"""

import contextlib
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

MAX_ARCHIVE = 200 << 20  # bytes
MAX_ENTRIES = 20_000
MAX_UNPACKED = 2 << 30  # bytes that are unpacked from one submission, over all reads
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
UTF_8 = 0x800  # the flag of an entry whose name is in that encoding
LOOSE = {".py", ".ipynb"}  # files that platforms hand over as they are
NOT_WORK = {"__pycache__", "node_modules", "site-packages"}  # folders, besides hidden ones
# What Moodle, Blackboard, Canvas and Brightspace put before a file's own name
ADDED = re.compile(
    r"^(.+_\d+_assignsubmission_file_|.+_attempt_[\d-]+_|[^_]+(_LATE)?_\d+_\d+_"
    r"|anon(_LATE)?_[a-z0-9]{5}_\d+_|\d+-\d+ - .+? - (?=[^-]*\d{4})[^-]+ - )",
    re.IGNORECASE,
)
OTHER_FORMATS = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
}
OTHER_ARCHIVES = set(".rar .7z .tar .gz .tgz .bz2 .tbz2 .tbz .xz .txz .zst".split())
ARCHIVES = {".zip", *OTHER_ARCHIVES}
DOCUMENTS = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".npz", ".jar", ".epub"}  # zips


class OtherArchive(ValueError):
    """An archive that a person can read and the grader can't: no zip, locked or very large."""


class Entries(list):
    """All files of a submission, `notes` on what could not be listed, and its `budget`."""

    def __init__(self, entries=(), notes=(), budget=None):
        super().__init__(entries)
        self.notes = list(notes)
        self.budget = budget or Budget()


class Budget:
    """How much of a submission may still be unpacked and listed: a small zip can take hours."""

    def __init__(self):
        self.left = MAX_UNPACKED
        self.entries = 2 * MAX_ENTRIES

    def count(self, entries):
        """Raises TooMuch if zips in the zip hold too many files."""
        self.entries -= entries
        if self.entries < 0:
            raise TooMuch(f"its zips hold more than {2 * MAX_ENTRIES:,} files: leave some out")

    def check(self):
        """Raises TooMuch if it was used up."""
        if self.left <= 0:
            raise TooMuch(
                f"unpacked, its files hold more than {MAX_UNPACKED >> 30} GB: hand in only the "
                "assignment's"
            )


class TooMuch(Exception):
    """The budget of a submission was used up."""


def list_files(paths):
    """The files in zips and folders, without opening zips inside them.

    Inputs:
    - paths: Paths of zips, folders and single files that one student has handed in together; if
      there are several zips or folders, the files of each are listed below its name

    Returns: Entries

    Raises ValueError, with a sentence for the student, if nothing can be read because it is not a
    zip, damaged as a whole or far too large; OtherArchive for archives of other kinds.
    """
    paths = list(map(Path, paths))
    whole = [p for p in paths if p.is_dir() or p.suffix.lower() in ARCHIVES or is_zip_inside(p)]
    if not whole and not any(path.suffix.lower() in LOOSE for path in paths):
        whole = paths  # anything without a known extension has to be a zip
    entries = Entries(_LooseEntry(path) for path in paths if path not in whole)
    problems = []
    for number, path in enumerate(whole):
        try:
            found = _files_in(path, entries.budget)
        except OtherArchive:
            raise
        except ValueError as error:
            problems.append((path, error))
            continue
        if len(whole) > 1:
            same = any(path.name == other.name for other in whole[:number])
            put_below(found, f"{path.name}-{number + 1}" if same else path.name)
        entries += found
        entries.notes += getattr(found, "notes", [])
    if problems and not entries:
        raise problems[0][1]
    entries.notes += [f"{shown(path.name)} could not be read: {why}." for path, why in problems]
    return entries


def _files_in(path, budget):
    return folder_entries(path) if path.is_dir() else zip_entries(_opened(path), budget)


def is_zip_inside(path: Path) -> bool:
    """Whether a file whose name has lost its extension is a zip by its content, not a document."""
    if path.suffix.lower() in DOCUMENTS or not path.is_file():
        return False
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read(4) == b"PK\3\4"
    return False


def put_below(entries, folder):
    for entry in entries:
        entry.path = PurePosixPath(folder, entry.path)


def _opened(path):
    if path.stat().st_size > MAX_ARCHIVE:
        raise OtherArchive(
            f"the zip is larger than {MAX_ARCHIVE >> 20} MB: leave out data sets and environments"
        )
    return io.BytesIO(path.read_bytes())


def zip_entries(file, budget):
    """The files of a zip; of two entries with the same name the last counts."""
    archive = _open_zip(file)
    found = Entries(budget=budget)
    budget.count(len(archive.infolist()))
    for info in reversed(archive.infolist()):
        if info.filename.endswith("/"):
            continue
        entry = _ZipEntry(archive, info, budget)
        if entry.path.name:
            found.append(entry)
        else:
            found.notes.append("An entry of the zip has no name: it was left out.")
    return found


def path_in_zip(info) -> PurePosixPath:
    """The path of an entry: macOS omits the UTF-8 flag, some Windows programs write backslashes."""
    name = info.filename
    if not info.flag_bits & UTF_8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    # some Chinese and Japanese letters end in a backslash's byte: no folder ends before ".zip"
    return PurePosixPath(re.sub(r"\\(?!\.\w+$)", "/", name))


def inner_zips(entries):
    """Zips among files, without the extra files of macOS."""
    return [
        entry
        for entry in entries
        if entry.path.suffix.lower() == ".zip" and not unsafe(entry) and not is_noise(entry.path)
    ]


def unzipped(entry):
    """The files of a zip in a zip."""
    data = io.BytesIO(entry.read(MAX_ARCHIVE // 4))
    return zip_entries(data, getattr(entry, "budget", None) or Budget())


def _open_zip(file):
    """Open an archive and read its table of contents, after checking its size."""
    head = file.read(6)
    for magic, kind in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise OtherArchive(f"This is {kind}, not a zip: unpack it, and zip its content.")
    file.seek(257)
    if file.read(5) == b"ustar":
        raise OtherArchive("This is a tar archive, not a zip: unpack it, and zip its content.")
    if head.startswith(b"%PDF"):
        raise ValueError("this is a PDF, not a zip: hand in the notebooks and files themselves")
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 65_557))  # the end record, with the longest comment
    tail = file.read()
    found = tail.rfind(b"PK\5\6")
    if found < 0 or len(tail) < found + 22:
        raise ValueError(
            "this is not a zip, or only the first part of one: zip the folder again and check the "
            "result"
        )
    count, size = struct.unpack_from("<HI", tail, found + 10)
    if count > MAX_ENTRIES or size > 200 * MAX_ENTRIES or tail.rfind(b"PK\6\7", 0, found) >= 0:
        raise OtherArchive(
            f"the zip holds more than {MAX_ENTRIES:,} files: hand in only the assignment's"
        )
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
        raise ValueError(f"the zip is damaged ({error}): zip the folder again") from error


class _ZipEntry:
    """A file in an archive."""

    alone = False  # whether it was handed in on its own

    def __init__(self, archive, info, budget):
        self.archive = archive
        self.info = info
        self.budget = budget
        self.path = path_in_zip(info)
        self.kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG

    def read(self, limit):
        """Its bytes. Raises ValueError for more than the limit, damage, a password or an unknown
        compression.
        """
        if self.info.flag_bits & 1:
            raise OtherArchive("it needs a password")
        if self.info.compress_type not in COMPRESSIONS:
            raise OtherArchive(
                f"its compression (method {self.info.compress_type}) can't be read here: zip the "
                "folder with your system's own tool"
            )
        self.budget.check()
        self.budget.left -= limit
        try:
            with self.archive.open(self.info) as file:
                data = file.read(limit + 1)
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
        self.budget.left += max(0, limit - len(data))  # a failed read costs the whole limit
        if len(data) > limit:
            raise ValueError(f"it is larger than {limit >> 20} MB")
        return data


class _FolderEntry:
    """A file in a folder."""

    alone = False

    def __init__(self, root, path):
        self.file = path
        self.path = PurePosixPath(path.relative_to(root).as_posix())
        self.kind = stat.S_IFMT(path.lstat().st_mode)

    def read(self, limit):
        with open(self.file, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"it is larger than {limit >> 20} MB")
        return data


class _LooseEntry(_FolderEntry):
    """A single file; a student's name that a platform added to its own is removed."""

    alone = True

    def __init__(self, path):
        super().__init__(path.parent, path)
        name = ADDED.sub("", path.name)
        self.path = PurePosixPath(
            re.sub(r"-\d+(?=\.\w+$)", "", name) if name != path.name else name
        )


def folder_entries(root):
    """The files of a folder; links are not followed, hidden folders and environments left out."""
    try:
        return _walked(root)
    except RecursionError:
        raise ValueError("its folders are nested too deeply") from None


def _walked(root):
    entries = []
    for folder, folders, names in os.walk(root, onerror=_raise_closed):
        folders[:] = [f for f in folders if f not in NOT_WORK and not _is_hidden(f)]
        folders[:] = [f for f in folders if not os.path.exists(Path(folder, f, "pyvenv.cfg"))]
        entries += [_FolderEntry(root, Path(folder, name)) for name in names]
        if len(entries) > MAX_ENTRIES:
            raise OtherArchive(
                f"the folder holds more than {MAX_ENTRIES:,} files: hand in only the assignment's"
            )
    return entries


def _raise_closed(error):
    """Raise for a folder that this user may not read: its files must not count as missing."""
    if isinstance(error, PermissionError):
        raise error


def _is_hidden(name):
    return name.startswith(".") and name != ".ipynb_checkpoints"


def is_noise(path):
    """Whether a path is one of the extra files that macOS writes."""
    return path.name.startswith("._") or "__MACOSX" in path.parts


def unsafe(entry):
    """Why an entry is not read, or None."""
    path = entry.path
    longest = max((len(part.encode("utf-8", "replace")) for part in path.parts), default=0)
    if ".." in path.parts or len(str(path)) > 1000 or longest > 255:
        return "its path leads out of the zip" if ".." in path.parts else "its path is too long"
    if entry.kind != stat.S_IFREG:
        return "it is a link or a device, not a file"
    return None


def shown(path):
    """A path for printing: shortened, and in printable characters."""
    letters = (letter if letter.isprintable() else "?" for letter in str(path))
    text = "".join(letters).encode("ascii", "backslashreplace").decode()
    return text if len(text) < 80 else f"{text[:30]}...{text[-40:]}"
