"""Files that are complete or absent: how all files of this package are written and read back."""

import contextlib
import errno
import json
import os
from pathlib import Path

import numpy as np

# What to do if the problem is not in a file itself, but in its surroundings
ADVICE = {
    errno.EACCES: "ask for permission, or name another place",
    errno.EPERM: "ask for permission, or name another place",
    errno.EROFS: "name another place",
    errno.ENOENT: "make its folder first, or name another place",
    errno.ENOTDIR: "check the spelling, or name another place",
    errno.EISDIR: "name a file",
    errno.EAGAIN: "another program holds it, so close it there, or wait",
    errno.EBUSY: "another program holds it, so close it there, or wait",
    errno.ENOLCK: "this file system has no locks, so take a folder on another disk",
    errno.ENOSYS: "this file system has no locks, so take a folder on another disk",
    errno.EOPNOTSUPP: "this file system has no locks, so take a folder on another disk",
    errno.EIO: "the disk, or the way to it, fails: save what you can, and try a copy elsewhere",
    errno.ESTALE: "the network drive has lost it, so try again, or copy it to this machine",
    errno.EMFILE: "too many files are open, so restart the kernel",
}


def not_damaged(path, error):
    """An OSError that says why a file can't be read although its content may be intact; None if
    `error` has another reason.
    """
    if not isinstance(error, OSError) or error.errno not in ADVICE:
        return None
    if error.errno == errno.ENOENT:
        return FileNotFoundError(
            f"no file at {path}: check the spelling, and which folder it is in"
        )
    reason = os.strerror(error.errno)
    return OSError(error.errno, f"can't use {path} ({reason}): {ADVICE[error.errno]}")


@contextlib.contextmanager
def locked(path, blocking=True):
    """Hold a lock within this context, so that no other process of this package does.

    Inputs:
    - path: File that represents the lock; it is created, and stays
    - blocking: Whether to wait until the lock is free

    Raises filelock.Timeout if the lock is not free and blocking is False, and OSError, with advice,
    if locking doesn't work there.
    """
    from filelock import FileLock, Timeout  # imported here, because few callers need it

    lock = FileLock(path)
    try:
        lock.acquire(blocking=blocking)
    except Timeout:
        raise
    except (NotImplementedError, OSError) as error:
        code = getattr(error, "errno", errno.ENOSYS)  # NotImplementedError has no errno
        raise not_damaged(path, OSError(code, str(error))) or error from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def atomic_write(path):
    """Write a file so that it is complete or absent, whatever happens in between.

    Inputs:
    - path: File to write; an existing one is replaced

    Yields: a binary file to write into. It lies next to `path` until everything is on disk, and is
    then renamed.

    Raises OSError with one clear sentence if the disk is full or the folder can't be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        reason = error.strerror or error
        advice = ADVICE.get(error.errno, "free space there, or name another place")
        message = f"could not write {path} ({reason}): {advice}"
        raise OSError(error.errno, message) from error
    finally:
        with contextlib.suppress(OSError):  # already renamed, or never created
            part.unlink()


def make_folder(path):
    """Make a folder and its missing parents. Raises OSError with advice."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            error.errno, f"can't make the folder {path} ({error.strerror}): name another one as out"
        ) from error


def check_can_write(path, option):
    """Refuse an output file that can't be written, before the work for it begins.

    Inputs:
    - path: The file
    - option: The user's name for it, such as "--out"

    Raises FileNotFoundError if its folder is missing, and OSError if the path is itself a folder or
    its folder can't be written to.
    """
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder of {option} {path} does not exist: make it first")
    if Path(path).is_dir():
        raise IsADirectoryError(f"{option} {path} is a folder: name a file")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"can't write into the folder of {option} {path}: name another one")


def write_npz(path, settings, arrays):
    """Write settings and arrays to one archive without pickles.

    Inputs:
    - path: File to write; an existing one is replaced as a whole
    - settings: Dictionary that JSON can hold
    - arrays: Dictionary from name to array

    Raises OSError if the disk is full or can't be written; no half-written file is left.
    """
    with atomic_write(path) as file:
        np.savez(file, settings=np.array(json.dumps(settings, default=float)), **arrays)


def read_npz(path):
    """Read what `write_npz` wrote.

    Inputs:
    - path: File to read

    Returns a tuple of:
    - settings: Dictionary
    - arrays: Dictionary from name to array

    Raises FileNotFoundError for a missing file, OSError for one that this machine can't read, and
    ValueError for a damaged one or one that is not such an archive.
    """
    try:
        with open(path, "rb") as file:
            if file.read(2) != b"PK":  # NumPy would take it for a pickle, and say how to load it
                raise ValueError("it does not begin as such archives do")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        settings = json.loads(str(arrays.pop("settings")))
        if not isinstance(settings, dict):
            raise ValueError(f"its settings are a {type(settings).__name__}")
        return settings, arrays
    except Exception as error:  # damaged bytes make zipfile, zlib and NumPy raise almost anything
        raise not_damaged(path, error) or ValueError(
            f"{path} is damaged, or was not written by this package ({error}): name another file, "
            "or delete it"
        ) from error


def said(error):
    """An error's message for users: a sentence with advice, without the system's error number."""
    if isinstance(error, OSError) and error.filename is not None:
        error = not_damaged(error.filename, error) or error
    ours = isinstance(error, OSError) and error.strerror and error.filename is None
    return error.strerror if ours else str(error)


def group(arrays, prefix):
    """The arrays whose names begin with a prefix, as a dictionary keyed by the rest of the name."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
