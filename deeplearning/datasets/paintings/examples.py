"""The notebook's examples: pairs of pictures, a network, and the settings that suit it."""

from deeplearning.classifiers.wavelets import wavelet_network
from deeplearning.datasets.paintings import CONTENTS, STYLES, content_picture, style_picture
from deeplearning.image_utils import open_image
from deeplearning.locations import data_folder

PAINTED = ("composition_vii", "the_scream", "starry_night")
PAIRS = (("harbour", "strokes"), ("portrait", "mosaic"), ("harbour", "waves"), ("portrait", "ink"))
SQUEEZENET_RECIPE = {
    "content_layer": 6,
    "content_weight": 0.1,
    "style_layers": (1, 4, 6, 7, 9),
    "style_weights": (1.0, 1.0, 1.0, 1.0, 1.0),
    "tv_weight": 0.05,
    "relative": True,
}
WAVELET_RECIPE = {
    "content_layer": 1,
    "content_weight": 0.05,
    "style_layers": (0, 1, 2, 3),
    "style_weights": (1.0, 1.0, 1.0, 1.0),
    "tv_weight": 0.02,
    "relative": True,
}


def painter_for(squeezenet):
    """The layers that paint best, and their settings.

    Inputs:
    - squeezenet: A network of `load_squeezenet`

    Returns: tuple of the layers and keyword arguments for `style_transfer`; the layers are the
    network's own if it has ImageNet's weights, otherwise a `wavelet_network`
    """
    if squeezenet.weights == "imagenet":
        return squeezenet.features, SQUEEZENET_RECIPE
    return wavelet_network(), WAVELET_RECIPE


def examples(weights, size=256):
    """Pictures that suit a network, and which of them to pair.

    Inputs:
    - weights: Name of the network's weights, as in `load_squeezenet`
    - size: Length of the shorter side of drawn pictures in pixels

    Returns a tuple of:
    - contents, styles: Dictionaries from name to PIL image
    - pairs: List of pairs of a content's name and a style's name
    """
    folder = data_folder() / "styles"
    if weights == "imagenet" and folder.is_dir():
        contents = {"tubingen": open_image(folder / "tubingen.jpg")}
        styles = {name: open_image(folder / f"{name}.jpg") for name in PAINTED}
        return contents, styles, [("tubingen", name) for name in PAINTED]
    contents = {name: content_picture(name, size) for name in CONTENTS}
    styles = {name: style_picture(name, size) for name in STYLES}
    return contents, styles, list(PAIRS)
