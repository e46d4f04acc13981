"""The box: what code in it can see, change, take and leave behind."""

import os
import platform
import shutil
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from grading import isolation, sandbox, watch
from grading.sandbox import Box, BoxError, NoBox
from tests.grading.machines import HOW_TO_GET_A_SANDBOX

ROOT = Path(__file__).resolve().parents[2]
KINDS = [kind for kind in ("bubblewrap", "namespaces") if sandbox.why_not(kind) is None]
SURVIVOR = "54321.25"  # seconds that a process sleeps which must not survive

CODE = f'''
import os, signal, socket, subprocess, sys, time
import numpy as np

def numbers(*values): return {{"n": np.array(values)}}
def can(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return 0
    return 1
def write(path):
    with open(path, "w") as file: file.write("x")
def status(name):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(name + ":"))
def connected(_):
    with socket.socket() as s:
        s.settimeout(1)
        s.connect(("127.0.0.1", PORT)) if PORT else s.connect(("1.1.1.1", 53))
def leave():
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork(): os._exit(0)
            os.execv("/bin/sleep", ["sleep", "{SURVIVOR}"])
    time.sleep(0.2)
def refused(*numbers):
    import ctypes, errno
    libc = ctypes.CDLL(None, use_errno=True)
    return [libc.syscall(*n) == -1 and ctypes.get_errno() in (1, 13, 38) for n in numbers]
def opened(pid):
    return [can(os.listdir, f"/proc/{{pid}}/fd"), can(open, f"/proc/{{pid}}/mem", "rb")]
def drip():
    while True:
        time.sleep(0.5)
        sum(range(100_000))
state, ENV = [], os.environ

CALLS = {{
    "echo": lambda p, i: i,
    "where": lambda p, i: numbers(len([n for n in os.listdir("/proc") if n.isdigit()]), os.getuid()),
    "sees": lambda p, i: numbers(*(os.path.exists(bytes(i["path"]).decode()) for _ in "1")),
    "writes": lambda p, i: numbers(*(can(write, path + "/x") for path in ("/", "/box", "/usr", sys.prefix, "/tmp"))),
    "writes_to": lambda p, i: numbers(can(write, bytes(i["path"]).decode() + "/x")),
    "rights": lambda p, i: numbers(int(status("NoNewPrivs")), int(status("CapEff"), 16) & ~0xC0, "SECRET" in ENV),
    "connects": lambda p, i: numbers(*(can(socket.create_connection, ("127.0.0.1", int(i["port"])), 1) for _ in "1")),
    "counts": lambda p, i: state.append(1) or numbers(len(state)),
    "leaves": lambda p, i: leave() or numbers(1),
    "left": lambda p, i: can(write, "/tmp/left") and numbers(len(os.listdir("/tmp"))),
    "fills": lambda p, i: numbers(*(can(write, path + "/x") for path in ("/dev", "/dev/shm"))),
    "server": lambda p, i: numbers(*opened(1), *opened(os.getppid())),
    "calls": lambda p, i: numbers(
        *refused((272, 0x10000000), (425, 8, 0), (319, b"x", 0), (29, 1, 4096, 0o1600), (101, 0))
    ),
    "drips": lambda p, i: drip(),
    "fails": lambda p, i: 1 / 0,
    "leaves_and_waits": lambda p, i: leave() or time.sleep(1000),
    "exits": lambda p, i: os._exit(0),
    "sleeps": lambda p, i: time.sleep(1000),
    "computes": lambda p, i: [0 for _ in iter(int, 1)],
    "hoards": lambda p, i: [bytearray(b"x") * (1 << 24) for _ in iter(int, 1)],
    "large": lambda p, i: {{"n": np.zeros(10_000_000)}},
    "kills": lambda p, i: [os.kill(pid, n) for pid in (os.getppid(), 1) for n in (2, 15, 19, 9)] and numbers(1),
    "forks": lambda p, i: numbers(sum(os.fork() == 0 and time.sleep(1000) or 1 for _ in range(1000))),
}}
class Package: pass
'''


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree for a box, whose exercises are those of CODE."""
    tmp_path = tmp_path_factory.mktemp("box")
    (tmp_path / "tree" / "exercises").mkdir(parents=True)
    (tmp_path / "tree" / "exercises" / "calls.py").write_text(CODE)
    for name in sandbox.SERVER:
        shutil.copy(ROOT / "grading" / name, tmp_path / "tree")
    for path in (*tmp_path.parents[:-2], tmp_path, *tmp_path.rglob("*")):
        path.chmod(path.stat().st_mode | 0o755 if path.is_dir() else 0o644)
    return tmp_path / "tree"


@pytest.fixture(
    scope="module",
    params=KINDS or [pytest.param("", marks=pytest.mark.skip(HOW_TO_GET_A_SANDBOX))],
)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def boxed(tree, kind):
    """A box for all tests that leave it as it was."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SECRET", "of the grader")
        with Box(tree, ["numpy"], kind) as opened:
            yield opened


