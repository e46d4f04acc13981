"""Captions of many images at once."""

import numpy as np
import pytest

from deeplearning.caption_scores import write_captions


class Namer:
    """A model that writes the number of an image in words of one digit."""

    def __init__(self):
        self.sizes = []

    def sample(self, features):
        self.sizes.append(len(features))
        digits = features // np.array([1000, 100, 10, 1]) % 10
        return np.column_stack((digits + 3, np.full(len(features), 2)))


WORDS = ["<NULL>", "<START>", "<END>", *"0123456789"]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1234])
def test_every_image_gets_its_caption(count):
    """Each of any number of images gets the caption of its own row, in the given order; the model
    never sees more than 500 at a time.
    """
    rows = np.random.default_rng(0).permutation(2000)[:count]
    data = {"val_features": np.arange(2000)[:, None], "idx_to_word": WORDS}
    model = Namer()
    captions = write_captions(model, data, rows)
    assert captions == [" ".join(f"{row:04d}") for row in rows]
    assert max(model.sizes, default=0) <= 500
