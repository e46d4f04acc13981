"""Train Toytown's small SqueezeNet from random weights; this takes under an hour on two cores.

    python -m deeplearning.datasets.toytown.train_squeezenet --out squeezenet.npz

The network learns to name the main thing in a picture. Six measures make it learn fast, and make
its gradients worth looking at:

- Batch normalisation (Ioffe and Szegedy 2015) after every convolution of `features`. After
  training, it is an affine map per channel and is folded into the convolution before it, which
  leaves the plain SqueezeNet 1.1.
- The first epochs use pictures of half the size, which cost a quarter.
- Linear heads on the spatial mean of `features` learn what else a caption says: colour, setting,
  weather, relation, size and the other thing. They are thrown away at the end; what they needed
  stays in the features.
- In the last epochs, half of each batch is changed a little to mislead the network (Madry et al.
  2018, equation 2.1, in an L2 ball). Only essential features of a thing survive that, so the
  gradients of its score show the thing.
- In the very last epochs, the share of a score's gradient that lies outside the thing is part of
  the loss (Ross, Hughes and Doshi-Velez 2017, "Right for the right reasons", equation 1): a car
  should be recognised by the car, not by its road.
- It trains on three times as many pictures as the data set has, of the same combinations.

The classifier ends in a ReLU before its average, so a class whose map is zero everywhere has no
gradient to climb. Its convolution therefore starts with a positive bias, the last epochs also
penalise maps that are all zero on a grey picture, and after training all its biases are raised by
the same constant. What all scores have in common cancels in the softmax, so the answers hardly
change. But of a picture's other classes, 1 in 30 had a map of zeros before, and now hardly any has.
The last line printed names the classes with such a map on a grey picture, if there are any.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import squeezenet1_1
from tqdm import tqdm

from deeplearning.classifiers.squeezenet import save_squeezenet
from deeplearning.datasets.toytown.plan import PICTURES
from deeplearning.datasets.toytown.training_pictures import (
    HEADS,
    KIND_NAMES,
    MEAN,
    STD,
    augment,
    draw,
    normalise,
)

LIFT = 15.0  # added to the biases at the end; before, the right class scores 23 on average


class Trained(nn.Module):
    """SqueezeNet with batch normalisation and the temporary heads."""

    def __init__(self):
        super().__init__()
        net = squeezenet1_1(num_classes=len(KIND_NAMES))
        self.classify = net.classifier[1]  # (N, 512, h, w) to (N, kinds, h, w)
        nn.init.constant_(self.classify.bias, 1.0)
        self.features = net.features
        for parent, name, conv in convolutions(self.features):
            setattr(parent, name, nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels)))
        self.heads = nn.ModuleList(nn.Linear(512, len(values)) for values, _, _ in HEADS.values())

    def forward(self, x):
        """Scores of the kinds, as SqueezeNet computes them, and those of every head."""
        maps = self.features(x)  # (N, 512, h, w)
        return F.relu(self.classify(maps)).mean((2, 3)), [
            head(maps.mean((2, 3))) for head in self.heads
        ]

    def plain(self):
        """The same classifier as torchvision's squeezenet1_1, without batch normalisation and
        heads.
        """
        net = squeezenet1_1(num_classes=len(KIND_NAMES))
        normalised = [
            m for m in self.features.modules() if isinstance(m, nn.Sequential) and len(m) == 2
        ]
        with torch.no_grad():
            for (conv, norm), (_, _, target) in zip(
                normalised, convolutions(net.features), strict=True
            ):
                scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                target.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
                target.bias.copy_((conv.bias - norm.running_mean) * scale + norm.bias)
        net.classifier[1].load_state_dict(self.classify.state_dict())
        return net.eval()


def convolutions(module):
    """All convolutions inside a module: for each its parent module, its name there, and itself."""
    return [
        (parent, name, child)
        for parent in list(module.modules())
        for name, child in list(parent.named_children())
        if isinstance(child, nn.Conv2d)
    ]


def mislead(model, x, kinds, radius, steps=2):
    """Change pictures so that the network takes them for something else, within a distance of
    `radius` (L2).
    """
    model.eval()  # running means in batch normalisation: pictures should not affect each other
    change = torch.randn_like(x)
    change *= 0.5 * radius / norms(change)
    for _ in range(steps):
        change.requires_grad_()
        loss = F.cross_entropy(model(x + change)[0], kinds, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, change)
        change = change.detach() + 1.5 * radius / steps * gradient / (norms(gradient) + 1e-12)
        change *= (radius / (norms(change) + 1e-12)).clamp(max=1)
    model.train()
    return x + change


def norms(x):
    return x.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def loss_of(model, x, labels, masks=None):
    """Cross-entropy of the kinds, plus the weighted one of the heads; with masks, also the
    penalties of the last epochs: for the share of a score's gradient outside the main thing, and
    for scores that are not positive on a grey picture.
    """
    x.requires_grad_(masks is not None)
    kinds, heads = model(x)
    weights = [weight for _, _, weight in HEADS.values()]
    aside = [
        w * F.cross_entropy(scores, y)
        for w, scores, y in zip(weights, heads, labels[:, 1:].T, strict=True)
    ]
    loss = F.cross_entropy(kinds, labels[:, 0]) + sum(aside)
    if masks is not None:
        scores = kinds.gather(1, labels[:, :1])
        (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
        energy = gradient.square().sum(1, keepdim=True)  # (N, 1, S, S)
        outside = (energy * ~masks).sum((1, 2, 3)) / energy.sum((1, 2, 3)).clamp(min=1e-12)
        grey = model.classify(model.features(torch.zeros_like(x[:1]))).amax((0, 2, 3))  # (kinds,)
        loss = loss + 3.0 * outside.mean() + F.relu(1.0 - grey).mean()
    return loss


@torch.no_grad()
def accuracies(model, pictures, labels):
    """Accuracy for the kind and for each head."""
    model.eval()
    right = torch.zeros(1 + len(HEADS), device=labels.device)
    for x, y in zip(pictures.split(50), labels.split(50), strict=True):
        kinds, heads = model(normalise(x))
        answers = torch.stack([scores.argmax(1) for scores in (kinds, *heads)], 1)
        right += (answers == y).sum(0)
    model.train()
    return dict(zip(["kind", *HEADS], (right / len(labels)).tolist(), strict=True))


def train(args):
    """Train, and return the plain SqueezeNet and its accuracy on the validation pictures."""
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    pictures, masks, labels = draw("train", args.pictures)
    unseen, _, their_labels = draw("val", args.unseen)
    model = Trained().to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=1e-2)
    epochs, per_epoch = args.half_size + args.plain + args.misled, len(pictures) // args.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, args.learning_rate, epochs * per_epoch, pct_start=0.15
    )
    for epoch in range(epochs):
        order = torch.randperm(len(pictures), generator=generator).split(args.batch_size)[
            :per_epoch
        ]
        for rows in tqdm(order, f"epoch {epoch + 1} of {epochs}", file=sys.stdout):
            x, where, y = augment(normalise(pictures[rows]), masks[rows], labels[rows], generator)
            if epoch < args.half_size:
                x = F.avg_pool2d(x, 2)
            if epoch >= args.half_size + args.plain:
                half = args.batch_size // 2
                x[:half] = mislead(model, x[:half], y[:half, 0], args.radius)
            attentive = epoch >= epochs - args.attentive
            # a picture's gradient should not depend on the rest of the batch
            model.train(not attentive)
            loss = loss_of(model, x, y, where if attentive else None)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
        shares = accuracies(model, unseen, their_labels)
        print("  ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items()))
    with torch.no_grad():
        model.classify.bias += LIFT
    return model.plain(), accuracies(model, unseen, their_labels)["kind"]


def save_and_report(path, network, accuracy, minutes):
    """Save a trained network, and print its accuracy, its hash, and the classes without a gradient
    on a grey picture, if there are any.
    """
    save_squeezenet(path, network, KIND_NAMES, MEAN, STD, image_size=128)
    grey = torch.zeros(1, 3, 128, 128)  # a grey picture, normalised
    with torch.no_grad():
        highest = network.classifier[1](network.features(grey)).amax((0, 2, 3))
    dead = [name for name, value in zip(KIND_NAMES, highest.tolist(), strict=True) if value <= 0]
    right = f"right for {100 * accuracy:.1f} % of the validation pictures"
    print(f"{path}: {right}, {minutes:.0f} minutes")
    found = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    print(f"SHA-256 {found}, for SHA256 in squeezenet.py")
    print(f"no gradient to climb from a grey picture: {', '.join(dead) or 'none'}")


def main(argv=None):
    args = _arguments(argv)
    began = time.perf_counter()
    network, accuracy = train(args)
    save_and_report(args.out, network, accuracy, (time.perf_counter() - began) / 60)


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.datasets.toytown.train_squeezenet",
        description="Train Toytown's SqueezeNet from random weights, and save it as float16.",
        epilog="example: python -m deeplearning.datasets.toytown.train_squeezenet --out new.npz",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", required=True, help="file for the weights")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of weights, order of pictures and changes"
    )
    parser.add_argument(
        "--pictures", type=int, default=3 * PICTURES["train"], help="how many to train on"
    )
    parser.add_argument(
        "--unseen", type=int, default=PICTURES["val"], help="how many to validate with"
    )
    parser.add_argument(
        "--half-size", type=int, default=2, help="epochs on pictures of half the size"
    )
    parser.add_argument("--plain", type=int, default=4, help="epochs on unchanged pictures")
    parser.add_argument(
        "--misled", type=int, default=3, help="epochs that mislead the network in half of a batch"
    )
    parser.add_argument(
        "--attentive", type=int, default=2, help="last epochs, with gradients kept on the thing"
    )
    parser.add_argument(
        "--radius", type=float, default=4.0, help="size of the changes, in the network's units"
    )
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=3e-3,
        help="its peak, reached after 15 %% of the steps",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
