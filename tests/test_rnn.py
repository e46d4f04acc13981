"""The captioning model: published losses, gradients, sampling, saving."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

from deeplearning import files
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.feature_transform import FeatureTransform
from deeplearning.gradient_check import compare_gradients, eval_numerical_gradient

WORDS = {"<NULL>": 0, "<START>": 1, "<END>": 2, "<UNK>": 3, "a": 4, "dog": 5, "runs": 6}
cells = pytest.mark.parametrize("cell", ["rnn", "lstm"])


def model_and_batch(cell, dtype=np.float64, N=3, T=4, D=5, **options):
    """A small model with parameters large enough to matter, features, and captions with NULL at
    their ends.
    """
    np.random.seed(0)
    model = CaptioningRNN(WORDS, D, 4, 6, cell, dtype, **options)
    rng = np.random.default_rng(0)
    for name, w in model.params.items():
        model.params[name] = rng.normal(size=w.shape).astype(dtype)
    captions = rng.integers(1, len(WORDS), size=(N, T + 1))
    captions[0, 3:] = 0
    return model, rng.normal(size=(N, D)).astype(dtype), captions


@cells
def test_published_loss(cell):
    """The course's cell, loss by loss to all printed digits."""
    N, D, W, H, T = 10, 20, 30, 40, 13
    word_to_idx = {"<NULL>": 0, "cat": 2, "dog": 3}
    model = CaptioningRNN(word_to_idx, D, W, H, cell, np.float64)
    for name, w in model.params.items():
        model.params[name] = np.linspace(-1.4, 1.3, num=w.size).reshape(w.shape)
    low, high, expected = {"rnn": (-1.5, 0.3, 9.83235591003), "lstm": (-0.5, 1.7, 9.82445935443)}[
        cell
    ]
    features = np.linspace(low, high, num=N * D).reshape(N, D)
    loss, _ = model.loss(features, (np.arange(N * T) % 3).reshape(N, T))
    assert abs(loss - expected) < 1e-10


@cells
def test_parameters_are_drawn_in_the_published_order(cell):
    """np.random.seed fixes the parameters: drawn in the documented order and scaled, with zero
    biases.
    """
    np.random.seed(231)
    model = CaptioningRNN(WORDS, 5, 4, 6, cell)
    np.random.seed(231)
    K = {"rnn": 6, "lstm": 24}[cell]
    for name, shape, scale in [
        ("W_embed", (7, 4), 0.01),
        ("W_proj", (5, 6), 1 / np.sqrt(5)),
        ("Wx", (4, K), 1 / np.sqrt(4)),
        ("Wh", (6, K), 1 / np.sqrt(6)),
        ("W_vocab", (6, 7), 1 / np.sqrt(6)),
    ]:
        np.testing.assert_allclose(model.params[name], np.random.randn(*shape) * scale, rtol=1e-6)
    assert [model.params[b].shape for b in ("b_proj", "b", "b_vocab")] == [(6,), (K,), (7,)]
    assert not any(model.params[b].any() for b in ("b_proj", "b", "b_vocab"))
    assert {w.dtype for w in model.params.values()} == {np.dtype(np.float32)}


@cells
def test_gradients_agree_with_differences(cell):
    """Every gradient of the loss passes the norm-wise check; the keys are those of the
    parameters.
    """
    model, features, captions = model_and_batch(cell)
    loss, grads = model.loss(features, captions)
    assert grads.keys() == model.params.keys()
    for name, w in model.params.items():
        numeric = eval_numerical_gradient(
            lambda _: model.loss(features, captions)[0], w, verbose=False
        )
        verdict = compare_gradients(grads[name], numeric, name)
        assert verdict, verdict


