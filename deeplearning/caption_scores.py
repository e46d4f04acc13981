"""Captions that a model writes for the images of a data set, and their scores."""

import numpy as np

from deeplearning.coco_utils import decode_sentences, load_references
from deeplearning.metrics import cider_d, corpus_bleu


def write_captions(model, data, rows, split="val", **how):
    """Captions of a split's images, as strings.

    Inputs:
    - model: A `CaptioningRNN`
    - data: From `load_coco_data`
    - rows: Rows of the images in the features, ints of shape (n,)
    - split: "train" or "val"
    - how: Keyword arguments of `CaptioningRNN.sample`, such as beam_width

    Returns: list of n strings, without <END>
    """
    captions = []
    # a few hundred at a time, so that memory does not grow with the split
    for start in range(0, len(rows), 500):
        words = model.sample(data[f"{split}_features"][rows[start : start + 500]], **how)
        captions += decode_sentences(words, data["idx_to_word"])
    return captions


def score_captions(model, data, base_dir=None, split="val", **how):
    """BLEU and CIDEr-D of a model's captions for all images of a split.

    Inputs:
    - model, data, split, how: As for `write_captions`
    - base_dir: As given to `load_coco_data`

    Returns: dictionary with BLEU-1 to BLEU-4, from 0 to 100, and CIDEr-D, from 0 to 10; for a
    single image CIDEr-D is NaN, with a warning
    """
    references, rows = load_references(data, base_dir, split)
    captions = write_captions(model, data, rows, split, **how)
    bleu = 100 * corpus_bleu(references, captions)
    return {f"BLEU-{n}": float(value) for n, value in enumerate(bleu, 1)} | {
        "CIDEr-D": cider_d(references, captions)[0]
    }


def rows_with_pictures(data, split="val"):
    """Rows of the images whose picture can be shown: those with a URL rather than a bare name.

    Returns: int array
    """
    return np.flatnonzero(["://" in url for url in data[f"{split}_urls"]])
