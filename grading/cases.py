"""Unseen inputs for every exercise, drawn from a seed, and the right answers to them.

Each exercise is tried on fixed corners, which only draw their numbers: every size once 1, one case
that is large, several pictures at once, gradients so large that clipping shows, words that occur
again, captions with holes. So no mistake is found by one seed and missed by another. Beside them
stand cases whose sizes are drawn, too. Numbers are of size 1, so that no mistake hides below the
tolerance; most cases are in float64, some of both kinds in float32.

Where an answer hangs on which of two scores is larger (sampling, fooling), cases are drawn until
they are clear: otherwise rounding would decide.
"""

import contextlib
import io
import warnings

import numpy as np

from exercises.calls import CALLS, PARAMETERS, Package, network
from grading.corners import (
    EMBEDDING,
    FEATURES,
    FOOLING,
    LOSS,
    PICTURE,
    SALIENCY,
    SAMPLE,
    SEQUENCE,
    STEEP,
    STEP,
    STYLE,
    UPDATE_STEP,
)

RANDOM = 3  # cases of an exercise beside its corners, the last of them in float32


def drawn(exercise, seed):
    """All inputs that an exercise is tried on.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - seed: Integer of at least 0; equal seeds give equal inputs

    Returns: list of dictionaries from name to array
    """
    corners = [corner(exercise, seed, number) for number in range(len(CORNERS[exercise]))]
    return corners + [inputs(exercise, RANDOM * seed + number) for number in range(RANDOM)]


def inputs(exercise, seed):
    """Inputs of an exercise's call, their sizes drawn.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - seed: Integer; one in three is for float32

    Returns: dictionary from name to array
    """
    dtype = np.float32 if seed % RANDOM == RANDOM - 1 else np.float64
    return _made(exercise, {}, [seed, *exercise.encode()], dtype)


def corner(exercise, seed, number):
    """Inputs of one of the fixed corners of an exercise."""
    fixed = dict(CORNERS[exercise][number])
    dtype = fixed.pop("dtype", np.float64)
    return _made(exercise, fixed, [seed, number, *exercise.encode()], dtype)


def _made(exercise, fixed, entropy, dtype):
    draw = _Draw(np.random.default_rng(entropy), fixed)
    return {name: _cast(value, dtype) for name, value in MAKERS[exercise](draw).items()}


class _Draw:
    """What a case draws: numbers, and sizes where they are not fixed."""

    def __init__(self, rng, fixed):
        self.rng = rng
        self.fixed = fixed

    def sizes(self, letters, high=5):
        """Sizes of axes; of those that are drawn one in four is 1."""
        drawn = np.where(
            self.rng.random(len(letters)) < 0.25, 1, self.rng.integers(2, high + 1, len(letters))
        ).tolist()
        return [self.fixed.get(letter, n) for letter, n in zip(letters, drawn, strict=True)]

    def size(self, letter, low, high):
        """A size from low to high, both included."""
        return self.fixed.get(letter, int(self.rng.integers(low, high + 1)))

    def normal(self, *shape, scale=1.0):
        return scale * self.rng.normal(size=shape)

    def upstream(self, *shape):
        """A gradient that arrives: in one corner so large that clipping what it becomes shows."""
        return self.normal(*shape, scale=self.fixed.get("upstream", 1))


def reference(exercise, inputs):
    """The repository's own answer, computed in float64 and rounded to the inputs' precision.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - inputs: Dictionary from name to array

    Returns: dictionary from name to array
    """
    dtype = np.result_type(*(value.dtype for value in inputs.values() if value.dtype.kind == "f"))
    exact = {name: _cast(value, np.float64) for name, value in inputs.items()}
    # a progress bar of fooling, and its warning where a picture resists
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = CALLS[exercise](Package(), exact)
    return {name: _cast(value, dtype) for name, value in outputs.items()}


def _cast(array, dtype):
    array = np.asarray(array)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _step(cell, backward=False):
    def make(draw):
        N, D, H = draw.sizes("NDH")
        K = {"rnn": 1, "lstm": 4}[cell] * H
        states = ["prev_h"] if cell == "rnn" else ["prev_h", "prev_c"]
        arrays = {"x": draw.normal(N, D)} | {name: draw.normal(N, H) for name in states}
        arrays |= {"Wx": draw.normal(D, K), "Wh": draw.normal(H, K), "b": draw.normal(K)}
        if backward:
            arrays |= {name.replace("prev", "dnext"): draw.upstream(N, H) for name in states}
        return arrays

    return make


def _sequence(cell, backward=False):
    def make(draw):
        N, D, H = draw.sizes("NDH")
        (T,) = draw.sizes("T", high=7)
        K = {"rnn": 1, "lstm": 4}[cell] * H
        arrays = {"x": draw.normal(N, T, D), "h0": draw.normal(N, H), "Wx": draw.normal(D, K)}
        # gradients would grow from step to step
        arrays |= {"Wh": draw.normal(H, K, scale=1 / np.sqrt(H)), "b": draw.normal(K)}
        return arrays | ({"dh": draw.upstream(N, T, H)} if backward else {})

    return make


