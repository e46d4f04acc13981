"""Time is the first axis inside; returned and cached arrays are views with the axes exchanged."""

import numpy as np

from deeplearning.rnn_layers import sigmoid


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    a = x.swapaxes(0, 1) @ Wx + b  # (T, N, H)
    states = np.empty((len(a) + 1, *h0.shape), x.dtype)
    states[0] = h0
    for t in range(len(a)):
        np.tanh(a[t] + states[t] @ Wh, out=states[t + 1])
    return states[1:].swapaxes(0, 1), (x.swapaxes(0, 1), states[:-1], states[1:], Wx, Wh)


def rnn_backward(dh, cache):
    x, prev_h, h, Wx, Wh = cache
    da, dstate = np.empty_like(h), np.zeros_like(h[0])
    for t in range(len(h))[::-1]:
        da[t] = (dh[:, t] + dstate) * (1 - h[t] ** 2)
        dstate = da[t] @ Wh.T
    dWx = np.tensordot(x, da, axes=((0, 1), (0, 1)))
    dWh = np.tensordot(prev_h, da, axes=((0, 1), (0, 1)))
    return (da @ Wx.T).swapaxes(0, 1), dstate, dWx, dWh, da.sum(axis=(0, 1))


def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    T, H = x.shape[1], h0.shape[1]
    a = x.transpose(1, 0, 2) @ Wx + b  # (T, N, 4H)
    h, c = [h0], [np.zeros_like(h0)]
    for t in range(T):
        a[t] += h[-1] @ Wh
        a[t, :, : 3 * H] = sigmoid(a[t, :, : 3 * H])
        a[t, :, 3 * H :] = np.tanh(a[t, :, 3 * H :])
        i, f, o, g = a[t].reshape(-1, 4, H).transpose(1, 0, 2)
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
    return np.array(h[1:]).transpose(1, 0, 2), (x, h, c, a, Wx, Wh)


def lstm_backward(dh, cache):
    x, h, c, gates, Wx, Wh = cache
    T, H = x.shape[1], dh.shape[2]
    da, dstate, dcell = np.empty_like(gates), np.zeros_like(h[0]), np.zeros_like(h[0])
    for t in range(T)[::-1]:
        i, f, o, g = np.split(gates[t], 4, axis=1)
        tanh_c = np.tanh(c[t + 1])
        dnow = dh[:, t] + dstate
        dcell = dcell + dnow * o * (1 - tanh_c**2)
        blocks = da[t].reshape(-1, 4, H)
        blocks[:, 0], blocks[:, 1] = dcell * g * i * (1 - i), dcell * c[t] * f * (1 - f)
        blocks[:, 2], blocks[:, 3] = dnow * tanh_c * o * (1 - o), dcell * i * (1 - g**2)
        dstate, dcell = da[t] @ Wh.T, dcell * f
    dWx = np.tensordot(x.transpose(1, 0, 2), da, axes=([0, 1], [0, 1]))
    dWh = np.tensordot(np.array(h[:-1]), da, axes=([0, 1], [0, 1]))
    return (da @ Wx.T).transpose(1, 0, 2), dstate, dWx, dWh, da.sum(axis=(0, 1))
