"""Wrong captioning models: losses and sampling, written for both cells like the class itself."""

import numpy as np

from deeplearning.layers import affine_backward, affine_forward
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
from grading.mistakes import mistake


def passes(self):
    """The sequence functions of the model's cell."""
    return (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)


def loss_between(self, features, words_in, words_out, mask):
    """Loss and gradients of captions that read words_in and should predict words_out where the mask
    is true.
    """
    p, grads = self.params, {}
    forward, backward = passes(self)
    h0, proj_cache = affine_forward(features, p["W_proj"], p["b_proj"])
    x, embed_cache = word_embedding_forward(words_in, p["W_embed"])
    h, cache = forward(x, h0, p["Wx"], p["Wh"], p["b"])
    scores, vocab_cache = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    loss, dscores = temporal_softmax_loss(scores, words_out, mask)
    dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab_cache)
    dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cache)
    grads["W_embed"] = word_embedding_backward(dx, embed_cache)
    _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, proj_cache)
    return loss, grads


def divided(loss, grads, by):
    return loss / by, {name: grad / grad.dtype.type(by) for name, grad in grads.items()}


@mistake(
    "CaptioningRNN.loss",
    "the mask is missing: places after the end of a caption, <NULL>, count too",
)
def no_mask(self, features, captions):
    words_out = captions[:, 1:]
    return loss_between(self, features, captions[:, :-1], words_out, np.ones(words_out.shape, bool))


@mistake(
    "CaptioningRNN.loss",
    "the mask is made from captions_in: make it from captions_out",
)
def mask_of_words_in(self, features, captions):
    words_in = captions[:, :-1]
    return loss_between(self, features, words_in, captions[:, 1:], words_in != self._null)


@mistake(
    "CaptioningRNN.loss",
    "it is divided by N*T: average over the N captions, and sum over time",
)
def divided_by_steps(self, features, captions):
    words_out = captions[:, 1:]
    loss, grads = loss_between(self, features, captions[:, :-1], words_out, words_out != self._null)
    return divided(loss, grads, words_out.shape[1])


@mistake(
    "CaptioningRNN.loss", "it is divided by the number of words, not by the number of captions N"
)
def divided_by_words(self, features, captions):
    mask = captions[:, 1:] != self._null
    loss, grads = loss_between(self, features, captions[:, :-1], captions[:, 1:], mask)
    return divided(loss, grads, mask.sum() / len(captions))


@mistake(
    "CaptioningRNN.loss",
    "it is divided by N once more: temporal_softmax_loss has averaged over captions already",
)
def divided_twice(self, features, captions):
    mask = captions[:, 1:] != self._null
    loss, grads = loss_between(self, features, captions[:, :-1], captions[:, 1:], mask)
    return divided(loss, grads, len(captions))


@mistake(
    "CaptioningRNN.loss",
    "captions_out is not shifted: each step should say the word after the one it reads",
)
def not_shifted(self, features, captions):
    words = captions[:, :-1]
    return loss_between(self, features, words, words, words != self._null)


@mistake(
    "CaptioningRNN.loss",
    "captions_in are the targets, too: the targets are captions_out, one step ahead",
)
def words_in_said(self, features, captions):
    words = captions[:, :-1]
    return loss_between(self, features, words, words, captions[:, 1:] != self._null)


@mistake(
    "CaptioningRNN.loss",
    "the network reads captions_out: it should read captions_in, all words but the last",
)
def words_out_read(self, features, captions):
    words = captions[:, 1:]
    return loss_between(self, features, words, words, words != self._null)


@mistake("CaptioningRNN.loss", "the image is not used: h0 is zero, not the projected features")
def image_unused(self, features, captions):
    mask = captions[:, 1:] != self._null
    p = self.params
    kept = p["W_proj"], p["b_proj"]
    p["W_proj"], p["b_proj"] = np.zeros_like(kept[0]), np.zeros_like(kept[1])
    loss, grads = loss_between(self, features, captions[:, :-1], captions[:, 1:], mask)
    p["W_proj"], p["b_proj"] = kept
    return loss, grads | {name: np.zeros_like(p[name]) for name in ("W_proj", "b_proj")}


