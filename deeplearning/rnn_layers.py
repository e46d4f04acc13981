"""Layers with a memory: vanilla RNN and LSTM, by step and by sequence, and the word embedding that
feeds them.

Letters: N batch, T time steps, D input, H hidden, V vocabulary. A capital W is a matrix of weights,
a is what goes into a nonlinearity, and a leading d marks the gradient of the loss with respect to
what follows.

    RNN     a  = x Wx + prev_h Wh + b                       next_h = tanh(a)

    LSTM    a  = x Wx + prev_h Wh + b, cut into four blocks of H columns, in the order i, f, o, g
            i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)     input, forget and output gate
            g       = tanh(a_g)                                    candidate
            next_c  = f * prev_c + i * g                           cell state
            next_h  = o * tanh(next_c)                             hidden state

Sources: Elman, "Finding structure in time", 1990; Hochreiter and Schmidhuber, "Long short-term
memory", 1997, with the forget gate of Gers, Schmidhuber and Cummins, "Learning to forget", 2000;
backpropagation through time after Werbos, "Backpropagation through time: what it does and how to do
it", 1990.
"""

import numpy as np

from deeplearning.layers import check_indices, check_shapes, check_upstream
from deeplearning.layers import (
    temporal_affine_backward as temporal_affine_backward,
)  # found here, too
from deeplearning.layers import temporal_affine_forward as temporal_affine_forward
from deeplearning.layers import temporal_softmax_loss as temporal_softmax_loss
from deeplearning.packing import Packing, sum_groups


def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)), through tanh, which cannot overflow.

    Inputs:
    - x: Array of any shape

    Returns: array of the same shape, and of the same dtype where that is a floating-point one
    """
    return 0.5 * np.tanh(0.5 * x) + 0.5


def _rnn_cell_backward(dnext_h, next_h):
    """From the gradient of the state to da, (N, H): tanh' = 1 - tanh^2."""
    return dnext_h * (1 - next_h**2)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """One time step of a vanilla RNN: next_h = tanh(x Wx + prev_h Wh + b).

    Inputs:
    - x: Input at this step, of shape (N, D)
    - prev_h: Hidden state before the step, of shape (N, H)
    - Wx: Weights from input to hidden, of shape (D, H)
    - Wh: Weights from hidden to hidden, of shape (H, H)
    - b: Biases, of shape (H,)

    Returns a tuple of:
    - next_h: Hidden state after the step, of shape (N, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    check_shapes(x=(x, "N D"), prev_h=(prev_h, "N H"), Wx=(Wx, "D H"), Wh=(Wh, "H H"), b=(b, "H"))
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
    check_shapes(next_h=(next_h, "N H"), dnext_h=(dnext_h, "N H"))
    da = _rnn_cell_backward(dnext_h, next_h)  # (N, H)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b, mask=None, words=None):
    """A vanilla RNN over whole sequences.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to hidden, of shape (D, H)
    - Wh: Weights from hidden to hidden, of shape (H, H)
    - b: Biases, of shape (H,)
    - mask, words: None; they only save work, and may be ignored. mask, bool of shape (N, T): the
      steps after a sequence's last True are left out, and h is zero there. words, ints of shape (N,
      T): where they are equal, x is, so x Wx is computed once, and the backward pass returns the
      sum of their dx at the first, zero at the others

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, H = check_shapes(
        x=(x, "N T D"), h0=(h0, "N H"), Wx=(Wx, "D H"), Wh=(Wh, "H H"), b=(b, "H")
    )
    packing = Packing(N, T, mask, words)
    inputs = packing.distinct(x)  # (U, D)
    a = packing.repeat(inputs @ Wx + b)  # (P, H), for all steps at once
    states = np.concatenate((h0[packing.order], a), dtype=np.result_type(a, h0, Wh))  # (N + P, H)
    next_h = states[N:]  # a until the loop has been there
    for before, step in packing.steps:
        next_h[step] += states[before] @ Wh
        np.tanh(next_h[step], out=next_h[step])
    cache = inputs, states, Wx, Wh, packing
    return packing.unpack(next_h), cache


