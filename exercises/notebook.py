"""Functions for the notebooks' cells: the verdicts of pytest, finite differences, and predictions.

    check("rnn_step_forward")
    check_gradients("rnn_step_backward", x=x, prev_h=prev_h, Wx=Wx, Wh=Wh, b=b, dnext_h=dnext_h)
    show_predictions({"loss": 3.0}, {"loss": 52.1})

An exercise is named and called as in `exercises.calls`, and judged as pytest judges it, so a
notebook and `pytest -m q1` agree. Each check first makes sure that the code it tests is the code in
the file: if a file was saved with a syntax error, Jupyter keeps running the old version.
"""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import numpy as np

from deeplearning.gradient_check import NotRight, eval_numerical_gradient
from exercises.beyond import TESTED, finding, notes
from exercises.calls import CALLS, MODULES, PARAMETERS, Package
from exercises.compare import compare, distance, limit
from exercises.hints import hint
from exercises.stored import cases, exercises
from exercises.verdict import judge

SPECIAL_WORDS = {"null": np.array(0), "start": np.array(1), "end": np.array(2)}


def check(*names):
    """Test exercises on their stored cases, as pytest does, and print a line for each.

    Inputs:
    - names: Exercises, as in `CALLS`: "rnn_step_forward", "CaptioningRNN.loss[lstm]"; or tasks
      without points, as in `beyond.TESTED`: "dropout"

    Raises NotRight for the first one that is not right, with pytest's message.
    """
    check_loaded()
    for name in names:
        if name in TESTED:
            _check_beyond(name)
            continue
        verdict = judge(name)
        if not verdict.right:
            if not verdict.missing:
                _refuse_unfounded(name)
            raise NotRight(_with_advice(name, str(verdict)))
        print(f"{name}: right in all {len(cases(name))} cases")
        for note in notes(name):
            print(f"  A note on {note}")


def _check_beyond(name):
    said = finding(name)
    if said:
        raise NotRight(said)
    print(f"{name}: right")


def check_gradients(name, **inputs):
    """Compare all gradients of an exercise with finite differences, then test its stored cases.

    A gradient is right if norm(a - n) <= 1e-6 * (norm(a) + norm(n)) + 1e-9. The numerical gradients
    come from your own forward pass, on copies of the inputs, so that arguments changed in place
    can't spoil them.

    Inputs:
    - name: A backward pass, or "CaptioningRNN.loss[...]"
    - inputs: Float64 arrays by name: the arguments of the forward pass and the upstream gradients;
      for the model, its parameters, `features` and `captions`

    Raises NotRight with all gradients and the likely cause, and ValueError for inputs that are not
    float64.
    """
    check_loaded()
    _refuse_other_types(inputs)
    _refuse_unfounded(name)
    verdict = judge(name)
    if verdict.missing:
        raise NotRight(_with_advice(name, str(verdict)))
    numeric = numerical_gradients(name, **inputs)
    outputs = CALLS[name](Package(), SPECIAL_WORDS | inputs if "loss" in name else inputs)
    wrong = {}
    for key, right in numeric.items():
        given = {key: outputs[key]} if key in outputs else {}
        findings = compare(given, {key: right})
        if findings:
            wrong[key] = findings[0]
        line = wrong[key].removeprefix(f"{key} ") if findings else _measured(outputs[key], right)
        print(f"  {key:8s} {line}")
    changed = [key for key in outputs if key.endswith(" kept") and not outputs[key]]
    if wrong or changed:
        gradients = {key: outputs[key] for key in numeric if key in outputs}
        likely = verdict.hint or hint(name, gradients, numeric, [])
        found = [f"{name}: wrong in {', '.join(wrong)}."] if wrong else []
        found += [f"{key.removesuffix(' kept')} was changed in place." for key in changed]
        raise NotRight(_with_advice(name, "\n".join(filter(None, [*found, likely]))))
    if not verdict.right:
        fits = "Your gradients fit your loss, but the loss is not the one that was asked for."
        about_loss = any(finding.startswith("loss is wrong") for finding in verdict.findings)
        said = [fits, str(verdict)] if about_loss else [str(verdict)]
        raise NotRight(_with_advice(name, "\n".join(said)))
    print(f"{name}: right, and right in all {len(cases(name))} stored cases, too")


def numerical_gradients(name, **inputs):
    """Gradients of a backward pass by finite differences of its forward pass.

    Inputs: as for `check_gradients`; they are not changed

    Returns: dictionary from "dx" and the like to float64 arrays
    """
    package = Package()
    forward = CALLS[name.replace("backward", "forward")]
    inputs = {key: value.copy() for key, value in inputs.items()}
    if "loss" in name:
        wanted = PARAMETERS
        inputs = SPECIAL_WORDS | inputs
    else:
        returned = forward(package, inputs)
        upstream = [key for key in inputs if key[0] == "d" and key[1:] in returned]
        wanted = [key for key, value in inputs.items() if key not in upstream and _is_real(value)]

    def objective(_):
        outputs = forward(package, inputs)
        if "loss" in name:
            return float(outputs["loss"])
        return sum(np.sum(outputs[key[1:]] * inputs[key]) for key in upstream)

    return {
        f"d{key}": eval_numerical_gradient(objective, inputs[key], verbose=False) for key in wanted
    }


