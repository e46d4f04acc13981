"""Question 1: the vanilla RNN, word vectors, and captions by them. Stored answers decide."""

import pytest

pytestmark = pytest.mark.q1


def test_rnn_step_forward(check):
    """One step gives tanh(x Wx + prev_h Wh + b)."""
    check("rnn_step_forward")


def test_rnn_step_backward(check):
    """The gradients of one step with respect to its five arguments, from the cache of your own
    forward pass.
    """
    check("rnn_step_backward")


def test_rnn_forward(check):
    """The states after every step, each computed from the one before it, beginning with h0."""
    check("rnn_forward")


def test_rnn_backward(check):
    """The gradients through time: of the weights summed over steps, of the state carried back."""
    check("rnn_backward")


def test_word_embedding_forward(check):
    """Each word becomes its row of W."""
    check("word_embedding_forward")


def test_word_embedding_backward(check):
    """Each row of dW sums the gradients of all places where its word occurs."""
    check("word_embedding_backward")


def test_captioning_loss(check):
    """The loss of captions that an RNN reads, and the gradients of all eight parameters."""
    check("CaptioningRNN.loss[rnn]")


def test_captioning_sample(check):
    """The most likely word at every step of an RNN, <NULL> after <END>."""
    check("CaptioningRNN.sample[rnn]")
