"""What tests of the grader need from a machine."""

import pytest

from grading.sandbox import NoBox, choose_kind

HOW_TO_GET_A_SANDBOX = (
    "no sandbox works here, so nothing of students' code is tested: install bubblewrap "
    "(apt install bubblewrap), or allow user namespaces; python -m grading.box says what is missing"
)


def works():
    """Whether a sandbox works on this machine."""
    try:
        return bool(choose_kind())
    except NoBox:
        return False


needs_sandbox = pytest.mark.skipif(not works(), reason=HOW_TO_GET_A_SANDBOX)
