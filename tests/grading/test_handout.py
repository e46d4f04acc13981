"""The hand-out contains no part of a solution, and everything else."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from exercises.beyond import TESTED
from grading import handout
from grading.autograder import autograder_files
from grading.handout import KEPT, handout_files, tracked_files
from grading.manifest import MANIFEST
from grading.stubs import find, solution, stub_out

ROOT = Path(__file__).resolve().parents[2]

QUESTION = "**Question.**"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Folder and zip of the hand-out."""
    return handout.write_handout(tmp_path_factory.mktemp("out"))


def solutions():
    """For each function of an exercise its name, its syntax tree, and whether a statement belongs
    to its solution; the same for each private helper that vanishes.
    """
    for path in MANIFEST.files:
        source = (ROOT / path).read_text(encoding="utf-8")
        exercises = [exercise for exercise in MANIFEST.exercises.values() if exercise.path == path]
        tree, stub = ast.parse(source), ast.parse(stub_out(source, exercises))
        kept = {node.name for node in ast.walk(stub) if isinstance(node, ast.FunctionDef)}
        functions = [
            find(tree, name) for exercise in exercises for name in (exercise.name, *exercise.parts)
        ]
        functions += [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name not in kept
        ]
        for function in functions:
            lines = {number + 1 for region in solution(source, function) for number in region}
            yield function.name, function, lines


def blocks(tree):
    """All lists of statements in a syntax tree."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, field, None), list) and getattr(node, field):
                yield getattr(node, field)


def programs(folder):
    """Everything in a folder that is Python: modules, and code cells of notebooks."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py":
            yield path.name, path.read_text(encoding="utf-8")
        elif path.suffix == ".ipynb":
            cells = nbformat.read(path, as_version=4).cells
            code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
            yield path.name, re.sub(r"(?m)^%.*$", "", code)


def traces(folder):
    """Places where a solution shows: (file, line, function) for each pair of its consecutive
    statements, or its whole body.
    """
    forbidden = {}
    for name, function, lines in solutions():
        mine = [
            [ast.dump(statement) for statement in block if statement.lineno in lines]
            for block in blocks(function)
        ]
        forbidden |= {pair: name for block in mine for pair in zip(block, block[1:], strict=False)}
        if sum(map(len, mine)) == 1:
            forbidden[tuple(mine[0])] = name
    found = []
    for file, code in programs(folder):
        for block in blocks(ast.parse(code)):
            dumps = [ast.dump(statement) for statement in block]
            for k, statement in enumerate(block):
                for key in (tuple(dumps[k : k + 1]), tuple(dumps[k : k + 2])):
                    if key in forbidden:
                        found.append((file, statement.lineno, forbidden[key]))
    return found


def test_no_trace_of_a_solution(made):
    """Neither two consecutive statements of a solution nor a solution of one statement is anywhere
    in the hand-out.
    """
    assert traces(made[0]) == []


def test_a_trace_would_be_found(made, tmp_path):
    """The search finds each solution in its own place, and one copied into a notebook or a test."""
    names = {name for name, _, _ in solutions()}
    assert {name for _, _, name in traces(ROOT / "deeplearning")} == names
    layers = ast.parse((ROOT / "deeplearning" / "rnn_layers.py").read_text(encoding="utf-8"))
    copied = "\n".join(map(ast.unparse, find(layers, "word_embedding_backward").body[1:]))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(f"%matplotlib inline\n{copied}")]
    )
    nbformat.write(notebook, tmp_path / "copied.ipynb")
    assert {name for _, _, name in traces(tmp_path)} == {"word_embedding_backward"}


def test_nothing_of_the_staff_is_in_it(made):
    """No grading, no tests but the exercises', no history, bytecode, data or pages that only the
    repository needs.
    """
    names = {path.relative_to(made[0]).as_posix() for path in made[0].rglob("*") if path.is_file()}
    tests = {name for name in names if name.startswith("tests/")}
    assert not [
        name
        for name in names
        if re.search(r"grading|\.git/|\.ci|__pycache__|\.pyc|\.h5$|\.egg", name)
    ]
    assert all(name.startswith("tests/exercises/") for name in tests - {"tests/__init__.py"})
    pages = [
        (made[0] / name).read_text(encoding="utf-8")
        for name in names
        if name.endswith((".md", ".ipynb", ".sh"))
    ]
    assert all(any(name in page for page in pages) for name in names if name.startswith("docs/"))
    assert {
        "README.md",
        "Makefile",
        "requirements.txt",
        "pyproject.toml",
        ".gitignore",
        *MANIFEST.files,
    } <= names
    assert {question.notebook for question in MANIFEST.questions.values()} <= names
    text = b"".join((made[0] / name).read_bytes() for name in names if not name.endswith(".npz"))
    assert (
        b"BEGIN SOLUTION" not in text and b"grading." not in text and str(ROOT).encode() not in text
    )
    settings = (made[0] / "pyproject.toml").read_text(encoding="utf-8")
    assert not re.search(r"grading|requirements-|corpus|mypy|joblib", settings)
    assert 'markers = [\n    "q1' in settings
    # a new release of some package must not turn a student's tests red
    assert '"error",' not in settings


