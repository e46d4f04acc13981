import errno
import gc
import io
import math
import os
import tracemalloc

import numpy as np
import pytest

from deeplearning.captioning_solver import CaptioningSolver
from deeplearning.checkpoints import load_checkpoint
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.files import read_npz, write_npz

RULES = ["sgd", "sgd_momentum", "rmsprop", "adam"]


class LeastSquares:
    """A student's minimal model, with params and loss only: (2nd to 4th word - features @ W - b)^2."""

    def __init__(self, dtype=np.float64):
        self.params = {"W": np.zeros((6, 3), dtype), "b": np.zeros(3, dtype)}

    def loss(self, features, captions):
        error = features @ self.params["W"] + self.params["b"] - captions[:, 1:4]
        gradients = {"W": features.T @ error / len(error), "b": error.mean(axis=0)}
        grads = {name: grad.astype(self.params[name].dtype) for name, grad in gradients.items()}
        return 0.5 * (error**2).sum() / len(error), grads


class Fails(LeastSquares):
    """Does something special at one call of loss."""

    def __init__(self, call, action):
        super().__init__()
        self.calls, self.call, self.action = 0, call, action

    def loss(self, features, captions):
        self.calls += 1
        loss, grads = super().loss(features, captions)
        return (self.action(), grads) if self.calls == self.call else (loss, grads)


class Judged(LeastSquares):
    """Has given validation losses."""

    def __init__(self, losses):
        super().__init__()
        self.losses = iter(losses)

    def evaluate(self, features, captions):
        return next(self.losses)


@pytest.fixture
def data():
    """40 training captions of 10 images, 10 validation captions of 5."""
    rng = np.random.default_rng(0)
    return {
        "train_captions": rng.integers(3, 12, (40, 8)),
        "train_image_idxs": np.arange(40) % 10,
        "train_features": rng.standard_normal((10, 6)),
        "train_urls": np.array([f"http://images.example/{i}.jpg" for i in range(10)]),
        "val_captions": rng.integers(3, 12, (10, 8)),
        "val_image_idxs": np.arange(10) % 5,
        "val_features": rng.standard_normal((5, 6)),
        "val_urls": np.array([f"http://images.example/{i}.jpg" for i in range(5)]),
    }


def trained(data, model=None, seed=0, **settings):
    """A solver that has trained, by default two epochs of four steps."""
    np.random.seed(seed)
    settings = {"batch_size": 10, "num_epochs": 2, "verbose": False} | settings
    solver = CaptioningSolver(model or LeastSquares(), data, **settings)
    solver.train()
    return solver


def assert_same_run(solver, expected):
    """Every number of two runs agrees to the last bit."""
    assert (
        solver.loss_history == expected.loss_history
        and solver.val_loss_history == expected.val_loss_history
    )
    for name, w in expected.model.params.items():
        np.testing.assert_array_equal(solver.model.params[name], w, strict=True)
        np.testing.assert_array_equal(
            solver.best_params[name], expected.best_params[name], strict=True
        )


# Training


