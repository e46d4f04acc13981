"""Image gradients: how a network's scores change with the pixels of its input.

For a network with scores s(X), the gradient of one score s_y with respect to the picture X shows
which pixels matter (saliency) and how to change the picture so that the network sees something else
(fooling). Following it from a noise picture shows what the network thinks a class looks like (class
visualization). Other maps of what matters are in `attribution`, and more careful portraits of
classes in `class_portraits`.

Letters: N pictures, C classes, H height, W width. Pictures are normalised as
`image_utils.preprocess` does it. No function changes its arguments, or the network's mode and
parameters: `with frozen(model):` puts a network into evaluation mode, without gradients for its
parameters, and restores it afterwards.
"""

import sys
import warnings

import torch
from tqdm import tqdm

from deeplearning.checks import check_counts, check_finite
from deeplearning.classifiers.squeezenet import frozen, parameter_of
from deeplearning.figures import show_picture
from deeplearning.image_utils import black_and_white, blur_tensor, check_size, deprocess, jitter
from deeplearning.scores import check_labels, check_pictures, scores_of


def compute_saliency_maps(X, y, model):
    """How much each pixel matters for the score of the correct class.

    Inputs:
    - X: Pictures, of shape (N, 3, H, W)
    - y: Labels, integers of shape (N,)
    - model: Network from pictures to scores of shape (N, C)

    Returns: saliency maps of shape (N, H, W): the largest absolute gradient over the three colour
    channels

    Raises ValueError for pictures or labels of the wrong shape, and for labels out of range.

    Source: Simonyan, Vedaldi and Zisserman 2014, section 3
    """
    return score_gradient(X, y, model).abs().amax(1)  # (N, 3, H, W) to (N, H, W)


def score_gradient(X, y, model):
    """Gradient of each picture's score for its class with respect to the picture.

    The scores come from `scores_of`; for most networks they are model(X).

    Inputs and errors: As for `compute_saliency_maps`

    Returns: tensor of shape (N, 3, H, W)
    """
    check_pictures(X)
    with frozen(model), torch.enable_grad():
        X = X.detach().clone().requires_grad_()
        scores = scores_of(model, X)  # (N, C)
        chosen = scores.gather(1, check_labels(y, scores).view(-1, 1))  # (N, 1)
        (dX,) = torch.autograd.grad(chosen.sum(), X)  # pictures don't influence each other's scores
    return dX


def make_fooling_image(X, target_y, model, learning_rate=1.0, max_steps=100, callback=None):
    """Change pictures a little at a time, until the network takes them for something else.

    Every step raises the score of the target class by adding learning_rate * g / ||g||, where g is
    the score's gradient with respect to the picture, and ||g|| is its norm, computed for each
    picture separately. Pictures that already fool the network are left alone. Scores come from
    `scores_of`.

    Inputs:
    - X: Pictures, of shape (N, 3, H, W)
    - target_y: Class that the network should see: one integer, or integers of shape (N,)
    - model: Network from pictures to scores of shape (N, C)
    - learning_rate: Length of a step
    - max_steps: Number of steps after which to give up on the remaining pictures, with a warning
    - callback: None, or a function that is called before each step with its number, all pictures
      and all scores. It may keep them, so pass new tensors each time, such as X_fooling.clone()

    Returns: changed pictures, of the shape of X

    Raises ValueError for pictures or labels of the wrong shape, labels out of range, NaN, and a
    negative number of steps.

    Source: Szegedy et al. 2014, section 4; the step rule is the course's own
    """
    check_pictures(X)
    check_counts(max_steps=max_steps)
    check_finite(learning_rate=learning_rate)
    X_fooling = X.detach().clone()
    scores = None
    left = torch.arange(len(X), device=X.device)  # pictures that don't fool the network yet
    # short runs show no bar
    bar = tqdm(total=max_steps, desc="fooling", file=sys.stdout, delay=0.5)
    with frozen(model), torch.enable_grad(), bar:
        for step in range(max_steps + 1):
            x = X_fooling[left].requires_grad_()  # (n, 3, H, W), without those that are done
            s = scores_of(model, x)  # (n, C)
            if scores is None:
                scores = s.detach().clone()
                target = check_labels(target_y, s)
            scores[left] = s.detach()
            todo = s.detach().argmax(1) != target[left]
            chosen = s.gather(1, target[left].view(-1, 1))[todo]
            if callback is not None:
                callback(step, X_fooling.clone(), scores.clone())
            left = left[todo]
            bar.set_postfix_str(f"{len(left)} to go", refresh=False)
            if step == max_steps or len(left) == 0:
                bar.total = step  # the number of steps it took
                break
            (g,) = torch.autograd.grad(chosen.sum(), x)
            X_fooling[left] += learning_rate * _direction(g[todo])
            bar.update()
    if len(left):
        warnings.warn(
            f"not fooled after {max_steps} steps: pictures {left.tolist()}; allow more steps or "
            "longer ones",
            stacklevel=2,
        )
    return X_fooling


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    """One gradient ascent step on score - l2_reg * sum(img**2), of length learning_rate.

    Inputs:
    - img: Picture, of shape (1, 3, H, W), or several
    - model: Network from pictures to scores of shape (N, C)
    - target_y: Class whose score to raise: one integer, or integers of shape (N,)
    - l2_reg: Weight of the squared norm, which keeps pixel values from growing too large
    - learning_rate: Length of the step

    Returns: the next picture, of the shape of img

    Raises ValueError as `compute_saliency_maps` does, and for numbers that are not finite.

    Source: Simonyan, Vedaldi and Zisserman 2014, equation 1, with a step of fixed length
    """
    check_pictures(img)
    check_finite(l2_reg=l2_reg, learning_rate=learning_rate)
    with frozen(model), torch.enable_grad():
        img = img.detach().requires_grad_()
        scores = scores_of(model, img)  # (N, C)
        chosen = scores.gather(1, check_labels(target_y, scores).view(-1, 1))  # (N, 1)
        (g,) = torch.autograd.grad(chosen.sum() - l2_reg * img.square().sum(), img)
    return img.detach() + learning_rate * _direction(g)


