"""A box to run a student's code in: no network, nothing to read but Python and the student's tree,
nothing to write but a private temporary folder, limits on everything, and nothing left alive
afterwards.

Kinds of box, the first that works is taken:

- bubblewrap: Linux, where `bwrap` is installed
- namespaces: Linux, the same by hand, with `unshare` and `mount`
- user: Linux as root, in a container that allows neither: a user of its own who can't read the
  grader's files
- none: no box, for code that one trusts. It is never taken unless asked for; Windows and macOS have
  no other

Started as root, every kind but the last runs students' code as a user who owns nothing.
"""

import contextlib
import functools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from grading import wire
from grading.walls import ENVIRONMENT, WALLS, inside, user

HERE = Path(__file__).resolve().parent
LIMITS = {
    "CPU": 10,  # seconds, of one task's first process
    "AS": 6 << 30,  # bytes of address space, of one process; PyTorch alone takes three
    "NPROC": 64,  # processes and threads
    "FSIZE": 16 << 20,  # bytes of one file
    "NOFILE": 128,
    "CORE": 0,
}
CPU = 2 * LIMITS["CPU"]  # seconds of a task, all its processes together
IDLE = 15  # seconds that a task may wait for anything but a processor
WALL = 900  # seconds of a task in any case, on a machine that has much else to do
START = 900  # seconds until a box is ready
LOOK = 0.2  # seconds between two looks at what a box is doing
MEMORY = (
    3 << 30
)  # bytes that all processes of a box use together, pages that they share counted for each


class BoxError(Exception):
    """A task came to no answer; the message is a sentence for the student."""


class NoBox(Exception):
    """This machine has no box."""


