"""Steps along an image gradient with the wrong norm."""

import torch

from grading.mistakes import mistake


def climb(X, target_y, model, direction):
    """Pictures after steps along direction(gradient), each until it fools the network."""
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        todo = scores.argmax(1) != target_y
        if not todo.any():
            break
        (g,) = torch.autograd.grad(scores[todo, target_y].sum(), x)
        step = torch.where(todo.view(-1, 1, 1, 1), direction(g), 0)
        X_fooling = X_fooling + step
    return X_fooling


def update(img, model, target_y, l2_reg, learning_rate, direction):
    """The picture after a step along direction(gradient of the objective)."""
    x = img.clone().requires_grad_()
    objective = model(x)[:, target_y].sum() - l2_reg * x.square().sum()
    (g,) = torch.autograd.grad(objective, x)
    return img + learning_rate * direction(g)


def by_pixel(g):
    return g / g.norm(dim=1, keepdim=True).clamp(min=1e-12)


def by_colour(g):
    return g / g.norm(dim=(2, 3), keepdim=True).clamp(min=1e-12)


def by_sum(g):
    return g / g.abs().sum(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)


def by_largest(g):
    return g / g.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)


def by_root_mean_square(g):
    return g / g.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)


PER_PIXEL = (
    "the norm is taken over the colours alone, pixel by pixel: each picture has one norm, over its "
    "colours, rows and columns"
)
PER_COLOUR = (
    "each colour has a norm of its own: each picture has one norm, over its colours, rows and "
    "columns"
)
ABSOLUTE = (
    "the gradient is divided by the sum of its absolute values: its norm is the root of the sum of "
    "squares"
)
LARGEST = (
    "the gradient is divided by its largest number: its norm is the root of the sum of squares"
)
ROOT_MEAN = "the squares are averaged under the root: the norm is the root of their sum"
SIGNS = "the step goes along the gradient's signs, sign(g): take g divided by its norm"


@mistake("make_fooling_image", PER_PIXEL)
def fooling_by_pixel(X, target_y, model):
    return climb(X, target_y, model, by_pixel)


@mistake("make_fooling_image", PER_COLOUR)
def fooling_by_colour(X, target_y, model):
    return climb(X, target_y, model, by_colour)


@mistake("make_fooling_image", ABSOLUTE)
def fooling_by_sum(X, target_y, model):
    return climb(X, target_y, model, by_sum)


@mistake("make_fooling_image", LARGEST)
def fooling_by_largest(X, target_y, model):
    return climb(X, target_y, model, by_largest)


@mistake("make_fooling_image", ROOT_MEAN)
def fooling_by_root_mean_square(X, target_y, model):
    return climb(X, target_y, model, by_root_mean_square)


@mistake("make_fooling_image", SIGNS)
def fooling_by_signs(X, target_y, model):
    return climb(X, target_y, model, torch.sign)


@mistake(
    "make_fooling_image",
    "one norm is shared by all pictures, those that are done as well: each picture's gradient is "
    "divided by its own",
)
def norm_shared_with_those_done(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        todo = scores.argmax(1) != target_y
        if not todo.any():
            break
        (g,) = torch.autograd.grad(scores[:, target_y].sum(), x)
        X_fooling = X_fooling + torch.where(todo.view(-1, 1, 1, 1), g / g.norm(), 0)
    return X_fooling


@mistake("class_visualization_update_step", PER_PIXEL)
def update_by_pixel(img, model, target_y, l2_reg, learning_rate):
    return update(img, model, target_y, l2_reg, learning_rate, by_pixel)


@mistake("class_visualization_update_step", PER_COLOUR)
def update_by_colour(img, model, target_y, l2_reg, learning_rate):
    return update(img, model, target_y, l2_reg, learning_rate, by_colour)


@mistake("class_visualization_update_step", ABSOLUTE)
def update_by_sum(img, model, target_y, l2_reg, learning_rate):
    return update(img, model, target_y, l2_reg, learning_rate, by_sum)


@mistake("class_visualization_update_step", LARGEST)
def update_by_largest(img, model, target_y, l2_reg, learning_rate):
    return update(img, model, target_y, l2_reg, learning_rate, by_largest)


@mistake("class_visualization_update_step", ROOT_MEAN)
def update_by_root_mean_square(img, model, target_y, l2_reg, learning_rate):
    return update(img, model, target_y, l2_reg, learning_rate, by_root_mean_square)


@mistake("class_visualization_update_step", SIGNS)
def update_by_signs(img, model, target_y, l2_reg, learning_rate):
    return update(img, model, target_y, l2_reg, learning_rate, torch.sign)
