"""Captions step by step: the loss through the step functions, sampling one picture at a time."""

import numpy as np

from deeplearning.rnn_layers import (
    lstm_step_backward,
    lstm_step_forward,
    rnn_step_backward,
    rnn_step_forward,
)


def loss(self, features, captions):
    p, N, total, steps = self.params, len(captions), 0.0, []
    rnn = self.cell_type == "rnn"
    states = [features @ p["W_proj"] + p["b_proj"]]
    states += [] if rnn else [np.zeros_like(states[0])]
    for t in range(captions.shape[1] - 1):
        step = rnn_step_forward if rnn else lstm_step_forward
        *states, cache = step(p["W_embed"][captions[:, t]], *states, p["Wx"], p["Wh"], p["b"])
        scores = states[0] @ p["W_vocab"] + p["b_vocab"]
        e = np.exp(scores - scores.max(1, keepdims=True))
        probabilities = e / e.sum(1, keepdims=True)
        counts = (captions[:, t + 1] != self.word_to_idx["<NULL>"]).astype(features.dtype)
        total -= (counts * np.log(probabilities[range(N), captions[:, t + 1]])).sum() / N
        probabilities[range(N), captions[:, t + 1]] -= 1
        steps.append((cache, states[0], probabilities * counts[:, None] / N))
    grads = {name: np.zeros_like(w) for name, w in p.items()}
    dstates = [np.zeros_like(s) for s in states]
    for t, (cache, h, dscores) in reversed(list(enumerate(steps))):
        grads["W_vocab"] += h.T @ dscores
        grads["b_vocab"] += dscores.sum(0)
        dstates[0] = dstates[0] + dscores @ p["W_vocab"].T
        back = rnn_step_backward if rnn else lstm_step_backward
        dx, *dstates, dWx, dWh, db = back(*dstates, cache)
        np.add.at(grads["W_embed"], captions[:, t], dx)
        for name, gradient in (("Wx", dWx), ("Wh", dWh), ("b", db)):
            grads[name] += gradient
    grads["W_proj"], grads["b_proj"] = features.T @ dstates[0], dstates[0].sum(0)
    return total, grads


def sample(self, features, max_length=30):
    p, captions = self.params, []
    for feature in features:
        states = [feature[None] @ p["W_proj"] + p["b_proj"]]
        states += [states[0] * 0] if self.cell_type == "lstm" else []
        caption, word = [], self.word_to_idx["<START>"]
        while len(caption) < max_length and word != self.word_to_idx["<END>"]:
            step = lstm_step_forward if self.cell_type == "lstm" else rnn_step_forward
            *states, _ = step(p["W_embed"][[word]], *states, p["Wx"], p["Wh"], p["b"])
            word = int(np.argmax(states[0][0] @ p["W_vocab"] + p["b_vocab"]))
            caption.append(word)
        captions.append(caption + [self.word_to_idx["<NULL>"]] * (max_length - len(caption)))
    return np.array(captions)
