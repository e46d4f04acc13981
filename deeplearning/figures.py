"""Figures that several notebooks and commands share. Matplotlib is imported only when one is drawn,
because importing it takes a while.
"""

import base64
import html
import textwrap

from deeplearning.image_fetching import image_from_url

# The eight colours that colour-blind readers can tell apart (Okabe and Ito, "Color universal
# design", 2008), without yellow, which is too faint for a line on white
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]


def use_house_style():
    """Set Matplotlib up for the notebooks: quiet axes, and colours that everyone can tell apart.

    `MARKERS` has one marker for each colour, for figures whose lines come close to each other.
    """
    import matplotlib.pyplot as plt

    plt.rcParams.update({"figure.dpi": 100, "axes.grid": True, "grid.alpha": 0.25})
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLOURS)


def show(alt):
    """Show the current figure, as `plt.show()` does, with a text for readers who can't see it.

    The text goes into the notebook's file, and from there into the `alt` of the page's picture. Say
    what a reader should take from the figure, in a sentence or two; captions below pictures are
    appended automatically.

    Inputs:
    - alt: The text
    """
    import matplotlib.pyplot as plt
    from IPython import get_ipython
    from IPython.display import publish_display_data

    figure = plt.gcf()
    if get_ipython() is None:
        plt.show()
    else:
        text = " ".join(filter(None, [alt, figure.get_label()]))
        data, metadata = get_ipython().display_formatter.format(figure)
        kinds = [kind for kind in data if kind.startswith("image/")]
        metadata |= {kind: metadata.get(kind, {}) | {"alt": text} for kind in kinds}
        publish_display_data(data, metadata)
    plt.close(figure)


def captioned_pictures(urls, captions, columns=3, width=38):
    """Pictures in a grid, each with its text below.

    Inputs:
    - urls: URLs of the pictures
    - captions: Their texts; lines longer than `width` characters are wrapped
    - columns: Pictures in a row

    Returns: matplotlib Figure

    Raises ValueError if there are no pictures.
    """
    lines = [
        [part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""]]
        for text in captions
    ]
    fig, axes = _grid(urls, columns, max(map(len, lines), default=0))
    fig.set_label(_spoken(captions))
    for ax, text in zip(axes, lines, strict=False):
        ax.text(
            0.5, -0.04, "\n".join(text), transform=ax.transAxes, ha="center", va="top", fontsize=9.5
        )
    return fig


def captions_beside_truth(model, data, split, few=3, **how):
    """A few random pictures, each with the model's caption, one from the data set, and the BLEU-1
    of the first against the second.

    Inputs:
    - model: A `CaptioningRNN`
    - data: From `load_coco_data`
    - split: "train" or "val"
    - few: How many; NumPy's global generator chooses which
    - how: Keyword arguments of `CaptioningRNN.sample`

    Returns: matplotlib Figure
    """
    import numpy as np

    from deeplearning.caption_scores import rows_with_pictures, write_captions
    from deeplearning.coco_utils import decode_sentences
    from deeplearning.metrics import bleu_1

    pictured = np.isin(data[f"{split}_image_idxs"], rows_with_pictures(data, split))
    chosen = np.random.choice(np.flatnonzero(pictured), few, replace=False)
    rows = data[f"{split}_image_idxs"][chosen]
    truths = decode_sentences(data[f"{split}_captions"][chosen, 1:], data["idx_to_word"])
    texts = []
    for caption, truth in zip(write_captions(model, data, rows, split, **how), truths, strict=True):
        texts.append(f"{caption}\n\nGT: {truth}\nBLEU-1 {bleu_1(truth, caption):.2f}")
    return captioned_pictures(data[f"{split}_urls"][rows], texts)


# blue, orange (in bold) and grey; not red and green, which many people can't tell apart
TRUTH = {True: "#0072B2", False: "#C44E00", None: "#6e7781"}


