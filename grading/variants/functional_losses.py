"""Losses from torch.nn.functional and batched products."""

import torch
import torch.nn.functional as F

from deeplearning import style_transfer


def content_loss(content_weight, content_current, content_original):
    return content_weight * F.mse_loss(content_current, content_original, reduction="sum")


def gram_matrix(features, normalize=True):
    N, C, H, W = features.size()
    f = features.view(N, C, -1)
    gram = torch.bmm(f, f.permute(0, 2, 1))
    if normalize:
        gram = gram.div(C * H * W)
    return gram


def style_loss(feats, style_layers, style_targets, style_weights):
    loss = torch.tensor(0.0, dtype=feats[0].dtype)
    for i in range(len(style_layers)):
        current = style_transfer.gram_matrix(feats[style_layers[i]].clone())
        loss += style_weights[i] * F.mse_loss(current, style_targets[i], reduction="sum")
    return loss


def tv_loss(img, tv_weight):
    return tv_weight * sum(torch.diff(img, dim=dim).pow(2).sum() for dim in (2, 3))
