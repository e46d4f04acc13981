"""The only reader of `exercises.toml`: questions, exercises, points, and what builds on what."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PATH = Path(__file__).resolve().parent / "exercises.toml"


@dataclass(frozen=True)
class Question:
    """A question: id such as "q1", title, its notebook, and the points of its exercises."""

    id: str
    title: str
    notebook: str
    points: int

    @property
    def tests(self):
        """The file with the tests of its exercises, relative to the repository."""
        return f"tests/exercises/test_{self.id}.py"


@dataclass(frozen=True)
class Exercise:
    """A function that students write.

    - question: id of its question
    - module, name: Where it is: "deeplearning.classifiers.rnn" and "CaptioningRNN.loss", for
      example
    - points: All or nothing
    - cell_type: None, or "rnn" or "lstm" if the function is an exercise of its own for each cell
    - needs: ids of the exercises that it may call or build on
    - cache_of: None, or id of the forward pass whose cache this backward pass takes
    - parts: Names of functions of the same module that students write as part of it
    - sketch: Lines that the hand-out shows in place of the solution
    """

    question: str
    module: str
    name: str
    points: int
    cell_type: str | None = None
    needs: tuple[str, ...] = ()
    cache_of: str | None = None
    parts: tuple[str, ...] = ()
    sketch: tuple[str, ...] = ()

    @property
    def id(self):
        return f"{self.name}[{self.cell_type}]" if self.cell_type else self.name

    @property
    def path(self):
        """The file that holds it, relative to the repository, with slashes."""
        return self.module.replace(".", "/") + ".py"


@dataclass(frozen=True)
class ExtraCredit:
    """Points for a trained captioner, in addition to the 100.

    - file: Name of the model in the submission's folder
    - levels: Pairs of the least CIDEr-D and the points that it earns, in rising order
    """

    title: str
    file: str
    points: int
    levels: tuple[tuple[float, int], ...]

    def earned(self, cider_d):
        """Points for a CIDEr-D score."""
        return max((points for least, points in self.levels if cider_d >= least), default=0)


class Manifest:
    """Questions and exercises by id, in the file's order; their points; the extra credit; and
    `slip`, the points that float64 in place of float32 costs in a question.
    """

    def __init__(self, path=PATH):
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        exercises = [Exercise(**_tuples(entry)) for entry in table["exercises"]]
        self.exercises = {exercise.id: exercise for exercise in exercises}
        if any("points" in about for about in table["questions"].values()):
            raise ValueError(f"{path}: leave out a question's points: they are its exercises' sum")
        self.questions = {
            id: Question(id, points=sum(exercise.points for exercise in self.of(id)), **about)
            for id, about in table["questions"].items()
        }
        self.points = sum(question.points for question in self.questions.values())
        self.extra = ExtraCredit(**_tuples(table["extra"]))
        self.slip = table["precision"]["points"]
        if len(self.exercises) < len(exercises):
            raise ValueError(f"{path}: two exercises have the same id")
        for exercise in exercises:
            unknown = {exercise.cache_of, *exercise.needs} - {None, *self.exercises}
            unknown |= {exercise.question} - self.questions.keys()
            if unknown:
                names = f"an unknown question or exercise: {sorted(unknown)}"
                raise ValueError(f"{path}: {exercise.id} names {names}")

    @cached_property
    def files(self):
        """The files that hold exercises, relative to the repository, in order."""
        return tuple(dict.fromkeys(exercise.path for exercise in self.exercises.values()))

    def of(self, question):
        """Exercises of a question."""
        return [exercise for exercise in self.exercises.values() if exercise.question == question]


def _tuples(entry):
    def frozen(value):
        return tuple(frozen(v) for v in value) if isinstance(value, list) else value

    return {key: frozen(value) for key, value in entry.items()}


MANIFEST = Manifest()
