"""Features of images in an HDF5 file that need not fit into memory."""

import contextlib
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

SMALL = 1 << 20  # bytes: features below this are read, not mapped


class FeatureArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array in an HDF5 file, touched only where it is used.

    It behaves like an array to read from: shape, dtype, unsorted and repeated indices, arithmetic,
    np.asarray. A large uncompressed data set is mapped into memory, so that a row costs what a row
    costs; a small or compressed one is read as a whole at first use. No file stays open.
    """

    def __init__(self, path, name="features"):
        self.path = Path(path)
        self.name = name
        with open_h5(self.path) as file:
            data = h5_dataset(file, name, self.path)
            if data.ndim != 2 or data.dtype.kind != "f":
                raise ValueError(
                    f"{path}: {name} must hold floating-point numbers of shape (images, D), "
                    f"got {data.dtype} of shape {data.shape}; fetch or build the data set again"
                )
            self.shape = data.shape
            self.dtype = data.dtype
            self.ndim = data.ndim
            # get_offset gives None for a chunked data set
            self._offset = data.id.get_offset() if data.nbytes > SMALL else None

    @cached_property
    def _array(self):
        if self._offset is not None:
            mapped = np.memmap(self.path, self.dtype, "r", self._offset, self.shape)
            return mapped.view(np.ndarray)
        with open_h5(self.path) as file:
            return file[self.name][:]

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        arrays = [x._array if isinstance(x, FeatureArray) else x for x in inputs]
        if any(isinstance(x, FeatureArray) for x in kwargs.get("out", ())):
            del kwargs["out"]  # features -= mean: the name gets a new array, the file stays
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __getitem__(self, index):
        return self._array[index]

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"FeatureArray({str(self.path)!r}, shape={self.shape}, dtype={self.dtype})"


def feature_statistics(features, chunk=4096):
    """Mean and standard deviation of each feature, to standardise them.

    Inputs:
    - features: Array of shape (images, D)
    - chunk: Rows to take into memory at a time

    Returns a tuple of float64 arrays of shape (D,): mean, and standard deviation with 1 in place of
    0

    Raises ValueError if there are no rows.
    """
    if len(features) == 0:
        raise ValueError("features has no rows to take the mean of")
    # Differences from the first row: sums of them lose no digits where the mean is large.
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
    """An open HDF5 file; what h5py raises on damaged ones becomes one ValueError."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged or no HDF5 file ({error}): delete it, then fetch or build it again"
        ) from error


def h5_dataset(file, name, path):
    if not isinstance(file.get(name), h5py.Dataset):
        raise ValueError(
            f"{path} does not hold a data set {name!r}, only {sorted(file)}: "
            "fetch or build it again"
        )
    return file[name]
