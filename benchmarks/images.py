"""Image gradients on SqueezeNet, compared with the usual way: the whole network, its parameters
with gradients, colours first in memory, Gram matrices as one batched product.
"""

import copy

import torch

from benchmarks.timing import race, table
from deeplearning.classifiers.squeezenet import extract_features, load_squeezenet
from deeplearning.network_visualization import compute_saliency_maps
from deeplearning.style_transfer import content_loss, gram_matrix, style_loss, tv_loss

# the course's
CONTENT_LAYER = 3
STYLE_LAYERS = (1, 4, 6, 7)
STYLE_WEIGHTS = (300_000, 1000, 15, 3)


def usual(model):
    return copy.deepcopy(model).to(memory_format=torch.contiguous_format).requires_grad_(True)


def style_iteration(cnn, img, last):
    """Loss of one iteration of style transfer, and its gradient with respect to the picture."""
    targets = [
        torch.zeros_like(gram_matrix(f.detach()))
        for f in select(extract_features(img.detach(), cnn, last))
    ]
    content = extract_features(img.detach(), cnn, last)[CONTENT_LAYER].detach() * 0.9

    def run():
        x = img.detach().clone().requires_grad_()
        feats = extract_features(x, cnn, last)
        loss = content_loss(0.06, feats[CONTENT_LAYER], content) + tv_loss(x, 0.02)
        loss = loss + style_loss(feats, STYLE_LAYERS, targets, STYLE_WEIGHTS)
        loss.backward()
        return x.grad

    return run


def usual_style_iteration(cnn, img):
    targets = [
        torch.zeros_like(batched_gram(f.detach()))
        for f in select(extract_features(img.detach(), cnn))
    ]
    content = extract_features(img.detach(), cnn)[CONTENT_LAYER].detach() * 0.9

    def run():
        cnn.zero_grad()
        x = img.detach().clone().requires_grad_()
        feats = extract_features(x, cnn)
        loss = content_loss(0.06, feats[CONTENT_LAYER], content) + tv_loss(x, 0.02)
        for f, target, weight in zip(select(feats), targets, STYLE_WEIGHTS, strict=True):
            loss = loss + weight * (batched_gram(f) - target).square().sum()
        loss.backward()
        return x.grad

    return run


def select(feats):
    return [feats[layer] for layer in STYLE_LAYERS]


def batched_gram(features):
    N, C, H, W = features.shape
    f = features.reshape(N, C, H * W)
    return torch.bmm(f, f.transpose(1, 2)) / (C * H * W)


def usual_saliency(X, y, model):
    X = X.detach().clone().requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().amax(1)


def report(seconds, clock):
    """Milliseconds of both ways, and the relative difference of their results."""
    model = load_squeezenet("toytown")
    plain = usual(model)
    generator = torch.Generator().manual_seed(0)
    img = torch.randn(1, 3, 192, 256, generator=generator)
    X = torch.randn(5, 3, 224, 224, generator=generator)
    y = torch.arange(5)
    rows = []
    for name, ways in {
        "style iteration, 192 x 256": (
            style_iteration(
                model.features, img.contiguous(memory_format=torch.channels_last), max(STYLE_LAYERS)
            ),
            usual_style_iteration(plain.features, img),
        ),
        "saliency of five pictures, 224 x 224": (
            lambda: compute_saliency_maps(X, y, model),
            lambda: usual_saliency(X, y, plain),
        ),
    }.items():
        ours, classic = (way() for way in ways)
        apart = ((ours - classic).norm() / classic.norm()).item()
        times = race(dict(zip(("ours", "usual"), ways, strict=True)), seconds, clock)
        rows.append(
            [name, times["ours"], times["usual"], times["usual"] / times["ours"], f"{apart:.0e}"]
        )
    return table(
        ["image gradients", "ours, ms", "usual way, ms", "times faster", "results apart"], rows
    )
