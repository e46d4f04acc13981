"""Image gradients, against closed forms of tiny models, finite differences and real pictures."""

import collections
import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from deeplearning import network_visualization as nv
from deeplearning.attribution import integrated_gradients, smooth_grad
from deeplearning.classifiers.squeezenet import load_squeezenet
from deeplearning.data_utils import load_imagenet_val
from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.gradient_check import eval_numerical_gradient
from deeplearning.image_utils import blur_tensor, deprocess, preprocess
from tests.networks import condition

pytestmark = pytest.mark.filterwarnings("ignore:not fooled")
C = 4  # classes of the tiny models
MEAN, STD = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], dtype=torch.float64).view(
    2, 3, 1, 1
)
METHODS = {
    "saliency": nv.compute_saliency_maps,
    "gradient": nv.score_gradient,
    "smooth": lambda X, y, model: smooth_grad(X, y, model, samples=3),
    "integrated": lambda X, y, model: integrated_gradients(X, y, model, steps=3),
    "fooling": lambda X, y, model: nv.make_fooling_image(
        X, y, model, learning_rate=0.3, max_steps=4
    ),
    "step": lambda X, y, model: nv.class_visualization_update_step(X, model, y, 1e-3, 0.3),
}
methods = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
shapes = pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 1, 6), (3, 3, 7, 5)])
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def numbers(*shape, seed=0, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=dtype)


class Quadratic(nn.Module):
    """Scores w_c . x + a_c . x**2 / 2, whose gradients are w_c + a_c * x."""

    def __init__(self, shape, dtype=torch.float64, slope=1.0, curvature=1.0):
        super().__init__()
        self.w = nn.Parameter(slope * numbers(C, *shape[1:], seed=1, dtype=dtype))
        self.a = nn.Parameter(curvature * numbers(C, *shape[1:], seed=2, dtype=dtype))

    def forward(self, X):
        X = X[:, None]  # (N, 1, 3, H, W)
        return (self.w * X + self.a * X.square() / 2).sum((2, 3, 4))  # (N, C)

    def gradient(self, X, y):
        return (self.w[y] + self.a[y] * X).detach()


