"""Stored cases: inputs, right answers, and the answers of known mistakes. The course staff's
`grading/make_expected.py` writes them.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent / "expected"


@dataclass(frozen=True)
class Case:
    """Inputs of a call, the right outputs, and pairs of a cause and the outputs that differ with
    that mistake.
    """

    inputs: dict
    expected: dict
    wrong: list


@cache
def exercises():
    """Exercises by name, from the course's manifest: question, points, and the exercises that they
    build on.
    """
    return json.loads((FOLDER / "exercises.json").read_text(encoding="utf-8"))


def cases(exercise):
    """Stored cases of an exercise, the most informative one first.

    Inputs:
    - exercise: Its name, as in `CALLS`

    Returns: list of `Case`, whose inputs may be modified
    """
    return [
        replace(case, inputs={name: array.copy() for name, array in case.inputs.items()})
        for case in _read(exercise)
    ]


@cache
def _read(exercise):
    """The cases in an exercise's file; its hundreds of small arrays are read only once."""
    with np.load(path(exercise), allow_pickle=False) as archive:
        arrays = {tuple(key.split("/")): array for key, array in archive.items()}
    found = []
    for number in range(len({key[0] for key in arrays})):
        part = {key[1:]: array for key, array in arrays.items() if key[0] == str(number)}
        causes = part.pop(("causes",)).tolist()
        wrong = [(cause, _group(part, f"wrong{k}")) for k, cause in enumerate(causes)]
        inputs = _group(part, "inputs")
        kept = np.array(True)
        all_kept = {f"{name} kept": kept for name, array in inputs.items() if array.ndim}
        found.append(Case(inputs, _group(part, "expected") | all_kept, wrong))
    return found


def path(exercise):
    """Path of the file with an exercise's cases."""
    return FOLDER / f"{exercise.replace('[', '-').rstrip(']')}.npz"


def _group(arrays, group):
    return {key[1]: array for key, array in arrays.items() if key[0] == group}
