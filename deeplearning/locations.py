"""Where data lies; no other module decides this."""

import os
from pathlib import Path

# So that a relative DEEPLEARNING_DATA means the same folder even if the process changes its own.
STARTED_IN = Path.cwd()


def data_folder():
    """The folder that holds the data sets.

    Returns: absolute Path, from the environment variable DEEPLEARNING_DATA; by default
    `deeplearning/datasets`
    """
    default = Path(__file__).resolve().parent / "datasets"
    return STARTED_IN / Path(os.environ.get("DEEPLEARNING_DATA") or default).expanduser()


def squeezenet_checkpoint():
    """Where torchvision keeps SqueezeNet's ImageNet weights.

    Returns: absolute Path, in the folder that torch.hub.get_dir would return; importing torch just
    to ask takes seconds
    """
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or Path(cache, "torch")
    folder = STARTED_IN / Path(home).expanduser() / "hub" / "checkpoints"
    return folder / "squeezenet1_1-b8a52dc0.pth"
