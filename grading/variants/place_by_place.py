"""Pictures one at a time, and loops over channels and places."""

import torch


def compute_saliency_maps(X, y, model):
    maps = []
    for picture, label in zip(X, y, strict=True):
        picture = picture[None].clone().requires_grad_(True)
        model(picture)[0, label].backward()
        red, green, blue = picture.grad[0].abs()
        maps.append(torch.maximum(torch.maximum(red, green), blue))
    return torch.stack(maps)


def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    G = features.new_zeros(N, C, C)
    for n in range(N):
        for i in range(C):
            for j in range(C):
                G[n, i, j] = torch.sum(features[n, i] * features[n, j])
    return G / C / H / W if normalize else G


def tv_loss(img, tv_weight):
    loss = 0.0 * img.sum()
    for i in range(img.shape[2]):
        for j in range(img.shape[3]):
            if i > 0:
                loss = loss + ((img[..., i, j] - img[..., i - 1, j]) ** 2).sum()
            if j > 0:
                loss = loss + ((img[..., i, j] - img[..., i, j - 1]) ** 2).sum()
    return loss * tv_weight
