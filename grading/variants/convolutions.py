"""Total variation by convolution, Gram matrices from one product with all pictures, weights in a
tensor.
"""

import torch
import torch.nn.functional as F

from deeplearning.style_transfer import gram_matrix as gram


def tv_loss(img, tv_weight):
    kernel = torch.tensor([-1, 1], dtype=img.dtype)
    flat = img.flatten(0, 1)[:, None]  # (3, 1, H, W)
    H, W = img.shape[2:]
    down = F.conv2d(flat, kernel.view(1, 1, 2, 1)) if H > 1 else flat[:, :, :0]
    right = F.conv2d(flat, kernel.view(1, 1, 1, 2)) if W > 1 else flat[:, :, :0]
    return tv_weight * (torch.sum(down**2) + torch.sum(right**2))


def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    rows = features.reshape(N * C, H * W)
    every = (rows @ rows.t()).view(N, C, N, C)
    own = torch.stack([every[n, :, n] for n in range(N)])
    return own * (1 / (C * H * W)) if normalize else own


def style_loss(feats, style_layers, style_targets, style_weights):
    distances = [
        torch.dist(gram(feats[k]), A) ** 2 for k, A in zip(style_layers, style_targets, strict=True)
    ]
    return torch.stack(distances) @ torch.tensor(style_weights, dtype=feats[0].dtype)


def content_loss(content_weight, content_current, content_original):
    difference = (content_current - content_original).flatten()
    return content_weight * (difference @ difference)