@cells
def test_loss_and_gradients_agree_with_torch(cell):
    """The whole model, built from PyTorch's modules, has the same loss and gradients to 1e-10 in
    float64.
    """
    model, features, captions = model_and_batch(cell)
    p = {name: torch.tensor(w, requires_grad=True) for name, w in model.params.items()}
    h = torch.tensor(features) @ p["W_proj"] + p["b_proj"]
    c, every = torch.zeros_like(h), []
    order = torch.tensor(np.r_[0:12, 18:24, 12:18])  # PyTorch's gates are i, f, g, o
    for t in range(captions.shape[1] - 1):
        x = p["W_embed"][torch.tensor(captions[:, t])]
        if cell == "rnn":
            h = torch.rnn_tanh_cell(
                x, h, p["Wx"].T, p["Wh"].T, p["b"], torch.zeros(6, dtype=torch.float64)
            )
        else:
            zero = torch.zeros(24, dtype=torch.float64)
            h, c = torch.lstm_cell(
                x, (h, c), p["Wx"].T[order], p["Wh"].T[order], p["b"][order], zero
            )
        every.append(h @ p["W_vocab"] + p["b_vocab"])
    expected = torch.nn.functional.cross_entropy(
        torch.stack(every, 1).flatten(0, 1),
        torch.tensor(captions[:, 1:]).flatten(),
        ignore_index=0,
        reduction="sum",
    ) / len(captions)
    expected.backward()
    loss, grads = model.loss(features, captions)
    assert abs(loss - expected.item()) < 1e-10
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, p[name].grad.numpy(), atol=1e-10, rtol=1e-10, strict=True)


@cells
def test_float32_all_the_way(cell):
    """A float32 model gives float32 gradients and draws even from float64 features."""
    model, features, captions = model_and_batch(cell, np.float32)
    _, grads = model.loss(features.astype(np.float64), captions)
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}


@cells
def test_loss_changes_neither_input_nor_parameters(cell):
    """Features, captions and parameters are as before, and parameters edited between calls are
    used.
    """
    model, features, captions = model_and_batch(cell)
    before = [a.copy() for a in (features, captions, *model.params.values())]
    loss, _ = model.loss(features, captions)
    for array, copy in zip((features, captions, *model.params.values()), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    model.params["b_vocab"] = model.params["b_vocab"] + np.arange(7)
    changed, _ = model.loss(features, captions)
    model.params["b_vocab"] -= np.arange(7)
    assert changed != loss
    assert model.loss(features, captions)[0] == pytest.approx(loss, abs=1e-12)


def greedy_by_hand(model, features, max_length):
    """The oracle: one image and one word at a time, from the last scores of the whole sentence so
    far.
    """
    p, captions = model.params, np.zeros((len(features), max_length), int)
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[model.cell_type](
        4, 6, batch_first=True
    ).double()
    order = np.r_[0:12, 18:24, 12:18] if model.cell_type == "lstm" else np.arange(6)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.tensor(p["Wx"].T[order]))
        module.weight_hh_l0.copy_(torch.tensor(p["Wh"].T[order]))
        module.bias_ih_l0.copy_(torch.tensor(p["b"][order]))
        module.bias_hh_l0.zero_()
        for n, feature in enumerate(features):
            h0 = torch.tensor(feature @ p["W_proj"] + p["b_proj"])[None, None]
            words = [1]
            while words[-1] != 2 and len(words) <= max_length:
                state = h0 if model.cell_type == "rnn" else (h0, torch.zeros_like(h0))
                h = module(torch.tensor(p["W_embed"][words])[None], state)[0][0, -1].numpy()
                words.append(int(np.argmax(h @ p["W_vocab"] + p["b_vocab"])))
            captions[n, : len(words) - 1] = words[1:]
    return captions


@cells
def test_greedy_sampling(cell):
    """Each word is the best one after the words before it; after END there is only NULL."""
    model, _, _ = model_and_batch(cell)
    model.params["b_vocab"][2] -= {"rnn": 2, "lstm": 0.8}[cell]  # END not too soon
    features = np.random.default_rng(1).normal(size=(40, 5)) * 3
    captions = model.sample(features, max_length=12)
    np.testing.assert_array_equal(captions, greedy_by_hand(model, features, 12))
    ends = (captions == 2).any(axis=1)
    assert ends.any() and not ends.all()  # both kinds occur, so that the comparison means something


@cells
def test_rows_are_sampled_independently(cell):
    """An image's caption does not depend on the other images of the minibatch."""
    model, _, _ = model_and_batch(cell)
    features = np.random.default_rng(1).normal(size=(9, 5))
    alone = np.concatenate([model.sample(f[None]) for f in features])
    np.testing.assert_array_equal(model.sample(features), alone)


