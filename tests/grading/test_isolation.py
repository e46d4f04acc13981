"""Machines with a sandbox: it has what Python needs and not the reference; or there are reasons."""

import os
import shutil
from pathlib import Path

import pytest

from grading import isolation, sandbox
from grading.sandbox import Box, NoBox
from tests.grading.boxes import KINDS, ask
from tests.grading.machines import HOW_TO_GET_A_SANDBOX

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(os.name != "posix", reason="needs users and modes of POSIX")
def test_only_the_user_of_the_sandbox_reads_a_tree(tmp_path):
    """A tree is closed to everybody else; if the grader is root, the tree's user is one that no
    other grader's process has.
    """
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "x.py").touch()
    isolation.show_to_user(tmp_path / "tree")
    modes = [
        path.stat().st_mode & 0o007 for path in (tmp_path / "tree", tmp_path / "tree" / "x.py")
    ]
    assert modes == [0, 0]
    if os.getuid() == 0:
        assert (tmp_path / "tree" / "x.py").stat().st_gid == isolation.user()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs root")
def test_no_two_graders_have_one_user(run_python):
    """Two graders' processes have sandboxes with different users, as long as both live."""
    code = "from grading.isolation import user; print(user())"
    assert isolation.user() != int(run_python("-c", code)[1])


def test_why_a_sandbox_does_not_start(tree, kind, monkeypatch):
    """The programs' error output is in the message."""
    broken = {kind: lambda tree: ["sh", "-c", "echo no room on this machine >&2; exit 3"]}
    monkeypatch.setattr(sandbox, "COMMANDS", broken)
    with pytest.raises(NoBox, match="does not start .no room on this machine"):
        Box(tree, kind=kind)
    assert "no room" in sandbox.why_not(kind)


def test_what_cannot_be_shown_is_a_reason(tree, tmp_path, monkeypatch):
    """If a folder that Python needs can't be mounted, the sandbox does not start, and says why
    instead of trying for ever.
    """
    if "namespaces" not in KINDS:
        pytest.skip(HOW_TO_GET_A_SANDBOX)
    script = (
        'case "$*" in *" /usr "*) echo no room >&2; exit 32 ;; esac\n'
        f'exec {shutil.which("mount")} "$@"\n'
    )
    (tmp_path / "mount").write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    for place in (tmp_path / "mount", tmp_path, tmp_path.parent, tmp_path.parents[1]):
        place.chmod(0o755)
    path = f"{tmp_path}:{sandbox.ENVIRONMENT['PATH']}"
    monkeypatch.setitem(sandbox.ENVIRONMENT, "PATH", path)
    with pytest.raises(NoBox, match="no room"):
        Box(tree, kind="namespaces")


DISK = """
import ctypes, pathlib, subprocess, sys
from grading import isolation, sandbox
from tests.grading.boxes import ask

ctypes.CDLL(None).unshare(0x20000)  # a list of mounts of its own, which ends with this process
subprocess.run(["mount", "--make-rprivate", "/"], check=True)
tree, kind, folder = sys.argv[1:]
place = pathlib.Path(folder, "a disk")
place.mkdir(parents=True)
subprocess.run(["mount", "-t", "tmpfs", "disk", place], check=True)
place.chmod(0o777)
(place / "file").touch()
known = isolation.python_folders()
isolation.python_folders = lambda: [*known, folder]
with sandbox.Box(tree, ["numpy"], kind) as box:
    print([*map(int, ask(box, "sees", path=bytes(place / "file")))], ask(box, "writes_to", path=bytes(place)))
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can mount a disk")
def test_a_disk_in_a_folder_that_python_needs(tree, kind, tmp_path, run_python):
    """A mount below a folder that Python needs, as /usr/local may be, is readable in the sandbox,
    but not writable.
    """
    status, said, errors = run_python("-c", DISK, tree, kind, tmp_path / "python")
    assert (status, said) == (0, "[1] [0]\n"), errors


def test_packages_from_anywhere(tree, kind, tmp_path, run_python):
    """Packages outside Python's own folders, as with `pip install --user` or behind a link, can
    also be imported in the sandbox.
    """
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "far_away.py").touch()
    (tmp_path / "site-packages").symlink_to(tmp_path / "real")
    for place in (*tmp_path.parents[:2], tmp_path):
        place.chmod(0o755)
    code = (
        "import sys; from grading.sandbox import Box\n"
        "with Box(sys.argv[1], ['far_away'], sys.argv[2]): print('imported')"
    )
    path = {"PYTHONPATH": f"{ROOT}:{tmp_path / 'site-packages'}"}
    status, said, errors = run_python("-c", code, tree, kind, env=path)
    assert (status, said) == (0, "imported\n"), errors


def test_a_reference_in_sight_is_refused(kind, tmp_path, monkeypatch):
    """No sandbox is used that would show the reference along with Python: installed as a package,
    or in a folder that Python needs.
    """
    with monkeypatch.context() as patch:
        patch.setattr(isolation, "python_folders", lambda: [str(ROOT)])
        assert "move the repository" in sandbox.why_not(kind)
    (tmp_path / "deeplearning").mkdir()
    (tmp_path / "deeplearning" / "rnn_layers.py").touch()
    monkeypatch.setattr(isolation, "package_folders", lambda: [str(tmp_path)])
    assert "pip uninstall" in sandbox.why_not(kind)


def test_packages_that_are_missing_are_named(tree, kind):
    """A module that the exercises need and that can't be imported there is the machine's fault."""
    with pytest.raises(NoBox, match="no_such_module can't be imported"):
        Box(tree, ["no_such_module"], kind)
    with Box(tree, ["numpy"], kind, wanted=["no_such_module"]) as opened:
        assert ask(opened, "counts") == [1]


def test_no_box_is_refused(monkeypatch):
    """If no kind works, one message says why, and what to do; nothing is run without a sandbox."""
    monkeypatch.setattr(sandbox, "why_not", lambda kind: "is not installed")
    with pytest.raises(NoBox, match="bubblewrap: is not installed.*install bubblewrap.*--unsafe"):
        sandbox.choose_kind.__wrapped__()


def test_the_user_box_needs_hidden_answers(monkeypatch):
    """Without namespaces, a sandbox whose user could read the reference is refused."""
    if os.name != "posix" or os.getuid() != 0:
        assert sandbox.why_not("user") in ("needs root", "needs Linux")
    elif ROOT.stat().st_mode & 0o005:
        assert "can read" in sandbox.why_not("user") or "does not start" in sandbox.why_not("user")
