#!/bin/sh
# Fetches the course's real data, from any directory: see get_assignment2_data.sh --help
# Without a shell: python -m deeplearning.datasets.download
set -eu
script=$0
while [ -L "$script" ]; do  # a link to this file: the project lies where the file is
    target=$(readlink "$script")
    case $target in
        /*) script=$target ;;
        *) script=$(dirname "$script")/$target ;;
    esac
done
here=$(CDPATH='' cd "$(dirname "$script")" && pwd)
root=$(dirname "$(dirname "$here")")

# A Python that is recent enough and has our packages
usable='import sys, importlib.util as u; sys.exit(sys.version_info < (3, 10) or u.find_spec("pooch") is None)'
for python in "$root/.venv/bin/python" "$root/.venv/Scripts/python.exe" python3 python; do
    if "$python" -c "$usable" >/dev/null 2>&1; then
        export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
        exec "$python" -m deeplearning.datasets.download "$@"
    fi
done
echo "get_assignment2_data.sh: found no Python 3.10 or newer with the packages of this project: make one by" \
    "'make test', or 'python3 -m venv .venv' and '.venv/bin/pip install -r requirements.txt', in $root" >&2
exit 1
