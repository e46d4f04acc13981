"""Wrong image gradients."""

import torch

from grading.mistakes import mistake


def gradient(X, y, model):
    """Gradient of each picture's score for its class."""
    X = X.detach().clone().requires_grad_()
    (dX,) = torch.autograd.grad(model(X).gather(1, y.view(-1, 1)).sum(), X)
    return dX


@mistake(
    "compute_saliency_maps",
    "the absolute value is missing: a strong negative gradient matters, too",
)
def no_absolute_value(X, y, model):
    return gradient(X, y, model).amax(1)


@mistake("compute_saliency_maps", "the absolute value is taken after the maximum: take it before")
def absolute_value_last(X, y, model):
    return gradient(X, y, model).amax(1).abs()


@mistake(
    "compute_saliency_maps",
    "the maximum is taken over the wrong axis: take it over the three colours, axis 1",
)
def maximum_over_columns(X, y, model):
    return gradient(X, y, model).abs().amax(3)


@mistake(
    "compute_saliency_maps",
    "the maximum is taken over the pictures: take it over the three colours, axis 1",
)
def maximum_over_pictures(X, y, model):
    return gradient(X, y, model).abs().amax(0)


@mistake("compute_saliency_maps", "the colours are summed up: take their maximum")
def sum_over_colours(X, y, model):
    return gradient(X, y, model).abs().sum(1)


@mistake(
    "compute_saliency_maps", "it is the gradient of the highest score, not of the right class's"
)
def highest_score(X, y, model):
    return gradient(X, model(X).argmax(1), model).abs().amax(1)


@mistake(
    "compute_saliency_maps",
    "it is the gradient of the sum of all scores, not of the right class's alone",
)
def all_scores(X, y, model):
    X = X.detach().clone().requires_grad_()
    (dX,) = torch.autograd.grad(model(X).sum(), X)
    return dX.abs().amax(1)


@mistake(
    "compute_saliency_maps",
    "it is the gradient of the cross-entropy loss, not of the right class's score",
)
def gradient_of_loss(X, y, model):
    X = X.detach().clone().requires_grad_()
    (dX,) = torch.autograd.grad(torch.nn.functional.cross_entropy(model(X), y, reduction="sum"), X)
    return dX.abs().amax(1)


@mistake(
    "compute_saliency_maps",
    "this is the gradient of a probability: take the score itself, before softmax",
)
def gradient_of_probability(X, y, model):
    return gradient(X, y, lambda x: model(x).softmax(1)).abs().amax(1)


def climb(X, target_y, model, direction, steps=100, stop=True):
    """Pictures after steps along direction(gradient) that stop when the network is fooled."""
    X_fooling = X.clone()
    for _ in range(steps):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        if stop and scores[0].argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], x)
        X_fooling = X_fooling + direction(g)
    return X_fooling


@mistake(
    "make_fooling_image", "this is gradient descent: the target's score must rise, so add the step"
)
def descent(X, target_y, model):
    return climb(X, target_y, model, lambda g: -g / g.norm())


@mistake(
    "make_fooling_image",
    "the gradient is not divided by its norm: each step should have length learning_rate",
)
def not_normalised(X, target_y, model):
    return climb(X, target_y, model, lambda g: g)


@mistake("make_fooling_image", "the gradient is divided by its squared norm, not by its norm")
def squared_norm(X, target_y, model):
    return climb(X, target_y, model, lambda g: g / g.square().sum())


@mistake("make_fooling_image", "it does not stop when the network is fooled")
def never_stops(X, target_y, model):
    return climb(X, target_y, model, lambda g: g / g.norm(), stop=False)


@mistake("make_fooling_image", "it takes a single step, without a loop")
def single_step(X, target_y, model):
    return climb(X, target_y, model, lambda g: g / g.norm(), steps=1)


@mistake(
    "make_fooling_image", "the picture itself, an argument, is changed in place: work on a copy"
)
def picture_changed(X, target_y, model):
    X += climb(X, target_y, model, lambda g: g / g.norm()) - X
    return X


