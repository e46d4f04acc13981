"""Layers without a memory: affine, ReLU, dropout and the softmax loss, the affine and softmax ones
over time as well.

Every layer is a pair of functions. The forward one returns its output and a `cache`; the backward
one takes the gradient of the loss with respect to that output, `dout`, and the cache, and returns
the gradients with respect to the forward one's arguments, in their order. Letters of shapes: N
batch, T time steps, D input, M output, C classes, V vocabulary.
"""

import math
import re

import numpy as np


def check_shapes(**arrays):
    """Bind the letters of shapes such as "N T D" to sizes, array by array, and refuse the first
    that does not fit.

    `N, D, H = check_shapes(x=(x, "N D"), h=(h, "N H"), Wx=(Wx, "D 4H"))`, where x of shape (2, 3)
    and h of shape (2, 5) ask for a Wx of shape (3, 20). A letter must stand alone before it may
    carry a factor.

    Inputs:
    - arrays: For each argument its name, and a pair of the array and the letters of its shape

    Returns:
    - sizes: Tuple with the size of each letter, in order of first appearance

    Raises ValueError that names the argument, what was expected and what came: something that is no
    NumPy array, numbers that are no floating-point numbers, or a shape that contradicts the arrays
    before it.
    """
    sizes = {}
    for name, (array, letters) in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            kind = (
                f"an array of {array.dtype}"
                if isinstance(array, np.ndarray)
                else type(array).__name__
            )
            raise ValueError(f"{name} must be a NumPy array of floating-point numbers, got {kind}")
        axes = [re.fullmatch(r"(\d*)([A-Z])", axis).groups() for axis in letters.split()]
        if array.ndim == len(axes):
            for (factor, letter), size in zip(axes, array.shape, strict=True):
                if not factor:
                    sizes.setdefault(letter, size)
            if array.shape == tuple(int(factor or 1) * sizes[letter] for factor, letter in axes):
                continue
        known = ", ".join(f"{letter} = {sizes[letter]}" for _, letter in axes if letter in sizes)
        shape = "(" + letters.replace(" ", ", ") + ("" if " " in letters else ",") + ")"
        raise ValueError(
            f"{name} must have shape {shape}{' with ' + known if known else ''}, got {array.shape}"
        )
    return tuple(sizes.values())


def check_indices(name, indices, size, of_what):
    """Refuse indices that are no integers or lie outside 0 to size - 1.

    Inputs:
    - name: What the caller calls the indices
    - indices: Array of any shape
    - size: Number of things that can be indexed
    - of_what: What is indexed, for the message

    Raises ValueError with the place and value of the first bad index.
    """
    if not isinstance(indices, np.ndarray) or indices.dtype.kind not in "iu":
        kind = (
            f"an array of {indices.dtype}"
            if isinstance(indices, np.ndarray)
            else type(indices).__name__
        )
        raise ValueError(f"{name} must be a NumPy array of integers, got {kind}")
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        where = tuple(int(i) for i in np.argwhere((indices < 0) | (indices >= size))[0])
        raise ValueError(
            f"{name}[{', '.join(map(str, where))}] = {indices[where]} is outside {of_what}: "
            f"expected an index from 0 to {size - 1}"
        )


def check_mask(mask, N, T):
    """Refuse a mask that is no bool array of shape (N, T) with a ValueError; returns the mask."""
    if not isinstance(mask, np.ndarray) or mask.dtype.kind != "b" or mask.shape != (N, T):
        got = (
            f"{mask.dtype} of shape {mask.shape}"
            if isinstance(mask, np.ndarray)
            else type(mask).__name__
        )
        raise ValueError(f"mask must be a bool array of shape (N, T) = {(N, T)}, got {got}")
    return mask


def check_upstream(name, gradient, letters, shape):
    """Refuse an upstream gradient that is no floating-point array of the output's shape, with a
    ValueError.
    """
    if (
        not isinstance(gradient, np.ndarray)
        or gradient.dtype.kind != "f"
        or gradient.shape != shape
    ):
        got = (
            f"{gradient.dtype} of {gradient.shape}"
            if isinstance(gradient, np.ndarray)
            else type(gradient).__name__
        )
        raise ValueError(
            f"{name} must be a floating-point array of shape {letters} = {shape}, got {got}"
        )


