"""Only the matrix products that an algorithm can't do without, written into existing arrays.

Nothing is computed with the results, so a program that needs these products can be faster only if
its products are. Masked rows are not needed, and a caption that has ended leaves the recurrence.
"""

import numpy as np

from benchmarks.problem import captioner, minibatch


def product(a, b):
    """Function that computes a @ b into one array, again and again."""
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    return lambda: np.matmul(a, b, out=out)


def affine(rows, inputs, outputs, needs_dx=True):
    """The products of an affine layer, forward and backward."""
    x, w, dout = (filled(*shape) for shape in ((rows, inputs), (inputs, outputs), (rows, outputs)))
    return [product(x, w), product(x.T, dout), *([product(dout, w.T)] if needs_dx else [])]


def recurrence(counts, H, K):
    """The products of h Wh over time, forward and backward; counts are the rows alive at each step.

    The gradient of Wh is one product over all steps.
    """
    Wh = filled(H, K)
    rows = sum(counts)
    steps = [(filled(n, H), filled(n, K)) for n in counts if n]
    return [
        *(product(h, Wh) for h, _ in steps),
        *(product(da, Wh.T) for _, da in steps),
        product(filled(rows, H).T, filled(rows, K)),
    ]


def adam_traffic(parameters):
    """One pass over what Adam reads (w, dw, m, v) and writes (w, m, v), with the cheapest possible
    arithmetic.
    """
    w, dw, m, v = (filled(1, n)[0] for n in (parameters,) * 4)

    def update():
        np.add(w, dw, out=w)  # reads two, writes one
        np.add(m, v, out=m)  # reads two, writes one
        # v is read a second time here, in place of a copy: five reads, three writes
        np.negative(v, out=v)

    return update


def training_step(shape):
    """Function that computes the products of one training step, with Adam's memory traffic."""
    captions = minibatch(shape)[1]
    counts = (captions[:, 1:] != 0).sum(axis=0).tolist()  # rows alive at each step
    P = sum(counts)
    parts = [
        *affine(shape.N, shape.D, shape.H, needs_dx=False),
        *affine(P, shape.W, shape.K),
        *recurrence(counts, shape.H, shape.K),
        *affine(P, shape.H, shape.V),
        adam_traffic(sum(w.size for w in captioner(shape).params.values())),
    ]
    return lambda: [part() for part in parts]


def filled(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32) / 100
