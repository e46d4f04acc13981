"""Training of captioning models by stochastic gradient descent."""

import math
import sys
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deeplearning import optim
from deeplearning.checkpoints import (
    load_checkpoint,
    remove_partial_checkpoints,
    save_checkpoint,
)
from deeplearning.checks import check_counts, check_finite
from deeplearning.coco_utils import sample_coco_minibatch
from deeplearning.files import check_can_write

NEEDED = ("train_captions", "train_image_idxs", "train_features", "train_urls")  # keys of the data
UNBOUNDED = ("learning_rate", "epsilon", "t")  # all other settings of rules lie between 0 and 1


class CaptioningSolver:
    """Trains a model on minibatches of captioned images.

        solver = CaptioningSolver(model, data, "adam", {"learning_rate": 1e-3})
        solver.train()
        plt.plot(solver.loss_history)

    The model must have `params`, a dictionary of arrays, and `loss(features, captions)`, which
    returns the loss and a dictionary of gradients. If it has `evaluate(features, captions)`,
    validation uses that; if it has a Generator `rng`, checkpoints store its state.

    After training the model holds the last parameters, and the solver
    - loss_history: The training loss of each step
    - val_loss_history: The validation loss after each epoch; empty for data without a validation
      split
    - best_params: A copy of the parameters after the epoch with the lowest validation loss, or the
      last ones
    """

    def __init__(
        self,
        model,
        data,
        update_rule="sgd",
        optim_config=None,
        lr_decay=1.0,
        batch_size=100,
        num_epochs=10,
        print_every=10,
        verbose=True,
        *,
        checkpoint=None,
        resume=False,
        checkpoint_every=500,
        clip_norm=None,
        average=None,
        max_val=2000,
        **unknown,
    ):
        """Prepare training; nothing is computed or written yet.

        Inputs:
        - model: See the class
        - data: From `load_coco_data`, or a dictionary like it
        - update_rule: Name of a function in `deeplearning.optim`
        - optim_config: Dictionary of its hyperparameters, such as learning_rate
        - lr_decay: Factor by which to multiply the learning rate after each epoch
        - batch_size: Captions in a minibatch
        - num_epochs: Number of epochs; in each, about as many captions are drawn as the training
          split has
        - print_every: Steps between updates of the loss shown with the progress bar
        - verbose: Whether to show the progress bar
        - checkpoint: File for checkpoints, so that training can be resumed after an interruption;
          None for no checkpoints
        - resume: Whether to resume from that file, if it exists. The run then continues as if never
          interrupted
        - checkpoint_every: Steps between checkpoints; there is also one after each epoch
        - clip_norm: Maximum norm of all gradients together; larger ones are scaled down to it. None
          for no limit
        - average: None, or the decay of a running mean of the parameters, such as 0.999. The mean
          is then what is validated and kept in best_params: it is often better than the parameters
          at any single noisy step (Polyak and Juditsky, "Acceleration of stochastic approximation
          by averaging", 1992)
        - max_val: Maximum number of validation captions to use; never more than the training split
          has, so that validation costs less than training

        Raises ValueError for an unknown update rule, keyword or key of optim_config, a setting out
        of range, or a checkpoint that does not fit, and OSError if the checkpoint's folder is
        missing or can't be written to.
        """
        if unknown:
            raise ValueError(f"CaptioningSolver has no setting {', '.join(sorted(unknown))}")
        self.model = model
        self.data = data
        self.update_rule = update_rule
        self.optim_config = _python_numbers(optim_config or {})
        _check_range("lr_decay", lr_decay)
        self.lr_decay = float(lr_decay)
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.print_every = print_every
        self.verbose = verbose
        self.checkpoint = None if checkpoint is None else Path(checkpoint).absolute()
        self.checkpoint_every = checkpoint_every
        self.clip_norm = clip_norm
        self.average = average
        self.max_val = max_val
        self._check_settings(resume)

        self.step = 0
        self.optim_configs = {name: dict(self.optim_config) for name in model.params}
        self.mean_params = None if average is None else _copy(model.params)
        self.best_params = None
        self.best_val_loss = math.inf
        self.loss_history = []
        self.val_loss_history = []
        if resume:
            remove_partial_checkpoints(self.checkpoint)
            if self.checkpoint.exists():
                load_checkpoint(self.checkpoint, self)

    def _check_settings(self, resume):
        if self.update_rule not in optim.SETTINGS:
            raise ValueError(
                f"update_rule must be one of {', '.join(optim.SETTINGS)}, got {self.update_rule!r}"
            )
        self._check_optim_config()
        if self.checkpoint is not None:
            check_can_write(self.checkpoint, "checkpoint")
        check_counts(
            1,
            batch_size=self.batch_size,
            print_every=self.print_every,
            checkpoint_every=self.checkpoint_every,
            max_val=self.max_val,
        )
        _check_range("num_epochs", self.num_epochs)
        if self.clip_norm is not None and not (
            isinstance(self.clip_norm, Real) and self.clip_norm > 0
        ):
            raise ValueError(
                f"clip_norm must be positive, or None for no limit, got {self.clip_norm!r}"
            )
        if self.average is not None and not (
            isinstance(self.average, Real) and 0 <= self.average <= 1
        ):
            raise ValueError(
                "average must be a decay from 0 to 1, or None for no running mean, "
                f"got {self.average!r}"
            )
        if missing := [key for key in NEEDED if key not in self.data]:
            raise ValueError(
                f"data has no {', '.join(missing)}: it must be what load_coco_data returns"
            )
        if len(self.data["train_captions"]) == 0:
            raise ValueError("data holds no training captions")
        if resume and self.checkpoint is None:
            raise ValueError("resume=True needs checkpoint, the file to resume from")

    def _check_optim_config(self):
        known = optim.SETTINGS[self.update_rule]
        if unknown := [key for key in self.optim_config if key not in known]:
            raise ValueError(
                f"optim_config has no setting {', '.join(map(repr, unknown))} for this rule: "
                f"there are {', '.join(known)}"
            )
        for key, value in self.optim_config.items():
            _check_range(key, value, below=None if key in UNBOUNDED else 1)

    @property
    def steps_per_epoch(self):
        return max(len(self.data["train_captions"]) // self.batch_size, 1)

    def train(self):
        """Train for num_epochs, continuing from the step reached before, if any.

        Raises FloatingPointError, with the step and the learning rate, once the loss is no longer
        finite.
        """
        total = self.num_epochs * self.steps_per_epoch
        # stdout, because notebooks show stderr as if something had gone wrong
        with tqdm(
            total=total, initial=self.step, disable=not self.verbose, file=sys.stdout, unit="step"
        ) as bar:
            while self.step < total:
                self._train_step()
                if self.step % self.print_every == 0 or self.step == total:
                    bar.set_postfix_str(self._progress(), refresh=False)
                epoch_ends = self.step % self.steps_per_epoch == 0
                if epoch_ends:
                    self._end_epoch()
                if self.checkpoint and (epoch_ends or self.step % self.checkpoint_every == 0):
                    save_checkpoint(self.checkpoint, self)
                bar.update()
        if not self.val_loss_history:
            self.best_params = _copy(self.mean_params or self.model.params)

    def _progress(self):
        val = f", val {self.val_loss_history[-1]:.3f}" if self.val_loss_history else ""
        return f"loss {self.loss_history[-1]:.3f}{val}"

    def _train_step(self):
        """One minibatch and one update of every parameter."""
        captions, features, _ = sample_coco_minibatch(self.data, self.batch_size, "train")
        loss, grads = self.model.loss(features, captions)
        self._check_finite("loss", loss)
        if self.clip_norm is not None:
            grads = self._clipped(grads)
        rule = getattr(optim, self.update_rule)
        params = self.model.params
        for name, w in params.items():
            config = self.optim_configs[name]
            params[name], self.optim_configs[name] = rule(w, grads[name], config)
        self.loss_history.append(float(loss))
        self.step += 1
        if self.average is not None:
            self._update_mean()

    def _clipped(self, grads):
        """The gradients, scaled down if their common norm is larger than clip_norm."""
        norm = math.sqrt(sum(float(np.vdot(grad, grad)) for grad in grads.values()))
        self._check_finite("norm of the gradients", norm)
        if norm <= self.clip_norm:
            return grads
        scale = self.clip_norm / norm
        return {name: grad * grad.dtype.type(scale) for name, grad in grads.items()}

    def _update_mean(self):
        # with the full decay from the start, the first steps would keep too much weight
        decay = min(self.average, self.step / (self.step + 9))
        for name, mean in self.mean_params.items():
            mean += mean.dtype.type(1 - decay) * (self.model.params[name] - mean)

    def _check_finite(self, name, value):
        if not math.isfinite(value):
            rate = next(iter(self.optim_configs.values())).get("learning_rate", "the default")
            raise FloatingPointError(
                f"the {name} is {value} at step {self.step + 1} with learning rate {rate}: "
                "start again with a smaller learning_rate, or limit the gradients with clip_norm"
            )

    def _end_epoch(self):
        """Decay the learning rate, measure the validation loss, and keep the parameters if they are
        the best so far.
        """
        for config in self.optim_configs.values():
            config["learning_rate"] *= self.lr_decay
        if len(self.data.get("val_captions", ())) == 0:
            return
        last_params = self.model.params
        try:
            self.model.params = self.mean_params or last_params
            val_loss = self._validation_loss()
            self._check_finite("validation loss", val_loss)
            self.val_loss_history.append(val_loss)
            if val_loss < self.best_val_loss:
                self.best_val_loss = val_loss
                self.best_params = _copy(self.model.params)
        finally:
            self.model.params = last_params

    def _validation_loss(self):
        """Mean loss of validation captions, spread evenly over the split and the same in every
        epoch.
        """
        data = self.data
        available = len(data["val_captions"])
        count = min(available, len(data["train_captions"]), self.max_val)
        chosen = np.linspace(0, available - 1, count).astype(int)
        total = 0.0
        for start in range(0, count, self.batch_size):
            rows = chosen[start : start + self.batch_size]
            features = data["val_features"][data["val_image_idxs"][rows]]
            total += self._evaluate(features, data["val_captions"][rows]) * len(rows)
        return total / count

    def _evaluate(self, features, captions):
        if hasattr(self.model, "evaluate"):
            return self.model.evaluate(features, captions)
        return self.model.loss(features, captions)[0]


def _check_range(name, value, below=None):
    """Refuse numbers that are not finite, negative, or too large."""
    check_finite(**{name: value})
    if value < 0 or below is not None and value >= below:
        limit = "" if below is None else f" and below {below}"
        raise ValueError(f"{name} must be at least 0{limit}, got {value}")


def _python_numbers(config):
    """NumPy scalars as Python's: a float64 scalar would promote float32 parameters to float64."""
    if not isinstance(config, Mapping):
        raise ValueError(
            f"optim_config must be a dictionary, such as {{'learning_rate': 1e-3}}, got {config!r}"
        )
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in config.items()
    }


def _copy(params):
    return {name: w.copy() for name, w in params.items()}
