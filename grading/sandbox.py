"""A sandbox to run a student's code in: no network, read access only to Python and the student's
tree, write access only to a private temporary folder, limits on everything, and nothing left
afterwards.

Kinds of sandbox, of which the first that works is used:

- bubblewrap: Linux with `bwrap` installed
- namespaces: Linux, the same built by hand with `unshare` and `mount`
- user: Linux as root, in a container that allows neither: a separate user who can't read the
  grader's files
- none: no sandbox, for trusted code. It is used only on request; Windows and macOS have no other

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

from grading import messages
from grading.forkserver import HOLDER, fork_server
from grading.isolation import (
    COMMANDS,
    ENVIRONMENT,
    OF_NAMESPACES,
    PROGRAMS,
    inside,
    package_folders,
    reference_in_sight,
    reference_readable,
    show_to_user,
    user,
)
from grading.watch import LOOK, BoxError, Watch, kill_tree, kill_user

HERE = Path(__file__).resolve().parent
SERVER = ("worker.py", "messages.py", "conversation.py", "syscall_filter.py")
LIMITS = {
    "CPU": 10,  # seconds, of one task's first process
    "AS": 6 << 30,  # bytes of address space, of one process; PyTorch alone takes three
    "NPROC": 64,  # processes and threads
    "FSIZE": 16 << 20,  # bytes of one file
    "NOFILE": 128,
    "CORE": 0,
}
PATIENCE = 120  # seconds of computing and waiting, for all tasks of a sandbox together
WALL = 900  # seconds of real time that a task may take, even on a busy machine
START = 900  # seconds until a sandbox is ready


class NoBox(Exception):
    """This machine can't run students' code, or not correctly."""


class Box:
    """A running sandbox. It is a context manager; afterwards all its processes are dead.

    Attribute:
    - kind: Which kind it is
    """

    def __init__(self, tree, warm=(), kind=None, wanted=()):
        """Start a sandbox.

        Inputs:
        - tree: Folder that the code in it sees, read-only; it holds worker.py
        - warm: Modules that the server imports before any task
        - kind: Kind of sandbox; by default the best that works here
        - wanted: Further modules that it imports if it can

        Raises NoBox if no sandbox works here, or it does not start.
        """
        self.kind = kind or choose_kind()
        self.tree = Path(tree)
        self.warm = list(warm)
        self.wanted = list(wanted)
        self.process = None
        self.spent = 0
        self._start()

    @property
    def joined(self):
        """Whether its server came from a fork server, which had imported PyTorch already."""
        return self._server is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, about, groups=(), lend=None):
        """Give the sandbox a task.

        Inputs:
        - about, groups: The message, see `messages.encode`
        - lend: None, or a function that answers calls that the task makes meanwhile, see
          `reference_functions.Lender.answer`

        Returns: about and groups of the answer

        Raises BoxError if the task failed, no answer comes in time, memory runs out or the answer
        can't be read. In the last three cases a new sandbox takes the next task.
        """
        if self.spent > PATIENCE:
            raise BoxError(f"The {PATIENCE} seconds for this part of the submission were used up.")
        if self.process is None:
            self._start()
        watch = Watch(self.process.pid, self._server)
        try:
            answer, arrays = self._exchange(about, groups, watch)
            while lend is not None and isinstance(answer, dict) and "call" in answer:
                back = functools.partial(self._exchange, watch=watch)
                answer, arrays = self._exchange(*lend(answer, arrays, back), watch=watch)
            if isinstance(answer, dict) and "call" in answer:
                # its server waits for a reply, and would take the next task for it
                raise ValueError("it is a question, and nothing was lent")
        except (ValueError, OSError) as error:
            self.close(patience=0)
            raise BoxError(f"Its answer could not be read: {error}.") from error
        except BoxError:
            self.close(patience=0)
            raise
        finally:
            self.spent += watch.spent()
        if self.kind == "none" and not hasattr(os, "fork"):
            self.close()
        if not isinstance(answer, dict) or not {"died", "error"} & set(answer):
            return answer, arrays
        raise BoxError(_reason(answer))

    def close(self, patience=1):
        """End every process of the sandbox, after giving its server some seconds to exit."""
        if self.process is None:
            return
        process = self.process
        self.process = None
        for pipe in (self._to_server, process.stdin):
            with contextlib.suppress(OSError):
                pipe.close()  # then the server exits by itself, and so does the holder
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        kill_tree(process)
        if self.kind == "user":
            kill_user(user())
        self._reader.join()
        self._from_server.close()

    def _exchange(self, about, groups, watch):
        """Send a message, and wait for the next one."""
        self._to_server.write(messages.encode(about, groups))
        self._to_server.flush()
        return messages.decode(self._next_message(WALL, watch.look))

    def _start(self):
        walls = self.kind != "none"
        settings = {
            "tree": str(inside(self.kind, self.tree)),
            "warm": self.warm + self.wanted,
            "user": user() if walls else None,
            "limits": LIMITS,
            "alone": walls,
        }
        self._server = None
        if self.kind in OF_NAMESPACES and "torch" in self.warm and fork_server():
            # without it starting is slower, nothing else
            with contextlib.suppress(OSError, ValueError, NoBox, psutil.Error):
                return self._start_joined(settings)
            self._server = None
        worker = str(inside(self.kind, self.tree) / "worker.py")
        python = [sys.executable, "-I", "-B", worker, json.dumps(settings), *package_folders()]
        with tempfile.TemporaryFile() as said:
            self._run(python, said)
            self._listen(self.process.stdin, self.process.stdout, said)

    def _start_joined(self, settings):
        """Start with a copy of a server that has imported PyTorch already."""
        with tempfile.TemporaryFile() as said:
            self._run(HOLDER, said)
            with self.process.stdout as waits:
                waits.readline()
            theirs_in, ours_out = os.pipe()
            ours_in, theirs_out = os.pipe()
            to_server = os.fdopen(ours_out, "wb")
            from_server = os.fdopen(ours_in, "rb")
            try:
                self._server = fork_server().join(self.process.pid, settings, theirs_in, theirs_out)
            except BaseException:
                for pipe in (to_server, from_server, self.process.stdin):
                    pipe.close()
                kill_tree(self.process)
                self.process = None
                raise
            finally:
                os.close(theirs_in)
                os.close(theirs_out)
            self._listen(to_server, from_server, said)

    def _run(self, command, said):
        """Start a command in a new sandbox; its error output goes into a file."""
        walls = self.kind != "none"
        outside = os.environ | {"DEEPLEARNING_DATA": tempfile.gettempdir()}
        try:
            self.process = subprocess.Popen(
                [*COMMANDS[self.kind](self.tree), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=ENVIRONMENT if walls else outside,
                start_new_session=os.name == "posix",
            )
        except (OSError, TypeError) as error:
            raise NoBox(f"the {self.kind} sandbox can't be started: {error}") from error

    def _listen(self, to_server, from_server, said):
        """Store the server's pipes, and wait until it is ready."""
        self._to_server = to_server
        self._from_server = from_server
        self._messages = queue.Queue()
        self._reader = threading.Thread(
            target=_read_messages, args=(from_server, self._messages), daemon=True
        )
        self._reader.start()
        try:
            about, _ = messages.decode(self._next_message(START))
        except (BoxError, ValueError) as error:
            self.close(patience=0)
            said.seek(0)
            raise NoBox(_why_not(self.kind, said.read().decode(errors="replace"))) from error
        self._check_python(about)

    def _check_python(self, about):
        """Check the server's report on its Python; NoBox if students' code can't run there."""
        missing = [module for module in self.warm if module in about["failed"]]
        if about.get("unreadable"):
            self.close(patience=0)
            raise NoBox(
                f"Python can't be read in the {self.kind} sandbox ({about['unreadable']}): put the "
                "environment where every user can read it, outside private folders, or install "
                "bubblewrap"
            )
        if missing:
            self.close(patience=0)
            raise NoBox(
                f"in the {self.kind} sandbox {missing[0]} can't be imported "
                f"({about['failed'][missing[0]]})"
            )

    def _next_message(self, wall, look=None):
        """The next message's payload; while waiting, `look` checks on the sandbox, and may raise
        BoxError.
        """
        deadline = time.monotonic() + wall
        while time.monotonic() < deadline:
            try:
                message = self._messages.get(timeout=LOOK)
            except queue.Empty:
                if look is not None:
                    look()
                continue
            if message is None:
                raise BoxError("Its process was killed.")
            return message
        raise BoxError(f"It gave no answer within {wall} seconds.")


