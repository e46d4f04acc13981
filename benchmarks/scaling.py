"""How the cost of a training step grows with the batch, the captions' length and the vocabulary."""

from dataclasses import replace

from benchmarks import limit, training
from benchmarks.problem import Shape
from benchmarks.timing import race, table

START = Shape("lstm", N=64, T=16, V=1250)
DOUBLED = [
    *(replace(START, N=N) for N in (64, 128, 256, 512)),
    *(replace(START, T=T) for T in (32, 64)),
    *(replace(START, V=V) for V in (2500, 5000, 10_000)),
]


def report(seconds, clock):
    """Milliseconds of a step, and its ratio to the time of its matrix products: growth is linear
    where the ratio stays the same.
    """
    rows = []
    for shape in DOUBLED:
        times = race(
            {"limit": limit.training_step(shape), "ours": training.ours(shape)}, seconds, clock
        )
        rows.append(
            [
                shape.N,
                shape.T,
                shape.V,
                times["ours"],
                times["limit"],
                times["ours"] / times["limit"],
            ]
        )
    return table(["lstm, W=256, H=512: N", "T", "V", "ours, ms", "limit, ms", "ratio"], rows)
