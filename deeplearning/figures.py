"""Figures that several notebooks and commands share."""

import textwrap

import matplotlib.pyplot as plt

from deeplearning.image_utils import image_from_url


def captioned_pictures(urls, captions, columns=3, width=38):
    """Pictures in a grid, each with its text below.

    Inputs:
    - urls: URLs of the pictures
    - captions: Their texts; lines longer than `width` letters are wrapped
    - columns: Pictures in a row

    Returns: matplotlib Figure

    Raises ValueError where there is no picture at all.
    """
    if len(urls) == 0:
        raise ValueError("no picture to show: the data set names no URL or file of any image")
    lines = [[part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""]] for text in captions]
    rows = -(-len(urls) // columns)
    height = 2.7 + 0.19 * max(len(text) for text in lines)  # inches: the picture, and its lines
    fig, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, height * rows), squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, url, text in zip(axes.flat, urls, lines, strict=False):
        ax.imshow(image_from_url(url))
        ax.set_anchor("N")
        ax.text(0.5, -0.04, "\n".join(text), transform=ax.transAxes, ha="center", va="top", fontsize=9.5)
    return fig