@pytest.mark.parametrize(
    "options", [{}, {"beam_width": 3}, {"temperature": 1.0, "rng": np.random.default_rng(0)}]
)
def test_sample_shapes(options):
    """Integers of shape (N, max_length), also for no image at all and one word."""
    model, features, _ = model_and_batch("lstm")
    for N, max_length in ((0, 5), (3, 1), (1, 30)):
        captions = model.sample(features[:N], max_length, **options)
        assert captions.shape == (N, max_length) and captions.dtype.kind == "i"


def test_temperature_draws_from_the_softmax():
    """First words are drawn with the probabilities softmax(scores / temperature), the same for the
    same Generator.
    """
    model, features, _ = model_and_batch("lstm")
    p, many = model.params, np.repeat(features[:1], 20000, axis=0)
    first = model.sample(many, 1, temperature=2.0, rng=np.random.default_rng(0))[:, 0]
    np.testing.assert_array_equal(
        first, model.sample(many, 1, temperature=2.0, rng=np.random.default_rng(0))[:, 0]
    )
    model.params["b_vocab"] = p["b_vocab"] * 1.0
    loss_of = [
        model.loss(features[:1], np.array([[1, word]]))[0] for word in range(1, 7)
    ]  # -log p; 0 would be masked
    p_one = np.exp(-np.array(loss_of))
    p_one = np.concatenate(([1 - p_one.sum()], p_one)) ** 0.5
    shares = np.bincount(first, minlength=7) / len(first)
    np.testing.assert_allclose(shares, p_one / p_one.sum(), atol=0.015)


def test_cold_sampling_is_greedy():
    """A temperature near zero takes the best word."""
    model, features, _ = model_and_batch("rnn")
    cold = model.sample(features, temperature=1e-6, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(cold, model.sample(features))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"temperature": 1.0}, "pass rng"),
        ({"temperature": 0.0, "rng": np.random.default_rng(0)}, "temperature must be positive"),
        (
            {"temperature": 1.0, "beam_width": 2, "rng": np.random.default_rng(0)},
            "use one or the other",
        ),
        ({"beam_width": 0}, "at least 1"),
        ({"max_length": 0}, "max_length must be at least 1"),
        ({"beam_width": 1.5}, "beam_width must be an integer, got 1.5"),
        ({"max_length": "3"}, "max_length must be an integer"),
    ],
)
def test_sample_refuses_contradictions(options, message):
    """Settings out of range or in conflict raise a ValueError."""
    model, features, _ = model_and_batch("rnn")
    with pytest.raises(ValueError, match=message):
        model.sample(features, **options)


@pytest.mark.parametrize("missing", ["<START>", "<END>"])
def test_start_and_end_are_needed_only_to_sample(missing):
    """Without <START> or <END> the loss works, and sampling names what is missing."""
    words = {word: i for i, word in enumerate(w for w in WORDS if w != missing)}
    model = CaptioningRNN(words, 5, 4, 6)
    assert np.isfinite(model.loss(np.ones((1, 5)), np.array([[1, 2, 0]]))[0])
    with pytest.raises(ValueError, match=missing):
        model.sample(np.ones((1, 5)))


@pytest.mark.parametrize(
    "features, captions, message",
    [
        (
            np.ones((2, 4)),
            np.ones((2, 3), int),
            r"features must be numbers of shape \(N, D\) with D = 5, got .* \(2, 4\)",
        ),
        (np.ones((3, 5)), np.ones((2, 3), int), "the same N, got 3 and 2"),
        (
            np.ones((2, 5)),
            np.array([[1, 2, 7], [0, 0, 0]]),
            r"captions\[0, 2\] = 7 is outside the vocabulary of 7 words",
        ),
        (np.ones((2, 5)), np.array([[1, 2, -1], [0, 0, 0]]), r"captions\[0, 2\] = -1 is outside"),
        (
            np.ones((2, 5)),
            np.ones((2, 3)),
            "captions must be a NumPy array of integers, got an array of float64",
        ),
        (np.ones((0, 5)), np.ones((0, 3), int), "at least one caption of two words"),
        (np.ones((2, 5)), np.ones((2, 1), int), "at least one caption of two words"),
        (np.array([[1.0] * 5, [np.nan] * 5]), np.ones((2, 3), int), "row 1 holds NaN"),
        (np.full((1, 5), "x"), np.ones((1, 3), int), "features must be numbers"),
    ],
)
def test_loss_refuses_bad_input(features, captions, message):
    """Wrong shapes, words outside the vocabulary, NaN features and empty minibatches raise one
    clear ValueError.
    """
    model, _, _ = model_and_batch("lstm")
    with pytest.raises(ValueError, match=message):
        model.loss(features, captions)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"cell_type": "gru"}, "cell_type must be 'rnn' or 'lstm', got 'gru'"),
        ({"dropout": 1.0}, "below one"),
        ({"standardize": (np.zeros(4), np.ones(4))}, r"shape \(D,\) = \(5,\)"),
    ],
)
def test_construction_refuses_bad_settings(options, message):
    """An unknown cell type, a dropout of one or statistics of another shape raise a ValueError."""
    with pytest.raises(ValueError, match=message):
        CaptioningRNN(WORDS, 5, 4, 6, **options)


