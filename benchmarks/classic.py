"""The straightforward implementation that the course's notebooks lead to first: one step after the
other, everything in float64.
"""

import numpy as np

from benchmarks.problem import captioner, minibatch


def sigmoid(x):
    positive = x >= 0
    z = np.zeros_like(x)
    z[positive], z[~positive] = np.exp(-x[positive]), np.exp(x[~positive])
    top = np.ones_like(x)
    top[~positive] = z[~positive]
    return top / (1 + z)


def step_forward(cell, x, h, c, Wx, Wh, b):
    a = x @ Wx + h @ Wh + b
    H = h.shape[1]
    if cell == "rnn":
        next_h = np.tanh(a)
        return next_h, c, (x, h, Wx, Wh, next_h)
    i, f, o = (sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3))
    g = np.tanh(a[:, 3 * H :])
    next_c = f * c + i * g
    return o * np.tanh(next_c), next_c, (x, h, c, Wx, Wh, i, f, o, g, next_c)


def step_backward(cell, dh, dc, cache):
    if cell == "rnn":
        x, h, Wx, Wh, next_h = cache
        da = dh * (1 - next_h**2)
    else:
        x, h, c, Wx, Wh, i, f, o, g, next_c = cache
        dc = dc + dh * o * (1 - np.tanh(next_c) ** 2)
        parts = (
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dh * np.tanh(next_c) * o * (1 - o),
            dc * i * (1 - g**2),
        )
        da = np.hstack(parts)
        dc = dc * f
    return da @ Wx.T, da @ Wh.T, dc, x.T @ da, h.T @ da, da.sum(axis=0)


def training_step(shape):
    """Loss, gradients and Adam, without any tricks."""
    features, captions = minibatch(shape, np.float64)
    p = captioner(shape, np.float64).params
    moments = {name: [0, 0, 0] for name in p}

    def step():
        states, caches, x = forward(shape.cell, p, features, captions[:, :-1])
        loss, dstates, grads = softmax_loss(p, states, captions[:, 1:])
        grads |= backward(shape.cell, p, features, captions[:, :-1], x, dstates, caches)
        adam(p, grads, moments)
        return loss

    return step


def forward(cell, p, features, words):
    """The states of all steps, the caches of all steps, and the word vectors."""
    x = p["W_embed"][words]  # (N, T, W)
    h = features @ p["W_proj"] + p["b_proj"]
    c = np.zeros(h.shape)
    states = []
    caches = []
    for t in range(words.shape[1]):
        h, c, cache = step_forward(cell, x[:, t], h, c, p["Wx"], p["Wh"], p["b"])
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches, x


def softmax_loss(p, states, words):
    """Loss, its gradient with respect to the states, and those of the scores' parameters."""
    N, T, H = states.shape
    flat = states.reshape(N * T, H)
    scores = flat @ p["W_vocab"] + p["b_vocab"]
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    rows = np.arange(N * T)
    mask = (words != 0).reshape(-1)
    loss = -np.sum(mask * np.log(probabilities[rows, words.reshape(-1)])) / N
    dscores = probabilities.copy()
    dscores[rows, words.reshape(-1)] -= 1
    dscores *= mask[:, None] / N
    grads = {"W_vocab": flat.T @ dscores, "b_vocab": dscores.sum(axis=0)}
    return loss, (dscores @ p["W_vocab"].T).reshape(N, T, H), grads


def backward(cell, p, features, words, x, dstates, caches):
    """Gradients of everything before the states."""
    N, T, H = dstates.shape
    grads = {name: np.zeros(p[name].shape) for name in ("Wx", "Wh", "b", "W_embed")}
    dx = np.zeros(x.shape)
    dh = np.zeros((N, H))
    dc = np.zeros((N, H))
    for t in reversed(range(T)):
        dx[:, t], dh, dc, dWx, dWh, db = step_backward(cell, dstates[:, t] + dh, dc, caches[t])
        grads["Wx"] = grads["Wx"] + dWx
        grads["Wh"] = grads["Wh"] + dWh
        grads["b"] = grads["b"] + db
    np.add.at(grads["W_embed"], words, dx)
    grads["W_proj"] = features.T @ dh
    grads["b_proj"] = dh.sum(axis=0)
    return grads


def adam(p, grads, moments):
    for name, dw in grads.items():
        m, v, t = moments[name]
        m = 0.9 * m + 0.1 * dw
        v = 0.999 * v + 0.001 * dw**2
        t += 1
        moments[name] = [m, v, t]
        p[name] = p[name] - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def sample(model, features, max_length, end):
    """Greedy captions, with every row computed to the last step."""
    p = model.params
    N = len(features)
    h = features @ p["W_proj"] + p["b_proj"]
    c = np.zeros(h.shape)
    words = np.ones(N, int)
    captions = np.zeros((N, max_length), int)
    for t in range(max_length):
        h, c, _ = step_forward(model.cell_type, p["W_embed"][words], h, c, p["Wx"], p["Wh"], p["b"])
        words = captions[:, t] = (h @ p["W_vocab"] + p["b_vocab"]).argmax(axis=1)
    return captions
