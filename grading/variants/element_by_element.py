"""Loops over everything, one number at a time."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    (N, D), H = x.shape, len(b)
    a = np.zeros((N, H), x.dtype)
    for n, h in np.ndindex(N, H):
        a[n, h] = b[h]
        for d in range(D):
            a[n, h] += x[n, d] * Wx[d, h]
        for k in range(H):
            a[n, h] += prev_h[n, k] * Wh[k, h]
    return np.tanh(a), (x, prev_h, Wx, Wh, a)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, a = cache
    dx, dprev_h, dWx, dWh = (np.zeros_like(array) for array in (x, prev_h, Wx, Wh))
    db = np.zeros(len(Wh), x.dtype)
    for n, h in np.ndindex(a.shape):
        da = dnext_h[n, h] / np.cosh(a[n, h]) ** 2
        db[h] += da
        for d in range(len(Wx)):
            dx[n, d] += da * Wx[d, h]
            dWx[d, h] += da * x[n, d]
        for k in range(len(Wh)):
            dprev_h[n, k] += da * Wh[k, h]
            dWh[k, h] += da * prev_h[n, k]
    return dx, dprev_h, dWx, dWh, db


def word_embedding_forward(x, W):
    out = np.zeros(x.shape + W[0].shape, W.dtype)
    for place in np.ndindex(x.shape):
        for d in range(W.shape[1]):
            out[(*place, d)] = W[x[place], d]
    return out, (x, W.shape)


def word_embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape, dout.dtype)
    for n, t, d in np.ndindex(dout.shape):
        dW[x[n, t], d] = dW[x[n, t], d] + dout[n, t, d]
    return dW
