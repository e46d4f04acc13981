"""A task that needs memory: repeat the first word of a sequence after many other words.

    accuracy = memory_task("lstm", gap=20, forget_bias=3)

A sequence begins with one of eight words, followed by `gap` meaningless words drawn at random from
eight others. After the last one, the network has to name the first. It is trained from scratch on
freshly drawn sequences; guessing is right one time in eight.
"""

import math

import numpy as np

from deeplearning.layers import affine_backward, affine_forward, softmax_loss
from deeplearning.optim import adam
from deeplearning.rnn_layers import (
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
    word_embedding_backward,
    word_embedding_forward,
)

WORDS = 8  # words to remember; as many others fill the gap
W, H = 16, 32  # dimensions of the word vectors and the hidden state


def memory_task(cell_type, gap, forget_bias=0.0, *, steps=200, seed=0):
    """Train a small network on the task, and test it.

    Inputs:
    - cell_type: "rnn" or "lstm"
    - gap: Number of words after the one to remember
    - forget_bias: Initial value of the LSTM's forget-gate biases
    - steps: Number of minibatches of 32 sequences to train on
    - seed: Seed of the sequences and initial weights

    Returns: fraction of a thousand new sequences whose first word is named correctly
    """
    rng = np.random.default_rng(seed)
    params = _first_params(rng, cell_type, forget_bias)
    configs = {name: {"learning_rate": 1e-2} for name in params}
    for _ in range(steps):
        grads = _gradients(params, cell_type, sequences(rng, 32, gap))
        norm = math.sqrt(sum(float(np.vdot(grad, grad)) for grad in grads.values()))
        scale = np.float32(min(1, 1 / norm))
        for name, grad in grads.items():
            update = adam(params[name], scale * grad, configs[name])
            params[name], configs[name] = update
    x = sequences(rng, 1000, gap)
    scores, _ = _forward(params, cell_type, x)
    return float(np.mean(scores.argmax(axis=1) == x[:, 0]))


def sequences(rng, N, gap):
    """Words as indices, ints of shape (N, gap + 1): only the first is below WORDS."""
    x = rng.integers(WORDS, 2 * WORDS, size=(N, gap + 1))
    x[:, 0] = rng.integers(WORDS, size=N)
    return x


def _first_params(rng, cell_type, forget_bias):
    K = {"rnn": H, "lstm": 4 * H}[cell_type]
    params = {
        "W_embed": rng.normal(size=(2 * WORDS, W)),
        "Wx": rng.normal(size=(W, K)) / math.sqrt(W),
        "Wh": rng.normal(size=(H, K)) / math.sqrt(H),
        "b": np.zeros(K),
        "W_answer": rng.normal(size=(H, WORDS)) / math.sqrt(H),
        "b_answer": np.zeros(WORDS),
    }
    if cell_type == "lstm":
        params["b"][H : 2 * H] = forget_bias
    return {name: value.astype(np.float32) for name, value in params.items()}


def _forward(p, cell_type, x):
    """Scores of the words to remember after the last step, (N, WORDS), and the caches."""
    sequence_forward = {"rnn": rnn_forward, "lstm": lstm_forward}[cell_type]
    vectors, embed_cache = word_embedding_forward(x, p["W_embed"])  # (N, T, W)
    h0 = np.zeros((len(x), H), np.float32)
    h, cache = sequence_forward(vectors, h0, p["Wx"], p["Wh"], p["b"])  # (N, T, H)
    scores, answer_cache = affine_forward(h[:, -1], p["W_answer"], p["b_answer"])
    return scores, (embed_cache, cache, answer_cache, h.shape)


def _gradients(p, cell_type, x):
    """Gradients of the loss on a minibatch, with the keys of the parameters."""
    sequence_backward = {"rnn": rnn_backward, "lstm": lstm_backward}[cell_type]
    scores, (embed_cache, cache, answer_cache, shape) = _forward(p, cell_type, x)
    _, dscores = softmax_loss(scores, x[:, 0])
    grads = {}
    dlast, grads["W_answer"], grads["b_answer"] = affine_backward(dscores, answer_cache)
    dh = np.zeros(shape, dlast.dtype)
    dh[:, -1] = dlast  # the loss depends directly on the last state only
    dvectors, _, grads["Wx"], grads["Wh"], grads["b"] = sequence_backward(dh, cache)
    grads["W_embed"] = word_embedding_backward(dvectors, embed_cache)
    return grads
