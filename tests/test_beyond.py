"""Requirements that earn no points: the reference meets them, and each way to miss one is
reported.
"""

import warnings
from types import SimpleNamespace

import pytest
import torch

from deeplearning import network_visualization
from deeplearning.classifiers import rnn
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.network_visualization import compute_saliency_maps, make_fooling_image
from exercises.beyond import NOTED, TESTED, finding, notes
from exercises.notebook import NotRight, check
from exercises.points import table
from exercises.verdict import Verdict, judge


@pytest.mark.parametrize("name", TESTED)
def test_the_reference_does_it(name, capsys):
    """Dropout and temperature are right here, and the notebook's check says so."""
    assert finding(name) == ""
    check(name)
    assert capsys.readouterr().out == f"{name}: right\n"


@pytest.mark.parametrize("exercise", NOTED)
def test_the_reference_leaves_nothing_behind(exercise):
    """No note on the functions of question 3."""
    assert notes(exercise) == []


def passed_on(x, *_):
    return x, None


class DropsAlways(CaptioningRNN):
    def loss(self, features, captions, *, train=True):
        return super().loss(features, captions, train=True)


class DropsNever(CaptioningRNN):
    def loss(self, features, captions, *, train=True):
        return super().loss(features, captions, train=False)


@pytest.mark.parametrize(
    "model, says",
    [(DropsAlways, "`evaluate` drops numbers, too"), (DropsNever, "the same with it and without")],
)
def test_dropout_at_the_wrong_time(model, says):
    """Dropout during validation, or none at all, costs no points and is reported."""
    package = SimpleNamespace(rnn=SimpleNamespace(CaptioningRNN=model))
    assert judge("CaptioningRNN.loss[lstm]", package).right
    assert says in finding("dropout", package) and "costs no points" in finding("dropout", package)


@pytest.mark.parametrize(
    "skipped, says", [(0, "to the hidden states only"), (1, "to the word vectors only")]
)
def test_dropout_at_one_place_alone(monkeypatch, skipped, says):
    """The place where it is used is named."""
    right = rnn.dropout_forward
    calls = []

    def forward(x, p, rng):
        calls.append(p)
        return right(x, 0 if len(calls) % 2 != skipped else p, rng)

    monkeypatch.setattr(rnn, "dropout_forward", forward)
    assert says in finding("dropout")


@pytest.mark.parametrize("wrong, says", [(0, "dWx is wrong"), (1, "dW_embed is wrong")])
def test_dropout_forgotten_on_the_way_back(monkeypatch, wrong, says):
    """The gradient that misses dropout_backward is named; the notebook's check stops there."""
    right = rnn.dropout_backward
    calls = []

    def backward(dout, cache):
        calls.append(cache)
        return dout if len(calls) % 2 != wrong else right(dout, cache)

    monkeypatch.setattr(rnn, "dropout_backward", backward)
    with pytest.raises(NotRight, match=says):
        check("dropout")


def test_dropout_of_other_numbers(monkeypatch):
    """Any other loss is reported, with the right one."""
    right = rnn.dropout_forward
    monkeypatch.setattr(rnn, "dropout_forward", lambda x, p, rng: right(x, p / 2, rng))
    assert "where it should be 13.08" in finding("dropout")


@pytest.mark.parametrize(
    "wrong, says",
    [
        (lambda scores, temperature, rng: scores.argmax(1), "the same caption each time"),
        (
            lambda scores, temperature, rng: (
                scores * (temperature or 1) + rng.gumbel(size=scores.shape)
                if temperature
                else scores
            ).argmax(1),
            "not drawn from softmax",
        ),
    ],
)
def test_temperature(monkeypatch, wrong, says):
    """A temperature that is ignored, or multiplied by, is reported; greedy captions stay right."""
    monkeypatch.setattr(rnn, "_chosen", wrong)
    assert judge("CaptioningRNN.sample[lstm]").right
    assert says in finding("temperature")


def test_what_it_builds_on_comes_first(monkeypatch):
    """Dropout is not judged where the loss without it is wrong."""
    monkeypatch.setattr(rnn, "lstm_forward", lambda *_: 1 / 0)
    assert finding("dropout").startswith("dropout builds on CaptioningRNN.loss[lstm]")


def test_an_error_is_told(monkeypatch):
    """If the attempt raises, its error is reported."""
    monkeypatch.setattr(rnn, "_chosen", lambda scores, t, rng: scores.argmax(1) if not t else 1 / 0)
    assert "ended in ZeroDivisionError: division by zero" in finding("temperature")


