"""How good captions are: BLEU and CIDEr-D against captions that people wrote.

Scores compare words as `tokenize` returns them: lower case, without punctuation, <START>, <END> and
<NULL>. <UNK> is kept as a word that never matches, not even itself.
"""

import math
import re
import unicodedata
import warnings
from collections import Counter

import numpy as np

UNKNOWN = "<unk>"
# Accents and vowel signs that belong to the letter before them, as in Hindi; with \w alone they
# would end the word
MARKS = "".join(
    c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c).startswith("M")
)
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese
ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf"
ALONE += "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
LETTER = rf"(?![{ALONE}])\w"
WORD = re.compile(rf"<unk>|{LETTER}(?:{LETTER}|[{MARKS}])*|(?=\w)[{ALONE}][{MARKS}]*")


def tokenize(caption):
    """The words that scores compare. In scripts without spaces between words, such as Chinese,
    Japanese and Thai, each character counts as a word, together with its marks.

    Inputs:
    - caption: A string, such as "<START> a dog's ball <END>"

    Returns: list of str, such as ["a", "dogs", "ball"]
    """
    # accents become part of their letters, however they were typed
    text = unicodedata.normalize("NFC", caption.lower())
    text = re.sub("['\u2019]", "", text)  # a dog's ball: dogs; a gray-green ball: gray green
    return WORD.findall(re.sub("<(start|end|null)>", " ", text))


def corpus_bleu(references, captions, max_n=4):
    """BLEU-1 to BLEU-max_n over a whole set of captions.

    The n-gram precision is the fraction of the captions' n-grams that occur in a reference of the
    same image, each counted at most as often as in the reference that has it most often. BLEU-n is
    the geometric mean of the precisions up to n, times a brevity penalty exp(1 - r / c) if the
    captions' total length c is below r, the total length of the references closest in length.

    Inputs:
    - references: List of captions, as strings, for each image
    - captions: The caption to score, a string, for each image

    Returns: float array of shape (max_n,), each from 0 to 1

    Raises ValueError if there are no images, or if an image has no reference.

    Source: Papineni et al., "BLEU: a method for automatic evaluation of machine translation", 2002.
    """
    matches = np.zeros(max_n)
    counts = np.zeros(max_n)
    length = 0
    closest = 0
    for refs, words in _tokenized(references, captions):
        length += len(words)
        # the shorter of two equally close ones
        closest += min((abs(len(ref) - len(words)), len(ref)) for ref in refs)[1]
        for n in range(1, max_n + 1):
            most = Counter()
            for ref in refs:
                most |= _ngrams(ref, n)
            ngrams = _ngrams(words, n)
            counts[n - 1] += sum(ngrams.values())
            matches[n - 1] += sum((ngrams & most).values())
    if length == 0:
        return np.zeros(max_n)
    penalty = math.exp(min(0.0, 1 - closest / length))
    scores = np.zeros(max_n)
    for n in range(1, max_n + 1):
        if matches[:n].all():
            scores[n - 1] = penalty * math.exp(np.mean(np.log(matches[:n] / counts[:n])))
    return scores


def bleu_1(reference, caption):
    """BLEU-1 of one caption against one reference, as the course's notebooks report it.

    Inputs:
    - reference, caption: strings

    Returns: float from 0 to 1
    """
    return float(corpus_bleu([[reference]], [caption], max_n=1)[0])


def cider_d(references, captions, sigma=6.0):
    """CIDEr-D: agreement with the references in n-grams that distinguish images.

    Each n-gram has weight log(number of images / number of images with it in a reference). For n
    from 1 to 4, caption and reference are compared by the cosine of their weighted counts, with the
    caption's counts clipped to the reference's, times a penalty exp(-(difference in length)^2 / (2
    sigma^2)); the mean over n and references is multiplied by 10.

    Inputs:
    - references: List of captions, as strings, for each image
    - captions: The caption to score, a string, for each image
    - sigma: Width of the length penalty, in words

    Returns a tuple of:
    - score: Mean over all images, from 0 to 10
    - scores: float array of shape (images,)

    For a single image the score is undefined, since every n-gram has weight log(1) = 0. Both are
    then NaN, and a warning says so.

    Raises ValueError if there are no images, or if an image has no reference.

    Source: Vedantam, Zitnick and Parikh, "CIDEr: consensus-based image description evaluation",
    2015, section 7.
    """
    tokenized = list(_tokenized(references, captions))
    if len(tokenized) == 1:
        warnings.warn(
            "CIDEr-D of a single image means nothing: it weighs words by how many images have "
            "them; score more images together",
            stacklevel=2,
        )
        return math.nan, np.full(1, math.nan)
    images_with = _images_with([refs for refs, _ in tokenized])
    log_images = math.log(len(tokenized))

    def weighted(words, n):
        return {
            gram: count * (log_images - math.log(max(1, images_with[gram])))
            for gram, count in _ngrams(words, n).items()
        }

    scores = np.zeros(len(tokenized))
    for image, (refs, words) in enumerate(tokenized):
        for ref in refs:
            penalty = math.exp(-((len(words) - len(ref)) ** 2) / (2 * sigma**2))
            for n in range(1, 5):
                cosine = _clipped_cosine(weighted(words, n), weighted(ref, n))
                scores[image] += penalty * cosine / len(refs)
    scores *= 10 / 4
    return float(scores.mean()), scores


def _images_with(references):
    """The number of images that have each n-gram in a reference."""
    images_with = Counter()
    for refs in references:
        ngrams = set()
        for ref in refs:
            for n in range(1, 5):
                ngrams.update(_ngrams(ref, n))
        images_with.update(ngrams)
    return images_with


def _clipped_cosine(ours, theirs):
    """Cosine of two vectors, given as dictionaries, with the first one's entries clipped to the
    second's.
    """
    shared = ours.keys() & theirs.keys()
    dot = sum(min(ours[gram], theirs[gram]) * theirs[gram] for gram in shared)
    norms = _norm(ours) * _norm(theirs)
    return dot / norms if norms and dot else 0.0


def _norm(vector):
    return math.sqrt(sum(value**2 for value in vector.values()))


def _tokenized(references, captions):
    if any(isinstance(refs, str) for refs in references):
        raise ValueError(
            "references must be a list of captions for each image, got a single caption for one"
        )
    if (
        len(references) != len(captions)
        or not captions
        or not all(len(refs) for refs in references)
    ):
        empty = sum(not len(refs) for refs in references)
        raise ValueError(
            "scores need at least one image, and for each one caption and at least one reference: "
            f"got {len(captions)} captions and {len(references)} lists of references, {empty} of "
            "them empty"
        )
    for refs, caption in zip(references, captions, strict=True):
        words = [
            "<unknown to the captioner>" if word == UNKNOWN else word for word in tokenize(caption)
        ]
        yield [tokenize(ref) for ref in refs], words


def _ngrams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
