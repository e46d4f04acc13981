"""Hints for errors that have a usual cause."""

ONE_AXIS = (
    "A layer got an array with one axis where it needs two: a step's words have shape (N,), so "
    "pass words[:, None] to a word_embedding_forward that needs N and T, and check whether "
    "squeeze has removed an axis."
)
NO_GRAPHICS_CARD = (
    "Not every machine has a graphics card: leave out .cuda(), and make new tensors with "
    "device=X.device."
)
# Exercise (or the beginning of its name), phrases of the error separated by ..., and the hint; the
# first that fits counts
ERRORS = [
    (
        "style_loss",
        "IndexError",
        "style_targets and style_weights have an entry for each entry of style_layers, in that "
        "order; only feats is read at the layer's number.",
    ),
    (
        "CaptioningRNN.sample",
        "prev_h must have shape",
        "A state is a list: _initial_state returns [h], or [h, c] for the LSTM, and _step returns "
        "the scores and a list of the same kind.",
    ),
    (
        "CaptioningRNN.sample[lstm]",
        "prev_c must have shape",
        "An LSTM has two states: _initial_state and _step should return [h, c].",
    ),
    (
        "CaptioningRNN.sample",
        "boolean index did not match",
        "A state is a list, with one array for each state: _step returns the scores and [h], or "
        "[h, c] for the LSTM.",
    ),
    (
        "CaptioningRNN.sample",
        "'list' object has no attribute",
        "_step returns the scores first, then the list of states: check the order after `return`.",
    ),
    ("CaptioningRNN.sample", "to unpack (expected 2, got 1)...rnn_layers.py", ONE_AXIS),
    ("CaptioningRNN.sample", "tuple index out of range...rnn_layers.py", ONE_AXIS),
    (
        "CaptioningRNN.sample",
        "to unpack (expected 2",
        "_step returns two things, the scores and the list of states.",
    ),
    (
        "CaptioningRNN",
        "got tuple",
        "affine_forward and the layers return a pair: its output and a cache. Write "
        "`h, _ = affine_forward(...)`.",
    ),
    (
        "",
        "'NoneType' object has no attribute",
        "A tensor's .grad is None if it was computed from others: use a copy, "
        "X.detach().clone().requires_grad_(), or torch.autograd.grad(score, x).",
    ),
    (
        "",
        "AxisError",
        "An axis is missing: with one picture, or one word, squeeze removes the minibatch axis, "
        "too.",
    ),
    (
        "",
        "cannot unpack non-iterable NoneType",
        "A function that was called returns nothing: look for its `return`.",
    ),
    (
        "",
        "only integer tensors of a single element can be converted to an index",
        "Index with a tensor of integers, or take .item() of a single one.",
    ),
    (
        "",
        "NVIDIA",
        NO_GRAPHICS_CARD,
    ),
    (
        "",
        "CUDA",
        NO_GRAPHICS_CARD,
    ),
    (
        "",
        "No module named 'google",
        "google.colab exists only on Colab: mount the drive in the notebook, not in the module.",
    ),
    (
        "style_loss",
        "must match the size of tensor",
        "Layers have different numbers of channels: take feats at the layer's number, "
        "style_layers[i], and style_targets and style_weights at i.",
    ),
]
