"""Comparable timings: candidates take turns, so the machine's other load affects all of them."""

import time


def race(candidates, seconds=4.0, clock=time.process_time):
    """Time functions in turns.

    Inputs:
    - candidates: Dictionary from names to functions without arguments
    - seconds: Time for all, but at least five rounds
    - clock: By default processor time of this process, which other programs disturb less than
      wall-clock time

    Returns: dictionary from names to milliseconds: the minimum over all rounds, which is closest to
    the work itself
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
    """A Markdown table from rows of texts and numbers."""
    lines = []
    for row in [header, ["---"] * len(header), *rows]:
        cells = [f"{c:.3g}" if isinstance(c, float) else str(c) for c in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratios(times, base):
    """Each time as a multiple of one of them."""
    return [times[name] / times[base] for name in times if name != base]
