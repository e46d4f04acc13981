"""The layers without state, against float64 PyTorch."""

import numpy as np
import pytest
import torch

from deeplearning import layers


def tensors(*arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (2, 3, 4, 5), (0, 4)])
@pytest.mark.parametrize("M", [1, 6])
def test_affine_agrees_with_torch(shape, M):
    """Output and gradients are PyTorch's, for inputs of any number of axes, and dx has x's
    shape.
    """
    rng = np.random.default_rng(0)
    x, w, b = (
        rng.normal(size=shape),
        rng.normal(size=(int(np.prod(shape[1:])), M)),
        rng.normal(size=M),
    )
    dout = rng.normal(size=(shape[0], M))
    tx, tw, tb = tensors(x, w, b)
    expected = tx.flatten(1) @ tw + tb
    expected.backward(torch.tensor(dout))
    out, cache = layers.affine_forward(x, w, b)
    np.testing.assert_allclose(out, expected.detach().numpy(), atol=1e-12, strict=True)
    for grad, t in zip(layers.affine_backward(dout, cache), (tx, tw, tb), strict=True):
        np.testing.assert_allclose(grad, t.grad.numpy(), atol=1e-12, strict=True)


def test_relu():
    """max(0, x), and a slope of one above zero and zero elsewhere."""
    x = np.array([[-1.0, 0.0, 2.0]])
    out, cache = layers.relu_forward(x)
    np.testing.assert_array_equal(out, [[0, 0, 2]])
    np.testing.assert_array_equal(
        layers.relu_backward(np.array([[3.0, 4.0, 5.0]]), cache), [[0, 0, 5]]
    )
    with pytest.raises(ValueError, match="dout must have x's shape"):
        layers.relu_backward(np.ones(3), cache)


@pytest.mark.parametrize("N, C", [(1, 1), (1, 5), (7, 3)])
def test_softmax_loss_agrees_with_torch(N, C):
    """Loss and gradient are PyTorch's cross-entropy, averaged over the minibatch."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(N, C)), rng.integers(C, size=N)
    (tx,) = tensors(x)
    expected = torch.nn.functional.cross_entropy(tx, torch.tensor(y))
    expected.backward()
    loss, dx = layers.softmax_loss(x, y)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(dx, tx.grad.numpy(), atol=1e-12, strict=True)


@pytest.mark.parametrize("N, T, D, M", [(1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 2, 1)])
def test_temporal_affine_agrees_with_torch(N, T, D, M):
    """Output and gradients are PyTorch's linear map at each time step."""
    rng = np.random.default_rng(0)
    x, w, b, dout = (rng.normal(size=shape) for shape in [(N, T, D), (D, M), (M,), (N, T, M)])
    tx, tw, tb = tensors(x, w, b)
    expected = tx @ tw + tb
    expected.backward(torch.tensor(dout))
    out, cache = layers.temporal_affine_forward(x, w, b)
    np.testing.assert_allclose(out, expected.detach().numpy(), atol=1e-12, strict=True)
    for grad, t in zip(layers.temporal_affine_backward(dout, cache), (tx, tw, tb), strict=True):
        np.testing.assert_allclose(grad, t.grad.numpy(), atol=1e-12, strict=True)


def test_temporal_affine_leaves_masked_places_out():
    """With a mask, out is zero where it is False, and upstream gradients there are dropped."""
    rng = np.random.default_rng(0)
    x, w, b, dout = (rng.normal(size=shape) for shape in [(3, 4, 5), (5, 6), (6,), (3, 4, 6)])
    mask = rng.random((3, 4)) < 0.5
    out, cache = layers.temporal_affine_forward(x, w, b, mask)
    plain, plain_cache = layers.temporal_affine_forward(x, w, b)
    np.testing.assert_allclose(out, plain * mask[:, :, None], atol=1e-14)
    expected = layers.temporal_affine_backward(dout * mask[:, :, None], plain_cache)
    for grad, right in zip(layers.temporal_affine_backward(dout, cache), expected, strict=True):
        np.testing.assert_allclose(grad, right, atol=1e-12, strict=True)


