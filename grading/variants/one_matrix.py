"""Input, state and a one side by side, times all weights in one matrix."""

import numpy as np

from deeplearning.rnn_layers import sigmoid


def _joined(x, prev_h, Wx, Wh, b):
    return np.hstack((x, prev_h, np.ones((len(x), 1), x.dtype))), np.vstack((Wx, Wh, b))


def _taken_apart(dz, dW, D):
    return dz[:, :D], dz[:, D:-1], dW[:D], dW[D:-1], dW[-1]


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    z, W = _joined(x, prev_h, Wx, Wh, b)
    next_h = np.tanh(z @ W)
    return next_h, (z, W, next_h, len(Wx))


def rnn_step_backward(dnext_h, cache):
    z, W, next_h, D = cache
    da = (1 - next_h) * (1 + next_h) * dnext_h
    return _taken_apart(da @ W.T, z.T @ da, D)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    z, W = _joined(x, prev_h, Wx, Wh, b)
    i, f, o, g = np.split(z @ W, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (z, W, prev_c, i, f, o, g, next_c, len(Wx))


def lstm_step_backward(dnext_h, dnext_c, cache):
    z, W, prev_c, i, f, o, g, next_c, D = cache
    dc = dnext_c + dnext_h * o / np.cosh(next_c) ** 2
    da = np.hstack(
        (
            dc * g * i * (1 - i),
            dc * prev_c * f * (1 - f),
            dnext_h * np.tanh(next_c) * o * (1 - o),
            dc * i * (1 - g * g),
        )
    )
    dx, dprev_h, dWx, dWh, db = _taken_apart(da @ W.T, z.T @ da, D)
    return dx, dprev_h, dc * f, dWx, dWh, db
