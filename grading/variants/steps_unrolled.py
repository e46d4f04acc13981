"""Backpropagation through time written out for every pair of steps: each loss term is
backpropagated separately.
"""

import numpy as np

from grading.variants import plain


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    return plain.rnn_forward(x, h0, Wx, Wh, b)


def rnn_backward(dh, cache):
    T, total = dh.shape[1], None
    for last in range(T):  # the loss term of this step
        alone = np.zeros_like(dh[:, : last + 1])
        alone[:, last] = dh[:, last]
        dx, *others = plain.rnn_backward(alone, cache[: last + 1])
        dx = np.concatenate((dx, np.zeros_like(dx[:, :1]).repeat(T - 1 - last, axis=1)), axis=1)
        total = (
            [a + b for a, b in zip(total, (dx, *others), strict=True)] if total else [dx, *others]
        )
    return tuple(total)


def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    return plain.lstm_forward(x, h0, Wx, Wh, b)


def lstm_backward(dh, cache):
    T, total = dh.shape[1], None
    for last in range(T):
        alone = np.zeros_like(dh[:, : last + 1])
        alone[:, last] = dh[:, last]
        dx, *others = plain.lstm_backward(alone, cache[: last + 1])
        dx = np.concatenate((dx, np.zeros_like(dx[:, :1]).repeat(T - 1 - last, axis=1)), axis=1)
        total = (
            [a + b for a, b in zip(total, (dx, *others), strict=True)] if total else [dx, *others]
        )
    return tuple(total)
