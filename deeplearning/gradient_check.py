"""Gradients by finite differences, and verdicts on gradients computed by hand.

The slope of f at x along one coordinate is (f(x + h) - f(x - h)) / 2h, up to an error of order h^2.
That costs two evaluations a coordinate, so it serves to check gradients, not to train.
"""

from dataclasses import dataclass

import numpy as np


def eval_numerical_gradient(f, x, verbose=True, h=1e-5):
    """Numerical gradient of a function that returns one number.

    Inputs:
    - f: Function of x that returns a number
    - x: Point at which to evaluate, a floating-point array of any shape. Changed while f runs, then
      restored exactly
    - verbose: Whether to print each index with its slope
    - h: Half the distance between the two evaluations

    Returns:
    - grad: Gradient of f at x, of x's shape
    """
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        plus, minus = _evaluate_around(f, x, index, h)
        grad[index] = (plus - minus) / (2 * h)
        if verbose:
            print(index, grad[index])
    return grad


def eval_numerical_gradient_array(f, x, df, h=1e-5):
    """Numerical gradient of a function that returns an array, given the gradient that arrives at
    its output.

    Inputs:
    - f: Function of x that returns an array
    - x: Point at which to evaluate, a floating-point array of any shape. Changed while f runs, then
      restored exactly
    - df: Upstream gradient, of the shape of f(x)
    - h: Half the distance between the two evaluations

    Returns:
    - grad: Gradient of sum(f(x) * df) with respect to x, of x's shape
    """
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        plus, minus = _evaluate_around(f, x, index, h)
        grad[index] = np.sum((plus - minus) * df) / (2 * h)
    return grad


def grad_check_sparse(f, x, analytic_grad, num_checks=10, h=1e-5):
    """Compare a gradient with the numerical one at a few random places, and print both with their
    relative error.

    Inputs:
    - f: Function of x that returns a number
    - x: Point at which to evaluate, a floating-point array of any shape. Changed while f runs, then
      restored exactly
    - analytic_grad: Gradient to check, of x's shape
    - num_checks: Number of places, drawn from NumPy's global generator
    - h: Half the distance between the two evaluations
    """
    for _ in range(num_checks):
        index = tuple(np.random.randint(size) for size in x.shape)
        plus, minus = _evaluate_around(f, x, index, h)
        numeric, analytic = (plus - minus) / (2 * h), analytic_grad[index]
        print(
            f"numerical: {numeric:f} analytic: {analytic:f}, relative error: {rel_error(numeric, analytic):e}"
        )


def _evaluate_around(f, x, index, h):
    """f with x[index] moved up and down by h; x is as before afterwards, even if f raises."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        got = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
        raise ValueError(f"x must be a NumPy array of floating-point numbers, got {got}")
    value = x[index]
    try:
        x[index] = value + h
        plus = np.array(f(x))  # a copy: f may return an array that it will change
        x[index] = value - h
        return plus, np.array(f(x))
    finally:
        x[index] = value


def rel_error(a, b):
    """Largest element-wise relative error, max |a - b| / max(1e-8, |a| + |b|).

    One entry near zero can make this large for a right answer: finite differences have an absolute
    error, too. It is for comparing with printed values; for gradients use `compare_gradients`.

    Inputs:
    - a, b: Arrays or numbers of the same shape

    Returns: a float; NaN where either holds one
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"both arrays must have the same shape, got {a.shape} and {b.shape}")
    return float(np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)), initial=0.0))


@dataclass(frozen=True)
class Verdict:
    """What a check found; true where the gradient is right, and readable when printed.

    - name: What was compared
    - ok: Whether the difference is within the limit
    - difference: norm(analytic - numeric)
    - limit: 1e-6 * (norm(analytic) + norm(numeric)) + 1e-9
    - worst: A sentence on the entry that differs most, or on what cannot be compared
    - hint: A sentence on what the pattern suggests, or an empty string
    - measure: What `difference` is
    """

    name: str
    ok: bool
    difference: float
    limit: float
    worst: str = ""
    hint: str = ""
    measure: str = "norm of the difference"

    def __bool__(self):
        return self.ok

    def __str__(self):
        line = f"{self.name}: {self.measure} {self.difference:.2g}, limit {self.limit:.2g}"
        if self.ok:
            return f"{line}: right{'. ' + self.hint if self.hint else ''}"
        return " ".join(filter(None, [f"{line}: WRONG.", self.worst, self.hint]))


