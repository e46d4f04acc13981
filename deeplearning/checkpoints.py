"""Checkpoints of training: everything that the next step depends on, in one file without pickles.

A run that resumes from a checkpoint continues as if it had never been interrupted.
"""

import glob
import hashlib

import numpy as np
import psutil

from deeplearning.files import group, read_npz, write_npz


def save_checkpoint(path, solver):
    """Write a checkpoint; an existing file is replaced as a whole.

    Inputs:
    - path: Where to write
    - solver: A `CaptioningSolver`

    Raises OSError if the disk is full or can't be written; no half-written file is left.
    """
    kind, keys, position, has_gauss, cached = np.random.get_state()
    model_rng = getattr(solver.model, "rng", None)
    arrays = {
        "random_keys": keys,
        "loss_history": np.array(solver.loss_history),
        "val_loss_history": np.array(solver.val_loss_history),
    }
    hyperparameters = {}
    for name, config in solver.optim_configs.items():
        hyperparameters[name] = {}
        for key, value in config.items():
            if isinstance(value, np.ndarray):
                arrays[f"optim/{name}/{key}"] = value
            else:
                hyperparameters[name][key] = value
    for prefix, params in (
        ("params", solver.model.params),
        ("best", solver.best_params),
        ("mean", solver.mean_params),
    ):
        for name, w in (params or {}).items():
            arrays[f"{prefix}/{name}"] = w
    settings = {
        "fingerprint": _fingerprint(solver),
        "step": solver.step,
        "best_val_loss": solver.best_val_loss,
        "hyperparameters": hyperparameters,
        "random": [kind, position, has_gauss, cached],
        "model_rng": None if model_rng is None else model_rng.bit_generator.state,
        "arrays": sorted(arrays),
    }
    write_npz(path, settings, arrays)


def load_checkpoint(path, solver):
    """Restore a solver, its model and the random generators to the state in a checkpoint.

    Inputs:
    - path: File of the checkpoint
    - solver: A `CaptioningSolver` with the same settings and data

    Raises FileNotFoundError for a missing file, and ValueError for a damaged one or one from a run
    with other settings or data.
    """
    settings, arrays = read_npz(path)
    mine = _fingerprint(solver)
    its = settings.get("fingerprint", {})
    different = [key for key in mine if mine[key] != its.get(key)]
    if different:
        raise ValueError(
            f"{path} belongs to a run with other {', '.join(different)}: "
            "use the settings of that run, or start a new one with resume=False"
        )
    try:
        missing = set(settings["arrays"]) - set(arrays)
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
        _restore(solver, settings, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error!r}): delete it") from error


def remove_partial_checkpoints(path):
    """Remove the partial files of processes that were killed while writing a checkpoint; those of
    running processes stay.
    """
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        number = part.name.split(".")[-2]  # see files.atomic_write
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            part.unlink(missing_ok=True)


def _fingerprint(solver):
    """The settings and data that must match for a run to resume from a checkpoint."""
    hashes = {}
    for name in ("train_captions", "train_image_idxs"):
        content = np.ascontiguousarray(solver.data[name]).tobytes()
        hashes[name] = hashlib.sha256(content).hexdigest()
    params = {name: [list(w.shape), w.dtype.name] for name, w in solver.model.params.items()}
    return hashes | {
        "params": params,
        "update_rule": solver.update_rule,
        "optim_config": solver.optim_config,
        "lr_decay": solver.lr_decay,
        "batch_size": solver.batch_size,
        "clip_norm": solver.clip_norm,
        "average": solver.average,
    }


def _restore(solver, settings, arrays):
    """Read everything first, so that a damaged file changes nothing."""
    params = {name: arrays[f"params/{name}"] for name in solver.model.params}
    optim_configs = {}
    for name in params:
        moments = group(arrays, f"optim/{name}/")
        optim_configs[name] = settings["hyperparameters"][name] | moments
    kind, position, has_gauss, cached = settings["random"]
    random_state = kind, arrays["random_keys"], position, has_gauss, cached
    model_rng = settings["model_rng"]
    progress = {
        "step": settings["step"],
        "optim_configs": optim_configs,
        "mean_params": group(arrays, "mean/") or None,
        "best_params": group(arrays, "best/") or None,
        "best_val_loss": settings["best_val_loss"],
        "loss_history": arrays["loss_history"].tolist(),
        "val_loss_history": arrays["val_loss_history"].tolist(),
    }

    np.random.set_state(random_state)
    if model_rng is not None:
        solver.model.rng.bit_generator.state = model_rng
    solver.model.params.update(params)
    for name, value in progress.items():
        setattr(solver, name, value)
