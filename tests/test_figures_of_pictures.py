"""Glowing maps and animations, checked by their pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from deeplearning.figures import animation, heat_over_grey, moving


def test_heat_over_grey():
    """Where the map is zero the picture is grey and dim; values at the ceiling or above glow the
    same, and brighter than everything else.
    """
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 6, 3), np.uint8))
    heat = np.zeros((8, 6))
    heat[1, 1], heat[2, 2], heat[3, 3] = 0.5, 1.0, 7.0
    shown = heat_over_grey(image, heat, 1.0)
    assert shown.shape == (8, 6, 3) and 0 <= shown.min() and shown.max() <= 1
    grey = np.asarray(image.convert("L"))[heat == 0] / 255
    np.testing.assert_allclose(shown[heat == 0], np.repeat(0.25 + 0.6 * grey[:, None], 3, 1))
    assert np.array_equal(shown[2, 2], shown[3, 3])
    assert shown[2, 2].sum() > max(shown[1, 1].sum(), shown[heat == 0].sum(1).max())


def test_heat_without_any():
    """A map of zeros, whose ceiling is zero too, shows the grey picture and no warning."""
    image = Image.new("RGB", (5, 4), (90, 90, 90))
    shown = heat_over_grey(image, np.zeros((4, 5)), 0.0)
    np.testing.assert_allclose(shown, 0.25 + 0.6 * 90 / 255, atol=1e-3)


@pytest.mark.parametrize("count", [1, 5])
def test_animation(count):
    """A GIF of all pictures in their order and size, which takes the requested time, with a second
    more for the last picture.
    """
    images = [Image.new("RGB", (8, 6), (50 * k, 0, 0)) for k in range(count)]
    film = Image.open(io.BytesIO(animation(images, seconds=2)))
    assert film.format == "GIF" and film.size == (8, 6) and getattr(film, "n_frames", 1) == count
    reds, times = [], []
    for k in range(count):
        film.seek(k)
        reds.append(film.convert("RGB").getpixel((3, 3))[0])
        times.append(film.info.get("duration", 0))
    assert reds == [50 * k for k in range(count)]
    if count > 1:
        assert times == [400, 400, 400, 400, 1400]


def test_a_film_on_a_page():
    """The film is embedded in the page, with an alternative text."""
    text = moving(b"GIF89a", 'boat & "strokes"', width=224)
    assert base64.b64encode(b"GIF89a").decode() in text and "http" not in text
    assert 'width="224" alt="boat &amp; &quot;strokes&quot;"' in text
