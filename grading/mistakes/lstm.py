"""Wrong LSTMs."""

import numpy as np

from deeplearning.rnn_layers import sigmoid
from grading.mistakes import mistake
from grading.variants.plain import lstm_step_backward, lstm_step_forward


def blocks(x, prev_h, Wx, Wh, b):
    """The inputs of the four gates' nonlinearities, in the order i, f, o, g."""
    return np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)


def gradients(da, dprev_c, cache):
    """The gradients of the arguments from those of the gates' inputs."""
    x, prev_h, _, Wx, Wh, *_ = cache
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake("lstm_step_forward", "the gates are in PyTorch's order i, f, g, o; here it is i, f, o, g")
def order_of_torch(x, prev_h, prev_c, Wx, Wh, b):
    i, f, g, o = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake("lstm_step_forward", "input gate and forget gate are exchanged")
def input_and_forget_exchanged(x, prev_h, prev_c, Wx, Wh, b):
    f, i, o, g = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake("lstm_step_forward", "the candidate g goes through the logistic function: it needs tanh")
def candidate_by_sigmoid(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = (sigmoid(a) for a in blocks(x, prev_h, Wx, Wh, b))
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake("lstm_step_forward", "tanh is missing in next_h, which should be o * tanh(next_c)")
def state_without_tanh(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * next_c, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake("lstm_step_forward", "the old cell state is dropped: next_c should be f * prev_c + i * g")
def cell_state_dropped(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake(
    "lstm_step_forward",
    "the forget gate works the wrong way round: f = 1 keeps the cell state, f = 0 forgets it",
)
def forget_gate_reversed(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = (1 - f) * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


@mistake("lstm_step_forward", "prev_c, an argument, is updated in place: make a new array")
def cell_state_overwritten(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    cache = x, prev_h, prev_c.copy(), Wx, Wh, i, f, o, g, prev_c
    prev_c *= f
    prev_c += i * g
    return o * np.tanh(prev_c), prev_c, cache


@mistake(
    "lstm_step_forward",
    "the forget gate's gradient gets next_c: it needs prev_c, and a copy that stays as it came in",
    exercises=("lstm_step_backward",),
)
def cached_view_overwritten(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = blocks(x, prev_h, Wx, Wh, b)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    cell = prev_c.copy()
    cache = x, prev_h, cell[:], Wx, Wh, i, f, o, g, cell
    cell *= f
    cell += i * g
    return o * np.tanh(cell), cell, cache


@mistake("lstm_step_backward", "dnext_c is ignored: later steps depend on the cell state, too")
def cell_gradient_ignored(dnext_h, dnext_c, cache):
    return lstm_step_backward(dnext_h, np.zeros_like(dnext_c), cache)


@mistake(
    "lstm_step_backward", "dnext_h does not reach the cell state: next_h depends on next_c, too"
)
def path_through_state_missing(dnext_h, dnext_c, cache):
    _, _, prev_c, _, _, i, f, o, g, next_c = cache
    dc, do = dnext_c, dnext_h * np.tanh(next_c)
    da = np.hstack(
        (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * (1 - g**2))
    )
    return gradients(da, dc * f, cache)


@mistake("lstm_step_backward", "the derivative of tanh(next_c) is taken as 1 - next_c**2")
def derivative_at_cell(dnext_h, dnext_c, cache):
    _, _, prev_c, _, _, i, f, o, g, next_c = cache
    dc, do = dnext_c + dnext_h * o * (1 - next_c**2), dnext_h * np.tanh(next_c)
    da = np.hstack(
        (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * (1 - g**2))
    )
    return gradients(da, dc * f, cache)


@mistake(
    "lstm_step_backward",
    "the derivative of tanh(next_c) is left out on the way from dnext_h to the cell state",
)
def derivative_left_out(dnext_h, dnext_c, cache):
    _, _, prev_c, _, _, i, f, o, g, next_c = cache
    dc, do = dnext_c + dnext_h * o, dnext_h * np.tanh(next_c)
    da = np.hstack(
        (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * (1 - g**2))
    )
    return gradients(da, dc * f, cache)


@mistake("lstm_step_backward", "the derivatives of the gates' logistic functions are left out")
def gates_without_derivative(dnext_h, dnext_c, cache):
    _, _, prev_c, _, _, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc, do = dnext_c + dnext_h * o * (1 - tanh_c**2), dnext_h * tanh_c
    return gradients(np.hstack((dc * g, dc * prev_c, do, dc * i * (1 - g**2))), dc * f, cache)


@mistake(
    "lstm_step_backward",
    "the candidate g gets the derivative of the logistic function: it comes from tanh",
)
def candidate_as_gate(dnext_h, dnext_c, cache):
    _, _, prev_c, _, _, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc, do = dnext_c + dnext_h * o * (1 - tanh_c**2), dnext_h * tanh_c
    da = np.hstack(
        (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), do * o * (1 - o), dc * i * g * (1 - g))
    )
    return gradients(da, dc * f, cache)


@mistake("lstm_step_backward", "the forget gate is missing in dprev_c")
def forget_gate_missing(dnext_h, dnext_c, cache):
    dx, dprev_h, _, dWx, dWh, db = lstm_step_backward(dnext_h, dnext_c, cache)
    *_, o, _, next_c = cache
    return dx, dprev_h, dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2), dWx, dWh, db


@mistake(
    "lstm_step_backward", "the gates' gradients are put together in another order than i, f, o, g"
)
def gradients_in_other_order(dnext_h, dnext_c, cache):
    _, _, prev_c, _, _, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc, do = dnext_c + dnext_h * o * (1 - tanh_c**2), dnext_h * tanh_c
    da = np.hstack(
        (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dc * i * (1 - g**2), do * o * (1 - o))
    )
    return gradients(da, dc * f, cache)


@mistake("lstm_forward", "the cell state is not carried on: every step starts from zero")
def cell_not_carried(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches, state = np.zeros((N, T, h0.shape[1]), x.dtype), [], h0
    for t in range(T):
        state, _, cache = lstm_step_forward(x[:, t], state, np.zeros_like(h0), Wx, Wh, b)
        h[:, t] = state
        caches.append(cache)
    return h, caches


@mistake("lstm_forward", "the cell state starts from h0, not from zero")
def cell_starts_from_state(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches, state, cell = np.zeros((N, T, h0.shape[1]), x.dtype), [], h0, h0
    for t in range(T):
        state, cell, cache = lstm_step_forward(x[:, t], state, cell, Wx, Wh, b)
        h[:, t] = state
        caches.append(cache)
    return h, caches


@mistake("lstm_forward", "the hidden state does not advance: every step starts from h0")
def hidden_state_not_advanced(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches, cell = np.zeros((N, T, h0.shape[1]), x.dtype), [], np.zeros_like(h0)
    for t in range(T):
        h[:, t], cell, cache = lstm_step_forward(x[:, t], h0, cell, Wx, Wh, b)
        caches.append(cache)
    return h, caches


@mistake("lstm_forward", "the cell states are returned in place of the hidden states")
def cells_returned(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches, state, cell = np.zeros((N, T, h0.shape[1]), x.dtype), [], h0, np.zeros_like(h0)
    for t in range(T):
        state, cell, cache = lstm_step_forward(x[:, t], state, cell, Wx, Wh, b)
        h[:, t] = cell
        caches.append(cache)
    return h, caches


@mistake(
    "lstm_forward",
    "the cell state is made by np.zeros without a dtype, so all is float64",
    says="float64",
)
def float64_cell(x, h0, Wx, Wh, b, lengths=None):
    states, caches, state, cell = [], [], h0, np.zeros(h0.shape)
    for t in range(x.shape[1]):
        state, cell, cache = lstm_step_forward(x[:, t], state, cell, Wx, Wh, b)
        states.append(state)
        caches.append(cache)
    return np.stack(states, axis=1), caches


def sums_like(dh, cache):
    """Initial values of a backward pass through time, all zero: dx, dWx, dWh, db, dstate, dcell."""
    N, T, H = dh.shape
    x, _, _, Wx, Wh, *_ = cache[0]
    dx, db = np.zeros((N, T, x.shape[1]), dh.dtype), np.zeros(4 * H, dh.dtype)
    return (
        dx,
        np.zeros_like(Wx),
        np.zeros_like(Wh),
        db,
        np.zeros((N, H), dh.dtype),
        np.zeros((N, H), dh.dtype),
    )


@mistake("lstm_backward", "the gradient of the cell state is not carried back from step to step")
def cell_gradient_dropped(dh, cache):
    dx, dWx, dWh, db, dstate, dcell = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, _, dWx_t, dWh_t, db_t = lstm_step_backward(
            dh[:, t] + dstate, dcell, cache[t]
        )
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake("lstm_backward", "the gradient of the hidden state is not carried back from step to step")
def hidden_gradient_dropped(dh, cache):
    dx, dWx, dWh, db, dstate, dcell = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dcell, dWx_t, dWh_t, db_t = lstm_step_backward(dh[:, t], dcell, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake(
    "lstm_backward",
    "only the gradient that reaches the last step is used: every state has a loss",
)
def last_step_alone(dh, cache):
    dx, dWx, dWh, db, _, dcell = sums_like(dh, cache)
    dstate = dh[:, -1]
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dcell, dWx_t, dWh_t, db_t = lstm_step_backward(dstate, dcell, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake(
    "lstm_backward",
    "the sum over time is missing: each step's gradient of the weights replaces the one before",
)
def time_not_summed(dh, cache):
    dx, dWx, dWh, db, dstate, dcell = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dcell, dWx, dWh, db = lstm_step_backward(
            dh[:, t] + dstate, dcell, cache[t]
        )
    return dx, dstate, dWx, dWh, db


@mistake(
    "lstm_backward",
    "dh is added to the cell state's gradient, too: it belongs to the hidden state alone",
)
def upstream_into_cell(dh, cache):
    dx, dWx, dWh, db, dstate, dcell = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dcell, dWx_t, dWh_t, db_t = lstm_step_backward(
            dh[:, t] + dstate, dh[:, t] + dcell, cache[t]
        )
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake("lstm_backward", "the gradients are averaged over time, not summed")
def averaged_over_time(dh, cache):
    dx, dWx, dWh, db, dstate, dcell = sums_like(dh, cache)
    T = dh.shape[1]
    for t in reversed(range(T)):
        dx[:, t], dstate, dcell, dWx_t, dWh_t, db_t = lstm_step_backward(
            dh[:, t] + dstate, dcell, cache[t]
        )
        dWx += dWx_t / T
        dWh += dWh_t / T
        db += db_t / T
    return dx, dstate, dWx, dWh, db


@mistake(
    "lstm_backward",
    "the loop over time runs forwards: the gradient flows from the last step to the first",
)
def forwards_through_time(dh, cache):
    dx, dWx, dWh, db, dstate, dcell = sums_like(dh, cache)
    for t in range(dh.shape[1]):
        dx[:, t], dstate, dcell, dWx_t, dWh_t, db_t = lstm_step_backward(
            dh[:, t] + dstate, dcell, cache[t]
        )
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db
