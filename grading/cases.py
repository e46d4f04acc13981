"""Unseen inputs for every exercise, drawn from a seed, and the right answers to them.

Each exercise is tried on fixed corner cases, for which only the numbers are drawn: every size once
1, one large case, several pictures at once, gradients so large that clipping shows, repeated words,
captions with holes. So a mistake found with one seed is not missed with another. In further cases
the sizes are drawn too. Numbers are of order 1, so that no mistake hides below the tolerance; most
cases are in float64, some of both kinds in float32.

If an answer depends on which of two scores is larger (sampling, fooling), cases are drawn until it
is clear: otherwise rounding would decide.
"""

import contextlib
import io
import warnings

import numpy as np

from exercises.calls import CALLS, PARAMETERS, Package
from grading import picture_cases
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
from grading.draw import Draw, cast, move_a_little

RANDOM = 3  # cases of an exercise in addition to its corners, the last of them in float32


def drawn(exercise, seed):
    """All inputs that an exercise is tried on.

    Inputs:
    - exercise: Name of the exercise, as in `CALLS`
    - seed: Integer of at least 0; equal seeds give equal inputs

    Returns: list of dictionaries from name to array
    """
    corners = [corner(exercise, seed, number) for number in range(len(CORNERS[exercise]))]
    return corners + [inputs(exercise, RANDOM * seed + number) for number in range(RANDOM)]


def inputs(exercise, seed):
    """Inputs of an exercise's call, with drawn sizes.

    Inputs:
    - exercise: Name of the exercise, as in `CALLS`
    - seed: Integer; one in three is for float32

    Returns: dictionary from name to array
    """
    dtype = np.float32 if seed % RANDOM == RANDOM - 1 else np.float64
    return _made(exercise, {}, [seed, *exercise.encode()], dtype)


def corner(exercise, seed, number):
    """Inputs of one of an exercise's fixed corner cases."""
    fixed = dict(CORNERS[exercise][number])
    dtype = fixed.pop("dtype", np.float64)
    return _made(exercise, fixed, [seed, number, *exercise.encode()], dtype)


def _made(exercise, fixed, entropy, dtype):
    draw = Draw(np.random.default_rng(entropy), fixed)
    return {name: cast(value, dtype) for name, value in MAKERS[exercise](draw).items()}


def reference(exercise, inputs):
    """The repository's own answer, computed in float64 and rounded to the inputs' precision.

    Inputs:
    - exercise: Name of the exercise, as in `CALLS`
    - inputs: Dictionary from name to array

    Returns: dictionary from name to array
    """
    dtype = np.result_type(*(value.dtype for value in inputs.values() if value.dtype.kind == "f"))
    exact = {name: cast(value, np.float64) for name, value in inputs.items()}
    # the progress bar of fooling, and its warning if a picture resists
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = CALLS[exercise](Package(), exact)
    return {name: cast(value, dtype) for name, value in outputs.items()}


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
        # in one corner the vocabulary's last word does not occur
        x = draw.rng.integers(V - draw.fixed.get("unused", 0), size=(N, T))
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
            captions[:, 2] = arrays["null"]  # <NULL> between words: the mask has holes
            captions[:, -1] = arrays["end"]
            captions[0, 1:] = arrays["null"]  # a caption without words counts too
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
            if draw.fixed.get("odd words"):
                telling &= all(_goes_on(captions, arrays, name) for name in ("null", "start"))
            if telling and _clear(exercise, arrays, draw.rng):
                return arrays

    return make


def _goes_on(captions, arrays, name):
    """Whether <NULL> or <START> is sampled in a caption and followed by another word."""
    for caption in captions.tolist():
        said = caption[: caption.index(arrays["end"])] if arrays["end"] in caption else caption
        where = [t for t, word in enumerate(said) if word == arrays[name]]
        if where and said[where[0] + 1 :] and said[where[0] + 1] != arrays[name]:
            return True
    return False


def _clear(exercise, arrays, rng, tries=5):
    """Whether changing every number by a thousandth changes the answer by at most a tenth."""
    answer = reference(exercise, arrays)
    for _ in range(tries):
        others = reference(exercise, move_a_little(arrays, rng))
        if any(
            np.linalg.norm(np.subtract(answer[k], others[k], dtype=float)) > 0.1 for k in answer
        ):
            return False
    return True


# For each exercise the function that draws its inputs, and the corner cases always tried
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
    "compute_saliency_maps": (picture_cases.saliency, SALIENCY),
    "make_fooling_image": (picture_cases.fooling, FOOLING),
    "class_visualization_update_step": (picture_cases.update_step, UPDATE_STEP),
    "content_loss": (picture_cases.content_loss, FEATURES),
    "gram_matrix": (picture_cases.gram_matrix, FEATURES),
    "style_loss": (picture_cases.style_loss, STYLE),
    "tv_loss": (picture_cases.tv_loss, PICTURE),
}
MAKERS = {exercise: maker for exercise, (maker, _) in EXERCISES.items()}
CORNERS = {exercise: corners for exercise, (_, corners) in EXERCISES.items()}
