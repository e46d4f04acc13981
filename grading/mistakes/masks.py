"""Captioning models that count the wrong words of a caption."""

from deeplearning.layers import affine_backward, affine_forward
from deeplearning.rnn_layers import (
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)
from grading.mistakes import mistake


def masked_loss(self, features, captions, mask):
    """Loss and gradients of captions whose output words count where the mask is true."""
    p, grads = self.params, {}
    forward, backward = (
        (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)
    )
    h0, proj = affine_forward(features, p["W_proj"], p["b_proj"])
    x, embed = word_embedding_forward(captions[:, :-1], p["W_embed"])
    h, sequence = forward(x, h0, p["Wx"], p["Wh"], p["b"])
    scores, vocab = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    loss, dscores = temporal_softmax_loss(scores, captions[:, 1:], mask)
    dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab)
    dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, sequence)
    grads["W_embed"] = word_embedding_backward(dx, embed)
    _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, proj)
    return loss, grads


@mistake(
    "CaptioningRNN.loss",
    "the mask takes word 0 for <NULL>: vocabularies differ, so compare with self._null",
)
def null_taken_for_zero(self, features, captions):
    return masked_loss(self, features, captions, captions[:, 1:] != 0)