@mistake(
    "CaptioningRNN.loss",
    "the gradient stops at h0: pass dh0 on to affine_backward, for W_proj and b_proj",
)
def gradient_stops_at_state(self, features, captions):
    mask = captions[:, 1:] != self._null
    loss, grads = loss_between(self, features, captions[:, :-1], captions[:, 1:], mask)
    return loss, grads | {name: np.zeros_like(self.params[name]) for name in ("W_proj", "b_proj")}


@mistake(
    "CaptioningRNN.loss",
    "the gradient of W_embed is made from word vectors: pass dx to word_embedding_backward",
)
def embedding_gradient_overwritten(self, features, captions):
    mask = captions[:, 1:] != self._null
    p = self.params
    loss, grads = loss_between(self, features, captions[:, :-1], captions[:, 1:], mask)
    vectors, cache = word_embedding_forward(captions[:, :-1], p["W_embed"])
    grads["W_embed"] = word_embedding_backward(vectors, cache)
    return loss, grads


def write(self, features, max_length, choose, first=None, end=True):
    """Captions word by word; `choose(scores, words, states)` returns the next words and the states
    to continue with.
    """
    p = self.params
    step = rnn_step_forward if self.cell_type == "rnn" else lstm_step_forward
    captions = np.full((len(features), max_length), self._null)
    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    states = [h] if self.cell_type == "rnn" else [h, np.zeros_like(h)]
    words = np.full(len(features), self.word_to_idx["<START>"] if first is None else first)
    alive = np.ones(len(features), bool)
    for t in range(max_length):
        x, _ = word_embedding_forward(words, p["W_embed"])
        *after, _ = step(x, *states, p["Wx"], p["Wh"], p["b"])
        scores, _ = affine_forward(after[0], p["W_vocab"], p["b_vocab"])
        words, states = choose(scores, words, states, after)
        captions[alive, t] = words[alive]
        if end:
            alive = alive & (words != self.word_to_idx["<END>"])
    return captions


def greedy(scores, words, states, after):
    return scores.argmax(1), after


@mistake(
    "CaptioningRNN.sample", "the state does not advance: every step starts from the image again"
)
def state_stands_still(self, features, max_length=30):
    return write(
        self, features, max_length, lambda scores, words, states, after: (scores.argmax(1), states)
    )


@mistake(
    "CaptioningRNN.sample", "<END> is not handled: a caption goes on after it; there must be <NULL>"
)
def end_ignored(self, features, max_length=30):
    return write(
        self,
        features,
        max_length,
        lambda scores, words, states, after: (scores.argmax(1), after),
        end=False,
    )


@mistake("CaptioningRNN.sample", "the words are not fed back: every step reads <START>")
def words_not_fed_back(self, features, max_length=30):
    p = self.params
    step = rnn_step_forward if self.cell_type == "rnn" else lstm_step_forward
    captions = np.full((len(features), max_length), self._null)
    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    states = [h] if self.cell_type == "rnn" else [h, np.zeros_like(h)]
    x = p["W_embed"][np.full(len(features), self.word_to_idx["<START>"])]
    alive = np.ones(len(features), bool)
    for t in range(max_length):
        *states, _ = step(x, *states, p["Wx"], p["Wh"], p["b"])
        words = (states[0] @ p["W_vocab"] + p["b_vocab"]).argmax(1)
        captions[alive, t] = words[alive]
        alive &= words != self.word_to_idx["<END>"]
    return captions


@mistake("CaptioningRNN.sample", "the first word read is <NULL>, not <START>")
def starts_with_null(self, features, max_length=30):
    return write(
        self,
        features,
        max_length,
        lambda scores, words, states, after: (scores.argmax(1), after),
        first=self._null,
    )


