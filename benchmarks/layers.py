"""The recurrent layers alone, forward and backward, without masks and repeated words."""

import torch

from benchmarks import limit
from benchmarks.limit import filled
from benchmarks.problem import Shape
from benchmarks.timing import race, ratios, table
from deeplearning import rnn_layers


def ours(shape):
    forward, backward = (
        getattr(rnn_layers, f"{shape.cell}_{way}") for way in ("forward", "backward")
    )
    N = shape.N
    T = shape.T
    W = shape.W
    H = shape.H
    K = shape.K
    x = filled(N, T, W)
    h0 = filled(N, H)
    Wx = filled(W, K)
    Wh = filled(H, K)
    b = filled(K)
    dh = filled(N, T, H)
    return lambda: backward(dh, forward(x, h0, Wx, Wh, b)[1])


def autograd(shape):
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[shape.cell](
        shape.W, shape.H, batch_first=True
    )
    x = torch.randn(shape.N, shape.T, shape.W, requires_grad=True)
    dh = torch.randn(shape.N, shape.T, shape.H)

    def run():
        module.zero_grad()
        x.grad = None
        module(x)[0].backward(dh)

    return run


def report(seconds, clock):
    """Time as a multiple of the matrix products'."""
    rows = []
    for shape in (Shape("rnn", N=128), Shape("lstm", N=128)):
        products = [
            *limit.affine(shape.N * shape.T, shape.W, shape.K),
            *limit.recurrence([shape.N] * shape.T, shape.H, shape.K),
        ]
        candidates = {"limit": lambda products=products: [product() for product in products]}
        times = race(candidates | {"ours": ours(shape), "PyTorch": autograd(shape)}, seconds, clock)
        rows.append([f"{shape} T={shape.T}", times["limit"], *ratios(times, "limit")])
    return table(
        ["layer, forward and backward", "limit, ms", "ours", "torch.nn with autograd"], rows
    )