def compare_gradients(analytic, numeric, name="gradient", **sizes):
    """Judge a gradient: right if norm(a - n) <= 1e-6 * (norm(a) + norm(n)) + 1e-9.

    The norm over the whole array is what makes the verdict sharp: errors of finite differences in
    single small entries drown in it, while an answer that is wrong by a tenth of a per cent is
    still five hundred times over the limit.

    Inputs:
    - analytic: Gradient to judge, in float64
    - numeric: Gradient to trust, of the same shape
    - name: What to call it in the verdict
    - sizes: Numbers that a gradient may be off by, such as N=10, T=13, for the hint

    Returns: a `Verdict`. Anything that is no plain floating-point array of numeric's shape, or is
    not finite, is wrong.
    """
    problem = _cannot_be_compared(analytic, numeric)
    if problem:
        return Verdict(name, False, np.inf, 0.0, problem)
    distance = np.linalg.norm((analytic - numeric).ravel())
    limit = 1e-6 * (np.linalg.norm(analytic.ravel()) + np.linalg.norm(numeric.ravel())) + 1e-9
    if distance <= limit:
        hint = (
            ""
            if numeric.any() or not numeric.size
            else "Both are all zero: this check shows nothing."
        )
        return Verdict(name, True, float(distance), float(limit), hint=hint)
    index = tuple(
        int(i) for i in np.unravel_index(np.argmax(np.abs(analytic - numeric)), numeric.shape)
    )
    worst = f"Worst at {list(index)}: {analytic[index]:.6g}, expected {numeric[index]:.6g}."
    return Verdict(
        name, False, float(distance), float(limit), worst, _hint(analytic, numeric, sizes)
    )


def _cannot_be_compared(analytic, numeric):
    if type(analytic) is not np.ndarray or analytic.dtype.kind != "f":
        kind = (
            f"an array of {analytic.dtype}"
            if type(analytic) is np.ndarray
            else type(analytic).__name__
        )
        return f"Expected a plain NumPy array of floating-point numbers, got {kind}."
    if analytic.shape != numeric.shape:
        return f"Expected shape {numeric.shape}, got {analytic.shape}."
    for which, array in (("The gradient to judge", analytic), ("The numerical gradient", numeric)):
        if not np.isfinite(array).all():
            return f"{which} holds {np.count_nonzero(~np.isfinite(array))} entries that are NaN or infinite."
    return ""


def _hint(analytic, numeric, sizes):
    """What a wrong gradient looks like: the first pattern that fits, simplest explanation first."""

    def same(a, b):
        return np.linalg.norm((a - b).ravel()) <= 1e-4 * (np.linalg.norm(b.ravel()) + 1e-9)

    if not analytic.any():
        return "It is all zero: nothing was computed, or it was not passed on."
    if same(-analytic, numeric):
        return "The sign is wrong everywhere."
    scale = float(analytic.ravel() @ numeric.ravel()) / max(
        float(numeric.ravel() @ numeric.ravel()), 1e-300
    )
    if same(analytic, scale * numeric) and scale:
        names = [f"{sign}{key}" for key, size in sizes.items() for sign, s in (("", size), ("1/", 1 / size))
                 if size != 1 and abs(abs(scale) - s) <= 1e-3 * s]  # fmt: skip
        return f"It is {scale:.4g} times the right one everywhere{' (' + ', '.join(names) + ')' if names else ''}."
    if numeric.ndim == 2 and numeric.shape[0] == numeric.shape[1] and same(analytic.T, numeric):
        return "It is the transpose of the right one."
    if numeric.ndim == 3 and numeric.shape[1] > 1 and same(analytic[:, -1], numeric[:, -1]):
        return "Only the last time step is right: is the gradient carried back from step to step?"
    if numeric.shape[-1] % 4 == 0 and numeric.shape[-1]:
        blocks = zip(
            "ifog", np.split(analytic, 4, axis=-1), np.split(numeric, 4, axis=-1), strict=True
        )
        wrong = [gate for gate, a, n in blocks if not same(a, n)]
        if len(wrong) < 4:
            return (
                f"If its last axis holds the gates i, f, o, g: wrong for {', '.join(wrong)} only."
            )
    return ""


def check_gradient(name, analytic, numeric, **sizes):
    """Print the verdict of `compare_gradients`; raise AssertionError with it where the gradient is
    wrong.
    """
    _report(compare_gradients(analytic, numeric, name, **sizes))


def check_close(name, got, expected, limit):
    """Print the relative error of a result against expected values, and the limit for it.

    Inputs:
    - name: What to call the result
    - got: Result to judge, an array or number
    - expected: What it should be, of the same shape
    - limit: Largest `rel_error` to accept

    Raises AssertionError where the shape differs or the error is above the limit or NaN.
    """
    if np.shape(got) != np.shape(expected):
        raise AssertionError(f"{name}: expected shape {np.shape(expected)}, got {np.shape(got)}")
    error = rel_error(got, expected)
    _report(Verdict(name, bool(error <= limit), error, limit, measure="relative error"))


def check_below(name, value, limit):
    """Print a number and the limit for it; raise AssertionError where it is not below."""
    _report(Verdict(name, bool(value < limit), float(value), limit, measure="measured"))


def _report(verdict):
    if not verdict:
        raise AssertionError(str(verdict))
    print(verdict)
