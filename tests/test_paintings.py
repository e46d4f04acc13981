"""Paintings: equal seeds give equal pictures, every size works, and styles differ in the statistics
that style transfer compares.
"""

import functools

import numpy as np
import pytest
import torch
from PIL import Image

from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.datasets.paintings import CONTENTS, STYLES, content_picture, style_picture
from deeplearning.datasets.paintings.examples import PAINTED, examples
from deeplearning.style_transfer import features_from_img, gram_matrix

DRAW = {**dict.fromkeys(STYLES, style_picture), **dict.fromkeys(CONTENTS, content_picture)}
pictures = pytest.mark.parametrize("name", DRAW)
drawing = pytest.mark.parametrize("draw", [style_picture, content_picture])


@functools.cache
def drawn(name, size, seed=0):
    """A picture, drawn once for all tests: strokes take most of a second."""
    return DRAW[name](name, size, seed)


def pixels(name, size=64, seed=0):
    return np.asarray(drawn(name, size, seed), np.float64)


@pictures
def test_seeds_decide(name):
    """Equal seeds give the same picture whatever NumPy's global generator holds; another seed gives
    another picture.
    """
    first = pixels(name)
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    assert np.array_equal(first, DRAW[name](name, 64, 0))
    assert np.array_equal(before, np.random.get_state()[1])
    assert np.abs(first - pixels(name, seed=1)).mean() > 1


@pictures
@pytest.mark.parametrize("size", [32, np.int64(33), 101])
def test_sizes(name, size):
    """Pictures are RGB and of the requested size; harbour is a third wider than high."""
    picture = DRAW[name](name, size)
    wide, high = picture.size
    assert picture.mode == "RGB" and high == size
    assert abs(wide - (size * 4 / 3 if name == "harbour" else size)) < 1


@pictures
def test_the_pattern_scales(name):
    """A large picture, shrunk, is the small one up to its edges: means of eight by eight patches
    nearly agree, and so does what varies within them, which tells the width of strokes.
    """
    small, large = (
        np.asarray(drawn(name, size).resize((64, 64), Image.Resampling.BOX), np.float64)
        for size in (64, 320)
    )
    small, large = (picture.reshape(8, 8, 8, 8, 3) for picture in (small, large))
    means = small.mean((1, 3))
    assert np.abs(means - large.mean((1, 3))).mean() < 4 < np.abs(means - means[::-1]).mean()
    within = [np.median(picture.std((1, 3))) for picture in (small, large)]
    np.testing.assert_allclose(*within, rtol=0.05)


@pictures
def test_pictures_are_not_flat(name):
    """Brightness varies, and it varies within most patches of a sixth of the side, more in styles
    than in contents.
    """
    grey = pixels(name, 192).mean(2)
    patches = grey[:, :192].reshape(6, 32, 6, 32).std((1, 3))
    assert grey.std() > 25 and np.median(patches) > (20 if name in STYLES else 4)


def test_styles_differ_in_their_gram_matrices():
    """In each layer that style transfer compares, a style is nearer to itself under another seed
    than to the others.
    """
    cnn = load_squeezenet("toytown").features
    grams = {}
    for name in STYLES:
        for seed in (0, 1):
            feats, _ = features_from_img(drawn(name, 192, seed), 192, cnn)
            grams[name, seed] = [gram_matrix(feats[layer]) for layer in (1, 4, 6, 7)]
    for name in STYLES:
        own = distances(grams[name, 0], grams[name, 1])
        for other in set(STYLES) - {name}:
            assert (2 * own < distances(grams[name, 0], grams[other, 1])).all(), (name, other)


def distances(first, second):
    return torch.stack([(a - b).norm() for a, b in zip(first, second, strict=True)])


@drawing
@pytest.mark.parametrize("name", ["", "Strokes", "photo", None])
def test_unknown_names_are_refused(draw, name):
    """The error names the choices, and what was given."""
    names = STYLES if draw is style_picture else CONTENTS
    with pytest.raises(ValueError, match=f"expected one of {', '.join(names)}, got {name!r}"):
        draw(name)


@drawing
@pytest.mark.parametrize("size", [31, 1025, 0, -64, 64.0, "64", None, True])
def test_sizes_out_of_range_are_refused(draw, size):
    """The error names the range and what was given."""
    name = (STYLES if draw is style_picture else CONTENTS)[0]
    with pytest.raises(
        ValueError, match=f"expected a size of 32 to 1024 whole pixels, got {size!r}"
    ):
        draw(name, size)


def test_examples(monkeypatch, tmp_path):
    """Without downloads the pairs are of drawn pictures; with ImageNet's network and the course's
    paintings they are of these. Every pair names a content and a style that are there.
    """
    module = "deeplearning.datasets.paintings.examples"
    monkeypatch.setattr(f"{module}.data_folder", lambda: tmp_path)
    for draw in ("style_picture", "content_picture"):
        monkeypatch.setattr(f"{module}.{draw}", drawn)
    contents, styles, pairs = examples("imagenet", size=64)
    assert set(contents) == set(CONTENTS) and set(styles) == set(STYLES)
    assert all(c in contents and s in styles for c, s in pairs) and len(pairs) == 4
    (tmp_path / "styles").mkdir()
    for name in ("tubingen", *PAINTED):
        Image.new("RGB", (9, 8)).save(tmp_path / "styles" / f"{name}.jpg")
    assert set(examples("toytown", size=64)[0]) == set(CONTENTS)
    contents, styles, pairs = examples("imagenet")
    assert all(c in contents and s in styles for c, s in pairs)
    assert set(styles) == set(PAINTED)