def test_vocabulary_needs_null():
    """A vocabulary without <NULL> raises ValueError, because nothing could be masked."""
    with pytest.raises(ValueError, match="<NULL>"):
        CaptioningRNN({"a": 0})


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_dropout_gradients(cell):
    """With dropout the gradients are those of the returned loss, with the same mask."""
    model, features, captions = model_and_batch(cell, dropout=0.5)

    def loss(_=None):
        model.rng = np.random.default_rng(3)  # the same mask each time
        return model.loss(features, captions)

    grads = loss()[1]
    for name, w in model.params.items():
        numeric = eval_numerical_gradient(lambda _: loss()[0], w, verbose=False)
        verdict = compare_gradients(grads[name], numeric, name)
        assert verdict, verdict


def test_evaluate_is_the_loss_without_dropout():
    """evaluate gives the same as a model without dropout, and draws nothing."""
    with_dropout, features, captions = model_and_batch("lstm", dropout=0.5)
    without, _, _ = model_and_batch("lstm")
    assert with_dropout.evaluate(features, captions) == without.loss(features, captions)[0]
    assert with_dropout.loss(features, captions)[0] != without.loss(features, captions)[0]


def test_standardised_features():
    """standardize=(mean, std) equals a plain model on features standardised by hand, in loss and
    captions.
    """
    rng = np.random.default_rng(0)
    mean, std = rng.normal(size=5), rng.random(5) + 0.5
    ours, features, captions = model_and_batch("lstm", standardize=(mean, std))
    plain, _, _ = model_and_batch("lstm")
    by_hand = (features - mean) / std
    assert ours.loss(features, captions)[0] == pytest.approx(
        plain.loss(by_hand, captions)[0], abs=1e-12
    )
    np.testing.assert_array_equal(ours.sample(features), plain.sample(by_hand))


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_save_and_load(cell, tmp_path):
    """A loaded model has the same loss, captions, dtype and settings, and loading leaves the global
    generator alone.
    """
    rng = np.random.default_rng(0)
    options = {"dropout": 0.3, "standardize": (rng.normal(size=5), rng.random(5) + 0.5)}
    model, features, captions = model_and_batch(cell, np.float32, **options)
    path = tmp_path / "a model"
    model.save(path)
    state = np.random.get_state()[1].copy()
    loaded = CaptioningRNN.load(path, WORDS)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert loaded.evaluate(features, captions) == model.evaluate(features, captions)
    np.testing.assert_array_equal(loaded.sample(features), model.sample(features))
    assert (loaded.dtype, loaded.dropout, loaded.word_to_idx) == (model.dtype, 0.3, WORDS)
    assert [p.name for p in tmp_path.iterdir()] == ["a model"]


def test_parameters_to_start_from_stay_as_they_are():
    """A model that starts from another one's parameters has copies, which training may change."""
    first, features, captions = model_and_batch("rnn")
    second = CaptioningRNN(WORDS, 5, 4, 6, params=first.params, dtype=np.float64)
    assert not any(np.shares_memory(w, first.params[name]) for name, w in second.params.items())


