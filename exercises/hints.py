"""Hints from wrong numbers.

Known mistakes come first: real ones, run on the same inputs. If an answer agrees with one of
theirs, as a whole or in some array, that mistake is the likely cause. Otherwise the hints look for
patterns that leave a trace in any array: a sign, a factor, an axis, a time step.
"""

import numpy as np

from exercises.compare import agree, norm
from exercises.error_hints import ERRORS


def hint(exercise, outputs, expected, wrong):
    """A sentence on the likely cause of a wrong answer.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - outputs: Dictionary from name to returned value
    - expected: Dictionary from name to the right array
    - wrong: List of pairs of a cause and the outputs of a known mistake on the same inputs; outputs
      that it does not name are right

    Returns: a sentence, or None if the numbers suggest nothing
    """
    plain = {name: a for name, a in outputs.items() if type(a) is np.ndarray}
    with np.errstate(all="ignore"):  # wrong numbers may be huge
        return _hint(exercise, plain, expected, wrong)


def hint_of_error(exercise, error):
    """A sentence on the likely cause of an error, or None.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - error: The name of its class and its message, as one string
    """
    for name, phrases, sentence in ERRORS:
        if exercise.startswith(name) and all(phrase in error for phrase in phrases.split("...")):
            return sentence
    return None


def _hint(exercise, plain, expected, wrong):
    causes = [cause for cause, answer in wrong if _same_answer(plain, expected | answer)]
    if causes:
        others = [f" Or, which gives the same here, {cause}." for cause in causes[1:3]]
        return f"It looks as if {causes[0]}." + "".join(others)
    for name, n in expected.items():
        if n.dtype.kind == "b" and name in plain and not np.array_equal(plain[name], n):
            return _changed_in_place(name)
    right = [name for name in expected if _is_right(name, plain, expected)]
    if "loss" in right and exercise in LOSSES_BY_AUTOGRAD:
        return (
            "The loss is right, but not its gradient: is a part of it cut off, by detach(), .data, "
            "or torch.no_grad()?"
        )
    if "loss" in right:  # rules out mistakes that change it
        wrong = [(cause, answer) for cause, answer in wrong if "loss" not in answer]
    explained = [(_agreeing(plain, expected, answer), cause) for cause, answer in wrong]
    names, cause = max(explained, key=lambda pair: len(pair[0]), default=([], ""))
    if names:
        return f"In {', '.join(names)}, it looks as if {cause}."
    exchanged = _keys_of_names(plain, expected) or _exchanged(plain, expected)
    if exchanged:
        return exchanged
    for name, n in expected.items():
        a = plain.get(name)
        if a is not None and a.dtype.kind in "fiub" and name not in right:
            pattern = _pattern(exercise, name, a, n, expected)
            if pattern:
                return pattern
    return _which_are_right(plain, expected)


def _is_right(name, outputs, expected):
    return name in outputs and _same_answer({name: outputs[name]}, {name: expected[name]})


def _changed_in_place(name):
    argument = name.removesuffix(" kept")
    return (
        f"`{argument} += ...` and `{argument}[...] = ...` write into {argument} itself: make a new "
        "array or a copy."
    )


def _keys_of_names(outputs, expected):
    """A sentence if a dictionary of gradients has the gradients' names as keys, or None."""
    names = [name for name in expected if name not in outputs and f"d{name}" in outputs]
    if not names:
        return None
    key = names[0].removeprefix("d")
    return f"The keys of grads are those of params, without a d in front: {key}, not d{key}."


def _exchanged(outputs, expected):
    """A sentence if two arrays were returned in each other's place, or None."""
    wrong = [
        name
        for name, n in expected.items()
        if name in outputs and n.ndim and not _is_right(name, outputs, expected)
    ]
    for k, name in enumerate(wrong):
        for other in wrong[:k]:
            answer = {name: expected[other], other: expected[name]}
            if _same_answer({name: outputs[name], other: outputs[other]}, answer):
                return f"{other} and {name} are swapped: check the order after `return`."
    return None


def _same_answer(outputs, answer):
    def same(a, b):
        return (
            a.dtype.kind == b.dtype.kind
            and (a.dtype == b.dtype or a.dtype.kind != "f")
            and agree(a, b)
        )

    return outputs.keys() == answer.keys() and all(
        same(outputs[name], right) for name, right in answer.items()
    )


def _agreeing(outputs, expected, answer):
    """Names of the arrays that are wrong in the same way as those of a known mistake, apart from
    what was changed in place. All-zero arrays are left out: too many mistakes give them.
    """
    return [
        name
        for name, a in answer.items()
        if name in outputs and name in expected and a.dtype.kind != "b" and a.any()
        and a.dtype == expected[name].dtype and _same_answer({name: outputs[name]}, {name: a})
    ]  # fmt: skip


