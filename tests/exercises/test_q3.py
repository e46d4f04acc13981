"""Question 3: image gradients, on a small fixed network. Stored answers decide."""

import pytest

pytestmark = pytest.mark.q3


def test_compute_saliency_maps(check):
    """The largest absolute gradient over the colours, of the right class's score."""
    check("compute_saliency_maps")


def test_make_fooling_image(check):
    """Steps of length 1 up the target's score until the network takes the picture for it; the
    picture itself stays.
    """
    check("make_fooling_image")


def test_class_visualization_update_step(check):
    """One step of length learning_rate up score - l2_reg * sum(img**2)."""
    check("class_visualization_update_step")
