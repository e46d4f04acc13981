"""Gradients by `backward` and `.grad`, as in the course's own notebooks."""

import torch


def compute_saliency_maps(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores = scores.gather(1, y.view(-1, 1)).squeeze(1)
    scores.backward(torch.ones_like(scores))
    saliency, _ = torch.max(X.grad.data.abs(), dim=1)
    return saliency


def make_fooling_image(X, target_y, model):
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        _, index = scores.max(dim=1)
        if index.item() == target_y:
            break
        scores[0, target_y].backward()
        dX = learning_rate * X_fooling.grad.data / X_fooling.grad.data.norm()
        X_fooling.data += dX
        X_fooling.grad.data.zero_()
    return X_fooling


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    img = img.clone().requires_grad_()
    objective = model(img)[:, target_y] - l2_reg * torch.sum(img * img)
    objective.backward()
    g = img.grad.data
    img.data.add_(learning_rate * (g / g.norm()))
    return img.data
