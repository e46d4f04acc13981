"""Losses of style transfer with every sum spelt out by einsum."""

import torch


def gram_matrix(features, normalize=True):
    G = torch.einsum("nchw,ndhw->ncd", features, features)
    return G / features[0].numel() if normalize else G


def content_loss(content_weight, content_current, content_original):
    d = content_current - content_original
    return content_weight * torch.einsum("nchw,nchw->", d, d)
