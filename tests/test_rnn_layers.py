"""The recurrent layers, against published values, float64 PyTorch and closed forms."""

import numpy as np
import pytest
import torch

from deeplearning import rnn_layers as layers
from deeplearning.gradient_check import compare_gradients, eval_numerical_gradient_array, rel_error

# N, T, D, H
SIZES = [(1, 1, 1, 1), (2, 1, 3, 4), (1, 5, 2, 1), (3, 4, 1, 5), (4, 7, 6, 3)]
CELLS = ["rnn", "lstm"]


def arguments(cell, N, T, D, H, dtype=np.float64, seed=0):
    """x, h0, Wx, Wh, b of a sequence function, and an upstream gradient."""
    rng = np.random.default_rng(seed)
    K = {"rnn": 1, "lstm": 4}[cell] * H
    shapes = [(N, T, D), (N, H), (D, K), (H, K), (K,), (N, T, H)]
    *args, dh = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    return args, dh


def functions(cell):
    return getattr(layers, f"{cell}_forward"), getattr(layers, f"{cell}_backward")


def torch_sequence(cell, args, dh):
    """Outputs and gradients of PyTorch's own module; its LSTM has the gates in the order i, f, g,
    o.
    """
    x, h0, Wx, Wh, b = args
    H = h0.shape[1]
    order = np.r_[0 : 2 * H, 3 * H : 4 * H, 2 * H : 3 * H] if cell == "lstm" else np.arange(H)
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[cell](
        x.shape[2], H, batch_first=True
    ).double()
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.tensor(Wx[:, order].T))
        module.weight_hh_l0.copy_(torch.tensor(Wh[:, order].T))
        module.bias_ih_l0.copy_(torch.tensor(b[order]))
        module.bias_hh_l0.zero_()
    tx, th0 = torch.tensor(x, requires_grad=True), torch.tensor(h0, requires_grad=True)
    state = th0[None] if cell == "rnn" else (th0[None], torch.zeros_like(th0)[None])
    h, _ = module(tx, state)
    h.backward(torch.tensor(dh))
    back = np.argsort(order)
    weights = [
        module.weight_ih_l0.grad.T[:, back],
        module.weight_hh_l0.grad.T[:, back],
        module.bias_ih_l0.grad[back],
    ]
    return h.detach().numpy(), [g.numpy() for g in [tx.grad, th0.grad, *weights]]


def linspaces(**ranges):
    return [
        np.linspace(low, high, num=int(np.prod(shape))).reshape(shape)
        for low, high, shape in ranges.values()
    ]


def test_rnn_step_forward_published_values():
    """The course's cell: three rows, four hidden units."""
    args = linspaces(
        x=(-0.4, 0.7, (3, 10)),
        prev_h=(-0.2, 0.5, (3, 4)),
        Wx=(-0.1, 0.9, (10, 4)),
        Wh=(-0.3, 0.7, (4, 4)),
        b=(-0.2, 0.4, (4,)),
    )
    expected = [
        [-0.58172089, -0.50182032, -0.41232771, -0.31410098],
        [0.66854692, 0.79562378, 0.87755553, 0.92795967],
        [0.97934501, 0.99144213, 0.99646691, 0.99854353],
    ]
    assert rel_error(np.array(expected), layers.rnn_step_forward(*args)[0]) < 1e-7


def test_rnn_forward_published_values():
    """The course's cell: two sequences of three steps."""
    args = linspaces(
        x=(-0.1, 0.3, (2, 3, 4)),
        h0=(-0.3, 0.1, (2, 5)),
        Wx=(-0.2, 0.4, (4, 5)),
        Wh=(-0.4, 0.1, (5, 5)),
        b=(-0.7, 0.1, (5,)),
    )
    expected = [
        [
            [-0.42070749, -0.27279261, -0.11074945, 0.05740409, 0.22236251],
            [-0.39525808, -0.22554661, -0.0409454, 0.14649412, 0.32397316],
            [-0.42305111, -0.24223728, -0.04287027, 0.15997045, 0.35014525],
        ],
        [
            [-0.55857474, -0.39065825, -0.19198182, 0.02378408, 0.23735671],
            [-0.27150199, -0.07088804, 0.13562939, 0.33099728, 0.50158768],
            [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043],
        ],
    ]
    assert rel_error(np.array(expected), layers.rnn_forward(*args)[0]) < 1e-6


