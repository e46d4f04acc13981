"""Wrong implementations are caught where they are wrong and only there, most with their cause;
right ones pass.

Here a mistake replaces one function in an otherwise right tree.
"""

import collections
import functools
from importlib.metadata import version
from pathlib import Path

import pytest

from exercises.calls import CALLS
from exercises.compare import compare
from exercises.hints import hint
from exercises.verdict import judge
from grading import cases
from grading.assemble import known_wrong, package, sources
from grading.grade_one import unseen
from grading.manifest import MANIFEST
from grading.mistakes import mistakes
from grading.variants import variants

ROOT = Path(__file__).resolve().parents[2]
MISTAKES, VARIANTS = mistakes(), variants()
each_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
each_variant = pytest.mark.parametrize("variant", VARIANTS)


def named(mistake, reason):
    """Whether a message names the cause of a mistake."""
    return bool(reason) and (
        mistake.cause in reason or (mistake.says is not None and mistake.says in reason)
    )


@functools.cache
def one_case(exercise, seed):
    """Inputs of one unseen case and the reference's outputs; drawing them takes a while."""
    inputs = cases.inputs(exercise, seed)
    return inputs, cases.reference(exercise, inputs)


@functools.cache
def stored_verdict(exercise, mistake):
    """The verdict of an exercise's stored cases on a tree with one mistake."""
    return judge(exercise, package({mistake.function: mistake.wrong}))


def related(mistake):
    """Exercises that a mistake may lose: its own, and those that build on it."""
    own = set(mistake.exercises)
    return own | {e.id for e in MANIFEST.exercises.values() if own & set(e.needs)}


def implemented(variant):
    """Exercises that a variant implements."""
    return [e.id for e in MANIFEST.exercises.values() if e.name in VARIANTS[variant]]


def test_size_of_the_corpus():
    """At least 80 mistakes, 3 for every exercise, 10 of them held out; at least 20 right variants,
    2 for every exercise.
    """
    assert len(MISTAKES) >= 80 and len({m.name for m in MISTAKES}) == len(MISTAKES)
    assert sum(m.held_out for m in MISTAKES) >= 10
    wrong = collections.Counter(e for m in MISTAKES for e in m.exercises)
    right = collections.Counter(e for variant in VARIANTS for e in implemented(variant))
    assert wrong.keys() == right.keys() == MANIFEST.exercises.keys()
    assert min(wrong.values()) >= 3 and len(VARIANTS) >= 20 and min(right.values()) >= 2


def test_causes_are_told_apart():
    """No two mistakes of an exercise have the same cause."""
    causes = [(e, m.cause) for m in MISTAKES for e in m.exercises]
    assert len(set(causes)) == len(causes)


@each_mistake
def test_mistake_is_caught_in_its_exercise_alone(mistake):
    """The stored cases of its exercise find it; those of its question that do not build on
    it pass.
    """
    question = MANIFEST.exercises[mistake.exercises[0]].question
    exercises = {e.id for e in MANIFEST.of(question)} | set(mistake.exercises)
    wrong = {exercise for exercise in exercises if not stored_verdict(exercise, mistake).right}
    assert set(mistake.exercises) <= wrong <= related(mistake)


@pytest.mark.corpus
@each_mistake
def test_mistake_is_caught_nowhere_else(mistake):
    """No exercise of any question is lost that does not build on it."""
    tree = package({mistake.function: mistake.wrong})
    assert {exercise for exercise in CALLS if not judge(exercise, tree).right} <= related(mistake)


