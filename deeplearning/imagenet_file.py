"""The file of 25 ImageNet pictures that the course hands out.

Its label map is a pickle, and unpickling can run arbitrary code. It is therefore read by an
unpickler that knows five harmless names and stops at any other.
"""

import pickle
import zipfile

import numpy as np

from deeplearning.files import not_damaged


def read_imagenet_file(path):
    """Read imagenet_val_25.npz.

    Inputs:
    - path: The file

    Returns a tuple of:
    - X: uint8 array of shape (n, S, S, 3)
    - y: Labels, integers of shape (n,)
    - class_names: Dictionary from labels to names

    Raises ValueError for a damaged file, or one that holds anything but numbers and names.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            X = archive["X"]
            y = archive["y"]
        with zipfile.ZipFile(path) as archive, archive.open("label_map.npy") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            class_names = _LabelMap(file).load().state[-1][0]
        _check(X, y, class_names)
    except Exception as error:  # damaged bytes make zipfile, zlib and pickle raise almost anything
        raise not_damaged(path, error) or ValueError(
            f"{path} is damaged or was tampered with ({error}): fetch it again"
        ) from error
    return X, y, class_names


def _check(X, y, class_names):
    pictures_fit = X.dtype == np.uint8 and X.ndim == 4 and X.shape[3] == 3
    if not pictures_fit or y.shape != X.shape[:1] or y.dtype.kind not in "iu":
        raise ValueError(f"pictures are {X.dtype} {X.shape}, labels {y.dtype} {y.shape}")
    if type(class_names) is not dict or not all(map(_is_entry, class_names.items())):
        raise ValueError("its label map does not lead from integers below 1,000 to names")
    if not set(y.tolist()) <= set(class_names):
        raise ValueError("some labels have no name")


def _is_entry(entry):
    label, name = entry
    return type(label) is int and 0 <= label < 1000 and type(name) is str


class _Inert:
    """Stand-in for NumPy's array and dtype in a pickle: stores its arguments and does nothing."""

    def __init__(self, *given):
        self.given = given
        self.state = None

    def __setstate__(self, state):
        self.state = state


def _scalar(dtype, raw):
    """An integer or a string, from the bytes of a NumPy scalar in a pickle."""
    kind = str(dtype.given[0])
    is_integer = kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
    if dtype.state[1] in "<|" and is_integer and len(raw) == int(kind[1]):
        return int.from_bytes(raw, "little", signed=kind[0] == "i")
    if dtype.state[1] == "<" and kind.startswith("U"):
        return raw.decode("utf-32-le").rstrip("\0")
    raise pickle.UnpicklingError(f"it holds a {kind}")


class _LabelMap(pickle.Unpickler):
    """Unpickler of an array that holds a dictionary.

    Not even NumPy's own functions are called: some arguments make them crash.
    """

    STANDS_FOR = {
        ("numpy", "ndarray"): _Inert,
        ("numpy", "dtype"): _Inert,
        ("_codecs", "encode"): lambda text, encoding: text.encode("latin1"),
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _Inert for core in ("core", "_core")},
        **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    }

    def find_class(self, module, name):
        if (module, name) not in self.STANDS_FOR:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self.STANDS_FOR[module, name]