def ask(opened, exercise, **inputs):
    """What the exercise answers, as a list of numbers."""
    arrays = {
        name: np.frombuffer(v, np.uint8) if isinstance(v, bytes) else np.array(v)
        for name, v in inputs.items()
    }
    _, ((outputs),) = opened.ask({"task": "exercise", "exercise": exercise}, [arrays])
    return outputs["n"].tolist() if "n" in outputs else outputs


def survivors():
    return [p for p in psutil.process_iter(["cmdline"]) if SURVIVOR in (p.info["cmdline"] or ())]


def test_arrays_go_in_and_come_out(boxed):
    """What a task is given it sees, and what it answers arrives."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    outputs = ask(boxed, "echo", x=x, y=np.arange(3))
    assert np.array_equal(outputs["x"], x) and np.array_equal(outputs["y"], np.arange(3))


def test_it_is_alone(boxed):
    """A task sees the processes of its box alone, and is neither root nor has root's rights."""
    processes, user = ask(boxed, "where")
    assert processes <= 3
    assert user != 0 or os.getuid() != 0
    assert ask(boxed, "rights") == [1, 0, 0]


@pytest.mark.parametrize(
    "path",
    [ROOT / "grading", ROOT / "tests", ROOT / "deeplearning", Path("/etc/passwd"), Path("/home")],
)
def test_it_sees_nothing_of_ours(boxed, path):
    """Reference, tests, and what else lies on this machine are not there."""
    assert path.exists() and ask(boxed, "sees", path=bytes(path)) == [0]


def test_it_writes_nowhere_but_into_its_own_folder(boxed, tree):
    """Only /tmp can be written to, which is not ours, and is gone with the box."""
    assert ask(boxed, "writes") == [0, 0, 0, 0, 1]
    assert not Path("/tmp/x").exists() and not (tree / "x").exists()


def test_it_has_no_network(boxed):
    """Not even a server on this machine can be reached."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ask(boxed, "connects", port=server.getsockname()[1]) == [0]


def test_every_task_is_fresh(boxed):
    """What a task does to its modules, the next one does not see."""
    assert ask(boxed, "counts") == ask(boxed, "counts") == [1]


def test_every_task_finds_an_empty_folder(boxed):
    """What a task leaves in /tmp is gone before the next one."""
    assert ask(boxed, "left") == ask(boxed, "left") == [1]


def test_there_is_no_other_memory_to_fill(boxed):
    """Nothing can be written to /dev and /dev/shm, whose pages no limit counts."""
    assert ask(boxed, "fills") == [0, 0]


def test_the_server_is_closed_to_its_tasks(boxed):
    """A task can open neither pipes nor memory of the process that it came from."""
    assert ask(boxed, "server") == [0, 0, 0, 0]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the test has x86_64's numbers")
def test_needless_system_calls_are_refused(boxed):
    """New namespaces, io_uring, memory without a limit, queues and debugging are refused."""
    assert ask(boxed, "calls") == [1] * 5


def test_a_killed_grader_leaves_nothing(tree, kind, start_python):
    """When the grader is killed in the middle of a task, the sandbox dies with it."""
    code = (
        "import sys; from grading.sandbox import Box; box = Box(sys.argv[1], ['numpy'], sys.argv[2])\n"
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
    """Many slow tasks are stopped together, however each of them stays below its own limit."""
    monkeypatch.setattr(sandbox, "PATIENCE", 1)
    monkeypatch.setattr(watch, "IDLE", 2)
    with Box(tree, ["numpy"], kind) as opened:
        with pytest.raises(BoxError, match="waited"):
            ask(opened, "sleeps")
        with pytest.raises(BoxError, match="used up"):
            ask(opened, "counts")


def test_only_the_user_of_the_sandbox_reads_a_tree(tmp_path):
    """A tree is closed to everybody else; where the grader is root, it belongs to a user that no
    other process of a grader has.
    """
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "x.py").touch()
    sandbox.show_to_user(tmp_path / "tree")
    modes = [
        path.stat().st_mode & 0o007 for path in (tmp_path / "tree", tmp_path / "tree" / "x.py")
    ]
    assert modes == [0, 0]
    if os.getuid() == 0:
        assert (tmp_path / "tree" / "x.py").stat().st_gid == sandbox.user()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs root")
def test_no_two_graders_have_one_user(run_python):
    """Two processes of graders have sandboxes of different users, as long as both live."""
    code = "from grading.isolation import user; print(user())"
    assert sandbox.user() != int(run_python("-c", code)[1])


def test_why_a_sandbox_does_not_start(tree, kind, monkeypatch):
    """What the programs said is in the message, not swallowed."""
    broken = {kind: lambda tree: ["sh", "-c", "echo no room on this machine >&2; exit 3"]}
    monkeypatch.setattr(sandbox, "COMMANDS", broken)
    with pytest.raises(NoBox, match="does not start .no room on this machine"):
        Box(tree, kind=kind)
    assert "no room" in sandbox.why_not(kind)


def test_what_cannot_be_shown_is_a_reason(tree, tmp_path, monkeypatch):
    """Where a folder that Python needs can't be mounted, the sandbox does not start, and says why,
    in place of trying for ever.
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
from tests.grading.test_sandbox import ask

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
    """What is mounted below a folder that Python needs, as /usr/local may be, can be read in the
    sandbox, and not be written to.
    """
    status, said, errors = run_python("-c", DISK, tree, kind, tmp_path / "python")
    assert (status, said) == (0, "[1] [0]\n"), errors


