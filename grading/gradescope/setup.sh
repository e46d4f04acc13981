#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python with the packages of requirements.txt, and a sandbox.
set -euo pipefail
root="${AUTOGRADER:-/autograder}"

if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv bubblewrap
fi
python3 -m venv "$root/venv"
python="$root/venv/bin/python"
pip=("$python" -m pip install --no-cache-dir --disable-pip-version-check)
# PyTorch without CUDA, a tenth of the size; the usual build where that index gives no pair that fits together
"${pip[@]}" torch torchvision --retries 1 --index-url https://download.pytorch.org/whl/cpu &&
    "$python" -c "import torchvision" || "${pip[@]}" --force-reinstall torch torchvision
"${pip[@]}" -r "$root/source/requirements.txt"
"$python" -c "import torchvision"
chmod 700 "$root/source" # students' code must not read it, not even without a better sandbox
