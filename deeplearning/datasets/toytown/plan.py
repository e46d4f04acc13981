"""Which scenes the Toytown data set shows: 5,000 for training and 1,000 for validation."""

import random
from functools import lru_cache

from deeplearning.datasets.toytown.scene import draw_scene
from deeplearning.datasets.toytown.world import combinations

SEED = 2014
PICTURES = {"train": 5000, "val": 1000}
UNSEEN = 5  # every fifth validation picture shows a combination that is not in training


def picture(seed, split, number):
    """Draw one picture of the data set; it depends only on the arguments.

    Inputs:
    - seed: int, 0 or more; split: "train" or "val"; number: int, 0 or more

    Returns: scene, picture and mask, as from `draw_scene`
    """
    rng = random.Random(f"toytown {seed} {split} {number}")
    seen, unseen = split_combinations(seed)
    allowed = unseen if split == "val" and number % UNSEEN == UNSEEN - 1 else seen
    kinds = sorted({kind for kind, _, _ in allowed})
    kind = rng.choice(kinds)
    alone = rng.random() < 0.25
    mine = [c for c in allowed if c[0] == kind]
    return draw_scene(*rng.choice([c for c in mine if (c[2] is None) == alone] or mine), rng)


@lru_cache(maxsize=1)
def split_combinations(seed):
    """Combinations that training shows, and those that it doesn't: tuples of (main kind, setting,
    relation).

    Every pair from a held-out combination (kind and setting, kind and relation, setting and
    relation) still occurs in training, so that only the combination of known pairs is new.
    """
    rng = random.Random(f"toytown {seed} combinations")
    everything = combinations()
    seen = list(everything)
    unseen = []
    pairs = {}
    for combination in seen:
        for pair in _pairs(combination):
            pairs[pair] = pairs.get(pair, 0) + 1
    for combination in rng.sample(everything, len(everything)):
        if len(unseen) < len(everything) // 6 and all(
            pairs[pair] > 1 for pair in _pairs(combination)
        ):
            unseen.append(combination)
            seen.remove(combination)
            for pair in _pairs(combination):
                pairs[pair] -= 1
    return tuple(seen), tuple(unseen)


def _pairs(combination):
    kind, setting, relation = combination
    return ("ks", kind, setting), ("kr", kind, relation), ("sr", setting, relation)
