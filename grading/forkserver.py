"""A process that has imported PyTorch once, and sends a copy of itself into each sandbox.

Importing PyTorch takes longer than everything else that a submission needs. So each grader keeps
one process that has imported it, outside every sandbox, with no code of the reference or of any
student in its memory. A sandbox is built around a process that only waits; then the fork server
forks, and the copy joins that process's namespaces, drops all privileges and becomes the sandbox's
server (`joining.py`). From then on it differs from a server started in the sandbox only in that it
is not the namespace's first process: a task can kill it, but then gets no answer.

Fork servers are an old idea (Python's multiprocessing has one; on Android it is the zygote).
"""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from grading.isolation import ENVIRONMENT, package_folders

HERE = Path(__file__).resolve().parent
# what students' code for questions 3 and 4 imports, if installed
MODULES = ("torch", "torchvision", "PIL.Image", "platformdirs", "h5py")
# waits in the sandbox, with its memory closed to tasks (PR_SET_DUMPABLE), and reports that it runs
WAIT = """
import ctypes, sys
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print(flush=True)
sys.stdin.read()
"""
HOLDER = (sys.executable, "-I", "-S", "-c", WAIT)
LONGEST = 1 << 16  # bytes of a message
PATIENCE = 900  # seconds until it has imported everything, even on a busy machine


class ForkServer:
    """The process, and the socket that connects to it."""

    def __init__(self):
        """Start it; it imports while this process continues."""
        self.lock = threading.Lock()
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        about = json.dumps({"modules": MODULES, "socket": theirs.fileno()})
        joining = str(HERE / "joining.py")
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", joining, about, *package_folders()],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                start_new_session=True,  # it ends with the socket, however this process ends
            )

    def join(self, sandbox: int, settings: dict, *pipes: int) -> int:
        """Send a copy into a sandbox.

        Inputs:
        - sandbox: Number of the process that started the sandbox; its last descendant waits inside
        - settings: As for `worker.serve`
        - pipes: Descriptors that the server in the sandbox reads from and writes to

        Returns: number of the server's process, as this process sees it

        Raises OSError, ValueError or psutil.Error if that does not work.
        """
        inside = psutil.Process(sandbox).children(recursive=True)
        if not inside:
            raise OSError("nothing waits in the sandbox")
        about = json.dumps({"holder": inside[-1].pid, "settings": settings}).encode()
        holder = os.pidfd_open(inside[-1].pid)
        try:
            with self.lock:
                socket.send_fds(self.socket, [about], [holder, *pipes])
                answer = json.loads(self.socket.recv(LONGEST) or '{"error": "it has ended"}')
        except TimeoutError:
            self.process.kill()  # a late answer must not be taken for another one
            raise
        finally:
            os.close(holder)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer["server"]


def fork_server() -> ForkServer | None:
    """This process's fork server, a new one if it has ended; None if processes can't join
    namespaces here.
    """
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    with _making:
        server = _made.get(os.getpid())
        if server is not None and server.process.poll() is not None:
            server.socket.close()
            server = None
        if server is None:
            server = _made[os.getpid()] = ForkServer()
        return server


_made: dict[int, ForkServer] = {}  # by the process that made it: a fork must not share it
_making = threading.Lock()
