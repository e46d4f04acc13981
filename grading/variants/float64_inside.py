"""Everything computed in float64, and rounded to the arguments' precision at the end."""

import numpy as np

from grading.variants import plain


def _exact(*arrays):
    return [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]


def _rounded(arrays, dtype):
    return tuple(a.astype(dtype) for a in arrays)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h, cache = plain.rnn_step_forward(*_exact(x, prev_h, Wx, Wh, b))
    return next_h.astype(x.dtype), cache


def rnn_step_backward(dnext_h, cache):
    return _rounded(plain.rnn_step_backward(dnext_h.astype(np.float64), cache), dnext_h.dtype)


def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    h, cache = plain.rnn_forward(*_exact(x, h0, Wx, Wh, b))
    return h.astype(x.dtype), cache


def rnn_backward(dh, cache):
    return _rounded(plain.rnn_backward(dh.astype(np.float64), cache), dh.dtype)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    next_h, next_c, cache = plain.lstm_step_forward(*_exact(x, prev_h, prev_c, Wx, Wh, b))
    return next_h.astype(x.dtype), next_c.astype(x.dtype), cache


def lstm_step_backward(dnext_h, dnext_c, cache):
    return _rounded(plain.lstm_step_backward(*_exact(dnext_h, dnext_c), cache), dnext_h.dtype)


def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    h, cache = plain.lstm_forward(*_exact(x, h0, Wx, Wh, b))
    return h.astype(x.dtype), cache


def lstm_backward(dh, cache):
    return _rounded(plain.lstm_backward(dh.astype(np.float64), cache), dh.dtype)


def word_embedding_backward(dout, cache):
    return plain.word_embedding_backward(dout.astype(np.float64), cache).astype(dout.dtype)


def tv_loss(img, tv_weight):
    wide = img.double()
    rows, columns = wide[:, :, 1:] - wide[:, :, :-1], wide[..., 1:] - wide[..., :-1]
    return (tv_weight * ((rows * rows).sum() + (columns * columns).sum())).to(img.dtype)
