"""Caches that are dictionaries, objects and functions."""

from types import SimpleNamespace

import numpy as np

from deeplearning.rnn_layers import sigmoid


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    out = np.tanh(x @ Wx + prev_h @ Wh + b)
    return out, {
        "x": x,
        "prev_h": prev_h,
        "Wx": Wx,
        "Wh": Wh,
        "slope": 1 - out**2,
        "note": "1 - tanh^2",
    }


def rnn_step_backward(dnext_h, cache):
    da = cache["slope"] * dnext_h
    return [
        da.dot(cache["Wx"].T), da.dot(cache["Wh"].T),
        cache["x"].T.dot(da), cache["prev_h"].T.dot(da),
        np.sum(da, 0),
    ]  # fmt: skip


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    s = SimpleNamespace(**locals())
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    s.i, s.f, s.o = (sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3))
    s.g = np.tanh(a[:, -H:])
    s.c = s.f * prev_c + s.i * s.g
    s.tanh_c = np.tanh(s.c)
    return s.o * s.tanh_c, s.c, s


def lstm_step_backward(dnext_h, dnext_c, cache):
    s = cache
    dc = dnext_c + dnext_h * s.o * (1 - s.tanh_c * s.tanh_c)
    da = np.concatenate(
        [dc * s.g * s.i * (1 - s.i), dc * s.prev_c * s.f * (1 - s.f),
         dnext_h * s.tanh_c * s.o * (1 - s.o),
         dc * s.i * (1 - s.g * s.g)], 1,
    )  # fmt: skip
    return da @ s.Wx.T, da @ s.Wh.T, dc * s.f, s.x.T @ da, s.prev_h.T @ da, da.sum(0)


def word_embedding_forward(x, W):
    def backward(dout):
        dW = np.zeros_like(W)
        for n, t in np.ndindex(x.shape):
            dW[x[n, t]] += dout[n, t]
        return dW

    return np.stack([W[row] for row in x]), backward


def word_embedding_backward(dout, cache):
    return cache(dout)
