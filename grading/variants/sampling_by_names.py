"""Sampling with a set of unfinished pictures, words by name, and the RNN's sequence function."""

import numpy as np

from deeplearning.layers import affine_forward
from deeplearning.rnn_layers import (
    lstm_step_forward,
    rnn_forward,
    temporal_affine_forward,
    word_embedding_forward,
)


def sample(self, features, max_length=30):
    N, p = len(features), self.params
    captions = [["<NULL>"] * max_length for _ in range(N)]
    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    c = np.zeros(h.shape, h.dtype)
    now, left = ["<START>"] * N, set(range(N))
    for t in range(max_length):
        x, _ = word_embedding_forward(
            np.array([[self.word_to_idx[word]] for word in now]), p["W_embed"]
        )  # (N, 1, W)
        if self.cell_type == "rnn":
            states, _ = rnn_forward(x, h, p["Wx"], p["Wh"], p["b"])  # a sequence of one step
            h = states[:, 0]
        else:
            h, c, _ = lstm_step_forward(x[:, 0], h, c, p["Wx"], p["Wh"], p["b"])
        scores, _ = temporal_affine_forward(h[:, None], p["W_vocab"], p["b_vocab"])
        now = [self.idx_to_word[i] for i in scores[:, 0].argmax(axis=1).tolist()]
        for n in sorted(left):
            captions[n][t] = now[n]
        left = {n for n in left if now[n] != "<END>"}
        if not left:
            break
    return np.array([[self.word_to_idx[word] for word in caption] for caption in captions])
