"""Hints: known mistakes come first, in all arrays or some, then patterns in any array; no input
makes hints fail.
"""

import numpy as np
import pytest

from exercises.hints import hint, hint_of_error

rng = np.random.default_rng(0)
X, W, B = rng.normal(size=(3, 4, 5)), rng.normal(size=(5, 5)), rng.normal(size=8)
WORDS = np.array([[3, 4, 2, 0], [5, 2, 0, 0]])  # 2 ends a caption, 0 pads it
MORE = np.array([[3, 4, 2, 0, 0, 0], [5, 2, 0, 0, 0, 0]])


def blocks(order):
    return np.concatenate([np.split(B, 4)["ifog".index(gate)] for gate in order])


def put(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    "name, wrong, right, says",
    [
        ("dW", -W, W, "The sign of dW is wrong everywhere"),
        ("dx", X / 60, X, "dx is 1/60 of what it should be: a mean instead of a sum"),
        ("dx", 3 * X, X, "dx is 3 times what it should be: a division is missing"),
        (
            "dW",
            2.7 * W,
            W,
            "dW is 2.7 times what it should be everywhere: look for a factor, or for a sum",
        ),
        ("dW", 0.37 * W, W, "dW is 0.37 times what it should be everywhere: look for a factor"),
        ("dWh", W.T.copy(), W, "dWh is the transpose"),
        ("dW", 0 * W, W, "dW is all zero"),
        ("saliency", X, np.abs(X), "saliency holds negative numbers"),
        ("saliency", -np.abs(X), np.abs(X), "saliency has the wrong sign"),
        ("loss", np.array(-9.0), np.array(9.0), "loss has the wrong sign"),
        ("db", np.array(B[0]), B[:1], "db lacks an axis of length 1: look for a squeeze"),
        ("db", B[None], B, "db has an axis too many, of length 1: keepdims=True keeps it"),
        ("saliency", X[:, None], X, "saliency has an axis too many, of length 1: keepdims"),
        ("dW", W.astype(int), W, "zeros_like of words makes integers"),
        ("saliency", X**2, np.abs(X), "saliency is squared once too often"),
        ("loss", np.array(3.0), np.array(9.0), "The square is missing in loss"),
        ("next_h", X, np.tanh(X), "tanh is missing in next_h"),
        ("next_h", np.tanh(np.tanh(X)), np.tanh(X), "tanh is applied once too often"),
        ("h", X[:, ::-1].copy(), X, "Time runs backwards in h"),
        ("h", np.roll(X, 1, axis=1), X, "h is shifted by one time step"),
        ("dx", put(X, np.s_[:, :2], 7.0), X, "Only the last time steps are right"),
        ("dx", put(X, np.s_[:, 0], 7.0), X, "does the loop go down to t = 0"),
        ("h", put(X, np.s_[:, 2:], 7.0), X, "Only the first time steps are right"),
        (
            "h",
            put(X, np.s_[:, -1], 0.0),
            X,
            "Only the last time step is wrong: does the loop reach",
        ),
        ("saliency", X.argmax(axis=1), X.max(axis=1), "the indices that max returns with"),
        ("gram", put(X, 1, 7.0), X, "gram is right for some rows of the minibatch"),
        ("db", blocks("ifgo"), B, "Only the blocks of gates o and g are wrong in db"),
        ("db", blocks("gifo"), B, "The gates' blocks of db are in the wrong order"),
        ("h", X.swapaxes(0, 1).copy(), X, "h has its axes in the wrong order"),
        ("db", np.stack([B, B]), B, "db has an axis too many"),
        ("gram", X[0], X, "gram lacks the axis of the minibatch"),
        ("gram", np.stack(3 * [X[0] + X[1]]), X, "the same for all rows of the minibatch"),
        ("out", X.ravel(), X, "another shape: look for a reshape"),
        ("h", X, X.astype(np.float32), "Somewhere h became float64"),
        (
            "captions",
            np.hstack(([[1], [1]], WORDS[:, :-1])),
            WORDS,
            "Everything comes one step too late",
        ),
        ("captions", put(WORDS, np.s_[:, 0], 1), WORDS, "Only the first column is wrong"),
        ("captions", put(WORDS, (1, 3), 6), WORDS, "after it, there must be <NULL>"),
        ("captions", put(MORE, (1, 4), 6), MORE, "start again after it"),
        ("captions", put(put(WORDS, (0, 1), 6), (0, 2), 6), WORDS, "does the state advance"),
        (
            "captions",
            put(put(WORDS, (0, 0), 6), (0, 2), 6),
            WORDS,
            "In some captions even the first word is wrong",
        ),
        ("captions", WORDS.max() - WORDS, WORDS, "argmax over axis 1"),
        ("x kept", np.array(False), np.array(True), "write into x itself"),
    ],
)
def test_patterns(name, wrong, right, says):
    """One array that is wrong in a telling way gives the sentence for it."""
    assert says in hint("lstm_any", {name: wrong}, {name: right}, [])


