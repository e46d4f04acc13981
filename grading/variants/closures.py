"""Caches that are functions: a forward step returns its own backward step. Loops over time by
recursion and by a generator.
"""

import numpy as np

from deeplearning.rnn_layers import sigmoid


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    rows = np.hstack([x, prev_h, np.ones((len(x), 1), x.dtype)])
    next_h = np.tanh(rows @ np.vstack([Wx, Wh, b[None]]))

    def backward(dnext_h):
        da = dnext_h * (1 - next_h) * (1 + next_h)
        return da.dot(Wx.T), da.dot(Wh.T), x.T.dot(da), prev_h.T.dot(da), da.sum(0)

    return next_h, backward


def rnn_step_backward(dnext_h, cache):
    return cache(dnext_h)


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    def from_step(t, state):
        if t == x.shape[1]:
            return [], []
        state, cache = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        states, caches = from_step(t + 1, state)
        return [state, *states], [cache, *caches]

    states, caches = from_step(0, h0)
    return np.stack(states, axis=1), caches


def rnn_backward(dh, cache):
    dstate, dxs, total = np.zeros_like(dh[:, 0]), [], None
    for dh_t, backward in zip(np.moveaxis(dh, 1, 0)[::-1], cache[::-1], strict=True):
        dx, dstate, *weights = backward(dh_t + dstate)
        dxs.append(dx)
        total = [a + b for a, b in zip(total, weights, strict=True)] if total else weights
    return np.stack(dxs[::-1], axis=1), dstate, *total


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    functions = [sigmoid, sigmoid, sigmoid, np.tanh]
    parts = zip(functions, np.hsplit(Wx, 4), np.hsplit(Wh, 4), np.split(b, 4), strict=True)
    i, f, o, g = [fn(x @ wx + prev_h @ wh + bias) for fn, wx, wh, bias in parts]
    next_c = f * prev_c + i * g

    def backward(dnext_h, dnext_c):
        tanh_c = np.tanh(next_c)
        dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
        slopes = i - i**2, f - f**2, o - o**2, 1 - g**2
        arriving = dc * g, dc * prev_c, dnext_h * tanh_c, dc * i
        da = np.hstack([slope * d for slope, d in zip(slopes, arriving, strict=True)])
        return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0)

    return o * np.tanh(next_c), next_c, backward


def lstm_step_backward(dnext_h, dnext_c, cache):
    return cache(dnext_h, dnext_c)


def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    def steps():
        h, c = h0, np.zeros(h0.shape, h0.dtype)
        for x_t in x.swapaxes(0, 1):
            h, c, cache = lstm_step_forward(x_t, h, c, Wx, Wh, b)
            yield h, cache

    states, caches = zip(*steps(), strict=True)
    return np.moveaxis(np.array(states), 0, 1), list(caches)


def lstm_backward(dh, cache):
    dh_t, dc_t, dxs, weights, left = 0, np.zeros_like(dh[:, 0]), [], [], list(cache)
    while left:
        dx, dh_t, dc_t, *own = left.pop()(dh[:, len(left)] + dh_t, dc_t)
        dxs.insert(0, dx)
        weights.append(own)
    return np.stack(dxs, axis=1), dh_t, *(sum(each) for each in zip(*weights, strict=True))
