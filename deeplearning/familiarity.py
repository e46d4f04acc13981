"""Whether a picture is like those that a model was trained on.

The features of a data set's pictures lie close to the space of a few directions, those in which
they vary most. How much of a picture's features lies outside it measures how unlike the others it
is:

    z = features - mean,    share = norm(z - z P P^T) / norm(z)

where P (D, k) holds the directions. A picture counts as unlike if its share is above that of 99 in
100 validation pictures. This is a hint, not a proof: many a picture from elsewhere has features
like those of the data set.
"""

from dataclasses import dataclass

import numpy as np

DIRECTIONS = 64
FEWEST = {"train": 1000, "val": 100}  # pictures needed to learn this


@dataclass(frozen=True, eq=False)
class Familiarity:
    """- mean: Array of shape (D,)
    - directions: P, of shape (D, k)
    - limit: The largest share that does not count as unlike
    """

    mean: np.ndarray
    directions: np.ndarray
    limit: float

    def shares(self, features):
        """The share of each picture, of shape (n,), for features of shape (n, D)."""
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
        """The object that `to_arrays` put into this dictionary, or None. Raises KeyError if a part
        of it is missing, and ValueError for shapes that don't fit.
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
    """Learn what the pictures of a data set are like.

    Inputs:
    - train_features, val_features: Arrays of shape (n, D)

    Returns: `Familiarity`, or None if there are too few pictures or features to learn from
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