def test_words_that_only_seem_to_fill_up():
    """A repeated word, or a single column, gives no hint about a caption's end or first column."""
    said = np.array([[4, 5, 5, 5], [3, 4, 2, 5]])
    assert "after it" not in hint("any", {"captions": put(said, (0, 3), 2)}, {"captions": said}, [])
    one = np.array([[2], [3], [2]])
    assert "too late" not in hint("any", {"captions": put(one, 1, 2)}, {"captions": one}, [])
    alone = WORDS[:1]
    wrong = {"captions": put(alone, (0, 0), 5)}
    assert "Only the first column" not in hint("any", wrong, {"captions": alone}, [])


def test_a_right_loss_narrows_the_search():
    """Where the loss is right its gradient was cut off, whatever mistake would give the same
    gradient with another loss; what was changed in place comes before that.
    """
    expected = {"loss": np.array(3.0), "dimg": X, "img kept": np.array(True)}
    outputs = expected | {"dimg": X / 2}
    half = [("there is a factor 1/2", {"loss": np.array(1.5), "dimg": X / 2})]
    assert "is a part of it cut off" in hint("content_loss", outputs, expected, half)
    assert "a factor 1/2" not in hint("CaptioningRNN.loss[rnn]", outputs, expected, half)
    changed = outputs | {"img kept": np.array(False)}
    assert "write into img itself" in hint("content_loss", changed, expected, half)


def test_embeddings_hear_nothing_of_time():
    """Words are looked up independently, so no hint speaks of a state."""
    said = hint("word_embedding_forward", {"out": put(X, np.s_[:, 2:], 7.0)}, {"out": X}, [])
    assert said is None or "state" not in said


def test_a_vanilla_rnn_hears_nothing_of_gates():
    """Only for an LSTM are blocks of a gradient called gates."""
    assert "gate" in hint("lstm_backward", {"db": blocks("ifgo")}, {"db": B}, [])
    assert "gate" not in (
        hint("CaptioningRNN.loss[rnn]", {"db": blocks("ifgo")}, {"db": B}, []) or ""
    )


def test_what_may_be_negative_is_not_blamed_for_it():
    """Only a loss and a saliency map can't be negative; a state that happens to be positive can."""
    assert "negative" in hint("tv_loss", {"loss": np.array(-3.0)}, {"loss": np.array(2.0)}, [])
    right = {"next_h": np.abs(W)}
    assert "negative" not in (hint("lstm_step_forward", {"next_h": W - 1}, right, []) or "")


@pytest.mark.parametrize(
    ("exercise", "error", "says"),
    [
        ("style_loss", "IndexError: list index out of range", "in that order"),
        (
            "make_fooling_image",
            "AttributeError: 'NoneType' object has no attribute 'data'",
            ".grad",
        ),
        (
            "CaptioningRNN.sample[rnn]",
            "ValueError: prev_h must have shape (N, H) with N = 4, got (3,)",
            "A state is a list",
        ),
        (
            "CaptioningRNN.sample[lstm]",
            "ValueError: prev_c must have shape (N, H) with N = 5, H = 5, got (4, 20)",
            "An LSTM has two states",
        ),
        (
            "CaptioningRNN.sample[rnn]",
            "IndexError: boolean index did not match indexed array along axis 0",
            "A state is a list, with one array for each state",
        ),
        (
            "CaptioningRNN.loss[rnn]",
            "ValueError: Wx must be a NumPy array of floating-point numbers, got tuple",
            "a pair: its output and a cache",
        ),
        (
            "CaptioningRNN.sample[rnn]",
            "ValueError: not enough values to unpack (expected 2, got 1) (rnn_layers.py, line 475)",
            "pass words[:, None] to a word_embedding_forward",
        ),
        (
            "CaptioningRNN.sample[lstm]",
            "IndexError: tuple index out of range (line 9 of rnn_layers.py: 'T = x.shape[1]')",
            "pass words[:, None] to a word_embedding_forward",
        ),
        (
            "CaptioningRNN.sample[rnn]",
            "ValueError: not enough values to unpack (expected 2, got 1) (rnn.py, line 226)",
            "_step returns two things",
        ),
        ("tv_loss", "RuntimeError: Found no NVIDIA driver on your system.", "leave out .cuda()"),
        ("tv_loss", "AssertionError: Torch not compiled with CUDA enabled", "leave out .cuda()"),
        ("tv_loss", "ModuleNotFoundError: No module named 'google'", "in the notebook"),
        (
            "style_loss",
            "RuntimeError: The size of tensor a (3) must match the size of tensor b (2)",
            "style_layers[i]",
        ),
        ("gram_matrix", "RuntimeError: The size of tensor a must match the size of tensor", None),
        ("rnn_forward", "IndexError: list index out of range", None),
        ("rnn_forward", "IndexError: boolean index did not match indexed array", None),
    ],
)
def test_errors_have_hints(exercise, error, says):
    """Some errors have a usual cause; the others get no hint."""
    found = hint_of_error(exercise, error)
    assert found is None if says is None else says in found