def rnn_backward(dh, cache):
    """Backward pass of `rnn_forward`: backpropagation through time.

    Inputs:
    - dh: Gradient of the loss with respect to each hidden state as the loss uses it, of shape (N,
      T, H). What reaches a state from the steps after it is added here.
    - cache: From `rnn_forward`

    Returns a tuple of gradients with respect to:
    - dx: Inputs, of shape (N, T, D)
    - dh0: Initial hidden state, of shape (N, H)
    - dWx: Weights from input to hidden, of shape (D, H)
    - dWh: Weights from hidden to hidden, of shape (H, H)
    - db: Biases, of shape (H,)

    Raises ValueError where dh does not fit.
    """
    inputs, states, Wx, Wh, packing = cache
    (N, T), H = packing.shape, states.shape[1]
    check_upstream("dh", dh, "(N, T, H)", (N, T, H))
    dstates = np.concatenate(
        (np.zeros((N, H), dh.dtype), packing.pack(dh)), dtype=np.result_type(dh, states)
    )
    next_h, dnext_h = (
        states[N:],
        dstates[N:],
    )  # (P, H), of the loss at each step; the loop adds what flows back
    da = np.empty_like(dnext_h)
    for before, step in reversed(packing.steps):
        da[step] = _rnn_cell_backward(dnext_h[step], next_h[step])
        dstates[before] += da[step] @ Wh.T
    dWh = packing.before(states).T @ da  # one product over all time steps
    da_inputs = packing.sum_repeats(da)  # (U, H)
    dx, dh0 = packing.unpack_distinct(da_inputs @ Wx.T), dstates[np.argsort(packing.order)]
    return dx, dh0, inputs.T @ da_inputs, dWh, da.sum(axis=0)


def word_embedding_forward(x, W):
    """Look words up in a table of word vectors.

    Inputs:
    - x: Words as indices, integers of shape (N, T) with 0 <= x < V
    - W: Word vectors, of shape (V, D)

    Returns a tuple of:
    - out: Word vectors of the words in x, of shape (N, T, D)
    - cache: What the backward pass needs

    Raises ValueError for indices that are no integers or outside the vocabulary.
    """
    V, _ = check_shapes(W=(W, "V D"))
    check_indices("x", x, V, f"the vocabulary of {V} words")
    return W[x], (x, W)


def word_embedding_backward(dout, cache):
    """Backward pass of `word_embedding_forward`. A word that occurs several times gathers all of
    its gradients.

    Inputs:
    - dout: Upstream gradient, of shape (N, T, D)
    - cache: From `word_embedding_forward`

    Returns:
    - dW: Gradient with respect to the word vectors, of shape (V, D)
    """
    x, W = cache
    check_upstream("dout", dout, "(N, T, D)", x.shape + W.shape[1:])
    words, first, which = np.unique(x.ravel(), return_index=True, return_inverse=True)
    dW = np.zeros(W.shape, dout.dtype)
    dW[words] = sum_groups(dout.reshape(x.size, W.shape[1]), first, which)
    return dW


def _lstm_cell(a, prev_c):
    """The gate mathematics: from a (N, 4H), which becomes the gates, and prev_c (N, H) to both
    states and tanh(c).
    """
    i, f, o, g = np.split(a, 4, axis=1)  # views of shape (N, H)
    ifo = a[:, : -g.shape[1]]
    ifo *= (
        0.5  # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2: a single tanh, in place, makes all four gates
    )
    np.tanh(a, out=a)
    ifo *= 0.5
    ifo += 0.5
    next_c = f * prev_c
    next_c += i * g
    tanh_c = np.tanh(next_c)
    return o * tanh_c, next_c, tanh_c


