"""Checks of a network's inputs and outputs: pictures, labels and scores.

Letters: N pictures, C classes, H height, W width.
"""

import re

import torch

from deeplearning.classifiers.squeezenet import parameter_of


def scores_of(model, X):
    """A network's scores, in whatever form it returns them.

    A network may compute in another precision than the pictures have, and may work in place. It may
    return `logits`, as an attribute or in a dictionary, a tuple that begins with the scores, maps
    of one pixel, or one score per picture, which then belongs to class 0.

    Inputs:
    - model: Network
    - X: Pictures, of shape (N, 3, H, W); they are not changed

    Returns: tensor of shape (N, C), in at least single precision

    Raises ValueError if no scores can be found in what the network returns, if they are not finite
    or don't depend on X, and if pictures are too small for the network.
    """
    # a copy: a first layer that works in place would change X, or fail if X needs a gradient
    copy = X.to(parameter_of(model).dtype, copy=True)
    try:
        found = model(copy)
    except RuntimeError as error:
        if not re.search("Kernel size|size is too small", str(error)):
            raise
        raise ValueError(
            f"the network can't read pictures of shape {tuple(X.shape)}, which are too small for "
            f"its layers: choose a larger size ({error})"
        ) from error
    scores = _scores_in(found, len(X))
    if not scores.isfinite().all():
        raise ValueError(
            "the network's scores are NaN or infinite: check its weights, and try it in float32"
        )
    if X.requires_grad and torch.is_grad_enabled() and not scores.requires_grad:
        raise ValueError(
            "the network's scores have no gradient with respect to the picture: remove what cuts "
            "it off, such as detach, argmax or torch.no_grad"
        )
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


def _scores_in(found, N):
    """The scores (N, C) in what a network returned for N pictures."""
    if hasattr(found, "logits"):
        found = found.logits
    elif isinstance(found, dict) and "logits" in found:
        found = found["logits"]
    elif isinstance(found, tuple | list) and len(found) > 0:
        found = found[0]
    if isinstance(found, torch.Tensor) and found.shape[2:] == (1, 1):
        found = found[:, :, 0, 0]
    elif isinstance(found, torch.Tensor) and found.shape == (N,):
        found = found[:, None]
    if isinstance(found, torch.Tensor) and found.ndim == 2 and len(found) == N:
        return found
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    raise ValueError(
        f"expected a network that returns scores of shape ({N}, C), got {shape}: wrap it in one "
        "that returns the scores alone"
    )


def check_labels(y, scores):
    """Labels as a tensor of shape (N,) on the scores' device; one integer stands for all."""
    N, C = scores.shape
    try:
        y = torch.as_tensor(y, device=scores.device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"expected labels as integers of shape ({N},), got {type(y).__name__}"
        ) from None
    if y.is_floating_point() or y.dtype == torch.bool or y.shape not in ((), (N,)):
        raise ValueError(
            f"expected labels as integers of shape ({N},), got {y.dtype} of shape {tuple(y.shape)}"
        )
    if y.numel() and not (0 <= y.min() and y.max() < C):
        raise ValueError(
            f"expected labels from 0 to {C - 1}, got {y.min()} to {y.max()}: is this the right "
            "network?"
        )
    return y.long().expand(N)


def check_pictures(X):
    """Refuse, with a ValueError, anything but a batch of pictures of finite numbers."""
    if not isinstance(X, torch.Tensor):
        raise ValueError(
            "expected pictures as a tensor of shape (N, 3, H, W), got "
            f"{type(X).__name__}: image_utils.preprocess makes it"
        )
    if X.ndim != 4 or X.shape[1] != 3 or not X.is_floating_point():
        raise ValueError(
            f"expected pictures as floating-point numbers of shape (N, 3, H, W), got {X.dtype} of "
            f"shape {tuple(X.shape)}: image_utils.preprocess makes them"
        )
    if not X.isfinite().all():
        raise ValueError(
            "expected pictures of finite numbers, got NaN or infinity: check where they come from"
        )