def test_most_causes_are_named():
    """The message names the true cause of 70 % of all mistakes, and of half of those held out;
    staff.md counts. No message names two: the stored cases tell known mistakes apart.
    """
    hits = {True: [], False: []}
    for mistake in MISTAKES:
        reasons = [stored_verdict(e, mistake).reason for e in mistake.exercises]
        hits[mistake.held_out].append(all(named(mistake, reason) for reason in reasons))
        assert not any("Or, which gives the same here" in reason for reason in reasons), reasons
    late, everything = hits[True], hits[True] + hits[False]
    assert sum(everything) >= 0.7 * len(everything)
    assert sum(late) >= 0.5 * len(late)
    page = (ROOT / "docs" / "staff.md").read_text(encoding="utf-8")
    counts = [sum(everything)]
    if f"\ntorch=={version('torch')}\n" not in (ROOT / "constraints.txt").read_text():
        counts.append(counts[0] + 1)  # make_fooling_image:never_stops enlarges other roundings
    told = f"The message names the cause for {{}} of {len(everything)} mistakes"
    assert any(told.format(count) in page for count in counts)
    assert (
        f"and for {sum(late)} of the {len(late)} that were written after all hints were fixed."
        in page
    )


@pytest.mark.parametrize("exercise", CALLS)
def test_causes_are_named_on_unseen_cases(exercise):
    """On the grader's unseen cases, three of four known mistakes that show get their cause."""
    hits = []
    for seed in range(6):
        inputs, expected = one_case(exercise, seed)
        wrong = known_wrong(exercise, inputs, expected)
        for mistake in MISTAKES:
            if exercise in mistake.exercises and mistake.cause in dict(wrong):
                outputs = CALLS[exercise](package({mistake.function: mistake.wrong}), inputs)
                hits.append(named(mistake, hint(exercise, outputs, expected, wrong)))
    assert len(hits) >= 12 and sum(hits) >= 0.75 * len(hits)


@each_mistake
def test_mistake_shows_on_some_unseen_case(mistake):
    """The unseen cases of one run, as the grader draws them, are enough to find it."""
    for exercise in mistake.exercises:
        tree = package({mistake.function: mistake.wrong})
        assert any(not right_on(exercise, tree, *pair) for pair in unseen(exercise, 0))


def right_on(exercise, tree, inputs, expected):
    try:
        return not compare(CALLS[exercise](tree, inputs), expected)
    except Exception:  # a mistake may raise
        return False


@each_variant
def test_variant_gets_full_marks(variant):
    """Every exercise that it implements is right on the stored cases."""
    tree = package(VARIANTS[variant])
    verdicts = [judge(exercise, tree) for exercise in implemented(variant)]
    assert verdicts and [str(verdict) for verdict in verdicts if not verdict.right] == []


def check_variants(exercise, seeds):
    """All variants of an exercise on unseen cases."""
    trees = {
        variant: package(VARIANTS[variant])
        for variant in VARIANTS
        if exercise in implemented(variant)
    }
    for seed in seeds:
        inputs, expected = one_case(exercise, seed)
        for variant, tree in trees.items():
            assert compare(CALLS[exercise](tree, inputs), expected) == [], f"{variant}, seed {seed}"


@pytest.mark.parametrize("exercise", CALLS)
def test_variants_are_right_on_unseen_cases(exercise):
    """None fails on nine seeds; `-m corpus` tries three hundred."""
    check_variants(exercise, range(9))


@pytest.mark.corpus
@pytest.mark.parametrize("exercise", CALLS)
def test_variants_are_right_on_three_hundred_unseen_cases(exercise):
    """None fails on any of 300 seeds: verdicts rest on the reference in float64, not on
    differences.
    """
    check_variants(exercise, range(300))


@pytest.mark.parametrize(
    "functions", [*VARIANTS.values(), *({m.function: m.wrong} for m in MISTAKES[::20])]
)
def test_sources_are_files_that_python_reads(functions):
    """As files, the corpus defines each function after the repository's own one, without importing
    the staff's side.
    """
    for path, text in sources(functions).items():
        compile(text, path, "exec")
        assert "import grading" not in text and "from grading" not in text
    together = "".join(sources(functions).values())
    assert all(
        f"\n{name} = {function.__name__}\n" in together for name, function in functions.items()
    )
