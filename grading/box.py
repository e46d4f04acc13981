"""Check that this machine can grade: find its sandbox, and grade the reference in it.

    python -m grading.box

Exit status: 0 all is well; 1 students' code can't be graded here, and a message says why.
"""

import argparse
import sys

from grading.check_machine import check_machine
from grading.sandbox import NoBox, choose_kind


def main(argv=None):
    argparse.ArgumentParser(
        prog="python -m grading.box",
        description="Check whether students' code can be graded here, and in which sandbox.",
        epilog="example: python -m grading.box",
    ).parse_args(argv)
    try:
        kind = choose_kind()
        check_machine(kind)
    except NoBox as error:
        sys.exit(f"box: {error}")
    print(f"students' code runs in the {kind} sandbox; the reference earns all its points there")


if __name__ == "__main__":
    main()