def test_numbers_too_large_for_half_precision(tmp_path):
    """They are refused, and not saved as infinity; infinity itself may be intended."""
    model, _, _ = model_and_batch("rnn", np.float32)
    model.params["b_vocab"][1] = -np.inf
    model.save(tmp_path / "half.npz", half=True)
    model.params["W_vocab"][0, 0] = 1e5
    with pytest.raises(ValueError, match="W_vocab holds numbers too large for float16"):
        model.save(tmp_path / "other.npz", half=True)
    assert [path.name for path in tmp_path.iterdir()] == ["half.npz"]


def test_half_precision(tmp_path):
    """A model saved in half precision is smaller, loads in its own dtype, and has float16's
    parameters.
    """
    model, features, _ = model_and_batch(
        "lstm", np.float32, standardize=(np.ones(5) / 3, np.ones(5))
    )
    # enough that a file's size shows it
    model.params["W_vocab"] = np.repeat(model.params["W_vocab"], 100, axis=0)
    model.save(tmp_path / "full.npz")
    model.save(tmp_path / "half.npz", half=True)
    assert (tmp_path / "half.npz").stat().st_size < 0.8 * (tmp_path / "full.npz").stat().st_size
    with np.load(tmp_path / "half.npz") as archive:
        stored = {name: archive[f"params/{name}"] for name in model.params}
        np.testing.assert_array_equal(archive["standardize/mean"], model.standardize[0])
    for name, w in model.params.items():
        assert stored[name].dtype == np.float16
        np.testing.assert_array_equal(stored[name], w.astype(np.float16))
    model, features, captions = model_and_batch("lstm", np.float32)
    model.save(tmp_path / "m.npz", half=True)
    loaded = CaptioningRNN.load(tmp_path / "m.npz")
    assert {w.dtype for w in loaded.params.values()} == {np.dtype(np.float32)}
    assert loaded.evaluate(features, captions) == pytest.approx(
        model.evaluate(features, captions), rel=1e-2
    )


@pytest.mark.parametrize("projection", [None, np.arange(15).reshape(5, 3)])
def test_feature_transform_is_kept(tmp_path, projection):
    """A model that knows how its features are made still does after saving; one that does not has
    None.
    """
    model, _, _ = model_and_batch("rnn", D=5)
    model.save(tmp_path / "m.npz")
    assert CaptioningRNN.load(tmp_path / "m.npz").feature_transform is None
    rng = np.random.default_rng(0)
    numbers = rng.random(5), rng.random(5) + 0.1, projection
    model.feature_transform = FeatureTransform(
        "vgg16", "w", "ab", "l", 64, (0, 0, 0), (1, 1, 1), *numbers
    )
    model.save(tmp_path / "m.npz")
    loaded, raw = CaptioningRNN.load(tmp_path / "m.npz").feature_transform, rng.random((4, 5))
    np.testing.assert_array_equal(loaded(raw), model.feature_transform(raw))
    assert (loaded.network, loaded.weights_sha256, loaded.image_size) == ("vgg16", "ab", 64)


def test_damaged_feature_transform(tmp_path):
    """A model with a malformed transform is refused by its file."""
    model, _, _ = model_and_batch("rnn")
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as archive:
        arrays = dict(archive)
    for text in ("{}", "[1]", "damaged", '{"projection": true}'):
        np.savez(tmp_path / "m.npz", feature_transform=np.array(text), **arrays)
        with pytest.raises(ValueError, match=r"m\.npz does not hold a captioning model"):
            CaptioningRNN.load(tmp_path / "m.npz")


# Probabilities


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_log_probabilities_are_the_loss(cell):
    """For captions that fill their rows, minus the mean of their log-probabilities is the loss."""
    model, features, captions = model_and_batch(cell, dropout=0.4)
    captions[captions == 2] = 4  # no END before the last word
    captions[:, 0] = 1
    log_p = model.log_probabilities(features, captions[:, 1:])
    assert log_p.shape == (3,) and (log_p < 0).all()
    assert -log_p.mean() == pytest.approx(model.evaluate(features, captions), rel=1e-12)
    for row in range(3):
        alone = model.evaluate(features[row : row + 1], captions[row : row + 1])
        assert -log_p[row] == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_log_probabilities_sum_to_one(cell):
    """Probabilities of all captions of up to three words, and of longer ones together, sum
    to one.
    """
    model, features, _ = model_and_batch(cell, N=1)
    words = [k for k in range(1, 7) if k != 2]
    model.params["b_vocab"][0] = -np.inf  # NULL is no word
    ended = [[*rest, 2] for n in range(3) for rest in itertools.product(words, repeat=n)]
    longer = [list(rest) for rest in itertools.product(words, repeat=3)]
    captions = np.array([caption + [0] * (3 - len(caption)) for caption in ended + longer])
    log_p = model.log_probabilities(np.repeat(features, len(captions), axis=0), captions)
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-12)


