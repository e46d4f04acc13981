"""Layers with a memory: vanilla RNN and LSTM, by step and by sequence, and the word embedding that feeds them.

Letters: N batch, T time steps, D input, H hidden, V vocabulary. A capital W is a matrix of weights, a is what
goes into a nonlinearity, and a leading d marks the gradient of the loss with respect to what follows.

    RNN     a  = x Wx + prev_h Wh + b                       next_h = tanh(a)

    LSTM    a  = x Wx + prev_h Wh + b, cut into four blocks of H columns, in the order i, f, o, g
            i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)     input, forget and output gate
            g       = tanh(a_g)                                    candidate
            next_c  = f * prev_c + i * g                           cell state
            next_h  = o * tanh(next_c)                             hidden state

Step and sequence functions share one definition of these lines. What a sequence can do for all of its time steps at
once, it does in one matrix product: x Wx before the loop, and each weight gradient after it. Only what really flows
from step to step stays inside the loop. There the arrays lie time first, (T, N, ...), so that each step is one block
of memory.

Sources: Elman, "Finding structure in time", 1990; Hochreiter and Schmidhuber, "Long short-term memory", 1997, with
the forget gate of Gers, Schmidhuber and Cummins, "Learning to forget", 2000; backpropagation through time after
Werbos, "Backpropagation through time: what it does and how to do it", 1990.
"""

import numpy as np

from deeplearning.layers import check_indices, check_shapes
from deeplearning.layers import temporal_affine_backward as temporal_affine_backward  # these three work on sequences,
from deeplearning.layers import temporal_affine_forward as temporal_affine_forward  # too, and are found here as well
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


def rnn_forward(x, h0, Wx, Wh, b):
    """A vanilla RNN over whole sequences.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to hidden, of shape (D, H)
    - Wh: Weights from hidden to hidden, of shape (H, H)
    - b: Biases, of shape (H,)

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, H = check_shapes(x=(x, "N T D"), h0=(h0, "N H"), Wx=(Wx, "D H"), Wh=(Wh, "H H"), b=(b, "H"))
    ax = _time_first(x) @ Wx + b  # (T, N, H)
    h = np.empty((T + 1, N, H), np.result_type(ax, h0, Wh))
    h[0] = h0
    for t in range(T):
        h[t + 1] = _rnn_cell(ax[t] + h[t] @ Wh)
    cache = x, h, Wx, Wh
    return _batch_first(h[1:]), cache


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
    """
    x, h, Wx, Wh = cache
    N, T, _ = check_shapes(x=(x, "N T D"), h=(h[0], "N H"), dh=(dh, "N T H"))[:3]
    da = np.empty(h[1:].shape, np.result_type(dh, h, Wh))  # (T, N, H)
    dprev_h = np.zeros(h[0].shape, da.dtype)  # (N, H), from step t + 1
    for t in reversed(range(T)):
        da[t] = _rnn_cell_backward(dh[:, t] + dprev_h, h[t + 1])
        dprev_h = da[t] @ Wh.T
    dx, dWx, dWh, db = _input_and_weight_gradients(da, x, h[:-1], Wx)
    return dx, dprev_h, dWx, dWh, db


def _time_first(x):
    """(N, T, D) to (T, N, D), each step one block of memory."""
    return np.ascontiguousarray(x.transpose(1, 0, 2))


def _batch_first(h):
    """(T, N, H) to (N, T, H), as a copy, so that the caller's array is not the cache's."""
    return h.transpose(1, 0, 2).copy()


def _input_and_weight_gradients(da, x, prev_h, Wx):
    """Gradients that no time step has to wait for, each one product over all N*T rows.

    The gradient of a weight shared by all steps is the sum over steps of x_t^T da_t, which is what the product of the
    stacked matrices computes. da is (T, N, H or 4H), prev_h (T, N, H), x (N, T, D).
    """
    T, N, K = da.shape
    D, H = len(Wx), prev_h.shape[2]
    rows = da.reshape(T * N, K)
    dx = _batch_first((rows @ Wx.T).reshape(T, N, D))
    dWx = _time_first(x).reshape(T * N, D).T @ rows  # (D, K)
    dWh = prev_h.reshape(T * N, H).T @ rows  # (H, K)
    return dx, dWx, dWh, rows.sum(axis=0)


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
    if dout.shape != x.shape + W.shape[1:]:
        raise ValueError(f"dout must have shape (N, T, D) = {x.shape + W.shape[1:]}, got {dout.shape}")
    dW = np.zeros(W.shape, dout.dtype)
    np.add.at(dW, x, dout)  # dW[x] += dout would keep only the last of a word's gradients
    return dW


def _lstm_cell(a, prev_c):
    """The gate mathematics: (N, 4H) and (N, H) to next_h, next_c and what their derivatives need."""
    H = prev_c.shape[1]
    gates = np.concatenate((sigmoid(a[:, : 3 * H]), np.tanh(a[:, 3 * H :])), axis=1)  # (N, 4H)
    i, f, o, g = np.split(gates, 4, axis=1)  # (N, H) each
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    return o * tanh_c, next_c, (gates, prev_c, tanh_c)


def _lstm_cell_backward(dnext_h, dnext_c, cell):
    """From the gradients of both states to da (N, 4H) and dprev_c (N, H)."""
    gates, prev_c, tanh_c = cell
    i, f, o, g = np.split(gates, 4, axis=1)
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
    next_h, next_c, cell = _lstm_cell(x @ Wx + prev_h @ Wh + b, prev_c)
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
    check_shapes(prev_h=(prev_h, "N H"), dnext_h=(dnext_h, "N H"), dnext_c=(dnext_c, "N H"))
    da, dprev_c = _lstm_cell_backward(dnext_h, dnext_c, cell)
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    """An LSTM over whole sequences, with the cell state starting at zero.

    Inputs:
    - x: Inputs at all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from input to gates, of shape (D, 4H)
    - Wh: Weights from hidden to gates, of shape (H, 4H)
    - b: Biases, of shape (4H,)

    Returns a tuple of:
    - h: Hidden states after each step, of shape (N, T, H)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, H = check_shapes(x=(x, "N T D"), h0=(h0, "N H"), Wx=(Wx, "D 4H"), Wh=(Wh, "H 4H"), b=(b, "4H"))
    ax = _time_first(x) @ Wx + b  # (T, N, 4H)
    h = np.empty((T + 1, N, H), np.result_type(ax, h0, Wh))
    h[0] = h0
    next_c = np.zeros((N, H), h.dtype)
    cells = []
    for t in range(T):
        h[t + 1], next_c, cell = _lstm_cell(ax[t] + h[t] @ Wh, next_c)
        cells.append(cell)
    cache = x, h, Wx, Wh, cells
    return _batch_first(h[1:]), cache


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
    """
    x, h, Wx, Wh, cells = cache
    N, T, _, H = check_shapes(x=(x, "N T D"), h=(h[0], "N H"), dh=(dh, "N T H"))
    da = np.empty((T, N, 4 * H), np.result_type(dh, h, Wh))
    dprev_h = np.zeros((N, H), da.dtype)  # from step t + 1
    dprev_c = np.zeros((N, H), da.dtype)
    for t in reversed(range(T)):
        da[t], dprev_c = _lstm_cell_backward(dh[:, t] + dprev_h, dprev_c, cells[t])
        dprev_h = da[t] @ Wh.T
    dx, dWx, dWh, db = _input_and_weight_gradients(da, x, h[:-1], Wx)
    return dx, dprev_h, dWx, dWh, db