def test_the_zip_is_the_folder(made, tmp_path):
    """The zip unpacks to the same files under one folder, scripts can be run, and a second one is
    the same.
    """
    folder, archive = made
    with zipfile.ZipFile(archive) as file:
        entries = {entry.filename: entry for entry in file.infolist()}
        for path in folder.rglob("*"):
            if path.is_file():
                entry = entries.pop(f"{folder.name}/{path.relative_to(folder).as_posix()}")
                assert file.read(entry) == path.read_bytes()
                assert bool(entry.external_attr >> 16 & 0o100) == (path.suffix == ".sh")
        assert not entries
    _, again = handout.write_handout(tmp_path)
    assert again.read_bytes() == archive.read_bytes()


@pytest.mark.parametrize("question", MANIFEST.questions.values(), ids=lambda question: question.id)
def test_notebooks_are_fresh_and_ask(made, question):
    """No outputs, counts or answers, but a place for each answer; everything else is as here."""
    ours, theirs = (
        nbformat.read(folder / question.notebook, as_version=4).cells for folder in (ROOT, made[0])
    )
    answers = 0
    for mine, handed in zip(ours, theirs, strict=True):
        if mine.cell_type == "code":
            assert (
                handed.source == mine.source
                and handed.outputs == []
                and handed.execution_count is None
            )
        elif mine.source.startswith("**Answer.**"):
            answers += 1
            assert handed.source == handout.ANSWER and handed.metadata == {}
        else:
            assert handed.source == mine.source
    assert answers == sum(cell.source.startswith(QUESTION) for cell in ours) > 0


