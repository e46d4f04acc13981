"""Figures that notebooks share, and their alternative texts."""

from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from deeplearning import figures
from deeplearning.datasets.toytown.truth import Statement


@pytest.fixture(autouse=True)
def no_window():
    """Figures are drawn without a screen, and none is left open."""
    matplotlib.use("agg")
    yield
    plt.close("all")


@pytest.fixture
def picture(tmp_path):
    """URL of a small picture."""
    path = tmp_path / "small.png"
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).save(path)
    return path.as_uri()


@pytest.fixture
def shown(monkeypatch):
    """List of outputs shown in a notebook: pairs of data and metadata, by kind."""
    published = []
    data = {"image/jpeg": b"...", "text/plain": "<Figure>"}
    formatter = SimpleNamespace(format=lambda figure: (dict(data), {"image/jpeg": {"width": 8}}))
    shell = SimpleNamespace(display_formatter=formatter)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(
        "IPython.display.publish_display_data", lambda data, metadata: published.append(metadata)
    )
    return published


def test_show_gives_a_figure_its_text(shown):
    """The text is added to the picture's metadata, not to that of other kinds; the figure is
    closed.
    """
    plt.figure()
    figures.show("A line that rises.")
    assert shown == [{"image/jpeg": {"width": 8, "alt": "A line that rises."}}]
    assert plt.get_fignums() == []


def test_captions_are_part_of_the_text(shown, picture):
    """Captions below pictures are in the text too, since they are drawn into the picture."""
    figures.captioned_pictures([picture, picture], ["a red\nbus", "a cow"])
    figures.show("Two pictures.")
    assert shown[0]["image/jpeg"]["alt"] == "Two pictures. Picture 1: a red bus. Picture 2: a cow."


def test_what_is_false_can_be_heard(shown, picture):
    """A false word is marked by more than its colour: in the text it is between asterisks."""
    false = Statement("colour", "main", (1, 2), False)
    true = Statement("thing", "main", (2, 3), True)
    figures.pictures_with_truth([picture], ["a red bus"], [[false, true]])
    figures.show("One picture.")
    assert shown[0]["image/jpeg"]["alt"] == "One picture. Picture 1: a *red* bus."


def test_no_picture_is_refused():
    """Without any picture there is one clear error."""
    with pytest.raises(ValueError, match="no picture to show"):
        figures.captioned_pictures([], [])


def test_the_house_style_sets_the_colours():
    """Lines use the colours that everyone can tell apart, in their order."""
    with plt.rc_context():
        figures.use_house_style()
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == figures.COLOURS


def test_rows_of_pictures(monkeypatch):
    """Each picture stands in its row and column, titles above the first row, labels at the left."""
    drawn = []
    monkeypatch.setattr(figures, "show", lambda alt: drawn.append((plt.gcf(), alt)))
    rows = [[np.full((4, 5, 3), 0.1 * (3 * k + j)) for j in range(3)] for k in range(2)]
    figures.show_rows(rows, ["a", "b", "c"], "Six greys.", labels=["first", "second"])
    ((figure, alt),) = drawn
    shown = [ax.images[0].get_array()[0, 0, 0] for ax in figure.axes]
    np.testing.assert_allclose(shown, 0.1 * np.arange(6))
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c", "", "", ""]
    texts = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert texts == [["first"], [], [], ["second"], [], []]
    assert alt == "Six greys."


@pytest.mark.parametrize("steps", [1, 5, 20, 30])
def test_loss_curves_of_short_runs(steps):
    """Even a run of a single step has its curves; the mean is then over fewer than 25 steps."""
    losses = [3.0] * steps
    solver = SimpleNamespace(loss_history=losses, steps_per_epoch=steps, val_loss_history=[2.0])
    figures.loss_curves(solver, "losses", "training", "validation")
    _, mean, _ = plt.gca().lines
    assert len(mean.get_xydata()) == max(1, steps - 24)
    np.testing.assert_allclose(mean.get_ydata(), 3.0)


def test_loss_curves():
    """All losses over the epochs, their means of 25 steps, drawn at the middle of these, and the
    validation losses at the ends of epochs.
    """
    losses = [10.0 - 0.1 * k for k in range(80)]
    solver = SimpleNamespace(loss_history=losses, steps_per_epoch=40, val_loss_history=[6.0, 3.0])
    figures.loss_curves(solver, "losses", "training", "validation")
    single, mean, validation = plt.gca().lines
    np.testing.assert_allclose(single.get_xydata(), np.c_[np.arange(1, 81) / 40, losses])
    np.testing.assert_allclose(mean.get_xydata(), np.c_[np.arange(13, 69) / 40, losses[12:68]])
    np.testing.assert_array_equal(validation.get_xydata(), [[1, 6], [2, 3]])
