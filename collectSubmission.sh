#!/usr/bin/env bash
# Check the work and make assignment2.zip: bash collectSubmission.sh [--force] [--out FILE.zip], from any directory.
# All the rest is in deeplearning/submission.py, which runs without bash too: python -m deeplearning.submission
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
usable='import sys; from importlib.util import find_spec as find
sys.exit(sys.version_info < (3, 10) or None in map(find, ["nbformat", "numpy"]))'
for python in "$here/.venv/bin/python" "$here/.venv/Scripts/python.exe" python3 python; do
    if "$python" -c "$usable" >/dev/null 2>&1; then
        PYTHONPATH="$here" exec "$python" -m deeplearning.submission "$@"
    fi
done
echo "collectSubmission.sh: found no Python 3.10 or newer with the packages of requirements.txt:" \
    "activate your environment, or set one up as in docs/setup.md" >&2
exit 1
