"""Style transfer: the content of one picture in the style of another.

A picture x is painted by minimising

    content_loss + style_loss + tv_loss,

where content is a feature map of a frozen network, style is how the channels of its feature maps
correlate (their Gram matrices), and total variation keeps neighbouring pixels alike. After Gatys,
Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.

Letters: N pictures, C channels, H height, W width.
"""

from numbers import Integral

import torch
from PIL import Image

from deeplearning.checks import check_finite
from deeplearning.classifiers.squeezenet import (
    extract_features,
    frozen,
    load_squeezenet,
    parameter_of,
)
from deeplearning.figures import show_picture
from deeplearning.image_utils import check_size, deprocess, preprocess
from deeplearning.painting import noise, optimizer_of, paint

TINY = 1e-12  # keeps weights finite for targets that are all zero, such as a black picture's


def content_loss(content_weight, content_current, content_original):
    """content_weight * sum (F - P)^2, for feature maps F and P.

    Inputs:
    - content_weight: Number
    - content_current: Feature map F of the picture being painted, of shape (1, C, H, W)
    - content_original: Feature map P of the content picture, of the same shape

    Returns: scalar tensor

    Raises ValueError for maps of different shapes.

    Source: Gatys et al. 2016, equation 1, without its factor 1/2
    """
    if content_current.shape != content_original.shape:
        raise ValueError(
            f"expected feature maps of one shape, got {tuple(content_current.shape)} and "
            f"{tuple(content_original.shape)}: take both from one layer, at one image size"
        )
    return content_weight * (content_current - content_original).square().sum()


def gram_matrix(features, normalize=True):
    """G_ij = sum_k F_ik F_jk: how strongly channels i and j are active at the same positions k.

    Inputs:
    - features: Feature maps, of shape (N, C, H, W)
    - normalize: Whether to divide by C * H * W

    Returns: Gram matrices of shape (N, C, C)

    Raises ValueError for features with another number of axes.

    Source: Gatys et al. 2016, equation 3
    """
    if features.ndim != 4 or len(features) == 0:
        raise ValueError(f"expected features of shape (N, C, H, W), got {tuple(features.shape)}")
    N, C, H, W = features.shape
    # channels last, as they are in memory while painting
    F = features.permute(0, 2, 3, 1).reshape(N, H * W, C)
    # one product per picture is faster than a batched one
    gram = torch.stack([f.T @ f for f in F])  # (N, C, C)
    return gram / (C * H * W) if normalize else gram


def style_loss(feats, style_layers, style_targets, style_weights):
    """Sum over layers of weight * sum (G - A)^2, for Gram matrices G and A.

    Inputs:
    - feats: List of feature maps, as `extract_features` gives them
    - style_layers: Indices into feats
    - style_targets: The style picture's Gram matrix A for each of these layers
    - style_weights: The weight of each of these layers

    Returns: scalar tensor

    Raises ValueError if the three lists differ in length, or a target does not fit its layer.

    Source: Gatys et al. 2016, equations 4 and 5, with normalised Gram matrices
    """
    if not len(style_layers) == len(style_targets) == len(style_weights):
        raise ValueError(
            "expected a target and a weight for each style layer, got "
            f"{len(style_layers)} layers, {len(style_targets)} targets and "
            f"{len(style_weights)} weights"
        )
    for layer, target in zip(style_layers, style_targets, strict=True):
        N, C = feats[layer].shape[:2]
        if target.shape != (N, C, C):
            raise ValueError(
                f"layer {layer} has a Gram matrix of shape {(N, C, C)}, its target "
                f"{tuple(target.shape)}: take the target from the same layer"
            )
    # BEGIN SOLUTION
    loss = feats[0].new_zeros(())
    for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=True):
        loss = loss + weight * (gram_matrix(feats[layer]) - target).square().sum()
    return loss
    # END SOLUTION


def tv_loss(img, tv_weight):
    """Total variation: tv_weight * sum of squared differences between all vertical and horizontal
    neighbours.

    Inputs:
    - img: Picture, of shape (1, 3, H, W)
    - tv_weight: Number

    Returns: scalar tensor

    Raises ValueError for a picture with another number of axes.

    Source: Mahendran and Vedaldi 2015, section 3.2, with exponent beta = 2
    """
    if img.ndim != 4:
        raise ValueError(f"expected a picture of shape (1, 3, H, W), got {tuple(img.shape)}")
    down = img[:, :, 1:, :] - img[:, :, :-1, :]  # (1, 3, H - 1, W)
    right = img[:, :, :, 1:] - img[:, :, :, :-1]  # (1, 3, H, W - 1)
    return tv_weight * (down.square().sum() + right.square().sum())


