"""Steps by torch.optim, along gradients scaled by hand; losses minimised in place of scores
maximised.
"""

import torch


def make_fooling_image(X, target_y, model):
    x = torch.nn.Parameter(X.detach().clone())
    steps = torch.optim.SGD([x], lr=1.0, maximize=True)
    for _ in range(100):
        steps.zero_grad()
        scores = model(x).squeeze(0)
        if scores.argmax() == target_y:
            return x.detach()
        scores[target_y].backward()
        x.grad /= x.grad.square().sum().sqrt()
        steps.step()
    return x.detach()


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    x = torch.nn.Parameter(img.clone())
    (-model(x)[0, target_y]).backward()
    x.grad += 2 * l2_reg * img
    x.grad /= torch.norm(x.grad)
    torch.optim.SGD([x], lr=learning_rate).step()
    return x.detach()


def content_loss(content_weight, content_current, content_original):
    return content_weight * torch.norm(content_current - content_original) ** 2
