"""Captioning models whose helpers, `_initial_state` and `_step`, return something wrong."""

import numpy as np

from deeplearning.layers import affine_forward
from deeplearning.rnn_layers import lstm_step_forward, rnn_step_forward
from grading.mistakes import mistake


def initial_state(self, features):
    h, _ = affine_forward(features, self.params["W_proj"], self.params["b_proj"])
    return [h] if self.cell_type == "rnn" else [h, np.zeros_like(h)]


def step(self, words, state):
    """Scores of the next words, and the list of states after these words."""
    p = self.params
    forward = rnn_step_forward if self.cell_type == "rnn" else lstm_step_forward
    *state, _ = forward(p["W_embed"][words], *state, p["Wx"], p["Wh"], p["b"])
    return state[0] @ p["W_vocab"] + p["b_vocab"], state


def loop(self, features, max_length, state, step):
    captions = np.full((len(features), max_length), self._null)
    words = np.full(len(features), self.word_to_idx["<START>"])
    done = np.zeros(len(features), bool)
    for t in range(max_length):
        scores, state = step(self, words, state)
        state = [s.copy() for s in state]
        words = np.where(done, self._null, scores.argmax(axis=1))
        captions[:, t] = words
        done |= words == self.word_to_idx["<END>"]
    return captions


@mistake(
    "CaptioningRNN.sample",
    "_step returns the hidden state in place of the scores: pass it through affine_forward with "
    "W_vocab and b_vocab",
)
def state_for_scores(self, features, max_length=30):
    def wrong_step(self, words, state):
        _, state = step(self, words, state)
        return state[0][:, : len(self.word_to_idx)], state

    return loop(self, features, max_length, initial_state(self, features), wrong_step)


@mistake("CaptioningRNN.sample", "b_vocab is left out of the scores")
def scores_without_bias(self, features, max_length=30):
    def wrong_step(self, words, state):
        scores, state = step(self, words, state)
        return scores - self.params["b_vocab"], state

    return loop(self, features, max_length, initial_state(self, features), wrong_step)


@mistake(
    "CaptioningRNN.sample",
    "the scores are made from the cell state: make them from the hidden state",
    exercises=("CaptioningRNN.sample[lstm]",),
)
def scores_of_cell(self, features, max_length=30):
    def wrong_step(self, words, state):
        _, state = step(self, words, state)
        return state[-1] @ self.params["W_vocab"] + self.params["b_vocab"], state

    return loop(self, features, max_length, initial_state(self, features), wrong_step)


@mistake(
    "CaptioningRNN.sample",
    "the cell state starts as the hidden state does: an LSTM's cell state starts at zero",
    exercises=("CaptioningRNN.sample[lstm]",),
)
def cell_starts_as_state(self, features, max_length=30):
    h = initial_state(self, features)[0]
    state = [h] if self.cell_type == "rnn" else [h, h]
    return loop(self, features, max_length, state, step)


@mistake(
    "CaptioningRNN.sample",
    "_step returns the states before the scores",
    says="the scores first",
)
def states_before_scores(self, features, max_length=30):
    def wrong_step(self, words, state):
        scores, state = step(self, words, state)
        return state, scores

    return loop(self, features, max_length, initial_state(self, features), wrong_step)


@mistake(
    "CaptioningRNN.sample",
    "_step returns the scores alone, without the states",
    says="returns two things",
)
def scores_alone(self, features, max_length=30):
    def wrong_step(self, words, state):
        return step(self, words, state)[0]

    return loop(self, features, max_length, initial_state(self, features), wrong_step)


@mistake(
    "CaptioningRNN.sample",
    "_initial_state keeps affine_forward's pair of output and cache",
    says="a pair: its output and a cache",
)
def pair_for_state(self, features, max_length=30):
    pair = affine_forward(features, self.params["W_proj"], self.params["b_proj"])
    state = [pair] if self.cell_type == "rnn" else [pair, pair]
    return loop(self, features, max_length, state, step)


@mistake(
    "CaptioningRNN.sample",
    "the last column stays empty: the loop should take max_length steps",
)
def one_step_too_few(self, features, max_length=30):
    captions = loop(self, features, max_length, initial_state(self, features), step)
    captions[:, -1] = self._null
    return captions