def _pattern(exercise, name, a, n, expected):
    """A sentence on one array that is wrong, or None."""
    if a.shape != n.shape:
        return _shape_pattern(name, a, n)
    if n.dtype.kind in "iu":
        return _words_pattern(a, n) if a.dtype.kind in "iu" else None
    if a.dtype != n.dtype:
        return _precision_pattern(name, a, n)
    if not np.isfinite(a).all():
        return None
    if name in NEVER_NEGATIVE and (a < 0).any():
        if agree(-a, n):
            return f"{name} has the wrong sign: there is one minus too many or too few."
        return (
            f"{name} holds negative numbers, which is impossible: an absolute value or a square is "
            "missing, or a part is subtracted that should be added."
        )
    if not a.any():
        return f"{name} is all zero: nothing was computed, or no gradient arrives there."
    return (
        _factor_pattern(name, a, n, expected)
        or _function_pattern(name, a, n)
        or _part_pattern(exercise, name, a, n)
    )


NEVER_NEGATIVE = ("loss", "saliency")
LOSSES_BY_AUTOGRAD = ("content_loss", "style_loss", "tv_loss")


def _precision_pattern(name, a, n):
    """A precision other than the arguments', or no fractions at all."""
    if a.dtype.kind in "iub" and name.startswith("dW"):
        return (
            f"{name} holds {a.dtype} numbers, not fractions: zeros_like of words makes integers. "
            "Give it the dtype of the gradient that arrives, dtype=dout.dtype."
        )
    if a.dtype.kind in "iub":
        return (
            f"{name} holds {a.dtype} numbers, not fractions: is it argmax, or the indices that max "
            "returns with the values, or a comparison?"
        )
    if (a.dtype, n.dtype) == (np.float64, np.float32):
        return (
            f"Somewhere {name} became float64: np.zeros, np.ones and np.eye make float64 unless "
            "they are given a dtype. np.zeros_like, or dtype=x.dtype, keeps the arguments' "
            "precision."
        )
    return (
        f"Somewhere {name} became {a.dtype}: look for .float(), .astype, or a torch.zeros without "
        "a dtype. dtype=x.dtype keeps the arguments' precision."
    )


def _shape_pattern(name, a, n):
    if a.ndim == n.ndim and sorted(a.shape) == sorted(n.shape):
        return f"{name} has its axes in the wrong order."
    if a.ndim == n.ndim + 1 and np.squeeze(a).shape == np.squeeze(n).shape:
        return (
            f"{name} has an axis too many, of length 1: keepdims=True keeps it, or a sum over it "
            "is missing."
        )
    if a.ndim == n.ndim + 1 and n.shape in (a.shape[1:], a.shape[:-1]):
        return f"{name} has an axis too many: a sum, or a maximum, over it is missing."
    if a.ndim == n.ndim - 1 and a.size == n.size and name.startswith(("dW", "db")):
        return f"{name} lacks an axis of length 1: look for a squeeze, or an index."
    if a.shape == n.shape[1:] and name not in ("dx", "h", "out"):  # in those it may be time
        return (
            f"{name} lacks the axis of the minibatch: its first axis should have length "
            f"{len(n)}, one for each row of the minibatch."
        )
    if a.size == n.size:
        return f"{name} has the right number of entries in another shape: look for a reshape."
    return None


def _factor_pattern(name, a, n, expected):
    """A constant factor: a sign, or a division too many or too few."""
    scale = float(np.sum(a * n, dtype=np.float64)) / max(norm(n) ** 2, 1e-300)
    if n.size == 1 or not scale or not agree(a, (scale * n).astype(n.dtype)):
        return None
    if agree(-a, n):
        return (
            f"The sign of {name} is wrong everywhere: a step goes down instead of up, or there "
            "is one minus too many or too few."
        )
    lengths = {length for array in expected.values() for length in array.shape} | {n.size}
    for length in sorted(lengths - {1}):
        if abs(scale - length) < 1e-3 * length:
            return (
                f"{name} is {length} times what it should be: a division is missing, or there is a "
                "sum instead of a mean."
            )
        if abs(scale * length - 1) < 1e-3:
            return (
                f"{name} is 1/{length} of what it should be: a mean instead of a sum, or one "
                "division too many."
            )
    return (
        f"{name} is {scale:.2g} times what it should be everywhere: look for a factor, or for a "
        f"{'sum instead of a mean' if abs(scale) > 1 else 'mean instead of a sum'}."
    )


def _function_pattern(name, a, n):
    """A function that is missing, or applied once too often."""
    known = [
        (agree(np.abs(a), n), f"The absolute value is missing in {name}."),
        (agree(a * a, n), f"The square is missing in {name}: a root was taken, or a plain norm."),
        (agree(a, n * n), f"{name} is squared once too often."),
        (agree(np.tanh(a), n), f"tanh is missing in {name}."),
        (agree(a, np.tanh(n)), f"tanh is applied once too often in {name}."),
    ]
    return next((sentence for fits, sentence in known if fits), None)


