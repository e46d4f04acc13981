"""The loss of each caption alone, then their mean; at every step, sampling reads all words so far
again from the start.
"""

import numpy as np

from deeplearning.layers import affine_backward, affine_forward
from deeplearning.rnn_layers import (
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)


def _loss_of_one(self, feature, caption):
    p, words_out = self.params, caption[:, 1:]
    rnn = self.cell_type == "rnn"
    h0, proj = affine_forward(feature, p["W_proj"], p["b_proj"])
    x, embed = word_embedding_forward(caption[:, :-1], p["W_embed"])
    h, sequence = (rnn_forward if rnn else lstm_forward)(x, h0, p["Wx"], p["Wh"], p["b"])
    scores, vocab = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    value, dscores = temporal_softmax_loss(scores, words_out, words_out != self._null)
    dh, dW_vocab, db_vocab = temporal_affine_backward(dscores, vocab)
    dx, dh0, dWx, dWh, db = (rnn_backward if rnn else lstm_backward)(dh, sequence)
    _, dW_proj, db_proj = affine_backward(dh0, proj)
    dW_embed = word_embedding_backward(dx, embed)
    return value, (dW_embed, dW_proj, db_proj, dWx, dWh, db, dW_vocab, db_vocab)


def loss(self, features, captions):
    names = ["W_embed", "W_proj", "b_proj", "Wx", "Wh", "b", "W_vocab", "b_vocab"]
    N = len(captions)
    total, grads = 0, {name: np.zeros_like(self.params[name]) for name in names}
    for n in range(N):
        value, gradients = _loss_of_one(self, features[n : n + 1], captions[n : n + 1])
        total += value / N
        for name, gradient in zip(names, gradients, strict=True):
            grads[name] += gradient / N
    return total, grads


def sample(self, features, max_length=30):
    p, N = self.params, len(features)
    forward = rnn_forward if self.cell_type == "rnn" else lstm_forward
    h0 = features.dot(p["W_proj"]) + p["b_proj"]
    words = np.full((N, 1), self.word_to_idx["<START>"])
    captions = self._null * np.ones((N, max_length), dtype=np.int64)
    finished = np.zeros(N, dtype=bool)
    for t in range(max_length):
        h, _ = forward(p["W_embed"][words], h0, p["Wx"], p["Wh"], p["b"])
        best = np.argmax(h[:, -1] @ p["W_vocab"] + p["b_vocab"], axis=-1)
        captions[~finished, t] = best[~finished]
        finished |= best == self.word_to_idx["<END>"]
        words = np.column_stack([words, best])
    return captions
