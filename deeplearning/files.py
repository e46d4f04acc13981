"""Files that are complete or absent: how everything of ours is written, and read back."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np


@contextlib.contextmanager
def atomic_write(path):
    """Write a file so that it is complete or absent, whatever happens meanwhile.

    Inputs:
    - path: File to write; an existing one is replaced

    Yields: a binary file to write into. It lies beside `path` until everything is on the disk, and
    is then renamed.

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
        message = f"could not write {path} ({reason}): free space there, or name another place"
        raise OSError(error.errno, message) from error
    finally:
        with contextlib.suppress(OSError):  # renamed already, or never made
            part.unlink()


def write_npz(path, settings, arrays):
    """Write settings and arrays into one archive without pickles.

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

    Raises FileNotFoundError for a missing file, and ValueError for a damaged one or one that is
    not such an archive.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        settings = json.loads(str(arrays["settings"]))
        if not isinstance(settings, dict):
            raise ValueError(f"its settings are a {type(settings).__name__}")
        return settings, arrays
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes make zipfile, zlib and NumPy raise almost anything
        raise ValueError(
            f"{path} is damaged, or was not written by this package ({error}): delete it"
        ) from error


def group(arrays, prefix):
    """The arrays whose names begin with a prefix, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
