"""The update rules, against PyTorch's optimisers and published values."""

import numpy as np
import pytest
import torch

from deeplearning import optim
from deeplearning.gradient_check import rel_error

RULES = {
    "sgd": ({"learning_rate": 0.05}, lambda w: torch.optim.SGD([w], lr=0.05)),
    "sgd_momentum": (
        {"learning_rate": 0.05, "momentum": 0.8},
        lambda w: torch.optim.SGD([w], lr=0.05, momentum=0.8),
    ),
    "rmsprop": (
        {"learning_rate": 0.05, "decay_rate": 0.95},
        lambda w: torch.optim.RMSprop([w], lr=0.05, alpha=0.95, eps=1e-8),
    ),
    "adam": (
        {"learning_rate": 0.05, "beta1": 0.8, "beta2": 0.95},
        lambda w: torch.optim.Adam([w], lr=0.05, betas=(0.8, 0.95), eps=1e-8),
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(1,), (), (0, 3), (3, 4), (70_000,), (3, 30_000), (2, 70_000)])
def test_ten_steps_agree_with_torch(rule, shape):
    """Ten steps with changing gradients end where PyTorch ends, to 1e-12 in float64; large arrays,
    too.
    """
    config, make = RULES[rule]
    rng = np.random.default_rng(0)
    w = np.array(rng.normal(size=shape))
    tw = torch.tensor(w, requires_grad=True)
    optimiser = make(tw)
    config = dict(config)
    for _ in range(10):
        dw = np.array(rng.normal(size=shape))
        tw.grad = torch.tensor(dw)
        optimiser.step()
        w, config = getattr(optim, rule)(w, dw, config)
    np.testing.assert_allclose(w, tw.detach().numpy(), atol=1e-12)


def test_adam_published_values():
    """The course's cell: one step from given moments at t = 5."""
    w, dw = np.linspace(-0.4, 0.6, 20).reshape(4, 5), np.linspace(-0.6, 0.4, 20).reshape(4, 5)
    m, v = np.linspace(0.6, 0.9, 20).reshape(4, 5), np.linspace(0.7, 0.5, 20).reshape(4, 5)
    expected = [
        [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
        [-0.1380274, -0.08544591, -0.03286534, 0.01971428, 0.0722929],
        [0.1248705, 0.17744702, 0.23002243, 0.28259667, 0.33516969],
        [0.38774145, 0.44031188, 0.49288093, 0.54544852, 0.59801459],
    ]
    next_w, config = optim.adam(w, dw, {"learning_rate": 1e-2, "m": m, "v": v, "t": 5})
    assert rel_error(next_w, np.array(expected)) < 1e-6 and config["t"] == 6


@pytest.mark.parametrize(
    "rule, defaults",
    [
        ("sgd", {"learning_rate": 1e-2}),
        ("sgd_momentum", {"learning_rate": 1e-2, "momentum": 0.9}),
        ("rmsprop", {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}),
        ("adam", {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
    ],
)
def test_defaults_and_dtype(rule, defaults):
    """Without a config the documented defaults are filled in, and float32 stays float32, moments
    included.
    """
    w, config = getattr(optim, rule)(np.ones(3, np.float32), np.ones(3, np.float32))
    assert w.dtype == np.float32 and defaults.items() <= config.items()
    assert all(
        value.dtype == np.float32 for value in config.values() if isinstance(value, np.ndarray)
    )


@pytest.mark.parametrize("rule", RULES)
def test_the_gradient_is_not_changed(rule):
    """dw may be used again after the step."""
    dw = np.array([1.0, -2.0])
    getattr(optim, rule)(np.ones(2), dw)
    np.testing.assert_array_equal(dw, [1, -2])


@pytest.mark.parametrize("rule", RULES)
def test_gradient_of_another_shape_is_refused(rule):
    """A broadcastable gradient is refused with ValueError, and w stays unchanged."""
    w = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"dw must have w's shape \(2, 3\), got \(3,\)"):
        getattr(optim, rule)(w, np.ones(3))
    assert (w == 1).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("key", ["lr", "learning rate", "weight_decay", 3])
def test_unknown_settings_are_refused(rule, key):
    """An unknown key is refused: it would silently train at the default rate."""
    with pytest.raises(ValueError, match=f"no setting {key!r} .* learning_rate"):
        getattr(optim, rule)(np.ones(3), np.ones(3), {key: 0.1})


@pytest.mark.parametrize(
    ("rule", "key"),
    [("sgd_momentum", "velocity"), ("rmsprop", "cache"), ("adam", "m"), ("adam", "v")],
)
def test_moments_of_another_shape_are_refused(rule, key):
    """Moments must have w's shape too: ValueError names them, and w stays unchanged."""
    w = np.ones((2, 3))
    with pytest.raises(
        ValueError, match=rf"config\['{key}'\] must have w's shape \(2, 3\), got \(3,\)"
    ):
        getattr(optim, rule)(w, np.ones((2, 3)), {key: np.zeros(3)})
    assert (w == 1).all()
