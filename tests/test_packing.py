"""How rows of sequences lie in memory."""

import numpy as np
import pytest

from deeplearning.packing import Packing, sum_groups

# by sequence: lengths 2, 0 and 4 of T = 4 steps
MASK = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1]], bool)
WORDS = np.array([[7, 5, 0, 0], [0, 0, 0, 0], [5, 5, 9, 7]])


def test_rows_lie_by_time_and_the_longest_sequence_first():
    """Blocks of rows, time first; sequences that have ended drop out at the end of a block, gaps
    stay in.
    """
    packing = Packing(3, 4, MASK)
    assert packing.order.tolist() == [2, 0, 1]
    assert [pair.tolist() for pair in packing.rows] == [[2, 0, 2, 0, 2, 2], [0, 0, 1, 1, 2, 3]]
    assert [(b.start, b.stop, s.start, s.stop) for b, s in packing.steps] == [
        (0, 2, 0, 2),  # of the three initial states, the first two
        (3, 5, 2, 4),
        (5, 6, 4, 5),
        (7, 8, 5, 6),
    ]


@pytest.mark.parametrize("N, T", [(1, 1), (3, 4), (0, 3), (2, 0)])
def test_without_a_mask_every_row_counts(N, T):
    """Packing and unpacking are inverses, and the state before a row is the row of the step before."""
    packing, x = Packing(N, T), np.random.default_rng(0).normal(size=(N, T, 2))
    rows = packing.pack(x)
    np.testing.assert_array_equal(rows, x.transpose(1, 0, 2).reshape(N * T, 2))
    np.testing.assert_array_equal(packing.unpack(rows), x)
    states = np.concatenate((np.full((N, 2), -1.0), rows))
    np.testing.assert_array_equal(packing.before(states), states[: N * T])


def test_equal_words_are_one_row():
    """Distinct rows are the first of each word; repeat brings them back, and its backward pass sums
    up.
    """
    packing = Packing(3, 4, MASK, WORDS)
    x = WORDS[:, :, None] * np.array([1.0, 10.0])
    distinct = packing.distinct(x)
    assert sorted(distinct[:, 0]) == [5, 7, 9]
    np.testing.assert_array_equal(packing.repeat(distinct), packing.pack(x))
    rows = np.random.default_rng(0).normal(size=(6, 2))
    back = packing.unpack_distinct(packing.sum_repeats(rows))
    for word in (5, 7, 9):
        np.testing.assert_allclose(
            back[WORDS == word].sum(0), rows[packing.pack(x)[:, 0] == word].sum(0)
        )
    assert np.count_nonzero(back.any(axis=2)) == 3


def test_sum_groups_agrees_with_add_at():
    """The sums of np.add.at, in the rows' dtype, for groups of one and of many rows."""
    rng = np.random.default_rng(0)
    groups, rows = rng.integers(9, size=40), rng.normal(size=(40, 3)).astype(np.float32)
    groups[0] = 20  # a group of one
    names, first, which = np.unique(groups, return_index=True, return_inverse=True)
    expected = np.zeros((21, 3))
    np.add.at(expected, groups, rows)
    sums = sum_groups(rows, first, which)
    assert sums.dtype == np.float32
    np.testing.assert_allclose(sums, expected[names], rtol=1e-5, atol=1e-6)
    assert sum_groups(rows[:0], first[:0], which[:0]).shape == (0, 3)


@pytest.mark.parametrize("words", [WORDS[:2], WORDS.astype(float), WORDS.tolist()])
def test_wrong_words_are_named(words):
    """Words of another shape or kind raise a ValueError."""
    with pytest.raises(ValueError, match=r"words must be integers of shape \(N, T\) = \(3, 4\)"):
        Packing(3, 4, MASK, words)
