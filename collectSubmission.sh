#!/bin/sh
# Check your work and make assignment2.zip, from any directory, with sh, bash or zsh:
#     bash collectSubmission.sh [--force] [--out FILE.zip]
# Everything else is in deeplearning/submission.py, which also runs without a shell:
#     python -m deeplearning.submission
set -eu
script=$0
while [ -L "$script" ]; do  # a link to this file: the work is where the file is
    target=$(readlink "$script")
    case $target in
        /*) script=$target ;;
        *) script=$(dirname "$script")/$target ;;
    esac
done
# an exported CDPATH could make cd go elsewhere, and print where
here=$(CDPATH='' cd "$(dirname "$script")" && pwd -P)
usable='import sys; from importlib.util import find_spec as find
sys.exit(sys.version_info < (3, 10) or None in map(find, ["nbformat", "numpy"]))'
# `-m` would search the current directory first, which may hold another copy of the assignment
collect='import runpy, sys; sys.path[0] = sys.argv.pop(1)
runpy.run_module("deeplearning.submission", run_name="__main__", alter_sys=True)'
for python in "$here/.venv/bin/python" "$here/.venv/Scripts/python.exe" python3 python; do
    if "$python" -c "$usable" >/dev/null 2>&1; then
        exec "$python" -c "$collect" "$here" "$@"
    fi
done
echo "collectSubmission.sh: found no Python 3.10 or newer with the packages of requirements.txt:" \
    "activate your environment, or set one up as in docs/setup.md" >&2
exit 1
