"""Inside the sandbox: exercises' functions that run in the grader's process.

An exercise that builds on others is tried again with right ones in place of the student's. Their
code is nowhere in the sandbox: arguments go to the grader, and values come back. A cache made by
the grader's function stays with the grader, represented here by an object without content; an
object of the student's that is sent to the grader stays here in the same way.
"""

import importlib
import sys

import messages

CALL = b"?"


class Kept:
    """A stand-in for a value that stays with the grader."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


def put_in_place(lent, pipes):
    """Replace functions of the student's modules with those that the grader lends.

    Inputs:
    - lent: List of dictionaries: `module`; `names` of its functions; and `stubs`, its source as
      handed out to students, in case the module does not work
    - pipes: Pipe to the grader, and pipe from it
    """
    conversation = _Conversation(pipes)
    for part in lent:
        module = _module(part["module"], part["stubs"])
        conversation.modules.append(module)
        for name in part["names"]:
            setattr(module, name, conversation.function(name))


def _module(name, stubs):
    """The student's module, or one of stubs if that can't be imported."""
    try:
        return importlib.import_module(name)
    except Exception:
        made = sys.modules[name] = type(sys)(name)
        parent, _, last = name.rpartition(".")
        made.__package__ = parent
        exec(compile(stubs, name, "exec"), vars(made))
        setattr(importlib.import_module(parent), last, made)
        return made


class _Conversation:
    """Calls to the grader, and the grader's calls back while it answers."""

    def __init__(self, pipes):
        self.out, self.replies = pipes
        self.own = []
        self.modules = []

    def function(self, name):
        """A function that asks the grader for its values."""

        def ask(*arguments, **named):
            if "torch" in sys.modules and any(map(_is_tensor, arguments)):
                return _differentiable(self, name, arguments, named)
            return self.ask(name, list(arguments), named)

        ask.__name__ = name
        return ask

    def ask(self, name, arguments, named):
        """The values of a function that runs in the grader's process."""
        self._send({"call": name}, [arguments, named])
        while True:
            about, values = self._receive()
            if "run" in about:
                self._run(about["run"], values)
            elif "returned" in about:
                return values
            else:
                raise RuntimeError(about.get("error", "the grader gave no answer"))

    def _run(self, name, arguments):
        """Call one of the student's own functions for the grader."""
        try:
            function = next(getattr(m, name) for m in self.modules if hasattr(m, name))
            returned = function(*arguments)
        except Exception as error:
            self._send({"raised": type(error).__name__}, None)
            return
        self._send({"returned": True}, returned)

    def _send(self, about, values):
        arrays = {}
        about["values"] = messages.described(values, arrays, self._keep)
        self.out.write(CALL + messages.encode(about, [arrays]))
        self.out.flush()

    def _receive(self):
        prefix = self.replies.read(8)
        payload = self.replies.read(messages.length(prefix))
        about, (arrays,) = messages.decode(payload)
        return about, messages.restored(about.get("values"), arrays, self._fetch)

    def _keep(self, value):
        if isinstance(value, Kept):
            return {"yours": value.number}
        self.own.append(value)
        return {"mine": len(self.own) - 1}

    def _fetch(self, described):
        return self.own[described["yours"]] if "yours" in described else Kept(described["mine"])


def _is_tensor(value):
    return isinstance(value, sys.modules["torch"].Tensor)


def _differentiable(conversation, name, arguments, named):
    """A function of one tensor, with values and gradients from the grader."""
    import torch

    tensor, *others = arguments

    class Lent(torch.autograd.Function):
        @staticmethod
        def forward(ctx, tensor):
            ctx.array = tensor.detach().numpy()
            value = conversation.ask(name, [ctx.array, *others], named)
            return torch.from_numpy(value)

        @staticmethod
        def backward(ctx, upstream):
            arguments = [ctx.array, *others, upstream.contiguous().numpy()]
            return torch.from_numpy(conversation.ask(f"{name} backward", arguments, named))

    return Lent.apply(tensor)
