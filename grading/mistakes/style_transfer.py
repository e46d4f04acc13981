"""Wrong losses of style transfer."""

import torch

from deeplearning.style_transfer import gram_matrix
from grading.mistakes import mistake


@mistake(
    "content_loss", "the norm is not squared: take the sum of squared differences, without a root"
)
def norm_not_squared(content_weight, content_current, content_original):
    return content_weight * (content_current - content_original).norm()


@mistake("content_loss", "the squared differences are averaged, not summed")
def content_averaged(content_weight, content_current, content_original):
    return content_weight * torch.nn.functional.mse_loss(content_current, content_original)


@mistake("content_loss", "there is a factor 1/2, as in the paper: this course leaves it out")
def content_halved(content_weight, content_current, content_original):
    return content_weight * (content_current - content_original).square().sum() / 2


@mistake("content_loss", "the weight is left out")
def content_not_weighted(content_weight, content_current, content_original):
    return (content_current - content_original).square().sum()


@mistake(
    "content_loss",
    "the loss is cut off from the features, by detach, item or no_grad: it has no gradient",
)
def content_detached(content_weight, content_current, content_original):
    return content_weight * (content_current.detach() - content_original).square().sum()


@mistake("content_loss", "the differences are not squared but taken as absolute values")
def content_absolute(content_weight, content_current, content_original):
    return content_weight * (content_current - content_original).abs().sum()


