"""Captions of 1,000 images, by greedy decoding and by beam search."""

import numpy as np
import torch

from benchmarks import classic
from benchmarks.limit import filled, product
from benchmarks.problem import Shape, captioner
from benchmarks.pytorch import Captioner
from benchmarks.timing import race, ratios, table

N = 1000
MAX_LENGTH = 30
END = 2


def model_with_mean_length(shape, features, wanted=10):
    """A random model whose bias of <END> is set to give captions of this mean length."""
    model = captioner(shape)
    model.params["W_embed"] *= 100  # so that earlier words matter
    low = -5.0
    high = 5.0
    for _ in range(20):
        model.params["b_vocab"][END] = bias = (low + high) / 2
        longer = lengths(model.sample(features, MAX_LENGTH)).mean() > wanted
        low, high = (bias, high) if longer else (low, bias)
    return model


def lengths(captions):
    return (captions != 0).sum(axis=1)


def products(shape, captions):
    """The matrix products of the rows whose captions have not ended."""
    alive = [n for n in ((captions != 0).sum(axis=0)).tolist() if n]
    parts = [product(filled(N, shape.D), filled(shape.D, shape.H))]
    for n in alive:
        parts += [
            product(filled(n, shape.W), filled(shape.W, shape.K)),
            product(filled(n, shape.H), filled(shape.H, shape.K)),
        ]
        parts += [product(filled(n, shape.H), filled(shape.H, shape.V))]
    return lambda: [part() for part in parts]


def pytorch_loop(shape, model, features):
    """The same captions in PyTorch, with a loop over a cell until every caption has ended."""
    net = Captioner(shape).load(model.params)
    features = torch.from_numpy(features)
    cell = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell}[shape.cell](shape.W, shape.H)
    cell.load_state_dict(
        {name.removesuffix("_l0"): w for name, w in net.recurrent.state_dict().items()}
    )

    @torch.no_grad()
    def run():
        h = net.proj(features)
        state = (h, torch.zeros_like(h)) if shape.cell == "lstm" else h
        words = torch.ones(N, dtype=torch.long)
        ended = torch.zeros(N, dtype=torch.bool)
        captions = torch.zeros(N, MAX_LENGTH, dtype=torch.long)
        for t in range(MAX_LENGTH):
            state = cell(net.embed(words), state)
            words = net.vocab(state[0] if shape.cell == "lstm" else state).argmax(1)
            captions[:, t] = words.masked_fill(ended, 0)
            ended |= words == END
            if ended.all():
                break
        return captions.numpy()

    return run


def report(seconds, clock):
    """Times as multiples of that of the matrix products of unfinished captions."""
    shape = Shape("lstm")
    features = np.random.default_rng(1).standard_normal((N, shape.D)).astype(np.float32)
    model = model_with_mean_length(shape, features)
    captions = model.sample(features, MAX_LENGTH)
    loop = pytorch_loop(shape, model, features)
    agreement = (loop() == captions).all(axis=1).mean()
    times = race(
        {
            "limit": products(shape, captions),
            "greedy": lambda: model.sample(features, MAX_LENGTH),
            "beam of 3": lambda: model.sample(features, MAX_LENGTH, beam_width=3),
            "classic": lambda: classic.sample(model, features.astype(np.float64), MAX_LENGTH, END),
            "PyTorch": loop,
        },
        seconds,
        clock,
    )
    about = (
        f"{N} captions, {shape}, mean length {lengths(captions).mean():.1f}; "
        f"PyTorch's are the same for {agreement:.1%}"
    )
    header = [
        "sampling",
        "limit, ms",
        "greedy",
        "beam of 3",
        "classic loop",
        "PyTorch loop over a cell",
    ]
    return table(header, [[about, times["limit"], *ratios(times, "limit")]])
