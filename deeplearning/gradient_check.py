"""Gradients by finite differences, and how far hand-written gradients are from them.

The slope of f at x along one coordinate is (f(x + h) - f(x - h)) / 2h, up to an error of order h^2.
That costs two evaluations per coordinate, so it is for checking gradients, not for training.
"""

from dataclasses import dataclass

import numpy as np

from deeplearning.checks import check_array


class NotRight(AssertionError):
    """A failed check. Jupyter shows its message without a traceback, which would only lead through
    the code of the check.
    """

    def _render_traceback_(self):
        return str(self).splitlines()


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
    """Numerical gradient of a function that returns an array, given the upstream gradient of its
    output.

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
    """Compare a gradient with the numerical one at a few random positions, and print both with
    their relative error.

    Inputs:
    - f: Function of x that returns a number
    - x: Point at which to evaluate, a floating-point array of any shape. Changed while f runs, then
      restored exactly
    - analytic_grad: Gradient to check, of x's shape
    - num_checks: Number of positions, drawn from NumPy's global generator
    - h: Half the distance between the two evaluations
    """
    if x.dtype.itemsize < 8:
        print(f"x is {x.dtype}, whose rounding is larger than the slopes' errors: use float64")
    for _ in range(num_checks):
        index = tuple(np.random.randint(size) for size in x.shape)
        plus, minus = _evaluate_around(f, x, index, h)
        numeric = (plus - minus) / (2 * h)
        analytic = analytic_grad[index]
        error = rel_error(numeric, analytic)
        print(f"numerical: {numeric:f} analytic: {analytic:f}, relative error: {error:e}")


def _evaluate_around(f, x, index, h):
    """f with x[index] moved up and down by h; x is restored afterwards, even if f raises."""
    check_array("x", x)
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

    One entry near zero can make this large for a right answer, because finite differences also have
    an absolute error. Use it to compare with printed values; for gradients use `compare_gradients`.

    Inputs:
    - a, b: Arrays or numbers of the same shape

    Returns: a float; NaN if either contains NaN
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"both arrays must have the same shape, got {a.shape} and {b.shape}")
    return float(np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)), initial=0.0))


@dataclass(frozen=True)
class Comparison:
    """Result of a check; true if it passed, and readable when printed.

    - name: What was compared
    - ok: Whether the difference is within the limit
    - difference: What was measured
    - limit: The largest difference that counts as right
    - problem: A sentence on the entry that differs most, or on what cannot be compared
    - measure: What `difference` is
    - judged: Whether the arrays are precise enough to tell right from wrong
    """

    name: str
    ok: bool
    difference: float
    limit: float
    problem: str = ""
    measure: str = "norm of the difference"
    judged: bool = True

    def __bool__(self):
        return self.ok

    def __str__(self):
        line = f"{self.name}: {self.measure} {self.difference:.2g}, limit {self.limit:.2g}"
        if not self.judged:
            return f"{line}: can't be judged. {self.problem}"
        if not self.ok:
            return f"{line}: WRONG. {self.problem}".rstrip()
        return f"{line}: right. {self.problem}" if self.problem else f"{line}: right"


def compare_gradients(analytic, numeric, name="gradient"):
    """Judge a gradient: right if norm(a - n) <= 1e-6 * (norm(a) + norm(n)) + 1e-9.

    The norm over the whole array makes the verdict sharp: the errors of finite differences in
    single small entries hardly count, while an answer that is off by a tenth of a per cent is still
    five hundred times over the limit.

    Inputs:
    - analytic: Gradient to judge, in float64; for a less precise one the result says that it can't
      be judged
    - numeric: Gradient to trust, of the same shape
    - name: Name to print

    Returns: a `Comparison`. Anything other than a plain floating-point array of finite numbers and
    of numeric's shape is wrong.
    """
    problem = _cannot_be_compared(analytic, numeric)
    if problem:
        return Comparison(name, False, np.inf, 0.0, problem)
    distance = float(np.linalg.norm((analytic - numeric).ravel()))
    sizes = np.linalg.norm(analytic.ravel()) + np.linalg.norm(numeric.ravel())
    limit = float(1e-6 * sizes + 1e-9)
    if distance > limit:
        problem = _worst(analytic, numeric)
        coarse = [a.dtype.name for a in (analytic, numeric) if a.dtype.itemsize < 8]
        if not coarse:
            return Comparison(name, False, distance, limit, problem)
        problem = (
            f"The arrays are {coarse[0]}, whose rounding is larger than what is measured here: "
            f"check with float64, as in x.astype(np.float64). {problem}"
        )
        return Comparison(name, False, distance, limit, problem, judged=False)
    nothing = numeric.size and not numeric.any()
    problem = "Both are all zero: this check shows nothing." if nothing else ""
    return Comparison(name, True, distance, limit, problem)


def _cannot_be_compared(analytic, numeric):
    """A sentence on why two gradients can't be compared, or an empty string if they can."""
    scalar = isinstance(analytic, np.floating) and numeric.ndim == 0  # as from a sum of an array
    if type(analytic) is not np.ndarray and not scalar:
        got = type(analytic).__name__
        return f"Expected a plain NumPy array of floating-point numbers, got {got}."
    if analytic.dtype.kind != "f":
        got = f"an array of {analytic.dtype}"
        return f"Expected a plain NumPy array of floating-point numbers, got {got}."
    if analytic.shape != numeric.shape:
        return f"Expected shape {numeric.shape}, got {analytic.shape}."
    for which, array in (("The gradient to judge", analytic), ("The numerical gradient", numeric)):
        bad = np.count_nonzero(~np.isfinite(array))
        if bad:
            return f"{which} holds {bad} entries that are NaN or infinite."
    return ""


