"""Image gradients: how a network's scores change with the pixels it looks at.

For a network with scores s(X), the gradient of one score s_y with respect to the picture X tells
which pixels matter (saliency), where to step so that the network sees something else (fooling),
and, followed from a blank picture, what the network takes a class to look like (class
visualization).

N pictures, C classes, H and W their height and width. Pictures are normalised as
`image_utils.preprocess` does it. No function changes its arguments; the network's mode and
parameters are left as they were.
"""

import math
import sys
import warnings

import torch
import torch.nn.functional as F
from tqdm import tqdm

from deeplearning.classifiers.squeezenet import frozen
from deeplearning.figures import show_picture
from deeplearning.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, blur_tensor, deprocess, jitter


def compute_saliency_maps(X, y, model):
    """How much each pixel matters for the score of the right class.

    Inputs:
    - X: Pictures, of shape (N, 3, H, W)
    - y: Labels, integers of shape (N,)
    - model: Network from pictures to scores of shape (N, C)

    Returns: saliency maps of shape (N, H, W): the largest absolute gradient over the three colours

    Raises ValueError for pictures or labels of a wrong shape, and for labels out of range.

    Source: Simonyan, Vedaldi and Zisserman 2014, section 3
    """
    return score_gradient(X, y, model).abs().amax(1)  # (N, 3, H, W) to (N, H, W)


def score_gradient(X, y, model):
    """Gradient of each picture's score for its class with respect to the picture, of shape (N, 3,
    H, W).

    Inputs and errors: As for `compute_saliency_maps`
    """
    _check_pictures(X)
    with frozen(model), torch.enable_grad():
        X = X.detach().clone().requires_grad_()
        scores = model(X)  # (N, C)
        chosen = scores.gather(1, _labels(y, scores).view(-1, 1))  # (N, 1)
        (dX,) = torch.autograd.grad(chosen.sum(), X)  # pictures don't influence each other's scores
    return dX


def smooth_grad(X, y, model, samples=25, noise=0.15, generator=None):
    """Saliency averaged over noisy copies of each picture: what one gradient shows by chance
    cancels out.

    Inputs:
    - X, y, model: As for `compute_saliency_maps`
    - samples: Number of noisy copies
    - noise: Standard deviation of the noise, as a share of each picture's range
    - generator: torch.Generator on the device of X, by default one with seed 0

    Returns: maps of shape (N, H, W): the absolute mean gradient, its largest over the three colours

    Raises ValueError as `compute_saliency_maps` does, and for samples below 1 or negative noise.

    Source: Smilkov et al. 2017, section 3
    """
    _check_pictures(X)
    if samples < 1 or noise < 0:
        raise ValueError(
            f"expected at least 1 sample and noise of at least 0, got {samples} and {noise}"
        )
    generator = generator or torch.Generator(X.device).manual_seed(0)
    deviation = noise * (
        X.amax((1, 2, 3), keepdim=True) - X.amin((1, 2, 3), keepdim=True)
    )  # (N, 1, 1, 1)
    total = torch.zeros_like(X)
    for _ in range(samples):
        epsilon = torch.randn(X.shape, generator=generator, device=X.device, dtype=X.dtype)
        total += score_gradient(X + deviation * epsilon, y, model)
    return (total / samples).abs().amax(1)


def integrated_gradients(X, y, model, steps=50, baseline=None):
    """Which pixels account for the score: gradients summed up on the straight way from a baseline
    to the picture.

    IG = (X - X0) * integral over a from 0 to 1 of the gradient at X0 + a (X - X0), by the midpoint
    rule. Summed over a picture it is s_y(X) - s_y(X0), up to the error of the rule.

    Inputs:
    - X, y, model: As for `compute_saliency_maps`
    - steps: Number of gradients
    - baseline: X0, what counts as nothing to be seen; by default black. It must broadcast to the
      shape of X

    Returns: attributions of shape (N, 3, H, W), positive where a pixel speaks for the class

    Raises ValueError as `compute_saliency_maps` does, and for steps below 1.

    Source: Sundararajan, Taly and Yan 2017, equations 1 and 3
    """
    _check_pictures(X)
    if steps < 1:
        raise ValueError(f"expected at least 1 step, got {steps}")
    X = X.detach()
    if baseline is None:
        baseline, _ = _black_and_white(X)
    difference = X - baseline
    total = torch.zeros_like(X)
    for k in range(steps):
        total += score_gradient(baseline + (k + 0.5) / steps * difference, y, model)
    return difference * total / steps


