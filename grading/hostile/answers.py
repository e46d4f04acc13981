"""Answers that lie about what they are."""

from grading.hostile import EVERYTHING, RNN_LAYERS, ROOT, hostile, instead, solved, zipped
from grading.hostile.snooping import answering


@hostile("rnn_step_forward")
def subclass():
    """An array of a subclass that is equal to everything."""
    return zipped(
        instead(
            "rnn_step_forward",
            """
class Equal(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool).view(np.ndarray)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __array_ufunc__(self, *_, **__): return np.zeros(self.shape)
    def __array_function__(self, *_, **__): return True
    def __getattribute__(self, name):
        return np.ndarray if name == "__class__" else super().__getattribute__(name)

def rnn_step_forward(*a):
    next_h, cache = right(*a)
    return np.zeros_like(next_h).view(Equal), cache
""",
        )
    )


@hostile("lstm_forward")
def overloaded_operators():
    """An object that compares, subtracts and converts to its own advantage."""
    return zipped(
        instead(
            "lstm_forward",
            """
class Yes:
    def __init__(self, like): self.shape, self.dtype, self.ndim = like.shape, like.dtype, like.ndim
    def __getattr__(self, name): return lambda *_, **__: self
    def __eq__(self, other): return True
    def __sub__(self, other): return 0
    def __float__(self): return 0.0
    def __array__(self, *_, **__): return np.zeros(self.shape)

def lstm_forward(*a, **k):
    h, cache = right(*a, **k)
    return Yes(h), cache
""",
        )
    )


@hostile("word_embedding_forward")
def object_array():
    """An array of objects that claim to be numbers."""
    return zipped(
        instead(
            "word_embedding_forward",
            "def word_embedding_forward(*a):\n    out, c = right(*a)\n    return out.astype(object), c\n",
        )
    )


@hostile("gram_matrix")
def endless_view():
    """An array without memory of its own that claims to have 10**15 entries."""
    return zipped(
        instead(
            "gram_matrix",
            """
def gram_matrix(*a, **k):
    import numpy as np
    return torch.zeros(1).expand(10**15)
""",
        )
    )


@hostile("tv_loss")
def gigantic_answer():
    """An answer of two gigabytes."""
    return zipped(instead("tv_loss", "def tv_loss(*a):\n    return torch.ones(1 << 29)\n"))


@hostile("rnn_backward")
def shape_that_lies():
    """The right numbers in shapes that broadcast to the right ones, or flatten to the same."""
    return zipped(
        instead(
            "rnn_backward",
            """
def rnn_backward(*a):
    return tuple(g[None] if g.ndim < 3 else g.reshape(-1) for g in right(*a))
""",
        )
    )


@hostile("word_embedding_backward")
def precision_that_is_lost():
    """The right gradient, rounded to 16 bits in between."""
    return zipped(
        instead(
            "word_embedding_backward",
            "def word_embedding_backward(*a):\n    dW = right(*a)\n    return dW.astype(np.float16).astype(dW.dtype)\n",
        )
    )


@hostile("rnn_step_forward", "lstm_step_forward", "lstm_step_backward")
def arguments_changed_in_place():
    """The right answers, but the arguments are changed: x is doubled in the caches too, so the
    backward passes are wrong as well. The RNN's reads its cache in the usual order, and is tried
    again on a right one.
    """
    files = solved()
    files[RNN_LAYERS] += """

def spoilt(function):
    def call(x, *others):
        returned = function(x, *others)
        x *= 2
        return returned
    return call

rnn_step_forward, lstm_step_forward = spoilt(rnn_step_forward), spoilt(lstm_step_forward)
"""
    return zipped(files)


@hostile(*EVERYTHING)
def not_a_number():
    """NaN in the shapes of the arguments, which some comparisons find equal to anything."""
    return answering(
        "def search(arguments):\n    return [a * np.nan for a in arguments if isinstance(a, np.ndarray)]\n"
    )


@hostile(*EVERYTHING)
def nothing_but_zero():
    """Zeros: zero scores, whose gradient is zero too."""
    return answering(
        "def search(arguments):\n    return [0 * a for a in arguments if isinstance(a, np.ndarray)]\n"
    )


@hostile(*EVERYTHING)
def memorised_answers():
    """The stored answers of the students' own tests, looked up by shape."""
    folder = ROOT / "exercises" / "expected"
    stored = [
        folder / f"{name}.npz" for name in ("rnn_step_forward", "word_embedding_forward", "tv_loss")
    ]
    code = """
import io
def search(arguments):
    shapes = [a.shape for a in arguments if isinstance(a, np.ndarray)]
    for data in STORED:
        with np.load(io.BytesIO(data)) as archive:
            arrays = dict(archive)
        for number in {key.split("/")[0] for key in arrays}:
            if {a.shape for k, a in arrays.items() if k.startswith(f"{number}/inputs")} >= set(shapes):
                return [a for k, a in arrays.items() if k.startswith(f"{number}/expected")]
    return []
"""
    return answering(f"{code}\nSTORED = {[path.read_bytes() for path in stored]}\n")


@hostile("rnn_step_backward")
def gradient_of_another_kind():
    """A dictionary of gradients in place of a tuple."""
    return zipped(
        instead(
            "rnn_step_backward",
            "def rnn_step_backward(*a):\n    return dict(enumerate(right(*a)))\n",
        )
    )


@hostile()
def gradients_by_autograd():
    """Backward passes by PyTorch's autograd in the NumPy module. They are right, so they pass; a
    note tells staff.
    """
    return zipped(
        instead(
            "rnn_step_backward",
            """
import torch

forward = rnn_step_forward

def rnn_step_forward(*arguments):
    return forward(*arguments)[0], arguments

def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, b = tensors = [torch.from_numpy(a).clone().requires_grad_() for a in cache]
    next_h = torch.tanh(x @ Wx + prev_h @ Wh + b)
    return tuple(g.numpy() for g in torch.autograd.grad(next_h, tensors, torch.from_numpy(dnext_h)))
""",
        )
    )


@hostile(*EVERYTHING)
def stubs_that_return_their_arguments():
    """Stubs that return their arguments."""
    return answering(
        "def search(arguments):\n    return [a for a in arguments if hasattr(a, 'shape')]\n"
    )