def show_predictions(predictions, measured):
    """Print predictions next to the results.

    Inputs:
    - predictions: Dictionary from a name to your number or word; None if you made no prediction
    - measured: Dictionary from the same names to the notebook's results
    """
    width = max(map(len, measured))
    print(f"{'':{width}s}  {'you said':>12s}  {'it is':>12s}")
    for name, truth in measured.items():
        print(f"{name:{width}s}  {_shown(predictions.get(name)):>12s}  {_shown(truth):>12s}")


def check_loaded():
    """Make sure that the exercises' code in memory is the code in their files.

    Raises NotRight with the file, and the line that Python can't read.
    """
    for name in MODULES.values():
        module = sys.modules.get(name)
        if module is not None:
            _check_module(module)


def question_tests(question):
    """Run all tests of a question in a separate process, and print their table of points.

    Inputs:
    - question: "q1" to "q4"

    Raises NotRight if one of them fails.
    """
    command = [sys.executable, "-m", "pytest", "tests/exercises", "-q", "-m", question]
    run = subprocess.run(
        [*command, "--no-header", "--color=no"],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    print(run.stdout[-6000:], run.stderr[-1000:])
    if run.returncode:
        raise NotRight(f"The tests of {question} fail: read their messages above.")


def _check_module(module):
    path = Path(module.__file__)
    try:
        compiled = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NotRight(
            f"{path.name}, line {error.lineno}: Python can't read it ({error.msg}), so the code "
            "from before is still running. Fix it, save, and run this cell again."
        ) from None
    in_file = {_fingerprint(code) for code in _codes(compiled)}
    in_file |= {_fingerprint(code) for code in _compiled_alone(path)}
    running = [_fingerprint(function.__code__) for function in _functions(module)]
    if not in_file.issuperset(running):
        raise NotRight(
            f"{path.name} has changed, but the code from before is still running. Run the first "
            "cell of the notebook again, which reloads it. If that cell raises an error, the error "
            "is in the file; if not, and this message comes back, restart the kernel."
        )


def _codes(code):
    """A code object and all those inside it, at any depth."""
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_consts"):
            yield from _codes(constant)


def _compiled_alone(path):
    """Code objects of a file's functions as IPython's reload makes them, from each function alone.
    Python then doesn't see that np is a module, and chooses other instructions for np.tanh(a).
    """
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef):
            yield from _codes(compile(ast.unparse(node), str(path), "exec", dont_inherit=True))


def _fingerprint(code):
    """What a function does, without its line numbers and its docstring's indentation, since
    IPython's reload changes both.
    """
    constants = tuple(_constant(c) for c in code.co_consts)
    return code.co_name, code.co_code, code.co_names, code.co_varnames, constants


def _constant(value):
    if hasattr(value, "co_consts"):
        return _fingerprint(value)
    return repr(" ".join(value.split()) if isinstance(value, str) else value)


def _functions(module):
    """Functions and methods that a module's file defines, without their decorators."""
    scopes = [vars(module)]
    scopes += [vars(value) for value in vars(module).values() if isinstance(value, type)]
    for scope in scopes:
        for value in list(scope.values()):
            function = inspect.unwrap(getattr(value, "__func__", value))
            own = isinstance(function, FunctionType) and function.__module__ == module.__name__
            # methods of dataclasses are made by exec, not from a file
            if own and function.__code__.co_filename != "<string>":
                yield function


def _refuse_other_types(inputs):
    wrong = [key for key, value in inputs.items() if value.dtype.kind == "f" and value.itemsize < 8]
    if wrong:
        raise ValueError(f"finite differences need float64, got another type for {wrong[0]}")


def _refuse_unfounded(name):
    """Raise NotRight if an exercise that this one builds on is not right."""
    for below in exercises()[name]["needs"]:
        verdict = judge(below)
        if not verdict.right:
            message = f"{name} builds on {below}, which is not right yet: begin there.\n{verdict}"
            raise NotRight(_with_advice(below, message))


def _measured(a, n):
    """How far a right gradient is from the numerical one."""
    return f"differs by {distance(a, n):.1e}, limit {limit(a, n):.1e}: right"


def _with_advice(name, message):
    question = exercises()[name]["question"]
    return f"{message}\n(All tests of this question, with their points: pytest -m {question})"


def _is_real(value):
    return value.dtype.kind == "f"


def _shown(value):
    if value is None:
        return "nothing yet"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
