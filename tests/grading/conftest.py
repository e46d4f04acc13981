"""Fixtures for tests of the sandbox."""

import shutil
import tempfile
from pathlib import Path

import pytest

from grading import sandbox
from grading.exports import find_submissions
from grading.hostile import zipped
from grading.sandbox import Box
from tests.grading.boxes import CODE, KINDS
from tests.grading.machines import HOW_TO_GET_A_SANDBOX

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tree():
    """A tree for a sandbox, with the exercises of CODE. It is not in pytest's own folders, which
    every other run of pytest closes to the sandbox's user.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        (tree / "exercises").mkdir(parents=True)
        (tree / "exercises" / "calls.py").write_text(CODE)
        for name in sandbox.SERVER:
            shutil.copy(ROOT / "grading" / name, tree)
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield tree


@pytest.fixture(
    scope="module",
    params=[*KINDS[:1], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])]
    or [pytest.param("", marks=pytest.mark.skip(HOW_TO_GET_A_SANDBOX))],
)
def kind(request):
    """Every kind of sandbox that works here; those that the grader would not use are slow tests."""
    return request.param


@pytest.fixture(scope="module", params=["numpy", "torch"], ids=["started", "joined"])
def warm(request):
    """The modules that a sandbox imports: with PyTorch, its server comes from the fork server."""
    return [request.param]


@pytest.fixture(scope="module")
def boxed(tree, kind, warm):
    """A sandbox shared by all tests that leave it unchanged."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SECRET", "of the grader")
        with Box(tree, warm, kind) as opened:
            assert opened.joined == (warm == ["torch"])
            yield opened


@pytest.fixture
def written(tmp_path):
    """Function that writes files, from name to text or bytes, and returns their folder."""

    def written(files):
        for name, content in files.items():
            path = tmp_path / "class" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / "class"

    return written


@pytest.fixture
def found(written, tmp_path):
    """Function that writes files, and finds the submissions there; with as_zip, in a zip of them."""

    def found(files, as_zip=False):
        paths = [written({"class.zip": zipped(files)}) / "class.zip" if as_zip else written(files)]
        return find_submissions(paths, tmp_path / "scratch")

    return found