@mistake(
    "make_fooling_image",
    "the gradients of all steps pile up: X.grad is not set back to zero after a step",
)
def gradients_pile_up(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(X_fooling)
        if scores[0].argmax() == target_y:
            break
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@mistake(
    "make_fooling_image",
    "it takes one more step after the network is fooled: look at the scores before stepping",
)
def one_step_more(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        (g,) = torch.autograd.grad(scores[0, target_y], x)
        X_fooling = X_fooling + g / g.norm()
        if scores[0].argmax() == target_y:
            break
    return X_fooling


def objective_gradient(img, model, target_y, l2_reg):
    """Gradient of score - l2_reg * sum(img**2)."""
    img = img.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(model(img)[0, target_y] - l2_reg * img.square().sum(), img)
    return g


@mistake(
    "class_visualization_update_step",
    "this is gradient descent: the objective must rise, so add the step",
)
def step_down(img, model, target_y, l2_reg, learning_rate):
    g = objective_gradient(img, model, target_y, l2_reg)
    return img - learning_rate * g / g.norm()


@mistake(
    "class_visualization_update_step",
    "the L2 term has the wrong sign: subtract it from the score",
)
def regularisation_added(img, model, target_y, l2_reg, learning_rate):
    g = objective_gradient(img, model, target_y, -l2_reg)
    return img + learning_rate * g / g.norm()


@mistake("class_visualization_update_step", "the L2 term is missing")
def no_regularisation(img, model, target_y, l2_reg, learning_rate):
    g = objective_gradient(img, model, target_y, 0)
    return img + learning_rate * g / g.norm()


@mistake(
    "class_visualization_update_step",
    "the L2 term is the plain norm of the image, not the squared one",
)
def plain_norm(img, model, target_y, l2_reg, learning_rate):
    g = objective_gradient(img, model, target_y, 0) - l2_reg * img / img.norm()
    return img + learning_rate * g / g.norm()


@mistake(
    "class_visualization_update_step",
    "a factor 2 is missing: the L2 term's gradient is 2 * l2_reg * img",
)
def factor_missing(img, model, target_y, l2_reg, learning_rate):
    g = objective_gradient(img, model, target_y, 0) - l2_reg * img
    return img + learning_rate * g / g.norm()


@mistake(
    "class_visualization_update_step",
    "the gradient is not divided by its norm: a step should have length learning_rate",
)
def step_not_normalised(img, model, target_y, l2_reg, learning_rate):
    return img + learning_rate * objective_gradient(img, model, target_y, l2_reg)


@mistake(
    "class_visualization_update_step",
    "the image, an argument, is changed in place: return a new one",
)
def image_changed(img, model, target_y, l2_reg, learning_rate):
    g = objective_gradient(img, model, target_y, l2_reg)
    img += learning_rate * g / g.norm()
    return img


@mistake(
    "compute_saliency_maps",
    "squeeze also removes the axis of pictures when there is only one",
)
def squeezed(X, y, model):
    return gradient(X, y, model).abs().amax(1).squeeze()


@mistake(
    "make_fooling_image",
    "one norm is shared by all pictures: each picture's gradient is divided by its own",
)
def norm_shared(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        todo = scores.argmax(1) != target_y
        if not todo.any():
            break
        (g,) = torch.autograd.grad(scores[todo, target_y].sum(), x)
        X_fooling = X_fooling + g / g.norm()
    return X_fooling


@mistake(
    "class_visualization_update_step",
    "one norm is shared by all pictures: each picture's gradient is divided by its own",
)
def norm_shared_by_pictures(img, model, target_y, l2_reg, learning_rate):
    x = img.clone().requires_grad_()
    objective = model(x)[:, target_y].sum() - l2_reg * x.square().sum()
    (g,) = torch.autograd.grad(objective, x)
    return img + learning_rate * g / g.norm()


@mistake(
    "make_fooling_image",
    "pictures that fool the network already move on with the others: they must stay as they are",
)
def all_move_on(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        if (scores.argmax(1) == target_y).all():
            break
        (g,) = torch.autograd.grad(scores[:, target_y].sum(), x)
        X_fooling = X_fooling + g / g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return X_fooling


@mistake(
    "compute_saliency_maps",
    "scores[:, y] takes every picture's label for every picture: each counts with its own alone",
)
def labels_of_all_pictures(X, y, model):
    X = X.detach().clone().requires_grad_()
    (dX,) = torch.autograd.grad(model(X)[:, y].sum(), X)
    return dX.abs().amax(1)


@mistake("compute_saliency_maps", "the colours are averaged: take their maximum")
def mean_over_colours(X, y, model):
    return gradient(X, y, model).abs().mean(1)


@mistake(
    "make_fooling_image",
    "it climbs a probability, or goes down the cross-entropy loss: climb the target's score itself",
)
def probability_climbed(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        todo = scores.argmax(1) != target_y
        if not todo.any():
            break
        (g,) = torch.autograd.grad(scores.log_softmax(1)[todo, target_y].sum(), x)
        length = g.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
        X_fooling = X_fooling + g / length
    return X_fooling


@mistake(
    "class_visualization_update_step",
    "the objective holds a probability: take the score itself, before softmax",
)
def probability_of_class(img, model, target_y, l2_reg, learning_rate):
    x = img.clone().requires_grad_()
    objective = model(x).softmax(1)[:, target_y].sum() - l2_reg * x.square().sum()
    (g,) = torch.autograd.grad(objective, x)
    return img + learning_rate * g / g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
