"""The fork server itself (see `forkserver.py`): import once, then send copies into sandboxes.

    python -I -B joining.py ABOUT PACKAGES...

Nothing that it reads comes from a student. Each request names a process in a sandbox by a
descriptor, with the two pipes of the future server. The copy joins all of that process's namespaces
in one call, so that it is never in only some of them, and forks once more, since a PID namespace
applies to children only.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource  # noqa: F401  the server needs it, and imports nothing before it is confined
import signal
import socket
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path += [path for path in sys.argv[2:] if path not in sys.path]
import worker

HERE = sys.path[0]
# flags of setns, by the namespace's name in /proc. Source: linux/sched.h
NAMESPACES = {
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
PR_SET_CHILD_SUBREAPER = 36
PR_CAPBSET_DROP = 24
LAST_RIGHT = 63
LIBC = ctypes.CDLL(None, use_errno=True)


def main():
    about = json.loads(sys.argv[1])
    requests = socket.socket(fileno=about["socket"])
    warnings.simplefilter("ignore")
    environment = dict(os.environ)
    for module in about["modules"]:
        with contextlib.suppress(Exception):  # then the sandbox says what is missing
            importlib.import_module(module)
    os.environ.clear()  # of what imports have added
    os.environ.update(environment)
    gc.freeze()  # otherwise garbage collection would touch, and so copy, the shared memory
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # the servers become this process's children
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 1 << 16, 3)
        if not message:
            return
        requests.send(json.dumps(_copy(json.loads(message), descriptors)).encode())
        for descriptor in descriptors:
            os.close(descriptor)


def _reap(*_):
    """Wait for children that have ended, so no zombies remain."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _copy(request, descriptors):
    """Fork into a sandbox; returns the answer for the grader."""
    told, tell = os.pipe()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            _join(request["holder"], descriptors[0])
            server = os.fork()
            if server == 0:
                _become_server(request["settings"], *descriptors[1:])
            answer = {"server": server}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(tell, json.dumps(answer).encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as file:
        return json.loads(file.read() or '{"error": "it was killed"}')


def _join(holder, descriptor):
    """Enter all namespaces of a process that this one is not yet in."""
    flags = 0
    for name, flag in NAMESPACES.items():
        if os.readlink(f"/proc/{holder}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"):
            flags |= flag
    if LIBC.setns(descriptor, flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"can't join the sandbox: {os.strerror(number)}")
    for right in range(LAST_RIGHT + 1):
        LIBC.prctl(PR_CAPBSET_DROP, right, 0, 0, 0)


def _become_server(settings, source, sink):
    """Serve tasks until the pipe ends; never returns."""
    try:
        os.setsid()
        os.chdir("/tmp")
        first, last = sorted((source, sink))
        os.closerange(3, first)
        os.closerange(first + 1, last)
        os.closerange(last + 1, os.sysconf("SC_OPEN_MAX"))
        # orphans of tasks become this server's children, which ends them
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        sys.path[:] = [settings["tree"], *(path for path in sys.path if path != HERE)]
        sys.path_importer_cache.pop(HERE, None)
        del sys.argv[1:]
        worker.serve(settings, source, sink, joined=True)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