@pytest.mark.parametrize("N, T, V", [(1, 1, 1), (1, 4, 3), (5, 6, 7)])
def test_temporal_softmax_loss_agrees_with_torch(N, T, V):
    """Loss and gradient are PyTorch's cross-entropy, summed over unmasked steps and divided
    by N.
    """
    rng = np.random.default_rng(0)
    x, y, mask = rng.normal(size=(N, T, V)), rng.integers(V, size=(N, T)), rng.random((N, T)) < 0.6
    (tx,) = tensors(x)
    every = torch.nn.functional.cross_entropy(
        tx.flatten(0, 1), torch.tensor(y).flatten(), reduction="none"
    )
    expected = (every * torch.tensor(mask).flatten()).sum() / N
    expected.backward()
    loss, dx = layers.temporal_softmax_loss(x, y, mask)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(dx, tx.grad.numpy(), atol=1e-12, strict=True)


@pytest.mark.parametrize(
    "N, T, V, p, low, high",
    [(100, 1, 10, 1.0, 2.29, 2.32), (100, 10, 10, 1.0, 22.9, 23.2), (5000, 10, 10, 0.1, 2.2, 2.4)],
)
def test_temporal_softmax_loss_of_tiny_scores(N, T, V, p, low, high):
    """Scores near zero give T times the share of unmasked places times log(V), as the course's cell
    states.
    """
    rng = np.random.default_rng(0)
    x, y, mask = (
        0.001 * rng.normal(size=(N, T, V)),
        rng.integers(V, size=(N, T)),
        rng.random((N, T)) <= p,
    )
    assert low < layers.temporal_softmax_loss(x, y, mask)[0] < high


def test_temporal_softmax_loss_ignores_masked_places():
    """Scores and words at masked places have no influence."""
    x, y, mask = (
        np.zeros((2, 3, 4)),
        np.zeros((2, 3), int),
        np.array([[True, True, False], [True, False, False]]),
    )
    loss, dx = layers.temporal_softmax_loss(x, y, mask)
    x[~mask], y[~mask] = 1e4, -7
    again, dx_again = layers.temporal_softmax_loss(x, y, mask)
    assert loss == again == pytest.approx(3 * np.log(4) / 2)
    np.testing.assert_array_equal(dx, dx_again)
    assert not dx[~mask].any()


def test_all_places_masked():
    """Without a word that counts the loss and its gradient are zero."""
    loss, dx = layers.temporal_softmax_loss(
        np.ones((2, 3, 4)), np.zeros((2, 3), int), np.zeros((2, 3), bool)
    )
    assert loss == 0 and not dx.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_are_finite_at_large_scores(dtype):
    """Scores of 10000 give a finite loss and gradient, no warning, and keep their dtype."""
    x = np.array([[[1e4, -1e4, 0.0]], [[-1e4, 1e4, 1e4]]], dtype)
    loss, dx = layers.temporal_softmax_loss(x, np.array([[1], [1]]), np.ones((2, 1), bool))
    assert (
        loss == pytest.approx((2e4 + np.log(2)) / 2) and np.isfinite(dx).all() and dx.dtype == dtype
    )
    loss, dx = layers.softmax_loss(x[:, 0], np.array([1, 1]))
    assert (
        loss == pytest.approx((2e4 + np.log(2)) / 2) and np.isfinite(dx).all() and dx.dtype == dtype
    )