def test_packages_from_anywhere(tree, kind, tmp_path, run_python):
    """Packages that lie outside of Python's own folders, as with `pip install --user` or behind a
    link, can be imported in the sandbox, too.
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
    """No sandbox is used that shows the reference together with Python: installed as a package, or
    in a folder that Python needs.
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


def test_nothing_survives_a_task(boxed):
    """Processes that leave session and group are dead when the next task starts."""
    ask(boxed, "leaves")
    assert ask(boxed, "where")[0] <= 3 and not survivors()


def test_nothing_survives_a_box(tree, kind):
    """Nor do they survive a box that is closed in the middle."""
    opened = Box(tree, ["numpy"], kind)
    opened.process.stdin.write(
        sandbox.messages.encode({"task": "exercise", "exercise": "leaves"}, [{}])
    )
    opened.process.stdin.flush()
    deadline = time.monotonic() + 60
    while not survivors() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert survivors()
    opened.close(patience=0)
    time.sleep(0.1)
    assert not survivors()


@pytest.mark.parametrize(
    ("exercise", "reason"),
    [
        ("fails", "ZeroDivisionError: division by zero"),
        ("exits", "Its process ended before it answered"),
        ("sleeps", "waited for 1 seconds"),
        ("drips", "waited for 1 seconds"),
        ("computes", "seconds of computing"),
        ("hoards", "MB of memory"),
        ("large", "Its answer was too large"),
        ("forks", "Resource temporarily unavailable"),
    ],
)
def test_what_a_task_may_not(tree, kind, monkeypatch, exercise, reason):
    """A task that fails, hangs or takes too much is stopped, with a reason; the next one is not the
    worse for it.
    """
    if exercise in ("sleeps", "drips"):
        monkeypatch.setattr(watch, "IDLE", 1)
    if exercise == "hoards":
        monkeypatch.setattr(watch, "MEMORY", 1 << 29)
    if (
        exercise == "computes"
    ):  # only there: on a busy machine, half a gigabyte may take a second, too
        monkeypatch.setitem(sandbox.LIMITS, "CPU", 1)
    with Box(tree, ["numpy"], kind) as opened:
        with pytest.raises(BoxError, match=reason):
            ask(opened, exercise)
        assert ask(opened, "counts") == [1]


def test_the_server_cannot_be_killed_from_inside(boxed):
    """Signals to the first process of the box do nothing."""
    server = boxed.process
    assert ask(boxed, "kills") == [1] and ask(boxed, "counts") == [1] and boxed.process is server


def test_without_a_box(tree):
    """Where it is asked for, the same works without walls, and other processes of the user stay
    alive.
    """
    bystander = psutil.Popen(["sleep", "1000"])
    try:
        with Box(tree, ["numpy"], "none") as opened:
            assert ask(opened, "counts", x=1) == [1]
        assert bystander.is_running() and bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_without_processes(tree, monkeypatch, tmp_path):
    """Where a system can't fork, as Windows, each task without a box gets a server of its own."""
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


def test_no_box_is_refused(monkeypatch):
    """Where no kind works, one sentence says why, and what to do; nothing is run without walls."""
    monkeypatch.setattr(sandbox, "why_not", lambda kind: "is not installed")
    with pytest.raises(NoBox, match="bubblewrap: is not installed.*install bubblewrap.*--unsafe"):
        sandbox.choose_kind.__wrapped__()


def test_the_user_box_needs_hidden_answers(monkeypatch):
    """Without namespaces a box is refused whose user could read the reference."""
    if os.name != "posix" or os.getuid() != 0:
        assert sandbox.why_not("user") in ("needs root", "needs Linux")
    elif ROOT.stat().st_mode & 0o005:
        assert "can read" in sandbox.why_not("user") or "does not start" in sandbox.why_not("user")


@pytest.mark.parametrize("died", ["SIGSEGV", "", [1], None, {"x": 1}, "x" * 10_000])
def test_the_end_of_a_task_is_told_whatever_it_says(died):
    """What a task says of its own end is not trusted to be text, or short."""
    assert len(sandbox._reason({"died": died})) < 100
