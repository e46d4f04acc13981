"""Checks that earn no points: dropout, temperature, and the side effects of a function.

Solutions of other editions lack these, so the grader ignores them. Tests and notebooks don't:
dropout and temperature have tests of their own, and if a function of question 3 leaves traces, a
note says which, and how to avoid them.
"""

import contextlib
import io
import warnings

import numpy as np

from exercises.calls import Package, network
from exercises.compare import norm
from exercises.verdict import judge

WORDS = {"<NULL>": 0, "<START>": 1, "<END>": 2, "cat": 3, "dog": 4, "tree": 5}
NO_POINTS = "This costs no points, but the notebook needs it."


def finding(name, package=None):
    """What is wrong with a task that earns no points.

    Inputs:
    - name: "dropout" or "temperature"
    - package: Namespace with the modules of the exercises, by default those of `deeplearning`

    Returns: sentences, or an empty string if all is right
    """
    package = package or Package()
    below, look = TESTED[name]
    verdict = judge(below, package)
    if verdict.missing:
        return verdict.findings[0]
    if not verdict.right:
        return f"{name} builds on {below}, which is not right yet: begin there."
    said = _attempt(look, package)
    return f"{name}: {said} {NO_POINTS}" if said else ""


def notes(exercise, package=None):
    """Side effects and omissions of a function whose answers are right.

    Inputs:
    - exercise: Its name, as in `CALLS`
    - package: As for `finding`

    Returns: list of sentences
    """
    package = package or Package()
    said = [_attempt(look, package) for look in NOTED.get(exercise, [])]
    return [f"{exercise}: {sentence} This costs no points." for sentence in said if sentence]


def _attempt(look, package):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return look(package)
        except Exception as error:
            return f"it ended in {type(error).__name__}: {error}."


def _model(package, dropout=0.0):
    """A small LSTM captioner in float64, with a minibatch for it; all numbers are fixed."""
    rng = np.random.default_rng(231)
    D, W, H, V = 4, 7, 6, len(WORDS)
    shapes = {"W_embed": (V, W), "W_proj": (D, H), "b_proj": (H,), "Wx": (W, 4 * H)}
    shapes |= {"Wh": (H, 4 * H), "b": (4 * H,), "W_vocab": (H, V), "b_vocab": (V,)}
    params = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    features = rng.normal(size=(3, D))
    captions = rng.integers(3, V, size=(3, 6))
    given = {"dtype": np.float64, "dropout": dropout, "params": params}
    model = package.rnn.CaptioningRNN(WORDS, D, W, H, "lstm", **given)
    return model, features, captions


# The loss of that model with a dropout of 0.5 and np.random.default_rng(0)
DROPPED_OUT = 13.081412381429933
ONLY = {"hidden states": 15.410357488582799, "word vectors": 12.246201860336788}


def _dropout(package):
    plain, features, captions = _model(package)
    model, *_ = _model(package, dropout=0.5)
    without = plain.loss(features, captions)[0]
    if not np.isclose(model.evaluate(features, captions), without, rtol=1e-9):
        return (
            "`evaluate` drops numbers, too. Use `drop`, which is 0 outside training, and not "
            "self.dropout."
        )

    def dropped_out():
        model.rng = np.random.default_rng(0)
        return model.loss(features, captions)

    loss, grads = dropped_out()
    if np.isclose(loss, without, rtol=1e-9):
        return (
            "the loss is the same with it and without it. Put dropout_forward(..., drop, self.rng) "
            "after the word vectors and after the hidden states."
        )
    for where, value in ONLY.items():
        if np.isclose(loss, value, rtol=1e-9):
            return f"it is applied to the {where} only; word vectors and hidden states both get it."
    if not np.isclose(loss, DROPPED_OUT, rtol=1e-9):
        return (
            f"the loss is {loss:.6f} where it should be {DROPPED_OUT:.6f}. Use `drop` and "
            "self.rng, first for the word vectors, then for the hidden states, nowhere else."
        )
    for name, where in (("Wx", "dh"), ("W_embed", "dx")):
        if not _fits(lambda: dropped_out()[0], model.params[name], grads[name]):
            return f"d{name} is wrong with it: {where} must pass through dropout_backward."
    return ""


def _fits(loss, w, gradient, step=1e-6):
    """Whether a gradient agrees with the slope of a loss along one direction."""
    kept = w.copy()
    direction = np.random.default_rng(1).normal(size=w.shape)
    slope = 0
    for sign in (1, -1):
        w[...] = kept + sign * step * direction
        slope += sign * loss() / (2 * step)
    w[...] = kept
    return np.isclose(np.sum(gradient * direction), slope, rtol=1e-5, atol=1e-7)


def _temperature(package, draws=4000):
    model, features, _ = _model(package)
    V = len(WORDS)
    scores = _first_word(model, features[:1])
    for temperature in (0.5, 2.0):
        many = np.repeat(features[:1], draws, axis=0)
        how = {"temperature": temperature, "rng": np.random.default_rng(0)}
        words = model.sample(many, max_length=1, **how)[:, 0]
        shares = np.bincount(words, minlength=V)[:V] / draws
        if shares.max() == 1:
            return (
                "`sample` writes the same caption each time. Draw the words by _chosen(scores, "
                "temperature, rng)."
            )
        right = np.exp(scores / temperature)
        right /= right.sum()
        if norm(shares - right) > 5 / np.sqrt(draws):  # at least five standard errors
            return (
                f"at {temperature:g}, words are not drawn from softmax(scores / temperature). "
                "_chosen(scores, temperature, rng) does that."
            )
    return ""


