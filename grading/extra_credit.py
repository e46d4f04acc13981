"""Extra credit: how well a student's captioner describes pictures that nobody has trained on.

The pictures are drawn like Toytown's validation pictures, from a seed that staff choose. None of
the student's code runs: the model is an archive of arrays, and the code that reads and uses it is
the reference's.
"""

import contextlib
import errno
import functools
import os
import random
import tempfile
import textwrap
import zipfile
from pathlib import Path

from deeplearning.caption import BUILT_IN_MODEL
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.coco_utils import decode_sentences
from deeplearning.datasets.toytown.dataset import ensure_toytown
from deeplearning.datasets.toytown.grammar import write_captions
from deeplearning.datasets.toytown.plan import picture
from deeplearning.feature_transform import FeatureTransform
from deeplearning.metrics import cider_d
from grading.manifest import MANIFEST
from grading.results import Result
from grading.unpack import inner_zips, is_noise, list_files, unsafe, unzipped

MAX_BYTES = 100 << 20  # of the model, unpacked
MAX_CAPTIONER = 100 << 20  # as handed in
MAX_SETTINGS = 1 << 20  # bytes of its vocabulary, as text
# each word is scored for every caption at every step
MAX_WORDS = 5000
MAX_LETTERS = 100
PICTURES = 500


def find_captioner(paths) -> bytes | None:
    """The model that a student has handed in for extra credit, the one nearest to the top; the
    package's own does not count.

    Raises ValueError if it is too large, or can't be read.
    """
    try:
        entries = list_files([paths] if isinstance(paths, str | Path) else paths)
    except ValueError:  # nothing can be read, and the grade says why
        return None
    for each in _places(entries):
        named = [entry for entry in each if entry.path.name == MANIFEST.extra.file]
        own = [e for e in named if "deeplearning" not in e.path.parts and not unsafe(e)]
        own = [entry for entry in own if not is_noise(entry.path)]
        if own:
            return min(own, key=lambda entry: len(entry.path.parts)).read(MAX_CAPTIONER)
    return None


def _places(entries):
    """The files, and those of each zip among them that can be read."""
    yield entries
    for entry in inner_zips(entries)[:5]:
        with contextlib.suppress(ValueError):
            yield unzipped(entry)


def extra_credit(paths, seed):
    """What the captioner in a submission earns.

    Inputs:
    - paths: Work tree or zip, or a list of what one student has handed in
    - seed: Integer that the pictures are drawn from

    Returns: `results.Result`, or None where no model was handed in
    """
    with tempfile.TemporaryDirectory(prefix="grading-") as scratch:
        path = Path(scratch) / MANIFEST.extra.file
        try:
            model = find_captioner(paths)
            if model is None:
                return None
            path.write_bytes(model)
            return _credit(path, seed)
        except Exception as error:  # its arrays may hold anything, and then anything may go wrong
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # a full disk, for example: the fault of this machine, not of the model
            reason = f"{path.name} could not be used: {error}".replace(f"{scratch}{os.sep}", "")
            return Result(MANIFEST.extra, 0, textwrap.shorten(reason, 300))


def _credit(path, seed):
    if path.read_bytes() == BUILT_IN_MODEL.read_bytes():
        raise ValueError("it is the model that comes with the project: train one of your own")
    score = score_captioner(path, seed)
    levels = MANIFEST.extra.levels
    earned = MANIFEST.extra.earned(score)
    ladder = ", ".join(f"{points} points from {least}" for least, points in levels)
    reason = "" if earned == MANIFEST.extra.points else f"CIDEr-D is {score:.2f}; you get {ladder}."
    return Result(
        MANIFEST.extra, earned, reason, note=f"CIDEr-D on {PICTURES} new pictures: {score:.2f}."
    )


def _check_sizes(path):
    """Raise ValueError for a file that could keep this process busy, or take its memory."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    size = sum(entry.file_size for entry in entries)
    if size > MAX_BYTES:
        raise ValueError(f"it holds {size >> 20} MB, more than {MAX_BYTES >> 20}")
    text = [entry.file_size for entry in entries if entry.filename.startswith("settings")]
    if sum(text) > MAX_SETTINGS:
        raise ValueError(f"its vocabulary is a text of more than {MAX_SETTINGS >> 20} MB")


def _check_words(words):
    if len(words) > MAX_WORDS or max(map(len, words), default=0) > MAX_LETTERS:
        raise ValueError(
            f"it may know at most {MAX_WORDS} words of {MAX_LETTERS} letters each: train it on the "
            "course's data set"
        )


def score_captioner(path, seed):
    """CIDEr-D of a model's captions for pictures drawn from a seed, with a beam width of 3.

    Raises ValueError for a file that is too large or not a model, and for a model with other words
    or features than Toytown's.
    """
    _check_sizes(path)
    model = CaptioningRNN.load(path)
    _check_words(model.word_to_idx)
    references, features = unseen(seed, PICTURES)
    idx_to_word = [model.idx_to_word.get(i, "<UNK>") for i in range(len(model.word_to_idx))]
    words = model.sample(features, beam_width=3, length_penalty=0.7)
    return cider_d(references, decode_sentences(words, idx_to_word))[0]


@functools.lru_cache(maxsize=1)
def unseen(seed, count):
    """New pictures: five captions of each, and features like those of the data set that students
    train on.
    """
    # these two import torch, which takes seconds
    from deeplearning.classifiers.backbones import image_features
    from deeplearning.classifiers.squeezenet import load_squeezenet

    folder = ensure_toytown()
    references = []
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / f"{number}.png" for number in range(count)]
        for number, path in enumerate(paths):
            scene, image, _ = picture(seed, "val", number)
            image.save(path, compress_level=1)
            references.append(write_captions(scene, random.Random(f"{seed} {number}")))
        raw = image_features(paths, load_squeezenet("toytown"), progress=False)
    return references, FeatureTransform.load(folder)(raw)
