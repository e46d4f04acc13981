"""Gradients of functions by torch.func and a Jacobian."""

import torch


def compute_saliency_maps(X, y, model):
    J = torch.autograd.functional.jacobian(lambda x: model(x).sum(0), X)  # (C, N, 3, H, W)
    own = J[y, torch.arange(len(X))]
    return own.abs().max(dim=1)[0].contiguous()


def make_fooling_image(X, target_y, model):
    score = torch.func.grad(lambda x: model(x)[0, target_y])
    fooled, steps = X, 0
    while steps < 100 and int(model(fooled).argmax()) != target_y:
        fooled = fooled + torch.nn.functional.normalize(score(fooled).flatten(), dim=0).view_as(X)
        steps += 1
    return fooled.clone()


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    g = torch.func.grad(lambda x: model(x)[0, target_y] - l2_reg * x.pow(2).sum())(img)
    return img + learning_rate * g / torch.linalg.vector_norm(g)
