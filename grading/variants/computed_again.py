"""Caches hold only the arguments; the backward passes compute the rest again."""

import numpy as np

from grading.variants import plain


def rnn_step_forward(*args):
    return plain.rnn_step_forward(*args)[0], args


def rnn_step_backward(dnext_h, cache):
    return plain.rnn_step_backward(dnext_h, plain.rnn_step_forward(*cache)[1])


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    h = np.empty((*x.shape[:2], h0.shape[1]), x.dtype)
    for t in range(x.shape[1]):
        h[:, t] = np.tanh(x[:, t] @ Wx + (h[:, t - 1] if t else h0) @ Wh + b)
    return h, (x, h0, Wx, Wh, b)


def rnn_backward(dh, cache):
    return plain.rnn_backward(dh, plain.rnn_forward(*cache)[1])


def lstm_step_forward(*args):
    return *plain.lstm_step_forward(*args)[:2], args


def lstm_step_backward(dnext_h, dnext_c, cache):
    return plain.lstm_step_backward(dnext_h, dnext_c, plain.lstm_step_forward(*cache)[2])


def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    h, c, states = h0, np.zeros_like(h0), []
    for t in range(x.shape[1]):
        h, c, _ = plain.lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        states += [h]
    return np.stack(states, 1), (x, h0, Wx, Wh, b)


def lstm_backward(dh, cache):
    return plain.lstm_backward(dh, plain.lstm_forward(*cache)[1])
