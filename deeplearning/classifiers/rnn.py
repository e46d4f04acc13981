"""Image captioning: a recurrent network that reads an image's features and writes a sentence, word
by word.

The features of an image become the initial hidden state. At each step the network reads the vector
of one word, updates its state, and scores every word of the vocabulary as the next one. It learns
from captions that begin with <START>, end with <END> and are padded with <NULL>. After Vinyals et
al., "Show and tell", 2015, where the image is fed in like a word instead.
"""

import numpy as np

from deeplearning.beam_search import beam_search, check_sampling, log_probabilities
from deeplearning.checks import check_indices
from deeplearning.classifiers.model_files import read_model, write_model
from deeplearning.classifiers.parameters import (
    check_trained,
    checked_parameters,
    checked_statistics,
    parameter_shapes,
    random_parameters,
)
from deeplearning.layers import affine_backward, affine_forward, dropout_backward, dropout_forward
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
    `feature_transform` is None, or describes how features are made from pictures. `familiarity` is
    None, or describes the features that the model was trained on. Both are stored with the model,
    which doesn't use them itself.
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
        params=None,
    ):
        """Draw the parameters from NumPy's global generator, or use given ones.

        Inputs:
        - word_to_idx: Dictionary from word to index; its length is V. Must contain <NULL>, and for
          sampling also <START> and <END>
        - input_dim: Dimension D of the image features
        - wordvec_dim: Dimension W of the word vectors
        - hidden_dim: Dimension H of the hidden state
        - cell_type: "rnn" or "lstm"
        - dtype: Floating-point type of parameters and computation
        - dropout: Probability of dropping each number of the word vectors and hidden states during
          training
        - rng: np.random.Generator for dropout; default: np.random.default_rng(0)
        - standardize: None, or a pair of arrays of shape (D,): the network reads
          (features - mean) / std
        - params: None, or a dictionary of parameters to start from

        Raises ValueError for an unknown cell type, a vocabulary without <NULL>, a dropout that is
        not a probability below one, or statistics or parameters of the wrong shape.
        """
        if cell_type not in ("rnn", "lstm"):
            raise ValueError(f"cell_type must be 'rnn' or 'lstm', got {cell_type!r}")
        if "<NULL>" not in word_to_idx:
            raise ValueError("word_to_idx must hold <NULL>, the word that pads captions")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is a probability below one, got {dropout}")
        self.word_to_idx = word_to_idx
        self.idx_to_word = {index: word for word, index in word_to_idx.items()}
        self.cell_type = cell_type
        self.dtype = np.dtype(dtype)
        self.dropout = dropout
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.standardize = checked_statistics(standardize, input_dim, self.dtype)
        self.feature_transform = None
        self.familiarity = None
        self._null = word_to_idx["<NULL>"]

        V = len(word_to_idx)
        shapes = parameter_shapes(V, input_dim, wordvec_dim, hidden_dim, cell_type)
        params = random_parameters(shapes) if params is None else checked_parameters(params, shapes)
        self.params = {name: w.astype(self.dtype) for name, w in params.items()}  # copies

    def loss(self, features, captions, *, train=True):
        """Loss of a minibatch of captions, and its gradients.

        The network reads each caption without its last word, and learns to write the caption
        without its first: every word is predicted from the image and the words before it.

        Inputs:
        - features: Image features, of shape (N, D)
        - captions: Words as indices, integers of shape (N, T + 1) with 0 <= index < V
        - train: Whether to use dropout

        Returns a tuple of:
        - loss: Cross-entropy, summed over a caption's words and averaged over captions, a float
        - grads: Dictionary of the gradients, with the same keys as `params`

        Raises ValueError for an empty minibatch, shapes that do not fit, words outside the
        vocabulary or features that are not finite.
        """
        features, captions = self._checked_minibatch(features, captions)
        features, captions, lengths = self._longest_first(features, captions)
        captions_in = captions[:, :-1]  # (N, T)
        captions_out = captions[:, 1:]  # (N, T)
        mask = captions_out != self._null
        p = self.params
        drop = self.dropout if train else 0
        # BEGIN SOLUTION
        if self.cell_type == "rnn":
            sequence_forward = rnn_forward
            sequence_backward = rnn_backward
        else:
            sequence_forward = lstm_forward
            sequence_backward = lstm_backward

        h0, proj = affine_forward(features, p["W_proj"], p["b_proj"])  # (N, H)
        x, embed = word_embedding_forward(captions_in, p["W_embed"])  # (N, T, W)
        x, drop_x = dropout_forward(x, drop, self.rng)
        h, sequence = sequence_forward(x, h0, p["Wx"], p["Wh"], p["b"], lengths)  # (N, T, H)
        h, drop_h = dropout_forward(h, drop, self.rng)
        scores, vocab = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"], mask)  # (N, T, V)
        loss, dscores = temporal_softmax_loss(scores, captions_out, mask)

        grads = {}
        dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab)
        dh = dropout_backward(dh, drop_h)
        dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = sequence_backward(dh, sequence)
        dx = dropout_backward(dx, drop_x)
        grads["W_embed"] = word_embedding_backward(dx, embed)
        _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, proj)
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
        - max_length: Maximum number of words, <END> included
        - beam_width: 1 takes the best word at each step; B > 1 keeps the B best partial captions
          of each image
        - length_penalty: Of the captions that a beam search finds, the one with the highest
          log-probability divided by length**length_penalty is returned; below 1 it favours shorter
          captions
        - temperature: None takes the best word; otherwise each word is drawn from softmax(scores /
          temperature)
        - rng: np.random.Generator that draws the words, needed with a temperature

        Returns:
        - captions: ints of shape (N, max_length), from the first word after <START>; <NULL> after
          <END>

        Raises ValueError for features that do not fit, settings that contradict each other, NaN in
        the parameters, or a vocabulary without <START> or <END>.
        """
        check_trained(self.params)
        features = self._checked_features(features)
        start, end = self._start_and_end()
        check_sampling(max_length, beam_width, temperature, rng)
        if beam_width > 1:
            state = self._initial_state(features)
            special = (start, end, self._null)
            return beam_search(self._step, state, beam_width, max_length, *special, length_penalty)

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
            alive = alive[going_on]
            words = words[going_on]
            state = [s[going_on] for s in state]
        # END SOLUTION
        return captions

    def log_probabilities(self, features, captions):
        """Log-probability of captions under the model: log p(caption | image), summed over words up
        to <END>.

        Inputs:
        - features: Image features, of shape (N, D)
        - captions: Words as indices, integers of shape (N, T), from the first word after <START>,
          as `sample` returns them; <NULL> and anything after <END> do not count

        Returns: array of shape (N,)

        Raises ValueError for shapes that do not fit, or words outside the vocabulary.
        """
        start, end = self._start_and_end()
        captions = np.insert(captions, 0, start, axis=-1)  # (N, T + 1)
        features, captions = self._checked_minibatch(features, captions)
        state = self._initial_state(features)
        return log_probabilities(self._step, state, captions, end, self._null)

    def _initial_state(self, features):
        """The state before the first step, from features as the network reads them: the list [h],
        or [h, c] for the LSTM.
        """
        h0, _ = affine_forward(features, self.params["W_proj"], self.params["b_proj"])
        return [h0] if self.cell_type == "rnn" else [h0, np.zeros_like(h0)]

    def _step(self, words, state):
        """Read one word per row, ints (N,), and return the scores of the next word, (N, V), and the
        new state, a list.
        """
        p = self.params
        step_forward = {"rnn": rnn_step_forward, "lstm": lstm_step_forward}[self.cell_type]
        x, _ = word_embedding_forward(words, p["W_embed"])
        *state, _ = step_forward(x, *state, p["Wx"], p["Wh"], p["b"])
        scores, _ = affine_forward(state[0], p["W_vocab"], p["b_vocab"])
        return scores, state

    def save(self, path, half=False):
        """Write the model to one file; see `model_files.write_model` for details and errors."""
        write_model(path, self, half)

    @classmethod
    def load(cls, path, word_to_idx=None):
        """Read a model that `save` wrote.

        Inputs:
        - path: The model's file
        - word_to_idx: None, or the vocabulary of the data that the model is meant for

        Returns: the model

        Raises FileNotFoundError for a missing file, and ValueError for one that is damaged, does
        not hold a model, or was trained with another vocabulary.
        """
        model = read_model(path, cls)
        if word_to_idx is not None and model.word_to_idx != dict(word_to_idx):
            raise ValueError(
                f"{path} was trained with another vocabulary ({len(model.word_to_idx)} words) than "
                f"this data set's ({len(word_to_idx)} words): use the data set that it was trained "
                "with, or train a new model"
            )
        return model

    def _checked_features(self, features):
        """Features as the network reads them: (N, D), in its dtype, and possibly standardised."""
        features = np.asarray(features)
        D = len(self.params["W_proj"])
        if features.ndim != 2 or features.shape[1] != D or features.dtype.kind not in "fiu":
            raise ValueError(
                f"features must be numbers of shape (N, D) with D = {D}, "
                f"got {features.dtype} of shape {features.shape}"
            )
        # float64 features would drag everything to float64
        features = features.astype(self.dtype, copy=False)
        if not np.isfinite(features).all():
            row = int(np.argwhere(~np.isfinite(features))[0, 0])
            raise ValueError(
                f"features must be finite, but row {row} holds NaN or infinity: "
                "check how they were made"
            )
        if self.standardize is not None:
            mean, std = self.standardize
            features = (features - mean) / std
        return features

    def _checked_minibatch(self, features, captions):
        features = self._checked_features(features)
        captions = np.asarray(captions)
        if captions.ndim != 2 or captions.shape[0] == 0 or captions.shape[1] < 2:
            raise ValueError(
                "captions must have shape (N, T + 1) with at least one caption of two words, "
                f"got {captions.shape}"
            )
        if len(features) != len(captions):
            raise ValueError(
                "features and captions must have the same N, "
                f"got {len(features)} and {len(captions)}"
            )
        V = len(self.word_to_idx)
        check_indices("captions", captions, V, f"the vocabulary of {V} words")
        return features, captions

    def _longest_first(self, features, captions):
        """The minibatch sorted by length, longest captions first, and their lengths, ints (N,).

        Neither the loss nor the parameters' gradients depend on the order. In this one, the
        captions that are still running are the first rows at every step.
        """
        T = captions.shape[1] - 1
        counts = (captions[:, 1:] != self._null) * np.arange(1, T + 1)  # (N, T)
        lengths = counts.max(axis=1)  # up to the last word
        order = np.argsort(-lengths, kind="stable")
        return features[order], captions[order], lengths[order]

    def _start_and_end(self):
        missing = [word for word in ("<START>", "<END>") if word not in self.word_to_idx]
        if missing:
            raise ValueError(
                f"word_to_idx must hold {' and '.join(missing)}: a caption begins and ends with "
                "them"
            )
        return self.word_to_idx["<START>"], self.word_to_idx["<END>"]


def _chosen(scores, temperature, rng):
    """The best word of each row of scores (N, V); with a temperature, one drawn from softmax(scores
    / temperature).
    """
    if temperature is not None:
        # with Gumbel noise, the largest score is a sample from the softmax
        scores = scores / temperature + rng.gumbel(size=scores.shape)
    return scores.argmax(axis=1)
