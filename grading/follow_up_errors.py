"""Grade a backward pass that is right for a wrong forward pass: one mistake costs points only once.

A backward pass reads the cache of the student's own forward pass, so the reference's forward pass
can seldom take its place. If the forward pass makes a known mistake, the backward pass is compared
with finite differences of that mistake. A forward pass that is wrong in any other way is not used:
otherwise anybody could choose an easy one.
"""

import numpy as np

from deeplearning.gradient_check import eval_numerical_gradient
from exercises.calls import CALLS
from exercises.compare import compare
from grading.assemble import package
from grading.mistakes import mistakes


def known_mistake(exercise, groups, answers):
    """The mistake that a forward pass makes, if it is a known one.

    Inputs:
    - exercise: id of the forward pass
    - groups: List of inputs, dictionaries from name to array
    - answers: What the student's function returns for each of them

    Returns: `mistakes.Mistake`, or None
    """
    for mistake in mistakes():
        if exercise in mistake.exercises and _same(exercise, mistake, groups, answers):
            return mistake
    return None


def gradients(forward, mistake, inputs, expected):
    """The gradients that a right backward pass of a wrong forward pass returns.

    Inputs:
    - forward: Id of the forward pass
    - mistake: The mistake in it
    - inputs: Those of the backward pass: the arguments of the forward pass and the upstream
      gradients, each named after its output with a d before it
    - expected: What the right backward pass of the right forward pass returns

    Returns: dictionary with the names, shapes and dtypes of expected

    Raises ValueError if the forward pass returns outputs of another shape than the upstream
    gradients.
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
    """Whether a mistake gives the same answers for all inputs."""
    wrong = package({mistake.function: mistake.wrong})
    try:
        return not any(
            compare(answer, CALLS[exercise](wrong, inputs))
            for inputs, answer in zip(groups, answers, strict=True)
        )
    except Exception:  # raised by the mistake: it does not work for these sizes
        return False
