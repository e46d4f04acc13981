"""The untrained network sees directions, sizes and colours, and paints with them."""

import math

import pytest
import torch

from deeplearning.classifiers.squeezenet import extract_features, load_squeezenet
from deeplearning.classifiers.wavelets import DIRECTIONS, PHASES, wavelet_network, wavelets
from deeplearning.datasets.paintings import content_picture, style_picture
from deeplearning.datasets.paintings.examples import PAIRS, WAVELET_RECIPE, painter_for
from deeplearning.style_transfer import (
    features_from_img,
    gram_matrix,
    style_transfer,
    synthesize_texture,
)

COLOURS = 6  # channels: three colours, each light and dark


def stripes(angle, period=4.0, size=64):
    """Grey waves along an angle."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    wave = torch.cos(2 * math.pi * (math.cos(angle) * x + math.sin(angle) * y) / period)
    return wave.expand(1, 3, size, size).contiguous()


def by_direction(feature):
    """How strongly each direction responds to brightness, of shape (K,)."""
    brightness = feature[0, COLOURS : COLOURS + DIRECTIONS * PHASES]
    return brightness.unflatten(0, (DIRECTIONS, PHASES)).mean((1, 2, 3))


def test_filters():
    """Filters have norm 1 and no mean; those of opposite directions are the same waves."""
    filters = wavelets()
    assert filters.shape == (DIRECTIONS * PHASES, 1, 7, 7)
    torch.testing.assert_close(filters.flatten(1).norm(dim=1), torch.ones(len(filters)))
    assert filters.sum((1, 2, 3)).abs().max() < 1e-6
    right, down = filters[0, 0], filters[2 * PHASES, 0]
    torch.testing.assert_close(down, right.T)


@pytest.mark.parametrize("octaves", [1, 2, 4])
@pytest.mark.parametrize("H, W", [(32, 32), (33, 47)])
def test_shapes(octaves, H, W):
    """Each octave has half the size of the one before, rounded up, and no feature is negative."""
    generator = torch.Generator().manual_seed(0)
    cnn = wavelet_network(octaves).cpu()
    features = extract_features(torch.randn(2, 3, H, W, generator=generator), cnn)
    for j, feature in enumerate(features):
        channels = 42 if j == 0 else 90
        assert feature.shape == (2, channels, math.ceil(H / 2**j), math.ceil(W / 2**j))
        assert (feature >= 0).all() and feature.any()


@pytest.mark.parametrize("k", range(DIRECTIONS))
@pytest.mark.parametrize("octave", [0, 1, 2])
def test_directions_and_sizes(k, octave):
    """Waves of an octave's period are seen in their direction, more strongly than in other
    octaves.
    """
    picture = stripes(math.pi * k / DIRECTIONS, period=4.0 * 2**octave)
    answers = [by_direction(f) for f in extract_features(picture, wavelet_network(3).cpu())]
    assert answers[octave].argmax() == k
    assert torch.stack(answers).amax(1).argmax() == octave


def test_a_flat_picture_has_colours_alone():
    """On one colour no stripe is seen, not even at the edges, and the colour is kept."""
    picture = torch.tensor([1.0, -0.5, 0.25]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    for feature in extract_features(picture, wavelet_network(3).cpu()):
        assert feature[:, COLOURS:].max() < 1e-5
        colour = (feature[:, :3] - feature[:, 3:6]).mean((0, 2, 3))
        torch.testing.assert_close(colour.norm(), picture[0, :, 0, 0].norm())


def test_energies_see_where_stripes_come_and_go():
    """Fine stripes that come and go look like plain grey when blurred; the next octave sees them
    come and go, because it looks at their energy.
    """
    fine, slow = stripes(0.0, 4.0), stripes(math.pi / 2, 8.0)
    cnn = wavelet_network(2).cpu()
    even = extract_features(fine * 0.5, cnn)[1]
    coming = extract_features(fine * (0.5 + 0.5 * slow), cnn)[1]
    energies = slice(COLOURS + 3 * DIRECTIONS * PHASES, None)
    assert coming[:, energies].mean() > 5 * even[:, energies].mean()


def test_gradients():
    """The Gram matrices' gradients with respect to the picture agree with finite differences, in
    one random mixture of each row: of all entries alone they would take a hundred times as long.
    """
    cnn = wavelet_network(2).cpu().double()
    generator = torch.Generator().manual_seed(0)
    picture = torch.randn(1, 3, 10, 9, dtype=torch.float64, generator=generator)
    mixtures = [
        torch.randn(channels, dtype=torch.float64, generator=generator) for channels in (42, 90)
    ]

    def rows(x):
        grams = [gram_matrix(feature) for feature in extract_features(x, cnn)]
        return [gram @ mixture for gram, mixture in zip(grams, mixtures, strict=True)]

    assert torch.autograd.gradcheck(rows, picture.requires_grad_())


def test_too_small_pictures():
    """A picture that is smaller than the filters of the last octave is refused with its size."""
    with pytest.raises(ValueError, match="can't read a picture of 24 x 24 pixels"):
        features_from_img(
            content_picture("harbour", 64).crop((0, 0, 64, 64)), 24, wavelet_network()
        )
    features_from_img(content_picture("harbour", 64), 32, wavelet_network())


def test_it_stays_as_it_is():
    """Painting leaves the network frozen and its filters unchanged; equal calls paint equally."""
    cnn = wavelet_network()
    before = [p.clone() for p in cnn.parameters()]
    arguments = content_picture("portrait", 64), style_picture("ink", 64), 64, 64
    how = WAVELET_RECIPE | {"cnn": cnn, "num_iterations": 4, "callback": None}
    one, other = (style_transfer(*arguments, **how) for _ in range(2))
    assert one == other and not any(p.requires_grad for p in cnn.parameters())
    assert all(torch.equal(p, q) for p, q in zip(before, cnn.parameters(), strict=True))


def test_who_paints():
    """Toytown's classifier leaves painting to wavelets; each recipe fits its layers."""
    toytown = load_squeezenet("toytown")
    cnn, recipe = painter_for(toytown)
    assert len(cnn) == len(recipe["style_layers"]) == 4
    toytown.weights = "imagenet"
    cnn, recipe = painter_for(toytown)
    assert cnn is toytown.features and max(recipe["style_layers"]) < len(cnn)