@mistake(
    "gram_matrix",
    "places are multiplied by places: multiply channels by channels",
)
def places_with_places(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    gram = F.transpose(1, 2) @ F
    return gram / (C * H * W) if normalize else gram


@mistake("gram_matrix", "it is divided by H*W, not by C*H*W")
def divided_by_places(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    gram = F @ F.transpose(1, 2)
    return gram / (H * W) if normalize else gram


@mistake(
    "gram_matrix",
    "it is divided by N*C*H*W: each picture has a Gram matrix of its own, so N stays out",
)
def divided_by_all(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    gram = F @ F.transpose(1, 2)
    return gram / features.numel() if normalize else gram


@mistake(
    "gram_matrix",
    "it is divided by 2*C*H*W, as in some papers: this course divides by C*H*W",
)
def divided_by_twice(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    gram = F @ F.transpose(1, 2)
    return gram / (2 * C * H * W) if normalize else gram


@mistake(
    "gram_matrix",
    "each channel's mean is subtracted first, as for a covariance: a Gram matrix leaves it in",
)
def centred(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    F = F - F.mean(dim=2, keepdim=True)
    gram = F @ F.transpose(1, 2)
    return gram / (C * H * W) if normalize else gram


@mistake("gram_matrix", "it is not divided by C*H*W")
def never_divided(features, normalize=True):
    F = features.flatten(2)
    return F @ F.transpose(1, 2)


@mistake("gram_matrix", "it is divided even where normalize is False")
def always_divided(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    return F @ F.transpose(1, 2) / (C * H * W)


@mistake(
    "gram_matrix",
    "the features are reshaped into another order: the channels' numbers get mixed up",
)
def reshaped_in_other_order(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, H * W, C)
    gram = F.transpose(1, 2) @ F
    return gram / (C * H * W) if normalize else gram


@mistake("style_loss", "the last layer replaces the others: sum over all layers")
def last_layer_only(feats, style_layers, style_targets, style_weights):
    for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=True):
        loss = weight * (gram_matrix(feats[layer]) - target).square().sum()
    return loss


@mistake(
    "style_loss",
    "feats is read in order, feats[0], feats[1], and so on, not at the layers in style_layers",
)
def layers_by_position(feats, style_layers, style_targets, style_weights):
    loss = 0 * sum(feat.sum() for feat in feats)
    for k, (target, weight) in enumerate(zip(style_targets, style_weights, strict=True)):
        gram = gram_matrix(feats[k])
        if gram.shape == target.shape:
            loss = loss + weight * (gram - target).square().sum()
    return loss


@mistake("style_loss", "the Gram matrices are not normalised")
def gram_not_normalised(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum(
        w * (gram_matrix(feats[k], normalize=False) - A).square().sum() for k, A, w in layers
    )


@mistake(
    "style_loss", "the norm is not squared: take the sum of squared differences, without a root"
)
def style_norm_not_squared(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum(w * (gram_matrix(feats[k]) - A).norm() for k, A, w in layers)


@mistake("style_loss", "the squared differences are averaged, not summed")
def style_averaged(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum(w * (gram_matrix(feats[k]) - A).square().mean() for k, A, w in layers)


@mistake("style_loss", "the weights are left out")
def style_not_weighted(feats, style_layers, style_targets, style_weights):
    return sum(
        (gram_matrix(feats[k]) - A).square().sum()
        for k, A in zip(style_layers, style_targets, strict=True)
    )


@mistake(
    "style_loss",
    "style_targets is read at a layer's number: its entries are in the order of style_layers",
    says="style_targets",
)
def targets_by_layer(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_weights, strict=True)
    return sum(w * (gram_matrix(feats[k]) - style_targets[k]).square().sum() for k, w in layers)


@mistake("content_loss", "the weight is squared, too: it multiplies the sum of squares")
def content_weight_squared(content_weight, content_current, content_original):
    return (content_weight * (content_current - content_original)).square().sum()


@mistake("style_loss", "the weights are squared, too: each multiplies a sum of squares")
def style_weights_squared(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum((w * (gram_matrix(feats[k]) - A)).square().sum() for k, A, w in layers)


@mistake(
    "gram_matrix",
    "the minibatch is summed up, too: each picture has a Gram matrix of its own, so the result has "
    "shape (N, C, C)",
)
def summed_over_pictures(features, normalize=True):
    N, C, H, W = features.shape
    F = features.transpose(0, 1).reshape(C, N * H * W)
    gram = F @ F.T
    return gram / (C * H * W) if normalize else gram


@mistake(
    "gram_matrix",
    "the minibatch is summed up, too, and divided by N: each picture has a Gram matrix of its own, "
    "so the result has shape (N, C, C)",
)
def averaged_over_pictures(features, normalize=True):
    N, C, H, W = features.shape
    F = features.transpose(0, 1).reshape(C, N * H * W)
    gram = F @ F.T
    return gram / features.numel() if normalize else gram


@mistake(
    "gram_matrix",
    "all pictures' channels are in one matrix: each picture has a Gram matrix of its own, so the "
    "result has shape (N, C, C)",
)
def one_matrix_for_all(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N * C, H * W)
    gram = F @ F.T
    return gram / (N * C * H * W) if normalize else gram


@mistake(
    "gram_matrix",
    "every picture gets the Gram matrix of the whole minibatch: each has one of its own",
)
def same_for_all_pictures(features, normalize=True):
    N, C, H, W = features.shape
    gram = torch.einsum("nchw,ndhw->cd", features, features).expand(N, C, C)
    return gram / (C * H * W) if normalize else gram


@mistake("gram_matrix", "normalize works the wrong way round: True should divide by C*H*W")
def normalize_reversed(features, normalize=True):
    N, C, H, W = features.shape
    F = features.reshape(N, C, H * W)
    gram = F @ F.transpose(1, 2)
    return gram if normalize else gram / (C * H * W)


@mistake(
    "style_loss",
    "the loss is cut off from the features, by detach, item or no_grad, here or in gram_matrix: "
    "it has no gradient",
)
def style_detached(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum(w * (gram_matrix(feats[k].detach()) - A).square().sum() for k, A, w in layers)


@mistake(
    "style_loss",
    "only the first layer counts: `return` stands inside the loop, or a sum is missing",
)
def first_layer_only(feats, style_layers, style_targets, style_weights):
    gram = gram_matrix(feats[style_layers[0]])
    return style_weights[0] * (gram - style_targets[0]).square().sum()


@mistake(
    "style_loss",
    "each layer is divided by 4 (C*H*W)**2, as in the paper: the Gram matrices' division is enough",
)
def divided_as_in_the_paper(feats, style_layers, style_targets, style_weights):
    layers = zip(style_layers, style_targets, style_weights, strict=True)
    return sum(
        w * (gram_matrix(feats[k]) - A).square().sum() / (4 * feats[k][0].numel() ** 2)
        for k, A, w in layers
    )
