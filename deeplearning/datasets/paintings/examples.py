"""Pairs to paint in the notebook: the course's paintings where they are there, else drawn ones."""

from deeplearning.datasets.paintings import CONTENTS, STYLES, content_picture, style_picture
from deeplearning.image_utils import open_image
from deeplearning.locations import data_folder

PAINTED = ("composition_vii", "the_scream", "starry_night")
PAIRS = (("harbour", "strokes"), ("portrait", "mosaic"), ("harbour", "waves"), ("portrait", "ink"))
LAYERS = (1, 4, 6, 7, 9)
RECIPE = {
    "content_layer": 6,
    "content_weight": 0.1,
    "style_layers": LAYERS,
    "style_weights": (1.0, 1.0, 1.0, 1.0, 1.0),
    "tv_weight": 0.05,
    "relative": True,
}


def examples(weights, size=256):
    """Pictures that suit a network, and which of them to pair.

    Inputs:
    - weights: The network's, as `load_squeezenet` names them
    - size: Pixels of the shorter side of drawn pictures

    Returns a tuple of:
    - contents, styles: Dictionaries from name to PIL image
    - pairs: List of a content's name and a style's
    """
    folder = data_folder() / "styles"
    if weights == "imagenet" and folder.is_dir():
        contents = {"tubingen": open_image(folder / "tubingen.jpg")}
        styles = {name: open_image(folder / f"{name}.jpg") for name in PAINTED}
        return contents, styles, [("tubingen", name) for name in PAINTED]
    contents = {name: content_picture(name, size) for name in CONTENTS}
    styles = {name: style_picture(name, size) for name in STYLES}
    return contents, styles, list(PAIRS)