def test_lstm_step_forward_published_values():
    """The course's cell: three rows, five hidden units, gates in the order i, f, o, g."""
    args = linspaces(
        x=(-0.4, 1.2, (3, 4)),
        prev_h=(-0.3, 0.7, (3, 5)),
        prev_c=(-0.4, 0.9, (3, 5)),
        Wx=(-2.1, 1.3, (4, 20)),
        Wh=(-0.7, 2.2, (5, 20)),
        b=(0.3, 0.7, (20,)),
    )
    expected_h = [
        [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
        [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
        [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299],
    ]
    expected_c = [
        [0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407],
        [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345],
        [0.74192008, 0.90592151, 1.07717006, 1.25120233, 1.42395676],
    ]
    next_h, next_c, _ = layers.lstm_step_forward(*args)
    assert rel_error(np.array(expected_h), next_h) < 1e-7
    assert rel_error(np.array(expected_c), next_c) < 1e-7


def test_lstm_forward_published_values():
    """The course's cell: two sequences of three steps."""
    args = linspaces(
        x=(-0.4, 0.6, (2, 3, 5)),
        h0=(-0.4, 0.8, (2, 4)),
        Wx=(-0.2, 0.9, (5, 16)),
        Wh=(-0.3, 0.6, (4, 16)),
        b=(0.2, 0.7, (16,)),
    )
    expected = [
        [
            [0.01764008, 0.01823233, 0.01882671, 0.0194232],
            [0.11287491, 0.12146228, 0.13018446, 0.13902939],
            [0.31358768, 0.33338627, 0.35304453, 0.37250975],
        ],
        [
            [0.45767879, 0.4761092, 0.4936887, 0.51041945],
            [0.6704845, 0.69350089, 0.71486014, 0.7346449],
            [0.81733511, 0.83677871, 0.85403753, 0.86935314],
        ],
    ]
    assert rel_error(np.array(expected), layers.lstm_forward(*args)[0]) < 1e-6


cells = pytest.mark.parametrize("cell", CELLS)


@cells
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_sequence_agrees_with_torch(cell, sizes):
    """Outputs and every gradient of a sequence are PyTorch's, to 1e-10 in float64."""
    args, dh = arguments(cell, *sizes)
    forward, backward = functions(cell)
    h, cache = forward(*args)
    expected_h, expected_grads = torch_sequence(cell, args, dh)
    np.testing.assert_allclose(h, expected_h, atol=1e-10, rtol=1e-10, strict=True)
    for grad, expected in zip(backward(dh, cache), expected_grads, strict=True):
        np.testing.assert_allclose(grad, expected, atol=1e-10, rtol=1e-10, strict=True)


@cells
def test_sequence_gradients_agree_with_differences(cell):
    """Every gradient of a sequence passes the norm-wise check against finite differences."""
    args, dh = arguments(cell, 2, 3, 4, 5)
    forward, backward = functions(cell)
    grads = backward(dh, forward(*args)[1])
    for name, value, grad in zip(["dx", "dh0", "dWx", "dWh", "db"], args, grads, strict=True):
        numeric = eval_numerical_gradient_array(lambda _: forward(*args)[0], value, dh)
        verdict = compare_gradients(grad, numeric, name)
        assert verdict, verdict


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_rnn_step_agrees_with_torch(sizes):
    """Output and every gradient of one RNN step are PyTorch's, to 1e-10 in float64."""
    (x, *rest), dh = arguments("rnn", *sizes)
    x, dh = x[:, 0], dh[:, 0]
    next_h, cache = layers.rnn_step_forward(x, *rest)
    expected_h, (dx, *expected) = torch_sequence("rnn", [x[:, None], *rest], dh[:, None])
    np.testing.assert_allclose(next_h, expected_h[:, 0], atol=1e-10, rtol=1e-10, strict=True)
    for grad, right in zip(layers.rnn_step_backward(dh, cache), [dx[:, 0], *expected], strict=True):
        np.testing.assert_allclose(grad, right, atol=1e-10, rtol=1e-10, strict=True)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_lstm_step_agrees_with_torch(sizes):
    """Both states and every gradient of one LSTM step are PyTorch's, also with a gradient of the
    cell state alone.
    """
    (x, prev_h, Wx, Wh, b), dh = arguments("lstm", *sizes)
    x, dnext_h, H = x[:, 0], dh[:, 0], sizes[3]
    prev_c, dnext_c = np.random.default_rng(1).normal(size=(2, *prev_h.shape))
    order = np.r_[0 : 2 * H, 3 * H : 4 * H, 2 * H : 3 * H]
    cell = torch.nn.LSTMCell(x.shape[1], H).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(Wx[:, order].T))
        cell.weight_hh.copy_(torch.tensor(Wh[:, order].T))
        cell.bias_ih.copy_(torch.tensor(b[order]))
        cell.bias_hh.zero_()
    for upstream_h in (dnext_h, np.zeros_like(dnext_h)):
        cell.zero_grad()
        inputs = [torch.tensor(a, requires_grad=True) for a in (x, prev_h, prev_c)]
        expected_h, expected_c = cell(inputs[0], tuple(inputs[1:]))
        torch.autograd.backward(
            [expected_h, expected_c], [torch.tensor(upstream_h), torch.tensor(dnext_c)]
        )
        back = np.argsort(order)
        weights = [
            cell.weight_ih.grad.T[:, back],
            cell.weight_hh.grad.T[:, back],
            cell.bias_ih.grad[back],
        ]

        next_h, next_c, cache = layers.lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
        np.testing.assert_allclose(
            next_h, expected_h.detach().numpy(), atol=1e-10, rtol=1e-10, strict=True
        )
        np.testing.assert_allclose(
            next_c, expected_c.detach().numpy(), atol=1e-10, rtol=1e-10, strict=True
        )
        grads = layers.lstm_step_backward(upstream_h, dnext_c, cache)
        for grad, right in zip(grads, [*(a.grad for a in inputs), *weights], strict=True):
            np.testing.assert_allclose(grad, right.numpy(), atol=1e-10, rtol=1e-10, strict=True)


def test_rnn_steps_make_a_sequence():
    """T calls of the step function equal one call of the sequence function."""
    (x, h, Wx, Wh, b), _ = arguments("rnn", 3, 6, 4, 5)
    sequence, _ = layers.rnn_forward(x, h, Wx, Wh, b)
    for t in range(6):
        h, _ = layers.rnn_step_forward(x[:, t], h, Wx, Wh, b)
        np.testing.assert_allclose(sequence[:, t], h, atol=1e-14)


def test_lstm_steps_make_a_sequence():
    """T calls of the step function, from a cell state of zero, equal one call of the sequence
    function.
    """
    (x, h, Wx, Wh, b), _ = arguments("lstm", 3, 6, 4, 5)
    sequence, _ = layers.lstm_forward(x, h, Wx, Wh, b)
    c = np.zeros_like(h)
    for t in range(6):
        h, c, _ = layers.lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        np.testing.assert_allclose(sequence[:, t], h, atol=1e-14)


def test_lstm_open_forget_gate_keeps_the_cell_state():
    """With open forget and output gates and a closed input gate, the state passes any number of
    steps unchanged.
    """
    prev_c = np.array([[0.3, -0.7]])
    b = np.repeat([-1000.0, 1000.0, 1000.0, 0.0], 2)  # i, f, o, g
    zeros = np.zeros((1, 2))
    next_h, next_c, _ = layers.lstm_step_forward(
        zeros, zeros, prev_c, np.zeros((2, 8)), np.zeros((2, 8)), b
    )
    np.testing.assert_allclose(next_c, prev_c, atol=1e-15)
    np.testing.assert_allclose(next_h, np.tanh(prev_c), atol=1e-15)


@cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_the_input(cell, dtype):
    """float32 stays float32 all the way, float64 stays float64, forward and backward."""
    args, dh = arguments(cell, 2, 3, 4, 5, dtype)
    forward, backward = functions(cell)
    h, cache = forward(*args)
    assert h.dtype == dtype
    assert {g.dtype for g in backward(dh, cache)} == {np.dtype(dtype)}


@cells
def test_sequence_is_finite_at_large_activations(cell):
    """Activations of 1000 give finite states and gradients and no warning."""
    args, dh = arguments(cell, 2, 3, 4, 5, np.float32)
    args[0] *= 1000
    forward, backward = functions(cell)
    h, cache = forward(*args)
    assert np.isfinite(h).all()
    assert all(np.isfinite(g).all() for g in backward(dh, cache))


@cells
def test_arguments_are_not_changed_and_caches_stay_valid(cell):
    """Two sequences can be in use at once; neither call changes its arguments or the
    other's cache.
    """
    args, dh = arguments(cell, 2, 3, 4, 5)
    others, _ = arguments(cell, 2, 3, 4, 5, seed=1)
    copies = [a.copy() for a in args]
    forward, backward = functions(cell)
    expected = backward(dh, forward(*args)[1])
    h, cache = forward(*args)
    h += 1  # the output is the caller's
    backward(dh, forward(*others)[1])
    for grad, right in zip(backward(dh, cache), expected, strict=True):
        np.testing.assert_array_equal(grad, right)
    for a, copy in zip(args, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("T", [1, 6])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_steps_after_the_end_are_left_out(cell, T, dtype):
    """With lengths, states are zero after a sequence's end and otherwise as without; so are the
    gradients.
    """
    args, dh = arguments(cell, 5, T, 4, 3)
    lengths = np.array([T, T, (T + 1) // 2, 1, 0], dtype)
    counts = np.arange(T) < lengths[:, None]
    forward, backward = functions(cell)
    h, cache = forward(*args, lengths=lengths)
    plain_h, plain_cache = forward(*args)
    np.testing.assert_allclose(h, plain_h * counts[:, :, None], atol=1e-14, strict=True)
    expected = backward(dh * counts[:, :, None], plain_cache)
    for grad, right in zip(backward(dh, cache), expected, strict=True):
        np.testing.assert_allclose(grad, right, atol=1e-12, strict=True)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "lengths, message",
    [
        (np.array([2, 3]), r"lengths must fall from at most T = 3 to at least 0, got \[2 3\]"),
        (np.array([4, 3]), "lengths must fall"),
        (np.array([3, -1]), "lengths must fall"),
        (np.array([3.0, 2.0]), "lengths must be a NumPy array of integers"),
        (np.array([3, 2, 1]), r"lengths must have shape \(N,\) with N = 2, got \(3,\)"),
    ],
)
def test_wrong_lengths_are_named(cell, lengths, message):
    """Lengths that rise, lie outside 0 to T or have another shape or dtype raise a ValueError."""
    args, _ = arguments(cell, 2, 3, 4, 5)
    with pytest.raises(ValueError, match=message):
        functions(cell)[0](*args, lengths=lengths)


@cells
@pytest.mark.parametrize("N, T", [(0, 3), (2, 0)])
def test_empty_sequences(cell, N, T):
    """No rows or no steps give empty states and zero weight gradients, not an error."""
    args, dh = arguments(cell, N, T, 4, 5)
    forward, backward = functions(cell)
    h, cache = forward(*args)
    dx, dh0, *weights = backward(dh, cache)
    assert (h.shape, dx.shape, dh0.shape) == ((N, T, 5), (N, T, 4), (N, 5))
    assert not any(g.any() for g in weights)


@cells
@pytest.mark.parametrize("which", range(5))
def test_wrong_shape_is_named(cell, which):
    """A wrong shape of any argument raises a ValueError that names it or an argument that it
    contradicts.
    """
    args, _ = arguments(cell, 2, 3, 4, 5)
    args[which] = args[which][..., :-1]
    with pytest.raises(ValueError, match=r"must have shape \(.*, got \("):
        functions(cell)[0](*args)


@cells
def test_wrong_upstream_gradient_is_named(cell):
    """A gradient of the wrong shape raises a ValueError that names dh."""
    args, dh = arguments(cell, 2, 3, 4, 5)
    forward, backward = functions(cell)
    with pytest.raises(
        ValueError,
        match=r"dh must have the shape of the output, \(2, 3, 5\), got \(2, 2, 5\)",
    ):
        backward(dh[:, 1:], forward(*args)[1])


@cells
@pytest.mark.parametrize(
    "bad", [np.zeros((2, 3, 4), int), np.zeros((2, 3, 4), complex), [[[0.0] * 4] * 3] * 2]
)
def test_wrong_dtype_is_named(cell, bad):
    """Integers, complex numbers and lists raise a ValueError that says what came."""
    args, _ = arguments(cell, 2, 3, 4, 5)
    with pytest.raises(ValueError, match="x must be a NumPy array of floating-point numbers, got"):
        functions(cell)[0](bad, *args[1:])


def test_word_embedding_forward_published_values():
    """The course's cell: rows of the table in the order of the words."""
    out, _ = layers.word_embedding_forward(
        np.array([[0, 3, 1, 2], [2, 1, 0, 3]]), np.linspace(0, 1, 15).reshape(5, 3)
    )
    expected = [
        [
            [0, 0.07142857, 0.14285714],
            [0.64285714, 0.71428571, 0.78571429],
            [0.21428571, 0.28571429, 0.35714286],
        ]
        + [[0.42857143, 0.5, 0.57142857]],
        [
            [0.42857143, 0.5, 0.57142857],
            [0.21428571, 0.28571429, 0.35714286],
            [0, 0.07142857, 0.14285714],
        ]
        + [[0.64285714, 0.71428571, 0.78571429]],
    ]
    assert rel_error(np.array(expected), out) < 1e-7


@pytest.mark.parametrize("N, T, V, D", [(1, 1, 1, 1), (4, 6, 3, 5), (2, 3, 50, 1)])
def test_word_embedding_agrees_with_torch(N, T, V, D):
    """Vectors and gradient are PyTorch's, with repeated words and with words that never occur."""
    rng = np.random.default_rng(0)
    x, W, dout = rng.integers(V, size=(N, T)), rng.normal(size=(V, D)), rng.normal(size=(N, T, D))
    tW = torch.tensor(W, requires_grad=True)
    expected = torch.nn.functional.embedding(torch.tensor(x), tW)
    expected.backward(torch.tensor(dout))
    out, cache = layers.word_embedding_forward(x, W)
    np.testing.assert_array_equal(out, expected.detach().numpy())
    np.testing.assert_allclose(
        layers.word_embedding_backward(dout, cache), tW.grad.numpy(), atol=1e-12, strict=True
    )


def test_word_embedding_keeps_float32():
    """float32 word vectors give a float32 gradient."""
    x, W = np.array([[0, 1, 1]]), np.ones((2, 3), np.float32)
    out, cache = layers.word_embedding_forward(x, W)
    assert out.dtype == layers.word_embedding_backward(out, cache).dtype == np.float32


@pytest.mark.parametrize(
    "x, message",
    [
        (
            np.array([[0, 5]]),
            r"x\[0, 1\] = 5 is outside the vocabulary of 5 words: expected an index from 0 to 4",
        ),
        (np.array([[0, 1], [-1, 2]]), r"x\[1, 0\] = -1 is outside"),
        (np.array([[0.0]]), "x must be a NumPy array of integers, got an array of float64"),
        ([[0]], "x must be a NumPy array of integers, got list"),
    ],
)
def test_word_embedding_refuses_bad_words(x, message):
    """Indices outside the vocabulary or of another type raise a ValueError with place and value."""
    with pytest.raises(ValueError, match=message):
        layers.word_embedding_forward(x, np.zeros((5, 2)))


def test_sigmoid():
    """The logistic function: float64 PyTorch's values, symmetric, without overflow, in the input's
    dtype.
    """
    x = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(
        layers.sigmoid(x), torch.sigmoid(torch.tensor(x)).numpy(), atol=1e-15
    )
    np.testing.assert_array_equal(
        layers.sigmoid(np.array([-1e4, 0, 1e4], np.float32)), np.float32([0, 0.5, 1])
    )
    assert layers.sigmoid(x.astype(np.float32)).dtype == np.float32
