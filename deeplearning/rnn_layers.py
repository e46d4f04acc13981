"""Layers with a memory: a vanilla RNN and an LSTM, each for one step and for a whole sequence, and
the word embedding that feeds them.

Letters: N batch, T time steps, D input, H hidden, V vocabulary, and P the rows of all time steps
that are computed. A capital W is a weight matrix, a
is the input of a nonlinearity, and a leading d marks the gradient of the loss with respect to the
variable named after it.

    RNN     a  = x Wx + prev_h Wh + b                       next_h = tanh(a)

    LSTM    a  = x Wx + prev_h Wh + b, split into four blocks of H columns, in the order i, f, o, g
            i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)     input, forget and output gate
            g       = tanh(a_g)                                    candidate
            next_c  = f * prev_c + i * g                           cell state
            next_h  = o * tanh(next_c)                             hidden state

Every function raises ValueError if a shape or dtype does not fit.

Sources: Elman, "Finding structure in time", 1990; Hochreiter and Schmidhuber, "Long short-term
memory", 1997, with the forget gate of Gers, Schmidhuber and Cummins, "Learning to forget", 2000;
for backpropagation through time, Werbos, "Backpropagation through time: what it does and how to do
it", 1990.
"""

import numpy as np

from deeplearning.checks import check_indices, check_upstream, takes
from deeplearning.layers import (  # the course expects these here
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
)


