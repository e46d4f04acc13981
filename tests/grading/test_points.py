"""What students see: one message for each exercise that is not right, and finally a table of
points.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from exercises import stored
from exercises.points import table
from exercises.verdict import Verdict
from grading import make_expected
from grading.assemble import sources
from grading.manifest import MANIFEST
from grading.mistakes import mistakes

ROOT = Path(__file__).resolve().parents[2]
MISTAKES = {mistake.name: mistake for mistake in mistakes()}


@pytest.fixture
def tree(tmp_path):
    """Function that makes a folder with the exercises' tests and a package with some mistakes."""

    def make(*names):
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        no_data = shutil.ignore_patterns("datasets", "__pycache__")
        shutil.copytree(ROOT / "deeplearning", tmp_path / "deeplearning", ignore=no_data)
        shutil.copytree(
            ROOT / "tests" / "exercises", tmp_path / "tests" / "exercises", ignore=no_data
        )
        shutil.copytree(ROOT / "exercises", tmp_path / "exercises", ignore=no_data)
        shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
        for path, text in sources(
            {MISTAKES[name].function: MISTAKES[name].wrong for name in names}
        ).items():
            (tmp_path / path).write_text(text, encoding="utf-8")
        return tmp_path

    return make


def run(run_python, folder, *arguments):
    status, output, errors = run_python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *arguments,
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
    )
    return status, output + errors


def test_a_right_tree_earns_all_points(tree, run_python):
    """Question 1 ends with its table, with all points."""
    status, output = run(run_python, tree(), "-m", "q1")
    assert status == 0
    for exercise in MANIFEST.of("q1"):
        assert re.search(
            rf"^{re.escape(exercise.id)} +{exercise.points} of {exercise.points}$",
            output,
            re.MULTILINE,
        )
    assert re.search(r"^ +30 of 30\n8 passed", output, re.MULTILINE)


def test_mistakes_cost_their_exercises_and_are_explained_once(tree, run_python):
    """Each failure is one message with findings and hint, without a traceback; table and file say
    the same.
    """
    wrong = [
        "rnn_step_backward:derivative_at_output",
        "word_embedding_backward:repeated_words_overwritten",
    ]
    folder = tree(*wrong)
    status, output = run(run_python, folder, "-m", "q1", "--results", "results.json")
    assert (
        status == 1 and "Traceback" not in output and "Error" not in output and ".py:" not in output
    )
    messages, table = output.split(" points ")
    for name in wrong:
        assert messages.count(MISTAKES[name].cause) == 1 and MISTAKES[name].function in messages
    assert "    It looks as if the derivative of tanh is taken at the wrong place" in table
    assert re.search(r"^rnn_step_backward +0 of 4$", table, re.MULTILINE)
    assert re.search(r"^rnn_step_forward +2 of 2$", table, re.MULTILINE)
    # the loop of rnn_backward calls the wrong step: it says so, and grading tries it with the right
    # one
    assert "builds on rnn_step_backward, which is not right yet: begin there." in " ".join(
        table.split()
    )

    results = json.loads((folder / "results.json").read_text())["tests"]
    assert [test["name"] for test in results] == [exercise.id for exercise in MANIFEST.of("q1")]
    assert {test["name"]: test["score"] for test in results if not test["score"]}.keys() >= {
        MISTAKES[name].function for name in wrong
    }
    assert all(test["max_score"] == MANIFEST.exercises[test["name"]].points for test in results)
    for test in results:
        assert (
            test["visibility"] == "visible"
            and test["output"]
            and re.fullmatch(r"1\.\d", test["number"])
        )


def test_where_to_begin_comes_first(tree, run_python):
    """If a step is wrong, exercises that build on it say so and guess nothing else; float64 that
    comes from an earlier function is not blamed on a later one.
    """
    folder = tree("rnn_step_forward:no_bias")
    _, output = run(run_python, folder, "-m", "q1")
    assert "CaptioningRNN.sample[rnn] builds on rnn_step_forward, which is not right yet" in output
    assert "is <START> read first" not in output

    verdicts = {"rnn_backward": Verdict("rnn_backward", ("dx must be float32",), slip=True)}
    above = "CaptioningRNN.loss[rnn]"
    verdicts[above] = Verdict(above, ("dW_embed must be float32",), "dW_embed became", slip=True)
    text = " ".join(table(verdicts).split())
    assert f"{above} builds on rnn_backward, which turns float32 into float64" in text
    assert "dW_embed" not in text


@pytest.mark.slow
def test_what_is_not_written_yet_is_one_line(tree, run_python):
    """A stub gives its own message, and an error in the code gives the line that raised it."""
    folder = tree()
    with (folder / "deeplearning" / "style_transfer.py").open("a") as file:
        file.write(
            '\n\ndef content_loss(*arguments):\n    raise NotImplementedError("Q4: content_loss")\n'
        )
        file.write("\n\ndef tv_loss(img, tv_weight):\n    return img.no_such_method()\n")
    status, output = run(run_python, folder, "-m", "q4", "--color=no")
    assert status == 1
    assert re.search(r"^_+ test_content_loss _+\nQ4: content_loss\n_", output, re.MULTILINE)
    assert "AttributeError: 'Tensor' object has no attribute 'no_such_method' (line " in output
    assert 'of style_transfer.py: "return img.no_such_method()")' in output


def test_stored_cases_are_small_and_current():
    """Stored answers take under a megabyte, their points are the manifest's, and none is a
    pickle.
    """
    files = sorted(stored.FOLDER.iterdir())
    assert sum(file.stat().st_size for file in files) < 1_000_000
    assert {file.name for file in files} == {stored.path(e).name for e in MANIFEST.exercises} | {
        "exercises.json"
    }
    assert stored.exercises() == json.loads(json.dumps(make_expected.about()))
    for exercise in MANIFEST.exercises:
        causes = {cause for case in stored.cases(exercise) for cause, _ in case.wrong}
        known = [m for m in mistakes() if exercise in m.exercises and not m.held_out]
        assert {m.cause for m in known if m.known_by_numbers} <= causes <= {m.cause for m in known}


def test_stored_inputs_may_be_written_into():
    """An exercise that changes its inputs does not change those of the next one."""
    for _ in range(2):
        x = stored.cases("rnn_step_forward")[0].inputs["x"]
        assert x.any()
        x[:] = 0


@pytest.mark.corpus
@pytest.mark.parametrize("exercise", MANIFEST.exercises)
def test_stored_cases_are_those_that_would_be_written(exercise):
    """Making the cases again gives the stored ones."""
    made, found = make_expected.chosen(exercise), stored.cases(exercise)
    assert len(made) == len(found)
    for new, old in zip(made, found, strict=True):
        assert new.inputs.keys() == old.inputs.keys() and new.expected.keys() == old.expected.keys()
        assert all((new.inputs[name] == old.inputs[name]).all() for name in new.inputs)
