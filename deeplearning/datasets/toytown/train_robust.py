"""Train a Toytown SqueezeNet that is hard to mislead: minutes on a GPU, a night on two cores.

    python -m deeplearning.datasets.toytown.train_robust --out squeezenet_robust.npz

`train_squeezenet` makes the network whose features describe pictures. This one has the same task
and the same layers, but three additional burdens:

- Two thirds of each batch are changed to mislead it (Madry et al. 2018, equation 2.1, in an L2
  ball). The ball grows to twice the radius, and each change is searched for in twice as many steps.
- A third of each batch shows the main thing alone, on a plain background, where only the thing
  itself reveals its name.
- For more epochs, the share of a score's gradient that lies outside the thing is part of the loss.

The price is slightly worse features for captions. The gain is that its gradients show things, so
that class portraits painted with them are recognisable.

The weights that come with the project were trained on an H100 in five minutes. Other processors add
in another order, so their weights will differ, but work just as well.
"""

import argparse
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from deeplearning.datasets.toytown.plan import PICTURES
from deeplearning.datasets.toytown.train_squeezenet import (
    Trained,
    accuracies,
    norms,
    save_and_report,
)
from deeplearning.datasets.toytown.training_pictures import (
    HEADS,
    augment,
    draw,
    normalise,
    on_plain_ground,
)


def mislead(model, x, kinds, radius, steps=4):
    """Change pictures so that the network takes them for something else, within a distance of
    `radius` (L2).
    """
    change = torch.randn_like(x)
    change *= 0.5 * radius / norms(change)
    for _ in range(steps):
        change.requires_grad_()
        with half_precision(x):
            scores, _ = model(x + change)
        loss = F.cross_entropy(scores.float(), kinds, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, change)
        change = change.detach() + 2 * radius / steps * gradient / (norms(gradient) + 1e-12)
        change *= (radius / (norms(change) + 1e-12)).clamp(max=1)
    return (x + change).detach()


def half_precision(x):
    """Compute in bfloat16 on a GPU, where that is several times faster."""
    return torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda)


def loss_of(model, x, kinds, labels, masks=None):
    """Cross-entropy of the kinds, plus the weighted one of the heads, plus a penalty for maps near
    zero.

    Inputs:
    - x: Pictures, of shape (N, 3, S, S); those that have labels for the heads come first
    - kinds: Integers of shape (N,)
    - labels: Labels of the first pictures, as `draw` returns them
    - masks: None, or where the main thing of the first pictures is; then the share of a score's
      gradient outside it is added
    """
    first = len(labels)
    x = x.detach().requires_grad_(masks is not None)
    with half_precision(x):
        maps = model.features(x)  # (N, 512, h, w)
        evidence = model.classify(maps)  # (N, kinds, h, w)
        heads = [head(maps[:first].mean((2, 3))) for head in model.heads]
    scores = F.relu(evidence).mean((2, 3)).float()
    loss = F.cross_entropy(scores, kinds)
    for (_, _, weight), answers, y in zip(HEADS.values(), heads, labels[:, 1:].T, strict=True):
        loss = loss + weight * F.cross_entropy(answers.float(), y)
    loss = loss + 0.02 * F.relu(1 - evidence.float().amin((2, 3))).mean()
    if masks is not None:
        right = scores.gather(1, kinds[:, None]).sum()
        (gradient,) = torch.autograd.grad(right, x, create_graph=True)
        energy = gradient[:first].float().square().sum(1, keepdim=True)  # (first, 1, S, S)
        outside = (energy * ~masks).sum((1, 2, 3)) / energy.sum((1, 2, 3)).clamp(min=1e-12)
        loss = loss + 4.0 * outside.mean()
    return loss


def train(args):
    """Train, and return the plain SqueezeNet and its accuracy on the validation pictures."""
    torch.manual_seed(args.seed)
    generator = torch.Generator(args.device).manual_seed(args.seed)
    shown = [part.to(args.device) for part in draw("train", args.pictures)]
    unseen, _, their_labels = (part.to(args.device) for part in draw("val", args.unseen))
    model = Trained()
    nn.init.constant_(model.classify.bias, 10.0)  # so that no map starts at zero
    model = model.to(args.device, memory_format=torch.channels_last)
    per_epoch = args.pictures // args.batch_size
    epochs = args.half_size + args.plain
    optimiser, schedule = _optimiser(model, 3e-3, epochs * per_epoch)
    model.train()
    for epoch in range(epochs + args.misled):
        misled = epoch - epochs  # below 0 in the plain epochs
        if misled == 0:
            # from here on, a picture's gradient should not depend on the rest of the batch
            model.eval()
            optimiser, schedule = _optimiser(model, 1e-3, args.misled * per_epoch)
        bar = tqdm(range(per_epoch), f"epoch {epoch + 1}", file=sys.stdout, mininterval=2)
        for step in bar:
            rows = torch.randint(
                args.pictures, (args.batch_size,), generator=generator, device=args.device
            )
            x, where, kinds, labels = _batch(*(part[rows] for part in shown), generator)
            if epoch < args.half_size:
                x = F.avg_pool2d(x, 2)
            if misled >= 0:
                progress = (misled + step / per_epoch) / args.misled
                radius = args.radius * min(1.0, 0.25 + progress / 0.4)
                third = args.batch_size // 3
                x[third:] = mislead(model, x[third:], kinds[third:], radius)
            attentive = epoch >= epochs + args.misled - args.attentive
            loss = loss_of(model, x, kinds, labels, where if attentive else None)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
        shares = accuracies(model, unseen, their_labels)
        print("  ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items()))
    return model.cpu().plain(), shares["kind"]


def _optimiser(model, rate, steps):
    """AdamW whose rate rises to `rate` in the first tenth of the steps, then falls to zero."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.1)


def _batch(pictures, masks, labels, generator):
    """Two thirds of a batch as whole scenes, and the main things of a third on a plain background.

    Returns: pictures, masks of the first two thirds, the kinds of all, and labels of the first two
    thirds, as `loss_of` takes them
    """
    two_thirds = 2 * len(pictures) // 3
    x = normalise(pictures)
    scenes, where, known = augment(
        x[:two_thirds], masks[:two_thirds], labels[:two_thirds], generator
    )
    alone = on_plain_ground(x[two_thirds:], masks[two_thirds:], generator)
    return torch.cat([scenes, alone]), where, labels[:, 0], known


def main(argv=None):
    args = _arguments(argv)
    began = time.perf_counter()
    network, accuracy = train(args)
    save_and_report(args.out, network, accuracy, (time.perf_counter() - began) / 60)


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.datasets.toytown.train_robust",
        description="Train Toytown's robust SqueezeNet, and save it as float16.",
        epilog="example: python -m deeplearning.datasets.toytown.train_robust --out new.npz",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = parser.add_argument
    option("--out", required=True, help="file for the weights")
    option("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    option("--seed", type=int, default=0, help="seed of weights, batches and changes")
    option("--pictures", type=int, default=3 * PICTURES["train"], help="pictures to train on")
    option("--unseen", type=int, default=PICTURES["val"], help="pictures to validate with")
    option("--half-size", type=int, default=2, help="epochs on pictures of half the size")
    option("--plain", type=int, default=4, help="epochs on unchanged pictures")
    option("--misled", type=int, default=20, help="epochs that mislead the network")
    option(
        "--attentive", type=int, default=7, help="final epochs that also keep gradients in place"
    )
    option("--radius", type=float, default=8.0, help="of the changes, in the network's units")
    option("--batch-size", type=int, default=96)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
