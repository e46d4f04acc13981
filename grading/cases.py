"""Unseen inputs for every exercise, drawn from a seed, and the right answers to them.

Sizes differ from seed to seed and are often 1; numbers are of size 1, so that no mistake hides
below the tolerance. Two in three cases are in float64, the others in float32. Where an answer hangs
on which of two scores is larger (sampling, fooling), cases are drawn until they are clear:
otherwise rounding would decide.
"""

import contextlib
import functools
import io
import warnings

import numpy as np

from exercises.calls import CALLS, PARAMETERS, Package


def inputs(exercise, seed):
    """Inputs of an exercise's call.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - seed: Integer; equal seeds give equal inputs

    Returns: dictionary from name to array
    """
    rng = np.random.default_rng([seed, *exercise.encode()])
    dtype = np.float32 if seed % 3 == 2 else np.float64
    return {name: _cast(value, dtype) for name, value in MAKERS[exercise](rng).items()}


CASES = 6


def drawn(exercise, seed):
    return [inputs(exercise, 3 * CASES * seed + number) for number in range(CASES)]


def reference(exercise, inputs):
    """The repository's own answer, computed in float64 and rounded to the inputs' precision.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - inputs: Dictionary from name to array

    Returns: dictionary from name to array
    """
    dtype = np.result_type(*(value.dtype for value in inputs.values() if value.dtype.kind == "f"))
    exact = {name: _cast(value, np.float64) for name, value in inputs.items()}
    with contextlib.redirect_stdout(io.StringIO()):  # a progress bar of fooling
        outputs = CALLS[exercise](Package(), exact)
    return {name: _cast(value, dtype) for name, value in outputs.items()}


def _cast(array, dtype):
    array = np.asarray(array)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _sizes(rng, count, high=5):
    """Sizes of axes: one in four is 1."""
    return np.where(rng.random(count) < 0.25, 1, rng.integers(2, high + 1, count)).tolist()


def _step(cell, backward=False):
    def make(rng):
        N, D, H = _sizes(rng, 3)
        K = {"rnn": 1, "lstm": 4}[cell] * H
        states = ["prev_h"] if cell == "rnn" else ["prev_h", "prev_c"]
        arrays = {"x": rng.normal(size=(N, D))} | {name: rng.normal(size=(N, H)) for name in states}
        arrays |= {
            "Wx": rng.normal(size=(D, K)),
            "Wh": rng.normal(size=(H, K)),
            "b": rng.normal(size=K),
        }
        upstream = {name.replace("prev", "dnext"): rng.normal(size=(N, H)) for name in states}
        return arrays | upstream if backward else arrays

    return make


def _sequence(cell, backward=False):
    def make(rng):
        N, D, H = _sizes(rng, 3)
        (T,) = _sizes(rng, 1, high=7)
        K = {"rnn": 1, "lstm": 4}[cell] * H
        shapes = {"x": (N, T, D), "h0": (N, H), "Wx": (D, K), "Wh": (H, K), "b": (K,)}
        shapes |= {"dh": (N, T, H)} if backward else {}
        scale = {"Wh": 1 / np.sqrt(H)}  # or gradients grow from step to step
        return {name: scale.get(name, 1) * rng.normal(size=shape) for name, shape in shapes.items()}

    return make


def _embedding(rng, backward=False):
    N, D = _sizes(rng, 2)
    T, V = rng.integers(2, 6, 2).tolist()
    x = rng.integers(V, size=(N, T))
    x[0, :2] = x[0, 0]  # a word that occurs twice
    arrays = {"x": x, "W": rng.normal(size=(V, D))}
    return arrays | {"dout": rng.normal(size=(N, T, D))} if backward else arrays


def _parameters(rng, cell):
    """Sizes, parameters and special words of a captioning model."""
    N, D, W, H = _sizes(rng, 4)
    V = int(rng.integers(5, 9))
    K = {"rnn": 1, "lstm": 4}[cell] * H
    shapes = [(V, W), (D, H), (H,), (W, K), (H, K), (K,), (H, V), (V,)]
    null, start, end = rng.permutation(V)[:3]
    return N, V, {name: rng.normal(size=shape) for name, shape in zip(PARAMETERS, shapes, strict=True)} | {
        "features": rng.normal(size=(N, D)), "null": null, "start": start, "end": end,
    }  # fmt: skip


def _captioning_loss(cell):
    def make(rng):
        N, V, arrays = _parameters(rng, cell)
        T = int(rng.integers(2, 7))
        words = np.setdiff1d(np.arange(V), [arrays[name] for name in ("null", "start", "end")])
        captions = np.full((N, T + 1), arrays["null"])
        for caption, length in zip(
            captions, rng.integers(1, T + 1, N), strict=True
        ):  # <END> included
            caption[: length + 1] = [arrays["start"], *rng.choice(words, length - 1), arrays["end"]]
        return arrays | {"captions": captions}

    return make