def _embedding(backward=False):
    def make(draw):
        N, D = draw.sizes("ND")
        T = draw.size("T", 2, 5)
        V = draw.size("V", 2, 5)
        x = draw.rng.integers(V, size=(N, T))
        x[0, :2] = x[0, 0]  # a word that occurs twice
        arrays = {"x": x, "W": draw.normal(V, D)}
        return arrays | ({"dout": draw.upstream(N, T, D)} if backward else {})

    return make


def _parameters(draw, cell):
    """Sizes, parameters and special words of a captioning model."""
    N, D, W, H = draw.sizes("NDWH")
    V = draw.size("V", 5, 8)
    K = {"rnn": 1, "lstm": 4}[cell] * H
    shapes = [(V, W), (D, H), (H,), (W, K), (H, K), (K,), (H, V), (V,)]
    arrays = {name: draw.normal(*shape) for name, shape in zip(PARAMETERS, shapes, strict=True)}
    arrays["W_vocab"] *= draw.fixed.get("vocab", 1)
    null, start, end = draw.rng.permutation(V)[:3]
    arrays |= {"features": draw.normal(N, D), "null": null, "start": start, "end": end}
    return N, V, arrays


def _captioning_loss(cell):
    def make(draw):
        N, V, arrays = _parameters(draw, cell)
        T = draw.size("T", 2, 6)
        words = np.setdiff1d(np.arange(V), [arrays[name] for name in ("null", "start", "end")])
        captions = np.full((N, T + 1), arrays["null"])
        lengths = draw.rng.integers(1, T + 1, N)  # <END> included
        for caption, length in zip(captions, lengths, strict=True):
            said = draw.rng.choice(words, length - 1)
            caption[: length + 1] = [arrays["start"], *said, arrays["end"]]
        if draw.fixed.get("holes"):
            captions[:, 2] = arrays["null"]  # <NULL> amid words: the mask has holes
            captions[:, -1] = arrays["end"]
        return arrays | {"captions": captions}

    return make


def _captioning_sample(cell):
    exercise = f"CaptioningRNN.sample[{cell}]"

    def make(draw):
        while True:
            _, _, arrays = _parameters(draw, cell)
            arrays = {name: np.asarray(value) for name, value in arrays.items()}
            arrays["max_length"] = np.asarray(draw.size("T", 4, 8))
            captions = reference(exercise, arrays)["captions"]
            lengths = (captions != arrays["null"]).sum(axis=1)
            telling = lengths.max() > 2 and (captions[:, :-1] == arrays["end"]).any()
            telling = telling or arrays["max_length"] == 1
            if telling and _clear(exercise, arrays, draw.rng):
                return arrays

    return make


def _clear(exercise, arrays, rng, tries=5):
    """Whether the answer stays what it is, to a tenth, when every number is changed by a
    thousandth.
    """
    answer = reference(exercise, arrays)
    for _ in range(tries):
        others = reference(exercise, _moved(arrays, rng))
        if any(
            np.linalg.norm(np.subtract(answer[k], others[k], dtype=float)) > 0.1 for k in answer
        ):
            return False
    return True


def _moved(arrays, rng):
    """Arrays with every number changed by a thousandth."""
    return {
        name: value * (1 + 1e-3 * rng.normal(size=value.shape))
        if value.dtype.kind == "f"
        else value
        for name, value in arrays.items()
    }


def _scores(arrays):
    """What the network of pictures says of them, of shape (N, C)."""
    import torch

    exact = {name: _cast(value, np.float64) for name, value in arrays.items()}
    return network(exact)(torch.from_numpy(exact["X"])).numpy()


def _network(draw, places):
    """Weights of the network of pictures; the last ones make up for the mean over places."""
    C = draw.size("classes", 3, 5)
    width = draw.size("width", 2, 4)
    weights = {
        "conv_w": draw.normal(width, 3, 3, 3) / 3,
        "conv_b": draw.normal(width) / 3,
        "w": draw.normal(C, width) * places,
        "b": draw.normal(C),
    }
    return C, weights


def _saliency(draw):
    N, H, W = draw.sizes("NHW")
    C, weights = _network(draw, H * W)
    return weights | {"X": draw.normal(N, 3, H, W), "y": draw.rng.integers(C, size=N)}


def _fooling(draw):
    N = draw.fixed.get("N", 1)
    H, W = draw.sizes("HW")
    while True:
        C, weights = _network(draw, 1)
        target_y = draw.rng.integers(C)
        arrays = weights | {"X": draw.normal(POOL, 3, H, W), "target_y": target_y}
        answer = _fooling_pictures(arrays)
        steps = np.where(_fooled_clearly(arrays, answer, N, draw.rng), _way(arrays, answer), -1)
        # mostly more than a step; now and then one, or none
        least = max(draw.fixed.get("steps", 0), 1.5 if draw.rng.random() < 0.7 else 0)
        order = np.argsort(-steps.round(1), kind="stable")
        if N > 1:  # as different ways as there are
            _, first = np.unique(steps.round(1), return_index=True)
            order = first[::-1].tolist()
        picked = [k for k in order if steps[k] >= 0][:N]
        if len(picked) == N and steps[picked].max() >= least:
            return arrays | {"X": arrays["X"][picked]}


