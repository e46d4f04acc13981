"""Whether a picture is like those that a model was trained on.

The features of a data set's pictures lie near a few directions, those in which they vary most. How
much of a picture's features lies outside them says how unlike the others it is:

    z = features - mean,    share = norm(z - z P P^T) / norm(z)

where P (D, k) holds the directions. A share above that of 99 in 100 validation pictures is unlike.
It is a hint and no proof: many a picture of another world has features like one of this.
"""

from dataclasses import dataclass

import numpy as np

DIRECTIONS = 64
FEWEST = {"train": 1000, "val": 100}  # pictures from which this can be told


@dataclass(frozen=True, eq=False)
class Familiarity:
    """- mean: Array of shape (D,)
    - directions: P, of shape (D, k)
    - limit: The largest share that is not unlike
    """

    mean: np.ndarray
    directions: np.ndarray
    limit: float

    def shares(self, features):
        """The shares, of shape (n,), of features of shape (n, D)."""
        z = np.asarray(features, np.float32) - self.mean
        P = self.directions.astype(np.float32)
        outside = z - z @ P @ P.T
        return np.linalg.norm(outside, axis=1) / np.maximum(np.linalg.norm(z, axis=1), 1e-30)

    def unlike(self, features):
        """Whether pictures are unlike the training pictures, bools of shape (n,)."""
        return self.shares(features) > self.limit

    def to_arrays(self):
        """All of it, as a dictionary of arrays."""
        arrays = {"mean": self.mean, "directions": self.directions, "limit": self.limit}
        return {f"familiarity/{name}": np.asarray(array) for name, array in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays):
        """What `to_arrays` put into this dictionary, or None. Raises KeyError for a part of it, and
        ValueError for shapes that don't fit.
        """
        if "familiarity/limit" not in arrays:
            return None
        made = cls(
            arrays["familiarity/mean"],
            arrays["familiarity/directions"],
            float(arrays["familiarity/limit"]),
        )
        if made.directions.shape[:1] != made.mean.shape or made.directions.ndim != 2:
            raise ValueError(f"familiarity has shapes {made.mean.shape, made.directions.shape}")
        return made


def learn_familiarity(train_features, val_features):
    """What pictures of a data set are like.

    Inputs:
    - train_features, val_features: Arrays of shape (n, D)

    Returns: `Familiarity`, or None for too few pictures or features to tell
    """
    from deeplearning.datasets.pca import principal_components  # models load without data sets

    D = train_features.shape[1]
    if D < 2 * DIRECTIONS or len(train_features) < FEWEST["train"]:
        return None
    if len(val_features) < FEWEST["val"]:
        return None
    mean, directions = principal_components(train_features, DIRECTIONS)
    known = Familiarity(mean.astype(np.float32), directions.astype(np.float16), 0.0)
    limit = float(np.quantile(known.shares(val_features), 0.99))
    return Familiarity(known.mean, known.directions, limit)
