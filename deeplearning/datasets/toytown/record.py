"""What is in each picture of the Toytown data set, as recorded when it was drawn."""

import json

from deeplearning.datasets.finding import find_dataset
from deeplearning.datasets.toytown.world import Scene


def load_scenes(split="val", folder=None):
    """The truth about every picture of a split: list of `Scene`, in the order of the features'
    rows.

    Inputs:
    - split: "train" or "val"
    - folder: The data set, as passed to `load_coco_data`

    Raises FileNotFoundError for any other data set.
    """
    path = find_dataset(folder) / f"{split}_truth.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: only Toytown records the truth about its pictures"
        )
    return [Scene.from_json(fields) for fields in json.loads(path.read_text(encoding="utf-8"))]