def affine_forward(x, w, b):
    """Affine map of a minibatch: out = x w + b, with each example flattened to a row.

    Inputs:
    - x: Input data, of shape (N, d_1, ..., d_k)
    - w: Weights, of shape (D, M) with D = d_1 * ... * d_k
    - b: Biases, of shape (M,)

    Returns a tuple of:
    - out: Output, of shape (N, M)
    - cache: x, w and b, for the backward pass

    Raises ValueError where a shape does not fit.
    """
    # math.prod, not reshape's -1: an empty batch has a shape, too
    rows = (
        x.reshape(len(x), math.prod(x.shape[1:])) if isinstance(x, np.ndarray) and x.ndim else x
    )  # (N, D)
    check_shapes(x=(rows, "N D"), w=(w, "D M"), b=(b, "M"))
    return rows @ w + b, (x, w, b)


def affine_backward(dout, cache):
    """Backward pass of `affine_forward`.

    Inputs:
    - dout: Upstream gradient, of shape (N, M)
    - cache: From `affine_forward`

    Returns a tuple of:
    - dx: Gradient with respect to x, of x's own shape (N, d_1, ..., d_k)
    - dw: Gradient with respect to w, of shape (D, M)
    - db: Gradient with respect to b, of shape (M,)
    """
    x, w, b = cache
    rows = x.reshape(len(x), len(w))  # (N, D)
    check_shapes(x=(rows, "N D"), b=(b, "M"), dout=(dout, "N M"))
    return (dout @ w.T).reshape(x.shape), rows.T @ dout, dout.sum(axis=0)


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
    """Inverted dropout: each number is dropped with probability p, and the others are divided by 1
    - p.

    The division keeps the expected value of the output at x, so that nothing is scaled when the
    network is used.

    Inputs:
    - x: Input, of any shape
    - p: Probability of dropping a number, 0 <= p < 1; 0 passes x on as it is
    - rng: np.random.Generator that draws the mask

    Returns a tuple of:
    - out: Output, of x's shape and dtype
    - cache: The mask, already divided by 1 - p; None where p is 0

    Raises ValueError for a p outside [0, 1).

    Source: Srivastava et al., "Dropout", JMLR 2014, section 10 (the inverted form).
    """
    if not 0 <= p < 1:
        raise ValueError(f"p is the probability of dropping a number: expected 0 <= p < 1, got {p}")
    if p == 0:
        return x, None
    keep = (rng.random(x.shape, dtype=np.float32) >= p) * x.dtype.type(1 / (1 - p))
    return x * keep, keep


def dropout_backward(dout, cache):
    """Backward pass of `dropout_forward`.

    Inputs:
    - dout: Upstream gradient, of x's shape
    - cache: From `dropout_forward`

    Returns:
    - dx: Gradient with respect to x
    """
    keep = cache
    return dout if keep is None else dout * keep


def logsumexp(x):
    """log(sum(exp(x))) over the last axis, finite for scores of any size.

    Subtracting the largest score first changes nothing in exact arithmetic and leaves no
    exponential above one.

    Inputs:
    - x: Scores, of shape (..., C)

    Returns: array of shape (...), of the same dtype
    """
    largest = x.max(axis=-1, keepdims=True)
    return largest[..., 0] + np.log(np.exp(x - largest).sum(axis=-1))


def softmax_loss(x, y):
    """Cross-entropy of the softmax of scores, averaged over the minibatch.

    Inputs:
    - x: Scores, of shape (N, C)
    - y: Right classes, integers of shape (N,) with 0 <= y < C

    Returns a tuple of:
    - loss: The mean of -log p(y), a float
    - dx: Gradient of the loss with respect to x, of shape (N, C)

    Raises ValueError for an empty minibatch, a shape that does not fit or a class that does not
    exist.
    """
    N, C = check_shapes(x=(x, "N C"))
    check_indices("y", y, C, f"the {C} classes")
    if y.shape != (N,) or N == 0:
        raise ValueError(
            f"y must hold one class for each of the {N} rows of x (at least one), got shape {y.shape}"
        )
    return _cross_entropy(x, y, N)