def update_class_visulization(model, target_y, l2_reg, learning_rate, img):
    """`class_visualization_update_step` with the name and argument order of earlier editions of the
    course.
    """
    return class_visualization_update_step(img, model, target_y, l2_reg, learning_rate)


def create_class_visualization(
    target_y, model, dtype=None, l2_reg=1e-3, learning_rate=25, num_iterations=100, blur_every=10,
    max_jitter=16, show_every=25, *, image_size=None, generator=None, callback=show_picture,
):  # fmt: skip
    """Paint what the network thinks a class looks like, starting from noise.

    The picture is shifted at random before each step and shifted back after it, clamped to the
    range of real pixels, and blurred now and then. These three regularisers leave less room for
    patterns that only a network would see.

    Inputs:
    - target_y: Class, an integer
    - model: Network from pictures to scores
    - dtype: Type of the picture: a torch.dtype, or a tensor type such as torch.FloatTensor; by
      default the model's
    - l2_reg, learning_rate: As for `class_visualization_update_step`
    - num_iterations: Number of steps
    - blur_every: Steps between two blurs; 0 for none
    - max_jitter: Largest shift, in pixels
    - show_every: Steps between two calls of the callback; 0 for none
    - image_size: Height and width; by default the model's image_size, or 224 if it has none
    - generator: torch.Generator on the CPU, by default one with seed 0
    - callback: None, or a function that is called with a PIL image and a title after the first
      step, every `show_every` steps and after the last

    Returns: PIL image

    Raises ValueError for a class or a number out of range.

    Source: Simonyan, Vedaldi and Zisserman 2014, section 2; Yosinski et al. 2015, section 3, for
    blur; Mordvintsev, Olah and Tyka, "Inceptionism", 2015, for jitter
    """
    check_counts(num_iterations=num_iterations, max_jitter=max_jitter)
    check_counts(blur_every=blur_every or 0, show_every=show_every or 0)
    parameter = parameter_of(model)
    generator = generator or torch.Generator().manual_seed(0)
    size = check_size(getattr(model, "image_size", 224) if image_size is None else image_size)
    img = torch.randn((1, 3, size, size), generator=generator).to(parameter)
    if dtype is not None:
        img = img.type(dtype)
    low, high = black_and_white(img)
    names = dict(enumerate(getattr(model, "class_names", ())))
    name = "class"
    if torch.as_tensor(target_y).ndim == 0:
        name = names.get(int(target_y), f"class {target_y}")
    bar = tqdm(range(num_iterations), desc=name, file=sys.stdout)
    for t in bar:
        ox, oy = torch.randint(0, max_jitter + 1, (2,), generator=generator).tolist()
        img = jitter(img, ox, oy)
        img = class_visualization_update_step(img, model, target_y, l2_reg, learning_rate).detach()
        img = jitter(img, -ox, -oy)
        img = img.clamp(low, high)
        if blur_every and t % blur_every == 0:
            img = blur_tensor(img, sigma=0.5)
        if callback is not None and _is_shown(t, show_every, num_iterations):
            callback(
                deprocess(img, should_rescale=False), f"{name}, step {t + 1} of {num_iterations}"
            )
    return deprocess(img, should_rescale=False)


def _is_shown(t, show_every, num_iterations):
    """Whether to show the picture after step t, counted from 0: after the first step, each multiple
    of `show_every`, and the last.
    """
    if not show_every:
        return False
    return t == 0 or (t + 1) % show_every == 0 or t == num_iterations - 1


def _direction(g):
    """Each picture's gradient, scaled to length 1; zero stays zero."""
    largest = g.abs().amax((1, 2, 3), keepdim=True)  # (N, 1, 1, 1)
    g = g / largest.clamp(min=torch.finfo(g.dtype).tiny)  # keeps squares from under- or overflowing
    norms = g.flatten(1).norm(dim=1).clamp(min=torch.finfo(g.dtype).tiny)  # (N,)
    return g / norms.view(-1, 1, 1, 1)
