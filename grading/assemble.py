"""Turn the corpus of wrong and right implementations into packages for the calls, and into files of
a submission.
"""

import ast
import importlib
import inspect
from types import SimpleNamespace

from exercises.calls import CALLS, MODULES
from exercises.compare import agree
from grading.manifest import MANIFEST
from grading.mistakes import mistakes
from grading.variants import plain


def package(functions):
    """A namespace for `CALLS`: right modules, with some functions replaced.

    Inputs:
    - functions: Dictionary from a function's name, as in the manifest ("CaptioningRNN.loss"), to an
      implementation

    Returns: namespace of modules; the layers are those of `grading.variants.plain`
    """
    own = {name: vars(importlib.import_module(module)) for name, module in MODULES.items()}
    layers = own["rnn_layers"] | {k: v for k, v in vars(plain).items() if inspect.isfunction(v)}
    methods = {name.split(".")[1]: functions[name] for name in functions if "." in name}
    functions = {name: functions[name] for name in functions if "." not in name}
    model = type("CaptioningRNN", (own["rnn"]["CaptioningRNN"],), methods)
    return SimpleNamespace(
        rnn_layers=SimpleNamespace(**(layers | functions)),
        rnn=SimpleNamespace(CaptioningRNN=model),
        network_visualization=SimpleNamespace(**(own["network_visualization"] | functions)),
        style_transfer=SimpleNamespace(**(own["style_transfer"] | functions)),
    )


def sources(functions):
    """The same as files of a submission: the repository's modules, with the replacements appended.

    Inputs:
    - functions: As for `package`

    Returns: dictionary from the path of a file, relative to the repository, to its text
    """
    texts = {
        module: [inspect.getsource(importlib.import_module(module))] for module in MODULES.values()
    }
    names = ", ".join(f"{name}={name}" for name, _ in inspect.getmembers(plain, inspect.isfunction))
    texts[MODULES["rnn_layers"]] += [
        _definitions(plain),
        f"import types\n\nplain = types.SimpleNamespace({names})",
    ]
    for name, function in functions.items():
        text = _definitions(inspect.getmodule(function))
        parts = texts[next(e.module for e in MANIFEST.exercises.values() if e.name == name)]
        parts += [text] * (text not in parts) + [f"{name} = {function.__name__}"]
    return {
        module.replace(".", "/") + ".py": "\n\n".join(parts) + "\n"
        for module, parts in texts.items()
    }


def _definitions(module):
    """A module's definitions, and its imports from outside the corpus, as source to append to
    another module.
    """
    nodes = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
        own = isinstance(node, ast.ImportFrom) and node.module.startswith("grading")
        if not own and not isinstance(node, ast.Expr):
            nodes.append(node)
    return ast.unparse(nodes)


def known_wrong(exercise, inputs, expected):
    """The outputs of an exercise's known mistakes, for `hints.hint` to compare with.

    Inputs:
    - exercise: Name of the exercise, as in `CALLS`
    - inputs, expected: Dictionaries of arrays, as `cases.inputs` and `cases.reference` give them

    Returns: list of pairs of a cause and the outputs that differ from the expected ones. Mistakes
    that don't show on these inputs, that raise, or that were written after the hints were frozen
    are left out.
    """
    pairs = []
    for mistake in mistakes():
        if exercise not in mistake.exercises or mistake.held_out:
            continue
        try:
            outputs = CALLS[exercise](package({mistake.function: mistake.wrong}), inputs)
        # the mistake fails for these sizes: there are no numbers to compare with
        except Exception:
            continue
        differing = {
            name: a
            for name, a in outputs.items()
            if name not in expected
            or a.dtype != expected[name].dtype
            or not agree(a, expected[name])
        }
        if differing:
            pairs.append((mistake.cause, differing))
    return pairs
