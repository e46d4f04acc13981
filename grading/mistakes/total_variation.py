"""Wrong total variations."""

from grading.mistakes import mistake


@mistake("tv_loss", "the differences are taken as absolute values: square them")
def absolute_differences(img, tv_weight):
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    return tv_weight * (down.abs().sum() + right.abs().sum())


@mistake("tv_loss", "the squared differences are averaged, not summed")
def tv_averaged(img, tv_weight):
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    return tv_weight * (down.square().sum() + right.square().sum()) / img.numel()


@mistake(
    "tv_loss",
    "only neighbours below each other are compared: compare those side by side as well",
)
def rows_only(img, tv_weight):
    return tv_weight * (img[:, :, 1:] - img[:, :, :-1]).square().sum()


@mistake(
    "tv_loss",
    "the picture's edges are joined, as torch.roll does: the first row is no neighbour of the last",
)
def edges_joined(img, tv_weight):
    return tv_weight * (
        (img - img.roll(1, 2)).square().sum() + (img - img.roll(1, 3)).square().sum()
    )


@mistake(
    "tv_loss",
    "the first row or column of differences is left out: both slices must keep the whole other "
    "axis",
)
def first_differences_left_out(img, tv_weight):
    down = img[:, :, 1:, 1:] - img[:, :, :-1, 1:]
    right = img[:, :, 1:, 1:] - img[:, :, 1:, :-1]
    return tv_weight * (down.square().sum() + right.square().sum())


@mistake(
    "tv_loss",
    "the last row or column of differences is left out: both slices must keep the whole other axis",
)
def last_differences_left_out(img, tv_weight):
    down = img[:, :, 1:, :-1] - img[:, :, :-1, :-1]
    right = img[:, :, :-1, 1:] - img[:, :, :-1, :-1]
    return tv_weight * (down.square().sum() + right.square().sum())


@mistake("tv_loss", "a square root is taken: the weight multiplies the plain sum of squares")
def root_taken(img, tv_weight):
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    return tv_weight * (down.square().sum() + right.square().sum()).sqrt()


@mistake("tv_loss", "colours are compared with each other: neighbours are on the last two axes")
def along_colours(img, tv_weight):
    colours = img[:, 1:] - img[:, :-1]
    down = img[:, :, 1:] - img[:, :, :-1]
    return tv_weight * (colours.square().sum() + down.square().sum())


@mistake("tv_loss", "the weight is squared, too: it multiplies the sum of squares")
def tv_weight_squared(img, tv_weight):
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    return (tv_weight * down).square().sum() + (tv_weight * right).square().sum()


@mistake(
    "tv_loss",
    "colours are compared with each other, too: neighbours are on the last two axes only",
)
def along_colours_too(img, tv_weight):
    colours = img[:, 1:] - img[:, :-1]
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    return tv_weight * (colours.square().sum() + down.square().sum() + right.square().sum())


@mistake(
    "tv_loss",
    "colours are compared with each other, not rows: rows are on axis 2, columns on axis 3",
)
def colours_for_rows(img, tv_weight):
    colours = img[:, 1:] - img[:, :-1]
    right = img[:, :, :, 1:] - img[:, :, :, :-1]
    return tv_weight * (colours.square().sum() + right.square().sum())


@mistake(
    "tv_loss",
    "only colours are compared, and with each other: neighbours are on the last two axes",
)
def colours_alone(img, tv_weight):
    return tv_weight * (img[:, 1:] - img[:, :-1]).square().sum()


@mistake("tv_loss", "mean() is taken where sum() is asked for, in both directions")
def tv_of_means(img, tv_weight):
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    # a picture of one row or column has no differences there
    means = [d.square().mean() for d in (down, right) if d.numel()]
    return tv_weight * (sum(means) + 0 * img.sum())


@mistake(
    "tv_loss",
    "diagonal neighbours are compared: compare each pixel with the one below and the one beside it",
)
def diagonal_neighbours(img, tv_weight):
    return tv_weight * (img[:, :, 1:, 1:] - img[:, :, :-1, :-1]).square().sum()


@mistake(
    "tv_loss",
    "diagonal neighbours are compared, too: only those below and beside each other count",
)
def diagonal_neighbours_too(img, tv_weight):
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    diagonal = img[:, :, 1:, 1:] - img[:, :, :-1, :-1]
    return tv_weight * (down.square().sum() + right.square().sum() + diagonal.square().sum())


@mistake(
    "tv_loss",
    "only neighbours side by side are compared: compare those below each other as well",
)
def columns_only(img, tv_weight):
    return tv_weight * (img[..., 1:] - img[..., :-1]).square().sum()


@mistake("tv_loss", "the rows are compared twice, the columns never: columns are on axis 3")
def rows_twice(img, tv_weight):
    return 2 * tv_weight * (img[:, :, 1:] - img[:, :, :-1]).square().sum()


@mistake(
    "tv_loss",
    "the loss is cut off from the picture, by detach, item or no_grad: it has no gradient",
)
def tv_detached(img, tv_weight):
    img = img.detach()
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    return tv_weight * (down.square().sum() + right.square().sum())
