"""The four gates as an axis of their own, and the logistic function by its exponential."""

import numpy as np


def _logistic(a):
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + e), e / (1 + e))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    a = (x @ Wx + prev_h @ Wh + b).reshape(N, 4, H)
    gates = _logistic(a[:, :3])
    g = np.tanh(a[:, 3])
    next_c = gates[:, 1] * prev_c + gates[:, 0] * g
    next_h = gates[:, 2] * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, gates, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, gates, g, next_c = cache
    N, H = prev_h.shape
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * gates[:, 2] * (1 - tanh_c**2)
    da = np.empty((N, 4, H), x.dtype)
    da[:, :3] = np.stack((dc * g, dc * prev_c, dnext_h * tanh_c), axis=1) * gates * (1 - gates)
    da[:, 3] = dc * gates[:, 0] * (1 - g**2)
    da = da.reshape(N, 4 * H)
    return da @ Wx.T, da @ Wh.T, dc * gates[:, 1], x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    h, c, caches, states = h0, np.zeros_like(h0), {}, []
    for t in range(x.shape[1]):
        h, c, caches[t] = lstm_step_forward(x[:, t, :], h, c, Wx, Wh, b)
        states.append(h[:, None])
    return np.concatenate(states, axis=1), caches


def lstm_backward(dh, cache):
    T = dh.shape[1]
    dnext_h, dnext_c = dh[:, T - 1], np.zeros_like(dh[:, 0])
    parts = []
    for t in range(T - 1, -1, -1):
        dx, dprev_h, dnext_c, *weights = lstm_step_backward(dnext_h, dnext_c, cache[t])
        parts.insert(0, (dx, *weights))
        dnext_h = dprev_h + dh[:, t - 1] if t else dprev_h
    dx, dWx, dWh, db = zip(*parts, strict=True)
    return np.stack(dx, axis=1), dnext_h, sum(dWx), sum(dWh), sum(db)
