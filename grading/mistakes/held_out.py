"""Wrong implementations written after the hints were frozen: no hint was changed for them, and no
stored case was chosen for them.

`says` is the phrase that a hint must contain to name the cause; without it, no general hint names
the cause.
"""

import numpy as np

from deeplearning.layers import affine_forward
from deeplearning.rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)
from grading.mistakes import mistake
from grading.variants import plain


@mistake("rnn_step_forward", "the state is rounded to float32 on the way")
def rounded_state(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b).astype(np.float32)
    return next_h, (x, prev_h, Wx, Wh, next_h)


@mistake("rnn_forward", "only the last state is returned")
def last_state_only(x, h0, Wx, Wh, b, lengths=None):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = plain.rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    return h, caches


@mistake(
    "rnn_backward",
    "dh0 is what arrives at the first state, not yet taken back through the first step",
    says="dh0 only",
)
def stops_before_first_step(dh, cache):
    dx, dh0, dWx, dWh, db = plain.rnn_backward(dh, cache)
    x, prev_h, Wx, Wh, _ = cache[0]
    dfirst = np.linalg.lstsq(Wh, dh0.T, rcond=None)[0].T  # dfirst @ Wh.T is dh0
    return dx, dfirst.astype(dh.dtype), dWx, dWh, db


@mistake(
    "word_embedding_backward",
    "the gradient is divided by N, as if the layer averaged",
    says="a mean instead of a sum",
)
def divided_by_captions(dout, cache):
    return plain.word_embedding_backward(dout, cache) / dout.dtype.type(len(dout))


@mistake(
    "lstm_step_backward",
    "the output gate's gradient takes next_c, not tanh(next_c)",
    says="Only the block of gate o is wrong",
)
def output_gate_of_cell(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    di, df, do, dg = dc * g, dc * prev_c, dnext_h * next_c, dc * i
    da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)))
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@mistake("lstm_forward", "h and c are exchanged when they are handed to the next step")
def states_exchanged(x, h0, Wx, Wh, b, lengths=None):
    h, c, states, caches = h0, np.zeros_like(h0), [], []
    for t in range(x.shape[1]):
        c, h, cache = plain.lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        states.append(c)
        caches.append(cache)
    return np.stack(states, axis=1), caches


@mistake(
    "lstm_backward",
    "db is not summed over time: the last one computed is returned",
    says="the sum over time is missing",
)
def bias_of_one_step(dh, cache):
    N, T, H = dh.shape
    dx, dh0, dWx, dWh, _ = plain.lstm_backward(dh, cache)
    dstate, dcell = np.zeros((N, H), dh.dtype), np.zeros((N, H), dh.dtype)
    for t in reversed(range(T)):
        _, dstate, dcell, _, _, db = plain.lstm_step_backward(dh[:, t] + dstate, dcell, cache[t])
    return dx, dh0, dWx, dWh, db


@mistake("CaptioningRNN.loss", "the gradient of b_vocab is forgotten", says="db_vocab is missing")
def gradient_forgotten(self, features, captions):
    p, grads = self.params, {}
    forward, backward = (
        (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)
    )
    words_in, words_out = captions[:, :-1], captions[:, 1:]
    h0, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    x, embed_cache = word_embedding_forward(words_in, p["W_embed"])
    h, cache = forward(x, h0, p["Wx"], p["Wh"], p["b"])
    scores, vocab_cache = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    loss, dscores = temporal_softmax_loss(scores, words_out, words_out != self._null)
    dh, grads["W_vocab"], _ = temporal_affine_backward(dscores, vocab_cache)
    dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cache)
    grads["W_embed"] = word_embedding_backward(dx, embed_cache)
    grads["W_proj"], grads["b_proj"] = features.T @ dh0, dh0.sum(axis=0)
    return loss, grads


@mistake(
    "CaptioningRNN.sample",
    "the state starts from zero, not from the image",
    says="do the projected features start",
)
def image_forgotten(self, features, max_length=30):
    p, H = self.params, len(self.params["Wh"])
    states = [
        np.zeros((len(features), H), features.dtype)
        for _ in range(1 if self.cell_type == "rnn" else 2)
    ]
    step = rnn_step_forward if self.cell_type == "rnn" else lstm_step_forward
    captions = np.full((len(features), max_length), self._null)
    words, alive = np.full(len(features), self.word_to_idx["<START>"]), np.ones(len(features), bool)
    for t in range(max_length):
        *states, _ = step(p["W_embed"][words], *states, p["Wx"], p["Wh"], p["b"])
        words = (states[0] @ p["W_vocab"] + p["b_vocab"]).argmax(axis=1)
        captions[alive, t] = words[alive]
        alive &= words != self.word_to_idx["<END>"]
    return captions
