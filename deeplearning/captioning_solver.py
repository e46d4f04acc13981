"""Training of captioning models by stochastic gradient descent."""

import glob
import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deeplearning import optim
from deeplearning.coco_utils import sample_coco_minibatch
from deeplearning.files import atomic_write, read_npz


class CaptioningSolver:
    """Trains a model on minibatches of captioned images.

        solver = CaptioningSolver(model, data, update_rule="adam", optim_config={"learning_rate":
        1e-3}) solver.train() plt.plot(solver.loss_history)

    Of the model it needs `params`, a dictionary of arrays, and `loss(features, captions) -> loss,
    grads`. Where it has `evaluate(features, captions) -> loss`, validation uses that; where it has
    a Generator `rng`, checkpoints hold it.

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
        - lr_decay: Factor on the learning rate after each epoch
        - batch_size: Captions in a minibatch
        - num_epochs: How often to go through as many captions as the training split has
        - print_every: Steps between updates of the loss beside the progress bar
        - verbose: Whether to show the progress bar
        - checkpoint: File to which to write, so that training can go on after an interruption; None
          for none
        - resume: Whether to go on from that file, if it is there. The run then continues as if
          never interrupted
        - checkpoint_every: Steps between checkpoints; there is one after each epoch, too
        - clip_norm: Largest norm of all gradients together; larger ones are scaled down to it. None
          for no limit
        - average: None, or the decay of a running mean of the parameters, such as 0.999, which is
          what is validated and kept in best_params: a mean over many noisy steps is often better
          than any of them (Polyak and Juditsky, "Acceleration of stochastic approximation by
          averaging", 1992)
        - max_val: Largest number of validation captions to use; never more than the training split
          has, so that validation costs less than training

        Raises ValueError for an unknown update rule or keyword, a setting out of range, or a
        checkpoint that does not fit.
        """
        if unknown:
            raise ValueError(f"CaptioningSolver has no setting {', '.join(sorted(unknown))}")
        if update_rule not in ("sgd", "sgd_momentum", "rmsprop", "adam"):
            raise ValueError(
                f"update_rule must be sgd, sgd_momentum, rmsprop or adam, got {update_rule!r}"
            )
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("num_epochs", num_epochs, 0),
            ("print_every", print_every, 1),
            ("checkpoint_every", checkpoint_every, 1),
            ("max_val", max_val, 1),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        if clip_norm is not None and not clip_norm > 0:
            raise ValueError(f"clip_norm must be positive, or None for no limit, got {clip_norm}")
        if average is not None and not 0 <= average <= 1:
            raise ValueError(
                f"average must be a decay from 0 to 1, or None for no running mean, got {average}"
            )
        if len(data["train_captions"]) == 0:
            raise ValueError("data holds no training captions")
        if resume and checkpoint is None:
            raise ValueError("resume=True needs checkpoint, the file to go on from")
        self.model, self.data = model, data
        self.update_rule, self.lr_decay, self.batch_size = update_rule, float(lr_decay), batch_size
        # Python numbers: a float64 scalar of NumPy would drag float32 parameters to float64
        self.optim_config = {
            k: v.item() if isinstance(v, np.generic) else v for k, v in (optim_config or {}).items()
        }
        self.num_epochs, self.print_every, self.verbose = num_epochs, print_every, verbose
        self.checkpoint = None if checkpoint is None else Path(checkpoint).absolute()
        self.checkpoint_every, self.clip_norm, self.max_val = checkpoint_every, clip_norm, max_val
        self.average, self._mean_params = average, None if average is None else _copy(model.params)
        self.optim_configs = {name: dict(self.optim_config) for name in model.params}
        self.step = 0
        self.loss_history, self.val_loss_history = [], []
        self.best_params, self._best_val_loss = None, math.inf
        if resume:
            self._remove_partial_checkpoints()
            if self.checkpoint.exists():
                self._load_checkpoint()

    @property
    def steps_per_epoch(self):
        return max(len(self.data["train_captions"]) // self.batch_size, 1)

    def train(self):
        """Train until num_epochs are through, going on from the step reached before, if any.

        Raises FloatingPointError when the loss is no longer finite, with the step and the learning
        rate.
        """
        total = self.num_epochs * self.steps_per_epoch
        # stdout: notebooks show stderr as if something had gone wrong
        with tqdm(
            total=total, initial=self.step, disable=not self.verbose, file=sys.stdout, unit="step"
        ) as bar:
            while self.step < total:
                self._train_step()
                if self.step % self.print_every == 0 or self.step == total:
                    val = f", val {self.val_loss_history[-1]:.3f}" if self.val_loss_history else ""
                    bar.set_postfix_str(f"loss {self.loss_history[-1]:.3f}{val}", refresh=False)
                epoch_ends = self.step % self.steps_per_epoch == 0
                if epoch_ends:
                    self._end_epoch()
                if self.checkpoint and (epoch_ends or self.step % self.checkpoint_every == 0):
                    self._save_checkpoint()
                bar.update()
        if self.best_params is None:
            self.best_params = _copy(self._mean_params or self.model.params)

    def _train_step(self):
        """One minibatch and one update of every parameter."""
        captions, features, _ = sample_coco_minibatch(self.data, self.batch_size, "train")
        loss, grads = self.model.loss(features, captions)
        self._check_finite("loss", loss)
        scale = 1.0
        if self.clip_norm is not None:
            norm = math.sqrt(sum(float(np.vdot(grad, grad)) for grad in grads.values()))
            self._check_finite("norm of the gradients", norm)
            scale = min(1.0, self.clip_norm / norm) if norm > 0 else 1.0
        rule = getattr(optim, self.update_rule)
        for name, w in self.model.params.items():
            dw = grads[name] if scale == 1.0 else grads[name] * w.dtype.type(scale)
            self.model.params[name], self.optim_configs[name] = rule(
                w, dw, self.optim_configs[name]
            )
        self.loss_history.append(float(loss))
        self.step += 1
        if self.average is not None:
            share = 1 - min(
                self.average, self.step / (self.step + 9)
            )  # the first steps soon lose their weight
            for name, mean in self._mean_params.items():
                mean += mean.dtype.type(share) * (self.model.params[name] - mean)

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
            self.model.params = self._mean_params or last_params
            val_loss = self._validation_loss()
            self.val_loss_history.append(val_loss)
            if val_loss < self._best_val_loss:
                self._best_val_loss, self.best_params = val_loss, _copy(self.model.params)
        finally:
            self.model.params = last_params

    def _validation_loss(self):
        """Mean loss of validation captions, spread evenly over the split so that each epoch uses
        the same ones.
        """
        data, available = self.data, len(self.data["val_captions"])
        count = min(available, len(data["train_captions"]), self.max_val)
        chosen = np.linspace(0, available - 1, count).astype(int)
        evaluate = getattr(self.model, "evaluate", None) or (
            lambda *batch: self.model.loss(*batch)[0]
        )
        total = 0.0
        for start in range(0, count, self.batch_size):
            rows = chosen[start : start + self.batch_size]
            features = data["val_features"][data["val_image_idxs"][rows]]
            total += evaluate(features, data["val_captions"][rows]) * len(rows)
        return total / count

    def _fingerprint(self):
        """What must be the same for a checkpoint to go on from."""
        hashes = {
            name: hashlib.sha256(np.ascontiguousarray(self.data[name]).tobytes()).hexdigest()
            for name in ("train_captions", "train_image_idxs")
        }
        return hashes | {
            "params": {
                name: [list(w.shape), w.dtype.name] for name, w in self.model.params.items()
            },
            "update_rule": self.update_rule,
            "optim_config": self.optim_config,
            "lr_decay": self.lr_decay,
            "batch_size": self.batch_size,
            "clip_norm": self.clip_norm,
            "average": self.average,
        }

    def _save_checkpoint(self):
        """Everything that the next step depends on, in one npz archive without pickles."""
        kind, keys, position, has_gauss, cached = np.random.get_state()
        model_rng = getattr(self.model, "rng", None)
        hyperparameters, arrays = {}, {"random_keys": keys}
        for name, config in self.optim_configs.items():
            hyperparameters[name] = {
                k: v for k, v in config.items() if not isinstance(v, np.ndarray)
            }
            arrays |= {
                f"optim/{name}/{k}": v for k, v in config.items() if isinstance(v, np.ndarray)
            }
        arrays |= {f"params/{name}": w for name, w in self.model.params.items()}
        arrays |= {f"best/{name}": w for name, w in (self.best_params or {}).items()}
        arrays |= {f"mean/{name}": w for name, w in (self._mean_params or {}).items()}
        state = {
            "fingerprint": self._fingerprint(),
            "step": self.step,
            "best_val_loss": self._best_val_loss,
            "hyperparameters": hyperparameters,
            "random": [kind, position, has_gauss, cached],
            "model_rng": None if model_rng is None else model_rng.bit_generator.state,
        }
        arrays |= {
            "loss_history": np.array(self.loss_history),
            "val_loss_history": np.array(self.val_loss_history),
        }
        state["arrays"] = sorted(arrays)
        with atomic_write(self.checkpoint) as file:
            np.savez(file, settings=np.array(json.dumps(state, default=float)), **arrays)

    def _remove_partial_checkpoints(self):
        """What a process that was killed while it wrote has left behind."""
        for part in self.checkpoint.parent.glob(f".{glob.escape(self.checkpoint.name)}.*.part"):
            part.unlink(missing_ok=True)

    def _load_checkpoint(self):
        state, arrays = read_npz(self.checkpoint)
        mine, its = self._fingerprint(), state.get("fingerprint", {})
        different = [key for key in mine if mine[key] != its.get(key)]
        if different:
            raise ValueError(
                f"{self.checkpoint} belongs to a run with other {', '.join(different)}: "
                "use the settings of that run, or start a new one with resume=False"
            )
        try:
            if missing := set(state["arrays"]) - set(arrays):
                raise ValueError(f"it lacks {', '.join(sorted(missing))}")
            self._restore(state, arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{self.checkpoint} is damaged ({error!r}): delete it") from error

    def _restore(self, state, arrays):
        for name in self.model.params:
            self.model.params[name] = arrays[f"params/{name}"]
            moments = {
                k.rsplit("/", 1)[1]: v for k, v in arrays.items() if k.startswith(f"optim/{name}/")
            }
            self.optim_configs[name] = state["hyperparameters"][name] | moments
        self.best_params, self._mean_params = (
            {key.removeprefix(kind): w for key, w in arrays.items() if key.startswith(kind)} or None
            for kind in ("best/", "mean/")
        )
        self._best_val_loss = state["best_val_loss"]
        self.step = state["step"]
        self.loss_history = arrays["loss_history"].tolist()
        self.val_loss_history = arrays["val_loss_history"].tolist()
        kind, position, has_gauss, cached = state["random"]
        np.random.set_state((kind, arrays["random_keys"], position, has_gauss, cached))
        if state["model_rng"] is not None:
            self.model.rng.bit_generator.state = state["model_rng"]


def _copy(params):
    return {name: w.copy() for name, w in params.items()}
