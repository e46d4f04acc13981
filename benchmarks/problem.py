"""The task that is timed: a minibatch of captions and a model, the same for every candidate."""

from dataclasses import dataclass

import numpy as np

from deeplearning.classifiers.rnn import CaptioningRNN


@dataclass(frozen=True)
class Shape:
    """Sizes of a training step; the letters are those of the package."""

    cell: str  # "rnn" or "lstm"
    N: int = 25
    W: int = 256
    H: int = 512
    D: int = 512
    V: int = 1004
    T: int = 16

    @property
    def K(self):
        return {"rnn": 1, "lstm": 4}[self.cell] * self.H

    def __str__(self):
        return f"{self.cell} N={self.N} W={self.W} H={self.H}"


SPECIAL = ("<NULL>", "<START>", "<END>", "<UNK>")


def captioner(shape, dtype=np.float32):
    """A model with random parameters, the same in every process."""
    np.random.seed(0)
    word_to_idx = {
        word: index
        for index, word in enumerate([*SPECIAL, *map(str, range(shape.V - len(SPECIAL)))])
    }
    return CaptioningRNN(word_to_idx, shape.D, shape.W, shape.H, shape.cell, dtype)


def minibatch(shape, dtype=np.float32):
    """Features (N, D) and captions (N, T + 1) of 5 to 16 words for T = 16: a third of the targets
    are <NULL>.

    Words are as frequent as in natural language, the k-th one in proportion to 1 / k (Zipf).
    """
    rng = np.random.default_rng(0)
    features = rng.standard_normal((shape.N, shape.D)).astype(dtype)
    frequency = 1 / np.arange(1, shape.V - len(SPECIAL) + 1)
    words = rng.choice(
        shape.V - len(SPECIAL), (shape.N, shape.T + 1), p=frequency / frequency.sum()
    ) + len(SPECIAL)
    shortest = shape.T // 3
    # targets of each caption, <END> included
    lengths = np.linspace(shortest, shape.T, shape.N).round().astype(int)
    captions = np.where(np.arange(shape.T + 1) <= lengths[:, None], words, 0)
    captions[:, 0] = 1
    captions[np.arange(shape.N), lengths] = 2
    return features, rng.permutation(captions)