@pytest.mark.parametrize("clip_norm", [None, 3.0])
def test_sgd_step_by_step(data, clip_norm):
    """The history is that of the course's loop: np.random.choice, the gradient, clipping, decay
    after each epoch.
    """
    solver = trained(
        data,
        optim_config={"learning_rate": 0.1},
        lr_decay=0.5,
        num_epochs=3,
        batch_size=8,
        clip_norm=clip_norm,
    )
    np.random.seed(0)
    W, b, rate, expected = np.zeros((6, 3)), np.zeros(3), 0.1, []
    for step in range(15):
        rows = np.random.choice(40, 8)
        x, y = (
            data["train_features"][data["train_image_idxs"][rows]],
            data["train_captions"][rows, 1:4],
        )
        error = x @ W + b - y
        expected.append((error**2).sum() / 16)
        dW, db = x.T @ error / 8, error.sum(axis=0) / 8
        norm = np.sqrt((dW**2).sum() + (db**2).sum())
        scale = min(1, clip_norm / norm) if clip_norm else 1
        W, b = W - rate * scale * dW, b - rate * scale * db
        rate *= 0.5 if step % 5 == 4 else 1
    np.testing.assert_allclose(solver.loss_history, expected, rtol=1e-12)
    np.testing.assert_allclose(solver.model.params["W"], W, rtol=1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_loss_falls(data, rule):
    """Every update rule lowers the loss of a convex problem."""
    history = trained(
        data, update_rule=rule, optim_config={"learning_rate": 0.05}, num_epochs=30
    ).loss_history
    assert np.mean(history[-10:]) < 0.5 * np.mean(history[:3])


@pytest.mark.parametrize(
    "batch_size, steps", [(1, 40), (7, 5), (10, 4), (25, 1), (40, 1), (100, 1)]
)
def test_steps_per_epoch(data, batch_size, steps):
    """An epoch has as many steps as whole minibatches fit, at least one; the history holds one
    float for each.
    """
    solver = trained(data, batch_size=batch_size, num_epochs=3)
    assert len(solver.loss_history) == 3 * steps and len(solver.val_loss_history) == 3
    assert all(type(loss) is float for loss in solver.loss_history)


def test_seed_decides(data):
    """The same np.random.seed gives an identical run, a different seed a different run."""
    assert_same_run(trained(data, seed=1), trained(data, seed=1))
    assert trained(data, seed=1).loss_history != trained(data, seed=2).loss_history


def test_validation_does_not_disturb_training(data):
    """Validation draws nothing at random: without it the training losses are the same."""
    without = {key: value for key, value in data.items() if not key.startswith("val")}
    assert trained(data).loss_history == trained(without).loss_history


@pytest.mark.parametrize("clip_norm", [1e-3, 0.5])
def test_clip_norm_limits_the_update(data, clip_norm):
    """With sgd all parameters together move by at most rate * clip_norm, and by exactly that where
    the start is steep.
    """
    solver = trained(
        data, batch_size=40, num_epochs=1, clip_norm=clip_norm, optim_config={"learning_rate": 0.1}
    )
    moved = np.sqrt(sum((w**2).sum() for w in solver.model.params.values()))
    assert moved == pytest.approx(0.1 * clip_norm, rel=1e-9)
    assert_same_run(trained(data, clip_norm=1e9), trained(data))


def test_settings_are_not_changed(data):
    """optim_config and data stay as they were passed, so that a second solver starts like the
    first.
    """
    config = {"learning_rate": 0.1}
    copies = {key: value.copy() for key, value in data.items()}
    first = trained(data, update_rule="adam", optim_config=config, lr_decay=0.5)
    assert config == {"learning_rate": 0.1}
    for key, value in copies.items():
        np.testing.assert_array_equal(data[key], value)
    assert_same_run(trained(data, update_rule="adam", optim_config=config, lr_decay=0.5), first)


def test_no_epochs(data):
    """Zero epochs train nothing, and the best parameters are those of the model."""
    solver = trained(data, num_epochs=0)
    assert solver.loss_history == [] and not solver.best_params["W"].any()


def test_progress(data, capsys):
    """The progress bar shows steps, loss and rate on stdout; verbose=False shows nothing."""
    trained(data, verbose=True, print_every=1)
    output, errors = capsys.readouterr()
    assert "8/8" in output and "loss" in output and "step/s" in output and errors == ""
    trained(data)
    assert capsys.readouterr() == ("", "")


# Validation


@pytest.mark.parametrize("batch_size", [1, 4, 10, 40])
def test_validation_loss(data, batch_size):
    """The validation loss is the mean over all validation captions, whatever the size of the last
    minibatch.
    """
    solver = trained(data, batch_size=batch_size)
    features = data["val_features"][data["val_image_idxs"]]
    expected, _ = solver.model.loss(features, data["val_captions"])
    assert solver.val_loss_history[-1] == pytest.approx(expected, rel=1e-12)


def test_validation_uses_evaluate(data):
    """A model with dropout is validated without it, by its own evaluate."""
    model = CaptioningRNN(
        {word: i for i, word in enumerate(["<NULL>", *"abcdefghijk"])}, 6, 5, 4, dropout=0.5
    )
    solver = trained(data, model)
    expected = model.evaluate(data["val_features"][data["val_image_idxs"]], data["val_captions"])
    assert solver.val_loss_history[-1] == pytest.approx(expected, rel=1e-6)


def test_best_and_last_parameters(data):
    """best_params are a copy of those of the epoch with the lowest validation loss; the model keeps
    the last.
    """

    solver = trained(data, Judged([3.0, 1.0, 2.0, 1.0]), num_epochs=4)
    assert solver.val_loss_history == [3, 1, 2, 1]
    for epochs, params in ((2, solver.best_params), (4, solver.model.params)):
        expected = trained(data, num_epochs=epochs).model.params
        assert params.keys() == expected.keys()
        for name, w in expected.items():
            np.testing.assert_array_equal(params[name], w)
    assert not any(
        np.shares_memory(solver.best_params[name], w) for name, w in solver.model.params.items()
    )


@pytest.mark.parametrize("average", [0.0, 0.3, 0.999])
def test_running_mean(data, average):
    """With average, the mean of the parameters is validated and kept as the best; training itself
    is as without.
    """
    solver = trained(data, Judged([3.0, 2.0, 1.0]), num_epochs=3, batch_size=40, average=average)
    mean = {name: np.zeros_like(w) for name, w in solver.model.params.items()}
    for step in (1, 2, 3):
        params = trained(data, num_epochs=step, batch_size=40).model.params
        decay = min(average, step / (step + 9))
        mean = {name: decay * mean[name] + (1 - decay) * w for name, w in params.items()}
    for name, w in params.items():
        np.testing.assert_allclose(solver.best_params[name], mean[name], rtol=1e-12)
        np.testing.assert_array_equal(solver.model.params[name], w)


@pytest.mark.parametrize("empty", [False, True])
def test_no_validation_split(data, empty):
    """Data without validation captions trains; the best parameters are a copy of the last ones."""
    data = {key: value[:0] if key.startswith("val") else value for key, value in data.items()}
    if not empty:
        data = {key: value for key, value in data.items() if not key.startswith("val")}
    solver = trained(data)
    assert solver.val_loss_history == []
    solver.num_epochs += 1
    solver.train()  # the best ones follow
    for name, w in solver.model.params.items():
        np.testing.assert_array_equal(solver.best_params[name], w)
        assert solver.best_params[name] is not w


# Interruption

TRAIN = """
import os, sys, time
import numpy as np
from deeplearning.captioning_solver import CaptioningSolver
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.coco_utils import load_coco_data

data = load_coco_data(sys.argv[1])

def solver(seed, **settings):
    np.random.seed(seed)
    model = CaptioningRNN(data["word_to_idx"], 6, 8, 8, "lstm", dropout=0.3, rng=np.random.default_rng(seed))
    return CaptioningSolver(model, data, "adam", lr_decay=0.9, batch_size=10, num_epochs=6, verbose=False, **settings)

def hang(module, name, at):
    # the at-th call of a function, in the middle of which the process is killed
    function, calls = getattr(module, name), []
    def call(*arguments, **keywords):
        result = function(*arguments, **keywords)
        calls.append(name)
        if len(calls) == at:
            print("now", flush=True)
            time.sleep(600)
        return result
    setattr(module, name, call)
"""
KILL = (
    TRAIN
    + """
hang({"fsync": os, "loss": CaptioningRNN}[sys.argv[3]], sys.argv[3], int(sys.argv[4]))
solver(0, checkpoint=sys.argv[2], checkpoint_every=3).train()
"""
)
RESUME = (
    TRAIN
    + """
# where there is a checkpoint the seed makes no difference: everything random comes from there
resumed = solver(99 if os.path.exists(sys.argv[2]) else 0, checkpoint=sys.argv[2], checkpoint_every=3, resume=True)
print(resumed.step)
resumed.train()
whole = solver(0)
whole.train()
assert len(whole.loss_history) == 24 and len(whole.val_loss_history) == 6
assert resumed.loss_history == whole.loss_history and resumed.val_loss_history == whole.val_loss_history
for name, w in whole.model.params.items():
    np.testing.assert_array_equal(resumed.model.params[name], w, strict=True)
    np.testing.assert_array_equal(resumed.best_params[name], whole.best_params[name], strict=True)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "function, call, step", [("loss", 2, 0), ("loss", 11, 8), ("fsync", 1, 0), ("fsync", 6, 9)]
)
def test_killed_and_resumed(tiny_dataset, tmp_path, start_python, run_python, function, call, step):
    """After being killed during a step, or while writing a checkpoint, training resumes to
    identical numbers.
    """
    process = start_python("-c", KILL, tiny_dataset, tmp_path / "run", function, call)
    assert process.stdout.readline() == "now\n", process.stderr.read()
    process.kill()
    process.wait()
    assert (tmp_path / "run").exists() == (step > 0)
    assert len(list(tmp_path.glob(".run.*.part"))) == (function == "fsync")
    status, output, errors = run_python("-c", RESUME, tiny_dataset, tmp_path / "run")
    assert (status, output) == (0, f"{step}\n"), errors
    assert {path.name for path in tmp_path.iterdir()} == {"run", tiny_dataset.name}


def stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize("average", [None, 0.9])
@pytest.mark.parametrize("call", [4, 5, 9, 14, 21])
def test_interrupted_and_resumed(data, tmp_path, call, average):
    """Ctrl-C during a step or a validation, then resume: every number is as if there had been no
    interruption.
    """
    settings = {"num_epochs": 5, "update_rule": "adam", "average": average}
    checkpoint = {"checkpoint": tmp_path / "c", "checkpoint_every": 3}
    with pytest.raises(KeyboardInterrupt):
        trained(data, Fails(call, stop), **settings, **checkpoint)
    assert_same_run(
        trained(data, seed=99, resume=True, **settings, **checkpoint), trained(data, **settings)
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("number", [float, np.float32, np.float64])
def test_resumed_to_the_last_bit(data, tmp_path, rule, number):
    """A float32 model resumes bit for bit with every update rule, whatever the settings' types."""
    settings = {
        "update_rule": rule,
        "optim_config": {"learning_rate": number(0.013)},
        "lr_decay": number(0.9),
    }
    trained(data, LeastSquares(np.float32), checkpoint=tmp_path / "c", num_epochs=2, **settings)
    resumed = trained(
        data,
        LeastSquares(np.float32),
        seed=99,
        checkpoint=tmp_path / "c",
        resume=True,
        num_epochs=4,
        **settings,
    )
    assert_same_run(resumed, trained(data, LeastSquares(np.float32), num_epochs=4, **settings))


def test_resume_of_a_finished_run(data, tmp_path):
    """A finished run has nothing left to do on resume: it keeps its losses and best parameters."""
    finished = trained(data, checkpoint=tmp_path / "c")
    content = (tmp_path / "c").read_bytes()
    assert_same_run(trained(data, seed=9, checkpoint=tmp_path / "c", resume=True), finished)
    assert (tmp_path / "c").read_bytes() == content


def test_resume_keeps_the_best_epoch(data, tmp_path):
    """The best epoch before the interruption stays the best one if none after it is better."""
    trained(data, Judged([1.0, 3.0]), checkpoint=tmp_path / "c")
    resumed = trained(
        data, Judged([2.0, 4.0]), checkpoint=tmp_path / "c", resume=True, num_epochs=4
    )
    assert_same_run(resumed, trained(data, Judged([1.0, 3.0, 2.0, 4.0]), num_epochs=4))


def test_resume_without_checkpoint_file(data, tmp_path):
    """If there is nothing to resume, training starts anew; without resume, another run's checkpoint
    is replaced.
    """
    assert_same_run(trained(data, checkpoint=tmp_path / "c", resume=True), trained(data))
    other = trained(data, seed=5, batch_size=7, checkpoint=tmp_path / "c")
    assert_same_run(
        trained(data, seed=9, batch_size=7, checkpoint=tmp_path / "c", resume=True), other
    )


@pytest.mark.parametrize("name", ["run", "run [1]"])
@pytest.mark.parametrize("written", [True, False])
def test_no_part_stays(data, tmp_path, name, written):
    """Half-written files of a killed process are removed on resume, even of a first checkpoint;
    other files stay.
    """
    if written:
        trained(data, checkpoint=tmp_path / name)
    others = {f".other{name}.123.part", f"{name}.npz", f".{name}.part.txt"}
    for file in {*others, f".{name}.123.part"}:
        (tmp_path / file).write_bytes(b"half")
    trained(data, checkpoint=tmp_path / name, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {name, *others}


def test_checkpoint_stays_after_chdir(data, tmp_path, monkeypatch):
    """A relative checkpoint path counts from the directory where the solver was made."""
    monkeypatch.chdir(tmp_path)
    solver = CaptioningSolver(LeastSquares(), data, checkpoint="c", num_epochs=1, verbose=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    solver.train()
    assert (tmp_path / "c").exists()


CHANGES = {
    "batch_size": {"batch_size": 5},
    "update_rule": {"update_rule": "sgd"},
    "lr_decay": {"lr_decay": 0.5},
    "clip_norm": {"clip_norm": 1.0},
    "average": {"average": 0.9},
    "optim_config": {"optim_config": {"learning_rate": 0.5}},
    "params": {"model": LeastSquares(np.float32)},
    "train_captions": {"data": ("train_captions", np.full((40, 8), 3))},
    "train_image_idxs": {"data": ("train_image_idxs", np.zeros(40, int))},
}


@pytest.mark.parametrize("what", CHANGES)
def test_resume_of_another_run(data, tmp_path, what):
    """A checkpoint with other settings, another model or other data is refused, naming what
    differs, and stays.
    """
    settings = {"update_rule": "adam", "checkpoint": tmp_path / "c"}
    trained(data, **settings)
    content = (tmp_path / "c").read_bytes()
    change = dict(CHANGES[what])
    key, array = change.pop("data", ("train_urls", data["train_urls"]))
    with pytest.raises(ValueError, match=what) as raised:
        trained(data | {key: array}, **(settings | change), resume=True)
    assert str(tmp_path / "c") in str(raised.value)
    assert (tmp_path / "c").read_bytes() == content


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


DAMAGES = {
    "empty": lambda content: b"",
    "text": lambda content: b"hello\n",
    "half": lambda content: content[: len(content) // 2],
    "last byte": lambda content: content[:-1],
    "other archive": lambda content: npz(W=np.zeros(3)),
    "no settings": lambda content: npz(settings=np.array("{}")),
    "settings of another form": lambda content: npz(settings=np.array("[]")),
    "settings that are no JSON": lambda content: npz(settings=np.array("{")),
    "pickle": lambda content: npz(settings=np.array({}, dtype=object)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_checkpoint(data, tmp_path, damage):
    """A truncated checkpoint, or another kind of file, is refused by its name, and left alone."""
    trained(data, checkpoint=tmp_path / "c")
    (tmp_path / "c").write_bytes(damaged := damage((tmp_path / "c").read_bytes()))
    with pytest.raises(ValueError) as raised:
        trained(data, checkpoint=tmp_path / "c", resume=True)
    assert str(tmp_path / "c") in str(raised.value)
    assert (tmp_path / "c").read_bytes() == damaged


@pytest.mark.parametrize("lost", ["random", "step", "model_rng"])
def test_a_damaged_checkpoint_changes_nothing(data, tmp_path, lost):
    """If an entry is missing, neither the model nor the global generator is changed."""
    trained(data, checkpoint=tmp_path / "c")
    settings, arrays = read_npz(tmp_path / "c")
    del settings[lost]
    write_npz(tmp_path / "c", settings, arrays)
    solver = trained(data, num_epochs=0)
    params = {name: w.copy() for name, w in solver.model.params.items()}
    state = np.random.get_state()[1].copy()
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(tmp_path / "c", solver)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    for name, w in solver.model.params.items():
        np.testing.assert_array_equal(w, params[name])
    assert solver.step == 0


def test_single_array_as_checkpoint(data, tmp_path):
    """A file of a single array is not a checkpoint."""
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="array.npy"):
        trained(data, checkpoint=tmp_path / "array.npy", resume=True)


def test_any_damaged_byte(data, tmp_path):
    """Whichever byte of a checkpoint is damaged, it is refused by its name, or restores the right
    state.
    """
    finished = trained(data, checkpoint=tmp_path / "c", update_rule="adam", batch_size=40)
    content = (tmp_path / "c").read_bytes()
    refused = 0
    rng = np.random.default_rng(0)
    for place in [
        *rng.integers(len(content), size=150),
        *range(content.index(b"PK\x01\x02"), len(content), 3),
    ]:
        damaged = bytearray(content)
        damaged[place] ^= 0x41
        (tmp_path / "c").write_bytes(damaged)
        try:
            restored = trained(
                data, checkpoint=tmp_path / "c", update_rule="adam", batch_size=40, resume=True
            )
        except ValueError as error:
            assert str(tmp_path / "c") in str(error)
            refused += 1
        else:
            assert_same_run(restored, finished)
    assert refused > 150


# What can go wrong


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_disk_full_at_a_checkpoint(data, tmp_path, monkeypatch, function):
    """If a checkpoint can't be written, the error names it, the old one is intact and nothing else
    is left.
    """
    settings = {"checkpoint": tmp_path / "run.checkpoint", "update_rule": "adam"}
    before = trained(data, **settings)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, function, full)
        with pytest.raises(OSError, match="run.checkpoint.*No space left") as raised:
            trained(data, **settings, num_epochs=4, resume=True)
    assert raised.value.errno == errno.ENOSPC and str(tmp_path) in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["run.checkpoint"]
    assert_same_run(trained(data, **settings, resume=True), before)


# on Python 3.10, a zip that could not be written says so again when it is deleted
@pytest.mark.filterwarnings(
    "ignore:Exception ignored.*ZipFile:pytest.PytestUnraisableExceptionWarning"
)
def test_disk_full_while_writing(data, tmp_path):
    """If the disk fills up while a checkpoint is written, nothing has changed."""
    resource = pytest.importorskip("resource")
    settings = {"checkpoint": tmp_path / "run.checkpoint", "update_rule": "adam"}
    before = trained(data, **settings)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # no file of this process may grow larger
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match="run.checkpoint"):
            trained(data, **settings, num_epochs=4, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["run.checkpoint"]
    assert_same_run(trained(data, **settings, resume=True), before)


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_checkpoint_in_no_folder(data, tmp_path, folder):
    """A checkpoint in a folder that is missing, or a file, gives the one sentence that names it."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="folder of checkpoint .*run.checkpoint does not exist"):
        trained(data, checkpoint=tmp_path / folder / "run.checkpoint")


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float32("nan")])
def test_loss_that_is_not_finite(data, tmp_path, value):
    """A loss of NaN or infinity stops training, with the step and its learning rate; the checkpoint
    is from before.
    """
    settings = {
        "optim_config": {"learning_rate": 0.5},
        "lr_decay": 0.5,
        "checkpoint": tmp_path / "c",
    }
    with pytest.raises(FloatingPointError, match=r"step 7\b.*rate 0\.25\b"):
        # step 7 is the 8th call: the 5th is the validation after the first epoch
        trained(data, Fails(8, lambda: value), **settings)
    with pytest.raises(FloatingPointError, match="the validation loss is "):
        trained(data, Fails(5, lambda: value))
    resumed = trained(data, resume=True, **settings)
    assert len(resumed.loss_history) == 8 and np.isfinite(resumed.loss_history).all()


WRONG_SETTINGS = [
    {"update_rule": "adagrad"},
    {"update_rule": "_prepare"},
    {"learning_rate": 0.1},
    {"batch_size": 0},
    {"num_epochs": -1},
    {"print_every": 0},
    {"checkpoint_every": 0},
    {"max_val": 0},
    {"clip_norm": 0},
    {"clip_norm": -1.0},
    {"average": -0.5},
    {"resume": True},
    {"batch_size": 2.5},
    {"batch_size": "2"},
    {"num_epochs": None},
    {"print_every": None},
    {"max_val": 1.5},
    {"lr_decay": math.nan},
    {"lr_decay": -0.9},
    {"clip_norm": "5"},
    {"average": "0.9"},
    {"optim_config": 0.1},
    *(
        {"optim_config": {"learning_rate": rate}}
        for rate in (math.nan, math.inf, -0.1, "0.1", None)
    ),
]


@pytest.mark.parametrize("settings", WRONG_SETTINGS, ids=str)
def test_wrong_settings(data, settings):
    """An unknown update rule or keyword, or a setting out of range, is refused by its name before
    any step.
    """
    with pytest.raises(ValueError, match=f"{next(iter(settings))}|learning_rate"):
        CaptioningSolver(LeastSquares(), data, **settings)


@pytest.mark.parametrize("name", ["beta1", "beta2", "epsilon"])
def test_rates_of_adam(data, name):
    """Decay rates lie in [0, 1), and epsilon is not negative."""
    adam = {"update_rule": "adam", "verbose": False}
    CaptioningSolver(LeastSquares(), data, optim_config={name: 0.5}, **adam)
    wrong = [-0.1, math.nan, "0.9"] + ([] if name == "epsilon" else [1, 1.5])
    for value in wrong:
        with pytest.raises(ValueError, match=f"{name}.*, got "):
            CaptioningSolver(LeastSquares(), data, optim_config={name: value}, **adam)


def test_data_of_another_form(data):
    """Missing parts of the data are named."""
    del data["train_urls"]
    with pytest.raises(ValueError, match="data has no train_urls: it must be what load_coco_data"):
        CaptioningSolver(LeastSquares(), data)


def test_no_training_captions(data):
    """Data without training captions is refused."""
    for key in ("train_captions", "train_image_idxs"):
        data[key] = data[key][:0]
    with pytest.raises(ValueError, match="no training captions"):
        CaptioningSolver(LeastSquares(), data)


# Memory


@pytest.mark.slow
def test_memory_does_not_grow(data):
    """After 500 steps no more memory is in use than before, but for the losses."""
    model = CaptioningRNN(
        {word: i for i, word in enumerate(["<NULL>", *"abcdefghijk"])}, 6, 4, 4, "lstm", dropout=0.3
    )
    data = {key: data[key] for key in data if not key.startswith("val")} | {
        "train_captions": data["train_captions"][:, :3]
    }
    settings = {"update_rule": "adam", "batch_size": 10, "clip_norm": 5.0, "verbose": False}
    CaptioningSolver(model, data, num_epochs=5, **settings).train()
    solver = CaptioningSolver(model, data, num_epochs=125, **settings)
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        solver.train()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(solver.loss_history) == 500
    # the losses take 17,000 bytes, all features drawn would take 120,000
    assert after - before < 75_000


def test_unknown_key_of_optim_config(data, tmp_path):
    """A key unknown to the rule, and a checkpoint in a missing folder or at a folder's path, are
    refused at once.
    """
    with pytest.raises(ValueError, match="no setting 'lr' .* learning_rate"):
        trained(data, optim_config={"lr": 1.0})
    velocity = {"velocity": np.zeros(3)}  # each parameter has its own
    with pytest.raises(ValueError, match="no setting 'velocity' .* momentum"):
        trained(data, update_rule="sgd_momentum", optim_config=velocity)
    with pytest.raises(FileNotFoundError, match="folder of checkpoint .* make it first"):
        trained(data, checkpoint=tmp_path / "missing" / "run")
    with pytest.raises(IsADirectoryError, match="checkpoint .* is a folder: name a file"):
        CaptioningSolver(LeastSquares(), data, checkpoint=tmp_path)


def test_the_part_of_a_living_process_stays(data, tmp_path):
    """A second run with the same checkpoint removes what a dead one left, not what a live one
    writes.
    """
    alive = tmp_path / f".run.{os.getpid()}.part"
    dead = tmp_path / ".run.99999999.part"
    for part in (alive, dead):
        part.touch()
    trained(data, checkpoint=tmp_path / "run", resume=True, num_epochs=0)
    assert alive.exists() and not dead.exists()
