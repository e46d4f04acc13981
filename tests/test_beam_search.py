"""Beam search, against exhaustive search over all sentences."""

import itertools

import numpy as np
import pytest

from deeplearning.beam_search import beam_search

START, END, NULL, V = 3, 2, 0, 4


def language(seed, V=V):
    """A step function whose scores depend on the row's state and the last two words."""
    table = np.random.default_rng(seed).normal(size=(V, V, V)) * 2

    def step(words, state):
        (before, offset) = state
        return table[before, words] + offset, [words, offset]

    return step


def initial(N, V=V):
    return [np.full(N, START), np.random.default_rng(9).normal(size=(N, V))]


def log_p(step, sentence, row, state):
    """Log-probability of a sentence, word by word."""
    words, state, total = np.array([START]), [s[row : row + 1] for s in state], 0.0
    for word in sentence:
        scores, state = step(words, state)
        total += scores[0, word] - np.log(np.exp(scores[0]).sum())
        words = np.array([word])
    return total


def all_sentences(length):
    """Every sentence that ends within `length` words, or fills them."""
    for n in range(1, length + 1):
        for words in itertools.product(range(V), repeat=n):
            if END not in words[:-1] and (words[-1] == END or n == length):
                yield words


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_wide_beam_finds_the_best_sentence(seed, penalty):
    """A beam wider than the number of beginnings returns the sentence with the best log-probability
    for its length.
    """
    step, state, length = language(seed), initial(3), 4
    found = beam_search(step, state, 400, length, START, END, NULL, penalty)
    for row in range(3):
        best = max(
            all_sentences(length), key=lambda s: log_p(step, s, row, state) / len(s) ** penalty
        )
        assert found[row].tolist() == list(best) + [NULL] * (length - len(best))


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed):
    """Width 1 takes the best word at each step and stops at END."""
    step, state, length = language(seed), initial(6), 8
    found = beam_search(step, state, 1, length, START, END, NULL)
    for row in range(6):
        words, rows, sentence = np.array([START]), [s[row : row + 1] for s in state], []
        while len(sentence) < length and END not in sentence:
            scores, rows = step(words, rows)
            words = scores.argmax(axis=1)
            sentence.append(int(words[0]))
        assert found[row].tolist() == sentence + [NULL] * (length - len(sentence))


def test_a_wider_beam_helps_on_average():
    """Over many sentences, width 3 finds better ones than width 1 by the measure that it
    maximises.
    """
    state, length, means = initial(200, 30), 10, []
    step = language(0, 30)
    for width in (1, 3):
        found = beam_search(step, state, width, length, START, END, NULL)
        total = 0.0
        for row in range(200):
            sentence = found[row].tolist()
            sentence = sentence[: sentence.index(END) + 1] if END in sentence else sentence
            total += log_p(step, sentence, row, state) / len(sentence)
        means.append(total)
    assert means[1] > means[0]


def test_more_places_than_words():
    """A beam wider than the vocabulary works, and no image gives no sentence."""
    assert beam_search(language(0), initial(2), 9, 1, START, END, NULL).shape == (2, 1)
    assert beam_search(language(0), initial(0), 9, 5, START, END, NULL).shape == (0, 5)


def plain_beam(step, state, row, width, length):
    """Sentences that a beam finds, extended one by one: those that end leave it and free their
    place.
    """
    beam = [((), 0.0, [s[row : row + 1] for s in state])]
    ended = []
    while beam:
        longer = []
        for words, total, before in beam:
            scores, after = step(np.array([words[-1] if words else START]), before)
            log_softmax = scores[0] - np.log(np.exp(scores[0]).sum())
            longer += [((*words, w), total + log_softmax[w], after) for w in range(len(scores[0]))]
        longer.sort(key=lambda beginning: -beginning[1])
        kept = longer[: width - len(ended)]
        done = [words[-1] == END or len(words) == length for words, _, _ in kept]
        ended += [each for each, end in zip(kept, done, strict=True) if end]
        beam = [each for each, end in zip(kept, done, strict=True) if not end]
    return ended


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_sentences_that_end_give_up_their_place(seed, width):
    """The sentence is the best of those that a beam of this width finds, written out plainly."""
    V, length = 12, 7
    step, state = language(seed, V), initial(20, V)
    found = beam_search(step, state, width, length, START, END, NULL)
    for row in range(20):
        ended = plain_beam(step, state, row, width, length)
        best = list(max(ended, key=lambda each: each[1] / len(each[0]))[0])
        assert found[row].tolist() == best + [NULL] * (length - len(best))


@pytest.mark.parametrize("penalty", [np.nan, np.inf])
def test_a_penalty_that_is_not_finite(penalty):
    """It is refused, because no sentence would be better than another."""
    with pytest.raises(ValueError, match="a finite length_penalty, got "):
        beam_search(language(0), [initial(1)], 2, 3, 0, 1, 2, penalty)