def pictures_with_truth(urls, captions, statements, columns=3, width=34):
    """Pictures in a grid, each with its caption: true words in blue, false ones in bold orange, the
    rest in grey.

    Inputs:
    - urls: URLs of the pictures
    - captions: Their captions, strings of words
    - statements: The result of `toytown.truth.check_caption` for each caption
    - columns: Pictures in a row
    - width: Characters in a line

    Returns: matplotlib Figure

    Raises ValueError if there are no pictures.
    """
    from matplotlib.offsetbox import AnnotationBbox, HPacker, VPacker

    texts = [
        _lines(_verdicts(caption, about), width)
        for caption, about in zip(captions, statements, strict=True)
    ]
    fig, axes = _grid(urls, columns, max(map(len, texts), default=0))
    fig.set_label(_spoken(map(_marked, captions, statements)))
    for ax, lines in zip(axes, texts, strict=False):
        rows = [
            HPacker(children=[_word(*word) for word in line], sep=4, pad=0, align="baseline")
            for line in lines
        ]
        block = VPacker(children=rows, sep=3, pad=0, align="center")
        ax.add_artist(
            AnnotationBbox(
                block, (0.5, -0.04), xycoords="axes fraction", box_alignment=(0.5, 1), frameon=False
            )
        )
    return fig


def show_rows(rows, titles, alt, size=2.1, labels=()):
    """Show rows of pictures, with titles above the first row.

    Inputs:
    - rows: Lists of equally many pictures: PIL images, or arrays of shape (H, W, 3)
    - titles: A text for each column
    - alt: As for `show`
    - size: Width of a picture, in inches
    - labels: A text to the left of each row; none by default
    """
    import matplotlib.pyplot as plt

    columns = len(rows[0])
    figsize = (size * columns, size * len(rows) + 0.3)
    fig, axes = plt.subplots(len(rows), columns, figsize=figsize, squeeze=False)
    for line, pictures in zip(axes, rows, strict=True):
        for ax, picture in zip(line, pictures, strict=True):
            ax.imshow(picture)
            ax.axis("off")
    for ax, text in zip(axes[0], titles, strict=True):
        ax.set_title(text, fontsize=9)
    for ax, text in zip(axes[:, 0], labels, strict=False):
        how = {"ha": "right", "va": "center", "rotation": 90, "fontsize": 9}
        ax.text(-0.04, 0.5, text, transform=ax.transAxes, **how)
    fig.tight_layout(pad=0.4)
    show(alt)


