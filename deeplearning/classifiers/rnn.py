"""Image captioning: a recurrent network that reads an image's features and writes a sentence, word
by word.

The features of an image become the initial hidden state. At each step the network reads a word as a
word vector, updates its state, and gives a score to every word of the vocabulary as the next one.
It learns from captions between <START> and <END>, filled up with <NULL>. After Vinyals et al.,
"Show and tell", 2015, where the image enters as a word.
"""

import json

import numpy as np

from deeplearning.beam_search import beam_search, log_probabilities
from deeplearning.data_utils import atomic_write, read_npz
from deeplearning.feature_transform import FeatureTransform
from deeplearning.layers import (
    affine_backward,
    affine_forward,
    check_indices,
    dropout_backward,
    dropout_forward,
)
from deeplearning.rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)


class CaptioningRNN:
    """A captioning model with a vanilla RNN or an LSTM.

    Letters: N batch, T time steps, D features, W word vector, H hidden, V vocabulary; K is H for
    the RNN and 4H for the LSTM. `params` holds W_embed (V, W), W_proj (D, H), b_proj (H,), Wx (W,
    K), Wh (H, K), b (K,), W_vocab (H, V) and b_vocab (V,); it may be edited at any time.
    `feature_transform` is None, or says how its features are made from pictures; it is kept with
    the model and not used by it.
    """

    def __init__(
        self,
        word_to_idx,
        input_dim=512,
        wordvec_dim=128,
        hidden_dim=128,
        cell_type="rnn",
        dtype=np.float32,
        *,
        dropout=0.0,
        rng=None,
        standardize=None,
    ):
        """Draw the parameters with NumPy's global generator.

        Inputs:
        - word_to_idx: Dictionary from word to index; its length is V. Must hold <NULL>, and to
          sample <START> and <END>
        - input_dim: Dimension D of the image features
        - wordvec_dim: Dimension W of the word vectors
        - hidden_dim: Dimension H of the hidden state
        - cell_type: "rnn" or "lstm"
        - dtype: Floating-point type of parameters and computation
        - dropout: Probability of dropping a number of the word vectors and of the hidden states
          during training
        - rng: np.random.Generator for dropout; default: np.random.default_rng(0)
        - standardize: None, or a pair of arrays of shape (D,): features are used as (features -
          mean) / std

        Raises ValueError for an unknown cell type, a vocabulary without <NULL>, or statistics of
        another shape.
        """
        if cell_type not in ("rnn", "lstm"):
            raise ValueError(f"cell_type must be 'rnn' or 'lstm', got {cell_type!r}")
        if "<NULL>" not in word_to_idx:
            raise ValueError("word_to_idx must hold <NULL>, the word that fills captions up")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is a probability below one, got {dropout}")
        self.cell_type, self.dtype, self.dropout = cell_type, np.dtype(dtype), dropout
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.word_to_idx = word_to_idx
        self.idx_to_word = {i: word for word, i in word_to_idx.items()}
        self._null = word_to_idx["<NULL>"]

        D, W, H, V = input_dim, wordvec_dim, hidden_dim, len(word_to_idx)
        K = {"rnn": 1, "lstm": 4}[cell_type] * H
        self.params = {
            "W_embed": np.random.randn(V, W) / 100,
            "W_proj": np.random.randn(D, H) / np.sqrt(D),
            "b_proj": np.zeros(H),
            "Wx": np.random.randn(W, K) / np.sqrt(W),
            "Wh": np.random.randn(H, K) / np.sqrt(H),
            "b": np.zeros(K),
            "W_vocab": np.random.randn(H, V) / np.sqrt(H),
            "b_vocab": np.zeros(V),
        }
        self.params = {name: value.astype(self.dtype) for name, value in self.params.items()}
        self.feature_transform = None
        self.standardize = None
        if standardize is not None:
            self.standardize = tuple(np.asarray(statistic, self.dtype) for statistic in standardize)
            if [statistic.shape for statistic in self.standardize] != [(D,), (D,)]:
                shapes = [statistic.shape for statistic in self.standardize]
                raise ValueError(
                    f"standardize must be a pair (mean, std) of shape (D,) = ({D},) each, got {shapes}"
                )

    def loss(self, features, captions, *, train=True):
        """Loss of a minibatch of captions, and its gradients.

        The network reads each caption without its last word and learns to say it without its first:
        every word is predicted from the words before it and the image.

        Inputs:
        - features: Image features, of shape (N, D)
        - captions: Words as indices, integers of shape (N, T + 1) with 0 <= index < V
        - train: Whether to use dropout

        Returns a tuple of:
        - loss: Cross-entropy, summed over a caption's words and averaged over captions, a float
        - grads: Dictionary of the gradients, with the keys of `params`

        Raises ValueError for an empty minibatch, shapes that do not fit, words outside the
        vocabulary or features that are not finite.
        """
        captions = self._checked_captions(captions)
        features = self._checked_features(features)
        if len(features) != len(captions):
            raise ValueError(
                f"features and captions must have the same N, got {len(features)} and {len(captions)}"
            )
        captions_in, captions_out = captions[:, :-1], captions[:, 1:]
        mask = captions_out != self._null
        p = self.params
        drop = self.dropout if train else 0
        # BEGIN SOLUTION
        sequence_forward, sequence_backward = {
            "rnn": (rnn_forward, rnn_backward),
            "lstm": (lstm_forward, lstm_backward),
        }[self.cell_type]

        h0, proj_cache = affine_forward(features, p["W_proj"], p["b_proj"])  # (N, H)
        x, embed_cache = word_embedding_forward(captions_in, p["W_embed"])  # (N, T, W)
        x, x_drop_cache = dropout_forward(x, drop, self.rng)
        words = (
            None if drop else captions_in
        )  # dropped out, equal words no longer have equal vectors
        h, rnn_cache = sequence_forward(x, h0, p["Wx"], p["Wh"], p["b"], mask, words)  # (N, T, H)
        h, h_drop_cache = dropout_forward(h, drop, self.rng)
        scores, vocab_cache = temporal_affine_forward(
            h, p["W_vocab"], p["b_vocab"], mask
        )  # (N, T, V)
        loss, dscores = temporal_softmax_loss(scores, captions_out, mask)

        grads = {}
        dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab_cache)
        dh = dropout_backward(dh, h_drop_cache)
        dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = sequence_backward(dh, rnn_cache)
        dx = dropout_backward(dx, x_drop_cache)
        grads["W_embed"] = word_embedding_backward(dx, embed_cache)
        _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, proj_cache)
        return loss, grads
        # END SOLUTION

    def evaluate(self, features, captions):
        """The loss alone, without dropout. Inputs and errors as for `loss`."""
        return self.loss(features, captions, train=False)[0]

    def sample(
        self,
        features,
        max_length=30,
        *,
        beam_width=1,
        length_penalty=1.0,
        temperature=None,
        rng=None,
    ):
        """Write a caption for each image.

        Inputs:
        - features: Image features, of shape (N, D)
        - max_length: Largest number of words, <END> included
        - beam_width: 1 takes the best word at each step; B > 1 keeps the B best beginnings of each
          caption
        - length_penalty: Of the captions that a beam search finds, the one with the highest
          log-probability divided by length**length_penalty is returned; below 1 it favours shorter
          captions
        - temperature: None takes the best word; otherwise each word is drawn from softmax(scores /
          temperature)
        - rng: np.random.Generator that draws the words, needed with a temperature

        Returns:
        - captions: ints of shape (N, max_length), from the first word after <START>; <NULL> after
          <END>

        Raises ValueError for features that do not fit, settings that contradict each other, or a
        vocabulary without <START> or <END>.
        """
        features = self._checked_features(features)
        start, end = self._start_and_end()
        if beam_width != 1 and temperature is not None:
            raise ValueError(
                "beam search takes the best words, a temperature draws them: give one of the two"
            )
        if beam_width < 1 or max_length < 1 or (temperature is not None and not temperature > 0):
            raise ValueError(
                "beam_width and max_length must be at least 1 and temperature positive, "
                f"got {beam_width}, {max_length} and {temperature}"
            )
        if temperature is not None and rng is None:
            raise ValueError(
                "a temperature draws words at random: pass rng=np.random.default_rng(seed)"
            )
        if beam_width > 1:
            return beam_search(
                self._step,
                self._initial_state(features),
                beam_width,
                max_length,
                start,
                end,
                self._null,
                length_penalty,
            )

        captions = np.full((len(features), max_length), self._null)
        # BEGIN SOLUTION
        alive = np.arange(len(features))  # rows whose caption has not ended
        words = np.full(len(features), start)
        state = self._initial_state(features)
        for t in range(max_length):
            if alive.size == 0:
                break
            scores, state = self._step(words, state)  # (alive, V)
            words = _chosen(scores, temperature, rng)
            captions[alive, t] = words
            going_on = words != end
            alive, words = alive[going_on], words[going_on]
            state = [s[going_on] for s in state]
        # END SOLUTION
        return captions

    def log_probabilities(self, features, captions):
        """How probable the model finds captions: log p(caption | image), summed over words up to
        <END>.

        Inputs:
        - features: Image features, of shape (N, D)
        - captions: Words as indices, integers of shape (N, T), from the first word after <START>,
          as `sample` returns them; <NULL> and what comes after <END> do not count

        Returns: array of shape (N,)

        Raises ValueError for shapes that do not fit, or words outside the vocabulary.
        """
        features = self._checked_features(features)
        start, end = self._start_and_end()
        captions = self._checked_captions(np.insert(captions, 0, start, axis=-1))  # (N, T + 1)
        if len(features) != len(captions):
            raise ValueError(
                f"features and captions must have the same N, got {len(features)} and {len(captions)}"
            )
        return log_probabilities(
            self._step, self._initial_state(features), captions, end, self._null
        )

    def _initial_state(self, features):
        """What flows from step to step, from features as the network takes them: list [h], for the
        LSTM [h, c].
        """
        h0, _ = affine_forward(features, self.params["W_proj"], self.params["b_proj"])
        return [h0] if self.cell_type == "rnn" else [h0, np.zeros_like(h0)]

    def _step(self, words, state):
        """Read one word for each row, ints (N,): scores of the next one, (N, V), and the state
        after it, a list.
        """
        p = self.params
        step_forward = {"rnn": rnn_step_forward, "lstm": lstm_step_forward}[self.cell_type]
        x, _ = word_embedding_forward(words, p["W_embed"])
        *state, _ = step_forward(x, *state, p["Wx"], p["Wh"], p["b"])
        scores, _ = affine_forward(state[0], p["W_vocab"], p["b_vocab"])
        return scores, state

    def save(self, path, half=False):
        """Write the model into one file, an npz archive without pickles; an existing file is
        replaced as a whole.

        Inputs:
        - path: Where to write
        - half: Whether to round the parameters to float16, which halves the file

        Raises OSError where the disk is full or can't be written; no half-written file is left.
        """
        settings = {
            "cell_type": self.cell_type,
            "dtype": self.dtype.name,
            "dropout": self.dropout,
            "word_to_idx": {word: int(i) for word, i in self.word_to_idx.items()},
        }
        dtype = np.float16 if half else self.dtype
        arrays = {
            f"params/{name}": value.astype(dtype, copy=False) for name, value in self.params.items()
        }
        if self.feature_transform is not None:
            arrays |= self.feature_transform.to_arrays()
        if self.standardize is not None:
            arrays |= {
                "standardize/mean": self.standardize[0],
                "standardize/std": self.standardize[1],
            }
        with atomic_write(path) as file:
            np.savez(file, settings=np.array(json.dumps(settings)), **arrays)

    @classmethod
    def load(cls, path, word_to_idx=None):
        """Read a model that `save` wrote.

        Inputs:
        - path: Where it is
        - word_to_idx: None, or the vocabulary of the data that the model is meant for

        Returns: the model

        Raises FileNotFoundError for a missing file, and ValueError for one that is no model, is
        damaged, or was trained with another vocabulary.
        """
        settings, arrays = read_npz(path)
        try:
            vocabulary = settings["word_to_idx"]
            params = {
                name.removeprefix("params/"): a
                for name, a in arrays.items()
                if name.startswith("params/")
            }
            (D, H), W = params["W_proj"].shape, params["W_embed"].shape[1]
            statistics = [
                arrays[f"standardize/{name}"]
                for name in ("mean", "std")
                if f"standardize/{name}" in arrays
            ]
            random_state = (
                np.random.get_state()
            )  # the parameters drawn here are replaced: leave no trace of it
            model = cls(
                vocabulary, D, W, H, settings["cell_type"], settings["dtype"],
                dropout=settings["dropout"], standardize=statistics or None,
            )  # fmt: skip
            np.random.set_state(random_state)
            expected = {name: w.shape for name, w in model.params.items()}
            if {name: w.shape for name, w in params.items()} != expected:
                raise ValueError(f"its parameters do not have the shapes {expected}")
            model.feature_transform = FeatureTransform.from_arrays(arrays)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is no captioning model ({error}): train or fetch it again"
            ) from error
        if word_to_idx is not None and vocabulary != dict(word_to_idx):
            raise ValueError(
                f"{path} was trained with another vocabulary ({len(vocabulary)} words) than this data set's "
                f"({len(word_to_idx)} words): use the data set that it was trained with, or train a new model"
            )
        model.params = {name: w.astype(model.dtype, copy=False) for name, w in params.items()}
        return model

    def _checked_features(self, features):
        """Features as the network takes them: (N, D), of its dtype, standardised if it does that."""
        features = np.asarray(features)
        D = len(self.params["W_proj"])
        if features.ndim != 2 or features.shape[1] != D or features.dtype.kind not in "fiu":
            raise ValueError(
                f"features must be numbers of shape (N, D) with D = {D}, got {features.dtype} of shape {features.shape}"
            )
        features = features.astype(
            self.dtype, copy=False
        )  # float64 features would drag everything to float64
        if not np.isfinite(features).all():
            row = int(np.argwhere(~np.isfinite(features))[0, 0])
            raise ValueError(
                f"features must be finite, but row {row} holds NaN or infinity: check how they were made"
            )
        if self.standardize is not None:
            mean, std = self.standardize
            features = (features - mean) / std
        return features

    def _checked_captions(self, captions):
        captions = np.asarray(captions)
        if captions.ndim != 2 or captions.shape[0] == 0 or captions.shape[1] < 2:
            raise ValueError(
                f"captions must have shape (N, T + 1) with at least one caption of two words, got {captions.shape}"
            )
        V = len(self.word_to_idx)
        check_indices("captions", captions, V, f"the vocabulary of {V} words")
        return captions

    def _start_and_end(self):
        missing = [word for word in ("<START>", "<END>") if word not in self.word_to_idx]
        if missing:
            raise ValueError(
                f"word_to_idx must hold {' and '.join(missing)}: a caption begins and ends with them"
            )
        return self.word_to_idx["<START>"], self.word_to_idx["<END>"]


def _chosen(scores, temperature, rng):
    """The best word of each row of scores (N, V); with a temperature, one drawn from softmax(scores
    / temperature).
    """
    if temperature is not None:
        scores = scores / temperature + rng.gumbel(
            size=scores.shape
        )  # the largest is a draw of the softmax
    return scores.argmax(axis=1)