def _part_pattern(exercise, name, a, n):
    """Some rows, time steps or gates are right, or all are in the wrong order."""
    if n.ndim == 2 and n.shape[0] == n.shape[1] > 1 and agree(a.T, n):
        return f"{name} is the transpose of what it should be."
    over_time = name in ("dx", "h", "out") and not exercise.startswith("word_embedding")
    if n.ndim == 3 and n.shape[1] > 1 and over_time:
        sentence = _time_pattern(name, a, n)
        if sentence:
            return sentence
    if name in ("dWx", "dWh", "db") and "lstm" in exercise:
        got = np.split(a, 4, axis=-1)
        right = np.split(n, 4, axis=-1)
        wrong = [gate for gate, b, m in zip("ifog", got, right, strict=True) if not agree(b, m)]
        if len(wrong) < 4:
            blocks = "block of gate" if len(wrong) == 1 else "blocks of gates"
            verb = "is" if len(wrong) == 1 else "are"
            return f"Only the {blocks} {' and '.join(wrong)} {verb} wrong in {name}."
        if all(any(agree(b, m) for b in got) for m in right):
            return f"The gates' blocks of {name} are in the wrong order: it should be i, f, o, g."
    rows = [agree(b, m) for b, m in zip(a, n, strict=True)] if n.ndim > 1 else []
    if any(rows) and not name.startswith("dW"):
        return (
            f"{name} is right for some rows of the minibatch and wrong for others: do rows get "
            "mixed up, or left out?"
        )
    if len(rows) > 1 and (a == a[:1]).all() and not name.startswith("dW"):
        return f"{name} is the same for all rows of the minibatch: each should have its own."
    return None


def _time_pattern(name, a, n):
    right = [agree(a[:, t], n[:, t]) for t in range(n.shape[1])]
    if agree(a[:, ::-1], n):
        return f"Time runs backwards in {name}."
    if agree(a[:, 1:], n[:, :-1]) or agree(a[:, :-1], n[:, 1:]):
        return f"{name} is shifted by one time step."
    if name == "dx" and len(right) > 2 and all(right[1:]) and not right[0]:
        return "Only the first time step is wrong: does the loop go down to t = 0?"
    if name != "dx" and len(right) > 2 and all(right[:-1]):
        return "Only the last time step is wrong: does the loop reach it, t = T - 1?"
    if right[-1] and name == "dx":
        return "Only the last time steps are right: is the gradient carried back from step to step?"
    if right[0] and name != "dx":
        return "Only the first time steps are right: is the state passed on from step to step?"
    return f"{name} is right at some time steps only." if any(right) else None


def _words_pattern(a, n):
    """Captions that were sampled."""
    wrong = a != n
    to_the_end = (wrong == np.logical_or.accumulate(wrong, axis=1)).all()
    same_as_last = np.logical_and.accumulate((n == n[:, -1:])[:, ::-1], axis=1)[:, ::-1]
    # <NULL> pads what follows <END>: in all rows the same word comes before it
    begins = same_as_last.argmax(axis=1)
    filled = (n[:, -1] == n[wrong][0]) & (begins > 0)
    ends = n[filled, begins[filled] - 1]
    only_fill = same_as_last[wrong].all() and len(np.unique(n[wrong])) == len(np.unique(ends)) == 1
    first_is_wrong = wrong[:, 0].any()
    if first_is_wrong and a.shape[1] > 1 and (a[:, 1:] == n[:, :-1]).all():
        return (
            "Everything comes one step too late: the first column must hold the first sampled "
            "word, not <START>."
        )
    same_first = len(a) > 1 and len(np.unique(a[:, 0])) == 1
    if same_first and (a[:, 1:] == n[:, 1:]).all():
        return "Only the first column is wrong: it must hold the first sampled word, not <START>."
    if only_fill and not to_the_end:
        return (
            "Captions are right up to <END>, but start again after it: a caption that has ended "
            "stays ended, `done |= words == end`."
        )
    if only_fill:
        return "Captions are right up to <END>; after it, there must be <NULL>."
    if (a[:, 0] == n[:, 0]).all():
        return (
            "The first words are right, later ones are not: does the state advance, is the word "
            "fed back, and did the state start from the image?"
        )
    return (
        "In some captions even the first word is wrong: is <START> read first, do the "
        "projected features start the hidden state, does an LSTM's cell state start at zero, and "
        "is each row's word its largest score, argmax over axis 1?"
    )


def _which_are_right(outputs, expected):
    """Some gradients right and others not narrow the search."""
    numbers = [name for name, n in expected.items() if n.dtype.kind == "f" and name in outputs]
    right = [name for name in numbers if _is_right(name, outputs, expected)]
    wrong = [name for name in numbers if name not in right]
    if right and wrong:
        verb = "are" if len(right) > 1 else "is"
        return f"{', '.join(right)} {verb} right; look at {', '.join(wrong)} only."
    return None
