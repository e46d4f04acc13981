"""Is an answer right? Every number counts, and no method of the answer itself is trusted.

Two arrays agree if norm(a - n) <= r * (norm(a) + norm(n)) + floor, with the norm over the whole
array. In float64, r = 1e-6 and floor = 1e-9. In float32, where one rounding is 6e-8, a sum of a few
dozen terms of size 1 may be off by about 1e-6 whatever its value, so r = 1e-4 and floor = 1e-5: a
mistake of a tenth of a per cent still shows.
"""

import numpy as np

TOLERANCES = {np.dtype(np.float64): (1e-6, 1e-9), np.dtype(np.float32): (1e-4, 1e-5)}


def compare(outputs, expected, numbers=True):
    """What is wrong with the outputs of a call.

    Inputs:
    - outputs: Dictionary from name to returned value
    - expected: Dictionary from name to the right array
    - numbers: Whether findings show the right numbers; otherwise they only say how far off the
      output is

    Returns: list of findings, one sentence each; empty if all is right
    """
    missing = [f"{name} is missing." for name in expected if name not in outputs]
    unknown = [f"{name} was not asked for." for name in outputs if name not in expected]
    findings = [
        _finding(name, outputs[name], right, numbers)
        for name, right in expected.items()
        if name in outputs
    ]
    return missing + unknown + [finding for finding in findings if finding]


def settled(outputs, expected):
    """Outputs in the form that was asked for, if another form counts as right, too.

    A loss of shape (1,) counts as a number.

    Returns: the outputs, and a sentence about it or an empty string
    """
    loss = outputs.get("loss")
    right = expected.get("loss")
    if type(loss) is not np.ndarray or right is None or right.shape != () or loss.shape != (1,):
        return outputs, ""
    note = "The loss has shape (1,); other code expects a single number, of shape ()."
    return outputs | {"loss": loss.reshape(())}, note


def only_precision(outputs, expected):
    """Whether outputs are right except for one slip: float64 results from float32 inputs."""
    rounded = {
        name: a.astype(np.float32) if _is_too_precise(a, expected.get(name)) else a
        for name, a in outputs.items()
    }
    return not compare(rounded, expected)


def _is_too_precise(a, n):
    arrays = type(a) is np.ndarray and n is not None
    return arrays and (a.dtype, n.dtype) == (np.float64, np.float32)


def agree(a, n):
    """Whether two arrays have the same shape, and agree within the tolerance of n's dtype."""
    if a.shape != n.shape:
        return False
    if n.dtype.kind != "f":
        return bool(np.array_equal(a, n))
    gap = distance(a, n)
    # numbers that overflow agree with nothing
    return gap < np.inf and gap <= limit(a, n)


def limit(a, n):
    """The largest distance at which a agrees with n, in the tolerance of n's dtype."""
    r, floor = TOLERANCES[n.dtype]
    return r * (norm(a) + norm(n)) + floor


def distance(a, n):
    """norm(a - n) in float64; infinite if it overflows or is NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        value = norm(a.astype(np.float64) - n.astype(np.float64))
    return value if np.isfinite(value) else np.inf


def norm(a):
    """Euclidean norm over all of an array's numbers, in float64."""
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.sum(a.astype(np.float64) ** 2)))


def _finding(name, a, n, numbers):
    """One sentence, or None. The type is checked first: a subclass could fake the answer to every
    other check.
    """
    if type(a) is not np.ndarray:
        return f"{name} must be a plain array, got {type(a).__module__}.{type(a).__qualname__}."
    if a.shape != n.shape:
        return f"{name} must have shape {n.shape}, got {a.shape}."
    if n.dtype.kind == "b":
        same = a.dtype.kind == "b" and a == n
        return None if same else f"{name.removesuffix(' kept')} was changed in place."
    if n.dtype.kind in "iu":
        return _finding_in_integers(name, a, n, numbers)
    if a.dtype != n.dtype:
        return f"{name} must be {n.dtype} like the arguments, got {a.dtype}."
    if not np.isfinite(a).all():
        return f"{name} holds {np.count_nonzero(~np.isfinite(a))} numbers that are NaN or infinite."
    return None if agree(a, n) else _wrong_numbers(name, a, n, numbers)


def _wrong_numbers(name, a, n, numbers):
    worst = np.unravel_index(np.argmax(np.abs(a - n)), n.shape)
    where = f" at {[int(i) for i in worst]}" if n.ndim else ""
    gap = distance(a, n)
    size = norm(n)
    relative = gap / size if 0 < size < np.inf else 1
    if not numbers:
        place = f", most{where}" if where else ""
        # rounded so coarsely that nobody can compute the right answer from it
        power_of_ten = 10.0 ** np.round(np.log10(max(relative, 1e-12)))
        return f"{name} is wrong, by roughly {_share(power_of_ten)}{place}."
    return f"{name} is wrong by {_share(relative)}: {a[worst]:.6g}{where}, expected {n[worst]:.6g}."


def _share(relative):
    """The size of an error, relative to what it should be, in words."""
    return f"{relative:.2g} {'times' if relative > 1 else 'of'} its size"


def _finding_in_integers(name, a, n, numbers):
    if a.dtype.kind not in "iu":
        return f"{name} must hold integers, got {a.dtype}."
    if np.array_equal(a, n):
        return None
    worst = tuple(int(i) for i in np.argwhere(a != n)[0])
    if not numbers:
        return f"{name} is wrong in {np.mean(a != n):.0%} of its entries, first at {list(worst)}."
    return f"{name}{list(worst)} is {a[worst]}, expected {n[worst]}."
