"""Beam search: the best sentences of a network that scores next words, for many images at once, and
the log-probabilities of given sentences.
"""

import numpy as np

from deeplearning.checks import check_counts, check_finite
from deeplearning.layers import logsumexp


def beam_search(step, state, width, max_length, start, end, null, length_penalty=1.0):
    """Write one sentence for each row of the state, keeping the `width` best beginnings at every
    step.

    The score of a beginning is the sum of its words' log-probabilities. A sentence that ends leaves
    the beam and gives up its place, so a row is done when `width` sentences have ended, or at
    max_length. Of these, the one with the highest sum / length**length_penalty wins; with a penalty
    of 1 this is the mean log-probability per word. The sum alone would favour short sentences (Wu
    et al., "Google's neural machine translation system", 2016, section 7).

    Inputs:
    - step: Function (words, state) -> (scores, state) that reads one word for each of n rows and
      returns scores of the next word, of shape (n, V), and the new state
    - state: List of arrays of shape (N, ...), passed from step to step
    - width: Number of beginnings to keep, at least 1
    - max_length: Maximum number of words, `end` included
    - start, end, null: Indices of the words that begin, end and pad a sentence
    - length_penalty: From 0, which compares sums, to 1, which compares means; the smaller, the more
      it favours short sentences

    Returns:
    - sentences: ints of shape (N, max_length), without `start`; `null` after `end`

    Raises ValueError for a penalty that is not finite.
    """
    check_finite(length_penalty=length_penalty)  # with NaN no comparison holds: captions stay empty
    N = len(state[0])
    best = np.full((N, max_length), null)
    best_score = np.full(N, -np.inf)
    places = np.full(N, width)  # how many beginnings each sentence may still keep
    # One row per live beginning: the image it belongs to, its words, the sum of log-probabilities
    owner = np.arange(N)
    words = np.full((N, 1), start)
    total = np.zeros(N)
    for t in range(max_length):
        if owner.size == 0:
            break
        scores, state = step(words[:, -1], state)
        parent, next_word, total = _best_next_words(total, scores, owner, places)
        owner = owner[parent]
        words = np.column_stack((words[parent], next_word))

        done = (next_word == end) | (t + 1 == max_length)
        for row in np.flatnonzero(done):
            score = total[row] / (t + 1) ** length_penalty
            if score > best_score[owner[row]]:
                best_score[owner[row]] = score
                best[owner[row]] = null
                best[owner[row], : t + 1] = words[row, 1:]
        np.subtract.at(places, owner[done], 1)
        owner = owner[~done]
        words = words[~done]
        total = total[~done]
        state = [s[parent[~done]] for s in state]
    return best


def log_probabilities(step, state, sentences, end, null):
    """Log-probabilities of sentences, summed over their words up to `end`.

    Inputs:
    - step, state, end, null: As for `beam_search`
    - sentences: ints of shape (N, T + 1), including the first word, `start`; `null` and anything
      after `end` do not count

    Returns: float64 array of shape (N,)
    """
    rows = np.arange(len(sentences))
    total = np.zeros(len(sentences))
    going_on = np.ones(len(sentences), bool)
    for words, next_words in zip(sentences.T[:-1], sentences.T[1:], strict=True):
        scores, state = step(words, state)
        total += np.where(
            going_on & (next_words != null), scores[rows, next_words] - logsumexp(scores), 0
        )
        going_on &= next_words != end
    return total


def _best_next_words(total, scores, owner, places):
    """The best continuations of each owner, as many as it has places.

    total (n,) holds the log-probabilities of n beginnings, and scores (n, V) the unnormalised
    scores of their next words. Returns the row, the word and the new total of each continuation
    kept.
    """
    n, V = scores.shape
    k = min(int(places.max()), V)  # no beginning can fill more places
    # the softmax doesn't change the order within a row
    top = np.argpartition(scores, V - k, axis=1)[:, V - k :]
    parent = np.repeat(np.arange(n), k)
    next_word = top.ravel()
    total = (np.take_along_axis(scores, top, axis=1) + (total - logsumexp(scores))[:, None]).ravel()
    order = np.lexsort((-total, owner[parent]))  # by owner, and within an owner best first
    owner = owner[parent[order]]
    rank = np.arange(len(order)) - np.searchsorted(owner, owner)
    kept = order[rank < places[owner]]
    return parent[kept], next_word[kept], total[kept]


def check_sampling(max_length, beam_width, temperature, rng):
    """Refuse settings of `CaptioningRNN.sample` that are out of range or contradict each other."""
    check_counts(1, max_length=max_length, beam_width=beam_width)
    if temperature is None:
        return
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, or None, got {temperature}")
    if beam_width != 1:
        raise ValueError(
            "beam search takes the best words, a temperature draws them: use one or the other"
        )
    if rng is None:
        raise ValueError(
            "a temperature draws words at random: pass rng=np.random.default_rng(seed)"
        )
