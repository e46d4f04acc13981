"""Layers with a memory: vanilla RNN and LSTM, by step and by sequence, and the word embedding that feeds them.

Letters: N batch, T time steps, D input, H hidden, V vocabulary. A capital W is a matrix of weights, a is what
goes into a nonlinearity, and a leading d marks the gradient of the loss with respect to what follows.

    RNN     a  = x Wx + prev_h Wh + b                       next_h = tanh(a)

    LSTM    a  = x Wx + prev_h Wh + b, cut into four blocks of H columns, in the order i, f, o, g
            i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)     input, forget and output gate
            g       = tanh(a_g)                                    candidate
            next_c  = f * prev_c + i * g                           cell state
            next_h  = o * tanh(next_c)                             hidden state

Sources: Elman, "Finding structure in time", 1990; Hochreiter and Schmidhuber, "Long short-term memory", 1997, with
the forget gate of Gers, Schmidhuber and Cummins, "Learning to forget", 2000; backpropagation through time after
Werbos, "Backpropagation through time: what it does and how to do it", 1990.
"""

import numpy as np

from deeplearning.layers import check_indices, check_mask, check_shapes, check_upstream
from deeplearning.layers import temporal_affine_backward as temporal_affine_backward  # found here, too
from deeplearning.layers import temporal_affine_forward as temporal_affine_forward
from deeplearning.layers import temporal_softmax_loss as temporal_softmax_loss


def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)), through tanh, which cannot overflow.

    Inputs:
    - x: Array of any shape

    Returns: array of the same shape, and of the same dtype where that is a floating-point one
    """
    return 0.5 * np.tanh(0.5 * x) + 0.5


def _rnn_cell(a):
    return np.tanh(a)


def _rnn_cell_backward(dnext_h, next_h):
    return dnext_h * (1 - next_h**2)  # tanh' = 1 - tanh^2


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
    next_h = _rnn_cell(x @ Wx + prev_h @ Wh + b)  # (N, H)
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


def rnn_forward(x, h0, Wx, Wh, b, mask=None):
    """A vanilla RNN over whole sequences.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to hidden, of shape (D, H)
    - Wh: Weights from hidden to hidden, of shape (H, H)
    - b: Biases, of shape (H,)
    - mask: None, or bool of shape (N, T), may be ignored: it saves steps after a sequence's last True (h is zero there)

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, H = check_shapes(x=(x, "N T D"), h0=(h0, "N H"), Wx=(Wx, "D H"), Wh=(Wh, "H H"), b=(b, "H"))
    order, rows, steps = _blocks(N, T, mask)
    x_rows = x[rows]  # (P, D), P rows that count
    a = x_rows @ Wx + b  # (P, H)
    prev_h, next_h = np.empty((2, *a.shape), np.result_type(a, h0, Wh))
    state = h0[order]
    for step in steps:
        prev_h[step] = state[: step.stop - step.start]
        state = next_h[step] = _rnn_cell(a[step] + prev_h[step] @ Wh)
    h = np.zeros((N, T, H), next_h.dtype)
    h[rows] = next_h
    cache = x_rows, prev_h, next_h, Wx, Wh, order, rows, steps
    return h, cache


def rnn_backward(dh, cache):
    """Backward pass of `rnn_forward`: backpropagation through time.

    Inputs:
    - dh: Gradient of the loss with respect to each hidden state as the loss uses it, of shape (N, T, H). What reaches
      a state from the steps after it is added here.
    - cache: From `rnn_forward`

    Returns a tuple of gradients with respect to:
    - dx: Inputs, of shape (N, T, D)
    - dh0: Initial hidden state, of shape (N, H)
    - dWx: Weights from input to hidden, of shape (D, H)
    - dWh: Weights from hidden to hidden, of shape (H, H)
    - db: Biases, of shape (H,)

    Raises ValueError where dh does not fit.
    """
    x_rows, prev_h, next_h, Wx, Wh, order, rows, steps = cache
    N, T, H = len(order), len(steps), next_h.shape[1]
    check_upstream("dh", dh, "(N, T, H)", (N, T, H))
    dh_rows, da = dh[rows], np.empty(next_h.shape, np.result_type(dh, next_h))  # (P, H)
    dstate = np.zeros((N, H), da.dtype)  # from step t + 1
    for step in reversed(steps):
        n = step.stop - step.start
        da[step] = _rnn_cell_backward(dh_rows[step] + dstate[:n], next_h[step])
        dstate[:n] = da[step] @ Wh.T
    dx = np.zeros((N, T, len(Wx)), da.dtype)
    dx[rows] = da @ Wx.T
    return dx, dstate[np.argsort(order)], x_rows.T @ da, prev_h.T @ da, da.sum(axis=0)


def _blocks(N, T, mask):
    """How sequences are laid out for the loop over time.

    What a sequence can do for all of its time steps at once, it does in one matrix product: x Wx before the loop, and
    each weight gradient after it. Only what really flows from step to step stays inside the loop. There the rows of all
    steps lie one below the other, time first, so that each step is one block of memory; the longest sequences come
    first, so that shorter ones drop out of the later blocks.

    Returns a tuple of:
    - order: The sequences by falling length, ints of shape (N,)
    - rows: Pair of int arrays of shape (P,), sequence and time of each row, so that x[rows] are the rows of x (N, T, D)
    - steps: For each time step the slice of its rows
    """
    lengths = np.full(N, T) if mask is None else (check_mask(mask, N, T) * np.arange(1, T + 1)).max(axis=1, initial=0)
    order = np.argsort(-lengths, kind="stable")
    counts = [np.count_nonzero(lengths > t) for t in range(T)]
    rows = np.concatenate([order[:n] for n in counts] or [order[:0]]), np.repeat(np.arange(T), counts)
    stops = np.cumsum(counts, dtype=int).tolist()
    return order, rows, [slice(stop - n, stop) for n, stop in zip(counts, stops, strict=True)]


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
    """Backward pass of `word_embedding_forward`. A word that occurs several times gathers all of its gradients.

    Inputs:
    - dout: Upstream gradient, of shape (N, T, D)
    - cache: From `word_embedding_forward`

    Returns:
    - dW: Gradient with respect to the word vectors, of shape (V, D)
    """
    x, W = cache
    check_upstream("dout", dout, "(N, T, D)", x.shape + W.shape[1:])
    dW = np.zeros(W.shape, dout.dtype)
    np.add.at(dW, x, dout)  # dW[x] += dout would keep only the last of a word's gradients
    return dW


