"""The sandbox: what code in it can see, change, use and leave behind."""

import os
import platform
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from grading import forkserver, isolation, sandbox, watch
from grading.sandbox import Box, BoxError, NoBox
from tests.grading.boxes import SURVIVOR, ask

ROOT = Path(__file__).resolve().parents[2]


def survivors():
    return [p for p in psutil.process_iter(["cmdline"]) if SURVIVOR in (p.info["cmdline"] or ())]


def test_arrays_go_in_and_come_out(boxed):
    """A task sees its inputs, and its answer arrives."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    outputs = ask(boxed, "echo", x=x, y=np.arange(3))
    assert np.array_equal(outputs["x"], x) and np.array_equal(outputs["y"], np.arange(3))


def test_it_is_alone(boxed):
    """A task sees only its sandbox's processes, is not root, and has no root privileges."""
    processes, user = ask(boxed, "where")
    assert processes <= 3
    assert user != 0 or os.getuid() != 0
    assert ask(boxed, "rights") == [1, 0, 0]


@pytest.mark.parametrize(
    "path",
    [ROOT / "grading", ROOT / "tests", ROOT / "deeplearning", Path("/etc/passwd"), Path("/home")],
)
def test_it_sees_nothing_of_ours(boxed, path):
    """The reference, tests, and this machine's other files can't be seen."""
    assert path.exists() and ask(boxed, "sees", path=bytes(path)) == [0]


def test_it_writes_nowhere_but_into_its_own_folder(boxed, tree):
    """Only /tmp is writable; it is the sandbox's own, and vanishes with it."""
    assert ask(boxed, "writes") == [0, 0, 0, 0, 1]
    assert not Path("/tmp/x").exists() and not (tree / "x").exists()


def test_it_has_no_network(boxed):
    """Not even a server on this machine can be reached."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ask(boxed, "connects", port=server.getsockname()[1]) == [0]


def test_every_task_is_fresh(boxed):
    """A task's changes to modules don't reach the next one."""
    assert ask(boxed, "counts") == ask(boxed, "counts") == [1]


def test_every_task_finds_an_empty_folder(boxed):
    """Files that a task leaves in /tmp are gone before the next one."""
    assert ask(boxed, "left") == ask(boxed, "left") == [1]


def test_there_is_no_other_memory_to_fill(boxed):
    """Nothing can be written to /dev and /dev/shm, whose pages no limit counts."""
    assert ask(boxed, "fills") == [0, 0]


def test_the_server_is_closed_to_its_tasks(boxed):
    """A task can open neither the pipes nor the memory of its parent process."""
    assert ask(boxed, "server") == [0, 0, 0, 0]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the test has x86_64's numbers")
def test_needless_system_calls_are_refused(boxed):
    """New namespaces, io_uring, memory without a limit, queues, debugging and other processes'
    limits are refused; and so is what makes a process wait as if the machine were busy, which no
    limit would count: a lower priority, and vfork.
    """
    assert ask(boxed, "calls") == [1] * 9


def test_questions_where_nothing_is_lent(boxed):
    """A task that calls the grader although nothing was lent gets no answer, and never sees a later
    task.
    """
    with pytest.raises(BoxError, match="it is a question"):
        ask(boxed, "asks")
    assert ask(boxed, "echo", n=[4]) == [4]


def test_a_killed_grader_leaves_nothing(tree, kind, warm, start_python):
    """When the grader is killed in the middle of a task, the sandbox dies with it."""
    code = (
        "import sys; from grading import forkserver; forkserver.MODULES = ['numpy']\n"
        f"from grading.sandbox import Box; box = Box(sys.argv[1], {warm}, sys.argv[2])\n"
        "box.ask({'task': 'exercise', 'exercise': 'leaves_and_waits'}, [{}])"
    )
    grader = start_python("-c", code, tree, kind)
    _wait_for(lambda: survivors())
    os.kill(grader.pid, 9)
    grader.wait()
    _wait_for(lambda: not survivors())


def _wait_for(condition):
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tasks_together_have_a_limit(tree, kind, monkeypatch):
    """Many slow tasks are stopped by a common limit, even if each stays below its own."""
    monkeypatch.setattr(sandbox, "PATIENCE", 1)
    monkeypatch.setattr(watch, "IDLE", 2)
    with Box(tree, ["numpy"], kind) as opened:
        with pytest.raises(BoxError, match="waited"):
            ask(opened, "sleeps")
        with pytest.raises(BoxError, match="used up"):
            ask(opened, "counts")


def test_nothing_survives_a_task(boxed):
    """Processes that leave their session and group are dead when the next task starts."""
    ask(boxed, "leaves")
    assert ask(boxed, "where")[0] <= 3 and not survivors()


def test_nothing_survives_a_box(tree, kind, warm):
    """Nor do they survive if the sandbox is closed during a task."""
    opened = Box(tree, warm, kind)
    opened._to_server.write(
        sandbox.messages.encode({"task": "exercise", "exercise": "leaves_and_waits"}, [{}])
    )
    opened._to_server.flush()
    _wait_for(survivors)
    opened.close(patience=0)
    _wait_for(lambda: not survivors())


@pytest.mark.parametrize(
    ("exercise", "reason"),
    [
        ("fails", "ZeroDivisionError: division by zero"),
        ("exits", "Its process ended before it answered"),
        ("large", "Its answer was too large"),
        ("forks", "temporarily unavailable|MB of memory"),  # PyTorch's pages count for each
    ],
)
def test_what_a_task_may_not(boxed, exercise, reason):
    """A task that fails or uses too much is stopped, with a reason; the next one is not
    affected.
    """
    stopped(boxed, exercise, reason)


@pytest.mark.parametrize(
    ("exercise", "reason", "limit", "value"),
    [
        ("sleeps", "waited for 1 seconds", "IDLE", 1),
        ("drips", "waited for 1 seconds", "IDLE", 1),
        ("hoards", "MB of memory", "MEMORY", 1 << 29),
    ],
)
def test_what_takes_too_long_or_too_much(boxed, monkeypatch, exercise, reason, limit, value):
    """A task that hangs or uses too much, as seen from outside, is stopped too."""
    monkeypatch.setattr(watch, limit, value)
    stopped(boxed, exercise, reason)


def test_computing_has_a_limit(tree, kind, warm, monkeypatch):
    """A task that computes without end is stopped by its own process's limit."""
    monkeypatch.setattr(sandbox, "LIMITS", sandbox.LIMITS | {"CPU": 1})
    with Box(tree, warm, kind) as opened:
        stopped(opened, "computes", "seconds of computing")


