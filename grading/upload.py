"""Grade one upload as Gradescope's containers do, and write points and reasons to results.json.

    python -m grading.upload SUBMISSION --out results --secret seed

Inputs are drawn from the secret and the upload together: the same upload always gets the same
inputs and a different one gets others, so uploading again collects no answers. If points are
missing, the reference is graded in the same sandbox too; if even that loses points, or anything
else is wrong with the machine, the upload gets no points but a message that says so, and the exit
status is 1.
"""

import argparse
import hashlib
import json
import sys
import traceback
from pathlib import Path

from deeplearning.files import atomic_write
from grading.check_machine import check_machine
from grading.extra_credit import extra_credit
from grading.fingerprint import fingerprint
from grading.grade_one import grade
from grading.manifest import MANIFEST
from grading.record import as_record, results_of
from grading.sandbox import choose_kind


def upload_seed(secret: str, mark: str) -> int:
    """The seed of an upload, from the course's secret and the upload's fingerprint."""
    return int(hashlib.sha256(f"{secret.strip()} {mark}".encode()).hexdigest()[:8], 16)


def content_mark(path: Path) -> str:
    """A fingerprint of an upload's content, without file times, which unpacking changes."""
    if not path.is_dir():
        return fingerprint([path])
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
        digest.update(file.relative_to(path).as_posix().encode("utf-8", "surrogateescape"))
        digest.update(file.read_bytes())
    return digest.hexdigest()


def results(path: Path, secret: str, kind: str | None = None) -> dict:
    """The content of results.json. Raises an error if something is wrong with the machine."""
    kind = kind or choose_kind()
    mark = content_mark(path)
    seed = upload_seed(secret, mark)
    graded = grade([path], seed, kind)
    if any(each.reason for each in graded.marks) and graded.box:
        check_machine(kind)
    if not graded.held:
        graded.extra = extra_credit([path], seed)
    found = results_of(as_record(graded, {"seed": seed, "fingerprint": mark}))
    if graded.held:
        found |= {"score": 0, "output": f"Not graded yet, staff will check it: {graded.held}"}
    return found


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m grading.upload",
        description="Grade one upload as Gradescope's containers do.",
        epilog="example: python -m grading.upload submission --out results --secret seed",
    )
    parser.add_argument("submission", type=Path, help="folder or zip")
    parser.add_argument("--out", type=Path, required=True, help="folder for results.json")
    parser.add_argument("--secret", type=Path, required=True, help="file that holds the secret")
    args = parser.parse_args(argv)
    for path in (args.submission, args.secret):
        if not path.exists():
            parser.error(f"{path} does not exist")
    args.out.mkdir(parents=True, exist_ok=True)
    status = 0
    try:
        found = results(args.submission, args.secret.read_text(encoding="utf-8"))
    except Exception as error:  # whatever it is, it is not the student's fault
        traceback.print_exc()
        found = {"tests": [], "output": f"{NOT_GRADED} ({error})"}
        status = 1
    with atomic_write(args.out / "results.json") as file:
        file.write(json.dumps(found, indent=1).encode("utf-8", "replace"))
    print(f"{found.get('score', 'no')} of {MANIFEST.points} points")
    return status


NOT_GRADED = (
    "Nothing was graded: something is wrong with the machine that grades, which is not your fault. "
    "Tell the course staff"
)


if __name__ == "__main__":
    sys.exit(main())
