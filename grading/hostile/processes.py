"""Code that exits, hangs, uses up memory, forks without end or stays behind."""

from grading.hostile import (
    EVERYTHING,
    RNN,
    RNN_LAYERS,
    hostile,
    instead,
    of,
    solved,
    unsolved,
    zipped,
)

# Functions for the code of a task: what to do before the right answer is given
RIGHT_AFTERWARDS = "\n    return right(*a, **k)\n"


def before(name, code):
    """A submission where one exercise's function first does something, and then answers correctly.

    If a forward pass gives no answer, its backward pass is lost too, unless the cache has the usual
    form: otherwise there is no cache to try it on.
    """
    lines = "\n".join(f"    {line}" for line in code.strip("\n").splitlines())
    function = name.split(".")[-1]
    return zipped(instead(name, f"def {function}(*a, **k):\n{lines}{RIGHT_AFTERWARDS}"))


@hostile(*of(RNN_LAYERS, RNN))
def exit_when_imported():
    """rnn_layers.py ends its process on import, and so everything that imports it fails."""
    return zipped({**solved(), RNN_LAYERS: "import os\nos._exit(0)\n" + solved()[RNN_LAYERS]})


@hostile("rnn_step_forward")
def exit_with_success():
    """os._exit(0), which careless graders count as success."""
    return before("rnn_step_forward", "import os; os._exit(0)")


@hostile("word_embedding_forward", "word_embedding_backward")
def polite_exit():
    """sys.exit(0)."""
    return before("word_embedding_forward", "import sys; sys.exit(0)")


@hostile("gram_matrix")
def interrupt():
    """KeyboardInterrupt, which `except Exception` does not catch."""
    return before("gram_matrix", "raise KeyboardInterrupt")


@hostile("tv_loss")
def error_that_cannot_be_shown():
    """An exception whose text raises, and whose class lies about everything."""
    return before(
        "tv_loss",
        """
class Odd(BaseException):
    def __str__(self): raise SystemExit
    __repr__ = __str__
raise Odd
""",
    )


@hostile("content_loss")
def signal_to_itself():
    """SIGKILL to its own process."""
    return before("content_loss", "import os; os.kill(os.getpid(), 9)")


@hostile("tv_loss")
def signals_to_everybody():
    """Sends every signal to its parent, process 1 and all others; then gives a wrong answer."""
    return before(
        "tv_loss",
        """
import contextlib, os
for pid in (os.getppid(), 1, 0, -1):
    for number in range(1, 32):
        if pid > 0 or number == 9:
            with contextlib.suppress(OSError):
                os.kill(pid, number)
a = (a[0] * 2, a[1])
""",
    )


@hostile("word_embedding_backward")
def endless_loop():
    """An endless loop that swallows every exception and ignores every signal it can."""
    return before(
        "word_embedding_backward",
        """
import contextlib, signal
for number in range(1, 32):
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException:
        continue
""",
    )


@hostile("lstm_step_forward", "lstm_step_backward")
def sleep():
    """It sleeps for a day."""
    return before("lstm_step_forward", "import time; time.sleep(86400)")


@hostile("lstm_forward", "lstm_backward")
def waiting_for_input():
    """input(), which waits for somebody to type."""
    return before("lstm_forward", "input()")


@hostile("rnn_forward", "rnn_backward")
def memory_bomb():
    """It allocates memory until there is none left."""
    return before(
        "rnn_forward", "hoard = []\nwhile True: hoard.append(bytearray(b'x') * (64 << 20))"
    )


@hostile("rnn_forward", "rnn_backward")
def memory_bomb_of_many():
    """Forty processes use up memory together, each below the limit for one."""
    return before(
        "rnn_forward",
        """
import os, time
for _ in range(40):
    if os.fork() == 0:
        hoard = bytearray(b'x') * (512 << 20)
        time.sleep(1000)
time.sleep(1000)
""",
    )


@hostile("gram_matrix")
def recursion():
    """Endless recursion without Python's limit, until the stack is used up."""
    return before(
        "gram_matrix",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return [f(x) for x in [x]]\nf(1)",
    )


@hostile("rnn_backward")
def thread_bomb():
    """It starts busy threads without end."""
    return before(
        "rnn_backward",
        """
import threading
def busy():
    while True: pass
while True:
    try: threading.Thread(target=busy).start()
    except BaseException: pass
""",
    )


@hostile("lstm_backward")
def fork_bomb():
    """It forks without end, and so does every child."""
    return before(
        "lstm_backward",
        """
import os
while True:
    try: os.fork()
    except OSError: pass
""",
    )


