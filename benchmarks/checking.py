"""The numerical gradient check of a whole captioner, with the notebooks' sizes."""

import numpy as np

from benchmarks.timing import race, table
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.gradient_check import compare_gradients, eval_numerical_gradient


def check(cell):
    rng = np.random.default_rng(0)
    N = 2
    T = 3
    D = 4
    W = 5
    H = 6
    model = CaptioningRNN({"<NULL>": 0, "cat": 1, "dog": 2, "tree": 3}, D, W, H, cell, np.float64)
    features = rng.normal(size=(N, D))
    captions = rng.integers(4, size=(N, T))

    def run():
        _, grads = model.loss(features, captions)
        for name, value in model.params.items():
            numeric = eval_numerical_gradient(
                lambda _: model.loss(features, captions)[0], value, verbose=False
            )
            assert compare_gradients(grads[name], numeric)

    return run


def report(seconds, clock):
    times = race({"rnn": check("rnn"), "lstm": check("lstm")}, seconds, clock)
    return table(
        ["gradient check of a captioner, ms", *times],
        [["N=2, T=3, D=4, W=5, H=6, V=4", *times.values()]],
    )