def network(dtype=torch.float64, rectifier=None):
    """A little of everything: batch normalisation, rectifiers in place, dropout; for pictures of
    any size.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), rectifier or nn.ReLU(inplace=True), nn.Dropout(0.5),
            nn.Conv2d(6, C, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
    return model.to(dtype).eval()


def in_disorder(model):
    """The model with some parts in training and some not, and some parameters that need a
    gradient.
    """
    for number, module in enumerate(model.modules()):
        module.training = number % 3 != 1
    for number, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(number % 2 == 0)
    return model


@shapes
@dtypes
@pytest.mark.parametrize("curvature, l2_reg", [(0, 0), (1, 0), (1, 0.7)])
def test_closed_forms(shape, dtype, curvature, l2_reg):
    """Saliency is the largest |gradient|; a step of fixed length goes up score - l2_reg *
    sum(img**2), by two names.
    """
    model, X, y = (
        Quadratic(shape, dtype, curvature=curvature),
        numbers(*shape, dtype=dtype),
        torch.arange(shape[0]),
    )
    g = model.gradient(X, y)
    np.testing.assert_allclose(
        nv.compute_saliency_maps(X, y, model), np.abs(g.numpy()).max(axis=1), rtol=1e-6
    )
    g -= 2 * l2_reg * X
    expected = X + torch.stack([0.37 * v / v.norm() for v in g])
    torch.testing.assert_close(
        nv.class_visualization_update_step(X, model, y, l2_reg, 0.37), expected
    )
    torch.testing.assert_close(nv.update_class_visulization(model, y, l2_reg, 0.37, X), expected)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 3, 4)])
def test_finite_differences(shape):
    """Saliency and the step up are those of numerical gradients, for a network of convolutions."""
    model, X, y = network(rectifier=nn.Softplus()), numbers(*shape), torch.arange(shape[0])

    def gradient(l2_reg):
        def objective(x):
            return model(torch.tensor(x))[range(len(y)), y].sum().item() - l2_reg * (x**2).sum()

        return eval_numerical_gradient(objective, X.numpy().copy(), verbose=False)

    saliency = nv.compute_saliency_maps(X, y, model).numpy()
    np.testing.assert_allclose(saliency, np.abs(gradient(0)).max(axis=1), atol=1e-8)
    g = gradient(0.1)
    step = nv.class_visualization_update_step(X, model, y, 0.1, 2.5) - X
    np.testing.assert_allclose(
        step.numpy(), 2.5 * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True)), atol=1e-7
    )


@pytest.mark.parametrize("slope", [0, 1e-25, 1e-10, 1e10, 1e25])
def test_steps_of_one_length(slope):
    """A step is learning_rate long however small or large the gradient is; without any gradient
    there is none.
    """
    model, X = Quadratic((1, 3, 4, 4), torch.float32, slope, curvature=0), torch.zeros(1, 3, 4, 4)
    step = nv.class_visualization_update_step(X, model, 1, 0.0, 2.0) - X
    torch.testing.assert_close(step.norm(), torch.tensor(2.0 if slope else 0.0))


@shapes
@dtypes
@pytest.mark.parametrize("target", range(C))
def test_fooling_a_linear_model(shape, dtype, target):
    """A picture goes straight along the target's weights, with exactly as many steps as it
    takes.
    """
    model, X = Quadratic(shape, dtype, curvature=0), 3 * numbers(*shape, dtype=dtype)
    # each class can be reached
    model.w.data = 3 * nn.functional.normalize(model.w.data.flatten(1)).view_as(model.w)
    direction, expected = model.w[target].detach() / 3, X.clone()
    for k in range(len(X)):
        while model(expected[k : k + 1]).argmax() != target:
            expected[k] += 0.1 * direction
    found = nv.make_fooling_image(X, target, model, learning_rate=0.1, max_steps=1000)
    torch.testing.assert_close(
        found, expected, rtol=0, atol=1e-4 if dtype == torch.float32 else 1e-6
    )
    again = nv.make_fooling_image(found, target, model)
    # unchanged, but a copy
    assert torch.equal(again, found) and again.data_ptr() != found.data_ptr()


def test_steps_of_fooling():
    """Pictures of a batch reach their own targets; each step made is learning_rate long."""
    X, seen = numbers(3, 3, 6, 5), []
    model, targets = Quadratic(X.shape), torch.tensor([2, 0, 1])
    found = nv.make_fooling_image(
        X, targets, model, 0.2, callback=lambda *now: seen.append(copy.deepcopy(now))
    )
    assert model(found).argmax(1).tolist() == targets.tolist()
    steps, pictures, scores = zip(*seen, strict=True)
    assert list(steps) == list(range(len(seen))) and torch.equal(pictures[0], X)
    for before, after, score in zip(pictures, [*pictures[1:], found], scores, strict=True):
        torch.testing.assert_close(score, model(before).detach())
        lengths = (after - before).flatten(1).norm(dim=1)
        torch.testing.assert_close(
            lengths, 0.2 * (score.argmax(1) != targets).double(), rtol=1e-12, atol=1e-12
        )


@pytest.mark.filterwarnings("error")
def test_giving_up():
    """Too few steps are a warning that names the pictures left, after all these steps; just enough
    are none.
    """
    model, steps = Quadratic((3, 3, 4, 4), curvature=0), []
    X = torch.stack([model.w[0], -model.w[0], 2 * model.w[0]]).detach()
    nv.make_fooling_image(X, 0, model, 0.1, 1000, callback=lambda step, *_: steps.append(step))
    for max_steps in (0, 1, steps[-1] - 1):
        with pytest.warns(UserWarning, match=rf"after {max_steps} steps: pictures \[1\]") as caught:
            found = nv.make_fooling_image(X, 0, model, 0.1, max_steps)
        assert caught[0].filename == __file__ and (found - X)[1].norm().item() == pytest.approx(
            0.1 * max_steps
        )
    nv.make_fooling_image(X, 0, model, 0.1, steps[-1])


@methods
@dtypes
@shapes
@pytest.mark.parametrize("wanted", [True, False])
def test_nothing_else_changes(method, dtype, shape, wanted):
    """Results are finite, of the pictures' type and size, and without a graph; pictures, labels and
    model are unchanged.
    """
    X, y = numbers(*shape, dtype=dtype).requires_grad_(wanted), torch.arange(shape[0])
    model, x = in_disorder(network(dtype)), X.detach().clone()
    before = condition(model)
    found = method(X, y, model)
    assert found.dtype == dtype and found.isfinite().all() and not found.requires_grad
    assert found.shape == (
        shape if method not in (METHODS["saliency"], METHODS["smooth"]) else (shape[0], *shape[2:])
    )
    assert X.requires_grad == wanted and X.grad is None and condition(model) == before
    found.zero_()
    assert torch.equal(X, x) and torch.equal(y, torch.arange(shape[0]))


@methods
def test_circumstances(method):
    """Other pictures, training mode, torch.no_grad, the integers' type and the memory layout don't
    change a result.
    """
    X, y = numbers(3, 3, 6, 5), torch.arange(3)
    expected = method(X, y, network())
    for same in (y.int(), y.numpy(), y.tolist(), y.to(torch.uint8)):
        torch.testing.assert_close(
            method(X.to(memory_format=torch.channels_last), same, network().train()), expected
        )
    with torch.no_grad():
        torch.testing.assert_close(method(X, y, network()), expected)
    # smooth's noise is drawn for all pictures at once
    for k in range(0 if method is METHODS["smooth"] else 3):
        torch.testing.assert_close(
            method(X[k : k + 1], y[k : k + 1], network()), expected[k : k + 1]
        )


@methods
def test_networks_that_view(method):
    """Networks may use `view`, which needs pictures to lie in memory as they came."""

    class Viewing(nn.Module):
        def forward(self, X):
            return X.view(len(X), -1)[:, :C]

    assert method(numbers(2, 3, 6, 5), [0, 1], Viewing()).isfinite().all()


SOME = numbers(2, 3, 6, 5)
WRONG = {
    "too large": (SOME, [0, C], f"labels from 0 to {C - 1}, got 0 to {C}"),
    "negative": (SOME, [-1, 0], f"labels from 0 to {C - 1}, got -1 to 0"),
    "one for all": (SOME, C, f"labels from 0 to {C - 1}"),
    "float labels": (SOME, [0.0, 1.0], r"labels as integers of shape \(2,\), got torch.float32"),
    "three labels": (SOME, [0, 1, 2], r"labels as integers of shape \(2,\), got .*\(3,\)"),
    "column of labels": (SOME, [[0], [1]], r"labels as integers of shape \(2,\), got .*\(2, 1\)"),
    "a name": (SOME, "cat", r"labels as integers of shape \(2,\), got str"),
    "NumPy": (SOME.numpy(), 0, r"pictures as a tensor .*, got ndarray: image_utils.preprocess"),
    "rank": (SOME[0], 0, r"pictures .*shape \(N, 3, H, W\), got .*\(3, 6, 5\)"),
    "one channel": (SOME[:, :1], 0, r"pictures .*shape \(N, 3, H, W\), got .*\(2, 1, 6, 5\)"),
    "channels last": (
        SOME.permute(0, 2, 3, 1),
        0,
        r"pictures .*shape \(N, 3, H, W\), got .*\(2, 6, 5, 3\)",
    ),
    "integers": (SOME.byte(), 0, "pictures as floating-point .*got torch.uint8"),
    "NaN": (torch.where(SOME > 2, np.nan, SOME), 0, "pictures of finite numbers, got NaN"),
    "infinity": (
        torch.where(SOME > 2, np.inf, SOME),
        0,
        "pictures of finite numbers, got NaN or infinity",
    ),
}


@methods
@pytest.mark.parametrize("X, y, fact", WRONG.values(), ids=WRONG)
def test_wrong_arguments(method, X, y, fact):
    """Wrong pictures and labels are refused in a sentence; after that, or its own error, the model
    is as it was.
    """
    model = in_disorder(network())
    before = condition(model)
    with pytest.raises(ValueError, match=f"expected {fact}"):
        method(X, y, model)
    with pytest.raises(RuntimeError):
        method(SOME, 0, model.append(nn.Linear(7, 7)))
    assert condition(model[:-1]) == before


def painting(model, **options):
    """The picture painted for class 2, and the pictures that the network saw."""
    seen = []
    hook = model.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].detach().clone())
    )
    options = {"image_size": 9, "num_iterations": 7, "callback": None} | options
    image = nv.create_class_visualization(2, model, **options)
    hook.remove()
    return image, seen


def test_painting():
    """From noise, each step goes up and stays within the range of real pixels; every blur_every-th
    is blurred.
    """
    image, seen = painting(network(), l2_reg=0.1, learning_rate=25, blur_every=3, max_jitter=0)
    for t, img in enumerate(seen):
        img = nv.class_visualization_update_step(img, network(), 2, 0.1, 25)
        img = img.maximum(-MEAN / STD).minimum((1 - MEAN) / STD)
        img = blur_tensor(img, 0.5) if t % 3 == 0 else img
        if t + 1 < len(seen):
            torch.testing.assert_close(seen[t + 1], img)
    assert len(seen) == 7 and image == deprocess(img, should_rescale=False)


def test_jitter():
    """Before each step the picture is shifted by up to max_jitter pixels to the right and down, and
    back after it.
    """
    image, seen = painting(
        network(), learning_rate=0, blur_every=99, max_jitter=3, num_iterations=60
    )
    pictures = [
        np.asarray(deprocess(img, should_rescale=False)) for img in seen[1:]
    ]  # the first was not yet clamped
    shifts = [
        [s for s in np.ndindex(4, 4) if (img == np.roll(image, s, (0, 1))).all()]
        for img in pictures
    ]
    assert all(len(found) == 1 for found in shifts) and len({shift for (shift,) in shifts}) > 9


CALLS = [
    (1, 25, [1], None),
    (5, 2, [1, 2, 4, 5], torch.float64),
    (6, 3, [1, 3, 6], torch.DoubleTensor),
]


@pytest.mark.parametrize("iterations, every, steps, dtype", CALLS)
def test_callback(iterations, every, steps, dtype):
    """The painted picture, of the model's type and size, is shown after the first step, every
    show_every steps and the last.
    """
    model, shown, how = network(), [], {"num_iterations": iterations, "show_every": every}
    model.class_names, model.image_size = ["hay", "bee", "sea", "day"], 11
    image, seen = painting(
        model, dtype=dtype, image_size=None, callback=lambda *now: shown.append(now), **how
    )
    assert [title for _, title in shown] == [f"sea, step {step} of {iterations}" for step in steps]
    assert shown[-1][0] == image and image.size == (11, 11) and image.mode == "RGB"
    assert {(img.dtype, img.shape) for img in seen} == {(torch.float64, (1, 3, 11, 11))}


@pytest.mark.parametrize("label", [2, np.int64(2), torch.tensor(2)])
def test_integers_of_every_kind_name_their_class(label):
    """A label may be an integer of NumPy or PyTorch, as data sets hold them."""
    model, titles = network(), []
    model.class_names, model.image_size = ["hay", "bee", "sea", "day"], 11
    nv.create_class_visualization(
        label, model, num_iterations=1, callback=lambda image, title: titles.append(title)
    )
    assert titles == ["sea, step 1 of 1"]


def test_generator(monkeypatch):
    """A seed gives one picture, by default 0's; the global generator and the model stay; no
    callback, no figure.
    """
    monkeypatch.setattr("matplotlib.pyplot.subplots", None)
    model, state = in_disorder(network()), torch.random.get_rng_state()
    before = condition(model)
    zero, one = (
        painting(model, generator=torch.Generator().manual_seed(seed))[0] for seed in (0, 1)
    )
    assert zero == painting(model)[0] == painting(network())[0] != one
    with pytest.raises(ValueError, match=f"expected labels from 0 to {C - 1}, got {C}"):
        nv.create_class_visualization(C, model, callback=None)
    assert torch.equal(torch.random.get_rng_state(), state) and condition(model) == before


@pytest.mark.parametrize(
    "labels", [[0, 7, 14, 21], pytest.param(range(22), marks=pytest.mark.corpus)]
)
def test_toytown(labels):
    """For the network that comes with the project, a painted class gets the highest score; `-m
    corpus` paints every class.
    """
    model = load_squeezenet("toytown")
    for label in labels:
        image = nv.create_class_visualization(
            label, model, learning_rate=14, num_iterations=25, callback=None
        )
        assert model(preprocess(image, 128).to(next(model.parameters()))).argmax() == label


def test_toytown_can_always_be_climbed():
    """No class of the project's network is zero everywhere on one of its pictures, so each has a
    gradient there.
    """
    model = load_squeezenet("toytown")
    X = torch.cat([preprocess(picture(SEED, "val", number)[1], 128) for number in range(40)])
    X = X.to(next(model.parameters()))
    assert (model.classifier[1](model.features(X)).amax((2, 3)) > 0).all()


@pytest.mark.filterwarnings("error")
def test_imagenet(shared_data):
    """The real network is right about 13 of 25 real pictures, with five guesses about 18; a few
    steps fool it.
    """
    model, (X, y, _) = load_squeezenet("imagenet"), load_imagenet_val()
    X = torch.cat([preprocess(Image.fromarray(x)) for x in X]).to(next(model.parameters()))
    right = model(X).topk(5).indices.cpu() == torch.tensor(y)[:, None]
    assert right[:, 0].sum() == 13 and right.sum() == 18
    rng = np.random.default_rng(0)
    chosen, targets = rng.choice(25, 3, replace=False), torch.tensor(rng.integers(0, 1000, 3))
    assert (
        model(nv.make_fooling_image(X[chosen], targets, model)).argmax(1).tolist()
        == targets.tolist()
    )


class Answering(nn.Module):
    """A network of convolutions that gives its scores in some form."""

    def __init__(self, form):
        super().__init__()
        self.inner, self.form = network(), form

    def forward(self, X):
        return self.form(self.inner(X))


FORMS = {
    "a tuple": lambda scores: (scores, None),
    "a list": lambda scores: [scores],
    "an object with logits": lambda scores: SimpleNamespace(logits=scores, loss=None),
    "a dictionary with logits": lambda scores: {"loss": None, "logits": scores},
    "maps of one pixel": lambda scores: scores[:, :, None, None],
    "a tuple with logits": lambda scores: collections.namedtuple("Out", "aux logits")(0, scores),
}


@methods
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_networks_that_wrap_their_scores(method, form):
    """Scores in a tuple, or in the attribute `logits`, are found: results are those of the plain
    network.
    """
    X, y = numbers(2, 3, 6, 5), torch.tensor([1, 2])
    torch.testing.assert_close(method(X, y, Answering(form)), method(X, y, network()))


@methods
def test_networks_with_one_score(method):
    """One score a picture, of shape (N,), is the score of class 0."""
    X, y = numbers(2, 3, 6, 5), torch.tensor([0, 0])
    column = Answering(lambda scores: scores[:, :1])
    torch.testing.assert_close(
        method(X, y, Answering(lambda scores: scores[:, 0])), method(X, y, column)
    )


NO_SCORES = {
    "a map": (lambda scores: scores[:, :, None], r"got \(2, 4, 1\)"),
    "a number": (lambda scores: scores.sum(), r"got \(\)"),
    "a dictionary": (lambda scores: {"scores": scores}, "got dict"),
    "nothing": (lambda scores: (), "got tuple"),
    "too few": (lambda scores: scores[:1], r"got \(1, 4\)"),
}


@methods
@pytest.mark.parametrize("form, fact", NO_SCORES.values(), ids=NO_SCORES)
def test_networks_without_scores(method, form, fact):
    """If no scores can be found, one sentence says what was expected and what came."""
    with pytest.raises(ValueError, match=rf"returns scores of shape \(2, C\), {fact}"):
        method(numbers(2, 3, 6, 5), torch.tensor([0, 1]), Answering(form))


def not_finite(value):
    """A network one of whose weights is this value."""
    model = network()
    with torch.no_grad():
        model[0].weight[0, 0] = value
    return model


NO_GRADIENT = "no gradient with respect to the picture"
NO_USE = {
    "detached": (Answering(lambda scores: scores.detach()), NO_GRADIENT),
    "classes": (Answering(lambda scores: scores.argmax(1)), NO_GRADIENT),
    "not a number": (not_finite(np.nan), "scores are NaN or infinite: check its weights"),
    "infinite": (not_finite(np.inf), "scores are NaN or infinite: check its weights"),
    "large kernels": (nn.Sequential(nn.Conv2d(3, 3, 7), *network()), "too small for its layers"),
    "large pools": (nn.Sequential(nn.MaxPool2d(7), *network()), "too small for its layers"),
    "meta": (network().to("meta"), "on the device meta, without weights"),
    "a function": (lambda X: X.mean((2, 3)), "expected a network, .* got function"),
}


@methods
@pytest.mark.parametrize("model, fact", NO_USE.values(), ids=NO_USE)
def test_networks_of_no_use(method, model, fact):
    """A network without gradient, weights or finite scores, or for larger pictures, is refused in a
    sentence that says so.
    """
    with pytest.raises(ValueError, match=fact):
        method(numbers(2, 3, 6, 5), torch.tensor([0, 0]), model)


@methods
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_networks_of_half_precision(method, dtype):
    """A network that computes in half precision reads single-precision pictures; the result is in
    single precision, close to that of the same network in single precision.
    """
    X, y = numbers(2, 3, 6, 5, dtype=torch.float32), torch.tensor([1, 2])
    half = network(torch.float32).to(dtype)
    found, expected = method(X, y, half), method(X, y, network(torch.float32))
    assert found.dtype == torch.float32 and half[0].weight.dtype == dtype
    assert (found - expected).norm() < 0.1 * expected.norm()


@methods
def test_first_layers_that_work_in_place(method):
    """A network whose first layer overwrites its input gives the same as one that doesn't, and the
    pictures are unchanged.
    """
    X, y = numbers(2, 3, 6, 5), torch.tensor([1, 2])
    x = X.clone()
    inplace, plain = (nn.Sequential(nn.ReLU(inplace), *network()) for inplace in (True, False))
    torch.testing.assert_close(method(X, y, inplace), method(X, y, plain))
    assert torch.equal(X, x)


ODD = {
    "num_iterations": [-1, 2.5, None],
    "blur_every": [-1, 2.5],
    "show_every": [-1, "all"],
    "max_jitter": [-1, 2.5, None],
    "image_size": [0, -1, 7.5, (8, 9)],
    "l2_reg": [np.nan, "none"],
    "learning_rate": [np.inf, None],
}


@pytest.mark.parametrize("name, value", [(name, v) for name, vs in ODD.items() for v in vs])
def test_odd_settings(name, value):
    """An invalid number of steps or pixels, or a number that isn't finite, is refused by
    its name.
    """
    said = "expected a size" if name == "image_size" else name
    with pytest.raises(ValueError, match=f"{said}.*, got "):
        painting(network(), **{name: value})


def test_never():
    """With show_every=0 nothing is shown, and with blur_every=0 nothing is blurred."""
    image, _ = painting(network(), show_every=0, callback=lambda *_: pytest.fail("called"))
    assert image == painting(network())[0]
    never, _ = painting(network(), blur_every=0, learning_rate=1)
    rarely, _ = painting(network(), blur_every=99, learning_rate=1)
    assert never != rarely  # which blurs after its first step
    assert never == painting(network(), blur_every=False, learning_rate=1)[0]


def test_the_bar_ends_where_all_are_done(capsys, monkeypatch):
    """The bar of fooling ends at 100 % with no picture left; a very short run shows no bar."""
    model = Quadratic((3, 3, 4, 4), curvature=0)
    nv.make_fooling_image(numbers(3, 3, 4, 4), 0, model, 0.3, 1000)
    assert capsys.readouterr().out == ""
    bar = nv.tqdm
    monkeypatch.setattr(nv, "tqdm", lambda **how: bar(**how | {"delay": 0}))
    nv.make_fooling_image(numbers(3, 3, 4, 4), 0, model, 0.3, 1000)
    last = capsys.readouterr().out.rstrip().rpartition("\r")[2]
    assert "100%" in last and "0 to go" in last