def loss_curves(solver, title, training, validation):
    """Draw the losses of a training run over its epochs.

    Inputs:
    - solver: A `CaptioningSolver` that has trained for at least one epoch
    - title: Text above the curves
    - training, validation: Names of the two curves; the first is a running mean of 25 steps (fewer
      in a very short run), drawn over the pale curve of the single steps' losses
    """
    import matplotlib.pyplot as plt
    import numpy as np

    losses = solver.loss_history
    epochs = np.arange(1, len(losses) + 1) / solver.steps_per_epoch
    window = min(25, len(losses))
    smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
    middles = epochs[window // 2 :][: len(smooth)]
    ends = range(1, len(solver.val_loss_history) + 1)
    plt.figure(figsize=(6.5, 3.2))
    plt.plot(epochs, losses, color="C0", alpha=0.2)
    plt.plot(middles, smooth, color="C0", label=training)
    plt.plot(ends, solver.val_loss_history, "s-", color="C1", label=validation)
    plt.ylim(0, 1.1 * max(losses[10:] or losses))
    plt.xticks(range(ends[-1] + 1))
    plt.xlabel("epoch")
    plt.ylabel("loss of a caption")
    plt.title(title)
    plt.legend()


def heat_over_grey(image, heat, ceiling):
    """An attribution map, in glowing colours over the picture in grey.

    Inputs:
    - image: PIL image
    - heat: Map, not negative, of shape (H, W)
    - ceiling: Value with the brightest glow, such as the 99th percentile of a row's maps; larger
      values are clipped to it

    Returns: float array of shape (H, W, 3), from 0 to 1
    """
    import matplotlib
    import numpy as np

    H, W = heat.shape
    grey = np.asarray(image.convert("L").resize((W, H)))[..., None] / 255  # (H, W, 1)
    share = np.clip(heat / max(ceiling, 1e-30), 0, 1)
    glow = matplotlib.colormaps["inferno"](0.25 + 0.75 * share)[..., :3]
    # values near zero are transparent
    opaque = np.clip((share[..., None] - 0.06) / 0.94, 0, 1) ** 0.6
    return (1 - opaque) * (0.25 + 0.6 * grey) + opaque * glow


def animation(images, seconds=4.0):
    """Pictures in sequence, as an endlessly looping GIF; the last one stays a second longer.

    Inputs:
    - images: PIL images of one size
    - seconds: Duration of all of them together

    Returns: bytes, to be shown by `moving` or written to a file
    """
    import imageio.v3
    import numpy as np

    frames = np.stack([np.asarray(image) for image in images])  # (n, H, W, 3)
    each = 1000 * seconds / len(frames)  # milliseconds
    durations = [each] * (len(frames) - 1) + [each + 1000]
    how = {"duration": durations if len(frames) > 1 else durations[0], "loop": 0}
    return imageio.v3.imwrite("<bytes>", frames, extension=".gif", **how)


def moving(film, alt, width):
    """HTML that shows a GIF in a notebook, and on the page made from it.

    Inputs:
    - film: Bytes, from `animation`
    - alt: What it shows, in words
    - width: In pixels

    Returns: text for `IPython.display.HTML`
    """
    data = base64.b64encode(film).decode()
    source = f"data:image/gif;base64,{data}"
    return f'<img src="{source}" width="{width}" alt="{html.escape(alt)}">'


def show_picture(image, title):
    """Show one picture, below any earlier output.

    Inputs:
    - image: PIL image
    - title: Text above it
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(3, 3), layout="constrained")
    ax.imshow(image)
    ax.set_title(title, fontsize=9)
    ax.axis("off")
    plt.show()
    plt.close(fig)


def _spoken(captions):
    """Captions as the alternative text of their figure."""
    return " ".join(f"Picture {k}: {' '.join(c.split())}." for k, c in enumerate(captions, 1))


def _marked(caption, statements):
    """A caption with its false words between stars, since screen readers can't read out colours."""
    pairs = _verdicts(caption, statements)
    return " ".join(f"*{word}*" if verdict is False else word for word, verdict in pairs)


def _verdicts(caption, statements):
    """Pairs of a word and its verdict; a word that two statements share is false if either is."""
    words = caption.split()
    verdicts = [None] * len(words)
    for statement in sorted(statements, key=lambda s: (s.true is False, s.true is True)):
        if statement.true is not None:
            for k in range(*statement.words):
                verdicts[k] = statement.true
    return list(zip(words, verdicts, strict=True))


def _lines(words, width):
    """Break a list of pairs that begin with a word into lines of at most `width` characters."""
    lines, used = [[]], 0
    for pair in words:
        if used + len(pair[0]) > width and lines[-1]:
            lines, used = [*lines, []], 0
        lines[-1].append(pair)
        used += len(pair[0]) + 1
    return lines


def _word(word, verdict):
    from matplotlib.offsetbox import TextArea

    weight = "bold" if verdict is False else "normal"
    return TextArea(
        word, textprops={"color": TRUTH[verdict], "fontsize": 9.5, "fontweight": weight}
    )


def _grid(urls, columns, lines):
    """A figure with a picture in each axes, and room below each for this many lines of text."""
    import matplotlib.pyplot as plt

    if len(urls) == 0:
        raise ValueError("no picture to show: the data set names no URL or file of any image")
    rows = -(-len(urls) // columns)
    height = 2.7 + 0.19 * lines  # inches: the picture, and its lines
    fig, axes = plt.subplots(
        rows, columns, figsize=(3.4 * columns, height * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, url in zip(axes.flat, urls, strict=False):
        ax.imshow(image_from_url(url))
        ax.set_anchor("N")
    return fig, axes.flat
