"""The checks that the notebooks' cells call: pytest's verdicts, on the code in the files."""

import textwrap

import numpy as np
import pytest

from deeplearning import rnn_layers
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.figures import COLOURS, MARKERS
from exercises import notebook
from exercises.notebook import NotRight, check, check_gradients, show_predictions
from exercises.stored import cases
from exercises.verdict import judge

SIZES = {
    "rnn_step_backward": {"x": (3, 4), "prev_h": (3, 5), "dnext_h": (3, 5)},
    "rnn_backward": {"x": (3, 2, 4), "h0": (3, 5), "dh": (3, 2, 5)},
    "lstm_step_backward": {
        "x": (3, 4),
        "prev_h": (3, 5),
        "prev_c": (3, 5),
        "dnext_h": (3, 5),
        "dnext_c": (3, 5),
    },
    "lstm_backward": {"x": (3, 2, 4), "h0": (3, 5), "dh": (3, 2, 5)},
}


def inputs_of(exercise):
    """Random inputs of a backward pass."""
    rng = np.random.default_rng(0)
    width = 20 if exercise.startswith("lstm") else 5
    weights = {"Wx": (4, width), "Wh": (5, width), "b": (width,)}
    return {name: rng.normal(size=size) for name, size in (SIZES[exercise] | weights).items()}


def replace(monkeypatch, name, wrong):
    """Replace an exercise with a wrong function."""
    monkeypatch.setattr(rnn_layers, name, wrong)


def test_check_says_what_pytest_says(monkeypatch, capsys):
    """A right exercise gets a line; a wrong one raises an error with pytest's verdict and how to
    run its tests; an unwritten one says so.
    """
    check("rnn_step_forward", "CaptioningRNN.loss[lstm]")
    printed = capsys.readouterr().out.splitlines()
    count = len(cases("rnn_step_forward"))
    assert printed[0] == f"rnn_step_forward: right in all {count} cases" and len(printed) == 2

    def without_tanh(x, prev_h, Wx, Wh, b):
        return x @ Wx + prev_h @ Wh + b, None

    replace(monkeypatch, "rnn_step_forward", without_tanh)
    with pytest.raises(NotRight) as raised:
        check("rnn_step_forward")
    assert str(raised.value).startswith(str(judge("rnn_step_forward")))
    assert "tanh is missing" in str(raised.value) and "pytest -m q1" in str(raised.value)

    def unwritten(*_):
        raise NotImplementedError("Q1: write rnn_step_forward")

    replace(monkeypatch, "rnn_step_forward", unwritten)
    with pytest.raises(NotRight, match="^Q1: write rnn_step_forward"):
        check("rnn_step_forward")


@pytest.mark.parametrize("exercise", SIZES)
def test_right_gradients_pass(exercise, capsys):
    """The gradients of a right exercise agree with finite differences, one line for each."""
    check_gradients(exercise, **inputs_of(exercise))
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("right") for line in lines[:-1]] == [True] * (len(lines) - 1)
    assert len(lines) - 1 == sum(not name.startswith("d") for name in inputs_of(exercise))


def test_all_gradients_are_shown_when_some_are_wrong(monkeypatch, capsys):
    """The first wrong gradient hides none of the others; the known mistake is named."""
    right = rnn_layers.rnn_step_backward

    def two_are_wrong(dnext_h, cache):
        dx, dprev_h, dWx, dWh, db = right(dnext_h, cache)
        return dx, -dprev_h, dWx, dWh, db / 3

    replace(monkeypatch, "rnn_step_backward", two_are_wrong)
    with pytest.raises(NotRight, match="wrong in dprev_h, db.\nThe sign of dprev_h is wrong"):
        check_gradients("rnn_step_backward", **inputs_of("rnn_step_backward"))
    lines = capsys.readouterr().out.splitlines()
    assert ["is wrong by" in line for line in lines] == [False, True, False, False, True]


@pytest.mark.parametrize("exercise, argument", [("rnn_backward", "dh"), ("lstm_backward", "dh")])
def test_argument_changed_in_place_is_blamed(monkeypatch, exercise, argument, capsys):
    """If a backward pass writes into its upstream gradient, the message says so, and does not call
    its right gradients wrong.
    """
    right = getattr(rnn_layers, exercise)

    def writes_into_it(dh, cache):
        gradients = right(dh, cache)
        dh[:, 0] += 1
        return gradients

    replace(monkeypatch, exercise, writes_into_it)
    inputs = inputs_of(exercise)
    before = inputs[argument].copy()
    with pytest.raises(NotRight, match=f"{argument} was changed in place"):
        check_gradients(exercise, **inputs)
    assert "wrong" not in capsys.readouterr().out
    np.testing.assert_array_equal(inputs[argument], before)


def test_what_it_builds_on_comes_first(monkeypatch):
    """If the forward pass is wrong, its backward pass is not blamed."""

    def wrong(x, prev_h, Wx, Wh, b):
        next_h = np.tanh(x @ Wx + prev_h @ Wh)
        return next_h, (x, prev_h, Wx, Wh, next_h)

    replace(monkeypatch, "rnn_step_forward", wrong)
    with pytest.raises(NotRight, match="builds on rnn_step_forward.*begin there"):
        check_gradients("rnn_step_backward", **inputs_of("rnn_step_backward"))
    monkeypatch.setattr("deeplearning.classifiers.rnn.rnn_step_forward", wrong)
    with pytest.raises(NotRight, match="CaptioningRNN.sample.rnn. builds on rnn_step_forward"):
        check("CaptioningRNN.sample[rnn]")