def _why_not(kind, said):
    """Why a sandbox did not start, from its programs' error output."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"the {kind} sandbox does not start" + (f" ({lines[-1][:200]})" if lines else "")


def _reason(answer):
    """Why a task failed, as a sentence."""
    if "error" in answer:
        return messages.printable(str(answer["error"])[:600])
    died = str(answer["died"])[:20]
    if died in ("SIGXCPU", "SIGKILL"):
        return f"It was stopped after {LIMITS['CPU']} seconds of computing, or killed itself."
    return f"Its process ended before it answered{f' ({died})' if died else ''}."


def _read_messages(pipe, found):
    """Put every whole message of a pipe into a queue; None at its end, or after one too long."""
    try:
        while len(prefix := pipe.read(8)) == 8:
            count = messages.length(prefix)
            payload = pipe.read(count)
            if len(payload) < count:
                break
            found.put(payload)
    except (OSError, ValueError):
        pass
    found.put(None)


@functools.cache
def choose_kind():
    """The best kind of sandbox that works here. Raises NoBox where none does."""
    reasons = []
    for kind in PROGRAMS:
        problem = why_not(kind)
        if problem is None:
            return kind
        reasons.append(f"{kind}: {problem}")
    raise NoBox(
        f"no sandbox works here to run students' code in ({'; '.join(reasons)}). On Linux, install "
        "bubblewrap. With --unsafe the code runs without one, and can do all that you can do: only "
        "for submissions that you trust"
    )


def why_not(kind):
    """Why a kind of sandbox does not work here, or None."""
    if sys.platform != "linux":
        return "needs Linux"
    missing = [program for program in PROGRAMS[kind] if shutil.which(program) is None]
    if missing:
        return f"{missing[0]} is not installed"
    if kind == "user" and os.getuid() != 0:
        return "needs root"
    if seen := reference_in_sight():
        return seen
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        for name in SERVER:
            shutil.copy(HERE / name, folder)
        show_to_user(folder)
        try:
            with Box(folder, kind=kind):
                return reference_readable() if kind == "user" else None
        except NoBox as error:
            return str(error)
