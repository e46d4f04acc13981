"""Print the points of one work tree or zip as a table, and write Gradescope's results.json.

    python -m grading.score ../student --out build

Every exercise is tried on unseen inputs. One that builds on others is first tried with the
student's own, and if that fails, with the reference's in their place; the better try counts. Exit
status: 0 all points, 1 some are missing, 2 wrong usage.
"""

import argparse
import json
import sys
from pathlib import Path

from deeplearning.files import atomic_write
from grading.check_machine import check_machine
from grading.extra_credit import extra_credit
from grading.grade import seed_number
from grading.grade_one import grade
from grading.manifest import MANIFEST, Exercise
from grading.results import gradescope, table
from grading.sandbox import NoBox

ROOT = Path(__file__).resolve().parent.parent


def score(path, seed, kind=None):
    """Points of a submission.

    Inputs:
    - path: Work tree, or zip
    - seed: Integer that inputs, and the pictures of the extra credit, are drawn from
    - kind: Kind of sandbox, by default the best that works here

    Returns: list of `results.Result`, one for each exercise, and one for the extra credit if a
    model was handed in; and list of sentences about the submission

    Raises NoBox if students' code can't be run, or points are missing and even the reference would
    lose some on this machine.
    """
    graded = grade(path, seed, kind)
    if any(mark.reason for mark in graded.marks) and graded.box not in ("", "none"):
        check_machine(kind)
    graded.extra = extra_credit(path, seed)
    return graded.results, graded.remarks


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m grading.score",
        description="Print the points of one work tree or zip; write Gradescope's results.json.",
        epilog="example: python -m grading.score ../student --out build",
    )
    parser.add_argument(
        "tree",
        nargs="?",
        default=ROOT,
        type=Path,
        help="work tree or zip (default: this repository)",
    )
    parser.add_argument("--out", type=Path, help="folder to write results.json into")
    parser.add_argument(
        "--seed", type=seed_number, default=0, help="seed of the unseen inputs (default: 0)"
    )
    parser.add_argument(
        "--unsafe",
        action="store_true",
        help="run the code without a sandbox: only if you trust it",
    )
    args = parser.parse_args(argv)
    if not args.tree.exists():
        parser.error(f"{args.tree} does not exist")
    try:
        results, notes = score(args.tree, args.seed, "none" if args.unsafe else None)
    except NoBox as error:
        sys.exit(f"score: {error}")
    print("\n".join([table(results), *notes]))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        made = gradescope(results) | {"output": "\n".join(notes)}
        with atomic_write(args.out / "results.json") as file:
            file.write(json.dumps(made, indent=1).encode())
    regular = [result for result in results if isinstance(result.exercise, Exercise)]
    return int(sum(result.score for result in regular) < MANIFEST.points)


if __name__ == "__main__":
    sys.exit(main())
