"""The record of a graded submission, and what is kept when some exercises are tried again."""

import pytest

from grading.manifest import MANIFEST
from grading.marks import Grade, Mark, held
from grading.record import as_record, kept_marks, merged

ABOUT = {"seed": 7, "fingerprint": "f"}


def whole(reason="", points=1):
    marks = [Mark(id, points, reason) for id in MANIFEST.exercises]
    return as_record(Grade(marks, box="bubblewrap"), ABOUT)


def test_marks_stay():
    """If a submission was graded from the same files with the same seed, all its marks are kept."""
    assert kept_marks(whole(), ABOUT).keys() == set(MANIFEST.exercises)


@pytest.mark.parametrize(
    "before",
    [
        {},
        ABOUT | {"failed": "x"},
        whole() | {"fingerprint": "of older files"},
        whole() | {"seed": 8},
        whole() | {"marks": {"tv_loss": {}}},
        as_record(held("two works"), ABOUT),
    ],
)
def test_what_was_not_graded_whole_keeps_nothing(before):
    """A submission that is new, changed, failed or was held is graded in full: no untried exercise
    counts as wrong.
    """
    assert kept_marks(before, ABOUT) == {}


def test_it_stays_held():
    """Work held for its imports stays held, whichever other exercise is tried again."""
    before = whole("ImportError: cannot import name 'x' from 'deeplearning.layers'", 0)
    again = as_record(Grade([Mark("tv_loss", 5)], box="bubblewrap"), ABOUT)
    both = merged(before, again)
    assert both["marks"]["tv_loss"]["right"] and "cannot import name" in both["held"]
