"""Question 4: the losses of style transfer, and their gradients. Stored answers decide."""

import pytest

pytestmark = pytest.mark.q4


def test_content_loss(check):
    """The weighted sum of squared differences of two feature maps."""
    check("content_loss")


def test_gram_matrix(check):
    """How channels go together, divided by C * H * W or not."""
    check("gram_matrix")


def test_style_loss(check):
    """The weighted sum over layers of squared differences of Gram matrices."""
    check("style_loss")


def test_tv_loss(check):
    """The weighted sum of squared differences of all neighbours."""
    check("tv_loss")
