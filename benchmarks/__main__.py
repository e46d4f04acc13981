"""Measure the package's speed, relative to the matrix products that it needs and to PyTorch, in one
run.

python -m benchmarks training layers
"""

import argparse
import importlib
import os
import platform
import time
from pathlib import Path

SECTIONS = ("training", "layers", "sampling", "memory", "scaling", "checking", "images")


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; by default all"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="with more than one, wall-clock time is measured (default 1)",
    )
    parser.add_argument("--seconds", type=float, default=8, help="for each row (default 8)")
    args = parser.parse_args()
    if unknown := set(args.sections) - set(SECTIONS):
        parser.error(
            f"unknown sections {', '.join(sorted(unknown))}: expected some of {', '.join(SECTIONS)}"
        )
    # the libraries read these when they are loaded, so nothing that imports NumPy comes before
    os.environ |= {
        name: str(args.threads)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    }
    import torch

    torch.set_num_threads(args.threads)
    clock = time.process_time if args.threads == 1 else time.perf_counter
    print(machine(), flush=True)
    for section in args.sections or SECTIONS:
        print(
            f"\n{importlib.import_module(f'benchmarks.{section}').report(args.seconds, clock)}",
            flush=True,
        )


def machine():
    """Processor, versions and the kernels that NumPy's BLAS chose."""
    import numpy as np
    import torch
    from threadpoolctl import threadpool_info

    cpuinfo = Path("/proc/cpuinfo")  # on Linux
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")] or [
        platform.machine()
    ]
    blas = [
        f"{b['internal_api']} {b['version']} ({b['architecture']})"
        for b in threadpool_info()
        if "architecture" in b
    ]
    return f"{names[0]}, NumPy {np.__version__} with {', '.join(blas)}, PyTorch {torch.__version__}"


if __name__ == "__main__":
    main()