def by_backward(X, y, model):
    x = X.detach().clone().requires_grad_()
    model(x).gather(1, y.view(-1, 1)).sum().backward()
    return x.grad.abs().amax(1)


def on_the_argument(X, y, model):
    X.requires_grad_()
    (dX,) = torch.autograd.grad(model(X).gather(1, y.view(-1, 1)).sum(), X)
    return dX.abs().amax(1)


def on_both(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().amax(1)


def in_evaluation_mode(X, y, model):
    return compute_saliency_maps(X, y, model.eval())


def frozen_for_good(X, y, model):
    return compute_saliency_maps(X, y, model.requires_grad_(False))


@pytest.mark.parametrize(
    "function, says",
    [
        (by_backward, "weights hold gradients in .grad"),
        (
            on_both,
            "require gradients. Work on X.detach().clone().requires_grad_(). Also, the network",
        ),
        (on_the_argument, "the pictures that were passed require gradients"),
        (in_evaluation_mode, "in evaluation mode"),
        (frozen_for_good, "no longer require gradients"),
    ],
)
def test_traces_of_a_saliency_map(monkeypatch, capsys, function, says):
    """Side effects of a right function are reported in the notebook and in the table, and cost no
    points; labels outside the network's classes are reported too.
    """
    monkeypatch.setattr(network_visualization, "compute_saliency_maps", function)
    check("compute_saliency_maps")
    printed = capsys.readouterr().out
    assert "right in all" in printed and says in printed
    lines = table({"compute_saliency_maps": Verdict("compute_saliency_maps")})
    assert "6 of 6" in lines and says in " ".join(lines.split())
    unchecked = function in (by_backward, on_the_argument, on_both)
    assert ("check_labels" in printed) == unchecked


def without_warning(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_fooling_image(*arguments, **options)


def same_tensor(X, target_y, model, learning_rate=1.0, max_steps=100, callback=None):
    kept = X.detach().clone()

    def watch(step, pictures, scores):
        callback(step, kept.copy_(pictures), scores)

    return make_fooling_image(X, target_y, model, learning_rate, max_steps, callback and watch)


@pytest.mark.parametrize(
    "function, says",
    [(without_warning, "get no warnings.warn"), (same_tensor, "the callback gets the same tensor")],
)
def test_what_fooling_leaves_out(monkeypatch, function, says):
    """A missing warning, and a callback whose pictures change afterwards, are reported."""
    monkeypatch.setattr(network_visualization, "make_fooling_image", function)
    (said,) = notes("make_fooling_image")
    assert says in said and "costs no points" in said


def without_callback(X, target_y, model, learning_rate=1.0, max_steps=100, callback=None):
    return make_fooling_image(X, target_y, model, learning_rate, max_steps)


def first_target(X, target_y, model, *others, **options):
    return make_fooling_image(X, torch.as_tensor(target_y).flatten()[0].item(), model, *others)


def fooled_ones_too(X, target_y, model, learning_rate=1.0, max_steps=100, callback=None):
    nudged = X + 1e-3
    return make_fooling_image(nudged, target_y, model, learning_rate, max_steps, callback)


@pytest.mark.parametrize(
    "function, says",
    [
        (without_callback, "the callback is not called"),
        (first_target, "of several targets only one is used"),
        (fooled_ones_too, "already taken for its target is changed"),
    ],
)
@pytest.mark.filterwarnings("ignore:not fooled")
def test_what_the_notebook_needs_of_fooling(monkeypatch, function, says):
    """Whatever the notebook's cells rely on, although points don't, is reported."""
    monkeypatch.setattr(network_visualization, "make_fooling_image", function)
    assert any(says in said for said in notes("make_fooling_image"))


def test_several_classes_at_once(monkeypatch):
    """A step that climbs the first of several classes for all pictures is reported; ours is
    right.
    """
    step = network_visualization.class_visualization_update_step
    assert not notes("class_visualization_update_step")

    def first(img, model, target_y, l2_reg, learning_rate):
        target = torch.as_tensor(target_y).flatten()[0].item()
        return step(img, model, target, l2_reg, learning_rate)

    monkeypatch.setattr(network_visualization, "class_visualization_update_step", first)
    (said,) = notes("class_visualization_update_step")
    assert "of several targets only one is used" in said


def test_the_table_has_a_row_without_points():
    """Problems that cost no points are listed once, below the exercises."""
    verdicts = {"lstm_forward": Verdict("lstm_forward")}
    lines = table(verdicts, beyond={"dropout": "dropout: it is gone.", "temperature": ""})
    assert lines.splitlines()[1:4] == [
        f"{'dropout':36s}not right",
        "    it is gone.",
        f"{'temperature':36s}right",
    ]