def _lstm_cell(a, prev_c):
    """The gate mathematics: from a (N, 4H), which becomes the gates, and prev_c (N, H) to next_h and next_c."""
    H = prev_c.shape[1]
    a[:, : 3 * H] = sigmoid(a[:, : 3 * H])
    a[:, 3 * H :] = np.tanh(a[:, 3 * H :])
    i, f, o, g = np.split(a, 4, axis=1)  # views of shape (N, H)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c


def _lstm_cell_backward(dnext_h, dnext_c, gates, prev_c, next_c):
    """From the gradients of both states to da (N, 4H) and dprev_c (N, H)."""
    i, f, o, g = np.split(gates, 4, axis=1)
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)  # next_c also acts through next_h
    da = np.concatenate(
        (
            dc * g * i * (1 - i),  # sigmoid' = sigmoid (1 - sigmoid)
            dc * prev_c * f * (1 - f),
            dnext_h * tanh_c * o * (1 - o),
            dc * i * (1 - g**2),
        ),
        axis=1,
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
        x=(x, "N D"), prev_h=(prev_h, "N H"), prev_c=(prev_c, "N H"), Wx=(Wx, "D 4H"), Wh=(Wh, "H 4H"), b=(b, "4H")
    )
    gates = x @ Wx + prev_h @ Wh + b  # (N, 4H), not yet
    next_h, next_c = _lstm_cell(gates, prev_c)
    cache = x, prev_h, prev_c, Wx, Wh, gates, next_c
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
    x, prev_h, prev_c, Wx, Wh, gates, next_c = cache
    check_shapes(prev_h=(prev_h, "N H"), dnext_h=(dnext_h, "N H"), dnext_c=(dnext_c, "N H"))
    da, dprev_c = _lstm_cell_backward(dnext_h, dnext_c, gates, prev_c, next_c)
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b, mask=None):
    """An LSTM over whole sequences, with the cell state starting at zero.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to gates, of shape (D, 4H)
    - Wh: Weights from hidden to gates, of shape (H, 4H)
    - b: Biases, of shape (4H,)
    - mask: None, or bool of shape (N, T), may be ignored: it saves steps after a sequence's last True (h is zero there)

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, H = check_shapes(x=(x, "N T D"), h0=(h0, "N H"), Wx=(Wx, "D 4H"), Wh=(Wh, "H 4H"), b=(b, "4H"))
    order, rows, steps = _blocks(N, T, mask)
    x_rows = x[rows]  # (P, D), P rows that count
    gates = np.add(
        x_rows @ Wx, b, dtype=np.result_type(x, h0, Wx, Wh, b)
    )  # (P, 4H), gates once the loop has been there
    prev_h, prev_c, next_h, next_c = np.empty((4, len(gates), H), gates.dtype)
    h, c = h0[order], np.zeros((N, H), gates.dtype)
    for step in steps:
        n = step.stop - step.start
        prev_h[step], prev_c[step] = h[:n], c[:n]
        gates[step] += prev_h[step] @ Wh
        h, c = next_h[step], next_c[step] = _lstm_cell(gates[step], prev_c[step])
    h = np.zeros((N, T, H), next_h.dtype)
    h[rows] = next_h
    cache = x_rows, prev_h, prev_c, next_c, gates, Wx, Wh, order, rows, steps
    return h, cache


def lstm_backward(dh, cache):
    """Backward pass of `lstm_forward`: backpropagation through time along both states.

    Inputs:
    - dh: Gradient of the loss with respect to each hidden state as the loss uses it, of shape (N, T, H). What reaches
      a state from the steps after it is added here.
    - cache: From `lstm_forward`

    Returns a tuple of gradients with respect to:
    - dx: Inputs, of shape (N, T, D)
    - dh0: Initial hidden state, of shape (N, H)
    - dWx: Weights from input to gates, of shape (D, 4H)
    - dWh: Weights from hidden to gates, of shape (H, 4H)
    - db: Biases, of shape (4H,)

    Raises ValueError where dh does not fit.
    """
    x_rows, prev_h, prev_c, next_c, gates, Wx, Wh, order, rows, steps = cache
    N, T, H = len(order), len(steps), next_c.shape[1]
    check_upstream("dh", dh, "(N, T, H)", (N, T, H))
    dh_rows = dh[rows]  # (P, H)
    da = np.empty(gates.shape, np.result_type(dh, gates))
    dstate, dcell = np.zeros((2, N, H), da.dtype)  # from step t + 1
    for step in reversed(steps):
        n = step.stop - step.start
        da[step], dcell[:n] = _lstm_cell_backward(
            dh_rows[step] + dstate[:n], dcell[:n], gates[step], prev_c[step], next_c[step]
        )
        dstate[:n] = da[step] @ Wh.T
    dx = np.zeros((N, T, len(Wx)), da.dtype)
    dx[rows] = da @ Wx.T
    return dx, dstate[np.argsort(order)], x_rows.T @ da, prev_h.T @ da, da.sum(axis=0)
