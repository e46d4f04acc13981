"""The project as a whole: exercises, notebooks, README and requirements fit together."""

import ast
import functools
import importlib.metadata
import re
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from deeplearning import handed_in, submission
from grading.manifest import MANIFEST

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(path.name for path in ROOT.glob("*.ipynb"))
STANDARD = sys.stdlib_module_names | {"tomllib"}  # of which Python 3.10 knows nothing yet


def notebook(name):
    return nbformat.read(ROOT / name, as_version=4)


def code(name):
    return [cell for cell in notebook(name).cells if cell.cell_type == "code"]


def test_points_add_up():
    """The questions' exercises add up to 30, 30, 20 and 20 points, which makes 100."""
    points = [question.points for question in MANIFEST.questions.values()]
    assert points == [30, 30, 20, 20] and MANIFEST.points == 100


@pytest.mark.parametrize("exercise", MANIFEST.exercises.values(), ids=lambda exercise: exercise.id)
def test_exercises_exist(exercise):
    """Every exercise is a function with a docstring in its module, and its question's notebook
    exists.
    """
    assert MANIFEST.questions[exercise.question].notebook in NOTEBOOKS
    assert (ROOT / exercise.path).is_file()
    found = importlib.import_module(exercise.module)
    for name in exercise.name.split("."):
        found = getattr(found, name)
    assert callable(found) and found.__doc__


def test_what_is_handed_in_is_what_counts():
    """The package's own table, which the students' version has too, names the manifest's notebooks
    and modules.
    """
    modules = {
        q.notebook: {exercise.path for exercise in MANIFEST.of(q.id)}
        for q in MANIFEST.questions.values()
    }
    assert list(modules) == list(handed_in.NOTEBOOKS)
    assert modules == {notebook: set(files) for notebook, files in handed_in.NOTEBOOKS.items()}
    assert MANIFEST.files == handed_in.EXERCISE_FILES
    assert MANIFEST.extra.file == handed_in.CAPTIONER


def test_reference_solution_can_be_handed_in(capsys, tmp_path):
    """The repository itself has no problems, and its zip holds the four notebooks, the package and
    no data.
    """
    made = tmp_path / "assignment2.zip"
    status = submission.main(["--out", str(made)])
    assert status == 0, capsys.readouterr().out
    with zipfile.ZipFile(made) as archive:
        inside = archive.namelist()
    assert set(inside) >= {*NOTEBOOKS, *handed_in.EXERCISE_FILES}
    assert {Path(name).suffix for name in inside} <= {".ipynb", ".py", ".md", ".txt"}
    assert made.stat().st_size < submission.SIZE_LIMIT / 2


def test_markers_are_the_questions():
    """pytest's markers q1 to q4 name the questions' points."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for question in MANIFEST.questions.values():
        assert re.search(rf'"{question.id}: .*\({question.points} points\)"', settings)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_were_run_in_order_without_error(name):
    """Committed notebooks were executed top to bottom: counts 1 to n, no error output, under 1.5
    MB.
    """
    cells = code(name)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]
    assert (ROOT / name).stat().st_size < 1_500_000


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_hold_no_solution_and_touch_nothing_outside(name):
    """No cell defines an exercise, installs, changes directory or the import path, or names an
    absolute path.
    """
    exercises = {exercise.name.split(".")[-1] for exercise in MANIFEST.exercises.values()}
    for cell in code(name):
        source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        defined = {
            node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
        }
        assert not defined & exercises
        assert not re.search(r"\bpip\b|sys\.path|chdir|drive\.mount|!cd|%cd", cell.source)
    everything = (ROOT / name).read_text(encoding="utf-8")
    assert str(ROOT) not in everything and not re.search(r"(/home/|/Users/|[A-Z]:\\\\)", everything)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_name_their_points(name):
    """A notebook's table lists its question's exercises with the manifest's points."""
    question = next(q for q in MANIFEST.questions.values() if q.notebook == name)
    first = notebook(name).cells[0].source
    assert f"Question {question.id[1]}, {question.points} points" in first
    table = []
    for row in re.findall(r"^\| (`.*`.*) \| `(.*)`.* \| (.*) \|$", first, flags=re.MULTILINE):
        names = re.findall(r"`([\w.]+)`", row[0])
        module = row[1].removesuffix(".py").replace("/", ".")
        table += [(n, module, int(p)) for n, p in zip(names, row[2].split(" + "), strict=True)]
    expected = [(e.name, e.module, e.points) for e in MANIFEST.of(question.id)]
    assert table == expected