def test_a_library_is_found_without_a_compiler(tree, kind, warm, monkeypatch):
    """Importing PyTorch looks for a library. A compiler, which Python would ask for it, sleeps when
    it may not vfork, and a task may not wait for long.
    """
    monkeypatch.setattr(watch, "IDLE", 5)
    with Box(tree, warm, kind) as opened:
        assert ask(opened, "finds") == [1]


def stopped(opened, exercise, reason):
    with pytest.raises(BoxError, match=reason):
        ask(opened, exercise)
    assert ask(opened, "counts") == [1]


def test_the_server_cannot_be_killed_from_inside(tree, kind):
    """Signals to the sandbox's first process do nothing."""
    with Box(tree, ["numpy"], kind) as opened:
        server = opened.process
        assert ask(opened, "kills") == ask(opened, "counts") == [1] and opened.process is server


def test_who_kills_a_server_that_has_joined_gets_no_answer(tree, kind):
    """Nothing of such a task survives, and the next one finds a new server."""
    with Box(tree, ["torch"], kind) as opened:
        with pytest.raises(BoxError):
            ask(opened, "leaves_and_kills")
        assert not survivors()
        assert ask(opened, "counts") == [1] and opened.joined


@pytest.mark.slow
def test_a_box_works_without_a_fork_server(tree, monkeypatch):
    """If a server can't join, it is started in the sandbox, which is slower."""

    def refused(*_):
        raise OSError("Operation not permitted")

    monkeypatch.setattr(forkserver.ForkServer, "join", refused)
    with Box(tree, ["torch"]) as opened:
        assert ask(opened, "counts") == [1] and not opened.joined


