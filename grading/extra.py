"""Extra credit: how well a student's captioner describes pictures that nobody has trained on.

The pictures are drawn as Toytown's validation pictures are, from a seed that staff choose. Nothing of the student runs:
the model is an archive of arrays, and the code that reads and uses it is the reference's.
"""

import functools
import random
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.coco_utils import decode_captions
from deeplearning.datasets.toytown.dataset import ensure_toytown
from deeplearning.datasets.toytown.grammar import write_captions
from deeplearning.datasets.toytown.plan import picture
from deeplearning.metrics import cider_d
from grading.manifest import MANIFEST
from grading.results import Result

MAX_BYTES = 100 << 20  # of the model, unpacked
PICTURES = 500


def extra_credit(path, seed):
    """What a captioner earns.

    Inputs:
    - path: The model, as `CaptioningRNN.save` wrote it, which may be missing
    - seed: Integer that the pictures are drawn from

    Returns: `results.Result`
    """
    extra = MANIFEST.extra
    if not Path(path).is_file():
        return Result(extra, 0, f"No {extra.file} was handed in; it is not required.")
    try:
        score = score_captioner(path, seed)
    except Exception as error:  # its arrays may hold anything, and then anything may go wrong
        return Result(extra, 0, f"{extra.file} could not be used: {' '.join(str(error).split())[:300]}")
    levels = ", ".join(f"{points} points from {least} on" for least, points in extra.levels)
    reason = "" if extra.earned(score) == extra.points else f"CIDEr-D is {score:.2f}; there are {levels}."
    return Result(extra, extra.earned(score), reason, note=f"CIDEr-D on {PICTURES} new pictures: {score:.2f}.")


def score_captioner(path, seed):
    """CIDEr-D of a model's captions, by a beam of 3, of pictures drawn from a seed.

    Raises ValueError for a model that is too large, is none, or knows other words or features than Toytown's.
    """
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_BYTES:
        raise ValueError(f"it holds {size >> 20} MB, more than {MAX_BYTES >> 20}")
    model = CaptioningRNN.load(path)
    references, features = unseen(seed, PICTURES)
    idx_to_word = [model.idx_to_word.get(i, "<UNK>") for i in range(len(model.word_to_idx))]
    words = model.sample(features, beam_width=3, length_penalty=0.7)
    captions = [caption.removesuffix("<END>").strip() for caption in decode_captions(words, idx_to_word)]
    return cider_d(references, captions)[0]


@functools.lru_cache(maxsize=1)
def unseen(seed, count):
    """New pictures: five sentences about each, and features as those of the data set that students train on."""
    from deeplearning.classifiers.squeezenet import load_squeezenet  # these two import torch, which takes seconds
    from deeplearning.datasets.build import image_features, transform_features

    folder = ensure_toytown()
    references = []
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / f"{number}.png" for number in range(count)]
        for number, path in enumerate(paths):
            scene, image, _ = picture(seed, "val", number)
            image.save(path, compress_level=1)
            references.append(write_captions(scene, random.Random(f"{seed} {number}")))
        raw = image_features(paths, load_squeezenet("toytown"), progress=False)
    return references, np.asarray(transform_features(raw, folder))
