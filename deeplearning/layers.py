"""Layers without memory: affine, ReLU, dropout, softmax loss, and two layers over time steps.

Every layer is a pair of functions. The forward function returns its output and a `cache`. The
backward function takes `dout`, the gradient of the loss with respect to that output, and the cache,
and returns the gradients with respect to the forward function's arguments, in the same order.

Letters of shapes: N batch, T time steps, D input, M output, C classes, V vocabulary, P the
positions in a minibatch of captions that hold a word.
"""

import numpy as np

from deeplearning.checks import check_indices, check_upstream, takes


@takes(x="N D*", w="D M", b="M")
def affine_forward(x, w, b):
    """Affine map of a minibatch: out = x w + b, with each example flattened to a row.

    Inputs:
    - x: Input data, of shape (N, d_1, ..., d_k)
    - w: Weights, of shape (D, M) with D = d_1 * ... * d_k
    - b: Biases, of shape (M,)

    Returns a tuple of:
    - out: Output, of shape (N, M)
    - cache: Values that the backward pass needs

    Raises ValueError if a shape or dtype does not fit.
    """
    rows = x.reshape(len(x), len(w))  # (N, D)
    out = rows @ w + b  # (N, M)
    cache = rows, w, x.shape
    return out, cache


def affine_backward(dout, cache):
    """Backward pass of `affine_forward`.

    Inputs:
    - dout: Upstream gradient, of shape (N, M)
    - cache: From `affine_forward`

    Returns a tuple of:
    - dx: Gradient with respect to x, of x's shape (N, d_1, ..., d_k)
    - dw: Gradient with respect to w, of shape (D, M)
    - db: Gradient with respect to b, of shape (M,)

    Raises ValueError if dout does not fit.
    """
    rows, w, shape = cache
    check_upstream("dout", dout, (len(rows), w.shape[1]))
    dx = (dout @ w.T).reshape(shape)
    dw = rows.T @ dout  # (D, M)
    db = dout.sum(axis=0)  # (M,)
    return dx, dw, db


def relu_forward(x):
    """Rectified linear unit: out = max(0, x).

    Inputs:
    - x: Input, of any shape

    Returns a tuple of:
    - out: Output, of the same shape
    - cache: x, for the backward pass
    """
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    """Backward pass of `relu_forward`; the slope at zero is taken to be zero.

    Inputs:
    - dout: Upstream gradient, of any shape
    - cache: From `relu_forward`, of the same shape

    Returns:
    - dx: Gradient with respect to x, of the same shape
    """
    x = cache
    if np.shape(dout) != np.shape(x):
        raise ValueError(f"dout must have x's shape {np.shape(x)}, got {np.shape(dout)}")
    return dout * (x > 0)


def dropout_forward(x, p, rng):
    """Inverted dropout: set each number to zero with probability p, and divide the rest by 1 - p.

    The division keeps the expected value of the output at x, so nothing has to be scaled at test
    time.

    Inputs:
    - x: Input, of any shape
    - p: Probability of dropping a number, 0 <= p < 1; with 0, x is returned unchanged
    - rng: np.random.Generator that draws the mask

    Returns a tuple of:
    - out: Output, of x's shape and dtype
    - cache: The mask, already divided by 1 - p; None if p is 0

    Raises ValueError for a p outside [0, 1).

    Source: Srivastava et al., "Dropout", JMLR 2014, section 10 (the inverted form).
    """
    if not 0 <= p < 1:
        raise ValueError(f"p is the probability of dropping a number: expected 0 <= p < 1, got {p}")
    if p == 0:
        return x, None
    keep = rng.random(x.shape, dtype=np.float32) >= p
    scale = keep * x.dtype.type(1 / (1 - p))
    return x * scale, scale


def dropout_backward(dout, cache):
    """Backward pass of `dropout_forward`.

    Inputs:
    - dout: Upstream gradient, of x's shape
    - cache: From `dropout_forward`

    Returns:
    - dx: Gradient with respect to x
    """
    scale = cache
    return dout if scale is None else dout * scale


def logsumexp(x):
    """log(sum(exp(x))) over the last axis, finite for scores of any size.

    Subtracting the largest score first doesn't change the exact result, and keeps every exponential
    at one or below.

    Inputs:
    - x: Scores, of shape (..., C)

    Returns: array of shape (...), of the same dtype
    """
    largest = x.max(axis=-1, keepdims=True)
    return largest[..., 0] + np.log(np.exp(x - largest).sum(axis=-1))