class Box:
    """A running box. It is a context manager; afterwards all its processes are dead.

    Attribute:
    - kind: Which kind it is
    """

    def __init__(self, tree, warm=(), kind=None):
        """Start a box.

        Inputs:
        - tree: Folder that the code in the box sees, read-only; it holds worker.py
        - warm: Modules that the server imports before any task
        - kind: Kind of box; by default the best that works here

        Raises NoBox where there is none, or it does not start.
        """
        self.kind = kind or choose_kind()
        self.tree, self.warm, self.process = Path(tree), list(warm), None
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, about, groups=()):
        """Give the box a task.

        Inputs:
        - about, groups: The message, see `wire.encode`

        Returns: about and groups of the answer. An answer that says that the task failed raises
        BoxError.

        Raises BoxError also where no answer comes in time, memory runs out or the answer can't be
        read. The box has been replaced by a new one then.
        """
        if self.process is None:
            self._start()
        try:
            self.process.stdin.write(wire.encode(about, groups))
            self.process.stdin.flush()
            answer, arrays = wire.decode(self._next_message(WALL, self._watch()))
        except (ValueError, OSError) as error:
            self.close(patience=0)
            raise BoxError(f"Its answer could not be read: {error}.") from error
        except BoxError:
            self.close(patience=0)
            raise
        if self.kind == "none" and not hasattr(os, "fork"):
            self.close()
        if not isinstance(answer, dict) or not {"died", "error"} & set(answer):
            return answer, arrays
        raise BoxError(_reason(answer))

    def close(self, patience=1):
        """End every process of the box, after some seconds of patience with its server."""
        if self.process is None:
            return
        process, self.process = self.process, None
        with contextlib.suppress(OSError):
            process.stdin.close()  # then the server leaves by itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        _kill_tree(process)
        if self.kind == "user":
            _kill_user(user())
        self._reader.join()
        process.stdout.close()

    def _start(self):
        walls = self.kind != "none"
        settings = {
            "warm": self.warm,
            "user": user() if walls else None,
            "limits": LIMITS,
            "alone": walls,
        }
        command = [
            sys.executable,
            "-I",
            "-B",
            str(inside(self.kind, self.tree) / "worker.py"),
            json.dumps(settings),
        ]
        self.process = subprocess.Popen(
            [*WALLS[self.kind](self.tree), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT if walls else os.environ | {"DEEPLEARNING_DATA": tempfile.gettempdir()},
            start_new_session=os.name == "posix",
        )
        self._messages = queue.Queue()
        self._reader = threading.Thread(
            target=_read_messages, args=(self.process.stdout, self._messages), daemon=True
        )
        self._reader.start()
        try:
            self._next_message(START)
        except (BoxError, ValueError) as error:
            self.close(patience=0)
            raise NoBox(f"the {self.kind} box did not start") from error

    def _next_message(self, wall, watched=None):
        """The next message's payload; what the box does meanwhile is looked at by a function that
        raises BoxError.
        """
        deadline = time.monotonic() + wall
        while time.monotonic() < deadline:
            try:
                message = self._messages.get(timeout=LOOK)
            except queue.Empty:
                if watched is not None:
                    watched()
                continue
            if message is None:
                raise BoxError("Its process was killed.")
            return message
        raise BoxError(f"It gave no answer within {wall} seconds.")

    def _watch(self):
        """A function that raises BoxError when a task has used up its memory, computing time or
        patience.
        """
        started, idle = _used(self.process)[1], 0

        def look():
            nonlocal idle
            memory, cpu, waits = _used(self.process)
            idle = idle + LOOK if waits else 0
            if memory > MEMORY:
                raise BoxError(
                    f"It used {memory >> 20} MB of memory, more than the {MEMORY >> 20} allowed."
                )
            if cpu - started > CPU:
                raise BoxError(f"Its processes computed for more than {CPU} seconds together.")
            if idle > IDLE:
                raise BoxError(f"It waited for {IDLE} seconds without doing anything.")

        return look


def _reason(answer):
    """Why a task failed, as a sentence."""
    if "error" in answer:
        return str(answer["error"])[:600]
    died = str(answer["died"])[:20]
    if died in ("SIGXCPU", "SIGKILL"):
        return f"It was stopped after {LIMITS['CPU']} seconds of computing, or killed itself."
    return f"Its process ended before it answered{f' ({died})' if died else ''}."


def _read_messages(pipe, messages):
    """Put every whole message of a pipe into a queue, and None at its end or where it is too long."""
    try:
        while len(prefix := pipe.read(8)) == 8:
            count = wire.length(prefix)
            payload = pipe.read(count)
            if len(payload) < count:
                break
            messages.put(payload)
    except (OSError, ValueError):
        pass
    messages.put(None)


def _used(process):
    """Memory (bytes) and computing time (seconds) of a process and its descendants; whether all of
    them wait.
    """
    memory, cpu, waits = 0, 0, True
    for each in _tree(process):
        try:
            with each.oneshot():
                memory += each.memory_info().rss
                times = each.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
                waits = waits and each.status() in (
                    psutil.STATUS_SLEEPING,
                    psutil.STATUS_ZOMBIE,
                    psutil.STATUS_STOPPED,
                )
        except psutil.Error:
            continue
    return memory, cpu, waits


def _tree(process):
    try:
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _kill_tree(process):
    """Kill a process and its descendants; the first process of a namespace takes the whole
    namespace along.
    """
    for _ in range(10):
        tree = _tree(process)
        for each in tree:
            try:
                each.kill()
            except psutil.Error:
                continue
        if len(tree) <= 1:
            break
        psutil.wait_procs(tree[1:], timeout=0.5)
    process.wait()


def _kill_user(user):
    """Kill all processes of a user, until none is left."""
    killer = "import os; os.setuid(int(os.sys.argv[1])); os.kill(-1, 9)"
    while any(
        p.info["uids"] and p.info["uids"].real == user for p in psutil.process_iter(["uids"])
    ):
        subprocess.run([sys.executable, "-I", "-c", killer, str(user)], stderr=subprocess.DEVNULL)


@functools.cache
def choose_kind():
    """The best kind of box that works here. Raises NoBox where none does."""
    reasons = []
    for kind in ("bubblewrap", "namespaces", "user"):
        problem = _problem(kind)
        if problem is None:
            return kind
        reasons.append(f"{kind}: {problem}")
    raise NoBox(
        f"no box to run students' code in ({'; '.join(reasons)}). On Linux, install bubblewrap. With --unsafe it runs "
        "without a box, and can do all that you can do: only for submissions that you trust"
    )


def _problem(kind):
    """Why a kind of box does not work here, or None."""
    if sys.platform != "linux":
        return "needs Linux"
    program = {"bubblewrap": "bwrap", "namespaces": "unshare"}.get(kind)
    if program and shutil.which(program) is None:
        return f"{program} is not installed"
    if kind == "user" and os.getuid() != 0:
        return "needs root"
    with tempfile.TemporaryDirectory(prefix="box-") as folder:
        os.chmod(folder, 0o755)
        for name in ("worker.py", "wire.py"):
            shutil.copy(HERE / name, folder)
        try:
            with Box(folder, kind=kind):
                return _readable_answers(kind)
        except NoBox:
            return "does not start"


def _readable_answers(kind):
    """For a box without walls: why its user can read the reference, or None."""
    if kind != "user":
        return None
    look = f"import os; os.setuid({user()}); os.sys.exit(os.access({str(HERE)!r}, os.R_OK))"
    if subprocess.run([sys.executable, "-I", "-c", look]).returncode == 0:
        return None
    return f"everyone can read {HERE.parent}: take that right away (chmod 700)"


def main():
    try:
        print(f"students' code runs in the {choose_kind()} box")
    except NoBox as error:
        sys.exit(f"box: {error}")


if __name__ == "__main__":
    main()
