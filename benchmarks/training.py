"""A training step: loss, all gradients and Adam; the package's own runs in its solver."""

import numpy as np

from benchmarks import classic, limit, pytorch
from benchmarks.problem import Shape, captioner, minibatch
from benchmarks.timing import race, ratios, table
from deeplearning.captioning_solver import CaptioningSolver

SHAPES = [
    Shape(cell, N=N, H=H) for N, H in ((25, 512), (128, 512), (25, 256)) for cell in ("rnn", "lstm")
]


def ours(shape):
    features, captions = minibatch(shape)
    data = {
        "train_captions": captions,
        "train_features": features,
        "train_image_idxs": np.arange(shape.N),
        "train_urls": np.full(shape.N, ""),
    }
    solver = CaptioningSolver(
        captioner(shape), data, "adam", {"learning_rate": 1e-3}, batch_size=shape.N
    )
    return solver._train_step


def report(seconds, clock):
    """Each candidate's time as a multiple of the limit."""
    rows = []
    for shape in SHAPES:
        times = race(
            {
                "limit": limit.training_step(shape),
                "ours": ours(shape),
                "classic": classic.training_step(shape),
                "PyTorch": pytorch.training_step(shape),
                "fused Adam": pytorch.training_step(shape, fused=True),
                "packed": pytorch.training_step(shape, packed=True),
                "packed, fused": pytorch.training_step(shape, packed=True, fused=True),
            },
            seconds,
            clock,
        )
        rows.append([shape, times["limit"], *ratios(times, "limit")])
    header = [
        "training step",
        "limit, ms",
        "ours",
        "classic NumPy",
        "PyTorch",
        "fused Adam",
        "packed",
        "packed, fused",
    ]
    return table(header, rows)
