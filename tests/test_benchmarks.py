"""The benchmarks are fair: every candidate does the same work."""

import numpy as np
import pytest
import torch

from benchmarks import classic, limit, pytorch, timing
from benchmarks.problem import Shape, captioner, minibatch
from deeplearning.optim import adam

SMALL = {cell: Shape(cell, N=6, W=4, H=5, D=7, V=30, T=9) for cell in ("rnn", "lstm")}
cells = pytest.mark.parametrize("cell", SMALL)


def our_loss_and_gradients(shape):
    features, captions = minibatch(shape, np.float64)
    model = captioner(shape, np.float64)
    return model.params, *model.loss(features, captions)


@cells
def test_a_third_of_the_targets_is_null(cell):
    """Captions begin with <START>, end with <END>, and about a third of their targets is <NULL>."""
    _, captions = minibatch(Shape(cell))
    assert (captions[:, 0] == 1).all() and (np.sum(captions == 2, axis=1) == 1).all()
    assert 0.25 < np.mean(captions[:, 1:] == 0) < 0.4


@cells
@pytest.mark.parametrize("packed", [False, True])
def test_pytorch_computes_the_same(cell, packed):
    """Loss and gradients of the PyTorch candidate are the package's, also with packed sequences."""
    shape = SMALL[cell]
    params, loss, grads = our_loss_and_gradients(shape)
    features, captions = map(torch.from_numpy, minibatch(shape, np.float64))
    model = pytorch.Captioner(shape, packed).double().load(params)
    found = model(features, captions)
    found.backward()
    assert found.item() == pytest.approx(loss, rel=1e-10)
    expected = pytorch.Captioner.translated(grads)
    for name, parameter in model.named_parameters():
        if name != "recurrent.bias_hh_l0":  # the second bias, which the package does not have
            np.testing.assert_allclose(
                parameter.grad.numpy(), expected[name], rtol=1e-8, atol=1e-12
            )


@cells
def test_the_classic_way_computes_the_same(cell):
    """The classic candidate's losses are those of the package, step after step of Adam."""
    shape = SMALL[cell]
    model = captioner(shape, np.float64)
    moments = {name: {} for name in model.params}
    step = classic.training_step(shape)
    for _ in range(3):
        loss, grads = model.loss(*minibatch(shape, np.float64))
        assert step() == pytest.approx(loss, rel=1e-6)
        for name, w in model.params.items():
            adam(w, grads[name], moments[name])


@cells
def test_the_limit_is_made_of_products(cell):
    """The limit can be run repeatedly, and needs no more rows than there are words."""
    products = limit.training_step(SMALL[cell])
    assert len(products()) == len(products()) > 8


def test_candidates_take_turns():
    """Every candidate runs at least seven times, and the least of its times is returned in
    milliseconds.
    """
    counts, now = {"a": 0, "b": 0}, iter(range(1000))

    def count(name):
        counts[name] += 1

    times = timing.race(
        {name: lambda name=name: count(name) for name in counts}, 0, lambda: next(now)
    )
    assert counts == {"a": 7, "b": 7} and times == {"a": 1000, "b": 1000}


def test_tables_are_markdown():
    """Numbers have three digits, texts stay, and ratios leave their base out."""
    times = {"limit": 2.0, "ours": 2.2}
    assert timing.table(
        ["what", "ratio"], [["x", *timing.ratios(times, "limit")]]
    ).splitlines() == [
        "| what | ratio |",
        "| --- | --- |",
        "| x | 1.1 |",
    ]
