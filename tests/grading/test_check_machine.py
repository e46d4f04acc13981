"""The reference is graded before anybody else; if it loses points, nobody is graded."""

import pytest

from grading import check_machine
from grading.manifest import MANIFEST
from grading.marks import Grade, Mark
from grading.sandbox import NoBox


def made_up(monkeypatch, *marks):
    monkeypatch.setattr(check_machine, "grade", lambda *_: Grade(list(marks), box="user"))
    return check_machine.check_machine.__wrapped__


def test_full_points_are_no_news(monkeypatch):
    """If the reference earns all points, nothing is raised."""
    marks = [Mark(e.id, e.points) for e in MANIFEST.exercises.values()]
    assert made_up(monkeypatch, *marks)("user") is None


def test_a_broken_machine_is_named(monkeypatch):
    """The message has the first cause, and says whose fault it is."""
    wrong = Mark("tv_loss", 0, "ModuleNotFoundError: No module named 'torch.utils._device'")
    with pytest.raises(NoBox, match="user sandbox. tv_loss: .*torch.utils._device.* machine's"):
        made_up(monkeypatch, Mark("rnn_step_forward", 3), wrong)("user")