def make_fooling_image(X, target_y, model, learning_rate=1.0, max_steps=100, callback=None):
    """Change pictures a little, until the network takes them for something else.

    Every step goes up the score of the target class by learning_rate * g / ||g||, g its gradient.
    Pictures that fool the network already stay as they are.

    Inputs:
    - X: Pictures, of shape (N, 3, H, W)
    - target_y: The class they shall be taken for: one integer, or integers of shape (N,)
    - model: Network from pictures to scores of shape (N, C)
    - learning_rate: Length of a step
    - max_steps: After so many steps it gives up on those that are left, and warns
    - callback: None, or a function that is called before each step with its number, the pictures
      and the scores

    Returns: changed pictures, of the shape of X

    Raises ValueError for pictures or labels of a wrong shape, labels out of range, NaN, and a
    negative number of steps.

    Source: Szegedy et al. 2014, section 4; the step is that of the course
    """
    _check_pictures(X)
    if max_steps < 0:
        raise ValueError(f"expected max_steps of at least 0, got {max_steps}")
    X_fooling, scores = X.detach().clone(), None
    left = torch.arange(
        len(X), device=X.device
    )  # pictures that don't fool the network yet; only these are computed
    with (
        frozen(model),
        torch.enable_grad(),
        tqdm(total=max_steps, desc="fooling", file=sys.stdout) as bar,
    ):
        for step in range(max_steps + 1):
            x = X_fooling[left].requires_grad_()
            s = model(x)  # (left, C)
            if scores is None:
                scores, target = s.detach().clone(), _labels(target_y, s)
            scores[left] = s.detach()
            todo = s.detach().argmax(1) != target[left]
            chosen = s.gather(1, target[left].view(-1, 1))[todo]
            if callback is not None:
                callback(step, X_fooling.clone(), scores.clone())
            left = left[todo]
            if step == max_steps or len(left) == 0:
                break
            (g,) = torch.autograd.grad(chosen.sum(), x)
            X_fooling[left] += learning_rate * _direction(g[todo])
            bar.update()
            bar.set_postfix_str(f"{len(left)} to go, target score {chosen.mean().item():.2f}")
    if len(left):
        warnings.warn(
            f"not fooled after {max_steps} steps: pictures {left.tolist()}; allow more steps or longer ones",
            stacklevel=2,
        )
    return X_fooling


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    """One step up score - l2_reg * sum(img**2), of length learning_rate.

    Inputs:
    - img: Picture, of shape (1, 3, H, W), or several
    - model: Network from pictures to scores of shape (N, C)
    - target_y: Class to climb: one integer, or integers of shape (N,)
    - l2_reg: Weight of the squared norm, which keeps pixels from running away
    - learning_rate: Length of the step

    Returns: the next picture, of the shape of img

    Raises ValueError as `compute_saliency_maps` does.

    Source: Simonyan, Vedaldi and Zisserman 2014, equation 1, with a step of fixed length
    """
    _check_pictures(img)
    with frozen(model), torch.enable_grad():
        img = img.detach().requires_grad_()
        scores = model(img)  # (N, C)
        chosen = scores.gather(1, _labels(target_y, scores).view(-1, 1))  # (N, 1)
        (g,) = torch.autograd.grad(chosen.sum() - l2_reg * img.square().sum(), img)
    return img.detach() + learning_rate * _direction(g)


def update_class_visulization(model, target_y, l2_reg, learning_rate, img):
    """`class_visualization_update_step` under the name, and with the order of arguments, of earlier
    course editions.
    """
    return class_visualization_update_step(img, model, target_y, l2_reg, learning_rate)


