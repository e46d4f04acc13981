"""One mistake costs once, for a backward pass too: it may be right for a forward pass that is not.

A backward pass reads the cache of the student's own forward pass, so the reference's can seldom
take that one's place. Where the forward pass is wrong in a way that we know, the backward pass is
compared with finite differences of that known mistake. A forward pass that is wrong in any other
way is no measure: then anybody could choose an easy one.
"""

import numpy as np

from deeplearning.gradient_check import eval_numerical_gradient
from exercises.calls import CALLS
from exercises.compare import compare
from grading.assemble import package
from grading.mistakes import mistakes


def known_mistake(exercise, groups, answers):
    """The mistake that a forward pass makes, if we know it.

    Inputs:
    - exercise: Its id
    - groups: List of inputs, dictionaries from name to array
    - answers: What the student's function gives for each of them

    Returns: `mistakes.Mistake`, or None
    """
    for mistake in mistakes():
        if exercise in mistake.exercises and _same(exercise, mistake, groups, answers):
            return mistake
    return None


def gradients(forward, mistake, inputs, expected):
    """What a right backward pass of a wrong forward pass gives.

    Inputs:
    - forward: Id of the forward pass
    - mistake: The mistake in it
    - inputs: Those of the backward pass: the arguments of the forward pass and, by the name of each
      of its outputs with a d before it, the gradients that arrive
    - expected: What the right backward pass of the right forward pass gives

    Returns: dictionary with the names, shapes and dtypes of expected

    Raises ValueError where the forward pass gives outputs of another shape than the gradients that
    arrive.
    """
    wrong = package({mistake.function: mistake.wrong})
    exact = {name: a.astype(np.float64) if a.dtype.kind == "f" else a for name, a in inputs.items()}

    def objective(_):
        outputs = CALLS[forward](wrong, exact)
        arriving = [
            (out, exact[f"d{name}"]) for name, out in outputs.items() if not name.endswith(" kept")
        ]
        if any(out.shape != dout.shape for out, dout in arriving):
            raise ValueError(f"{mistake.name} gives an output of another shape")
        return sum(float(np.sum(out * dout)) for out, dout in arriving)

    return {
        name: right
        if name.endswith(" kept")
        else eval_numerical_gradient(
            objective, exact[name.removeprefix("d")], verbose=False
        ).astype(right.dtype)
        for name, right in expected.items()
    }


def _same(exercise, mistake, groups, answers):
    """Whether a mistake gives the same answers to all inputs."""
    wrong = package({mistake.function: mistake.wrong})
    try:
        return not any(
            compare(answer, CALLS[exercise](wrong, inputs))
            for inputs, answer in zip(groups, answers, strict=True)
        )
    except Exception:  # of the mistake's: it does not work for these sizes
        return False