def features_from_img(path, size, cnn, last=None):
    """Feature maps of a picture.

    Inputs:
    - path: File of the picture, or a PIL image
    - size: Length of its shorter side in pixels
    - cnn: Layers of a network, such as `load_squeezenet().features`
    - last: Index of the last layer that is needed; by default all are computed

    Returns a tuple of:
    - feats: List of feature maps, one for each layer
    - img: The picture as the network reads it, of shape (1, 3, H, W)

    Raises ValueError for a file that isn't a picture or one too small for the network, and OSError
    for one that is missing or can't be opened.
    """
    img = preprocess(path, size).to(parameter_of(cnn))
    return _features(img, cnn, last), img


def style_transfer(
    content_image, style_image, image_size, style_size, content_layer, content_weight, style_layers,
    style_weights, tv_weight, init_random=False, *, relative=False, cnn=None, num_iterations=200,
    optimizer="adam", learning_rate=0.1, keep_colors=False, generator=None, show_every=100,
    callback=show_picture,
):  # fmt: skip
    """Paint the content of one picture in the style of another.

    Inputs:
    - content_image, style_image: Files of the pictures, or PIL images
    - image_size, style_size: Lengths of their shorter sides in pixels; the result has the size of
      the resized content picture
    - content_layer, content_weight: Layer in which content is compared, and its weight
    - style_layers, style_weights: Layers in which style is compared, and a weight for each
    - tv_weight: Weight of total variation
    - init_random: Whether to start from noise instead of the content picture
    - relative: Whether weights are relative to their targets: content_weight and each of
      style_weights is divided by its target's sum of squares, and tv_weight by the number of pixel
      values. When all features are zero, each of these losses then equals its weight, for any
      network
    - cnn: Layers of a frozen network, by default those of `load_squeezenet`
    - num_iterations: Number of steps
    - optimizer: "adam", with smaller steps in the last tenth, or "lbfgs", as in the paper, with a
      line search
    - learning_rate: Adam's, in the network's units, where black and white are about 4.5 apart
    - keep_colors: Whether to combine the brightness of the painted picture with the colours of the
      content picture (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer",
      section 3)
    - generator: torch.Generator on the CPU for the noise, by default one with seed 0
    - show_every: Steps between two calls of the callback; 0 for none
    - callback: None, or a function that is called with a PIL image and a title after the first
      step, every `show_every` steps from there and after the last

    Returns: the optimised picture, a PIL image

    Raises ValueError for layers that the network does not have, files that aren't pictures,
    pictures too small for the network, an unknown optimiser, and weights that are not finite or too
    large, and OSError for pictures that are missing or can't be opened.

    Source: Gatys et al. 2016, equation 7
    """
    weights = _checked(content_weight, style_weights, tv_weight)
    cnn = load_squeezenet().features if cnn is None else cnn
    last = _last_layer(cnn, style_layers, content_layer)
    feats, content = features_from_img(content_image, image_size, cnn, last)
    target = feats[content_layer]
    style_targets = _style_targets(style_image, style_size, cnn, style_layers)
    content = _in_full(content)
    start = noise(content.shape, generator).to(content) if init_random else content
    if relative:
        weights = _relative(weights, target, style_targets, content)
    content_weight, style_weights, tv_weight = weights

    def losses(img):
        feats = _maps(img, cnn, last)
        found = {"content": content_loss(content_weight, feats[content_layer], target)}
        if [*style_layers, *style_weights]:  # a sum over no layers may be a plain 0, not a tensor
            found["style"] = style_loss(feats, style_layers, style_targets, style_weights)
        return found | {"tv": tv_loss(img, tv_weight)}

    steps = optimizer_of(optimizer, start, learning_rate)
    img = deprocess(paint(steps, losses, cnn, num_iterations, show_every, callback), False)
    return _with_colors_of(deprocess(content, should_rescale=False), img) if keep_colors else img