def create_class_visualization(
    target_y, model, dtype=None, l2_reg=1e-3, learning_rate=25, num_iterations=100, blur_every=10, max_jitter=16,
    show_every=25, *, image_size=None, generator=None, callback=show_picture,
):  # fmt: skip
    """Paint what the network takes a class to look like, starting from noise.

    The picture is shifted at random before each step and back after it, kept within the range of
    real pixels, and blurred now and then: three regularisers that leave less room for patterns only
    a network would see.

    Inputs:
    - target_y: Class, an integer
    - model: Network from pictures to scores
    - dtype: Of the picture: a torch.dtype, or a tensor type such as torch.FloatTensor; by default
      the model's
    - l2_reg, learning_rate: As for `class_visualization_update_step`
    - num_iterations: Number of steps
    - blur_every: Steps between two blurs
    - max_jitter: Pixels of the largest shift
    - show_every: Steps between two calls of the callback
    - image_size: Height and width, by default the model's image_size, else 224
    - generator: torch.Generator on the CPU, by default one with seed 0
    - callback: Called with a PIL image and a title after the first step, every `show_every` and the
      last; or None

    Returns: PIL image

    Raises ValueError for a class out of range.

    Source: Simonyan, Vedaldi and Zisserman 2014, section 2; Yosinski et al. 2015, section 3, for
    blur and jitter
    """
    parameter = next(model.parameters())
    generator = generator or torch.Generator().manual_seed(0)
    size = image_size or getattr(model, "image_size", 224)
    img = torch.randn((1, 3, size, size), generator=generator).to(parameter)
    if dtype is not None:
        img = img.type(dtype)
    low, high = _black_and_white(img)
    names = getattr(model, "class_names", {})
    name = names[target_y] if 0 <= target_y < len(names) else f"class {target_y}"
    bar = tqdm(range(num_iterations), desc=name, file=sys.stdout)
    for t in bar:
        ox, oy = torch.randint(0, max_jitter + 1, (2,), generator=generator).tolist()
        img = jitter(img, ox, oy)
        img = class_visualization_update_step(img, model, target_y, l2_reg, learning_rate).detach()
        img = jitter(img, -ox, -oy)
        img = img.clamp(low, high)
        if t % blur_every == 0:
            img = blur_tensor(img, sigma=0.5)
        if callback is not None and (
            t == 0 or (t + 1) % show_every == 0 or t == num_iterations - 1
        ):
            callback(
                deprocess(img, should_rescale=False), f"{name}, step {t + 1} of {num_iterations}"
            )
    return deprocess(img, should_rescale=False)


def paint_classes(
    classes, model, num_iterations=200, learning_rate=0.15, *, image_size=None, generator=None
):
    """Paint what the network takes several classes to look like, large forms and small ones alike.

    `create_class_visualization` follows the plain gradient, in which the finest patterns are the
    strongest. Here

    - the gradient is taken apart into bands of different coarseness, and the coarse ones are made
      stronger (after Mordvintsev et al., "DeepDream", 2015, where it is called Laplacian pyramid
      gradient normalization);
    - it is taken twice, each time of the picture shifted, turned and scaled at random, so that no
      pattern can depend on one grid of pixels (Olah et al. 2017, "Feature visualization",
      transformation robustness);
    - it climbs s_y + 10 log p_y, so that the picture becomes nothing else besides;
    - steps are longest in the middle, so that there will be one thing rather than several;
    - total variation is kept low, so that areas become flat and edges stay sharp (Rudin, Osher and
      Fatemi 1992);
    - what no step renews fades to grey.

    Inputs:
    - classes: n classes, integers
    - model: Network from pictures to scores
    - num_iterations: Number of steps
    - learning_rate: Root mean square of a step in the middle of a picture, in normalised units
    - image_size: Height and width, by default the model's image_size, else 224
    - generator: torch.Generator on the CPU, by default one with seed 0

    Returns: list of n PIL images

    Raises ValueError for a class out of range.
    """
    parameter = next(model.parameters())
    generator = generator or torch.Generator().manual_seed(0)
    size, n = image_size or getattr(model, "image_size", 224), len(classes)
    low, high = _black_and_white(parameter)
    middle = torch.linspace(-1, 1, size).to(parameter)
    window = torch.exp(-(middle.square() + middle.square()[:, None]) / (2 * 0.4**2))  # (H, W)
    coarse = 0.3 * torch.randn((16, 3, 16, 16), generator=generator).to(parameter)
    starts = window * F.interpolate(coarse, size=(size, size), mode="bicubic").detach()
    with (
        frozen(model),
        torch.no_grad(),
    ):  # where a class scores nothing, it has no gradient to begin with
        scores = model(starts)  # (16, C)
        X = starts[scores[:, _labels(classes, scores[:1].expand(n, -1))].argmax(0)]  # (n, 3, H, W)
    climbed = _Climbed(model, generator)
    for t in tqdm(range(num_iterations), desc=f"{n} classes", file=sys.stdout):
        g = sum(_unit(score_gradient(X, torch.as_tensor(classes), climbed)) for _ in range(2))
        step = _unit(sum(1.5**k * _unit(band) for k, band in enumerate(_bands(g))))
        rate = learning_rate if t < 0.7 * num_iterations else 0.4 * learning_rate
        X = 0.98 * (X + rate * window * step)
        X = (X - 0.01 * _total_variation_gradient(X)).clamp(low, high)
    return [deprocess(x[None], should_rescale=False) for x in X]