def test_known_mistakes_come_first():
    """An answer like a known mistake's gets its cause, before any pattern; one matching array is
    enough.
    """
    right = {"dW": W, "db": B}
    known = [("the sun shines", {"dW": -W}), ("it rains", {"dW": 2 * W, "db": B + 1})]
    assert hint("any", {"dW": -W, "db": B}, right, known) == "It looks as if the sun shines."
    assert hint("any", {"dW": 2 * W, "db": B + 1}, right, known) == "It looks as if it rains."
    assert hint("any", {"dW": W, "db": B + 1}, right, known) == "In db, it looks as if it rains."
    assert "The sign" in hint("any", {"dW": W, "db": -B}, right, known)


def test_zeros_are_no_trace_of_a_known_mistake():
    """If a known mistake zeroes a gradient and gets the rest wrong, a zero gradient alone is not
    blamed on it: many mistakes cut off a gradient.
    """
    right = {"loss": B, "dx": X, "dh": W}
    known = [("it rains", {"loss": B + 1, "dx": 0 * X})]
    found = hint("any", {"loss": B, "dx": 0 * X, "dh": 0 * W}, right, known)
    assert found == "dx is all zero: nothing was computed, or no gradient arrives there."


def test_causes_that_give_the_same_are_all_named():
    """If several known mistakes give the answer, none is blamed alone: up to three are named."""
    known = [(cause, {"dW": -W}) for cause in ("it rains", "it snows", "it hails", "it blows")]
    found = hint("any", {"dW": -W}, {"dW": W}, known)
    assert found == (
        "It looks as if it rains. Or, which gives the same here, it snows. "
        "Or, which gives the same here, it hails."
    )


def test_two_that_are_exchanged():
    """Exchanged gradients are named, whatever their shapes."""
    found = hint("any", {"dx": W, "dh": X, "db": B}, {"dx": X, "dh": W, "db": B}, [])
    assert found == "dx and dh are swapped: check the order after `return`."


def test_what_is_right_narrows_the_search():
    """If only some arrays are wrong, and nothing else is known, those are named."""
    found = hint(
        "any", {"dx": X, "dW": W, "db": B + rng.normal(size=8)}, {"dx": X, "dW": W, "db": B}, []
    )
    assert found == "dx, dW are right; look at db only."


def test_nothing_is_made_up():
    """Numbers that suggest nothing get no hint."""
    assert hint("any", {"dW": rng.normal(size=W.shape)}, {"dW": W}, []) is None


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        [1, 2],
        np.array(None),
        np.full(W.shape, "a"),
        W.astype(object),
        W.astype(complex),
        W.astype(np.float16),
        np.full(W.shape, np.nan),
        np.full(W.shape, 1e308),
        W.astype(">f8"),
        np.zeros((0, 5)),
        np.full(W.shape, np.datetime64("2019-01-01")),
        W.view(np.ma.MaskedArray),
    ],
)
def test_no_answer_makes_a_hint_fail(odd):
    """For any returned value, a hint is a sentence or None."""
    known = [("it rains", {"dW": -W}), ("the sun shines", {"dW": W[:2]})]
    for outputs in ({"dW": odd}, {"dW": odd, "db": B}, {"db": odd}, {}):
        found = hint("any", outputs, {"dW": W, "db": B}, known)
        assert found is None or isinstance(found, str)


def test_an_empty_answer_is_no_known_mistake():
    """An answer without any array matches no known mistake."""
    known = [("it rains", {"dW": -W})]
    assert "rains" not in (hint("any", {}, {"dW": W}, known) or "")


def test_keys_with_the_names_of_gradients():
    """For a dictionary with the key dWx in place of Wx, the hint says so, not just "missing"."""
    said = hint("CaptioningRNN.loss[rnn]", {"ddWx": W}, {"dWx": W}, [])
    assert said == "The keys of grads are those of params, without a d in front: Wx, not dWx."