def test_nothing_is_imported_with_rights(tmp_path, kind, warm, tree):
    """Code that the server imports from the tree before any task has no privileges: it could be a
    student's module of the same name.
    """
    shutil.copytree(tree, tmp_path / "tree")
    (tmp_path / "tree" / "looks.py").write_text(
        "status = open('/proc/self/status').read()\n"
        "kept = dict(line.split(':', 1) for line in status.splitlines())\n"
        "told = [kept[name].split()[0] for name in ('CapEff', 'NoNewPrivs', 'Seccomp', 'Uid')]\n"
        "raise ImportError(' '.join(told))"
    )
    isolation.show_to_user(tmp_path)
    with pytest.raises(NoBox) as refusal:
        Box(tmp_path / "tree", [*warm, "looks"], kind)
    own = "0" if os.getuid() and kind == "namespaces" else str(isolation.user() or os.getuid())
    assert f"{'0' * 16} 1 2 {own}" in str(refusal.value)


def test_boxes_of_several_threads_are_told_apart(tree, kind):
    """Each sandbox knows the process of its own server, whose use of the machine is counted."""
    with ThreadPoolExecutor(4) as pool:
        boxes = list(pool.map(lambda _: Box(tree, ["torch"], kind), range(8)))
        servers = {opened._server for opened in boxes}
        list(pool.map(Box.close, boxes))
    assert len(servers) == 8 and None not in servers


@pytest.mark.slow
def test_a_fork_server_that_was_killed_is_replaced(tree):
    """The next sandbox is joined again, by a copy of a new fork server."""
    forkserver.fork_server().process.kill()
    forkserver.fork_server().process.wait()
    with Box(tree, ["torch"]) as opened:
        assert ask(opened, "counts") == [1] and opened.joined


def test_a_fork_server_ends_with_its_grader(start_python):
    """However the grader ends, the fork server ends with it."""
    code = (
        "from grading import forkserver; forkserver.MODULES = ['numpy']\n"
        "print(forkserver.fork_server().process.pid, flush=True); input()"
    )
    grader = start_python("-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    server = psutil.Process(int(grader.stdout.readline()))
    os.kill(grader.pid, 9)
    grader.wait()
    _wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


def test_without_a_box(tree):
    """On request, the same works without a sandbox, and the user's other processes stay alive."""
    bystander = psutil.Popen(["sleep", "1000"])
    try:
        with Box(tree, ["numpy"], "none") as opened:
            assert ask(opened, "counts", x=1) == [1]
        assert bystander.is_running() and bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_without_processes(tree, monkeypatch, tmp_path):
    """On a system that can't fork, like Windows, each task without a sandbox gets its own
    server.
    """
    shutil.copytree(tree, tmp_path / "tree")
    code = (tree / "worker.py").read_text(encoding="utf-8")
    (tmp_path / "tree" / "worker.py").write_text(
        code.replace("import os\n", "import os\ndel os.fork\n", 1)
    )
    monkeypatch.delattr(os, "fork")
    with Box(tmp_path / "tree", ["numpy"], "none") as opened:
        assert ask(opened, "counts") == ask(opened, "counts") == [1]
        with pytest.raises(BoxError, match="ZeroDivisionError"):
            ask(opened, "fails")


@pytest.mark.parametrize("died", ["SIGSEGV", "", [1], None, {"x": 1}, "x" * 10_000])
def test_the_end_of_a_task_is_told_whatever_it_says(died):
    """A task's report of its own end is not trusted to be text, or short."""
    assert len(sandbox._reason({"died": died})) < 100


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs root")
def test_the_box_of_a_user(tree):
    """If neither bubblewrap nor namespaces work, tasks run as a separate user, who leaves no
    processes and no files behind; a machine whose Python that user can't read is refused.
    """
    try:
        opened = Box(tree, ["numpy"], "user")
    except NoBox as error:
        assert "Python can't be read" in str(error)
        return
    with opened:
        assert ask(opened, "where")[1] == isolation.user() != 0
        assert ask(opened, "rights") == [1, 0, 0]
        assert ask(opened, "writes") == [0, 0, 0, 0, 1]
        ask(opened, "leaves")
        ask(opened, "left")
        ask(opened, "counts")  # begins when all that the last task left is gone
        assert not survivors() and not Path("/tmp/left").exists() and not Path("/tmp/x").exists()
