"""Inside the box: a warm server that hands every task to a fresh process of its own.

    python -I -B worker.py SETTINGS

It has imported NumPy, or PyTorch, and nothing of the student. Messages (see `wire`) come in on
standard input and leave on standard output; a task's process gets neither. Nothing here is trusted
by the grader, which judges arrays: whatever a student's code does to this server, it can at best
send the answers that it could have computed.

SETTINGS is JSON: `warm`, names of modules to import first; `user`, a number to become, or null;
`limits`, as in `box.LIMITS`; `alone`, whether all that this user's processes can signal belongs to
the box.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import struct
import sys
import traceback
import warnings
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import wire

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def main():
    settings = json.loads(sys.argv[1])
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    warnings.simplefilter("ignore")
    for module in settings["warm"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    if hasattr(os, "fork"):
        _confine(settings["user"], settings["limits"])
    _send(outbox, wire.encode("ready"))
    while message := _receive(inbox):
        if not hasattr(os, "fork"):
            _send(outbox, _answer(message))  # and that was all: the next task gets a new server
            return
        _send(outbox, _in_a_process(message, settings, (inbox, outbox)))
        if settings["alone"]:
            _kill_all_others()
    os._exit(0)  # PyTorch takes a while to say goodbye


def _confine(user, limits):
    """Become the user of the box, for good, with limits on what this and every later process may
    take.
    """
    import resource

    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # becoming a user has cleared it
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the first process of a namespace gets no signals but what it handles
    for name in ("AS", "NPROC", "FSIZE", "NOFILE", "CORE"):
        with contextlib.suppress(
            ValueError, OSError, AttributeError
        ):  # macOS does not know them all
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limits[name],) * 2)


def _in_a_process(message, settings, pipes):
    """The answer to a message, computed in a process of its own, or a message that says how that
    ended.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            import resource

            os.close(reading)
            for pipe in pipes:
                os.close(pipe.fileno())
            seconds = settings["limits"]["CPU"]
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            with os.fdopen(writing, "wb") as out:
                _send(out, _answer(message))
        finally:
            os._exit(0)
    os.close(writing)
    answer, status = _read_answer(reading, child)
    os.close(reading)
    if status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return answer or wire.encode({"died": signal.Signals(died).name if died else ""})


def _read_answer(reading, child):
    """A whole message from a task's process, or None; and its status, if it has ended and been
    waited for.
    """
    data, wanted, status = b"", 8, None
    while len(data) < wanted:
        if select.select([reading], [], [], 0.05 if status is None else 0)[0]:
            part = os.read(reading, 1 << 20)
            if not part:
                return None, os.waitpid(child, 0)[1] if status is None else status
            data += part
            if len(data) >= 8 and wanted == 8:
                try:
                    wanted = 8 + wire.length(data[:8])
                except ValueError as error:
                    return wire.encode({"error": f"Its answer was too large: {error}."}), status
        elif status is not None:
            return None, status  # something that it started still holds the pipe
        else:
            ended, how = os.waitpid(child, os.WNOHANG)
            status = how if ended else None
    return data[:wanted], status


def _kill_all_others():
    """End whatever a task has left running, and take note of its end."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _answer(message):
    """The message that answers a task."""
    try:
        about, groups = wire.decode(message)
        return wire.encode(*TASKS[about["task"]](about, groups))
    except (
        BaseException
    ) as error:  # SystemExit and KeyboardInterrupt end the task, not the exercise's neighbours
        return wire.encode({"error": _described(error)})


def _exercise(about, groups):
    from exercises.calls import CALLS, Package

    for given in about["given"]:
        _put_in_place(**given)
    package = Package()
    return "done", [CALLS[about["exercise"]](package, inputs) for inputs in groups]


def _put_in_place(module, source, names, own, stubs):
    """Give a student's module functions of those names, which call the student's own of others;
    stubs are for a module that does not work.
    """
    try:
        theirs = importlib.import_module(module)
    except Exception:
        theirs = sys.modules[module] = _run(stubs, module)
        package, _, name = module.rpartition(".")
        setattr(importlib.import_module(package), name, theirs)
    reference = _run(source, f"{module}_given")
    for name in own:
        setattr(reference, name, getattr(theirs, name))
    for name in names:
        setattr(theirs, name, getattr(reference, name))


def _run(source, name):
    """A module made of a source."""
    made = ModuleType(name)
    made.__package__ = name.rpartition(".")[0]
    exec(compile(source, name, "exec"), vars(made))
    return made


def _survey(about, groups):
    from survey import survey

    return survey({name: data.tobytes() for name, data in groups[0].items()}, **about["how"]), ()


TASKS = {"exercise": _exercise, "survey": _survey}


def _described(error):
    """An error in one line, with the line of the student's file that it came from."""
    if isinstance(error, NotImplementedError) and str(error):
        return str(error)[:400]  # a stub says itself what is to be done
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")[:400]
    places = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename.startswith(str(HERE / "deeplearning"))
    ]
    return (
        f"{text} ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else text
    )


def _send(file, message):
    file.write(message)
    file.flush()


def _receive(file):
    """The next message, its length taken off; nothing at the end."""
    prefix = file.read(8)
    return file.read(struct.unpack(">Q", prefix)[0]) if len(prefix) == 8 else b""


if __name__ == "__main__":
    main()