def _first_word(model, features):
    """Log-probability of each word of the vocabulary as the first one of a caption, (V,)."""
    V = len(WORDS)
    one = np.repeat(features, V, axis=0)
    scores = model.log_probabilities(one, np.arange(V)[:, None])  # <NULL> doesn't count there
    scores[0] = np.log(1 - np.exp(scores[1:]).sum())
    return scores


def _pictures():
    """A small network whose weights require gradients, pictures for it, and their labels."""
    import torch  # imported here, because questions 1 and 2 don't need it

    rng = np.random.default_rng(5)
    weights = {"conv_w": rng.normal(size=(3, 3, 3, 3)), "conv_b": rng.normal(size=3)}
    weights |= {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=4)}
    model = network(weights).train().requires_grad_(True)
    return model, torch.from_numpy(rng.normal(size=(2, 3, 4, 5))), torch.tensor([1, 3])


def traces(model, X):
    """Traces that a function left in a network in training mode whose weights require gradients, or
    in the pictures passed to it: a sentence, or an empty string.
    """
    import torch

    weights = list(model.parameters())
    found = {
        "the pictures that were passed require gradients. Work on "
        "X.detach().clone().requires_grad_().": X.requires_grad or X.grad is not None,
        "the network's weights hold gradients in .grad, which backward() puts there. "
        "torch.autograd.grad(score, X) gives the gradient of the pictures alone.": any(
            weight.grad is not None for weight in weights
        ),
        "the network is in evaluation mode. Leave the mode as it was.": not model.training,
        "the network's weights no longer require gradients. Leave that as it was.": not all(
            weight.requires_grad for weight in weights
        ),
        "PyTorch no longer computes gradients. Use torch.no_grad() in a `with`.": (
            not torch.is_grad_enabled()
        ),
    }
    told = " Also, ".join(sentence for sentence, is_so in found.items() if is_so)
    return f"afterwards, {told}" if told else ""


def _saliency_traces(package):
    model, X, y = _pictures()
    package.network_visualization.compute_saliency_maps(X, y, model)
    return traces(model, X)


def _saliency_labels(package):
    model, X, y = _pictures()
    try:
        package.network_visualization.compute_saliency_maps(X, y + 1, model)
    except ValueError:
        return ""
    except Exception:
        pass  # PyTorch's own error says less
    return (
        "labels that the network doesn't know raise no ValueError. check_labels(y, scores) does "
        "that."
    )


def _fooling_traces(package):
    model, X, _ = _pictures()
    package.network_visualization.make_fooling_image(X, 1, model, max_steps=2)
    return traces(model, X)


def _fooling_warning(package):
    model, X, _ = _pictures()
    target = int(model(X).detach()[0].argmin())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        package.network_visualization.make_fooling_image(X, target, model, 1e-6, 2)
    return "" if caught else "pictures that are not fooled after max_steps get no warnings.warn."


def _fooling_callback(package):
    model, X, _ = _pictures()
    target = int(model(X).detach()[0].argmin())
    seen = []

    def watch(_step, pictures, _scores):
        seen.append(pictures)

    package.network_visualization.make_fooling_image(X, target, model, 1e-3, 3, watch)
    if len(seen) < 2:
        return "the callback is not called before each step, with its number, pictures and scores."
    if (seen[0] == seen[-1]).all():
        return (
            "the callback gets the same tensor at every step, so what it keeps changes afterwards. "
            "Pass it a clone, or make a new tensor: X_fooling = X_fooling + step."
        )
    return ""


def _fooling_targets(package):
    model, X, _ = _pictures()
    fool = package.network_visualization.make_fooling_image
    scores = model(X).detach()
    targets = scores.argmin(1)
    targets[0] = scores[0].argmax()  # that picture is fooled before the first step
    changed = fool(X, targets, model, 0.05, 2)
    if not (changed[0] == X[0]).all():
        return (
            "a picture that is already taken for its target is changed anyway. Only pictures that "
            "don't fool the network yet take a step."
        )
    alone = fool(X[1:], int(targets[1]), model, 0.05, 2)
    if not np.allclose(changed[1].detach(), alone[0].detach()):
        return "of several targets only one is used. Each picture climbs its own, target_y[i]."
    return ""


def _update_targets(package):
    model, X, y = _pictures()
    step = package.network_visualization.class_visualization_update_step
    both = step(X, model, y, 0.1, 1.0).detach()
    for i in range(len(X)):
        alone = step(X[i : i + 1], model, int(y[i]), 0.1, 1.0).detach()
        if not np.allclose(both[i], alone[0]):
            return "of several targets only one is used. Each picture climbs its own, target_y[i]."
    return ""


def _update_traces(package):
    model, X, _ = _pictures()
    package.network_visualization.class_visualization_update_step(X, model, 1, 0.1, 1.0)
    return traces(model, X)


# Tasks with a test of their own, and the exercise that each builds on
TESTED = {
    "dropout": ("CaptioningRNN.loss[lstm]", _dropout),
    "temperature": ("CaptioningRNN.sample[lstm]", _temperature),
}
NOTED = {
    "compute_saliency_maps": [_saliency_traces, _saliency_labels],
    "make_fooling_image": [
        _fooling_traces,
        _fooling_warning,
        _fooling_callback,
        _fooling_targets,
    ],
    "class_visualization_update_step": [_update_traces, _update_targets],
}
