"""Drawn textures: classes that stay apart, colours that say nothing."""

import numpy as np
import pytest
import torch

from deeplearning.datasets.paintings.textures import FAMILIES, class_parameters, coloured, texture


@pytest.mark.parametrize("number", range(2 * len(FAMILIES)))
def test_textures(number):
    """A texture is two maps that vary; a seed gives one picture, another seed another one."""
    first, again, other = (texture(number, 64, np.random.default_rng(k)) for k in (0, 0, 1))
    assert first.shape == (2, 64, 64) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first[0].std() > 5


def test_classes_differ():
    """A family's classes have angles, sizes and shapes that lie apart, over the whole range."""
    parameters = [class_parameters(number) for number in range(12 * len(FAMILIES))]
    for family in FAMILIES:
        rows = np.array([p[1:] for p in parameters if p[0] is family]) / [np.pi, 1, 1]
        assert rows.shape == (12, 3) and (rows.min(0) < 0.3).all() and (rows.max(0) > 0.7).all()
        apart = np.linalg.norm(rows[:, None] - rows, axis=2) + np.eye(12)
        assert apart.min() > 0.1


def test_colours():
    """Each picture gets colours of its own, from 0 to 1: one texture twice is never the same, and
    equal tones in equal light get equal colours.
    """
    maps = torch.from_numpy(texture(3, 32, np.random.default_rng(0)))[None].repeat(2, 1, 1, 1)
    pictures = coloured(maps, torch.Generator().manual_seed(0))
    assert pictures.shape == (2, 3, 32, 32) and 0 <= pictures.min() and pictures.max() <= 1
    assert (pictures[0] - pictures[1]).abs().mean() > 0.05
    flat = maps[0].flatten(1).T
    _, group = flat.unique(dim=0, return_inverse=True)
    colours = pictures[0].flatten(1).T  # (pixels, 3)
    for number in group.unique()[:20]:
        assert (colours[group == number] - colours[group == number][0]).abs().max() < 1e-6
