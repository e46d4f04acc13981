"""Questions 3 and 4 compute on their network's device: on a fake GPU, which refuses to mix devices,
they give the same results as on the CPU.
"""

import copy

import numpy as np
import pytest
import torch

from deeplearning import attribution
from deeplearning import network_visualization as nv
from deeplearning.class_portraits import paint_classes
from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.classifiers.wavelets import wavelet_network
from deeplearning.datasets.paintings import content_picture, style_picture
from deeplearning.image_utils import blur_tensor, deprocess, preprocess
from deeplearning.style_transfer import features_from_img, style_transfer, synthesize_texture
from tests.pretended_gpu import GPU, OnGPU, pretended_gpu, put

CONTENT = content_picture("portrait", 64)
STYLE = style_picture("mosaic", 64)
LAYERS = [0, 1], [1.0, 1.0]
FEW = {"num_iterations": 3, "callback": None}


def seeded():
    return torch.Generator().manual_seed(0)


def painted(cnn, **how):
    return style_transfer(CONTENT, STYLE, 64, 64, 1, 1.0, *LAYERS, 1e-2, cnn=cnn, **FEW, **how)


# each gets a network, pictures of shape (2, 3, 64, 64), and labels of shape (2,)
OF_PICTURES = {
    "scores": lambda model, X, y: model(X),
    "saliency": lambda model, X, y: nv.compute_saliency_maps(X, y, model),
    "labels in a list": lambda model, X, y: nv.compute_saliency_maps(X, [1, 2], model),
    "fooling": lambda model, X, y: nv.make_fooling_image(X, 5, model, 5.0),
    "fooling, a label each": lambda model, X, y: nv.make_fooling_image(X, y, model, 5.0),
    "a step": lambda model, X, y: nv.class_visualization_update_step(X, model, 3, 1e-3, 5.0),
    "smooth_grad": lambda model, X, y: attribution.smooth_grad(
        X, y, model, samples=2, generator=seeded()
    ),
    "integrated gradients": lambda model, X, y: attribution.integrated_gradients(
        X, y, model, steps=3
    ),
    "grad_cam": lambda model, X, y: attribution.grad_cam(X, y, model),
    "pointing": lambda model, X, y: attribution.pointing(X[:, 0].abs(), X[:, 1] > 1)[1],
    "blur": lambda model, X, y: blur_tensor(X, 2.0),
}
PAINTED = {
    "a class": lambda model: nv.create_class_visualization(3, model, **FEW),
    "portraits": lambda model: paint_classes([0, 1], model, 3, image_size=64)[1],
    "portraits with starts": lambda model: paint_classes(
        [0, 1], model, 3, image_size=64, starts=torch.rand(2, 2, 3, 64, 64, generator=seeded())
    )[0],
    "a style": lambda model: painted(model.features),
    "a style, by L-BFGS": lambda model: painted(model.features, optimizer="lbfgs"),
    "a style, from noise": lambda model: painted(model.features, init_random=True, relative=True),
    "a texture": lambda model: synthesize_texture(
        STYLE, 64, 64, *LAYERS, 1e-2, cnn=model.features, **FEW
    ),
}


@pytest.fixture(scope="module")
def network():
    return load_squeezenet("toytown").cpu()


@pytest.fixture
def given():
    """Pictures and labels."""
    return torch.randn(2, 3, 64, 64, generator=seeded()), torch.tensor([1, 2])


@pytest.mark.parametrize("compute", OF_PICTURES.values(), ids=OF_PICTURES)
def test_results_are_where_the_network_is(compute, network, given):
    """Results are on the GPU, and equal to the CPU's."""
    X, y = given
    expected = compute(network, X.clone(), y)
    with pretended_gpu():
        found = compute(put(copy.deepcopy(network)), OnGPU(X.clone()), OnGPU(y))
    assert found.device == GPU
    torch.testing.assert_close(found.inner, expected.detach())


@pytest.mark.parametrize("paint", PAINTED.values(), ids=PAINTED)
def test_pictures_are_painted_there(paint, network):
    """A picture is painted on the GPU, and comes back the same as from the CPU."""
    expected = paint(network)
    with pretended_gpu():
        found = paint(put(copy.deepcopy(network)))
    np.testing.assert_array_equal(found, expected)


def test_wavelets_paint_there():
    """The network of wavelets can go to a GPU too, and so can the features of a picture."""
    wavelets = wavelet_network(3).cpu()
    feats, _ = features_from_img(CONTENT, 64, wavelets)
    expected = painted(wavelets)
    with pretended_gpu():
        there = put(wavelets)
        found, _ = features_from_img(CONTENT, 64, there)
        np.testing.assert_array_equal(painted(there), expected)
    assert all(feat.device == GPU for feat in found)
    torch.testing.assert_close([feat.inner for feat in found], feats)


def test_pictures_go_and_come_back():
    """The result of `preprocess` can be sent there, and `deprocess` shows tensors from there."""
    picture = preprocess(STYLE, 64)
    with pretended_gpu():
        there = picture.to(GPU)
        assert there.device == GPU
        np.testing.assert_array_equal(deprocess(there), deprocess(picture))


def test_the_pretended_gpu_mixes_with_nothing():
    """Like a real one, it refuses CPU tensors and makes no arrays; numbers work with both."""
    with pretended_gpu():
        x = torch.ones(2).to(GPU)
        for refused in (lambda: x + torch.ones(2), lambda: torch.ones(2).mul_(x)):
            with pytest.raises(RuntimeError, match="one device"):
                refused()
        with pytest.raises(TypeError, match="copy it to the CPU"):
            np.asarray(x)
        made = [x + torch.tensor(1.0), torch.zeros(2, device=GPU), torch.tensor([1], device=GPU)]
        assert all(isinstance(each, OnGPU) for each in made)
        assert not isinstance(x.cpu(), OnGPU) and (x + 1).sum().item() == 4
