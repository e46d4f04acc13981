"""Style transfer: its losses against loops, finite differences and published values; its pictures
by their properties.
"""

import math
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from deeplearning import style_transfer as st
from deeplearning.classifiers.squeezenet import extract_features, load_squeezenet
from deeplearning.image_utils import black_and_white, deprocess, preprocess
from tests.networks import condition

shapes = pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (1, 3, 1, 5), (1, 3, 4, 1), (1, 2, 5, 3), (2, 3, 4, 6)]
)
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
optimizers = pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])


def numbers(*shape, seed=0, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=dtype)


def network():
    """A few layers with rectifiers in place, some in training, and some parameters that need a
    gradient.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        cnn = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Conv2d(8, 8, 3, padding=1),
            nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, padding=1),
        )  # fmt: skip
    cnn[0].requires_grad_(False)
    cnn[3].eval()
    return cnn


def picture(W=30, H=20, seed=0, low=90, high=170):
    """Soft patches of muted colours."""
    pixels = np.random.default_rng(seed).integers(low, high, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((W, H), Image.Resampling.BICUBIC)


CONTENT, STYLE = picture(), picture(40, 30, seed=1, low=0, high=255)


def transfer(content=CONTENT, style=STYLE, **options):
    """A very short style transfer."""
    how = {
        "image_size": 16, "style_size": 18, "content_layer": 3, "content_weight": 0.1, "style_layers": [1, 5],
        "style_weights": [3e4, 1e4], "tv_weight": 1e-3, "cnn": network(), "num_iterations": 20, "callback": None,
    }  # fmt: skip
    return st.style_transfer(content, style, **how | options)


def texture(style=STYLE, **options):
    """A very short texture synthesis."""
    how = {
        "image_size": 16, "style_size": 18, "style_layers": [1, 5], "style_weights": [3e4, 1e4], "tv_weight": 1e-3,
        "cnn": network(), "num_iterations": 20, "callback": None,
    }  # fmt: skip
    return st.synthesize_texture(style, **how | options)


both = pytest.mark.parametrize("paint", [transfer, texture])


def gram_by_loops(F, normalize):
    N, C, H, W = F.shape
    G = np.zeros((N, C, C))
    for n, i, j, h, w in np.ndindex(N, C, C, H, W):
        G[n, i, j] += F[n, i, h, w] * F[n, j, h, w]
    return G / (C * H * W) if normalize else G


@shapes
@dtypes
def test_content_loss(shape, dtype):
    """The content loss is the weight times the sum of all squared differences, and 0 for equal
    maps.
    """
    F, P = numbers(*shape, dtype=dtype), numbers(*shape, seed=1, dtype=dtype)
    loss = st.content_loss(0.3, F, P)
    assert loss.shape == () and loss.dtype == dtype
    expected = 0.3 * sum((F[index] - P[index]).item() ** 2 for index in np.ndindex(shape))
    assert loss.item() == pytest.approx(expected, rel=1e-5) and st.content_loss(0.3, F, F) == 0


@shapes
@dtypes
@pytest.mark.parametrize("normalize", [None, True, False])
def test_gram_matrix(shape, dtype, normalize):
    """Entry i, j sums the products of channels i and j over all places, by default divided by C * H
    * W.
    """
    F = numbers(*shape, dtype=dtype)
    G = st.gram_matrix(F) if normalize is None else st.gram_matrix(F, normalize)
    assert G.dtype == dtype
    np.testing.assert_allclose(
        G, gram_by_loops(F.double().numpy(), normalize is not False), atol=2e-5, rtol=1e-5
    )
    torch.testing.assert_close(
        st.gram_matrix(F.to(memory_format=torch.channels_last)), st.gram_matrix(F)
    )


@dtypes
@pytest.mark.parametrize(
    "layers, weights", [([0], [2.0]), ([3, 1], [0.5, 100]), ([1, 1, 2], [1, 2, 0]), ([], [])]
)
def test_style_loss(dtype, layers, weights):
    """Each layer's squared differences of Gram matrices, times its weight, add up; layers come in
    any order.
    """
    feats = [
        numbers(1, C, H, W, seed=C, dtype=dtype)
        for C, H, W in ((3, 4, 5), (2, 1, 7), (5, 2, 2), (1, 3, 1))
    ]
    targets = [
        numbers(1, feats[layer].shape[1], feats[layer].shape[1], seed=9, dtype=dtype)
        for layer in layers
    ]
    expected = sum(
        weight * ((gram_by_loops(feats[layer].double().numpy(), True) - target.numpy()) ** 2).sum()
        for layer, target, weight in zip(layers, targets, weights, strict=True)
    )
    loss = st.style_loss(feats, layers, targets, weights)
    assert (
        loss.shape == ()
        and loss.dtype == dtype
        and loss.item() == pytest.approx(expected, rel=1e-5)
    )
    assert (
        st.style_loss(feats, layers, [st.gram_matrix(feats[layer]) for layer in layers], weights)
        == 0
    )


@shapes
@dtypes
def test_tv_loss(shape, dtype):
    """Total variation is the weight times the sum of squared differences to the pixels below and to
    the right.
    """
    img, expected = numbers(*shape, dtype=dtype), 0
    N, C, H, W = shape
    for n, c, h, w in np.ndindex(shape):
        if h + 1 < H:
            expected += (img[n, c, h + 1, w] - img[n, c, h, w]).item() ** 2
        if w + 1 < W:
            expected += (img[n, c, h, w + 1] - img[n, c, h, w]).item() ** 2
    loss = st.tv_loss(img, 0.2)
    assert (
        loss.shape == ()
        and loss.dtype == dtype
        and loss.item() == pytest.approx(0.2 * expected, rel=1e-5)
    )


def test_tv_loss_example():
    """A single bright pixel differs from its four neighbours, or from two in a corner; an even
    picture has no loss.
    """
    img = torch.zeros(1, 3, 5, 5)
    assert st.tv_loss(img + 7, 2.0) == 0
    img[0, 1, 2, 2], img[0, 0, 0, 4] = 3, 1
    assert st.tv_loss(img, 2.0) == 2 * (4 * 9 + 2)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 2, 5), (2, 3, 4, 3)])
def test_gradients(shape):
    """All losses have the gradients of finite differences, and leave their arguments as
    they were.
    """
    F, P = numbers(*shape).requires_grad_(), numbers(*shape, seed=1)
    A, copies = st.gram_matrix(P), (F.detach().clone(), P.clone())
    for loss in (
        lambda F: st.content_loss(0.3, F, P),
        lambda F: st.gram_matrix(F, normalize=False),
        lambda F: st.style_loss([P, F, F**2], [1, 2], [A, A], [20.0, 3.0]),
        lambda F: st.tv_loss(F, 0.2),
    ):
        assert torch.autograd.gradcheck(loss, F)
    assert (
        torch.equal(F, copies[0])
        and torch.equal(P, copies[1])
        and F.grad is None
        and not P.requires_grad
    )


def test_losses_that_do_not_fit():
    """Maps of another rank, of other layers, and lists of other lengths are refused and never
    broadcast.
    """
    F = numbers(1, 3, 4, 5)
    for other in (F[0], F[0, 0], F[None]):
        with pytest.raises(ValueError, match=re.escape(f"(N, C, H, W), got {tuple(other.shape)}")):
            st.gram_matrix(other)
    for other in (numbers(1, 3, 4, 1), numbers(3, 4, 5), numbers(1, 1, 1, 1)):
        with pytest.raises(ValueError, match=re.escape(f"(1, 3, 4, 5) and {tuple(other.shape)}")):
            st.content_loss(1.0, F, other)
    with pytest.raises(ValueError, match=r"layer 0 .*\(1, 3, 3\).*\(1, 1, 1\)"):
        st.style_loss([F], [0], [torch.zeros(1, 1, 1)], [1.0])
    for layers, targets, weights in (
        ([0], [], [1]),
        ([0], [st.gram_matrix(F)], []),
        ([], [], [1]),
        ([0], [], []),
    ):
        with pytest.raises(
            ValueError, match=f"{len(layers)} layers, {len(targets)} targets and {len(weights)} w"
        ):
            st.style_loss([F], layers, targets, weights)


@pytest.mark.parametrize("kind", [str, None, "PIL"])
def test_features_from_img(tmp_path, kind):
    """A file, by str or Path, or a PIL image becomes the features of its pixels at that size,
    without a graph.
    """
    cnn, image = network().eval(), picture(31, 20)
    image.save(tmp_path / "picture.png")
    source = image if kind == "PIL" else (kind or type(tmp_path))(tmp_path / "picture.png")
    feats, img = st.features_from_img(source, 16, cnn)
    assert (
        img.shape == (1, 3, 16, 24)
        and torch.equal(img, preprocess(image, 16))
        and not img.requires_grad
    )
    assert len(feats) == len(cnn) and not any(feat.requires_grad for feat in feats)
    for found, expected in zip(feats, extract_features(img, cnn), strict=True):
        assert torch.equal(found, expected)


def watched(paint, **options):
    """The painted picture, and the pictures that the network saw meanwhile."""
    seen, cnn = [], network()
    cnn[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    image = paint(cnn=cnn, **options)
    return image, seen[2 if paint is transfer else 1 :]  # before, it saw content and style


def style_of(img, style=STYLE):
    """How far a picture's style is from another's."""
    cnn = network().eval().requires_grad_(False)
    targets = [st.gram_matrix(feat) for feat in extract_features(preprocess(style, 18), cnn)]
    return st.style_loss(
        extract_features(img, cnn), [1, 5], [targets[1], targets[5]], [3.0, 1.0]
    ).item()


@both
@optimizers
@pytest.mark.parametrize("seed", range(3))
def test_style_comes_closer(paint, optimizer, seed):
    """Either optimiser takes most of the distance to the style, from any noise."""
    start = {} if paint is texture else {"init_random": True, "content_weight": 1e-4}
    generator = torch.Generator().manual_seed(seed)
    _, seen = watched(paint, optimizer=optimizer, num_iterations=50, generator=generator, **start)
    assert style_of(seen[-1]) < 0.1 * style_of(seen[0])


@optimizers
def test_content_is_kept(optimizer):
    """A heavy content weight brings noise closer to the content; without any weight the content has
    no influence.
    """
    options = {"init_random": True, "optimizer": optimizer, "num_iterations": 50}
    _, seen = watched(transfer, content_weight=1e3, content_layer=0, **options)
    first, last = ((img - preprocess(CONTENT, 16)).abs().mean() for img in (seen[0], seen[-1]))
    assert last < 0.5 * first
    assert transfer(content_weight=0, **options) == transfer(
        content=STYLE.resize(CONTENT.size), content_weight=0, **options
    )


def test_no_style_at_all(monkeypatch):
    """Without style layers, a sum that starts from the number 0 also works; weights without layers
    are still refused.
    """
    right = transfer(style_layers=(), style_weights=(), num_iterations=3)
    monkeypatch.setattr(st, "style_loss", lambda *_: 0)
    assert transfer(style_layers=(), style_weights=(), num_iterations=3) == right
    monkeypatch.undo()
    with pytest.raises(ValueError, match="0 layers, 0 targets and 1 weights"):
        transfer(style_layers=(), style_weights=(1.0,))


def test_even_pictures():
    """A heavy weight of total variation makes a picture more even."""
    _, seen = watched(transfer, tv_weight=1e4, num_iterations=50)
    assert st.tv_loss(seen[-1], 1.0) < 0.5 * st.tv_loss(seen[0], 1.0)


def test_start():
    """Painting starts from the content, or from noise of a seed, by default 0's; no step at all
    gives that back.
    """
    image, seen = watched(transfer, num_iterations=1)
    assert torch.equal(seen[0], preprocess(CONTENT, 16)) and transfer(
        num_iterations=0
    ) == deprocess(seen[0], should_rescale=False)
    for paint, options in ((transfer, {"init_random": True}), (texture, {})):
        seeds = [{}, *({"generator": torch.Generator().manual_seed(seed)} for seed in (0, 1))]
        default, zero, one = (
            watched(paint, num_iterations=1, **options, **seed)[1][0] for seed in seeds
        )
        assert torch.equal(default, zero) and not torch.equal(zero, one)


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_adams_steps(rate):
    """Adam's first step moves pixels by the learning rate; those of the last tenth are a fifth as
    long.
    """
    _, seen = watched(transfer, num_iterations=40, content_weight=10, learning_rate=rate)
    moved = [(after - before).abs().max() for before, after in zip(seen, seen[1:], strict=False)]
    assert len(seen) == 40 and moved[0] == pytest.approx(rate, rel=1e-3)
    assert max(moved[36:]) < 3.2 * rate / 5  # Adam's longest step is 0.1 / 0.001**0.5 rates


@both
@optimizers
def test_the_loss_falls_from_the_first_steps_on(paint, optimizer):
    """After five steps the loss is lower than before the first, and later it never comes back up to
    that.
    """
    totals = []

    def note(_, title):
        values = re.findall(r"(?:content|style|tv) (\S+?)(?:,|$)", title)
        totals.append(sum(map(float, values)))

    paint(optimizer=optimizer, num_iterations=30, show_every=1, callback=note)
    assert len(totals) == 30 and max(totals[5:]) < totals[0]


@both
@optimizers
def test_the_picture_is_the_one_that_was_optimised(paint, optimizer):
    """Every picture stays between black and white, and the returned one has the final style loss:
    it is not stretched.
    """
    options = {"optimizer": optimizer, "num_iterations": 40}
    image, seen = watched(paint, **options)
    low, high = black_and_white(seen[0])
    for img in seen if optimizer == "adam" else []:  # a line search may look beyond
        assert (img >= low - 1e-6).all() and (img <= high + 1e-6).all()
    again = style_of(preprocess(image, 16))
    assert again == pytest.approx(style_of(seen[-1]), rel=0.1, abs=0.02 * style_of(seen[0]))


def test_relative_weights():
    """Relative weights count in units of the targets: they are the plain ones, divided by the sum
    of their target's squares, and those of total variation by the number of values.
    """
    cnn = network().eval()
    feats = extract_features(preprocess(STYLE, 18), cnn)
    sizes = [st.gram_matrix(feats[layer]).square().sum().item() for layer in (1, 5)]
    target = extract_features(preprocess(CONTENT, 16), cnn)[3].square().sum().item()
    relative = {"content_weight": 2.0, "style_weights": [3.0, 5.0], "tv_weight": 0.5}
    plain = {
        "content_weight": 2.0 / target,
        "style_weights": [3.0 / sizes[0], 5.0 / sizes[1]],
        "tv_weight": 0.5 / (3 * 16 * 24),
    }
    for options in ({}, {"init_random": True}):
        found = transfer(relative=True, **relative, **options)
        assert close(found, transfer(**plain, **options))
    del relative["content_weight"], plain["content_weight"]
    plain["tv_weight"] = 0.5 / (3 * 16 * 16)
    assert close(texture(relative=True, **relative), texture(**plain))


def close(one, other):
    """Whether two pictures are the same up to rounding."""
    return np.abs(np.asarray(one).astype(int) - np.asarray(other)).max() <= 1


@pytest.mark.parametrize("every", [0, None])
@both
def test_never_shown(paint, every):
    """With show_every=0 the callback is never called."""
    paint(num_iterations=3, show_every=every, callback=lambda *_: pytest.fail("called"))


@pytest.mark.parametrize("size", [(30, 20), (20, 31), (16, 16)])
def test_sizes_and_files(tmp_path, size):
    """The picture has the content's size, a texture is a square; files by str or Path and PIL
    images give the same.
    """
    content, paths = picture(*size), (tmp_path / "content.png", tmp_path / "style.png")
    for image, path in zip((content, STYLE), paths, strict=True):
        image.save(path)
    painted = transfer(content, num_iterations=3)
    assert painted.size == preprocess(content, 16).shape[:1:-1] and painted.mode == "RGB"
    assert (
        painted
        == transfer(*paths, num_iterations=3)
        == transfer(*map(str, paths), num_iterations=3)
    )
    assert texture(num_iterations=3) == texture(paths[1], num_iterations=3) and texture(
        image_size=9
    ).size == (9, 9)


def test_keep_colors():
    """With keep_colors, the chroma is the content's to a few grey levels, and the brightness that
    of the painting.
    """
    painted, kept = (
        transfer(keep_colors=keep_colors, content_weight=10) for keep_colors in (False, True)
    )
    colours = np.asarray(kept)
    # elsewhere no colour has that chroma
    inside = (colours.min(axis=2) > 0) & (colours.max(axis=2) < 255)
    images = (painted, kept, deprocess(preprocess(CONTENT, 16), should_rescale=False))
    painted, kept, content = (
        np.asarray(image.convert("YCbCr")).astype(int)[inside] for image in images
    )
    assert inside.mean() > 0.4 and np.abs(kept - content)[:, 1:].max() <= 3
    assert np.abs(kept - painted)[:, 0].max() <= 3 and np.abs(painted - content)[:, 1:].mean() > 6


@both
@pytest.mark.parametrize(
    "iterations, every, steps", [(1, 100, [1]), (6, 2, [1, 3, 5, 6]), (7, 3, [1, 4, 7])]
)
def test_callback(paint, iterations, every, steps):
    """A PIL image and a title are shown after every show_every-th step from the first, and the
    last, the result.
    """
    shown = []
    image = paint(
        num_iterations=iterations, show_every=every, callback=lambda *now: shown.append(now)
    )
    assert [title.partition(":")[0] for _, title in shown] == [
        f"step {step} of {iterations}" for step in steps
    ]
    assert shown[-1][0] == image


@both
def test_nothing_else_changes(paint, monkeypatch):
    """Network, pictures, global generator and the mode of gradients stay, after an error, too; None
    shows nothing.
    """
    monkeypatch.setattr("matplotlib.pyplot.subplots", None)
    cnn, state, pictures = (
        network(),
        torch.random.get_rng_state(),
        (CONTENT.tobytes(), STYLE.tobytes()),
    )
    before = condition(cnn)
    expected = paint(cnn=network().eval(), num_iterations=5)
    with torch.no_grad():
        assert paint(cnn=cnn, num_iterations=5) == expected and not torch.is_grad_enabled()
    assert condition(cnn) == before
    with pytest.raises(ZeroDivisionError):
        paint(cnn=cnn, callback=lambda *_: 1 / 0)
    assert condition(cnn) == before and torch.equal(torch.random.get_rng_state(), state)
    assert (CONTENT.tobytes(), STYLE.tobytes()) == pictures


WRONG = [
    (transfer, {"content_layer": 8}, "layers from 0 to 7, got .*8"),
    (transfer, {"content_layer": -1}, "layers from 0 to 7, got .*-1"),
    *(
        (paint, {"style_layers": [1, 8]}, "layers from 0 to 7, got .*8")
        for paint in (transfer, texture)
    ),
    *(
        (paint, {"style_layers": [-1, 5]}, "layers from 0 to 7, got .*-1")
        for paint in (transfer, texture)
    ),
    *(
        (paint, {"style_weights": [1.0]}, "2 layers, 2 targets and 1 weights")
        for paint in (transfer, texture)
    ),
    *(
        (paint, {"optimizer": "sgd"}, "optimizer .adam. or .lbfgs., got 'sgd'")
        for paint in (transfer, texture)
    ),
]


LARGE = [
    (transfer, {"content_weight": math.nan}, "a finite content_weight, got nan"),
    (transfer, {"tv_weight": math.inf}, "a finite tv_weight, got inf"),
    (transfer, {"style_weights": [1.0, -math.inf]}, r"a finite style_weights\[1\], got -inf"),
    (texture, {"style_weights": [math.nan, 1.0]}, r"a finite style_weights\[0\], got nan"),
    (transfer, {"style_weights": [1e39, 1.0]}, "style loss is inf at the first step: make style_w"),
    (
        transfer,
        {"content_weight": 1e39, "init_random": True},
        "content loss is inf at the first step: make content_weight smaller",
    ),
    (texture, {"tv_weight": 1e39}, "tv loss is inf at the first step: make tv_weight smaller"),
    (transfer, {"learning_rate": math.inf}, "expected a finite learning_rate, got inf"),
    (texture, {"tv_weight": None}, "expected a finite tv_weight, got None"),
    (texture, {"style_weights": 5}, "expected style_weights as a list, got 5"),
    (texture, {"style_layers": 0}, "expected style_layers as a list, got 0"),
    (transfer, {"style_layers": None}, "expected style_layers as a list, got None"),
    (transfer, {"content_layer": "3"}, "layers from 0 to 7, got .'3', 1, 5"),
    (texture, {"show_every": -1}, "show_every must be at least 0, got -1"),
    (transfer, {"num_iterations": 2.5}, "num_iterations must be .*, got 2.5"),
    (texture, {"cnn": nn.Identity()}, "expected the layers of a network, such as .*got Identity"),
    (transfer, {"cnn": network().to("meta")}, "on the device meta, without weights"),
    (transfer, {"image_size": 0}, "expected a size of 1 pixel or more, got 0"),
    (texture, {"style_size": 0}, "expected a size of 1 pixel or more, got 0"),
    (texture, {"image_size": -1}, "expected a size of 1 pixel or more, got -1"),
]


@pytest.mark.parametrize("paint, options, fact", WRONG + LARGE)
def test_wrong_options(paint, options, fact):
    """Layers that the network lacks, lists that don't fit and unknown optimisers are refused, and
    nothing is shown.
    """
    shown = []
    with pytest.raises(ValueError, match=fact):
        paint(**options, callback=lambda *now: shown.append(now))
    assert not shown


@optimizers
def test_a_weight_under_which_nothing_moves(optimizer):
    """A weight whose loss is finite, but not the square of its gradient, is refused: the picture
    would stay as it is.
    """
    with pytest.raises(ValueError, match="its gradient leaves torch.float32's range at the first"):
        transfer(content_weight=1e30, optimizer=optimizer)


@pytest.mark.parametrize("paint", [transfer, texture])
def test_weights_of_the_network_that_are_not_finite(paint):
    """They are distinguished from weights of losses."""
    cnn = network()
    with torch.no_grad():
        cnn[0].weight[0] = math.nan
    with pytest.raises(ValueError, match="features are NaN or infinite: check its weights"):
        paint(cnn=cnn)


@pytest.mark.parametrize("paint", [transfer, texture])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_networks_of_half_precision(paint, dtype):
    """A network that computes in half precision paints nearly what it paints in single
    precision.
    """
    half, full = (
        np.asarray(paint(cnn=network().to(kind)), float) for kind in (dtype, torch.float32)
    )
    assert np.abs(half - full).mean() < 3


def test_a_size_from_numpy():
    """NumPy's integers are sizes, and a network needs no weights."""
    assert transfer(image_size=np.int64(16)) == transfer(image_size=16)
    pools = nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(2))
    assert transfer(cnn=pools, content_layer=0, style_layers=[0, 1]).size == (24, 16)


