"""Pictures that minimise a loss: the optimisers, the steps, and what is shown along the way."""

import sys

import torch
from tqdm import tqdm

from deeplearning.checks import check_counts, check_finite
from deeplearning.classifiers.squeezenet import frozen
from deeplearning.image_utils import black_and_white, deprocess

SETTLING = 0.2  # factor on the learning rate for the last tenth of Adam's steps


def noise(shape, generator):
    """Random numbers from 0 to 1 to start from; by default with seed 0."""
    return torch.rand(shape, generator=generator or torch.Generator().manual_seed(0))


def optimizer_of(name, start, learning_rate):
    """An optimiser for a copy of the picture."""
    check_finite(learning_rate=learning_rate)
    img = start.detach().clone().requires_grad_()
    if name == "adam":
        return torch.optim.Adam([img], lr=learning_rate)
    if name == "lbfgs":
        return torch.optim.LBFGS(
            [img], max_iter=1, max_eval=25, history_size=20, line_search_fn="strong_wolfe"
        )
    raise ValueError(f'expected optimizer "adam" or "lbfgs", got {name!r}')


def paint(steps, losses, cnn, num_iterations, show_every, callback):
    """Minimise the sum of losses(img), and return the picture after num_iterations steps.

    After each step the pixels are clamped to the range from black to white, so that the picture
    returned is the one shown and the one whose losses are computed.
    """
    check_counts(num_iterations=num_iterations, show_every=show_every or 0)
    (img,) = steps.param_groups[0]["params"]
    low, high = black_and_white(img)
    now = {}

    def closure():
        steps.zero_grad()
        now.update(losses(img.contiguous(memory_format=torch.channels_last)))  # faster on CPUs
        total = sum(now.values())
        total.backward()
        return total

    with (
        frozen(cnn),
        torch.enable_grad(),
        tqdm(range(num_iterations), desc="painting", file=sys.stdout) as bar,
    ):
        for t in bar:
            if isinstance(steps, torch.optim.Adam) and t == round(0.9 * num_iterations):
                steps.param_groups[0]["lr"] *= SETTLING
            steps.step(closure)
            _check_step(now, img, "at the first step" if t == 0 else f"in step {t + 1}")
            with torch.no_grad():
                img.clamp_(low, high)
            values = ", ".join(f"{name} {value.item():.4g}" for name, value in now.items())
            bar.set_postfix_str(values, refresh=False)
            if callback is not None and _is_shown(t, show_every, num_iterations):
                callback(deprocess(img, False), f"step {t + 1} of {num_iterations}: {values}")
    return img.detach()


def _is_shown(t, show_every, num_iterations):
    """Whether to show the picture after step t, counted from 0: after the first step, every
    `show_every` steps from there, and after the last.
    """
    if not show_every:
        return False
    return t % show_every == 0 or t == num_iterations - 1


def _check_step(losses, img, when):
    """Refuse weights that make a loss, or its gradient, too large for the numbers' type."""
    for name, value in losses.items():
        if not value.isfinite():
            weight = "style_weights" if name == "style" else f"{name}_weight"
            raise ValueError(f"the {name} loss is {value.item()} {when}: make {weight} smaller")
    # optimisers square the gradient, and stop moving if that is infinite
    if not (img.isfinite().all() and img.grad.square().sum().isfinite()):
        largest = max(losses, key=lambda name: losses[name].item())
        weight = "style_weights" if largest == "style" else f"{largest}_weight"
        raise ValueError(
            f"the picture or its gradient leaves {img.dtype}'s range {when}: make {weight} "
            f"smaller, whose loss is {losses[largest].item():.3g}"
        )
