"""Answer an appeal: show what an exercise of a graded submission was asked, what it answered, and
what was expected.

    python -m grading.explain grades/ada lstm_backward

runs the exercise again in the sandbox, on the inputs of that submission's seed, and prints the
first wrong case, or the one given by --case. For staff only: it shows the right answers.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from exercises.compare import compare, settled
from grading.find_work import read_submission
from grading.fingerprint import fingerprint
from grading.grade_one import BOXES, Grading, unseen
from grading.manifest import MANIFEST
from grading.messages import printable
from grading.record import grader_version, read_record, results_of
from grading.sandbox import Box, BoxError, NoBox, choose_kind


def answers(paths, exercise: str, seed: int, kind: str):
    """A submission's answers to the inputs of a seed.

    Returns: list of pairs of inputs and right answers; and list of answers, or the text of an error

    Raises ValueError if nothing can be read, or the submission is held.
    """
    handed_in = read_submission(paths)
    if handed_in.held:
        raise ValueError(f"the submission is held: {handed_in.held}")
    pairs = unseen(exercise, seed)
    question = MANIFEST.exercises[exercise].question
    (warm,) = [warm for questions, warm in BOXES if question in questions]
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        grading = Grading(Path(folder), handed_in, seed, kind)
        grading.write_course()
        with Box(grading.tree, warm, kind) as box:
            grading.prepare(box)
            try:
                about = {"task": "exercise", "exercise": exercise}
                return pairs, box.ask(about, [inputs for inputs, _ in pairs])[1]
            except BoxError as error:
                return pairs, str(error)


def explained(pairs, found, case: int | None = None) -> str:
    """A case in words and numbers: the first wrong one, or the one of a number, counted from 1."""
    if isinstance(found, str):
        return f"It ended in an error: {found}"
    if case is not None and not 1 <= case <= len(pairs):
        raise ValueError(f"there is no case {case}: they are numbered from 1 to {len(pairs)}")
    if len(found) != len(pairs):
        return f"It gave {len(found)} answers to {len(pairs)} questions."
    wrong = [
        number
        for number, (outputs, (_, expected)) in enumerate(zip(found, pairs, strict=False))
        if compare(settled(outputs, expected)[0], expected)
    ]
    if case is None and not wrong:
        return f"All {len(pairs)} cases are right, with the student's own functions."
    names = ", ".join(str(number + 1) for number in wrong) or "none"
    number = wrong[0] if case is None else case - 1
    (inputs, expected) = pairs[number]
    outputs = found[number]
    lines = [
        f"Case {number + 1} of {len(pairs)}. Wrong cases: {names}.",
        "",
        "Inputs",
    ]
    lines += [f"{name} = {_numbers(value)}" for name, value in inputs.items()]
    for name, right in expected.items():
        answer = outputs.get(name)
        if right.dtype.kind == "b" and np.array_equal(answer, right):
            continue  # an argument that was not changed
        lines += ["", f"{name}: expected", _numbers(right), "answered", _numbers(answer)]
        if (
            isinstance(answer, np.ndarray)
            and answer.shape == right.shape
            and right.dtype.kind == "f"
        ):
            lines += ["difference", _numbers(answer - right)]
    return "\n".join([*lines, "", *compare(settled(outputs, expected)[0], expected)])


def verdict(record: dict, exercise: str) -> str:
    """How an exercise was graded: its points, and what the student reads about them."""
    if "failed" in record:
        return printable(f"Not graded: {record['failed']}")
    if record["held"]:
        return printable(f"Held: {record['held']}")
    (test,) = [test for test in results_of(record)["tests"] if test["name"] == exercise]
    said = " ".join(test["output"].split())
    sentences = [f"Graded with {test['score']:g} of {test['max_score']:g} points. {said}"]
    if record["marks"][exercise].get("remark"):
        sentences.append("Below is what it does with the student's own functions alone.")
    return printable(" ".join(sentences))


def _numbers(value):
    if not isinstance(value, np.ndarray):
        return f"{type(value).__module__}.{type(value).__qualname__}, not a plain array"
    text = np.array2string(value, precision=6, threshold=200, separator=", ")
    return f"{value.dtype} {value.shape}\n{text}" if value.ndim else f"{value.dtype} {text}"


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m grading.explain",
        description="Show what an exercise of a graded submission was asked, what it answered, "
        "and what was expected.",
        epilog="example: python -m grading.explain grades/ada lstm_backward",
    )
    parser.add_argument("folder", type=Path, help="folder of the submission's grades")
    parser.add_argument("exercise", choices=list(MANIFEST.exercises), metavar="EXERCISE")
    parser.add_argument("--case", type=int, help="number of the case, counted from 1")
    parser.add_argument("--unsafe", action="store_true", help="run the code without a sandbox")
    args = parser.parse_args(argv)
    record = read_record(args.folder)
    if "paths" not in record:
        parser.error(f"{args.folder} holds no graded.json of a graded submission")
    print(f"{args.folder.name}, {args.exercise}, seed {record['seed']}")
    print(verdict(record, args.exercise))
    version = record.get("marks", {}).get(args.exercise, {}).get("version")
    if version != grader_version():
        print(f"It was graded by version {version}; this is {grader_version()}.")
    try:
        if record.get("fingerprint") != fingerprint(record["paths"]):
            print("The files have changed since: below is what the present ones do.")
        kind = "none" if args.unsafe else choose_kind()
        pairs, found = answers(record["paths"], args.exercise, record["seed"], kind)
        print(explained(pairs, found, args.case))
    except (NoBox, OSError, ValueError) as error:
        sys.exit(f"explain: {error}")


if __name__ == "__main__":
    main()
