"""Edges repeated, so that pictures keep their size; scores times one-hot labels; custom autograd
functions.
"""

import torch
import torch.nn.functional as F


class _Squares(torch.autograd.Function):
    """The sum of squares, with its gradient by hand."""

    @staticmethod
    def forward(context, numbers):
        context.save_for_backward(numbers)
        return (numbers * numbers).sum()

    @staticmethod
    def backward(context, upstream):
        (numbers,) = context.saved_tensors
        return 2 * numbers * upstream


def compute_saliency_maps(X, y, model):
    x = torch.tensor(X.numpy(), requires_grad=True)
    scores = model(x)
    (scores * F.one_hot(y, scores.shape[1])).sum().backward()
    return torch.maximum(x.grad, -x.grad).amax(dim=-3)


def make_fooling_image(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(X_fooling)
        _, best = scores.detach().topk(1, dim=1)
        if best[0, 0] == target_y:
            break
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += X_fooling.grad / torch.linalg.norm(X_fooling.grad)
            X_fooling.grad.zero_()
    return X_fooling


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    x = img.clone().requires_grad_()
    model(x)[0, target_y].neg().backward()
    (l2_reg * _Squares.apply(x)).backward()  # added to the existing gradient
    return img - x.grad * (learning_rate / x.grad.norm())


def content_loss(content_weight, content_current, content_original):
    return content_weight * _Squares.apply(content_current - content_original)


def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    scale = (C * H * W) ** 0.5 if normalize else 1
    rows = features.flatten(2) / scale
    return torch.matmul(rows, rows.mT)


def style_loss(feats, style_layers, style_targets, style_weights):
    if not style_layers:
        return 0
    gram = gram_matrix(feats[style_layers[0]])
    own = style_weights[0] * _Squares.apply(gram - style_targets[0])
    return own + style_loss(feats, style_layers[1:], style_targets[1:], style_weights[1:])


def tv_loss(img, tv_weight):
    wide = F.pad(img, (0, 1, 0, 1), mode="replicate")
    down = wide[:, :, 1:, :-1] - img
    right = wide[:, :, :-1, 1:] - img
    return tv_weight * (_Squares.apply(down) + _Squares.apply(right))