@takes(x="N C", y="int N")
def softmax_loss(x, y):
    """Cross-entropy of the softmax of scores, averaged over the minibatch.

    Inputs:
    - x: Scores, of shape (N, C)
    - y: Correct classes, integers of shape (N,) with 0 <= y < C

    Returns a tuple of:
    - loss: The mean of -log p(y), a float
    - dx: Gradient of the loss with respect to x, of shape (N, C)

    Raises ValueError for an empty minibatch, a shape that does not fit or a class that does not
    exist.
    """
    N, C = x.shape
    _check_not_empty(N)
    check_indices("y", y, C, f"the {C} classes")
    return _cross_entropy(x, y, N)


def _cross_entropy(x, y, N):
    """Sum of -log p(y) over the rows of x, divided by N, and its gradient with respect to x."""
    rows = np.arange(len(x))
    shifted = x - x.max(axis=1, keepdims=True)  # so that no exponential exceeds one
    p = np.exp(shifted)  # the softmax before normalisation
    total = p.sum(axis=1, keepdims=True)
    log_p = shifted[rows, y] - np.log(total[:, 0])
    loss = -log_p.sum(dtype=np.float64) / N

    dx = p
    dx /= total * N
    dx[rows, y] -= 1 / N
    return float(loss), dx


@takes(x="N T D", w="D M", b="M", mask="bool N T")
def temporal_affine_forward(x, w, b, mask=None):
    """Apply the same affine map at every time step.

    Inputs:
    - x: Input, of shape (N, T, D)
    - w: Weights, of shape (D, M)
    - b: Biases, of shape (M,)
    - mask: None, or bool of shape (N, T): where it is False, nothing is computed and out is zero

    Returns a tuple of:
    - out: Output, of shape (N, T, M)
    - cache: Values that the backward pass needs

    Raises ValueError if a shape or dtype does not fit.
    """
    N, T, D = x.shape
    mask = np.ones((N, T), bool) if mask is None else mask
    rows = x[mask]  # (P, D)
    scores = rows @ w  # (P, M), one product for all time steps
    scores += b
    out = np.zeros((N, T, w.shape[1]), scores.dtype)
    out[mask] = scores
    cache = rows, w, mask
    return out, cache


def temporal_affine_backward(dout, cache):
    """Backward pass of `temporal_affine_forward`.

    Inputs:
    - dout: Upstream gradient, of shape (N, T, M)
    - cache: From `temporal_affine_forward`

    Returns a tuple of gradients with respect to:
    - dx: Input, of shape (N, T, D)
    - dw: Weights, of shape (D, M)
    - db: Biases, of shape (M,)

    Raises ValueError if dout does not fit.
    """
    rows, w, mask = cache
    D, M = w.shape
    check_upstream("dout", dout, (*mask.shape, M))
    drows = dout[mask]  # (P, M)
    dx = np.zeros((*mask.shape, D), np.result_type(dout, w))
    dx[mask] = drows @ w.T
    dw = rows.T @ drows  # (D, M)
    db = drows.sum(axis=0)  # (M,)
    return dx, dw, db


@takes(x="N T V", y="int N T", mask="bool N T")
def temporal_softmax_loss(x, y, mask, verbose=False):
    """Cross-entropy of the softmax over the vocabulary at every time step.

    Captions have different lengths and are padded with <NULL>; the mask leaves the padding out. The
    remaining losses are summed over time and averaged over the minibatch: divided by N, not by
    N * T or by the number of words.

    Inputs:
    - x: Scores, of shape (N, T, V)
    - y: Correct words, integers of shape (N, T) with 0 <= y < V where mask is True
    - mask: Which positions count, bool of shape (N, T)
    - verbose: Whether to print the shape of the gradient

    Returns a tuple of:
    - loss: A float
    - dx: Gradient of the loss with respect to x, of shape (N, T, V); zero where mask is False

    Raises ValueError for an empty minibatch, a shape or dtype that does not fit, or a word outside
    the vocabulary.
    """
    N, T, V = x.shape
    _check_not_empty(N)
    check_indices("y", y, V, f"the vocabulary of {V} words", where=mask)
    loss, drows = _cross_entropy(x[mask], y[mask], N)  # drows: (P, V)
    dx = np.zeros_like(x)
    dx[mask] = drows
    if verbose:
        print("dx.shape:", dx.shape)
    return loss, dx


def _check_not_empty(N):
    if N == 0:
        raise ValueError("x has no rows: the loss is a mean over the minibatch, which is empty")
