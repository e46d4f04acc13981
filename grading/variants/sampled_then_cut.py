"""Captions sampled to their full length and cut after <END>; the loss by matrices of all words."""

from collections import OrderedDict

import numpy as np

from deeplearning.rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
    temporal_softmax_loss,
)


def loss(self, features, captions):
    p, V = self.params, len(self.params["b_vocab"])
    forward, backward = (
        (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)
    )
    one_hot = np.eye(V, dtype=features.dtype)[captions[:, :-1]]
    h, cache = forward(
        one_hot @ p["W_embed"], features @ p["W_proj"] + p["b_proj"], p["Wx"], p["Wh"], p["b"]
    )
    words = captions[:, 1:]
    value, dscores = temporal_softmax_loss(
        h @ p["W_vocab"] + p["b_vocab"], words, np.not_equal(words, self._null)
    )
    dx, dh0, dWx, dWh, db = backward(dscores @ p["W_vocab"].T, cache)
    flat = dscores.reshape(-1, V)
    grads = OrderedDict(
        b_vocab=flat.sum(0), W_vocab=h.reshape(len(flat), -1).T @ flat, Wx=dWx, Wh=dWh, b=db
    )
    grads.update(W_embed=one_hot.reshape(-1, V).T @ dx.reshape(len(flat), -1))
    grads.update(W_proj=np.dot(features.T, dh0), b_proj=np.ones(len(dh0), features.dtype) @ dh0)
    return np.asarray(value), grads


def sample(self, features, max_length=30):
    p = self.params
    h = c = features.dot(p["W_proj"]) + p["b_proj"]
    c = c * 0
    words = [np.full(len(h), self.word_to_idx["<START>"], np.int32)]
    for _ in range(max_length):
        x = p["W_embed"][words[-1]]
        if self.cell_type == "lstm":
            h, c, _ = lstm_step_forward(x, h, c, p["Wx"], p["Wh"], p["b"])
        else:
            h, _ = rnn_step_forward(x, h, p["Wx"], p["Wh"], p["b"])
        words.append(np.argsort(h.dot(p["W_vocab"]) + p["b_vocab"])[:, -1].astype(np.int32))
    captions = np.stack(words[1:], 1)
    ended = (
        np.cumsum(captions == self.word_to_idx["<END>"], axis=1)
        - (captions == self.word_to_idx["<END>"])
        > 0
    )
    captions[ended] = self.word_to_idx["<NULL>"]
    return captions
