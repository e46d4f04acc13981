"""NumPy as it was written ten years ago."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    cache = {}
    affine = np.dot(x, Wx) + np.dot(prev_h, Wh) + np.tile(b, (x.shape[0], 1))
    e, f = np.exp(affine), np.exp(-affine)
    next_h = (e - f) / (e + f)
    cache["all"] = x, prev_h, Wx, Wh, b, next_h
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, b, next_h = cache["all"]
    dtanh = np.multiply(np.ones(next_h.shape, dtype=next_h.dtype) - np.square(next_h), dnext_h)
    dWx, dWh = np.zeros(Wx.shape, dtype=Wx.dtype), np.zeros(Wh.shape, dtype=Wh.dtype)
    for n in range(x.shape[0]):
        dWx = dWx + np.outer(x[n, :], dtanh[n, :])
        dWh = dWh + np.outer(prev_h[n, :], dtanh[n, :])
    return (
        np.dot(dtanh, Wx.T),
        np.dot(dtanh, np.transpose(Wh)),
        dWx,
        dWh,
        np.add.reduce(dtanh, axis=0),
    )


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    h, cache = [], []
    for xt in np.rollaxis(x, 1):
        ht, ct = rnn_step_forward(xt, h[-1] if h else h0, Wx, Wh, b)
        h.append(ht)
        cache.append(ct)
    return np.rollaxis(np.asarray(h), 1, 0).copy(order="F"), cache


def rnn_backward(dh, cache):
    gradients, dprev = None, 0 * dh[:, 0]
    dx = [None] * len(cache)
    for t in range(len(cache))[::-1]:
        dx[t], dprev, dWx, dWh, db = rnn_step_backward(dh[:, t, :] + dprev, cache[t])
        now = [dWx, dWh, db]
        gradients = (
            now if gradients is None else [a + b for a, b in zip(gradients, now, strict=True)]
        )
    return (np.array(dx).transpose((1, 0, 2)), dprev, *gradients)


def word_embedding_forward(x, W):
    return np.take(W, x, axis=0), (x, W.shape)


def word_embedding_backward(dout, cache):
    x, (V, D) = cache
    flat = dout.reshape(-1, D)
    columns = [np.bincount(x.ravel(), weights=flat[:, d], minlength=V) for d in range(D)]
    return np.array(columns).T.astype(dout.dtype)
