"""Where data lies: the one place that knows; and the pictures of question 3."""

import contextlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np

STARTED_IN = (
    Path.cwd()
)  # a relative DEEPLEARNING_DATA means the same folder however often the process changes its own


def data_folder():
    """The folder that holds the data sets.

    Returns: absolute Path, from the environment variable DEEPLEARNING_DATA, by default
    `deeplearning/datasets`
    """
    default = Path(__file__).resolve().parent / "datasets"
    return STARTED_IN / Path(os.environ.get("DEEPLEARNING_DATA") or default).expanduser()


@contextlib.contextmanager
def atomic_write(path):
    """Write a file so that it is there complete or not at all, whatever happens meanwhile.

    Inputs:
    - path: File to write; an existing one is replaced

    Yields: a binary file to write into. It lies beside `path` until everything is on the disk, and
    is then renamed.

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
    """Read an archive of arrays and one JSON text named `settings`, as our models and checkpoints
    are. No pickles.

    Inputs:
    - path: File to read

    Returns a tuple of:
    - settings: What the JSON text holds
    - arrays: Dictionary of all arrays

    Raises FileNotFoundError for a missing file, and ValueError for a damaged one or one that is no
    such archive.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            settings, arrays = (
                json.loads(str(archive["settings"])),
                {name: archive[name] for name in archive.files},
            )
        if not isinstance(settings, dict):
            raise ValueError(f"its settings are a {type(settings).__name__}")
        return settings, arrays
    except FileNotFoundError:
        raise
    except (
        Exception
    ) as error:  # damaged bytes make zipfile, zlib, NumPy and json raise almost anything
        raise ValueError(
            f"{path} is damaged, or was not written by this package ({error}): delete it"
        ) from error


def squeezenet_checkpoint():
    """Where torchvision keeps SqueezeNet's ImageNet weights.

    Returns: absolute Path; as torch.hub.get_dir, but without the seconds that torch takes to be
    imported
    """
    home = os.environ.get("TORCH_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch"
    )
    return (
        STARTED_IN / Path(home).expanduser() / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    )


def choose_world():
    """Which network and which pictures questions 3 and 4 look at: ImageNet's where both are at
    hand, else Toytown's.

    Returns: tuple of "imagenet" or "toytown", and the reason, for people to read
    """
    folder, cached = data_folder(), squeezenet_checkpoint()
    shown = os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else folder
    pictures = (folder / "imagenet_val_25.npz").is_file()
    weights = (folder / "squeezenet1_1.npz").is_file() or cached.is_file()
    if pictures and weights:
        return "imagenet", f"its weights and pictures are in {shown}"
    missing = " and ".join(
        name
        for name, there in (("imagenet_val_25.npz", pictures), ("ImageNet weights", weights))
        if not there
    )
    return "toytown", f"no {missing} in {shown}"


def load_imagenet_val(num=None):
    """Load the pictures that question 3 looks at: of ImageNet's validation set, or of Toytown's
    (see `choose_world`).

    Inputs:
    - num: How many; by default all 25 of ImageNet, or one of each of Toytown's 22 kinds

    Returns a tuple of:
    - X: uint8 array of shape (n, S, S, 3)
    - y: Labels, integers of shape (n,)
    - class_names: Dictionary from labels to names

    Raises ValueError for a damaged file, or one that holds anything else than numbers and names.
    """
    if choose_world()[0] == "imagenet":
        X, y, class_names = _read_imagenet(data_folder() / "imagenet_val_25.npz")
    else:
        X, y, class_names = _draw_toytown()
    return X[:num], y[:num], class_names


def _draw_toytown():
    """The first validation picture of each kind of Toytown."""
    from deeplearning.datasets.toytown.plan import PICTURES, SEED, picture
    from deeplearning.datasets.toytown.world import KINDS

    kinds, found, number = list(KINDS), {}, 0
    while len(found) < len(kinds) and number < PICTURES["val"]:
        scene, image, _ = picture(SEED, "val", number)
        found.setdefault(kinds.index(scene.main.kind), np.asarray(image))
        number += 1
    return np.stack(list(found.values())), np.array(list(found)), dict(enumerate(kinds))


class _Inert:
    """Stands for NumPy's array and dtype in a pickle: it keeps what it is given, and does nothing."""

    def __init__(self, *given):
        self.given, self.state = given, None

    def __setstate__(self, state):
        self.state = state


def _scalar(dtype, raw):
    """An integer or a text from the bytes that a pickle holds of a NumPy scalar."""
    kind = str(dtype.given[0])
    if (
        dtype.state[1] in "<|"
        and kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
        and len(raw) == int(kind[1])
    ):
        return int.from_bytes(raw, "little", signed=kind[0] == "i")
    if dtype.state[1] == "<" and kind.startswith("U"):
        return raw.decode("utf-32-le").rstrip("\0")
    raise pickle.UnpicklingError(f"it holds a {kind}")


class _LabelMap(pickle.Unpickler):
    """Unpickler of an array that holds a dictionary. No name in it leads to code of others: NumPy's
    own functions can be made to crash by what they are given.
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


def _read_imagenet(path):
    """The file that the course hands out. Its label map is a pickle, which can run any code unless
    it is restrained.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            X, y = archive["X"], archive["y"]
        with zipfile.ZipFile(path) as archive, archive.open("label_map.npy") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            class_names = _LabelMap(file).load().state[-1][0]
        if (
            X.dtype != np.uint8
            or X.ndim != 4
            or X.shape[3] != 3
            or y.shape != X.shape[:1]
            or y.dtype.kind not in "iu"
        ):
            raise ValueError(f"pictures are {X.dtype} {X.shape}, labels {y.dtype} {y.shape}")
        if type(class_names) is not dict or not all(
            type(label) is int and 0 <= label < 1000 and type(name) is str
            for label, name in class_names.items()
        ):
            raise ValueError("its label map does not lead from integers below 1,000 to names")
        if not set(y.tolist()) <= set(class_names):
            raise ValueError("some labels have no name")
        return X, y, class_names
    except (
        Exception
    ) as error:  # damaged bytes make zipfile, zlib, NumPy and pickle raise almost anything
        raise ValueError(
            f"{path} is damaged or was tampered with ({error}): fetch it again"
        ) from error
