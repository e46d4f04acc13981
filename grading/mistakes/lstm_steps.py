"""More wrong LSTMs: mistakes in cutting blocks, in what is stored, and in sums."""

import numpy as np

from deeplearning.rnn_layers import sigmoid
from grading.mistakes import mistake
from grading.variants.plain import lstm_step_backward


@mistake(
    "lstm_step_forward",
    "each gate takes every fourth column: the gates are four blocks of H columns, side by side",
)
def gates_interleaved(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    a = (x @ Wx + prev_h @ Wh + b).reshape(N, H, 4)
    i, f, o, g = sigmoid(a[..., 0]), sigmoid(a[..., 1]), sigmoid(a[..., 2]), np.tanh(a[..., 3])
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake(
    "lstm_step_forward",
    "next_h is made from the old cell state, prev_c: it should be o * tanh(next_c)",
)
def output_of_old_cell(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(prev_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def backward(dnext_h, dnext_c, cache, slope_c, slope_g):
    """The right backward pass, except for the slopes of tanh at next_c and at the candidate."""
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    dc, do = dnext_c + dnext_h * o * slope_c, dnext_h * np.tanh(next_c)
    da = np.hstack(
        (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * slope_g)
    )
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake(
    "lstm_step_backward",
    "a square is missing in the candidate's derivative: that of tanh is 1 - g**2",
)
def candidate_not_squared(dnext_h, dnext_c, cache):
    g, next_c = cache[8:]
    return backward(dnext_h, dnext_c, cache, 1 - np.tanh(next_c) ** 2, 1 - g)


@mistake(
    "lstm_step_backward",
    "a square is missing on the way to the cell state: the derivative is 1 - tanh(next_c)**2",
)
def cell_not_squared(dnext_h, dnext_c, cache):
    g, next_c = cache[8:]
    return backward(dnext_h, dnext_c, cache, 1 - np.tanh(next_c), 1 - g**2)


@mistake(
    "lstm_step_backward",
    "both derivatives of tanh lack a square: they are 1 - g**2 and 1 - tanh(next_c)**2",
)
def neither_squared(dnext_h, dnext_c, cache):
    g, next_c = cache[8:]
    return backward(dnext_h, dnext_c, cache, 1 - np.tanh(next_c), 1 - g)


@mistake(
    "lstm_step_backward",
    "the gates' gradients are interleaved: put them side by side, a block of H columns for each",
)
def gradients_interleaved(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    N, H = prev_h.shape
    tanh_c = np.tanh(next_c)
    dc, do = dnext_c + dnext_h * o * (1 - tanh_c**2), dnext_h * tanh_c
    blocks = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * (1 - g**2)
    da = np.stack(blocks, axis=2).reshape(N, 4 * H)
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake(
    "lstm_step_backward",
    "db is summed over the columns, axis 1: sum over the minibatch, axis 0",
)
def bias_over_columns(dnext_h, dnext_c, cache):
    *_, i, f, o, g, next_c = cache
    dx, dprev_h, dprev_c, dWx, dWh, _ = lstm_step_backward(dnext_h, dnext_c, cache)
    tanh_c = np.tanh(next_c)
    dc, do = dnext_c + dnext_h * o * (1 - tanh_c**2), dnext_h * tanh_c
    blocks = (
        dc * g * i * (1 - i),
        dc * cache[2] * f * (1 - f),
        do * o * (1 - o),
        dc * i * (1 - g**2),
    )
    return dx, dprev_h, dprev_c, dWx, dWh, np.hstack(blocks).sum(axis=1)


@mistake("lstm_step_backward", "db is averaged over the minibatch, not summed")
def lstm_bias_averaged(dnext_h, dnext_c, cache):
    dx, dprev_h, dprev_c, dWx, dWh, db = lstm_step_backward(dnext_h, dnext_c, cache)
    return dx, dprev_h, dprev_c, dWx, dWh, db / db.dtype.type(len(dnext_h))


@mistake(
    "lstm_backward",
    "the gradient of the cell state piles up: each step's dprev_c replaces the one of the later "
    "step",
)
def cell_gradients_pile_up(dh, cache):
    dstate, dcell, steps = np.zeros_like(dh[:, 0]), np.zeros_like(dh[:, 0]), []
    for t in reversed(range(dh.shape[1])):
        dx, dstate, dprev_c, *weights = lstm_step_backward(dh[:, t] + dstate, dcell, cache[t])
        dcell = dcell + dprev_c
        steps.insert(0, (dx, *weights))
    dx, dWx, dWh, db = zip(*steps, strict=True)
    return np.stack(dx, axis=1), dstate, sum(dWx), sum(dWh), sum(db)
