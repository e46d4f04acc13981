"""Results written into arrays made once, by `out=` and in place; only arrays of its own."""

import numpy as np

from deeplearning.rnn_layers import sigmoid


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.empty_like(prev_h)
    np.matmul(x, Wx, out=next_h)
    next_h += prev_h @ Wh
    next_h += b
    np.tanh(next_h, out=next_h)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = next_h**2
    np.subtract(1, da, out=da)
    da *= dnext_h
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(0)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_c.shape[1]
    gates = x @ Wx
    gates += prev_h @ Wh
    gates += b
    gates[:, : 3 * H] = sigmoid(gates[:, : 3 * H])
    np.tanh(gates[:, 3 * H :], out=gates[:, 3 * H :])
    next_c = gates[:, H : 2 * H] * prev_c
    next_c += gates[:, :H] * gates[:, 3 * H :]
    next_h = np.tanh(next_c)
    next_h *= gates[:, 2 * H : 3 * H]
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, gates, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, gates, next_c = cache
    H = prev_c.shape[1]
    i, f, o, g = (gates[:, k * H : (k + 1) * H] for k in range(4))
    da = np.ones_like(gates)
    da[:, : 3 * H] = gates[:, : 3 * H] * (1 - gates[:, : 3 * H])
    da[:, 3 * H :] -= g**2
    tanh_c = np.tanh(next_c)
    dc = dnext_c.copy()
    dc += dnext_h * o * (1 - tanh_c**2)
    da[:, :H] *= dc * g
    da[:, H : 2 * H] *= dc * prev_c
    da[:, 2 * H : 3 * H] *= dnext_h * tanh_c
    da[:, 3 * H :] *= dc * i
    dc *= f
    return da @ Wx.T, da @ Wh.T, dc, x.T @ da, prev_h.T @ da, da.sum(0)


def word_embedding_forward(x, W):
    out = np.empty((*x.shape, W.shape[1]), W.dtype)
    np.take(W, x, axis=0, out=out)
    return out, (x.copy(), np.zeros_like(W))


def word_embedding_backward(dout, cache):
    x, zeros = cache
    dW = zeros.copy()
    order = np.argsort(x, axis=None, kind="stable")
    words, starts = np.unique(x.ravel()[order], return_index=True)
    dW[words] = np.add.reduceat(dout.reshape(-1, dout.shape[-1])[order], starts, axis=0)
    return dW
