"""Wrong word embeddings."""

import numpy as np

from grading.mistakes import mistake

LEAK = "float64"  # in the general hint on dtypes


@mistake(
    "word_embedding_forward", "words are counted from 1: each gets the vector of the word before it"
)
def off_by_one(x, W):
    return W[x - 1], (x, W)


@mistake(
    "word_embedding_forward", "words and time steps are one axis; out must have shape (N, T, D)"
)
def flattened(x, W):
    return W[x.ravel()], (x, W)


@mistake("word_embedding_forward", "the axes of sentences and time are exchanged")
def axes_exchanged(x, W):
    return W[x.T], (x, W)


@mistake(
    "word_embedding_forward",
    "the one-hot vectors are made without a dtype, so they are float64",
    says=LEAK,
)
def float64_one_hot(x, W):
    return np.eye(len(W))[x] @ W, (x, W)


@mistake(
    "word_embedding_backward",
    "a word that occurs again overwrites its gradient: sum over all its places",
)
def repeated_words_overwritten(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    dW[x] = dout
    return dW


@mistake(
    "word_embedding_backward", "`dW[x] += dout` adds once for each word, however often it occurs"
)
def added_once(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    for t in range(x.shape[1]):
        dW[x[:, t]] += dout[:, t]
    return dW


@mistake(
    "word_embedding_backward", "the gradients of a word are averaged over its places, not summed"
)
def averaged_over_places(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW / np.maximum(1, np.bincount(x.ravel(), minlength=len(W)))[:, None].astype(W.dtype)


@mistake("word_embedding_backward", "only the last time step is used")
def last_words_only(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x[:, -1], dout[:, -1])
    return dW


@mistake(
    "word_embedding_backward", "dW is made by np.zeros without a dtype, so it is float64", says=LEAK
)
def float64_gradient(dout, cache):
    x, W = cache
    dW = np.zeros(W.shape)
    np.add.at(dW, x, dout)
    return dW
