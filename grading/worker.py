"""Inside the sandbox: a warm server that runs every task in a fresh process.

    python -I -B worker.py SETTINGS PACKAGES...

It has imported NumPy, or PyTorch, and none of the student's code. Messages (see `messages`) come in
on standard input and leave on standard output; a task's process gets neither, only a pipe to this
server and one back. The grader trusts nothing here, and judges only arrays: whatever a student's
code does to this server, it can at best send the answers that it could have computed.

A task may ask the grader to run a function for it (`conversation`): this server then passes the
message on, and the answer back. Nothing of a task remains afterwards, neither processes nor files.

SETTINGS is JSON: `tree`, the folder of the student's files; `warm`, names of modules to import
first; `user`, a number to become, or null; `limits`, as in `sandbox.LIMITS`; `alone`, whether every
process that this user can signal belongs to the sandbox. PACKAGES are folders to import from, in
addition to Python's own.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import stat
import struct
import sys
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import messages
import syscall_filter

CAPABILITIES = 0x20080522  # version of the kernel's structure. Source: linux/capability.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
# a task's message begins with one of these
CALL = b"?"
LAST = b"."
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")


def main():
    settings = json.loads(sys.argv[1])
    sys.path += [path for path in sys.argv[2:] if path not in sys.path]
    serve(settings, os.dup(0), os.dup(1))


def serve(settings, source, sink, joined=False):
    """Confine this process, import, and answer tasks until the pipe ends. It drops all privileges
    before importing the first module of the tree.

    Inputs:
    - settings: Dictionary, see above
    - source, sink: Descriptors of the pipes that messages come from and go to
    - joined: Whether this process came from outside the sandbox, see `joining`
    """
    inbox = os.fdopen(source, "rb")
    outbox = os.fdopen(sink, "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    warnings.simplefilter("ignore")
    if hasattr(os, "fork"):
        _confine(settings["user"], settings["limits"], settings["alone"], joined)
    about = {"ready": True, "failed": _import_all(settings["warm"])}
    # the student's own modules come last, so that they shadow no others, and only for tasks
    sys.path.append(os.path.join(settings["tree"], "beside"))
    if hasattr(os, "fork"):
        about["unreadable"] = _unreadable()
        _clean_up(settings["alone"])
    _send(outbox, messages.encode(about))
    while message := _receive(inbox):
        if not hasattr(os, "fork"):
            _send(outbox, _answer(message, settings["tree"], None))
            return  # the next task gets a new server
        _send(outbox, _in_a_process(message, settings, (inbox, outbox)))
        _clean_up(settings["alone"])
    os._exit(0)  # without PyTorch's slow clean-up


def _import_all(modules):
    """Import modules; returns those that failed, with the reason."""
    failed = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            failed[module] = f"{type(error).__name__}: {error}"[:300]
    return failed


def _confine(user, limits, alone, joined):
    """Become the sandbox's user for good, with limits on what this and every later process may
    use.
    """
    import resource

    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        prctl = libc.prctl
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.capset(struct.pack("Ii", CAPABILITIES, 0), bytes(24))  # drop all other rights
        if not joined:  # otherwise the parent is outside the sandbox
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # becoming a user has cleared it
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # a task can't open this server's pipes, nor its memory
        if alone:
            syscall_filter.install()
    # the first process of a namespace gets only signals that it handles
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("AS", "NPROC", "FSIZE", "NOFILE", "CORE"):
        # macOS lacks some of them
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limits[name],) * 2)


def _unreadable():
    """The first file that Python needs and the sandbox's user can't read, or None."""
    needed = [os.__file__, ctypes.__file__, json.__file__, sys.modules["encodings"].__file__]
    numpy = sys.modules.get("numpy")
    needed += [numpy.__file__] if numpy else []
    return next((path for path in needed if not os.access(path, os.R_OK)), None)


def _in_a_process(message, settings, pipes):
    """The answer to a message, computed in a process of its own, or a message that says how that
    process ended.
    """
    from_task, to_server = os.pipe()
    from_server, to_task = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            import resource

            os.close(from_task)
            os.close(to_task)
            for pipe in pipes:
                os.close(pipe.fileno())
            seconds = settings["limits"]["CPU"]
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            with os.fdopen(to_server, "wb") as out, os.fdopen(from_server, "rb") as replies:
                out.write(LAST + _answer(message, settings["tree"], (out, replies)))
        finally:
            os._exit(0)
    os.close(to_server)
    os.close(from_server)
    answer, status = _converse(child, from_task, to_task, pipes)
    os.close(from_task)
    os.close(to_task)
    if status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return answer or messages.encode({"died": signal.Signals(died).name if died else ""})


def _converse(child, from_task, to_task, pipes):
    """A task's last message, or None; and its status, if it has ended and been waited for. Passes
    its earlier calls on to the grader, and the grader's answers back.
    """
    inbox, outbox = pipes
    while True:
        message, status = _read_message(from_task, child, inbox)
        if message is None or message[:1] != CALL:
            return message and message[1:], status
        _send(outbox, message[1:])
        try:
            reply = _receive(inbox)
            _write_all(to_task, struct.pack(">Q", len(reply)) + reply)
        except OSError:
            return None, status  # the task has ended


def _read_message(from_task, child, inbox):
    """The next whole message of a task's process, or None; and its status, if it has ended and been
    waited for.
    """
    data = b""
    wanted = 9
    status = None
    while len(data) < wanted:
        waiting = 0.05 if status is None else 0
        ready = select.select([from_task, inbox], [], [], waiting)[0]
        if from_task in ready:
            part = os.read(from_task, min(1 << 20, wanted - len(data)))
            if not part:
                return None, os.waitpid(child, 0)[1] if status is None else status
            data += part
            if len(data) == wanted == 9:
                try:
                    wanted = 9 + messages.length(data[1:])
                except ValueError as error:
                    said = messages.encode({"error": f"Its answer was too large: {error}."})
                    return LAST + said, status
        elif inbox in ready:
            _kill_all_others()  # the grader is gone: nobody waits for an answer
            os._exit(1)
        elif status is not None:
            return None, status  # something that it started still holds the pipe
        else:
            ended, how = os.waitpid(child, os.WNOHANG)
            status = how if ended else None
    return data, status


def _write_all(pipe, data):
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def _clean_up(alone):
    """Remove everything that a task has left: processes and files."""
    if not alone:
        return
    _kill_all_others()
    for folder in SHARED_FOLDERS:
        with contextlib.suppress(OSError):
            _empty(folder, os.lstat(folder).st_dev)


def _kill_all_others():
    """Kill whatever a task has left running, and wait for its end."""
    with contextlib.suppress(OSError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _empty(folder, device):
    """Delete what this user owns in a folder; other file systems below it are left as they are."""
    for entry in list(os.scandir(folder)):
        with contextlib.suppress(OSError):
            about = entry.stat(follow_symlinks=False)
            if about.st_dev != device or about.st_uid != os.getuid():
                continue
            if stat.S_ISDIR(about.st_mode):
                os.chmod(entry.path, 0o700)
                _empty(entry.path, device)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


def _answer(message, tree, pipes):
    """The message that answers a task."""
    try:
        about, groups = messages.decode(message)
        return messages.encode(*TASKS[about["task"]](about, groups, pipes))
    except BaseException as error:  # SystemExit ends the task, not the exercise's neighbours
        return messages.encode({"error": _described(error, tree)})


def _exercise(about, groups, pipes):
    from exercises.calls import CALLS, Package

    if about.get("lent"):
        from conversation import put_in_place

        put_in_place(about["lent"], pipes)
    package = Package()
    return "done", [CALLS[about["exercise"]](package, inputs) for inputs in groups]


def _sources(about, groups, pipes):
    from read_sources import read_sources

    how = about["how"]
    contents = [data.tobytes() for data in groups[0].values()]
    return read_sources(dict(zip(how.pop("names"), contents, strict=True)), **how)


TASKS = {"exercise": _exercise, "sources": _sources}


def _described(error, tree):
    """An error in one line, with the line of the student's file that it came from."""
    if isinstance(error, NotImplementedError) and str(error):
        return str(error)[:400]  # a stub's message says what to do
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")[:400]
    places = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(
            (os.path.join(tree, "deeplearning"), os.path.join(tree, "beside"))
        )
    ]
    if not places:
        return text
    return f"{text} ({Path(places[-1].filename).name}, line {places[-1].lineno})"


def _send(file, message):
    file.write(message)
    file.flush()


def _receive(file):
    """The next message, without its length; empty at the end."""
    prefix = file.read(8)
    return file.read(struct.unpack(">Q", prefix)[0]) if len(prefix) == 8 else b""


if __name__ == "__main__":
    main()