def test_gradients_of_another_loss(monkeypatch):
    """Gradients that fit the loss are not blamed if the loss itself is wrong."""
    right = CaptioningRNN.loss

    def of_the_words_in(self, features, captions, **options):
        captions = np.asarray(captions).copy()
        captions[:, 1:] = captions[:, :-1]
        return right(self, features, captions, **options)

    monkeypatch.setattr(CaptioningRNN, "loss", of_the_words_in)
    rng = np.random.default_rng(0)
    shapes = {"W_embed": (6, 3), "W_proj": (4, 5), "b_proj": (5,), "Wx": (3, 5), "Wh": (5, 5)}
    shapes |= {"b": (5,), "W_vocab": (5, 6), "b_vocab": (6,), "features": (2, 4)}
    inputs = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    with pytest.raises(NotRight, match="Your gradients fit your loss, but the loss is not"):
        check_gradients("CaptioningRNN.loss[rnn]", captions=rng.integers(6, size=(2, 5)), **inputs)


def test_float32_is_refused():
    """Finite differences in float32 would show nothing: a ValueError says so."""
    inputs = {k: v.astype(np.float32) for k, v in inputs_of("rnn_step_backward").items()}
    with pytest.raises(ValueError, match="need float64"):
        check_gradients("rnn_step_backward", **inputs)


def test_predictions_beside_the_truth(capsys):
    """Each line has the name, what was predicted, and what came; no prediction is no error."""
    show_predictions({"loss": 3.0, "order": None}, {"loss": 52.13, "order": "abc"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["loss", "3", "52.13"]
    assert lines[2].split() == ["order", "nothing", "yet", "abc"]


def test_failing_question_is_told(monkeypatch, capsys, tmp_path):
    """All tests of a question, from any directory: the table of points is shown, and a failed run
    raises.
    """
    monkeypatch.chdir(tmp_path)
    notebook.question_tests("q2")
    assert "30 of 30" in capsys.readouterr().out
    monkeypatch.setattr(notebook.sys, "executable", "false")
    with pytest.raises(NotRight, match="The tests of q2 fail"):
        notebook.question_tests("q2")


SESSION = """
import os, sys
from IPython.core.interactiveshell import InteractiveShell
from exercises import notebook

sys.path.insert(0, os.getcwd())
notebook.MODULES = {"lessons": "lessons"}
shell = InteractiveShell.instance()
saved = 0


def save(source):
    global saved
    saved += 10
    with open("lessons.py", "w") as file:
        file.write(source)
    os.utime("lessons.py", (saved, saved))


def run(cell):
    result = shell.run_cell(cell)
    print("=>", result.result, "|", result.error_in_exec)


FIRST = '''
import numpy as np
from deeplearning.checks import takes


def f():
    "Says one."
    return 1


def g(x):
    return np.tanh(x) + 1


@takes(x="N")
def h(x):
    return np.tanh(x) - 1


class Model:
    def __init__(self):
        self.made = 1

    def m(self):
        \"\"\"Say a word.

        Returns: str
        \"\"\"
        return [word for word in ["old"]][0]
'''

save(FIRST)
run("%load_ext autoreload\\n%autoreload 2\\nfrom lessons import f, Model\\nmodel = Model()")
run("from exercises.notebook import check_loaded\\ncheck_loaded()")
save("\\n" + FIRST.replace("1", "2").replace("old", "new"))
run("check_loaded()\\nf(), model.m(), model.made")
run("%autoreload 0")
save("\\n" + FIRST.replace("1", "2").replace("old", "new").replace("(x) - 2", "(x) - 3"))
run("check_loaded()")
run("%autoreload 2")
save("def f(:\\n  return 3")
run("0")
run("f()")
run("check_loaded()")
save("def f(): return 4\\n1 / 0")
run("0")
run("check_loaded()")
save("def f(): return 5")
run("check_loaded()\\nf()")
"""


def test_old_code_that_still_runs_is_noticed(run_python, tmp_path):
    """With autoreload, a saved change reaches functions and the methods of existing models, but not
    the data in those models, and the check accepts that. After a syntax error, or an error while
    the module loads, the old code silently keeps running; the check finds this, also behind
    decorators, and passes once the file is fixed.
    """
    status, output, errors = run_python("-c", textwrap.dedent(SESSION), cwd=tmp_path)
    assert status == 0, errors
    results = [line[3:] for line in output.splitlines() if line.startswith("=>")]
    assert results[2] == "(2, 'new', 1) | None"
    assert "lessons.py has changed" in results[4]
    assert results[7] == "2 | None"  # only the first cell after the error reports it
    assert "lessons.py, line 1: Python can't read it" in results[8]
    assert "lessons.py has changed" in results[10]
    assert results[11] == "5 | None"


def test_colours_and_markers_go_together():
    """Every colour of the house style has a marker of its own."""
    assert len(COLOURS) == len(MARKERS) == len(set(MARKERS)) == len(set(COLOURS))
