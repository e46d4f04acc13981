"""Make the zip that Gradescope takes as an autograder.

    python -m grading.autograder

writes build/autograder.zip, from the files that git tracks: the package, the grader and the
exercises' calls, with setup.sh and run_autograder from grading/gradescope/ next to them. Gradescope
unpacks it into /autograder/source, and runs setup.sh once and run_autograder for each submission.
Inputs are drawn from a secret that is written into the zip, and from the upload.

Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

import argparse
import fnmatch
import secrets
import sys
from pathlib import Path

from grading.grade import seed_number
from grading.handout import ROOT, content_of, tracked_files, write_zip

SCRIPTS = "grading/gradescope/"
KEPT = ["requirements.txt", "deeplearning/*", "grading/*", "exercises/*"]
NOT_NEEDED = ["grading/hostile/*", "grading/student/*"]


def autograder_files(seed):
    """The zip's files: dictionary from their names, with slashes, to bytes."""
    files = {"seed": f"{seed}\n".encode()}
    for name in tracked_files():
        if any(fnmatch.fnmatch(name, pattern) for pattern in KEPT) and not any(
            fnmatch.fnmatch(name, pattern) for pattern in NOT_NEEDED
        ):
            files[name.removeprefix(SCRIPTS)] = content_of(name)
    return files


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m grading.autograder",
        description="Make the zip that Gradescope takes as an autograder.",
        epilog="example: python -m grading.autograder --out build",
    )
    parser.add_argument(
        "--out", default=ROOT / "build", type=Path, help="folder to write into (default: build)"
    )
    parser.add_argument(
        "--seed",
        type=seed_number,
        help="secret that unseen inputs are drawn from (default: a random one)",
    )
    args = parser.parse_args(argv)
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        files = autograder_files(seed)
        archive = write_zip(args.out / "autograder.zip", files)
    except OSError as error:
        sys.exit(f"autograder: {error}")
    print(f"{archive}: {len(files)} files, {archive.stat().st_size / 1e6:.1f} MB; seed {seed}")


if __name__ == "__main__":
    main()
