"""The manifest: what it refuses, and what follows from it."""

import re
from pathlib import Path

import pytest

from grading.manifest import MANIFEST, PATH, Manifest

ROOT = Path(__file__).resolve().parents[2]


def test_every_function_has_a_sketch_of_two_lines():
    """The hand-out has a two-line sketch for every function, given only once if the function counts
    for two cells.
    """
    sketches = {}
    for exercise in MANIFEST.exercises.values():
        sketches.setdefault((exercise.module, exercise.name), []).extend(exercise.sketch)
    assert {len(lines) for lines in sketches.values()} == {2}


def test_exercises_build_on_earlier_ones_alone():
    """Whatever an exercise needs comes before it, so working through the list in order meets no
    gap.
    """
    earlier = set()
    for exercise in MANIFEST.exercises.values():
        assert set(exercise.needs) <= earlier
        assert exercise.cache_of is None or exercise.cache_of in exercise.needs
        earlier.add(exercise.id)


def test_extra_credit_rises_with_the_score():
    """Below the first level there are no points; each level gives more, and the last gives all."""
    extra = MANIFEST.extra
    assert list(extra.levels) == sorted(extra.levels)
    assert extra.earned(0) == 0 and extra.earned(extra.levels[0][0]) == extra.levels[0][1]
    assert extra.earned(10) == extra.levels[-1][1] == extra.points


@pytest.mark.parametrize(
    "old, new, said",
    [
        (
            'needs = ["gram_matrix"]',
            'needs = ["gramm_matrix"]',
            r"style_loss names an unknown .*gramm_matrix",
        ),
        ('name = "tv_loss"', 'name = "gram_matrix"', "the same id"),
        ('question = "q4"', 'question = "q5"', r"content_loss names an unknown question .*q5"),
        ('title = "LSTM",', 'title = "LSTM", points = 30,', "leave out a question's points"),
    ],
)
def test_slips_of_the_pen_are_refused(tmp_path, old, new, said):
    """An unknown or ambiguous name is refused when the file is read."""
    text = PATH.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "exercises.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        Manifest(tmp_path / "exercises.toml")


def test_each_exercise_has_its_test():
    """The file of a question's tests asks for each of its exercises once, in their order."""
    for question in MANIFEST.questions.values():
        asked = re.findall(r'check\("(.+?)"\)', (ROOT / question.tests).read_text(encoding="utf-8"))
        assert asked == [exercise.id for exercise in MANIFEST.of(question.id)]
