"""The way that the course's notebooks lead to at first: one step after the other, everything in
float64.
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
    """Loss, gradients and Adam, without a trick."""
    features, captions = minibatch(shape, np.float64)
    p = captioner(shape).params
    (N, T, H) = (shape.N, shape.T, shape.H)
    x_words = captions[:, :-1]
    y = captions[:, 1:]
    moments = {name: [0, 0] for name in p}

    def step():
        h0 = features @ p["W_proj"] + p["b_proj"]
        x = p["W_embed"][x_words]
        h = h0
        states = np.zeros((N, T, H))
        caches = []
        c = np.zeros((N, H))
        for t in range(T):
            h, c, cache = step_forward(shape.cell, x[:, t], h, c, p["Wx"], p["Wh"], p["b"])
            states[:, t] = h
            caches.append(cache)
        scores = states.reshape(N * T, H) @ p["W_vocab"] + p["b_vocab"]
        probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        rows = np.arange(N * T)
        words = y.reshape(-1)
        mask = (y != 0).reshape(-1)
        loss = -np.sum(mask * np.log(probabilities[rows, words])) / N
        dscores = probabilities.copy()
        dscores[rows, words] -= 1
        dscores *= mask[:, None] / N
        grads = {"W_vocab": states.reshape(N * T, H).T @ dscores, "b_vocab": dscores.sum(axis=0)}
        dstates = (dscores @ p["W_vocab"].T).reshape(N, T, H)
        dx = np.zeros_like(x, dtype=np.float64)
        dh = np.zeros((N, H))
        dc = np.zeros((N, H))
        grads |= {
            name: np.zeros_like(p[name], dtype=np.float64) for name in ("Wx", "Wh", "b", "W_embed")
        }
        for t in reversed(range(T)):
            dx[:, t], dh, dc, dWx, dWh, db = step_backward(
                shape.cell, dstates[:, t] + dh, dc, caches[t]
            )
            grads["Wx"], grads["Wh"], grads["b"] = (
                grads["Wx"] + dWx,
                grads["Wh"] + dWh,
                grads["b"] + db,
            )
        np.add.at(grads["W_embed"], x_words, dx)
        grads["W_proj"] = features.T @ dh
        grads["b_proj"] = dh.sum(axis=0)
        for name, dw in grads.items():
            m = moments[name][0] = 0.9 * moments[name][0] + 0.1 * dw
            v = moments[name][1] = 0.999 * moments[name][1] + 0.001 * dw**2
            p[name] = p[name] - 1e-3 * m / (np.sqrt(v) + 1e-8)
        return loss

    return step


def sample(model, features, max_length, end):
    """Greedy captions, every row to the last step."""
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
