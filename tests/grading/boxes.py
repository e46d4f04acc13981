"""A sandbox for tests: the exercises in it, and how to ask them."""

import os

import numpy as np

from grading import sandbox

KINDS = [kind for kind in ("bubblewrap", "namespaces") if sandbox.why_not(kind) is None]


SURVIVOR = f"54321.{os.getpid()}"  # seconds of sleep of a process that must not survive


CODE = f'''
import os, signal, socket, subprocess, sys, time
from ctypes.util import find_library
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
def rights(): return sum(int(status(name), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"))
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
    pipes = [f"/proc/{{pid}}/fd/{{number}}" for number in range(128)]
    return [sum(can(os.open, pipe, os.O_NONBLOCK) for pipe in pipes), can(open, f"/proc/{{pid}}/mem", "rb")]
def question():
    header = b'{{"about": {{"call": "echo"}}, "groups": []}}'
    message = (4 + len(header)).to_bytes(8, "big") + len(header).to_bytes(4, "big") + header
    for pipe in range(3, 128): can(os.write, pipe, b"?" + message)
    time.sleep(2)
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
    "rights": lambda p, i: numbers(int(status("NoNewPrivs")), rights(), "SECRET" in ENV),
    "connects": lambda p, i: numbers(*(can(socket.create_connection, ("127.0.0.1", int(i["port"])), 1) for _ in "1")),
    "counts": lambda p, i: state.append(1) or numbers(len(state)),
    "leaves": lambda p, i: leave() or numbers(1),
    "left": lambda p, i: can(write, "/tmp/left") and numbers(len(os.listdir("/tmp"))),
    "fills": lambda p, i: numbers(*(can(write, path + "/x") for path in ("/dev", "/dev/shm"))),
    "server": lambda p, i: numbers(*opened(1), *opened(os.getppid())),
    "calls": lambda p, i: numbers(
        *refused((272, 0x10000000), (425, 8, 0), (319, b"x", 0), (29, 1, 4096, 0o1600), (101, 0)),
        *refused((302, os.getppid(), 7, 0, 0), (141, 0, 0, 19), (144, 0, 5, 0), (58,)),
    ),
    "drips": lambda p, i: drip(),
    "finds": lambda p, i: numbers(find_library("dl") is not None),
    "asks": lambda p, i: question() or numbers(1),
    "fails": lambda p, i: 1 / 0,
    "leaves_and_kills": lambda p, i: leave() or os.kill(os.getppid(), 9) or time.sleep(1000),
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


def ask(opened, exercise, **inputs):
    """The exercise's answer, as a list of numbers."""
    arrays = {
        name: np.frombuffer(v, np.uint8) if isinstance(v, bytes) else np.array(v)
        for name, v in inputs.items()
    }
    _, ((outputs),) = opened.ask({"task": "exercise", "exercise": exercise}, [arrays])
    return outputs["n"].tolist() if "n" in outputs else outputs
