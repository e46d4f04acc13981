"""Image features in an HDF5 file that need not fit into memory."""

import contextlib

import h5py
import numpy as np

from deeplearning.files import not_damaged

SMALL = 1 << 20  # bytes; smaller data sets are read instead of mapped


def feature_array(path, name="features"):
    """An array in an HDF5 file, as an ndarray that need not fit into memory.

    Inputs:
    - path: The file
    - name: Name of the data set in it

    Returns: float array of shape (images, D). A large uncompressed data set is memory-mapped: a row
    is read when it is used, and changes to the array stay in memory and never reach the file. No
    file stays open.

    Raises FileNotFoundError for a missing file, OSError for one that this machine can't read, and
    ValueError for a damaged file or a wrong shape or dtype.
    """
    with open_h5(path) as file:
        data = h5_dataset(file, name, path)
        if data.ndim != 2 or data.dtype.kind != "f":
            raise ValueError(
                f"{path}: {name} must hold floating-point numbers of shape (images, D), "
                f"got {data.dtype} of shape {data.shape}; fetch or build the data set again"
            )
        # get_offset gives None for a chunked data set
        offset = data.id.get_offset() if data.nbytes > SMALL and data.dtype.isnative else None
        if offset is None:
            return data[:].astype(data.dtype.newbyteorder("="), copy=False)
        return np.memmap(path, data.dtype, "c", offset, data.shape).view(np.ndarray)


def feature_statistics(features, chunk=4096):
    """Mean and standard deviation of each feature, to standardise them.

    Inputs:
    - features: Array of shape (images, D)
    - chunk: Rows to load into memory at a time

    Returns a tuple of float64 arrays of shape (D,): mean, and standard deviation with each 0
    replaced by 1

    Raises ValueError if there are no rows.
    """
    if len(features) == 0:
        raise ValueError("features has no rows to take the mean of")
    # Sum differences from the first row: this loses no digits when the mean is large.
    first = np.asarray(features[0], np.float64)
    total = 0.0
    squares = 0.0
    for start in range(0, len(features), chunk):
        block = np.asarray(features[start : start + chunk], np.float64) - first
        total = total + block.sum(axis=0)
        squares = squares + (block**2).sum(axis=0)
    mean = total / len(features)
    std = np.sqrt(np.maximum(squares / len(features) - mean**2, 0))
    return first + mean, np.where(std > 0, std, 1.0)


@contextlib.contextmanager
def open_h5(path):
    """Open an HDF5 file; h5py's many errors become a ValueError for a damaged file, and an OSError
    for one that can't be read.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        if isinstance(error, ValueError) and str(path) in str(error):
            raise  # one of our own messages
        raise not_damaged(path, error) or ValueError(
            f"{path} is damaged or no HDF5 file ({error}): delete it, then fetch or build it again"
        ) from error


def h5_dataset(file, name, path):
    if not isinstance(file.get(name), h5py.Dataset):
        raise ValueError(
            f"{path} does not hold a data set {name!r}, only {sorted(file)}: "
            "fetch or build it again"
        )
    return file[name]