@hostile("style_loss")
def segmentation_fault():
    """It reads the memory at address 0."""
    return before("style_loss", "import ctypes; ctypes.string_at(0)")


@hostile()
def survivors():
    """It leaves processes behind that leave its session and its group, and ignore signals; the
    answer is right.
    """
    return before(
        "rnn_step_backward",
        """
import os, signal, subprocess, sys, time
subprocess.Popen(["sleep", "98765"], start_new_session=True)
for _ in range(1):  # for each case anew, and all together stay below the limit
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork(): os._exit(0)
        os.execv("/bin/sleep", ["sleep", "98765"])
""",
    )


@hostile("CaptioningRNN.sample[rnn]", "CaptioningRNN.sample[lstm]")
def survivor_that_keeps_the_pipe():
    """It leaves a process that holds every file open, and exits without an answer."""
    files = solved()
    files[RNN] += """

def sample(self, *a, **k):
    import os, time
    if os.fork() == 0: time.sleep(1000)
    os._exit(0)

CaptioningRNN.sample = sample
"""
    return zipped(files)


@hostile()
def much_output():
    """Two gigabytes on standard output and standard error, and then the right answer."""
    return before(
        "word_embedding_forward",
        """
import os
for _ in range(256):
    os.write(1, b"passed\\n" * 600_000)
    os.write(2, b"passed\\n" * 600_000)
""",
    )


@hostile("tv_loss")
def garbage_on_every_file():
    """Garbage and forged messages on every open file; then a wrong answer."""
    return before(
        "tv_loss",
        """
import contextlib, os, struct
for number in range(256):
    for data in (struct.pack(">Q", 1 << 40), b'{"score": 100}' * 100, struct.pack(">QI", 16, 12) + b'{"about": 1}'):
        with contextlib.suppress(OSError):
            os.write(number, data)
a = (a[0] * 2, a[1])
""",
    )


@hostile(*EVERYTHING)
def forged_results():
    """Stubs that print results, and write them wherever a grader could look for them."""
    return zipped(
        {
            **unsolved(
                """
import contextlib, json, os
forged = json.dumps({"score": 100, "tests": [{"name": "all", "score": 100, "max_score": 100, "output": "passed"}]})
print(forged, "\\n21 passed in 0.01s")
for folder in (".", "/tmp", "/box", "/autograder/results", "/autograder/source", "..", os.path.expanduser("~")):
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        for name in ("results.json", "grades.csv", "results.json.part"):
            with open(os.path.join(folder, name), "w") as file:
                file.write(forged)
"""
            ),
            "results.json": '{"score": 100}',
            "results/results.json": '{"score": 100}',
        }
    )


@hostile()
def locked_and_full_disk():
    """It locks and fills what it can write to, and removes permissions wherever it can; the answer
    is right.
    """
    return before(
        "lstm_step_backward",
        """
import contextlib, fcntl, os
lock = open("/tmp/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
with contextlib.suppress(OSError):
    for number in range(1000):
        with open(f"/tmp/{number}", "wb") as file: file.write(bytes(8 << 20))
for folder, folders, names in os.walk("/box"):
    for name in folders + names:
        with contextlib.suppress(OSError): os.chmod(os.path.join(folder, name), 0)
        with contextlib.suppress(OSError): os.unlink(os.path.join(folder, name))
""",
    )


@hostile("lstm_forward", "lstm_backward")
def slow_drip():
    """It sleeps, computes a little and sleeps again, so that no single pause is long."""
    return before(
        "lstm_forward",
        """
import time
while True:
    time.sleep(3)
    sum(range(1_000_000))
""",
    )


@hostile("tv_loss")
def waits_as_if_for_a_disk():
    """Its parent waits for a vfork, in a state that looks like a busy disk."""
    code = """
import ctypes
libc = ctypes.CDLL(None)
if libc.syscall(56, 0x4000 | 0x100 | 17, 0, 0, 0, 0) == 0: libc.sleep(100000); libc._exit(0)
while True: libc.sleep(100)
"""
    return before("tv_loss", code)


@hostile("gram_matrix")
def last_of_all():
    """It gives itself and its server the lowest priority, and computes without end."""
    code = """
import os
for process in (0, os.getppid()):
    for lower in (lambda: os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0)),
                  lambda: os.setpriority(os.PRIO_PROCESS, process, 19)):
        try: lower()
        except OSError: pass
while True: pass
"""
    return before("gram_matrix", code)
