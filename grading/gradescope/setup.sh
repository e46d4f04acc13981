#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python with the packages of requirements.txt, and a box.
set -euo pipefail
root="${AUTOGRADER:-/autograder}"

if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv bubblewrap
fi
python3 -m venv "$root/venv"
pip=("$root/venv/bin/python" -m pip install --no-cache-dir --disable-pip-version-check)
# PyTorch without CUDA, which is a tenth of the size; where that index can't be reached, the usual build
"${pip[@]}" torch torchvision --retries 1 --index-url https://download.pytorch.org/whl/cpu || "${pip[@]}" torch torchvision
"${pip[@]}" -r "$root/source/requirements.txt"
chmod 700 "$root/source" # what a student's code must not read, where there is no better box
