"""Parameters of a captioning model: their shapes and initial values, and checks of given ones."""

import numpy as np


def parameter_shapes(V, D, W, H, cell_type):
    """Shapes of the parameters, in the order in which they are drawn."""
    K = H if cell_type == "rnn" else 4 * H
    return {
        "W_embed": (V, W),
        "W_proj": (D, H),
        "b_proj": (H,),
        "Wx": (W, K),
        "Wh": (H, K),
        "b": (K,),
        "W_vocab": (H, V),
        "b_vocab": (V,),
    }


def random_parameters(shapes):
    """Weights of variance 1 / (number of inputs), small word vectors, and biases of zero."""
    params = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            params[name] = np.zeros(shape)
        else:
            divisor = 100 if name == "W_embed" else np.sqrt(shape[0])
            params[name] = np.random.randn(*shape) / divisor
    return params


def checked_parameters(params, shapes):
    """Parameters, refused if their names or shapes are not those of a dictionary of shapes."""
    found = {name: w.shape for name, w in params.items()}
    if found != shapes:
        raise ValueError(f"the parameters must have the shapes {shapes}, got {found}")
    return params


def check_trained(params):
    """Refuse NaN in parameters, which gives empty captions. Infinity in b_vocab may be intended."""
    for name, w in params.items():
        if np.isnan(w).any():
            raise ValueError(
                f"params[{name!r}] holds NaN: did training diverge? Train again with a smaller "
                "learning_rate, or fix the gradients"
            )


def checked_statistics(standardize, D, dtype):
    """Mean and standard deviation as arrays of shape (D,), or None."""
    if standardize is None:
        return None
    mean, std = (np.asarray(statistic, dtype) for statistic in standardize)
    if mean.shape != (D,) or std.shape != (D,):
        raise ValueError(
            f"standardize must be a pair (mean, std) of shape (D,) = ({D},) each, "
            f"got {mean.shape} and {std.shape}"
        )
    return mean, std
