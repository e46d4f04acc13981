"""Find the captioning data set in use."""

import os
from pathlib import Path

from deeplearning.datasets import toytown
from deeplearning.locations import STARTED_IN, data_folder


def find_dataset(base_dir=None):
    """The folder of the data set that `load_coco_data(base_dir)` loads; Toytown is written first if
    needed.

    Returns: absolute Path

    Raises FileNotFoundError, with advice, if there is none.
    """
    named = os.environ.get("DEEPLEARNING_CAPTIONS")
    if base_dir is not None:
        candidates = [Path(base_dir).expanduser().absolute(), data_folder() / base_dir]
    elif named:
        candidates = [STARTED_IN / Path(named).expanduser(), data_folder() / named]
    else:
        candidates = [data_folder() / "coco_captioning"]
    found = next((folder for folder in candidates if folder.is_dir()), None)
    if str(base_dir or named or toytown.NAME) == toytown.NAME and found in (
        None,
        data_folder() / toytown.NAME,
    ):
        from deeplearning.datasets.toytown.dataset import ensure_toytown  # has many imports

        return ensure_toytown()
    if found is None:
        raise FileNotFoundError(
            f"no captioning data set at {' or '.join(map(str, candidates))}: fetch the data set "
            "into that folder, or set DEEPLEARNING_DATA to the folder of your data sets and "
            f"DEEPLEARNING_CAPTIONS to the one to use; {toytown.NAME} is always available"
        )
    return found