def judged(painted, style, judge):
    """How far a picture is from a style, to a network that had no part in painting it: the squared
    distance of Gram matrices in units of the style's, mean over layers 1, 4, 6, 7 and 9.
    """
    found, wanted = (features_from_img(image, 192, judge, 9)[0] for image in (painted, style))
    shares = []
    for layer in (1, 4, 6, 7, 9):
        target = gram_matrix(wanted[layer])
        gap = (gram_matrix(found[layer]) - target).square().sum()
        shares.append((gap / target.square().sum()).item())
    return sum(shares) / len(shares)


@pytest.mark.corpus
def test_another_network_sees_the_style(shared_data):
    """For ImageNet's SqueezeNet, the notebook's four paintings are on average at most .25 from
    their styles, textures from noise .36; the unchanged contents .75.
    """
    judge, cnn = load_squeezenet("imagenet").features, wavelet_network()
    how = {"cnn": cnn, "num_iterations": 80, "callback": None}
    recipe = WAVELET_RECIPE
    painted, textures, plain = [], [], []
    for content, style in PAIRS:
        C, S = content_picture(content), style_picture(style)
        painted.append(judged(style_transfer(C, S, 192, 192, **recipe, **how), S, judge))
        layers, weights = recipe["style_layers"], recipe["style_weights"]
        texture = synthesize_texture(
            S, 128, 128, layers, weights, recipe["tv_weight"], relative=True, **how
        )
        textures.append(judged(texture, S, judge))
        plain.append(judged(C, S, judge))
    print(painted, textures, plain)
    assert sum(painted) / 4 < 0.25 and sum(textures) / 4 < 0.36
    assert sum(plain) / 4 == pytest.approx(0.75, abs=0.01)
