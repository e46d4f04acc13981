"""One submission: what its exercises earn, with the student's own functions and with the
reference's.
"""

import inspect

import pytest

from grading import cases, grade_one
from grading.hostile import RNN_LAYERS, corpus, solved, unsolved, zipped
from grading.manifest import MANIFEST
from grading.sandbox import choose_kind
from grading.variants import plain
from tests.grading.machines import needs_sandbox

pytestmark = needs_sandbox


@pytest.fixture
def graded(tmp_path):
    """Function that grades files as a zip."""

    def graded(files, seed=3):
        (tmp_path / "ann.zip").write_bytes(zipped(files))
        return grade_one.grade(tmp_path / "ann.zip", seed)

    return graded


def only(*wanted):
    """The stubs of rnn_layers.py with some functions as most people write them; all other files
    solved.
    """
    functions = "\n\n".join(inspect.getsource(getattr(plain, name)) for name in wanted)
    return solved() | {RNN_LAYERS: f"{unsolved()[RNN_LAYERS]}\n\n{functions}"}


def test_one_mistake_costs_once(graded):
    """A student who misses one function keeps the points of those that build on it: they are tried
    with the reference's.
    """
    grade = graded(
        only(
            "rnn_step_backward", "rnn_backward", "word_embedding_forward", "word_embedding_backward"
        )
    )
    earned = {mark.exercise: mark for mark in grade.marks if mark.points}
    for exercise in (
        "rnn_step_backward",
        "rnn_backward",
        "CaptioningRNN.loss[rnn]",
        "CaptioningRNN.sample[lstm]",
    ):
        assert "in place of yours" in earned[exercise].remark
    lost = {"rnn_step_forward", "rnn_forward"} | {
        name for name in MANIFEST.exercises if name.startswith("lstm")
    }
    assert set(MANIFEST.exercises) - set(earned) == lost
    assert "write rnn_forward" in {v.exercise: v.reason for v in grade.marks}["rnn_forward"]


def test_backward_passes_do_without_their_forward_pass(graded):
    """A right backward pass keeps its points despite a wrong forward pass, if it reads a list of
    the steps' caches.
    """
    files = solved()
    files[RNN_LAYERS] += """

def rnn_forward(x, h0, Wx, Wh, b, lengths=None):
    steps = [rnn_step_forward(x[:, t], h0, Wx, Wh, b) for t in range(x.shape[1])]
    return np.stack([h for h, _ in steps], axis=1), [cache for _, cache in steps]

def rnn_backward(dh, cache):
    dx, dh_next, grads = [], 0, 0
    for t in reversed(range(dh.shape[1])):
        dx_t, dh_next, *step = rnn_step_backward(dh[:, t] + dh_next, cache[t])
        dx.insert(0, dx_t)
        grads = [a + b for a, b in zip(grads, step)] if grads else step
    return np.stack(dx, axis=1), dh_next, *grads
"""
    grade = graded(files)
    marks = {mark.exercise: mark for mark in grade.marks}
    assert [name for name, mark in marks.items() if not mark.points] == ["rnn_forward"]
    assert "another rnn_forward" in marks["rnn_backward"].remark


def test_results(graded):
    """A wrong answer comes with a hint and the numbers behind it, for staff and students alike; the
    rest is right.
    """
    files = solved()
    files[RNN_LAYERS] += (
        "\n\nright = rnn_step_forward\n\ndef rnn_step_forward(*a):\n    h, c = right(*a)\n    return -h, c\n"
    )
    grade = graded(files)
    first = grade.results[0]
    assert (
        first.score == 0
        and "sign" in first.reason.lower()
        and "next_h is wrong, by roughly" in first.note
    )
    assert grade.score == 98 and grade.box == choose_kind()