def _captioning_sample(cell):
    def make(rng):
        while True:
            _, _, arrays = _parameters(rng, cell)
            arrays = {name: np.asarray(value) for name, value in arrays.items()} | {
                "max_length": rng.integers(4, 9)
            }
            captions = reference(f"CaptioningRNN.sample[{cell}]", arrays)["captions"]
            lengths = (captions != arrays["null"]).sum(axis=1)
            telling = lengths.max() > 2 and (captions[:, :-1] == arrays["end"]).any()
            if telling and _clear(f"CaptioningRNN.sample[{cell}]", arrays, rng):
                return arrays

    return make


def _clear(exercise, arrays, rng, tries=5):
    """Whether the answer stays what it is, to a tenth, when every number is changed by a
    thousandth.
    """
    answer = reference(exercise, arrays)
    for _ in range(tries):
        moved = {
            name: value * (1 + 1e-3 * rng.normal(size=value.shape))
            if value.dtype.kind == "f"
            else value
            for name, value in arrays.items()
        }
        others = reference(exercise, moved)
        if any(
            np.linalg.norm(np.subtract(answer[k], others[k], dtype=float)) > 0.1 for k in answer
        ):
            return False
    return True


def _network(rng, places):
    """Weights of the network of pictures; the last ones make up for the mean over places."""
    C, width = int(rng.integers(3, 6)), int(rng.integers(2, 5))
    return C, {
        "conv_w": rng.normal(size=(width, 3, 3, 3)) / 3, "conv_b": rng.normal(size=width) / 3,
        "w": rng.normal(size=(C, width)) * places, "b": rng.normal(size=C),
    }  # fmt: skip


def _saliency(rng):
    N, H, W = _sizes(rng, 3)
    C, weights = _network(rng, H * W)
    return weights | {"X": rng.normal(size=(N, 3, H, W)), "y": rng.integers(C, size=N)}


def _fooling(rng):
    while True:
        H, W = _sizes(rng, 2)
        C, weights = _network(rng, 1)
        arrays = weights | {"X": rng.normal(size=(1, 3, H, W)), "target_y": rng.integers(C)}
        with contextlib.suppress(UserWarning), warnings.catch_warnings():
            warnings.simplefilter("error")  # the reference warns where a picture resists
            change = np.linalg.norm(
                reference("make_fooling_image", arrays)["X_fooling"] - arrays["X"]
            )
            usual = (
                change > 1.5 or rng.random() < 0.3
            )  # more than a step; now and then one, or none
            if usual and _clear("make_fooling_image", arrays, rng):
                return arrays


def _update_step(rng):
    H, W = _sizes(rng, 2)
    C, weights = _network(rng, H * W)
    numbers = {
        "l2_reg": rng.uniform(0.2, 0.6),
        "learning_rate": rng.uniform(0.5, 3),
        "target_y": rng.integers(C),
    }
    return weights | numbers | {"img": rng.normal(size=(1, 3, H, W))}


def _content_loss(rng):
    C, H, W = _sizes(rng, 3)
    current, original = rng.normal(size=(2, 1, C, H, W))
    weight = rng.uniform(0.3, 0.8)
    return {"content_weight": weight, "content_current": current, "content_original": original}


def _gram_matrix(rng):
    return {"features": rng.normal(size=_sizes(rng, 4))}


def _style_loss(rng):
    count = int(rng.integers(2, 5))
    feats = [rng.normal(size=[1, *_sizes(rng, 3)]) for _ in range(count)]
    layers = rng.permutation(count)[: rng.integers(1, count + 1)]
    targets = [rng.normal(size=(1, feats[k].shape[1], feats[k].shape[1])) for k in layers]
    return (
        {f"feats{k}": feat for k, feat in enumerate(feats)}
        | {f"style_target{k}": target for k, target in enumerate(targets)}
        | {"style_layers": layers, "style_weights": rng.uniform(0.5, 2, len(layers))}
    )


def _tv_loss(rng):
    return {"img": rng.normal(size=[1, 3, *_sizes(rng, 2)]), "tv_weight": rng.uniform(0.3, 0.8)}


MAKERS = {
    "rnn_step_forward": _step("rnn"),
    "rnn_step_backward": _step("rnn", backward=True),
    "rnn_forward": _sequence("rnn"),
    "rnn_backward": _sequence("rnn", backward=True),
    "word_embedding_forward": _embedding,
    "word_embedding_backward": functools.partial(_embedding, backward=True),
    "CaptioningRNN.loss[rnn]": _captioning_loss("rnn"),
    "CaptioningRNN.sample[rnn]": _captioning_sample("rnn"),
    "lstm_step_forward": _step("lstm"),
    "lstm_step_backward": _step("lstm", backward=True),
    "lstm_forward": _sequence("lstm"),
    "lstm_backward": _sequence("lstm", backward=True),
    "CaptioningRNN.loss[lstm]": _captioning_loss("lstm"),
    "CaptioningRNN.sample[lstm]": _captioning_sample("lstm"),
    "compute_saliency_maps": _saliency,
    "make_fooling_image": _fooling,
    "class_visualization_update_step": _update_step,
    "content_loss": _content_loss,
    "gram_matrix": _gram_matrix,
    "style_loss": _style_loss,
    "tv_loss": _tv_loss,
}
