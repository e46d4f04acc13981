"""Write the cases stored with students' tests: inputs, right answers, and what known mistakes give
instead.

    python -m grading.make_expected

Of many drawn cases it keeps those that tell the most mistakes apart: one in float64, one in
float32, and one of each with axes of length 1. It adds the corner cases that the grader tries too,
and further cases until every mistake is caught. Mistakes written after the hints were frozen have
no influence.
"""

import argparse
import json

import numpy as np

from deeplearning.files import atomic_write
from exercises.calls import CALLS
from exercises.compare import agree
from exercises.stored import FOLDER, Case, path
from grading import cases
from grading.assemble import known_wrong
from grading.manifest import MANIFEST
from grading.mistakes import mistakes

SEEDS = range(60)  # of the drawn cases to choose from


def main():
    argparse.ArgumentParser(
        prog="python -m grading.make_expected",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    ).parse_args()
    FOLDER.mkdir(exist_ok=True)
    for exercise in CALLS:
        write(exercise, chosen(exercise))
    with atomic_write(FOLDER / "exercises.json") as file:
        file.write((json.dumps(about(), indent=1) + "\n").encode())


def about():
    """What students' tests need from the manifest: each exercise's question, points and needs, and
    what float64 in place of float32 costs.
    """
    return {
        e.id: {
            "question": e.question,
            "points": e.points,
            "needs": e.needs,
            "slip": MANIFEST.slip,
        }
        for e in MANIFEST.exercises.values()
    }


def case_of(exercise, inputs):
    """Inputs with the right answer and the known mistakes' answers."""
    expected = cases.reference(exercise, inputs)
    return Case(inputs, expected, known_wrong(exercise, inputs, expected))


def chosen(exercise):
    """The cases to store, the most telling one first: of the drawn cases those that tell most, and
    the corner cases that the grader tries too.
    """
    pool = [case_of(exercise, cases.inputs(exercise, seed)) for seed in SEEDS]
    pool.sort(key=lambda case: (_is_small(case), _dtype(case) == np.float32, -_told_apart(case)))
    causes = {m.cause for m in mistakes() if exercise in m.exercises and m.known_by_numbers}
    kinds = [(_is_small(case), _dtype(case)) for case in pool]
    # the first of its kind tells most
    found = [pool[kinds.index(kind)] for kind in dict.fromkeys(kinds)]
    numbers = range(len(cases.CORNERS[exercise]))
    found += [case_of(exercise, cases.corner(exercise, 0, number)) for number in numbers]
    while still := causes.difference(*map(_causes, found)):
        found.append(max(pool, key=lambda case: len(still & _causes(case))))
        if not still & _causes(found[-1]):
            raise ValueError(f"{exercise}: no case of {len(pool)} shows that {', '.join(still)}")
    return found


def write(exercise, found):
    """Store the cases of an exercise in one file, without pickles; each mistake goes with the first
    case that shows it.
    """
    arrays = {}
    shown = set()
    for number, case in enumerate(found):
        first = [(cause, answer) for cause, answer in case.wrong if cause not in shown]
        shown |= _causes(case)
        groups = {"inputs": case.inputs, "expected": case.expected}
        groups |= {f"wrong{k}": answer for k, (_, answer) in enumerate(first)}
        for group, named in groups.items():
            arrays |= {
                f"{number}/{group}/{name}": array
                for name, array in named.items()
                if not (group == "expected" and name.endswith(" kept"))  # all are kept
            }
        arrays[f"{number}/causes"] = np.array([cause for cause, _ in first], str)
    with atomic_write(path(exercise)) as file:
        np.savez_compressed(file, **arrays)


def _causes(case):
    return {cause for cause, _ in case.wrong}


def _told_apart(case):
    """Number of mistakes whose answer differs from all others."""
    answers = [case.expected | answer for _, answer in case.wrong]
    return sum(
        all(_differ(answer, other) for other in answers[:k]) for k, answer in enumerate(answers)
    )


def _differ(answer, other):
    return any(
        a.dtype != other[name].dtype or not agree(a, other[name]) for name, a in answer.items()
    )


def _dtype(case):
    return next(array.dtype for array in case.inputs.values() if array.dtype.kind == "f")


# arrays with equal axes, whatever the sizes
SQUARE = ("Wh", "conv_w", "style_target")


def _is_small(case):
    """Whether an axis has length 1, or two axes of an array have the same length: then some
    mistakes look like others.
    """
    arrays = [array for name, array in case.inputs.items() if not name.startswith(SQUARE)]
    shapes = [array.shape[int(array.ndim == 4) :] for array in arrays]
    return any(1 in shape or len(set(shape)) < len(shape) for shape in shapes)


if __name__ == "__main__":
    main()
