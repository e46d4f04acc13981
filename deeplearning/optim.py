"""Update rules: from a parameter and its gradient to the parameter's next value.

All rules have the signature `next_w, config = rule(w, dw, config=None)`.

Inputs:
- w: Parameter, an array of any shape. It may be overwritten: use the returned value.
- dw: Gradient of the loss with respect to w, of the same shape
- config: Dictionary of hyperparameters and of the state that the rule keeps between steps. Missing
  entries are filled in with the defaults listed for each rule.

Returns a tuple of:
- next_w: Parameter after the step, of w's shape and dtype
- config: The dictionary to pass at the next step

Raises ValueError if dw, or an array of the rule's state, has another shape than w, and for an entry
that the rule does not know.
"""

import numpy as np

# the hyperparameters of each rule, and their defaults
SETTINGS = {
    "sgd": {"learning_rate": 1e-2},
    "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
    "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0},
}


def sgd(w, dw, config=None):
    """Stochastic gradient descent: w = w - learning_rate * dw.

    config: `learning_rate` (1e-2).
    """
    config = _prepare("sgd", w, dw, config)
    w -= config["learning_rate"] * dw
    return w, config


def sgd_momentum(w, dw, config=None):
    """Stochastic gradient descent with momentum.

    velocity = momentum * velocity - learning_rate * dw, then w = w + velocity.

    config: `learning_rate` (1e-2), `momentum` (0.9), `velocity` (zeros).

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning",
    2013, equation 1.
    """
    config = _prepare("sgd_momentum", w, dw, config, "velocity")
    velocity = config["velocity"]
    velocity *= config["momentum"]
    velocity -= config["learning_rate"] * dw
    w += velocity
    return w, config


def rmsprop(w, dw, config=None):
    """RMSProp: steps divided by a running root mean square of the gradient.

    cache = decay_rate * cache + (1 - decay_rate) * dw**2, then w = w - learning_rate * dw /
    (sqrt(cache) + epsilon).

    config: `learning_rate` (1e-2), `decay_rate` (0.99), `epsilon` (1e-8), `cache` (zeros).

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012.
    """
    config = _prepare("rmsprop", w, dw, config, "cache")
    cache = config["cache"]
    decay_rate = config["decay_rate"]
    cache *= decay_rate
    cache += (1 - decay_rate) * dw**2
    w -= config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])
    return w, config


def adam(w, dw, config=None):
    """Adam: running means of gradient and squared gradient, bias-corrected for their start at zero.

    t = t + 1, then

        m = m + (1 - beta1) * (dw - m)
        v = v + (1 - beta2) * (dw**2 - v)
        w = w - learning_rate * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + epsilon)

    config: `learning_rate` (1e-3), `beta1` (0.9), `beta2` (0.999), `epsilon` (1e-8), `m` and `v`
    (zeros), `t` (0).

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """
    config = _prepare("adam", w, dw, config, "m", "v")
    config["t"] += 1
    beta1 = config["beta1"]
    beta2 = config["beta2"]
    t = config["t"]
    m = config["m"]
    v = config["v"]
    m += (1 - beta1) * (dw - m)
    v += (1 - beta2) * (dw**2 - v)
    rate = config["learning_rate"] / (1 - beta1**t)
    w -= rate * m / (np.sqrt(v / (1 - beta2**t)) + config["epsilon"])
    return w, config


def _prepare(rule, w, dw, config, *moments):
    """The configuration with defaults filled in: hyperparameters, and zero moments of w's shape and
    dtype.
    """
    config = {} if config is None else config
    known = [*SETTINGS[rule], *moments]
    if unknown := [key for key in config if key not in known]:
        raise ValueError(
            f"optim_config has no setting {', '.join(map(repr, unknown))} for this rule: "
            f"there are {', '.join(known)}"
        )
    for key, value in SETTINGS[rule].items():
        config.setdefault(key, value)
    for key in moments:
        if config.get(key) is None:
            config[key] = np.zeros_like(w)
    for name, array in [("dw", dw)] + [(f"config[{key!r}]", config[key]) for key in moments]:
        if np.shape(array) != np.shape(w):
            raise ValueError(f"{name} must have w's shape {np.shape(w)}, got {np.shape(array)}")
    return config
