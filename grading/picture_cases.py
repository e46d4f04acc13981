"""Draw the inputs of the exercises on pictures, questions 3 and 4."""

import contextlib
import io
import warnings

import numpy as np

from exercises.calls import network
from grading.draw import cast, move_a_little


def _scores(arrays):
    """The network's scores of the pictures, of shape (N, C)."""
    import torch

    exact = {name: cast(value, np.float64) for name, value in arrays.items()}
    return network(exact)(torch.from_numpy(exact["X"])).numpy()


def _network(draw, places):
    """Weights of a network for pictures; the last layer's make up for the mean over places."""
    C = draw.size("classes", 3, 5)
    width = draw.size("width", 2, 4)
    weights = {
        "conv_w": draw.normal(width, 3, 3, 3) / 3,
        "conv_b": draw.normal(width) / 3,
        "w": draw.normal(C, width) * places,
        "b": draw.normal(C),
    }
    return C, weights


def saliency(draw):
    N, H, W = draw.sizes("NHW")
    C, weights = _network(draw, H * W)
    return weights | {"X": draw.normal(N, 3, H, W), "y": draw.rng.integers(C, size=N)}


def fooling(draw):
    N = draw.fixed.get("N", 1)
    H, W = draw.sizes("HW")
    while True:
        C, weights = _network(draw, 1)
        target_y = draw.rng.integers(C)
        arrays = weights | {"X": draw.normal(POOL, 3, H, W), "target_y": target_y}
        if "steps" in draw.fixed:
            arrays = _with_a_long_way(arrays, draw.fixed["steps"])
            if arrays is None:
                continue
        answer = _fooling_pictures(arrays)
        steps = np.where(_fooled_clearly(arrays, answer, N, draw.rng), _way(arrays, answer), -1)
        # mostly more than a step; now and then one, or none
        least = 1.5 if draw.rng.random() < 0.7 else 0
        picked = []
        for k in np.argsort(-steps.round(1), kind="stable"):
            # a step has length 1: a picture that goes further by more than 1 takes more steps
            if steps[k] >= 0 and all(steps[j] - steps[k] > 1 for j in picked):
                picked.append(k)
        if len(picked) >= N and steps[picked].max() >= least:
            chosen = arrays | {"X": arrays["X"][picked[:N]]}
            if not _has_small_gradients(chosen):
                return chosen


POOL = 12  # pictures that are tried at a time


FEW_STEPS = 14  # pictures that take more are not used


def _way(arrays, answer):
    """How far each picture goes until it fools the network."""
    change = answer - arrays["X"]
    return np.linalg.norm(change.reshape(len(change), -1), axis=1)


def _fooled_clearly(arrays, answer, wanted, rng, tries=5):
    """Which pictures fool the network, and change by less than a tenth when every number is changed
    by a thousandth. Stops checking as soon as fewer than wanted do.
    """
    clear = _scores(arrays | {"X": answer}).argmax(axis=1) == arrays["target_y"]
    for _ in range(tries):
        moved = move_a_little(arrays, rng)  # always, so that equal seeds draw the same afterwards
        if clear.sum() < wanted:
            continue
        gap = answer - _fooling_pictures(moved)
        clear &= np.linalg.norm(gap.reshape(len(gap), -1), axis=1) < 0.1
    return clear


def _with_a_long_way(arrays, steps):
    """One of the pictures, with a bias of the target class for which it takes this many steps.
    Before the last step a third class has the highest score, and the target class is ahead of the
    first one. None if there is no such picture.
    """
    target_y = int(arrays["target_y"])
    path = _path(arrays | {"b": arrays["b"] - NEVER * (np.arange(len(arrays["b"])) == target_y)})
    scores = np.stack([scores for _, scores in path])[: steps + 1]  # (steps + 1, N, C)
    scores[:, :, target_y] += NEVER
    others = np.delete(scores, target_y, axis=2)
    gaps = others.max(axis=2) - scores[:, :, target_y]  # for the bias to make up
    bias = (gaps[-2] + gaps[-1]) / 2
    first = others[0].argmax(axis=1)
    ahead = scores[-2, :, target_y] + bias - others[-2, np.arange(len(first)), first]
    possible = (gaps[:-1].min(axis=0) > bias) & (gaps[-1] < bias) & (ahead > 0)
    if not possible.any():
        return None
    k = possible.argmax()
    b = arrays["b"].copy()
    b[target_y] += bias[k]
    return arrays | {"X": arrays["X"][[k]], "b": b}


NEVER = 1e6  # with a score this much lower, no picture fools the network


def _has_small_gradients(arrays):
    """Whether dividing one by its norm plus 1e-8, which is also right, could make a difference."""
    import torch

    from deeplearning.network_visualization import score_gradient

    for X, _ in _path(arrays):
        labels = torch.full((len(X),), int(arrays["target_y"]))
        g = score_gradient(torch.from_numpy(X), labels, network(arrays))
        if g.flatten(1).norm(dim=1).min() < 0.02:
            return True
    return False


def _path(arrays):
    """Pictures and scores before each of the reference's steps."""
    path = []
    _fooling_pictures(arrays, lambda _, X, scores: path.append((X.numpy(), scores.numpy())))
    return path


def _fooling_pictures(arrays, callback=None):
    """The reference's pictures after a few steps."""
    import torch

    from deeplearning.network_visualization import make_fooling_image

    X = torch.from_numpy(arrays["X"])
    target_y = int(arrays["target_y"])
    how = {"max_steps": FEW_STEPS, "callback": callback}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_fooling_image(X, target_y, network(arrays), **how).numpy()


def update_step(draw):
    N = draw.fixed.get("N", 1)
    H, W = draw.sizes("HW")
    C, weights = _network(draw, 1)
    numbers = {
        "l2_reg": draw.rng.uniform(0.2, 0.6),
        "learning_rate": draw.rng.uniform(0.5, 3),
        "target_y": draw.rng.integers(C),
    }
    return weights | numbers | {"img": draw.normal(N, 3, H, W, scale=draw.fixed.get("spread", 1))}


def content_loss(draw):
    C, H, W = draw.sizes("CHW")
    current, original = draw.normal(2, 1, C, H, W)
    weight = draw.rng.uniform(0.3, 0.8)
    return {"content_weight": weight, "content_current": current, "content_original": original}


def gram_matrix(draw):
    return {"features": draw.normal(*draw.sizes("NCHW"))}


def style_loss(draw):
    count = draw.size("layers", 2, 4)
    feats = [draw.normal(1, *draw.sizes("CHW")) for _ in range(count)]
    layers = draw.rng.permutation(count)[: draw.size("chosen", 1, count)]
    targets = [draw.normal(1, feats[k].shape[1], feats[k].shape[1]) for k in layers]
    arrays = {f"feats{k}": feat for k, feat in enumerate(feats)}
    arrays |= {f"style_target{k}": target for k, target in enumerate(targets)}
    weights = draw.rng.uniform(0.5, 2, len(layers))
    return arrays | {"style_layers": layers, "style_weights": weights}


def tv_loss(draw):
    H, W = draw.sizes("HW")
    return {"img": draw.normal(1, 3, H, W), "tv_weight": draw.rng.uniform(0.3, 0.8)}
