"""What wrong numbers suggest.

First come the known mistakes: real ones, run on the same inputs. Where an answer agrees with one of theirs, that is
most likely what happened. Otherwise patterns that leave a trace in any array: a sign, a factor, an axis, a time step.
"""

import numpy as np

from tests.exercises.compare import agree, norm


def hint(exercise, outputs, expected, wrong):
    """A sentence on the likely cause of a wrong answer.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - outputs: Dictionary from name to what came back
    - expected: Dictionary from name to the right array
    - wrong: List of pairs of a cause and the outputs of a known mistake on the same inputs; an output that it does not
      name is right there

    Returns: a sentence; None where the numbers suggest nothing
    """
    plain = {name: a for name, a in outputs.items() if type(a) is np.ndarray}
    for cause, answer in wrong:
        if _same_answer(plain, expected | answer):
            return f"It looks as if {cause}."
    for name, n in expected.items():
        a = plain.get(name)
        pattern = None if a is None or n.dtype.kind == "b" else _pattern(exercise, name, a, n, expected)
        if pattern:
            return pattern
    return _which_are_right(plain, expected)


def _same_answer(outputs, answer):
    def same(a, b):
        return a.dtype.kind == b.dtype.kind and (a.dtype == b.dtype or a.dtype.kind != "f") and agree(a, b)

    return outputs.keys() == answer.keys() and all(same(outputs[name], right) for name, right in answer.items())


def _pattern(exercise, name, a, n, expected):
    """A sentence on one array that is wrong, or None."""
    if a.dtype.kind not in "fiu" or n.dtype.kind not in "fiu":
        return None
    if a.shape != n.shape:
        return _shape_pattern(name, a, n)
    if n.dtype.kind != "f":
        return _sampling_pattern(a, n) if exercise.startswith("CaptioningRNN.sample") else None
    if a.dtype != n.dtype:
        return (
            f"Somewhere {name} became {a.dtype}: np.zeros, np.ones and np.eye make float64 unless they are given a dtype. "
            "np.zeros_like, or dtype=x.dtype, keeps the arguments' precision."
        )
    if agree(a, n) or not np.isfinite(a).all():
        return None
    if not a.any():
        return f"{name} is all zero: nothing was computed, or no gradient arrives there."
    return _factor_pattern(name, a, n, expected) or _part_pattern(name, a, n)


def _shape_pattern(name, a, n):
    if a.ndim == n.ndim and sorted(a.shape) == sorted(n.shape):
        return f"{name} has its axes in another order."
    if a.ndim == n.ndim + 1 and (a.shape[1:] == n.shape or a.shape[:-1] == n.shape):
        return f"{name} has an axis too many: a sum over it, or a maximum, is missing."
    if a.size == n.size:
        return f"{name} has the right number of entries in another shape: reshape or flatten less."
    return None


def _factor_pattern(name, a, n, expected):
    """A constant factor: a sign, or a size that was divided by or not."""
    scale = float(np.sum(a * n, dtype=np.float64) / max(norm(n) ** 2, 1e-300))
    if n.size == 1 or not scale or not agree(a, (scale * n).astype(n.dtype)):
        return None
    if agree(-a, n):
        return f"The sign of {name} is wrong everywhere: a descent where an ascent is asked for, or a minus forgotten."
    sizes = sorted({size for array in expected.values() for size in array.shape if size > 1} | {2})
    for size in sizes:
        if abs(scale - size) < 1e-3 * size:
            return f"{name} is {size} times what it should be: is a division missing, or a mean asked for, not a sum?"
        if abs(scale * size - 1) < 1e-3:
            return f"{name} is 1/{size} of what it should be: a mean in place of a sum, or one division too many."
    return f"{name} is {scale:.4g} times what it should be, everywhere: look for a factor."


def _part_pattern(name, a, n):
    """Some time steps, some gates or the transpose are right."""
    if n.ndim == 2 and n.shape[0] == n.shape[1] > 1 and agree(a.T.copy(), n):
        return f"{name} is the transpose of what it should be."
    if n.ndim == 3 and n.shape[1] > 1 and name in ("dx", "h", "out"):
        right = [agree(a[:, t], n[:, t]) for t in range(n.shape[1])]
        if right[-1] and not right[0] and name == "dx":
            return "Only the last time steps are right: is the gradient carried back from step to step?"
        if right[0] and not right[-1]:
            return "Only the first time steps are right: does the state go on from step to step?"
        if right[-1] or right[0]:
            return "Only some time steps are right."
    if name in ("dWx", "dWh", "db") and n.shape[-1] % 4 == 0:
        blocks = zip("ifog", np.split(a, 4, axis=-1), np.split(n, 4, axis=-1), strict=True)
        wrong = [gate for gate, got, right in blocks if not agree(got, right)]
        if len(wrong) < 4:
            return f"If the last axis of {name} holds the gates i, f, o, g: wrong for {' and '.join(wrong)} only."
    return None


def _sampling_pattern(a, n):
    if (a[:, 1:] == n[:, :-1]).all():
        return "Everything comes one step too late: the first column holds the first word sampled, not <START>."
    if (a[:, 0] == n[:, 0]).all():
        return "The first words are right, later ones are not: does the state advance, and is the word fed back?"
    return "The first word is wrong already: does it start from <START>, and from the projected features?"


def _which_are_right(outputs, expected):
    """Some gradients right and others not narrow the search."""
    numbers = [name for name, n in expected.items() if n.dtype.kind == "f" and name in outputs]
    right = [name for name in numbers if agree(outputs[name], expected[name])]
    wrong = [name for name in numbers if name not in right]
    if right and wrong:
        return f"{', '.join(right)} {'are' if len(right) > 1 else 'is'} right; look at {', '.join(wrong)} only."
    return None