def _worst(got, expected):
    """A sentence on the entry that differs most, with both numbers."""
    gap = np.abs(np.asarray(got, np.float64) - np.asarray(expected, np.float64))
    gap = np.where(np.isfinite(gap), gap, np.inf)
    index = np.unravel_index(np.argmax(gap), gap.shape)
    where = f"Worst at {[int(i) for i in index]}" if index else "Here"
    return f"{where}: {np.asarray(got)[index]:.6g}, expected {np.asarray(expected)[index]:.6g}."


def check_gradient(name, analytic, numeric):
    """Print the result of `compare_gradients`; raise NotRight with it if the gradient is wrong."""
    _report(compare_gradients(analytic, numeric, name))


def check_close(name, got, expected, limit, known=None):
    """Print the relative error of a result against expected values, and the limit for it.

    Inputs:
    - name: Name to print for the result
    - got: Result to judge, an array or number
    - expected: What it should be, of the same shape
    - limit: Largest `rel_error` to accept
    - known: None, or a dictionary from known mistakes, such as "a mean in place of a sum", to the
      results they would give

    Raises NotRight if the shape differs or the error is above the limit or NaN, with the two
    numbers that differ most, and the known mistake that gives the same result, if any.
    """
    if np.shape(got) != np.shape(expected):
        raise NotRight(f"{name}: expected shape {np.shape(expected)}, got {np.shape(got)}")
    error = rel_error(got, expected)
    if error <= limit:
        _report(Comparison(name, True, error, limit, measure="relative error"))
        return
    problem = _worst(got, expected)
    for mistake, value in (known or {}).items():
        if rel_error(got, value) <= limit:
            problem += f" This is what {mistake} would give."
    _report(Comparison(name, False, error, limit, problem, "relative error"))


def check_below(name, value, limit):
    """Print a number and the limit for it; raise NotRight if it is not below the limit."""
    _report(Comparison(name, bool(value < limit), float(value), limit, measure="measured"))


def _report(comparison):
    if not comparison:
        raise NotRight(str(comparison))
    print(comparison)
