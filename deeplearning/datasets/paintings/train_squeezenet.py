"""Train the early layers of a SqueezeNet on textures, for painting.

    python -m deeplearning.datasets.paintings.train_squeezenet --out squeezenet.npz

Toytown's network knows what things there are and which colours they have. A style is more: strokes
and tiles, their angle and their size. These layers, 0 to 9 of `features`, learn it from drawn
textures (`textures.py`) and from pictures of Toytown:

- Which of 144 structures is it, or what thing of Toytown? The answer is a linear map of the Gram
  matrix of a layer, because that is what style transfer compares (Gatys et al. 2016). Each texture
  gets new colours whenever it is seen, so only its structure can tell.
- What was done to the picture? Half of each batch was spoilt: by noise, blur, a checkerboard, tiles
  that were shuffled, or by random phases, which keep every correlation of pixels and destroy every
  form. The same linear maps have to notice. What a painting shall not look like, these layers see.
- The picture itself: a linear map of layers 4 and 7 gives the pixels back. So nothing is forgotten
  that none of the questions asks for.

Each convolution is followed by batch normalisation (Ioffe and Szegedy 2015), which is multiplied
into it at the end. The heads are thrown away.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from joblib import Parallel, delayed
from torch import nn
from torchvision.models import squeezenet1_1
from tqdm import tqdm

from deeplearning.classifiers.painter import save_painter
from deeplearning.datasets.paintings.textures import coloured, texture
from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.datasets.toytown.train_squeezenet import KIND_NAMES, MEAN, STD, convolutions

LAYERS = 10  # of `features`: the last is a style layer
GRAM_LAYERS = (1, 4, 6, 7, 9)
PIXEL_LAYERS = {4: 4, 7: 8}  # layers that give the pixels back, with their stride
STRUCTURES = 144
DRAWN, SEEN = 128, 80  # pixels that textures are drawn with, and of what is cut out of them


class Trained(nn.Module):
    """The layers with batch normalisation, and with the heads that are thrown away."""

    def __init__(self, classes, spoilings):
        super().__init__()
        self.features = squeezenet1_1(num_classes=2).features[:LAYERS]
        for parent, name, conv in convolutions(self.features):
            setattr(parent, name, nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels)))
        self.classes = classes
        self.narrow, self.tell, self.pixels = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for layer, channels in zip(GRAM_LAYERS, (64, 128, 256, 256, 384), strict=True):
            self.narrow[str(layer)] = nn.Conv2d(channels, 32, 1)
            self.tell[str(layer)] = nn.Linear(32 * 32, classes + spoilings)
            if layer in PIXEL_LAYERS:
                stride = PIXEL_LAYERS[layer]
                self.pixels[str(layer)] = nn.Sequential(
                    nn.Conv2d(channels, 3 * stride**2, 1), nn.PixelShuffle(stride)
                )

    def forward(self, x):
        """For each style layer the scores of classes and of spoilings; and the pixels, twice."""
        answers, pixels = [], []
        for layer, module in enumerate(self.features):
            x = module(x)
            if layer in GRAM_LAYERS:
                narrow = self.narrow[str(layer)](x).flatten(2)  # (N, 32, h w)
                gram = narrow @ narrow.transpose(1, 2) / narrow.shape[2]  # (N, 32, 32)
                root = gram.sign() * (gram.abs() + 1e-3).sqrt()  # large entries count less
                answers.append(
                    self.tell[str(layer)](root.flatten(1)).tensor_split([self.classes], 1)
                )
            if layer in PIXEL_LAYERS:
                pixels.append(self.pixels[str(layer)](x))
        return answers, pixels

    def plain(self):
        """The same layers without batch normalisation and heads."""
        plain = squeezenet1_1(num_classes=2).features[:LAYERS]
        normalised = [
            m for m in self.features.modules() if isinstance(m, nn.Sequential) and len(m) == 2
        ]
        with torch.no_grad():
            for (conv, norm), (_, _, target) in zip(normalised, convolutions(plain), strict=True):
                scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                target.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
                target.bias.copy_((conv.bias - norm.running_mean) * scale + norm.bias)
        return plain.eval()


def draw_textures(each, seed):
    """Maps of all structures, uint8 (n, 2, 128, 128), and their numbers (n,)."""
    jobs = [(number, k) for k in range(each) for number in range(STRUCTURES)]
    drawn = Parallel(n_jobs=-1, return_as="generator")(
        delayed(texture)(number, DRAWN, np.random.default_rng((seed, number, k)))
        for number, k in jobs
    )
    maps = torch.empty(len(jobs), 2, DRAWN, DRAWN, dtype=torch.uint8)
    for row, map_ in enumerate(tqdm(drawn, "textures", len(jobs), file=sys.stdout)):
        maps[row] = torch.from_numpy(map_)
    return maps, torch.tensor([number for number, _ in jobs])


def draw_things(count):
    """Pictures of Toytown, uint8 (n, 3, 128, 128), and which thing each shows (n,)."""
    jobs = (delayed(picture)(SEED, "train", number) for number in range(count))
    drawn = Parallel(n_jobs=-1, return_as="generator")(jobs)
    pictures, kinds = torch.empty(count, 3, DRAWN, DRAWN, dtype=torch.uint8), []
    for row, (scene, image, _) in enumerate(tqdm(drawn, "things", count, file=sys.stdout)):
        pictures[row] = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        kinds.append(KIND_NAMES.index(scene.main.kind))
    return pictures, torch.tensor(kinds)


def spoilt_by_noise(x, generator):
    strength = 0.05 + 0.2 * torch.rand(len(x), 1, 1, 1, generator=generator)
    return x + strength * torch.randn(x.shape, generator=generator)


def spoilt_by_blur(x, generator):
    times = int(torch.randint(1, 4, (), generator=generator))
    for _ in range(times):
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x


def spoilt_by_checkerboard(x, generator):
    period = int(torch.randint(1, 5, (), generator=generator))
    at = torch.arange(x.shape[-1]) // period
    board = (at + at[:, None]) % 2 * 2 - 1.0
    strength = 0.05 + 0.15 * torch.rand(len(x), 3, 1, 1, generator=generator)
    return x + strength * board


def spoilt_by_shuffling(x, generator):
    side = (8, 10, 16)[int(torch.randint(3, (), generator=generator))]
    tiles = F.unfold(x, side, stride=side)  # (N, 3 side^2, tiles)
    order = torch.rand(len(x), 1, tiles.shape[2], generator=generator).argsort(2)
    return F.fold(tiles.gather(2, order.expand_as(tiles)), x.shape[-2:], side, stride=side)


def spoilt_by_phases(x, generator):
    """Keep how strong each wave is, and draw anew where it lies: alike in the three colours."""
    spectrum = torch.fft.rfft2(x)
    noise = torch.fft.rfft2(torch.randn(x[:, :1].shape, generator=generator))
    phase = noise / noise.abs().clamp(min=1e-6)
    phase[..., 0, 0] = 1  # the mean stays
    return torch.fft.irfft2(spectrum * phase, s=x.shape[-2:])


SPOILINGS = (
    spoilt_by_noise, spoilt_by_blur, spoilt_by_checkerboard, spoilt_by_shuffling, spoilt_by_phases,
)  # fmt: skip


def cut(maps, generator):
    """The same 80 x 80 pixels of each picture, at a random place."""
    y, x = torch.randint(0, DRAWN - SEEN + 1, (2,), generator=generator).tolist()
    return maps[..., y : y + SEEN, x : x + SEEN]


def normalise(pictures):
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return ((pictures - mean) / std).contiguous(memory_format=torch.channels_last)


def batch(textures, numbers, things, kinds, generator):
    """Pictures as the network reads them, which class each is, and how each was spoilt (0: not)."""
    x = torch.cat([coloured(cut(textures, generator), generator), cut(things, generator) / 255])
    classes = torch.cat([numbers, STRUCTURES + kinds])
    order = torch.randperm(len(x), generator=generator)
    x, classes = x[order], classes[order]
    how = torch.zeros(len(x), dtype=torch.long)
    each = len(x) // 2 // len(SPOILINGS)
    for number, spoil in enumerate(SPOILINGS):
        rows = slice(number * each, (number + 1) * each)
        x[rows] = spoil(x[rows], generator)
        how[rows] = number + 1
    return normalise(x.clamp(0, 1)), classes, how


def loss_of(model, x, classes, how):
    """Cross-entropies of all style layers, the class only where it can be told, and the pixels."""
    answers, pixels = model(x)
    told = (how == 0) | (how == 2)  # intact or blurred
    loss = 0.0
    for given_back, stride in zip(pixels, PIXEL_LAYERS.values(), strict=True):
        begin, S = (
            stride // 2 - 1,
            given_back.shape[-1],
        )  # of the pixels that the first cell is about
        loss = loss + F.mse_loss(given_back, x[..., begin : begin + S, begin : begin + S])
    for scores, spoilings in answers:
        loss = loss + F.cross_entropy(scores[told], classes[told])
        loss = loss + F.cross_entropy(spoilings, how)
    return loss


def right(model, x, classes, how):
    """For each style layer the share of classes and of spoilings that it tells."""
    told = how == 0
    answers, _ = model(x)
    return [
        (
            (scores.argmax(1) == classes)[told].float().mean(),
            (spoilings.argmax(1) == how).float().mean(),
        )
        for scores, spoilings in answers
    ]


def train(args):
    """Train; returns the plain layers."""
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    textures, numbers = draw_textures(args.each, args.seed)
    things, kinds = draw_things(args.things)
    model = Trained(STRUCTURES + len(KIND_NAMES), 1 + len(SPOILINGS))
    model = model.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, args.learning_rate, args.steps, pct_start=0.15
    )
    quarter = args.batch_size // 4
    bar = tqdm(range(args.steps), "steps", file=sys.stdout, mininterval=20)
    for step in bar:
        rows = torch.randint(len(textures), (3 * quarter,), generator=generator)
        shown = torch.randint(len(things), (quarter,), generator=generator)
        given = batch(textures[rows], numbers[rows], things[shown], kinds[shown], generator)
        loss = loss_of(model, *given)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % 200 == 0:
            shares = right(model, *given)
            print(
                step + 1,
                f"loss {loss.item():.2f}",
                " ".join(f"{a:.2f}/{b:.2f}" for a, b in shares),
                flush=True,
            )
            torch.save(model.plain().state_dict(), f"{args.out}.{step + 1}")
    return model.plain()


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=16)
    parser.add_argument("--things", type=int, default=600)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    args = parser.parse_args(argv)
    began = time.perf_counter()
    save_painter(args.out, train(args))
    print(f"{args.out}: {(time.perf_counter() - began) / 60:.0f} minutes")
    found = hashlib.sha256(Path(args.out).read_bytes()).hexdigest()
    print(f"SHA-256 {found}, for PAINTER_SHA256 in painter.py")


if __name__ == "__main__":
    main()
