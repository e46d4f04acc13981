"""Wrong implementations, as students write them, each with its cause.

A mistake replaces one function in an otherwise right tree: `grading.variants.plain` for the layers,
whose caches the wrong functions share, and the repository's own modules for the rest. It is named
after what is wrong; its cause is the clause that completes "It looks as if".
"""

import importlib
from dataclasses import dataclass

from grading.manifest import MANIFEST

MODULES = [
    "rnn",
    "word_embedding",
    "captioning",
    "captioning_steps",
    "masks",
    "lstm",
    "lstm_steps",
    "network_visualization",
    "steps_of_pictures",
    "style_transfer",
    "total_variation",
    "held_out",
    "held_out_pictures",
]
_written: list = []


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation.

    - function: Name of the function that it replaces, as in the manifest: "CaptioningRNN.loss"
    - cause: What is wrong
    - wrong: The implementation
    - exercises: Ids of the exercises that it must lose
    - says: Phrase of a general hint that also names this cause; for mistakes that are not
      recognised by their numbers
    """

    function: str
    cause: str
    wrong: object
    exercises: tuple[str, ...]
    says: str | None = None

    @property
    def name(self):
        return f"{self.function}:{self.wrong.__name__}"

    @property
    def held_out(self):
        """Whether it was written after the hints were frozen: hints and stored answers don't know
        it.
        """
        return ".held_out" in self.wrong.__module__

    @property
    def known_by_numbers(self):
        """Whether stored answers must show it; some mistakes only show by the error they raise."""
        return not self.held_out and self.says is None


def mistake(function, cause, *, exercises=None, says=None):
    """Decorator that registers a wrong implementation; by default it loses the exercises that its
    function counts for.
    """
    own = tuple(
        exercise.id for exercise in MANIFEST.exercises.values() if exercise.name == function
    )

    def file(wrong):
        _written.append(Mistake(function, cause, wrong, exercises or own, says))
        return wrong

    return file


def mistakes():
    """All mistakes, in the order of the exercises' modules, with the held-out ones last."""
    for module in MODULES:
        importlib.import_module(f"grading.mistakes.{module}")
    return list(_written)
