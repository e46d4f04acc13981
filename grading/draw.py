"""Draw the numbers and sizes of an exercise's cases."""

import numpy as np


class Draw:
    """Draws numbers for a case, and sizes where they are not fixed."""

    def __init__(self, rng, fixed):
        self.rng = rng
        self.fixed = fixed

    def sizes(self, letters, high=5):
        """Sizes of axes; one in four of the drawn ones is 1."""
        drawn = np.where(
            self.rng.random(len(letters)) < 0.25, 1, self.rng.integers(2, high + 1, len(letters))
        ).tolist()
        return [self.fixed.get(letter, n) for letter, n in zip(letters, drawn, strict=True)]

    def size(self, letter, low, high):
        """A size from low to high, both included."""
        return self.fixed.get(letter, int(self.rng.integers(low, high + 1)))

    def normal(self, *shape, scale=1.0):
        return scale * self.rng.normal(size=shape)

    def upstream(self, *shape):
        """An upstream gradient; in one corner case so large that clipping the results shows."""
        return self.normal(*shape, scale=self.fixed.get("upstream", 1))


def cast(array, dtype):
    array = np.asarray(array)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def move_a_little(arrays, rng):
    """Arrays with every number changed by a thousandth."""
    return {
        name: value * (1 + 1e-3 * rng.normal(size=value.shape))
        if value.dtype.kind == "f"
        else value
        for name, value in arrays.items()
    }