def _cross_entropy(x, y, N):
    """Sum of -log p(y) over the rows of scores x, divided by N, and its gradient; one exponential
    serves both.
    """
    rows = np.arange(len(x))
    p = x - x.max(axis=1, keepdims=True)  # log p, but for the logarithm of the sum
    right = p[rows, y]
    np.exp(p, out=p)
    total = p.sum(axis=1)
    loss = (np.log(total) - right).sum(dtype=np.float64) / N
    p /= N * total[:, None]
    p[rows, y] -= 1 / N
    return float(loss), p


def temporal_affine_forward(x, w, b, mask=None):
    """The same affine map at every time step.

    Inputs:
    - x: Input, of shape (N, T, D)
    - w: Weights, of shape (D, M)
    - b: Biases, of shape (M,)
    - mask: None, or bool of shape (N, T): where it is False, out is zero and nothing is computed

    Returns a tuple of:
    - out: Output, of shape (N, T, M)
    - cache: What the backward pass needs

    Raises ValueError where a shape or dtype does not fit.
    """
    N, T, D, M = check_shapes(x=(x, "N T D"), w=(w, "D M"), b=(b, "M"))
    places = np.ones((N, T), bool) if mask is None else check_mask(mask, N, T)
    rows = x[places]  # (P, D): one product for all time steps, without the places that do not count
    scores = rows @ w
    scores += b
    out = np.zeros((N, T, M), scores.dtype)
    out[places] = scores
    return out, (rows, places, w)


def temporal_affine_backward(dout, cache):
    """Backward pass of `temporal_affine_forward`.

    Inputs:
    - dout: Upstream gradient, of shape (N, T, M)
    - cache: From `temporal_affine_forward`

    Returns a tuple of gradients with respect to:
    - dx: Input, of shape (N, T, D)
    - dw: Weights, of shape (D, M)
    - db: Biases, of shape (M,)
    """
    rows, places, w = cache
    (N, T), (D, M) = places.shape, w.shape
    check_upstream("dout", dout, "(N, T, M)", (N, T, M))
    dout_rows = dout[places]  # (P, M)
    dx = np.zeros((N, T, D), np.result_type(dout, w))
    dx[places] = dout_rows @ w.T
    return dx, rows.T @ dout_rows, dout_rows.sum(axis=0)


def temporal_softmax_loss(x, y, mask, verbose=False):
    """Cross-entropy of the softmax over the vocabulary at every time step.

    Captions have different lengths and are filled up with NULL; the mask leaves those places out.
    The losses that remain are summed over time and averaged over the minibatch: divided by N, not
    by N*T or the number of words.

    Inputs:
    - x: Scores, of shape (N, T, V)
    - y: Right words, integers of shape (N, T) with 0 <= y < V where mask is True
    - mask: Which places count, bool of shape (N, T)
    - verbose: Whether to print the shape of the gradient

    Returns a tuple of:
    - loss: A float
    - dx: Gradient of the loss with respect to x, of shape (N, T, V); zero where mask is False

    Raises ValueError for an empty minibatch, a shape or dtype that does not fit, or a word outside
    the vocabulary.
    """
    N, T, V = check_shapes(x=(x, "N T V"))
    if N == 0:
        raise ValueError(
            "x has no rows: the loss is a mean over the minibatch, so it needs at least one caption"
        )
    check_mask(mask, N, T)
    if np.shape(y) != (N, T):
        raise ValueError(f"y must have shape (N, T) = {(N, T)}, got {np.shape(y)}")
    words = y[mask]
    check_indices("y[mask]", words, V, f"the vocabulary of {V} words")

    loss, dwords = _cross_entropy(x[mask], words, N)  # only for the words that count
    dx = np.zeros_like(x)
    dx[mask] = dwords
    if verbose:
        print("dx.shape:", dx.shape)
    return loss, dx
