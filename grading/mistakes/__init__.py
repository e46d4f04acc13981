"""Wrong implementations, as students write them, each with its cause.

A mistake takes the place of one function in a tree that is right otherwise: `grading.variants.plain` for the layers,
whose caches the wrong functions share, and the repository's own modules for the rest. It is named after what is wrong;
its cause is the clause that completes "It looks as if".
"""

import importlib
from dataclasses import dataclass

MODULES = ["rnn", "captioning", "lstm", "network_visualization", "style_transfer", "late", "late_pictures"]
_written = []


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation.

    - function: Name of the function that it replaces, as in the manifest: "CaptioningRNN.loss"
    - cause: What is wrong
    - wrong: The implementation
    - cells: The cells that it is wrong for, where the function serves both
    - says: A phrase of a general hint that names this cause, too; for mistakes that are not known by their numbers
    """

    function: str
    cause: str
    wrong: object
    cells: tuple[str, ...] = ()
    says: str | None = None

    @property
    def name(self):
        return f"{self.function}:{self.wrong.__name__}"

    @property
    def late(self):
        """Whether it was written after the hints were frozen: hints and stored answers know nothing of it."""
        return ".late" in self.wrong.__module__

    @property
    def exercises(self):
        """Ids of the exercises that it must lose."""
        return tuple(f"{self.function}[{cell}]" for cell in self.cells) or (self.function,)


def mistake(function, cause, *, cells=None, says=None):
    """Decorator that files a wrong implementation."""
    if cells is None:
        cells = ("rnn", "lstm") if function.startswith("CaptioningRNN.") else ()

    def file(wrong):
        _written.append(Mistake(function, cause, wrong, cells, says))
        return wrong

    return file


def mistakes():
    """All mistakes, in the order of the exercises' modules; the late ones come last."""
    for module in MODULES:
        importlib.import_module(f"grading.mistakes.{module}")
    return list(_written)