def synthesize_texture(
    style_image, image_size, style_size, style_layers, style_weights, tv_weight, *, relative=False,
    cnn=None, num_iterations=200, optimizer="adam", learning_rate=0.1, generator=None,
    show_every=100, callback=show_picture,
):  # fmt: skip
    """Paint a square in the style of a picture, without content, starting from noise.

    Inputs and errors: As for `style_transfer`; image_size is the side of the square
    Returns: PIL image

    Source: Gatys, Ecker and Bethge, "Texture Synthesis Using Convolutional Neural Networks", 2015,
    section 3
    """
    weights = _checked(0.0, style_weights, tv_weight)
    cnn = load_squeezenet().features if cnn is None else cnn
    last = _last_layer(cnn, style_layers)
    style_targets = _style_targets(style_image, style_size, cnn, style_layers)
    image_size = check_size(image_size)
    start = noise((1, 3, image_size, image_size), generator).to(style_targets[0])
    _features(start, cnn, last)  # raises if the picture is too small
    if relative:
        weights = _relative(weights, start, style_targets, start)
    _, style_weights, tv_weight = weights

    def losses(img):
        feats = _maps(img, cnn, last)
        return {
            "style": style_loss(feats, style_layers, style_targets, style_weights),
            "tv": tv_loss(img, tv_weight),
        }

    steps = optimizer_of(optimizer, start, learning_rate)
    return deprocess(paint(steps, losses, cnn, num_iterations, show_every, callback), False)


def _in_full(x):
    """A tensor in at least single precision."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _maps(img, cnn, last):
    """Feature maps in at least single precision, whatever the network's own precision."""
    feats = extract_features(img.to(parameter_of(cnn).dtype), cnn, last)
    return [_in_full(feat) for feat in feats]


def _features(img, cnn, last):
    """Feature maps without a graph. Raises ValueError for a picture that the network can't read."""
    try:
        with frozen(cnn), torch.no_grad():
            feats = _maps(img, cnn, last)
    except RuntimeError as error:
        H, W = img.shape[2:]
        raise ValueError(
            f"the network can't read a picture of {H} x {W} pixels: is it too small for its "
            f"layers? Choose a larger size ({error})"
        ) from error
    if not all(feat.isfinite().all() for feat in feats):
        raise ValueError(
            "the network's features are NaN or infinite: check its weights, and try it in float32"
        )
    return feats


def _style_targets(image, size, cnn, layers):
    """The Gram matrices of a style picture."""
    feats, _ = features_from_img(image, size, cnn, max(layers, default=0))
    return [gram_matrix(feats[layer]) for layer in layers]


def _checked(content_weight, style_weights, tv_weight):
    """The three weights, checked to be finite numbers."""
    named = {"content_weight": content_weight, "tv_weight": tv_weight}
    try:
        named |= {f"style_weights[{k}]": weight for k, weight in enumerate(style_weights)}
    except TypeError:
        raise ValueError(f"expected style_weights as a list, got {style_weights!r}") from None
    check_finite(**named)
    return content_weight, list(style_weights), tv_weight


def _relative(weights, target, style_targets, img):
    """Weights relative to their targets."""
    content_weight, style_weights, tv_weight = weights
    shares = [
        weight / float(gram.square().sum().clamp(min=TINY))
        for weight, gram in zip(style_weights, style_targets, strict=False)
    ]
    if len(style_weights) != len(style_targets):
        shares = style_weights  # `style_loss` raises an error for them
    content_weight = content_weight / float(target.square().sum().clamp(min=TINY))
    return content_weight, shares, tv_weight / img.numel()


def _last_layer(cnn, style_layers, *layers):
    """The last layer that has to be computed. Raises ValueError for an empty list, and for layers
    that the network doesn't have.
    """
    if not isinstance(cnn, torch.nn.Module) or not hasattr(cnn, "__len__"):
        raise ValueError(
            "expected the layers of a network, such as load_squeezenet().features, got "
            f"{type(cnn).__name__}"
        )
    try:
        layers = [*layers, *style_layers]
    except TypeError:
        raise ValueError(f"expected style_layers as a list, got {style_layers!r}") from None
    known = range(len(cnn))
    if not layers or not all(isinstance(k, Integral) and k in known for k in layers):
        raise ValueError(f"expected one or more layers from 0 to {len(cnn) - 1}, got {layers}")
    return max(layers)


def _with_colors_of(picture, painted):
    """The brightness of the painted picture, with the colours of a picture of the same size."""
    _, blue, red = picture.convert("YCbCr").split()
    brightness, _, _ = painted.convert("YCbCr").split()
    return Image.merge("YCbCr", (brightness, blue, red)).convert("RGB")
