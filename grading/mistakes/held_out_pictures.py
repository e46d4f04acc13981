"""Wrong image gradients and losses written after the hints were frozen: see `held_out`."""

import torch

from deeplearning.style_transfer import gram_matrix
from grading.mistakes import mistake


@mistake(
    "compute_saliency_maps",
    "the gradient is squared, where its absolute value is asked for",
    says="squared once too often",
)
def gradient_squared(X, y, model):
    X = X.clone().requires_grad_()
    (dX,) = torch.autograd.grad(model(X).gather(1, y.view(-1, 1)).sum(), X)
    return dX.square().amax(1)


@mistake("make_fooling_image", "the step goes along the gradient's signs, not along the gradient")
def step_along_signs(X, target_y, model):
    X_fooling = X.clone()
    for _ in range(100):
        x = X_fooling.detach().requires_grad_()
        scores = model(x)
        if scores[0].argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], x)
        X_fooling = X_fooling + g.sign() / g.sign().norm()
    return X_fooling


@mistake(
    "class_visualization_update_step", "the L2 term comes after the normalisation, not before it"
)
def regularised_after_normalisation(img, model, target_y, l2_reg, learning_rate):
    x = img.clone().requires_grad_()
    (g,) = torch.autograd.grad(model(x)[0, target_y], x)
    return img + learning_rate * (g / g.norm() - 2 * l2_reg * img)


@mistake("content_loss", "the squared differences are not summed")
def not_summed(content_weight, content_current, content_original):
    return content_weight * (content_current - content_original) ** 2


@mistake(
    "gram_matrix",
    "only the first picture is looked at",
    says="right for some rows of the minibatch",
)
def first_picture_only(features, normalize=True):
    N, C, H, W = features.shape
    F = features[0].reshape(C, H * W)
    gram = (F @ F.T).expand(N, C, C)
    return gram / (C * H * W) if normalize else gram


@mistake("style_loss", "the differences are summed before they are squared")
def summed_before_squared(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum(w * (gram_matrix(feats[k]) - A).sum().square() for k, A, w in layers)


@mistake("tv_loss", "the weight is left out", says="look for a factor")
def variation_not_weighted(img, tv_weight):
    return (img[:, :, 1:] - img[:, :, :-1]).square().sum() + (
        img[..., 1:] - img[..., :-1]
    ).square().sum()