class _Climbed(torch.nn.Module):
    """The network that `paint_classes` climbs: of moved pictures, s_y + 10 log p_y for each class
    y.
    """

    def __init__(self, model, generator):
        super().__init__()
        self.model, self.generator = model, generator

    def forward(self, X):
        scores = self.model(_moved(X, self.generator))  # (n, C)
        return scores + 10 * scores.log_softmax(1)


def _bands(g, sigmas=(1, 2, 4, 8)):
    """Parts of pictures that add up to them, from the finest to the coarsest."""
    levels = [g, *(blur_tensor(g, sigma) for sigma in sigmas)]
    return [fine - coarse for fine, coarse in zip(levels, levels[1:], strict=False)] + levels[-1:]


def _total_variation_gradient(X):
    """Of the sum of the lengths of all differences to the right and the lower neighbour, over the
    three colours.
    """
    with torch.enable_grad():
        X = X.detach().requires_grad_()
        right, down = F.pad(X.diff(dim=3), (0, 1)), F.pad(X.diff(dim=2), (0, 0, 0, 1))
        lengths = (right.square() + down.square()).sum(1).add(1e-3).sqrt()  # (n, H, W)
        return torch.autograd.grad(lengths.sum(), X)[0]


def _unit(g):
    """Pictures scaled to a root mean square of 1; zero stays zero."""
    return g / g.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-20)


def _moved(X, generator):
    """Pictures turned by up to 10 degrees, scaled by up to 15 % and shifted by up to 6 %, all in
    the same way.
    """
    angle, log_scale, dx, dy = (torch.rand(4, generator=generator) * 2 - 1).tolist()
    scale, c, s = (
        1.15**-log_scale,
        math.cos(math.radians(10 * angle)),
        math.sin(math.radians(10 * angle)),
    )
    # affine_grid takes the picture's height and width as 2
    to_source = X.new_tensor(
        [[scale * c, -scale * s, 0.12 * dx], [scale * s, scale * c, 0.12 * dy]]
    )
    grid = F.affine_grid(to_source.expand(len(X), 2, 3), X.shape, align_corners=False)
    return F.grid_sample(X, grid, padding_mode="reflection", align_corners=False)


def _black_and_white(like):
    """Black and white as the network reads them, each of shape (3, 1, 1)."""
    mean, std = (
        torch.as_tensor(v, dtype=like.dtype, device=like.device)
        for v in (SQUEEZENET_MEAN, SQUEEZENET_STD)
    )
    return (-mean / std).view(3, 1, 1), ((1 - mean) / std).view(3, 1, 1)


def _direction(g):
    """Each picture's gradient, scaled to length 1; zero stays zero."""
    g = g / g.abs().amax((1, 2, 3), keepdim=True).clamp(
        min=torch.finfo(g.dtype).tiny
    )  # or squares under- or overflow
    norms = g.flatten(1).norm(dim=1).clamp(min=torch.finfo(g.dtype).tiny)  # (N,)
    return g / norms.view(-1, 1, 1, 1)


def _labels(y, scores):
    """Labels as a tensor of shape (N,) beside the scores; one integer stands for all."""
    N, C = scores.shape
    y = torch.as_tensor(y, device=scores.device)
    if y.is_floating_point() or y.dtype == torch.bool or y.shape not in ((), (N,)):
        raise ValueError(
            f"expected labels as integers of shape ({N},), got {y.dtype} of shape {tuple(y.shape)}"
        )
    if y.numel() and not (0 <= y.min() and y.max() < C):
        raise ValueError(
            f"expected labels from 0 to {C - 1}, got {y.min()} to {y.max()}: is this the right network?"
        )
    return y.long().expand(N)


def _check_pictures(X):
    if X.ndim != 4 or X.shape[1] != 3 or not X.is_floating_point():
        raise ValueError(
            f"expected pictures as floating-point numbers of shape (N, 3, H, W), got {X.dtype} of shape "
            f"{tuple(X.shape)}: image_utils.preprocess makes them"
        )
    if not X.isfinite().all():
        raise ValueError(
            "expected pictures of finite numbers, got NaN or infinity: look at where they come from"
        )