@pytest.mark.parametrize("exercise", ["rnn_backward", "CaptioningRNN.loss[lstm]", "tv_loss"])
def test_seeds_draw_other_inputs(exercise):
    """Equal seeds give equal inputs, others give others; an exercise is tried in both
    precisions.
    """
    first, again, other = (grade_one.unseen(exercise, seed) for seed in (1, 1, 2))
    assert first is again and len(first) == len(cases.CORNERS[exercise]) + cases.RANDOM
    dtypes = {v.dtype.name for inputs, _ in first for v in inputs.values() if v.dtype.kind == "f"}
    assert dtypes == {"float32", "float64"}
    shapes = [[v.shape for v in inputs.values()] for inputs, _ in first]
    assert shapes != [[v.shape for v in inputs.values()] for inputs, _ in other]


def test_pristine_tree_has_no_answers():
    """The course's files in the sandbox have stubs for exercises, no tests but the calls, and
    nothing of the grader.
    """
    tree = grade_one.pristine()
    assert all(tree[path].count("NotImplementedError") >= 3 for path in MANIFEST.files)
    assert [name for name in tree if name.startswith(("tests/", "exercises/"))] == [
        "exercises/calls.py"
    ]
    assert {name.partition("/")[0] for name in tree} == {
        "deeplearning",
        "read_sources.py",
        "conversation.py",
        "syscall_filter.py",
        "exercises",
        "messages.py",
        "worker.py",
    }


def test_pytorch_is_not_imported_for_stubs(tmp_path, monkeypatch):
    """If questions 3 and 4 are unchanged from the hand-out, their exercises lose their points with
    the same reason and hint as usual, without a sandbox that imports PyTorch.
    """
    (tmp_path / "stubs.zip").write_bytes(zipped(unsolved()))
    opened = []

    class Opened(grade_one.Box):
        def __init__(self, tree, warm=(), kind=None, wanted=()):
            opened.append(warm)
            super().__init__(tree, warm, kind, wanted)

    monkeypatch.setattr(grade_one, "Box", Opened)
    exercises = [e.id for question in ("q3", "q4") for e in MANIFEST.of(question)]
    short = grade_one.grade(tmp_path / "stubs.zip", 3, only=exercises)
    assert opened == [grade_one.NUMPY] and short.score == 0
    monkeypatch.setattr(grade_one.Grading, "_untouched", lambda *_: False)
    assert grade_one.grade(tmp_path / "stubs.zip", 3, only=exercises) == short


def test_a_line_of_their_own_is_tried(tmp_path):
    """One function written among stubs earns its points, whichever file it is in."""
    name = "deeplearning/style_transfer.py"
    own = (
        "\n\ndef content_loss(content_weight, content_current, content_original):\n"
        "    return content_weight * ((content_current - content_original) ** 2).sum()\n"
    )
    files = unsolved() | {name: unsolved()[name] + own}
    (tmp_path / "one.zip").write_bytes(zipped(files))
    only = ["content_loss", "compute_saliency_maps"]
    marks = grade_one.grade(tmp_path / "one.zip", 3, only=only).marks
    assert [bool(mark.points) for mark in marks] == [False, True]


def test_notebooks_alone_are_graded(tmp_path):
    """A submission of notebooks alone, with the functions in their cells, earns their points."""
    (tmp_path / "notebooks.zip").write_bytes(corpus()["notebooks_alone"].build())
    wanted = ["tv_loss", "rnn_step_forward"]
    grade = grade_one.grade(tmp_path / "notebooks.zip", 3, only=wanted)
    lost = {mark.exercise for mark in grade.marks if not mark.points}
    assert lost == set(corpus()["notebooks_alone"].lost) & set(wanted) and lost != set(wanted)


def test_imports_of_another_edition_are_held(tmp_path):
    """Work that imports something this edition of the package lacks is held, with the marks of what
    could be tried.
    """
    files = solved()
    files[RNN_LAYERS] += "\nfrom deeplearning.layers import check_shapes\n"
    (tmp_path / "old.zip").write_bytes(zipped(files))
    grade = grade_one.grade(tmp_path / "old.zip", 3, only=["rnn_step_forward", "tv_loss"])
    assert [bool(mark.points) for mark in grade.marks] == [False, True]
    assert "check_shapes" in grade.held and "another edition" in grade.held
