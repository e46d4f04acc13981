"""How sequences of different lengths lie in memory while a recurrent layer works on them.

What a sequence can do for all of its time steps at once, it does in one matrix product: x Wx before
the loop, and each weight gradient after it. Only what really flows from step to step stays inside
the loop. So the rows of all time steps lie one below the other, time first, and each step is one
block of memory. The longest sequences come first, so that shorter ones drop out of the later blocks
(as in PyTorch's `pack_padded_sequence`).

Letters: N sequences, T time steps, P rows that count, U rows that differ, D or K numbers in a row.
"""

import numpy as np

from deeplearning.layers import check_mask


class Packing:
    """The order of the rows of N sequences of T steps.

    - order: The sequences by falling length, ints of shape (N,)
    - rows: Pair of int arrays of shape (P,), sequence and time of each row, so that x[rows] are the
      rows of x (N, T, D)
    - steps: For each time step a pair of slices, the rows before it and its own. Own rows count
      from 0 to P; the rows before it count from the N initial states, which the P others follow.
    """

    def __init__(self, N, T, mask=None, words=None):
        """Plan the rows.

        Inputs:
        - N, T: Number of sequences and of time steps
        - mask: None, or bool of shape (N, T): the steps after a sequence's last True are left out
        - words: None, or ints of shape (N, T): what is computed from equal words is equal, and done
          once

        Raises ValueError for a mask or words of another shape or kind.
        """
        self.shape = N, T
        lengths = np.full(N, T)
        if mask is not None:
            lengths = (check_mask(mask, N, T) * np.arange(1, T + 1)).max(axis=1, initial=0)
        self.order = np.argsort(-lengths, kind="stable")
        counts = [np.count_nonzero(lengths > t) for t in range(T)]
        sequences = np.concatenate([self.order[:n] for n in counts] or [self.order[:0]])
        self.rows = sequences, np.repeat(np.arange(T), counts)
        self.steps, before, start = [], 0, 0
        for n in counts:
            self.steps.append((slice(before, before + n), slice(start, start + n)))
            before, start = N + start, start + n
        self._first = self._which = None
        if words is not None:
            if (
                not isinstance(words, np.ndarray)
                or words.dtype.kind not in "iu"
                or words.shape != (N, T)
            ):
                raise ValueError(
                    f"words must be integers of shape (N, T) = {(N, T)}, one for each row of x"
                )
            _, self._first, self._which = np.unique(
                words[self.rows], return_index=True, return_inverse=True
            )

    def pack(self, x):
        """The rows of x (N, T, D) that count, of shape (P, D)."""
        return x[self.rows]

    def unpack(self, rows):
        """The inverse of `pack`: from (P, D) to (N, T, D), with zeros at the places that do not
        count.
        """
        x = np.zeros((*self.shape, rows.shape[1]), rows.dtype)
        x[self.rows] = rows
        return x

    def distinct(self, x):
        """The rows of x (N, T, D) that differ: the first one of each word, of shape (U, D)."""
        if self._first is None:
            return self.pack(x)
        sequence, time = self.rows
        return x[sequence[self._first], time[self._first]]

    def repeat(self, rows):
        """From the rows of distinct words (U, K) to those of all (P, K)."""
        return rows if self._which is None else rows[self._which]

    def sum_repeats(self, rows):
        """Backward pass of `repeat`: the sum of the rows (P, K) of each word, of shape (U, K)."""
        return rows if self._which is None else sum_groups(rows, self._first, self._which)

    def unpack_distinct(self, rows):
        """Backward pass of `distinct`: from (U, D) to (N, T, D), with zeros where a word has been
        there before.
        """
        if self._first is None:
            return self.unpack(rows)
        sequence, time = self.rows
        x = np.zeros((*self.shape, rows.shape[1]), rows.dtype)
        x[sequence[self._first], time[self._first]] = rows
        return x

    def before(self, states):
        """For each of the P rows the state before it: from (N + P, H) to (P, H)."""
        return np.concatenate([states[before] for before, _ in self.steps] or [states[:0]])


def sum_groups(rows, first, which):
    """Sum of the rows of each of U groups: np.add.at, but some times faster.

    Inputs:
    - rows: Array of shape (P, K)
    - first, which: From `np.unique`: the first row of each group, ints of shape (U,), and the group
      of each row, (P,)

    Returns: array of shape (U, K)
    """
    total, counts = rows[first], np.bincount(which)
    by_group = np.split(np.argsort(which, kind="stable"), np.cumsum(counts)[:-1])
    for group in np.flatnonzero(counts > 1):
        rows[by_group[group]].sum(axis=0, out=total[group])
    return total