def test_the_students_readme_tells_the_truth(made):
    """Its table has every question with points, notebook and files; the files that it names
    exist.
    """
    readme = (made[0] / "README.md").read_text(encoding="utf-8")
    for question in MANIFEST.questions.values():
        files = ", ".join(
            f"`{path}`"
            for path in dict.fromkeys(exercise.path for exercise in MANIFEST.of(question.id))
        )
        row = f"| {question.id.upper()} {question.title} | {question.points} | `{question.notebook}` | {files} |"
        assert row in readme
    assert MANIFEST.extra.file in readme and f"{MANIFEST.extra.points} points" in readme
    for name in re.findall(r"`([\w/.-]+\.(?:py|ipynb|sh|txt|toml))`", readme):
        assert (made[0] / name).exists(), name
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    assert example in (made[0] / "deeplearning" / "rnn_layers.py").read_text(encoding="utf-8")
    levels = ", ".join(f"{points} points from {least}" for least, points in MANIFEST.extra.levels)
    assert levels in readme.replace(" on, ", ", ")
    makefile = (made[0] / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make (\w+)`?", readme):
        assert f"\n{target}:" in makefile


def run(folder, *arguments, **variables):
    """Exit status and output of Python in a folder."""
    done = subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


RESTS_ON_EXERCISES = """
import numpy as np, torch
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.attribution import integrated_gradients, smooth_grad
from deeplearning.class_portraits import paint_classes
from deeplearning.network_visualization import create_class_visualization
from deeplearning.style_transfer import gram_matrix, style_loss
net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
X, y, words = torch.zeros(1, 3, 8, 8), torch.zeros(1, dtype=int), {"<NULL>": 0, "<START>": 1, "<END>": 2}
model, features = CaptioningRNN(words, 4, 4, 4), np.zeros((2, 4), np.float32)
for call in [
    lambda: model.evaluate(features, np.zeros((2, 3), int)),
    lambda: model.sample(features, beam_width=3),
    lambda: smooth_grad(X, y, net),
    lambda: integrated_gradients(X, y, net),
    lambda: create_class_visualization(0, net, image_size=8, callback=None),
    lambda: paint_classes([0, 1], net, image_size=8),
    lambda: style_loss([X], [0], [torch.zeros(1, 3, 3)], [1.0]),
]:
    try:
        call()
    except NotImplementedError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def tried(made):
    """Exit status and output of one process that imports every module of the hand-out's package,
    and then calls given code that depends on exercises.
    """
    modules = [
        path.relative_to(made[0]).with_suffix("")
        for path in sorted((made[0] / "deeplearning").rglob("*.py"))
    ]
    names = [
        ".".join(module.parts).removesuffix(".__init__")
        for module in modules
        if module.name != "__main__"
    ]
    # as in conftest.py: no grammar of web addresses is compiled
    first = "import sys; sys.modules['rfc3987_syntax'] = None"
    imports = f"{first}\nimport {', '.join(names)}\nprint('imported')"
    return run(made[0], "-W", "error", "-c", imports + RESTS_ON_EXERCISES)


def test_it_imports(tried):
    """Every module of the package can be imported while exercises are still stubs."""
    assert tried[1].startswith("imported\n"), tried[1]


def test_its_tests_fail_in_exercises_alone(made):
    """pytest fails, each time with the one line of the exercise that is missing, no traceback."""
    status, output = run(made[0], "-m", "pytest", "-p", "no:cacheprovider", "--color=no")
    assert status == 1
    failures, points = output.split(" FAILURES ")[1].split(" points ")
    messages = re.findall(
        r"(?m)^_+ (test_\w+) _+\n(Q\d.*: write ([\w.]+), in deeplearning/\S+\.py)\n", failures
    )
    assert len(messages) == len(MANIFEST.exercises) + len(TESTED)
    assert {name for _, _, name in messages} <= {
        exercise.name for exercise in MANIFEST.exercises.values()
    }
    # nothing else: no traceback, no line of code
    assert len(failures.splitlines()) == 2 * len(messages) + 2
    for exercise in MANIFEST.exercises.values():
        assert re.search(rf"(?m)^{re.escape(exercise.id)} +0 of {exercise.points}$", points)
    assert re.search(r"(?m)^ +0 of 100$", points)


@pytest.mark.slow
def test_with_the_solutions_filled_in_all_tests_pass(made, tmp_path):
    """Round trip: the hand-out with the files of exercises as they are here
    passes all its tests.
    """
    filled = tmp_path / "filled"
    shutil.copytree(made[0], filled)
    for name in MANIFEST.files:
        shutil.copy(ROOT / name, filled / name)
    status, output = run(filled, "-m", "pytest", "-p", "no:cacheprovider", "--color=no")
    assert status == 0, output[-3000:]


def test_what_rests_on_an_exercise_says_which(tried):
    """Given code that calls an exercise raises its message, not another error."""
    status, output = tried
    assert status == 0, output
    assert re.findall(r"write ([\w.]+),", output) == [
        "CaptioningRNN.loss",
        "CaptioningRNN._initial_state",
        "score_gradient",
        "score_gradient",
        "class_visualization_update_step",
        "score_gradient",
        "style_loss",
    ]


def test_without_git_it_says_so(tmp_path):
    """Outside a clone, one sentence says what to do."""
    with pytest.raises(
        FileNotFoundError, match="not a git repository, or git is missing; .* work in a clone"
    ):
        handout.tracked_files(tmp_path)


def test_a_checkout_with_windows_line_ends(monkeypatch, tmp_path):
    """From a checkout with core.autocrlf=true, hand-out and autograder are the same, byte
    for byte.
    """
    names = [*tracked_files(), *(name for name in KEPT if (ROOT / name).is_file())]
    expected = handout_files(), autograder_files(1)
    for name in names:
        content = (ROOT / name).read_bytes()
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if b"\0" in content else content.replace(b"\n", b"\r\n"))
    for module in ("grading.handout", "grading.autograder"):
        monkeypatch.setattr(f"{module}.ROOT", tmp_path)
        monkeypatch.setattr(f"{module}.tracked_files", lambda: names)
    made = handout_files(), autograder_files(1)
    assert [
        file
        for new, old in zip(made, expected, strict=True)
        for file in old
        if new[file] != old[file]
    ] == []
    assert b"\r" not in made[0]["collectSubmission.sh"] + made[1]["run_autograder"]


@pytest.mark.slow
def test_optimised_python_and_new_deprecations(made, tmp_path):
    """PYTHONOPTIMIZE=2, or a package that emits a warning, changes no points."""
    shutil.copytree(made[0], tmp_path / "work")
    conftest = tmp_path / "work" / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    conftest.write_text(
        f"{text}\n\ndef pytest_runtest_setup(item):\n    import warnings\n"
        "    warnings.warn('soon gone', DeprecationWarning)\n"
    )
    status, output = run(tmp_path / "work", "-m", "pytest", "-q", "-m", "q1", PYTHONOPTIMIZE="2")
    assert status == 1 and "0 of 30" in output and "8 warnings" in output
    assert "write rnn_step_forward" in output and "INTERNALERROR" not in output
