"""Which pixels a score comes from: three methods besides the plain gradient, and a way to score
them.

Letters: N pictures, C classes, H height, W width. No function changes its arguments, or the
network's mode and parameters.
"""

import math

import torch
import torch.nn.functional as F

from deeplearning.checks import check_counts
from deeplearning.classifiers.squeezenet import frozen
from deeplearning.image_utils import black_and_white, blur_tensor
from deeplearning.network_visualization import score_gradient
from deeplearning.scores import check_labels, check_pictures, scores_of


def smooth_grad(X, y, model, samples=25, noise=0.03, generator=None):
    """Saliency averaged over noisy copies of each picture, so that the noise of a single gradient
    cancels out.

    Inputs:
    - X, y, model: As for `compute_saliency_maps`
    - samples: Number of noisy copies
    - noise: Standard deviation of the noise, as a fraction of each picture's range. The paper uses
      0.1 to 0.2 for ImageNet networks; for Toytown's that is too much, and 0.03 works well
    - generator: torch.Generator on the device of X, by default one with seed 0

    Returns: maps of shape (N, H, W): the absolute mean gradient, maximised over the three colours

    Raises ValueError as `compute_saliency_maps` does, and for samples below 1 or negative noise.

    Source: Smilkov et al. 2017, section 3
    """
    check_pictures(X)
    check_counts(1, samples=samples)
    if not 0 <= noise < math.inf:
        raise ValueError(f"expected noise of at least 0, got {noise}")
    generator = generator or torch.Generator(X.device).manual_seed(0)
    spread = X.amax((1, 2, 3), keepdim=True) - X.amin((1, 2, 3), keepdim=True)
    deviation = noise * spread  # (N, 1, 1, 1)
    total = torch.zeros_like(X)
    for _ in range(samples):
        epsilon = torch.randn(X.shape, generator=generator, device=X.device, dtype=X.dtype)
        total += score_gradient(X + deviation * epsilon, y, model)
    return (total / samples).abs().amax(1)


def integrated_gradients(X, y, model, steps=50, baseline=None):
    """Which pixels account for the score: gradients accumulated along the straight line from a
    baseline to the picture.

    IG = (X - X0) * integral over a from 0 to 1 of the gradient at X0 + a (X - X0), by the midpoint
    rule. Its sum over a picture is s_y(X) - s_y(X0), up to the error of the midpoint rule.

    Inputs:
    - X, y, model: As for `compute_saliency_maps`
    - steps: Number of gradients
    - baseline: X0, a picture that shows nothing; by default black. It must broadcast to the shape
      of X

    Returns: attributions of shape (N, 3, H, W), positive where a pixel supports the class

    Raises ValueError as `compute_saliency_maps` does, and for steps below 1.

    Source: Sundararajan, Taly and Yan 2017, equations 1 and 3
    """
    check_pictures(X)
    check_counts(1, steps=steps)
    X = X.detach()
    if baseline is None:
        baseline, _ = black_and_white(X)
    baseline = torch.as_tensor(baseline).to(X)
    try:
        baseline = baseline.expand(X.shape)
    except RuntimeError:
        raise ValueError(
            f"expected a baseline that broadcasts to {tuple(X.shape)}, got one of shape "
            f"{tuple(baseline.shape)}"
        ) from None
    difference = X - baseline
    total = torch.zeros_like(X)
    for k in range(steps):
        total += score_gradient(baseline + (k + 0.5) / steps * difference, y, model)
    return difference * total / steps


def grad_cam(X, y, model, layer=None):
    """Where in a feature map the evidence for a class lies.

    Each channel is weighted by the mean gradient of the score with respect to it; the weighted
    channels are summed, and the positive part is kept. The map is as coarse as the layer.

    Inputs:
    - X, y, model: As for `compute_saliency_maps`
    - layer: Module of the network whose output has shape (N, K, h, w), by default `model.features`

    Returns: maps of shape (N, H, W), 0 where nothing supports the class

    Raises ValueError as `compute_saliency_maps` does, and for a layer without a feature map.

    Source: Selvaraju et al. 2017, equations 1 and 2
    """
    check_pictures(X)
    layer = getattr(model, "features", None) if layer is None else layer
    if layer is None:
        raise ValueError("this network has no `features`: name the layer to look at")
    if not isinstance(layer, torch.nn.Module):
        raise ValueError(f"expected a layer of the network, a module, got {layer!r}")
    kept = []

    def keep(_module, _inputs, output):
        kept.append(output)
        return output.clone()  # the next layer may work in place

    handle = layer.register_forward_hook(keep)
    try:
        with frozen(model), torch.enable_grad():
            scores = scores_of(model, X.detach().clone().requires_grad_())  # (N, C)
    finally:
        handle.remove()
    if not kept or not isinstance(kept[0], torch.Tensor) or kept[0].ndim != 4:
        raise ValueError("expected a layer whose output has shape (N, K, h, w): choose another")
    maps = kept[0]
    chosen = scores.gather(1, check_labels(y, scores).view(-1, 1))
    (gradient,) = torch.autograd.grad(chosen.sum(), maps)
    weights = gradient.mean((2, 3), keepdim=True)  # (N, K, 1, 1)
    cam = (weights * maps.detach()).sum(1, keepdim=True).relu()  # (N, 1, h, w)
    cam = F.interpolate(cam, size=X.shape[2:], mode="bilinear", align_corners=False)
    return cam[:, 0].to(X.dtype)


def pointing(maps, masks, sigma=3):
    """How well maps point at objects whose position is known.

    Inputs:
    - maps: Attribution maps, not negative, of shape (N, H, W)
    - masks: Where the object is, bool of the same shape
    - sigma: Standard deviation, in pixels, of a blur before the maximum is searched for, so that
      a single bright pixel doesn't decide

    Returns a tuple of:
    - hits: bool (N,), whether the maximum lies on the object
    - shares: float (N,), the share of the map that lies on it

    Raises ValueError for masks of another shape.

    Source: Zhang et al. 2016, "Top-down neural attention by excitation backprop", the pointing game
    """
    if maps.shape != masks.shape or maps.ndim != 3:
        raise ValueError(
            f"expected maps and masks of one shape (N, H, W), got {tuple(maps.shape)} and "
            f"{tuple(masks.shape)}"
        )
    blurred = blur_tensor(maps[:, None], sigma).flatten(1)  # (N, H W)
    brightest = blurred.argmax(1, keepdim=True)
    hits = masks.flatten(1).gather(1, brightest)[:, 0]
    total = maps.sum((1, 2)).clamp(min=torch.finfo(maps.dtype).tiny)
    return hits, (maps * masks).sum((1, 2)) / total