def test_log_probabilities_end_with_the_caption():
    """Words after END change nothing; greedy captions are at least as probable as the same with
    another word.
    """
    model, features, _ = model_and_batch("lstm")
    captions = np.array([[4, 2, 0, 0], [5, 6, 2, 0], [4, 4, 4, 4]])
    other = captions.copy()
    other[0, 2:], other[1, 3:] = (5, 6), 4
    np.testing.assert_array_equal(
        model.log_probabilities(features, captions), model.log_probabilities(features, other)
    )
    first = model.sample(features, max_length=1)
    for word in range(1, 7):
        assert (
            model.log_probabilities(features, first)
            >= model.log_probabilities(features, 0 * first + word)
        ).all()


@pytest.mark.parametrize(
    "captions, fact",
    [
        (np.full((2, 3), 4), "same N, got 3 and 2"),
        (np.full((3, 3), 7), "7"),
        (np.zeros(3, int), "captions"),
    ],
)
def test_log_probabilities_refuse(captions, fact):
    """Captions of the wrong number or shape, or with invalid words, are refused."""
    model, features, _ = model_and_batch("rnn")
    with pytest.raises(ValueError, match=fact):
        model.log_probabilities(features, captions)


def test_load_refuses_another_vocabulary(tmp_path):
    """A model with another vocabulary is refused with both sizes."""
    model_and_batch("rnn")[0].save(tmp_path / "m.npz")
    with pytest.raises(
        ValueError, match=r"another vocabulary \(7 words\) than this data set's \(2 words\)"
    ):
        CaptioningRNN.load(tmp_path / "m.npz", {"<NULL>": 0, "a": 1})


def test_load_refuses_what_is_no_model(tmp_path):
    """Missing, truncated, foreign and pickled files raise one clear error."""
    path = tmp_path / "m.npz"
    with pytest.raises(FileNotFoundError, match=r"m\.npz"):
        CaptioningRNN.load(path)
    model_and_batch("rnn")[0].save(path)
    whole = path.read_bytes()
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    np.savez(tmp_path / "pickled.npz", settings=np.array({"cell_type": "rnn"}, dtype=object))
    np.save(tmp_path / "array.npy", np.ones(3))
    cut = [whole[: len(whole) // 2], whole[:-10], b"", b"hello"]
    contents = cut + [
        (tmp_path / name).read_bytes() for name in ("other.npz", "pickled.npz", "array.npy")
    ]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"m\.npz is (no captioning model|damaged)"):
            CaptioningRNN.load(path)


def test_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    """On a full disk the error names the file, the earlier model stays, and nothing half-written is
    left.
    """
    model, _, _ = model_and_batch("rnn")
    path = tmp_path / "m.npz"
    model.save(path)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"could not write .*m\.npz \(No space left on device\)"):
        model.save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_the_numpy_half_does_not_import_torch():
    """Importing the captioning model and the solver loads no PyTorch."""
    code = "import sys, deeplearning.classifiers.rnn, deeplearning.captioning_solver; sys.exit('torch' in sys.modules)"
    root = files.Path(__file__).resolve().parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


@pytest.mark.parametrize("beam_width", [1, 2])
def test_nan_in_the_weights_is_said(beam_width):
    """A model whose training diverged writes no empty captions; infinity may be meant."""
    model = CaptioningRNN({"<NULL>": 0, "<START>": 1, "<END>": 2, "a": 3}, 4, 5, 6)
    model.params["b_vocab"][0] = -np.inf
    model.sample(np.ones((2, 4)), 5, beam_width=beam_width)
    model.params["Wx"][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"params\['Wx'\] holds NaN"):
        model.sample(np.ones((2, 4)), 5, beam_width=beam_width)
