"""Where data lies: the one place that knows."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np

STARTED_IN = Path.cwd()  # a relative DEEPLEARNING_DATA means the same folder however often the process changes its own


def data_folder():
    """The folder that holds the data sets.

    Returns: absolute Path, from the environment variable DEEPLEARNING_DATA, by default `deeplearning/datasets`
    """
    default = Path(__file__).resolve().parent / "datasets"
    return STARTED_IN / Path(os.environ.get("DEEPLEARNING_DATA") or default).expanduser()


@contextlib.contextmanager
def atomic_write(path):
    """Write a file so that it is there complete or not at all, whatever happens meanwhile.

    Inputs:
    - path: File to write; an existing one is replaced

    Yields: a binary file to write into. It lies beside `path` until everything is on the disk, and is then renamed.

    Raises OSError with one clear sentence where the disk is full or the folder can't be written.
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
        message = f"could not write {path} ({error.strerror or error}): free space there, or name another place"
        raise OSError(error.errno, message) from error
    finally:
        with contextlib.suppress(OSError):  # renamed already, or never made
            part.unlink()


def read_npz(path):
    """Read an archive of arrays and one JSON text named `settings`, as our models and checkpoints are. No pickles.

    Inputs:
    - path: File to read

    Returns a tuple of:
    - settings: What the JSON text holds
    - arrays: Dictionary of all arrays

    Raises FileNotFoundError for a missing file, and ValueError for a damaged one or one that is no such archive.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            settings, arrays = json.loads(str(archive["settings"])), {name: archive[name] for name in archive.files}
        if not isinstance(settings, dict):
            raise ValueError(f"its settings are a {type(settings).__name__}")
        return settings, arrays
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes make zipfile, zlib, NumPy and json raise almost anything
        raise ValueError(f"{path} is damaged, or was not written by this package ({error}): delete it") from error
