"""Right functions that a student's exercise may build on. They run here, in the grader's process:
the sandbox sends arguments and gets values, so it holds nothing of a solution.
"""

import importlib
import warnings

import numpy as np

from grading import messages
from grading.manifest import MANIFEST
from grading.sandbox import BoxError
from grading.variants import plain

MAX_CALLS = 3000  # in one trial
MAX_ENTRIES = 4096  # of an argument; our cases stay far below
MAX_KEPT = 64 << 20  # bytes of all values of one trial together
MAX_REFUSED = 100  # then the trial ends
MAX_DEPTH = 4  # of calls within each other


def reference_function(name):
    """The repository's own function of an exercise, by its name."""
    exercise = next(e for e in MANIFEST.exercises.values() if e.name == name)
    return getattr(importlib.import_module(exercise.module), name)


def takes_tensors(name):
    """Whether an exercise's function works on PyTorch tensors, not on arrays."""
    question = next(e.question for e in MANIFEST.exercises.values() if e.name == name)
    return question in ("q3", "q4")


class Refused(Exception):
    """The sandbox asked for more than it may."""


class Lender:
    """The functions lent in one trial, and the values that they keep here.

    - functions: Dictionary from name to function; one made by `usual_forward` for a sequence can
      call the student's own
    """

    def __init__(self, functions):
        self.functions = dict(functions)
        self.calls = self.refused = self.size = self.depth = 0
        self.kept = []

    def answer(self, about, arrays, ask):
        """Answer a call.

        Inputs:
        - about, arrays: The message from the sandbox
        - ask: Function that sends a message there, and returns the next one

        Returns: about and groups of the answer
        """
        self.calls += 1
        try:
            if self.calls > MAX_CALLS or self.depth >= MAX_DEPTH or len(arrays) != 1:
                raise Refused("too many calls")
            self.depth += 1
            arguments, named = self._arguments(about, arrays[0])
            value = self._value(str(about["call"]), arguments, named, ask)
        except Exception as error:  # the student's code can send anything
            self.refused += 1
            if self.refused > MAX_REFUSED:
                raise BoxError("It called functions with invalid arguments.") from error
            return {"error": f"it was called with invalid arguments ({type(error).__name__})"}, [{}]
        finally:
            self.depth -= 1
        return self._sent({"returned": True}, value)

    def _arguments(self, about, arrays):
        if any(getattr(array, "size", MAX_ENTRIES + 1) > MAX_ENTRIES for array in arrays.values()):
            raise Refused("an argument that is too large")
        return messages.restored(about["values"], arrays, self._fetch)

    def _value(self, name, arguments, named, ask):
        function = self.functions[name]
        if getattr(function, "calls_back", False):
            arguments = [self._student(ask), *arguments]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*arguments, **named)

    def _student(self, ask):
        """A function that calls one of the student's own, in the sandbox, by name."""

        def call(name, *arguments):
            answer, arrays = ask(*self._sent({"run": name}, list(arguments)))
            while isinstance(answer, dict) and "call" in answer:
                answer, arrays = ask(*self.answer(answer, arrays, ask))
            if not isinstance(answer, dict) or "returned" not in answer or len(arrays) != 1:
                raise Refused("the student's function failed")
            return messages.restored(answer["values"], arrays[0], self._fetch)

        return call

    def _sent(self, about, value):
        arrays = {}
        about["values"] = messages.described(value, arrays, self._keep)
        self.size += sum(array.nbytes for array in arrays.values())
        if self.size > MAX_KEPT:
            return {"error": "too much was asked for"}, [{}]
        return about, [arrays]

    def _keep(self, value):
        if isinstance(value, Theirs):
            return {"yours": value.number}
        self.kept.append(value)
        return {"mine": len(self.kept) - 1}

    def _fetch(self, about):
        return self.kept[about["yours"]] if "yours" in about else Theirs(about["mine"])


class Theirs:
    """A value of the student's code that stays in the sandbox."""

    def __init__(self, number):
        self.number = number


class Cache:
    """A cache of the reference's, whose content the sandbox never sees."""

    def __init__(self, content):
        self.content = content


def lent(name):
    """The reference's function of an exercise, for a `Lender`: its caches stay closed."""
    function = reference_function(name)
    if takes_tensors(name):
        return _of_tensors(function)
    if name.endswith("backward"):
        return lambda *arguments: function(*arguments[:-1], arguments[-1].content)

    def forward(*arguments, **named):
        *values, cache = function(*arguments, **named)
        return (*values, Cache(cache))

    return forward


def _of_tensors(function):
    import torch

    def value(array, *others, **named):
        return function(torch.from_numpy(array), *others, **named).numpy()

    return value


def gradient_of(name):
    """The gradient of a function of one tensor, as a function of its arguments and the upstream
    gradient.
    """
    function = reference_function(name)
    import torch

    def gradient(array, *others, **named):
        tensor = torch.from_numpy(array).requires_grad_()
        *others, upstream = others
        function(tensor, *others, **named).backward(torch.from_numpy(upstream))
        return tensor.grad.numpy()

    return gradient


def lent_functions(ids):
    """The functions of some exercises, for a `Lender`.

    Inputs:
    - ids: ids of exercises whose functions are at the top level of a module

    Returns: dictionary from name to function
    """
    names = [MANIFEST.exercises[i].name for i in ids]
    found = {name: lent(name) for name in names}
    for name in names:
        if takes_tensors(name):
            found[f"{name} backward"] = gradient_of(name)
    return found


def usual_forward(name, step_by):
    """A forward pass as most people write it: its cache is a tuple, or for a sequence a list of the
    steps' caches.

    Inputs:
    - name: Name of the forward pass
    - step_by: Whose step a sequence uses: "student", "usual", or "reference", whose caches are
      closed

    Returns: function for a `Lender`
    """
    function = getattr(plain, name)
    if name.replace("forward", "step_forward") not in vars(plain) or "step" in name:
        return lambda *arguments: function(*arguments)
    step_name = name.replace("forward", "step_forward")

    def forward(student, *arguments):
        steps = {
            "student": lambda *a: student(step_name, *a),
            "usual": getattr(plain, step_name),
            "reference": lent(step_name),
        }
        return over_time(steps[step_by], name, *arguments)

    forward.calls_back = True
    return forward


def over_time(step, name, x, h0, Wx, Wh, b):
    """The states of all steps, of shape (N, T, H), and a list of the steps' caches."""
    states = []
    caches = []
    h = h0
    c = np.zeros_like(h0)
    for t in range(x.shape[1]):
        if name.startswith("lstm"):
            h, c, cache = step(x[:, t], h, c, Wx, Wh, b)
        else:
            h, cache = step(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches
