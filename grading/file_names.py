"""Recognise the assignment's files by name, in whatever form they are handed in."""

import re
from pathlib import PurePosixPath

from grading.manifest import MANIFEST
from grading.unpack import is_noise

PACKAGES = ("deeplearning", "cs231n", "cs182")
# what browsers and systems append to the name of a file that already exists
AGAIN = re.compile(r"(?i)( - copy| copy|-copy)?[ _-]*(\(\d+\)|\d+)?$")
OLDER_NAMES = {  # files of earlier editions, and their names today
    "net_visualization_pytorch.py": "network_visualization.py",
    "style_transfer_pytorch.py": "style_transfer.py",
}


def notebook_names() -> list[str]:
    return [question.notebook for question in MANIFEST.questions.values()]


def looks_like_work(paths) -> bool:
    """Whether some of the paths could be the assignment's files, or its package."""
    wanted = [*MANIFEST.files, *notebook_names()]
    names = [PurePosixPath(path.name) for path in paths]
    return any(n.name in PACKAGES or any(can_be(n, w) for w in wanted) for n in names)


def can_be(path: PurePosixPath, wanted: str) -> bool:
    """Whether a path can be a wanted file, in any folder, by its present or an older name."""
    if is_noise(path):
        return False
    if wanted.endswith(".ipynb"):
        return path.suffix.lower() == ".ipynb" and _plain_name(path.stem) == _plain_name(
            wanted[:-6]
        )
    path = as_called_first(path)
    parts = PurePosixPath(wanted).parts
    if len(parts) > 2:  # deeplearning/classifiers/rnn.py: rnn.py alone could be anything
        return small(present(path).parts[-2:]) == parts[-2:]
    return present(path).name.lower() == parts[-1]


def as_called_first(path: PurePosixPath) -> PurePosixPath:
    """The path of a source without what was appended to its name, as in "rnn_layers (1).py"."""
    if path.suffix.lower() != ".py":
        return path
    stem = AGAIN.sub("", path.stem)
    return path.with_name(f"{stem}{path.suffix}") if stem else path


def present(path: PurePosixPath) -> PurePosixPath:
    """A path with the present name of its file."""
    return path.with_name(OLDER_NAMES.get(path.name.lower(), path.name)) if path.name else path


def small(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Parts of a path in lower case, since Windows ignores case."""
    return tuple(part.lower() for part in parts)


def _plain_name(stem):
    """A notebook's name without what browsers, Colab, Jupyter and platforms add to it."""
    stem = re.sub(r"(?i)^copy of ", "", stem)
    stem = re.sub(r"(?i)([ _-]*\(\d+\)|-copy\d*|[ _-]copy \d+|-\d)$", "", stem)
    stem = re.sub(r"[^a-z]", "", stem.lower())
    return stem.removesuffix("pytorch")
