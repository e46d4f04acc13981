"""Timings that can be compared: candidates take turns, so that what else the machine does hits all
of them.
"""

import time


def race(candidates, seconds=4.0, clock=time.process_time):
    """Time functions by turns.

    Inputs:
    - candidates: Dictionary from names to functions without arguments
    - seconds: For how long, at least five rounds
    - clock: Processor time of this process by default, which other programs disturb less than they
      do the time of day

    Returns: dictionary from names to milliseconds: the least of all rounds, what the work itself
    takes
    """
    for run in candidates.values():
        run(), run()  # caches, lazy imports, memory from the system
    times = {name: [] for name in candidates}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for name, run in candidates.items():
            began = clock()
            run()
            times[name].append(1000 * (clock() - began))
    return {name: min(values) for name, values in times.items()}


def table(header, rows):
    """Markdown of rows of texts and numbers."""
    lines = []
    for row in [header, ["---"] * len(header), *rows]:
        cells = [f"{c:.3g}" if isinstance(c, float) else str(c) for c in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratios(times, base):
    """Each time as a multiple of one of them."""
    return [times[name] / times[base] for name in times if name != base]
