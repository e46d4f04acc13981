"""Memory of training steps, each candidate in a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.problem import Shape
from benchmarks.timing import table

SHAPES = [Shape("rnn", N=128), Shape("lstm", N=128)]
STEPS = (5, 50)


def growth(which, shape):
    """Peak resident size above the start, in MiB, after a few steps and after many. Runs in the
    child process.
    """
    from benchmarks import pytorch, training

    step = {"ours": training.ours, "PyTorch": pytorch.training_step}[which](shape)
    start = peak()
    peaks = []
    for steps in STEPS:
        for _ in range(steps):
            step()
        peaks.append(peak() - start)
    return peaks


def peak():
    """Highest resident size of this process so far, in MiB. Read from Linux's /proc, because
    ru_maxrss starts at the parent's.
    """
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**10


def report(seconds, clock):
    rows = []
    for shape in SHAPES:
        measured = []
        for which in ("ours", "PyTorch"):
            code = (
                "import json; from benchmarks import memory as m; "
                f"print(json.dumps(m.growth({which!r}, m.{shape!r})))"
            )
            measured += json.loads(
                subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
            )
        rows.append([shape, *measured, measured[1] / measured[3]])
    header = [
        f"peak above the start, MiB, after {STEPS[0]} and {sum(STEPS)} steps",
        "ours",
        "",
        "PyTorch",
        "",
        "ratio",
    ]
    return table(header, rows)
