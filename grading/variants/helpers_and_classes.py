"""A class for each layer behind the functions, with helpers of its own."""

import numpy as np


class Tanh:
    def forward(self, a):
        self.value = np.tanh(a)
        return self.value

    def backward(self, d):
        return d * (1 - np.square(self.value))


class RNN:
    def __init__(self, Wx, Wh, b):
        self.weights, self.history = (Wx, Wh, b), []

    def step(self, x, h):
        Wx, Wh, b = self.weights
        tanh = Tanh()
        self.history.append((x, h, tanh))
        return tanh.forward(x @ Wx + h @ Wh + b)

    def step_back(self, dh, number=-1):
        Wx, Wh, _ = self.weights
        x, h, tanh = self.history[number]
        da = tanh.backward(dh)
        return da @ Wx.T, da @ Wh.T, x.T @ da, h.T @ da, np.sum(da, axis=0)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    network = RNN(Wx, Wh, b)
    return network.step(x, prev_h), network


def rnn_step_backward(dnext_h, cache):
    return cache.step_back(dnext_h)


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    network = RNN(Wx, Wh, b)
    h = [h0]
    for t in range(x.shape[1]):
        h.append(network.step(x[:, t], h[t]))
    return np.dstack(h[1:]).transpose(0, 2, 1), network


def rnn_backward(dh, cache):
    dx, dstate, total = (
        np.zeros((*dh.shape[:2], len(cache.weights[0])), dh.dtype),
        np.zeros_like(dh[:, 0]),
        None,
    )
    for t in range(dh.shape[1] - 1, -1, -1):
        dx[:, t], dstate, *now = cache.step_back(dh[:, t] + dstate, t)
        total = now if total is None else [old + new for old, new in zip(total, now, strict=True)]
    return dx, dstate, *total