def test_readme_names_questions_points_and_files():
    """The README's table lists every question with its title, points, notebook and the files of its
    exercises.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for question in MANIFEST.questions.values():
        files = ", ".join(
            f"`{path}`"
            for path in dict.fromkeys(exercise.path for exercise in MANIFEST.of(question.id))
        )
        row = f"| {question.id.upper()} {question.title} | {question.points} | `{question.notebook}` | {files} |"
        assert row in readme


def test_the_staffs_page_tells_the_truth():
    """docs/staff.md has each question's points and number of exercises as in the manifest; its
    commands exist.
    """
    page = (ROOT / "docs" / "staff.md").read_text(encoding="utf-8")
    for question in MANIFEST.questions.values():
        assert (
            f"| {question.id.upper()} {question.title} | {question.points} | "
            f"{len(MANIFEST.of(question.id))} |" in page
        )
    assert f"{MANIFEST.extra.points} points outside the 100: `{MANIFEST.extra.file}`" in page
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}: " in makefile for target in re.findall(r"(?m)^make (\w+)", page))
    assert all(
        (ROOT / "grading" / f"{name}.py").is_file()
        for name in re.findall(r"python -m grading\.(\w+)", page)
    )


def test_readme_shows_the_commands():
    """README, Makefile and CI name the same commands."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("make test", "make run", "make lab"):
        assert command in readme and f"\n{command.split()[1]}: " in makefile
    for command in ("pip install -r requirements.txt", "pytest", "jupyter lab"):
        assert command in readme
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(
        f"\n{command}\n" in ci for command in ("make test", "make slow", "make run", "make lint")
    )


def test_requirements_are_ranges():
    """No requirement is pinned to one version, so that current Pythons find one that fits."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert requirements and not [line for line in requirements if "==" in line]


def test_every_imported_package_is_required():
    """Production code imports only the standard library, our modules, and requirements.txt."""
    own = {"deeplearning", "exercises", "grading", "benchmarks"}
    beside = {path.stem for path in (ROOT / "grading").glob("*.py")}  # of each other in the sandbox
    listed = required("requirements.txt") | required("requirements-staff.txt")
    distributions = importlib.metadata.packages_distributions()
    missing = {}
    for path in sorted(ROOT.glob("[deg]*/**/*.py")):
        for name in imported(path) - own - beside - STANDARD:
            names = {n.lower().replace("_", "-") for n in distributions.get(name, [name])}
            if not names & listed:
                missing.setdefault(name, path.relative_to(ROOT).as_posix())
    assert not missing


def test_the_short_requirements_leave_out_pytorch_alone():
    """requirements-numpy.txt is requirements.txt without PyTorch, line by line."""
    texts = [(ROOT / name).read_text() for name in ("requirements.txt", "requirements-numpy.txt")]
    every, short = ([x for x in text.splitlines() if not x.startswith("#")] for text in texts)
    assert [line for line in every if not line.startswith("torch")] == short


@pytest.mark.slow
def test_questions_1_and_2_need_no_pytorch(run_python, tmp_path):
    """Their tests, and everything that their notebooks import, work without PyTorch."""
    for name in ("torch", "torchvision"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ModuleNotFoundError(__name__)")
    environment = {"PYTHONPATH": str(tmp_path)}
    code = (
        "import sys; sys.modules['rfc3987_syntax'] = None;"  # as in conftest.py
        "import deeplearning.figures, deeplearning.memory_task, deeplearning.caption_scores, "
        "deeplearning.submission, deeplearning.run_notebooks, deeplearning.captioning_solver"
    )
    status, _, errors = run_python("-c", code, env=environment)
    assert (status, errors) == (0, "")
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "q1 or q2")
    status, output, _ = run_python(*arguments, env=environment, cwd=ROOT)
    assert status == 0 and "60 of 60" in output


def required(name):
    """Names of the distributions that a requirements file lists."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {n.lower().replace("_", "-") for n in re.findall(r"^[\w-]+", text, flags=re.MULTILINE)}


@functools.cache
def imports(path):
    """All import statements in a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path):
    """Top-level names of the absolute imports in a file."""
    names = set()
    for node in imports(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def test_arrows_run_downwards():
    """The package doesn't depend on exercises, graders and tests; nothing imports tests."""
    for folder, forbidden in {
        "deeplearning": {"exercises", "grading", "benchmarks", "tests"},
        "exercises": {"grading", "benchmarks", "tests"},
        "grading": {"benchmarks", "tests"},
        "benchmarks": {"exercises", "grading", "tests"},
    }.items():
        for path in (ROOT / folder).rglob("*.py"):
            assert not imported(path) & forbidden, path


def test_imports_of_the_package_form_no_circle():
    """The package has no import cycles, not even through imports inside functions."""
    arrows = {}
    for path in (ROOT / "deeplearning").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        arrows[".".join(parts).removesuffix(".__init__")] = modules_imported(path)
    done = set()

    def visit(module, way):
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module in arrows and module not in done:
            for target in arrows[module]:
                visit(target, [*way, module])
            done.add(module)

    for module in arrows:
        visit(module, [])


def modules_imported(path):
    """Full names of the package's modules that a file imports."""
    found = set()
    for node in imports(path):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("deeplearning"):
            inside = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                is_module = (inside / f"{alias.name}.py").exists() or (inside / alias.name).is_dir()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return found


def test_a_question_is_quick_to_start(run_python):
    """`pytest -m q1` collects only the tests of exercises, whose imports take no time."""
    arguments = ("-m", "pytest", "--collect-only", "-q", "-m", "q1 or q2")
    status, output, _ = run_python(*arguments, cwd=ROOT)
    assert status == 0 and "16/23 tests collected" in output
