"""The verdict on an exercise: its call on every stored case, compared with the stored answers."""

import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from exercises.calls import CALLS, MODULES, Package
from exercises.compare import compare, only_precision, settled
from exercises.hints import hint, hint_of_error
from exercises.stored import cases


@dataclass(frozen=True)
class Verdict:
    """Whether an exercise is right.

    - exercise: Its name
    - findings: What is wrong, one sentence each; empty if it is right
    - hint: A sentence on the likely cause, or None
    - shapes: Dtype and shapes of the case that failed
    - missing: Whether it is not written yet
    - slip: Whether all is right except for float64 results from float32 inputs
    """

    exercise: str
    findings: tuple[str, ...] = ()
    hint: str | None = None
    shapes: str = ""
    missing: bool = False
    slip: bool = False

    @property
    def right(self):
        return not self.findings

    @property
    def reason(self):
        """The single most helpful sentence."""
        return "" if self.right else self.hint or self.findings[0]

    def __str__(self):
        if self.right:
            return f"{self.exercise} is right."
        if self.missing:
            return self.findings[0]
        lines = [
            f"{self.exercise} on {self.shapes}",
            *(f"  {finding}" for finding in self.findings[:3]),
        ]
        if len(self.findings) > 3:
            lines.append(f"  and {len(self.findings) - 3} more.")
        return "\n".join([*lines, self.hint] if self.hint else lines)


def judge(exercise, package=None, stored=None):
    """Judge an exercise.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - package: Namespace with the modules of the exercises, by default those of `deeplearning`
    - stored: List of cases, by default all stored ones

    Returns: `Verdict` on the first case that is not right, or one that says that all are right
    """
    package = package or Package()
    slip = None
    for case in stored or cases(exercise):
        verdict = _judge_case(exercise, package, case)
        if not verdict.right and not verdict.slip:
            return verdict
        slip = slip or (verdict if verdict.slip else None)
    return slip or Verdict(exercise)


def _judge_case(exercise, package, case):
    shapes = ", ".join(f"{name} {array.shape}" for name, array in case.inputs.items() if array.ndim)
    dtype = next(str(array.dtype) for array in case.inputs.values() if array.dtype.kind == "f")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = CALLS[exercise](package, case.inputs)
    except NotImplementedError as error:
        return Verdict(exercise, (str(error) or "It is not written yet.",), missing=True)
    except Exception as error:
        said = _raised(error)
        return Verdict(exercise, (said,), hint_of_error(exercise, said), f"{dtype} {shapes}")
    outputs, _ = settled(outputs, case.expected)
    findings = tuple(compare(outputs, case.expected))
    likely = hint(exercise, outputs, case.expected, case.wrong) if findings else None
    slip = bool(findings) and only_precision(outputs, case.expected)
    return Verdict(exercise, findings, likely, f"{dtype} {shapes}", slip=slip)


def _raised(error):
    """The error, and the line in the exercises' modules that it came from."""
    what = f"{type(error).__name__}: {error}"
    files = tuple(module.replace(".", "/") + ".py" for module in MODULES.values())
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if _slashed(frame).endswith(files)
    ]
    return (
        f'{what} (line {own[-1].lineno} of {Path(own[-1].filename).name}: "{own[-1].line}")'
        if own
        else what
    )


def _slashed(frame):
    return Path(frame.filename).as_posix()
