"""The task that needs memory."""

import numpy as np
import pytest

from deeplearning import memory_task as task
from deeplearning.gradient_check import compare_gradients, eval_numerical_gradient
from deeplearning.layers import softmax_loss


def test_only_the_first_word_is_to_be_remembered():
    """The first word is one of eight, all others are of eight different ones; the same seed gives
    the same sequences.
    """
    x = task.sequences(np.random.default_rng(0), 500, 5)
    assert x.shape == (500, 6)
    assert set(x[:, 0]) == set(range(8)) and set(x[:, 1:].ravel()) == set(range(8, 16))
    np.testing.assert_array_equal(x, task.sequences(np.random.default_rng(0), 500, 5))


@pytest.mark.parametrize("cell_type", ["rnn", "lstm"])
def test_gradients_agree_with_finite_differences(cell_type):
    """The gradients that the task trains with are those of its loss, for every parameter."""
    rng = np.random.default_rng(0)
    params = task._first_params(rng, cell_type, 1.0)
    params = {name: value.astype(np.float64) for name, value in params.items()}
    x = task.sequences(rng, 2, 3)
    grads = task._gradients(params, cell_type, x)
    assert grads.keys() == params.keys()

    def loss(_):
        return softmax_loss(task._forward(params, cell_type, x)[0], x[:, 0])[0]

    for name in ("W_embed", "b", "W_answer", "b_answer"):
        numeric = eval_numerical_gradient(loss, params[name], verbose=False)
        verdict = compare_gradients(grads[name], numeric, name)
        assert verdict, str(verdict)


def test_forget_bias_is_put_into_the_forget_gates():
    """The second block of the LSTM's biases starts with this value, all others with zero."""
    b = task._first_params(np.random.default_rng(0), "lstm", 3.0)["b"]
    np.testing.assert_array_equal(b.reshape(4, task.H)[:, 0], [0, 3, 0, 0])


def test_a_short_gap_is_learnt_and_no_training_is_chance():
    """Trained, both cells remember over five words; untrained, they get about one in eight
    right.
    """
    for cell_type in ("rnn", "lstm"):
        assert task.memory_task(cell_type, 5) > 0.9
        assert task.memory_task(cell_type, 5, steps=0) < 0.35


@pytest.mark.slow
def test_open_forget_gates_remember_over_forty_words():
    """With forget gates that start open, the LSTM bridges a gap where it fails otherwise."""
    assert task.memory_task("lstm", 40, 3.0) > 0.6
    assert task.memory_task("lstm", 40, 0.0) < 0.35
