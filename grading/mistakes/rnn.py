"""Wrong vanilla RNNs."""

import numpy as np

from deeplearning.rnn_layers import sigmoid
from grading.mistakes import mistake
from grading.variants.plain import rnn_step_backward, rnn_step_forward

LEAK = "float64"  # in the general hint on dtypes


@mistake("rnn_step_forward", "the logistic function is used where the cell has tanh")
def sigmoid_cell(x, prev_h, Wx, Wh, b):
    next_h = sigmoid(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


@mistake("rnn_step_forward", "the biases are left out")
def no_bias(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh)
    return next_h, (x, prev_h, Wx, Wh, next_h)


@mistake("rnn_step_forward", "the previous hidden state is left out")
def no_memory(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


@mistake("rnn_step_forward", "tanh is missing: this is what goes into it")
def no_tanh(x, prev_h, Wx, Wh, b):
    next_h = x @ Wx + prev_h @ Wh + b
    return next_h, (x, prev_h, Wx, Wh, next_h)


@mistake("rnn_step_forward", "Wh is used transposed")
def transposed_weights(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh.T + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


@mistake("rnn_step_forward", "the new state is written into prev_h, an argument: make a new array")
def state_overwritten(x, prev_h, Wx, Wh, b):
    cache = x, prev_h.copy(), Wx, Wh, prev_h
    prev_h[:] = np.tanh(x @ Wx + prev_h @ Wh + b)
    return prev_h, cache


@mistake(
    "rnn_step_backward",
    "the derivative of tanh is taken at the wrong place: next_h is already tanh(a)",
)
def derivative_at_output(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - np.tanh(next_h) ** 2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake("rnn_step_backward", "the derivative of tanh is left out")
def no_derivative(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    return dnext_h @ Wx.T, dnext_h @ Wh.T, x.T @ dnext_h, prev_h.T @ dnext_h, dnext_h.sum(axis=0)


@mistake(
    "rnn_step_backward",
    "the derivative of the logistic function is used, s (1 - s), where the cell has tanh",
)
def derivative_of_sigmoid(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * next_h * (1 - next_h)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake("rnn_step_backward", "a square is missing: tanh' is one minus the square of tanh")
def derivative_not_squared(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake("rnn_step_backward", "Wh is not transposed on the way back to prev_h")
def not_transposed(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake(
    "rnn_step_backward",
    "dWh is computed from the state after the step, next_h, not the one before it",
)
def weights_from_next_state(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, next_h.T @ da, da.sum(axis=0)


@mistake("rnn_step_backward", "db is averaged over the minibatch, not summed")
def bias_averaged(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.mean(axis=0)


@mistake(
    "rnn_step_backward",
    "db is summed over the hidden numbers, axis 1: sum over the minibatch, axis 0",
)
def bias_summed_over_columns(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=1)


@mistake("rnn_step_backward", "db is not summed over the minibatch")
def bias_not_summed(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da


@mistake("rnn_step_backward", "dnext_h, an argument, is multiplied in place: make a new array")
def upstream_overwritten(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dnext_h *= 1 - next_h**2
    return dnext_h @ Wx.T, dnext_h @ Wh.T, x.T @ dnext_h, prev_h.T @ dnext_h, dnext_h.sum(axis=0)


@mistake("rnn_forward", "the state does not advance: every step starts from h0")
def state_not_advanced(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches = np.zeros((N, T, h0.shape[1]), x.dtype), []
    for t in range(T):
        h[:, t], cache = rnn_step_forward(x[:, t], h0, Wx, Wh, b)
        caches.append(cache)
    return h, caches


@mistake("rnn_forward", "it starts from zero, not from h0")
def initial_state_ignored(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches = np.zeros((N, T, h0.shape[1]), x.dtype), []
    state = np.zeros_like(h0)
    for t in range(T):
        state, cache = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        h[:, t] = state
        caches.append(cache)
    return h, caches


@mistake("rnn_forward", "each place holds the state before the step, not the one after it")
def states_shifted(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches = np.zeros((N, T, h0.shape[1]), x.dtype), []
    state = h0
    for t in range(T):
        h[:, t] = state
        state, cache = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        caches.append(cache)
    return h, caches


@mistake("rnn_forward", "time is the first axis of h; it must be the second")
def time_first(x, h0, Wx, Wh, b, lengths=None):
    states, caches, state = [], [], h0
    for t in range(x.shape[1]):
        state, cache = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        states.append(state)
        caches.append(cache)
    return np.array(states), caches


@mistake("rnn_forward", "h is made by np.zeros without a dtype, so it is float64", says=LEAK)
def float64_states(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches = np.zeros((N, T, h0.shape[1])), []
    state = h0
    for t in range(T):
        state, cache = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        h[:, t] = state
        caches.append(cache)
    return h, caches


@mistake(
    "rnn_forward",
    "every step's cache holds the same array, which the later steps of rnn_forward overwrite: "
    "keep a new one each time",
    exercises=("rnn_backward",),
)
def state_written_over(x, h0, Wx, Wh, b, lengths=None):
    N, T, D = x.shape
    h, caches = np.zeros((N, T, h0.shape[1]), x.dtype), []
    state = h0.copy()
    for t in range(T):
        state[:], _ = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        h[:, t] = state
        caches.append((x[:, t], h[:, t - 1] if t else h0, Wx, Wh, state))
    return h, caches


def sums_like(dh, cache):
    """Initial values of a backward pass through time, all zero: dx, dWx, dWh, db and dstate."""
    N, T, H = dh.shape
    x, _, Wx, Wh, _ = cache[0]
    dx = np.zeros((N, T, x.shape[1]), dh.dtype)
    return (
        dx,
        np.zeros_like(Wx),
        np.zeros_like(Wh),
        np.zeros(H, dh.dtype),
        np.zeros((N, H), dh.dtype),
    )


@mistake("rnn_backward", "the gradient of the hidden state is not carried back from step to step")
def state_gradient_dropped(dh, cache):
    dx, dWx, dWh, db, dstate = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t], cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake(
    "rnn_backward",
    "only the gradient that reaches the last step is used: every state has a loss",
)
def last_step_only(dh, cache):
    dx, dWx, dWh, db, _ = sums_like(dh, cache)
    dstate = dh[:, -1]
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dWx_t, dWh_t, db_t = rnn_step_backward(dstate, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake(
    "rnn_backward",
    "the sum over time is missing: each step's gradient of the weights replaces the one before",
)
def not_summed_over_time(dh, cache):
    dx, dWx, dWh, db, dstate = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dstate, dWx, dWh, db = rnn_step_backward(dh[:, t] + dstate, cache[t])
    return dx, dstate, dWx, dWh, db


@mistake(
    "rnn_backward",
    "the loop over time runs forwards: the gradient flows from the last step to the first",
)
def forwards_in_time(dh, cache):
    dx, dWx, dWh, db, dstate = sums_like(dh, cache)
    for t in range(dh.shape[1]):
        dx[:, t], dstate, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dstate, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake(
    "rnn_backward",
    "the gradient of the state piles up: each step's dprev_h replaces the one of the later step",
)
def state_gradient_piles_up(dh, cache):
    dx, dWx, dWh, db, dstate = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dstate, cache[t])
        dstate = dstate + dprev_h
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake("rnn_backward", "what flows back is added to dh, an argument: make a new array")
def upstream_changed(dh, cache):
    dx, dWx, dWh, db, dstate = sums_like(dh, cache)
    for t in reversed(range(dh.shape[1])):
        dh[:, t] += dstate
        dx[:, t], dstate, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t], cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


@mistake("rnn_forward", "every step reads the first input, x[:, 0]: step t reads x[:, t]")
def first_input_again(x, h0, Wx, Wh, b, lengths=None):
    states, caches, state = [], [], h0
    for _ in range(x.shape[1]):
        state, cache = rnn_step_forward(x[:, 0], state, Wx, Wh, b)
        states.append(state)
        caches.append(cache)
    return np.stack(states, axis=1), caches