@pytest.mark.parametrize(
    "paint, small",
    [
        (transfer, "image_size"),
        (transfer, "style_size"),
        (texture, "image_size"),
        (texture, "style_size"),
    ],
)
def test_pictures_smaller_than_the_kernels(paint, small):
    """A picture too small for the layers that are needed is refused in a sentence, with its size;
    layers that are not needed may be too large for it.
    """
    cnn = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 9))
    needed = {"style_layers": [0, 1], "cnn": cnn} | (
        {"content_layer": 0} if paint is transfer else {}
    )
    assert paint(**needed, **{small: 4}).size
    with pytest.raises(ValueError, match=r"can't read a picture of 2 x \d pixels: is it too small"):
        paint(**needed, **{small: 2})


def test_missing_picture(tmp_path):
    """A missing file is reported by its name."""
    with pytest.raises(FileNotFoundError, match="gone.jpg"):
        transfer(tmp_path / "gone.jpg")


def test_network_by_default(tmp_path, monkeypatch):
    """The default network is that of `load_squeezenet`."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    painted = transfer(cnn=None, num_iterations=2, image_size=32)
    assert painted == transfer(
        cnn=load_squeezenet("toytown").features, num_iterations=2, image_size=32
    )


def test_published_values(shared_data):
    """On the course's pictures, the losses are those that the course gives."""
    cnn, styles = load_squeezenet("imagenet").features, shared_data / "styles"
    with np.load(shared_data / "style-transfer-checks.npz") as archive:
        expected = {
            name: torch.tensor(archive[name]).to(next(cnn.parameters())) for name in archive.files
        }
    feats, img = st.features_from_img(styles / "tubingen.jpg", 192, cnn)
    night, _ = st.features_from_img(styles / "starry_night.jpg", 192, cnn)
    layers = [1, 4, 6, 7]
    found = {
        "cl_out": st.content_loss(6e-2, feats[3], extract_features(torch.zeros_like(img), cnn)[3]),
        "gm_out": st.gram_matrix(night[5]),
        "sl_out": st.style_loss(
            feats, layers, [st.gram_matrix(night[k]) for k in layers], [300000, 1000, 15, 3]
        ),
        "tv_out": st.tv_loss(img, 2e-2),
    }
    for name, value in found.items():
        assert (value - expected[name]).norm() < 1e-3 * expected[name].norm(), name
