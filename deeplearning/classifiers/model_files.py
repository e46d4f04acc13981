"""How captioning models are saved: one file, an npz archive without pickles."""

import numpy as np

from deeplearning.familiarity import Familiarity
from deeplearning.feature_transform import FeatureTransform
from deeplearning.files import group, read_npz, write_npz


def write_model(path, model, half=False):
    """Write a model; an existing file is replaced as a whole.

    Inputs:
    - path: File to write
    - model: A `CaptioningRNN`
    - half: Whether to round the parameters to float16, which halves the file

    Raises ValueError for parameters that float16 can't hold, and OSError if the disk is full or
    can't be written; no half-written file is left.
    """
    settings = {
        "cell_type": model.cell_type,
        "dtype": model.dtype.name,
        "dropout": model.dropout,
        "word_to_idx": {word: int(index) for word, index in model.word_to_idx.items()},
    }
    dtype = np.float16 if half else model.dtype
    arrays = {}
    for name, value in model.params.items():
        with np.errstate(over="ignore"):
            arrays[f"params/{name}"] = rounded = value.astype(dtype, copy=False)
        if np.isinf(rounded).sum() > np.isinf(value).sum():
            raise ValueError(f"{name} holds numbers too large for float16: save with half=False")
    if model.feature_transform is not None:
        arrays |= model.feature_transform.to_arrays()
    if model.familiarity is not None:
        arrays |= model.familiarity.to_arrays()
    if model.standardize is not None:
        arrays["standardize/mean"], arrays["standardize/std"] = model.standardize
    write_npz(path, settings, arrays)


def read_model(path, make):
    """Read what `write_model` wrote.

    Inputs:
    - path: File to read
    - make: The class of the model, `CaptioningRNN`

    Returns: the model

    Raises FileNotFoundError for a missing file, and ValueError for one that is damaged or does not
    hold a model.
    """
    settings, arrays = read_npz(path)
    try:
        params = group(arrays, "params/")
        D, H = params["W_proj"].shape
        W = params["W_embed"].shape[1]
        statistics = group(arrays, "standardize/")
        model = make(
            settings["word_to_idx"],
            D,
            W,
            H,
            settings["cell_type"],
            settings["dtype"],
            dropout=settings["dropout"],
            standardize=(statistics["mean"], statistics["std"]) if statistics else None,
            params=params,
        )
        model.feature_transform = FeatureTransform.from_arrays(arrays)
        model.familiarity = Familiarity.from_arrays(arrays)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not hold a captioning model ({error}): train or fetch it again"
        ) from error
    return model
