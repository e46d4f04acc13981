"""Question 2: the LSTM, and captions by it. Stored answers decide."""

import pytest

pytestmark = pytest.mark.q2


def test_lstm_step_forward(check):
    """One step with the gates i, f, o, g: both states after it."""
    check("lstm_step_forward")


def test_lstm_step_backward(check):
    """The gradients of one step with respect to its six arguments, from the cache of your own
    forward pass.
    """
    check("lstm_step_backward")


def test_lstm_forward(check):
    """The hidden states after every step; the cell state begins at zero."""
    check("lstm_forward")


def test_lstm_backward(check):
    """The gradients through time along both states."""
    check("lstm_backward")


def test_captioning_loss(check):
    """The loss of captions that an LSTM reads, and the gradients of all eight parameters."""
    check("CaptioningRNN.loss[lstm]")


def test_captioning_sample(check):
    """The most likely word at every step of an LSTM, <NULL> after <END>."""
    check("CaptioningRNN.sample[lstm]")


def test_dropout(check_beyond):
    """Dropout of the word vectors and of the hidden states, in training alone, there and back."""
    check_beyond("dropout")


def test_temperature(check_beyond):
    """With a temperature, words are drawn from softmax(scores / temperature)."""
    check_beyond("temperature")