POOL = 12  # pictures that are tried at a time
FEW_STEPS = 14  # those that take longer are not used


def _way(arrays, answer):
    """How far each picture goes until it fools the network."""
    change = answer - arrays["X"]
    return np.linalg.norm(change.reshape(len(change), -1), axis=1)


def _fooled_clearly(arrays, answer, wanted, rng, tries=5):
    """Which pictures fool the network, and stop at the same step, to a tenth, when every number is
    changed by a thousandth. Where fewer than wanted do, it is not looked at further.
    """
    clear = _scores(arrays | {"X": answer}).argmax(axis=1) == arrays["target_y"]
    for _ in range(tries):
        moved = _moved(arrays, rng)  # in any case, so that equal seeds go on alike
        if clear.sum() < wanted:
            continue
        gap = answer - _fooling_pictures(moved)
        clear &= np.linalg.norm(gap.reshape(len(gap), -1), axis=1) < 0.1
    return clear


def _fooling_pictures(arrays):
    """The reference's pictures after a few steps."""
    import torch

    from deeplearning.network_visualization import make_fooling_image

    X = torch.from_numpy(arrays["X"])
    target_y = int(arrays["target_y"])
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_fooling_image(X, target_y, network(arrays), max_steps=FEW_STEPS).numpy()


def _update_step(draw):
    N = draw.fixed.get("N", 1)
    H, W = draw.sizes("HW")
    C, weights = _network(draw, 1)
    numbers = {
        "l2_reg": draw.rng.uniform(0.2, 0.6),
        "learning_rate": draw.rng.uniform(0.5, 3),
        "target_y": draw.rng.integers(C),
    }
    return weights | numbers | {"img": draw.normal(N, 3, H, W)}


def _content_loss(draw):
    C, H, W = draw.sizes("CHW")
    current, original = draw.normal(2, 1, C, H, W)
    weight = draw.rng.uniform(0.3, 0.8)
    return {"content_weight": weight, "content_current": current, "content_original": original}


def _gram_matrix(draw):
    return {"features": draw.normal(*draw.sizes("NCHW"))}


def _style_loss(draw):
    count = draw.size("layers", 2, 4)
    feats = [draw.normal(1, *draw.sizes("CHW")) for _ in range(count)]
    layers = draw.rng.permutation(count)[: draw.size("chosen", 1, count)]
    targets = [draw.normal(1, feats[k].shape[1], feats[k].shape[1]) for k in layers]
    arrays = {f"feats{k}": feat for k, feat in enumerate(feats)}
    arrays |= {f"style_target{k}": target for k, target in enumerate(targets)}
    weights = draw.rng.uniform(0.5, 2, len(layers))
    return arrays | {"style_layers": layers, "style_weights": weights}


def _tv_loss(draw):
    H, W = draw.sizes("HW")
    return {"img": draw.normal(1, 3, H, W), "tv_weight": draw.rng.uniform(0.3, 0.8)}


# For each exercise the function that draws its inputs, and the corners that it is always tried on
EXERCISES = {
    "rnn_step_forward": (_step("rnn"), STEP),
    "rnn_step_backward": (_step("rnn", backward=True), STEP + STEEP),
    "rnn_forward": (_sequence("rnn"), SEQUENCE),
    "rnn_backward": (_sequence("rnn", backward=True), SEQUENCE + STEEP),
    "word_embedding_forward": (_embedding(), EMBEDDING),
    "word_embedding_backward": (_embedding(backward=True), EMBEDDING + STEEP),
    "CaptioningRNN.loss[rnn]": (_captioning_loss("rnn"), LOSS),
    "CaptioningRNN.sample[rnn]": (_captioning_sample("rnn"), SAMPLE),
    "lstm_step_forward": (_step("lstm"), STEP),
    "lstm_step_backward": (_step("lstm", backward=True), STEP + STEEP),
    "lstm_forward": (_sequence("lstm"), SEQUENCE),
    "lstm_backward": (_sequence("lstm", backward=True), SEQUENCE + STEEP),
    "CaptioningRNN.loss[lstm]": (_captioning_loss("lstm"), LOSS),
    "CaptioningRNN.sample[lstm]": (_captioning_sample("lstm"), SAMPLE),
    "compute_saliency_maps": (_saliency, SALIENCY),
    "make_fooling_image": (_fooling, FOOLING),
    "class_visualization_update_step": (_update_step, UPDATE_STEP),
    "content_loss": (_content_loss, FEATURES),
    "gram_matrix": (_gram_matrix, FEATURES),
    "style_loss": (_style_loss, STYLE),
    "tv_loss": (_tv_loss, PICTURE),
}
MAKERS = {exercise: maker for exercise, (maker, _) in EXERCISES.items()}
CORNERS = {exercise: corners for exercise, (_, corners) in EXERCISES.items()}