def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)), without overflow warnings for any x.

    Inputs:
    - x: Array of any shape

    Returns: array of the same shape, and of the same dtype if that is a floating-point one
    """
    with np.errstate(over="ignore"):  # exp(1000) is infinite, and 1 / inf is 0, as it should be
        return 1 / (1 + np.exp(-x))


@takes(x="N D", prev_h="N H", Wx="D H", Wh="H H", b="H")
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """One time step of a vanilla RNN.

    Inputs:
    - x: Input at this step, of shape (N, D)
    - prev_h: Hidden state before the step, of shape (N, H)
    - Wx: Weights from input to hidden, of shape (D, H)
    - Wh: Weights from hidden to hidden, of shape (H, H)
    - b: Biases, of shape (H,)

    Returns a tuple of:
    - next_h: Hidden state after the step, of shape (N, H)
    - cache: Values that the backward pass needs
    """
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)  # (N, H)
    cache = x, prev_h, Wx, Wh, next_h
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    """Backward pass of `rnn_step_forward`.

    Inputs:
    - dnext_h: Gradient with respect to next_h, of shape (N, H)
    - cache: From `rnn_step_forward`

    Returns a tuple of gradients with respect to:
    - dx: Input, of shape (N, D)
    - dprev_h: Previous hidden state, of shape (N, H)
    - dWx: Weights from input to hidden, of shape (D, H)
    - dWh: Weights from hidden to hidden, of shape (H, H)
    - db: Biases, of shape (H,)
    """
    x, prev_h, Wx, Wh, next_h = cache
    check_upstream("dnext_h", dnext_h, next_h.shape)
    da = dnext_h * (1 - next_h**2)  # (N, H)
    dx = da @ Wx.T  # (N, D)
    dprev_h = da @ Wh.T  # (N, H)
    dWx = x.T @ da  # (D, H)
    dWh = prev_h.T @ da  # (H, H)
    db = da.sum(axis=0)  # (H,)
    return dx, dprev_h, dWx, dWh, db


@takes(x="N T D", h0="N H", Wx="D H", Wh="H H", b="H", lengths="int N")
def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    """A vanilla RNN over whole sequences.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to hidden, of shape (D, H)
    - Wh: Weights from hidden to hidden, of shape (H, H)
    - b: Biases, of shape (H,)
    - lengths: None, or the number of steps that count in each sequence, ints of shape (N,), longest
      first. The results of later steps are never used, so you may ignore this and run all T steps.

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: Values that the backward pass needs
    """
    N, T, D = x.shape
    live, steps = _plan(lengths, N, T)
    rows = x.swapaxes(0, 1)[live]  # (P, D), time first
    a = rows @ Wx + b  # (P, H), the input terms of all steps in one product
    h = np.empty(a.shape, np.result_type(a, h0, Wh))
    prev_h = np.empty_like(h)
    next_h = h0
    for n, t in steps:
        prev_h[t] = next_h[:n]
        next_h = np.tanh(a[t] + prev_h[t] @ Wh, out=h[t])  # (n, H)
    cache = rows, prev_h, Wx, Wh, h, live, steps
    return _padded(h, live), cache


def rnn_backward(dh, cache):
    """Backward pass of `rnn_forward`: backpropagation through time.

    Inputs:
    - dh: Gradient of the loss with respect to each hidden state, of shape (N, T, H), counting only
      the loss's direct use of that state. What flows back from later steps is added here.
    - cache: From `rnn_forward`

    Returns a tuple of gradients with respect to:
    - dx: Inputs, of shape (N, T, D)
    - dh0: Initial hidden state, of shape (N, H)
    - dWx: Weights from input to hidden, of shape (D, H)
    - dWh: Weights from hidden to hidden, of shape (H, H)
    - db: Biases, of shape (H,)
    """
    rows, prev_h, Wx, Wh, h, live, steps = cache
    T, N = live.shape
    H = len(Wh)
    check_upstream("dh", dh, (N, T, H))
    dh = dh.swapaxes(0, 1)[live]  # (P, H), without what flows back from later steps
    da = np.empty(h.shape, np.result_type(dh, h))
    dprev_h = np.zeros((N, H), da.dtype)
    for n, t in reversed(steps):
        dnext_h = dh[t] + dprev_h[:n]  # (n, H)
        da[t] = dnext_h * (1 - h[t] ** 2)
        dprev_h[:n] = da[t] @ Wh.T
    dx = _padded(da @ Wx.T, live)  # (N, T, D)
    dh0 = dprev_h
    dWx = rows.T @ da  # (D, H), one product for all time steps
    dWh = prev_h.T @ da  # (H, H)
    db = da.sum(axis=0)  # (H,)
    return dx, dh0, dWx, dWh, db


def _plan(lengths, N, T):
    """How to run the sequences of a minibatch in parallel, longest first.

    Once a sequence has ended, its row is no longer computed. The P rows that are computed are
    stacked with time first, so that each step is one block of memory.

    Returns a tuple of:
    - live: Which sequences are still running at each step, bool of shape (T, N)
    - steps: For each step, the number n of these sequences and the slice t of their rows
    """
    if lengths is None:
        lengths = np.full(N, T)
    if lengths.size and (lengths[0] > T or lengths[-1] < 0 or (lengths[1:] > lengths[:-1]).any()):
        raise ValueError(f"lengths must fall from at most T = {T} to at least 0, got {lengths}")
    live = lengths > np.arange(T)[:, None]
    counts = live.sum(axis=1).tolist()
    ends = np.cumsum(counts).tolist()
    steps = [(n, slice(end - n, end)) for n, end in zip(counts, ends, strict=True)]
    return live, steps


def _padded(rows, live):
    """The computed rows (P, K) put in their places in an array (N, T, K), with zeros elsewhere."""
    T, N = live.shape
    out = np.zeros((T, N, rows.shape[1]), rows.dtype)
    out[live] = rows
    return out.swapaxes(0, 1)


@takes(W="V D")
def word_embedding_forward(x, W):
    """Look up words in a table of word vectors.

    Inputs:
    - x: Words as indices, integers of shape (N, T) with 0 <= x < V
    - W: Word vectors, of shape (V, D)

    Returns a tuple of:
    - out: Word vectors of the words in x, of shape (N, T, D)
    - cache: Values that the backward pass needs

    Raises ValueError for indices that are not integers or are outside the vocabulary.
    """
    V, D = W.shape
    check_indices("x", x, V, f"the vocabulary of {V} words")
    out = W[x]  # (N, T, D)
    cache = x, W.shape
    return out, cache


def word_embedding_backward(dout, cache):
    """Backward pass of `word_embedding_forward`. The gradients of a repeated word are summed.

    Inputs:
    - dout: Upstream gradient, of shape (N, T, D)
    - cache: From `word_embedding_forward`

    Returns:
    - dW: Gradient with respect to the word vectors, of shape (V, D)
    """
    x, (V, D) = cache
    check_upstream("dout", dout, (*x.shape, D))
    order = np.argsort(x, axis=None)  # equal words next to each other, so that runs can be summed
    words, starts = np.unique(x.ravel()[order], return_index=True)
    dW = np.zeros((V, D), dout.dtype)
    dW[words] = np.add.reduceat(dout.reshape(-1, D)[order], starts)
    return dW


def _lstm_cell(a, prev_c):
    """The gates: from a (N, 4H) and prev_c (N, H) to next_h, next_c and a cache."""
    N, H = prev_c.shape
    a_i, a_f, a_o, a_g = a.reshape(N, 4, H).swapaxes(0, 1)  # (N, H) each
    i = sigmoid(a_i)
    f = sigmoid(a_f)
    o = sigmoid(a_o)
    g = np.tanh(a_g)
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    next_h = o * tanh_c
    cache = prev_c, i, f, o, g, tanh_c
    return next_h, next_c, cache


def _lstm_cell_backward(dnext_h, dnext_c, cache):
    """From the gradients of both states (N, H) to da (N, 4H) and dprev_c (N, H)."""
    prev_c, i, f, o, g, tanh_c = cache
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)  # next_c also affects the loss through next_h
    da_i = dc * g * i * (1 - i)  # sigmoid' = sigmoid (1 - sigmoid)
    da_f = dc * prev_c * f * (1 - f)
    da_o = dnext_h * tanh_c * o * (1 - o)
    da_g = dc * i * (1 - g**2)  # tanh' = 1 - tanh^2
    da = np.concatenate((da_i, da_f, da_o, da_g), axis=1)  # (N, 4H)
    dprev_c = dc * f
    return da, dprev_c


@takes(x="N D", prev_h="N H", prev_c="N H", Wx="D 4H", Wh="H 4H", b="4H")
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """One time step of an LSTM, with the gates in the order i, f, o, g.

    Inputs:
    - x: Input at this step, of shape (N, D)
    - prev_h: Hidden state before the step, of shape (N, H)
    - prev_c: Cell state before the step, of shape (N, H)
    - Wx: Weights from input to gates, of shape (D, 4H)
    - Wh: Weights from hidden to gates, of shape (H, 4H)
    - b: Biases, of shape (4H,)

    Returns a tuple of:
    - next_h: Hidden state after the step, of shape (N, H)
    - next_c: Cell state after the step, of shape (N, H)
    - cache: Values that the backward pass needs
    """
    a = x @ Wx + prev_h @ Wh + b  # (N, 4H)
    next_h, next_c, cell = _lstm_cell(a, prev_c)
    cache = x, prev_h, Wx, Wh, cell
    return next_h, next_c, cache


def lstm_step_backward(dnext_h, dnext_c, cache):
    """Backward pass of `lstm_step_forward`.

    Inputs:
    - dnext_h: Gradient with respect to next_h, of shape (N, H)
    - dnext_c: Gradient with respect to next_c from the steps after this one, of shape (N, H)
    - cache: From `lstm_step_forward`

    Returns a tuple of gradients with respect to:
    - dx: Input, of shape (N, D)
    - dprev_h: Previous hidden state, of shape (N, H)
    - dprev_c: Previous cell state, of shape (N, H)
    - dWx: Weights from input to gates, of shape (D, 4H)
    - dWh: Weights from hidden to gates, of shape (H, 4H)
    - db: Biases, of shape (4H,)
    """
    x, prev_h, Wx, Wh, cell = cache
    check_upstream("dnext_h", dnext_h, prev_h.shape)
    check_upstream("dnext_c", dnext_c, prev_h.shape)
    da, dprev_c = _lstm_cell_backward(dnext_h, dnext_c, cell)
    dx = da @ Wx.T  # (N, D)
    dprev_h = da @ Wh.T  # (N, H)
    dWx = x.T @ da  # (D, 4H)
    dWh = prev_h.T @ da  # (H, 4H)
    db = da.sum(axis=0)  # (4H,)
    return dx, dprev_h, dprev_c, dWx, dWh, db


@takes(x="N T D", h0="N H", Wx="D 4H", Wh="H 4H", b="4H", lengths="int N")
def lstm_forward(x, h0, Wx, Wh, b, lengths=None):
    """An LSTM over whole sequences, with the cell state starting at zero.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to gates, of shape (D, 4H)
    - Wh: Weights from hidden to gates, of shape (H, 4H)
    - b: Biases, of shape (4H,)
    - lengths: None, or the number of steps that count in each sequence, ints of shape (N,), longest
      first. The results of later steps are never used, so you may ignore this and run all T steps.

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: Values that the backward pass needs
    """
    N, T, D = x.shape
    live, steps = _plan(lengths, N, T)
    rows = x.swapaxes(0, 1)[live]  # (P, D), time first
    a = rows @ Wx + b  # (P, 4H), the input terms of all steps in one product
    h = np.empty((len(rows), len(Wh)), np.result_type(a, h0, Wh))
    prev_h = np.empty_like(h)
    next_h = h0
    next_c = np.zeros_like(h0)
    cells = []
    for n, t in steps:
        prev_h[t] = next_h[:n]
        next_h, next_c, cell = _lstm_cell(a[t] + prev_h[t] @ Wh, next_c[:n])  # (n, H) each
        h[t] = next_h
        cells.append(cell)
    cache = rows, prev_h, Wx, Wh, cells, live, steps
    return _padded(h, live), cache


def lstm_backward(dh, cache):
    """Backward pass of `lstm_forward`: backpropagation through time along both states.

    Inputs:
    - dh: Gradient of the loss with respect to each hidden state, of shape (N, T, H), counting only
      the loss's direct use of that state. What flows back from later steps is added here.
    - cache: From `lstm_forward`

    Returns a tuple of gradients with respect to:
    - dx: Inputs, of shape (N, T, D)
    - dh0: Initial hidden state, of shape (N, H)
    - dWx: Weights from input to gates, of shape (D, 4H)
    - dWh: Weights from hidden to gates, of shape (H, 4H)
    - db: Biases, of shape (4H,)
    """
    rows, prev_h, Wx, Wh, cells, live, steps = cache
    T, N = live.shape
    H = len(Wh)
    check_upstream("dh", dh, (N, T, H))
    dh = dh.swapaxes(0, 1)[live]  # (P, H), without what flows back from later steps
    da = np.empty((len(rows), 4 * H), np.result_type(dh, prev_h))
    dprev_h = np.zeros((N, H), da.dtype)
    dprev_c = np.zeros((N, H), da.dtype)
    for (n, t), cell in zip(reversed(steps), reversed(cells), strict=True):
        dnext_h = dh[t] + dprev_h[:n]  # (n, H)
        da[t], dprev_c[:n] = _lstm_cell_backward(dnext_h, dprev_c[:n], cell)
        dprev_h[:n] = da[t] @ Wh.T
    dx = _padded(da @ Wx.T, live)  # (N, T, D)
    dh0 = dprev_h
    dWx = rows.T @ da  # (D, 4H), one product for all time steps
    dWh = prev_h.T @ da  # (H, 4H)
    db = da.sum(axis=0)  # (4H,)
    return dx, dh0, dWx, dWh, db