def test_verbose_prints_the_gradients_shape(capsys):
    """verbose=True prints, the default does not."""
    args = np.ones((2, 3, 4)), np.zeros((2, 3), int), np.ones((2, 3), bool)
    layers.temporal_softmax_loss(*args)
    assert capsys.readouterr().out == ""
    layers.temporal_softmax_loss(*args, verbose=True)
    assert "(2, 3, 4)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change, message",
    [
        ({"y": np.full((2, 3), 4)}, r"y\[0, 0\] = 4 is outside the vocabulary of 4 words"),
        (
            {"y": np.zeros((3, 2), int)},
            r"y must have shape \(N, T\) with N = 2, T = 3, got \(3, 2\)",
        ),
        ({"y": np.zeros((2, 3))}, "must be a NumPy array of integers, got an array of float64"),
        (
            {"mask": np.ones((2, 3))},
            "mask must be a NumPy array of bools, got an array of float64",
        ),
        (
            {"mask": np.ones((2, 2), bool)},
            r"mask must have shape \(N, T\) with N = 2, T = 3, got \(2, 2\)",
        ),
        ({"x": np.ones((2, 4))}, r"x must have shape \(N, T, V\), got \(2, 4\)"),
        (
            {"x": np.ones((0, 3, 4)), "y": np.ones((0, 3), int), "mask": np.ones((0, 3), bool)},
            "minibatch, which is empty",
        ),
    ],
)
def test_temporal_softmax_loss_refuses_bad_input(change, message):
    """Shapes, dtypes, words and an empty minibatch that do not fit raise a ValueError that names
    them.
    """
    args = {
        "x": np.ones((2, 3, 4)),
        "y": np.zeros((2, 3), int),
        "mask": np.ones((2, 3), bool),
    } | change
    with pytest.raises(ValueError, match=message):
        layers.temporal_softmax_loss(**args)


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.ones((2, 3)), np.array([0, 3]), r"y\[1\] = 3 is outside the 3 classes"),
        (np.ones((2, 3)), np.array([0]), r"y must have shape \(N,\) with N = 2, got \(1,\)"),
        (np.ones((0, 3)), np.array([], int), "which is empty"),
    ],
)
def test_softmax_loss_refuses_bad_input(x, y, message):
    """Classes that do not exist or do not fit, and an empty minibatch, raise a ValueError."""
    with pytest.raises(ValueError, match=message):
        layers.softmax_loss(x, y)


@pytest.mark.parametrize(
    "x, w, b",
    [
        (np.ones((2, 3)), np.ones((4, 5)), np.ones(5)),
        (np.ones((2, 3)), np.ones((3, 5)), np.ones(4)),
        (np.ones((2, 3), int), np.ones((3, 5)), np.ones(5)),
    ],
)
def test_affine_refuses_what_does_not_fit(x, w, b):
    """Wrong shapes and dtypes raise a ValueError."""
    with pytest.raises(ValueError, match="must"):
        layers.affine_forward(x, w, b)


def test_dropout_keeps_the_mean_and_passes_the_same_gradient():
    """A share p of the numbers is dropped, the rest scaled so that the mean stays; the gradient
    goes the same way.
    """
    x = np.ones((1000, 100), np.float32)
    out, cache = layers.dropout_forward(x, 0.4, np.random.default_rng(0))
    assert out.dtype == np.float32
    assert abs((out == 0).mean() - 0.4) < 0.01 and abs(out.mean() - 1) < 0.01
    np.testing.assert_array_equal(layers.dropout_backward(x, cache), out)


def test_dropout_of_nothing():
    """p = 0 passes everything on; p outside [0, 1) is refused."""
    x = np.ones((2, 3))
    out, cache = layers.dropout_forward(x, 0, None)
    np.testing.assert_array_equal(layers.dropout_backward(out, cache), x)
    for p in (-0.1, 1.0):
        with pytest.raises(ValueError, match="0 <= p < 1"):
            layers.dropout_forward(x, p, np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3), (3, 2, 5), (1, 3, 5)])
def test_temporal_affine_refuses_a_gradient_that_does_not_fit(shape):
    """ValueError for an upstream gradient of another shape than the output, broadcastable
    or not.
    """
    x, w, b = np.ones((2, 3, 4)), np.ones((4, 5)), np.ones(5)
    _, cache = layers.temporal_affine_forward(x, w, b)
    with pytest.raises(ValueError, match=r"dout .*\(2, 3, 5\)"):
        layers.temporal_affine_backward(np.ones(shape), cache)
