"""The lists of Toytown's words by kind."""

from pathlib import Path

from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.datasets import toytown
from deeplearning.datasets.toytown.words import KIND_OF, WORDS


def test_every_word_has_one_kind():
    """The lists hold each word of Toytown's vocabulary once, and no other."""
    model = CaptioningRNN.load(Path(toytown.__file__).parent / "captioner.npz")
    words = {word for word in model.word_to_idx if not word.startswith("<")}
    assert set(KIND_OF) == words
    assert sum(len(listed.split()) for listed in WORDS.values()) == len(words)