def _lstm_cell_backward(dnext_h, dnext_c, gates, prev_c, tanh_c):
    """From the gradients of both states to the four blocks of da, and dprev_c, all of shape (N, H)."""
    i, f, o, g = np.split(gates, 4, axis=1)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)  # next_c also acts through next_h
    da = (
        dc * g * i * (1 - i),  # sigmoid' = sigmoid (1 - sigmoid)
        dc * prev_c * f * (1 - f),
        dnext_h * tanh_c * o * (1 - o),
        dc * i * (1 - g**2),
    )
    return da, dc * f


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
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    check_shapes(
        x=(x, "N D"),
        prev_h=(prev_h, "N H"),
        prev_c=(prev_c, "N H"),
        Wx=(Wx, "D 4H"),
        Wh=(Wh, "H 4H"),
        b=(b, "4H"),
    )
    gates = x @ Wx + prev_h @ Wh + b  # (N, 4H), a until the cell has been there
    next_h, next_c, tanh_c = _lstm_cell(gates, prev_c)
    cache = x, prev_h, prev_c, Wx, Wh, gates, tanh_c
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
    x, prev_h, prev_c, Wx, Wh, gates, tanh_c = cache
    check_shapes(prev_h=(prev_h, "N H"), dnext_h=(dnext_h, "N H"), dnext_c=(dnext_c, "N H"))
    blocks, dprev_c = _lstm_cell_backward(dnext_h, dnext_c, gates, prev_c, tanh_c)
    da = np.concatenate(blocks, axis=1)  # (N, 4H)
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b, mask=None, words=None):
    """An LSTM over whole sequences, with the cell state starting at zero.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to gates, of shape (D, 4H)
    - Wh: Weights from hidden to gates, of shape (H, 4H)
    - b: Biases, of shape (4H,)
    - mask, words: None; they only save work, and may be ignored. mask, bool of shape (N, T): the
      steps after a sequence's last True are left out, and h is zero there. words, ints of shape (N,
      T): where they are equal, x is, so x Wx is computed once, and the backward pass returns the
      sum of their dx at the first, zero at the others

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, H = check_shapes(
        x=(x, "N T D"), h0=(h0, "N H"), Wx=(Wx, "D 4H"), Wh=(Wh, "H 4H"), b=(b, "4H")
    )
    packing = Packing(N, T, mask, words)
    inputs = packing.distinct(x)  # (U, D)
    gates = packing.repeat(inputs @ Wx + b)  # (P, 4H), a until the loop has been there
    gates = gates.astype(np.result_type(gates, h0, Wh), copy=False)
    states, cells = np.empty((2, N + len(gates), H), gates.dtype)
    states[:N], cells[:N] = h0[packing.order], 0
    next_h, next_c, tanh_c = states[N:], cells[N:], np.empty((len(gates), H), gates.dtype)
    for before, step in packing.steps:
        gates[step] += states[before] @ Wh
        next_h[step], next_c[step], tanh_c[step] = _lstm_cell(gates[step], cells[before])
    cache = inputs, states, cells, tanh_c, gates, Wx, Wh, packing
    return packing.unpack(next_h), cache


def lstm_backward(dh, cache):
    """Backward pass of `lstm_forward`: backpropagation through time along both states.

    Inputs:
    - dh: Gradient of the loss with respect to each hidden state as the loss uses it, of shape (N,
      T, H). What reaches a state from the steps after it is added here.
    - cache: From `lstm_forward`

    Returns a tuple of gradients with respect to:
    - dx: Inputs, of shape (N, T, D)
    - dh0: Initial hidden state, of shape (N, H)
    - dWx: Weights from input to gates, of shape (D, 4H)
    - dWh: Weights from hidden to gates, of shape (H, 4H)
    - db: Biases, of shape (4H,)

    Raises ValueError where dh does not fit.
    """
    inputs, states, cells, tanh_c, gates, Wx, Wh, packing = cache
    (N, T), H = packing.shape, states.shape[1]
    check_upstream("dh", dh, "(N, T, H)", (N, T, H))
    dstates = np.concatenate(
        (np.zeros((N, H), dh.dtype), packing.pack(dh)), dtype=np.result_type(dh, states)
    )
    dnext_h, dcell = (
        dstates[N:],
        np.zeros((N, H), dstates.dtype),
    )  # of the loss at each step; the loop adds the rest
    da = np.empty(gates.shape, dstates.dtype)  # (P, 4H)
    for before, step in reversed(packing.steps):
        dc = dcell[: step.stop - step.start]  # of the sequences that are still there
        blocks, dc[:] = _lstm_cell_backward(
            dnext_h[step], dc, gates[step], cells[before], tanh_c[step]
        )
        np.concatenate(blocks, axis=1, out=da[step])
        dstates[before] += da[step] @ Wh.T
    dWh = packing.before(states).T @ da  # one product over all time steps
    da_inputs = packing.sum_repeats(da)  # (U, 4H)
    dx, dh0 = packing.unpack_distinct(da_inputs @ Wx.T), dstates[np.argsort(packing.order)]
    return dx, dh0, inputs.T @ da_inputs, dWh, da.sum(axis=0)