@mistake(
    "CaptioningRNN.sample",
    "the first column holds <START>: it must hold the first word that was sampled",
)
def start_written_first(self, features, max_length=30):
    captions = write(
        self, features, max_length, lambda scores, words, states, after: (scores.argmax(1), after)
    )
    start = np.full((len(features), 1), self.word_to_idx["<START>"])
    return np.hstack((start, captions[:, :-1]))


@mistake(
    "CaptioningRNN.sample",
    "<END> itself is left out: the caption holds it, and <NULL> begins after it",
)
def end_not_written(self, features, max_length=30):
    captions = write(
        self, features, max_length, lambda scores, words, states, after: (scores.argmax(1), after)
    )
    return np.where(captions == self.word_to_idx["<END>"], self._null, captions)


@mistake("CaptioningRNN.sample", "all captions stop when the first one ends")
def all_stop_together(self, features, max_length=30):
    captions = write(
        self, features, max_length, lambda scores, words, states, after: (scores.argmax(1), after)
    )
    ended = (captions == self.word_to_idx["<END>"]).any(axis=0)
    if ended.any():
        captions[:, ended.argmax() + 1 :] = self._null
    return captions


@mistake(
    "CaptioningRNN.sample",
    "the cell state is dropped: it starts from zero at every step",
    exercises=("CaptioningRNN.sample[lstm]",),
)
def cell_state_forgotten(self, features, max_length=30):
    return write(
        self,
        features,
        max_length,
        lambda scores, words, states, after: (
            scores.argmax(1),
            [after[0], *map(np.zeros_like, after[1:])],
        ),
    )


@mistake(
    "CaptioningRNN.sample",
    "only the cell state advances, the hidden state does not",
    exercises=("CaptioningRNN.sample[lstm]",),
)
def hidden_state_forgotten(self, features, max_length=30):
    return write(
        self,
        features,
        max_length,
        lambda scores, words, states, after: (
            scores.argmax(1),
            after if len(after) == 1 else [states[0], after[1]],
        ),
    )


@mistake(
    "CaptioningRNN.loss",
    "captions_in and captions_out are exchanged: the network reads all words but the last",
)
def words_exchanged(self, features, captions):
    words_out = captions[:, :-1]
    return loss_between(self, features, captions[:, 1:], words_out, words_out != self._null)


@mistake("CaptioningRNN.loss", "gradients are clipped at 5: loss should return them as they are")
def gradients_clipped(self, features, captions):
    words_out = captions[:, 1:]
    loss, grads = loss_between(self, features, captions[:, :-1], words_out, words_out != self._null)
    return loss, {name: np.clip(grad, -5, 5) for name, grad in grads.items()}


@mistake(
    "CaptioningRNN.sample",
    "the first column stays empty: the first word that was sampled belongs in column 0",
)
def written_from_second_column(self, features, max_length=30):
    captions = write(self, features, max_length, greedy)
    return np.insert(captions, 0, self._null, axis=1)[:, :max_length]


@mistake("CaptioningRNN.sample", "one picture alone fails", says="An axis is missing")
def one_picture_fails(self, features, max_length=30):
    if len(features) == 1:
        np.zeros(3).argmax(axis=1)
    return write(self, features, max_length, greedy)


@mistake(
    "CaptioningRNN.sample",
    "a caption that has ended begins anew: collect who is done, `done |= words == end`",
)
def ended_for_one_step(self, features, max_length=30):
    p = self.params
    step = rnn_step_forward if self.cell_type == "rnn" else lstm_step_forward
    captions = np.full((len(features), max_length), self._null)
    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    states = [h] if self.cell_type == "rnn" else [h, np.zeros_like(h)]
    words = np.full(len(features), self.word_to_idx["<START>"])
    done = np.zeros(len(features), bool)
    for t in range(max_length):
        *states, _ = step(p["W_embed"][words], *states, p["Wx"], p["Wh"], p["b"])
        words = (states[0] @ p["W_vocab"] + p["b_vocab"]).argmax(1)
        captions[:, t] = words = np.where(done, self._null, words)
        done = words == self.word_to_idx["<END>"]
    return captions
