"""Checks of arguments, made once, where they enter a function.

`takes` declares the shapes of a function's arguments in the line above it:

    @takes(x="N D", prev_h="N H", Wx="D H", Wh="H H", b="H")
    def rnn_step_forward(x, prev_h, Wx, Wh, b):

Equal letters stand for equal sizes, and a number before a letter multiplies it: "D 4H". A star lets
the last letter gather all remaining axes: "N D*" fits an x of shape (N, d_1, ..., d_k) with
D = d_1 * ... * d_k. Arrays hold floating-point numbers unless "int" or "bool" comes first.
"""

import functools
import inspect
import math
import re
from dataclasses import dataclass
from numbers import Integral

import numpy as np

KINDS = {"float": "f", "int": "iu", "bool": "b"}  # words of a specification to NumPy's kinds
NAMES = {"float": "floating-point numbers", "int": "integers", "bool": "bools"}


def takes(**specifications):
    """Decorator: refuse arguments whose type or shape does not fit.

    Inputs:
    - specifications: The shape, in letters, of each argument that is an array. Arguments that
      default to None may be None.

    Returns: a decorator. The decorated function raises a ValueError that names the argument, what
    was expected and what came.
    """
    arrays = {name: Specification.parse(text) for name, text in specifications.items()}

    def decorate(function):
        parameters = inspect.signature(function).parameters
        optional = {name for name in arrays if parameters[name].default is None}

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given = dict(zip(parameters, args, strict=False)) | kwargs
            sizes = {}
            for name, specification in arrays.items():
                if name not in given or (name in optional and given[name] is None):
                    continue  # Python itself reports missing arguments
                specification.check(name, given[name], sizes)
            return function(*args, **kwargs)

        return checked

    return decorate


@dataclass(frozen=True)
class Specification:
    """Kind and shape of an array.

    - kind: A key of `KINDS`
    - axes: A pair of factor and letter for each axis
    - flat: Whether the last letter gathers all remaining axes
    """

    kind: str
    axes: tuple
    flat: bool

    @classmethod
    def parse(cls, text):
        words = text.split()
        kind = words.pop(0) if words[0] in KINDS else "float"
        flat = words[-1].endswith("*")
        matches = [re.fullmatch(r"(\d*)([A-Z])\*?", word) for word in words]
        axes = tuple((int(match[1] or 1), match[2]) for match in matches)
        return cls(kind, axes, flat)

    def check(self, name, array, sizes):
        """Refuse an array that does not fit, and add the sizes of new letters to `sizes`."""
        check_array(name, array, self.kind)
        shape = array.shape
        if self.flat and array.ndim >= len(self.axes):
            shape = (*shape[: len(self.axes) - 1], math.prod(shape[len(self.axes) - 1 :]))
        if len(shape) == len(self.axes) and self._fits(shape, sizes):
            return
        known = ", ".join(
            f"{letter} = {sizes[letter]}" for _, letter in self.axes if letter in sizes
        )
        known = f" with {known}" if known else ""
        raise ValueError(f"{name} must have shape {self}{known}, got {array.shape}")

    def _fits(self, shape, sizes):
        bound = dict(sizes)
        for (factor, letter), size in zip(self.axes, shape, strict=True):
            if size != factor * bound.setdefault(letter, size // factor):
                return False
        sizes.update(bound)
        return True

    def __str__(self):
        letters = [f"{factor if factor > 1 else ''}{letter}" for factor, letter in self.axes]
        if self.flat:
            letters[-1] = "d_1, ..., d_k"
        return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"


def check_array(name, value, kind="float"):
    """Refuse, with a ValueError that names it, anything but a NumPy array of a kind in `KINDS`."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in KINDS[kind]:
        got = (
            f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        )
        raise ValueError(f"{name} must be a NumPy array of {NAMES[kind]}, got {got}")


def check_indices(name, indices, size, what, where=None):
    """Refuse indices that are not integers from 0 to size - 1.

    Inputs:
    - name: The caller's name for the indices
    - indices: Array of any shape
    - size: Number of things that can be indexed
    - what: What is indexed, for the message
    - where: None, or bool of the same shape: which of the indices count

    Raises ValueError with the position and value of the first bad index.
    """
    check_array(name, indices, "int")
    bad = (indices < 0) | (indices >= size)
    if where is not None:
        bad &= where
    if bad.any():
        place = tuple(np.argwhere(bad)[0].tolist())
        raise ValueError(
            f"{name}[{', '.join(map(str, place))}] = {indices[place]} is outside {what}: "
            f"expected an index from 0 to {size - 1}"
        )


def check_upstream(name, gradient, shape):
    """Refuse an upstream gradient that is not a floating-point array of the output's shape.

    Inputs:
    - name: The caller's name for the gradient
    - gradient: The gradient to check
    - shape: Shape of the output

    Raises ValueError.
    """
    check_array(name, gradient)
    if gradient.shape != shape:
        raise ValueError(f"{name} must have the shape of the output, {shape}, got {gradient.shape}")


def check_finite(**numbers):
    """Refuse anything but finite numbers, with a ValueError that names them."""
    for name, number in numbers.items():
        try:
            finite = math.isfinite(number)
        except (TypeError, ValueError, OverflowError):
            finite = False
        if not finite:
            raise ValueError(f"expected a finite {name}, got {shortened(number)}")


def check_counts(least=0, **numbers):
    """Refuse anything but integers of at least `least`, with a ValueError that names them."""
    for name, number in numbers.items():
        if not isinstance(number, Integral) or isinstance(number, bool):
            raise ValueError(f"{name} must be an integer, got {number!r}")
        if number < least:
            raise ValueError(f"{name} must be at least {least}, got {number}")


def shortened(value, quotes=True, length=80):
    """A value as a message quotes it: only its first characters if it is long."""
    text = repr(value) if quotes else str(value)
    return text if len(text) <= length else f"{text[:length]}..."
