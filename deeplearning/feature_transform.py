"""From pictures to the features of a data set: which network made them, and how its output was
processed.

    features = (raw - mean) / std                  without a projection
    features = (raw - mean) / std @ projection     with one

`raw` is the network's output (`classifiers/backbones.py`), R numbers for each picture; features are
D numbers. A data set stores the transform in features.json and projection.npy, and a trained model
in its own file, so that new pictures are treated like those it was trained on.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from deeplearning.files import atomic_write, not_damaged


@dataclass(frozen=True, eq=False)
class FeatureTransform:
    """How features were made.

    - network: Name of the network in torchvision
    - weights: "imagenet", "toytown" or the path of a file
    - weights_sha256: Hash of the network's parameters, from `backbones.weights_sha256`
    - layer: Name of the layer whose input is taken
    - image_size: Height and width to which pictures are squashed
    - pixel_mean, pixel_std: Three floats each; the network reads (RGB from 0 to 1 - pixel_mean) /
      pixel_std
    - mean, std: Arrays of shape (R,)
    - projection: None, or an array of shape (R, D)
    """

    network: str
    weights: str
    weights_sha256: str
    layer: str
    image_size: int
    pixel_mean: tuple
    pixel_std: tuple
    mean: np.ndarray
    std: np.ndarray
    projection: np.ndarray | None = None

    def __post_init__(self):
        for name in ("mean", "std", "projection"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name), np.float32))
        for name in ("pixel_mean", "pixel_std"):
            # JSON gives lists
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        R = len(self.mean)
        if self.mean.shape != (R,) or self.std.shape != (R,) or not (self.std > 0).all():
            raise ValueError(
                "expected mean and positive std of one shape (R,), got "
                f"{self.mean.shape, self.std.shape}"
            )
        if self.projection is not None and (self.projection.ndim != 2 or len(self.projection) != R):
            raise ValueError(
                f"expected a projection of shape ({R}, D), got {self.projection.shape}"
            )

    def __call__(self, raw):
        """Features of pictures.

        Inputs:
        - raw: Array of shape (n, R), from `image_features`

        Returns: float32 array of shape (n, D)

        Raises ValueError for a wrong shape.
        """
        raw = np.asarray(raw, np.float32)
        if raw.shape[1:] != self.mean.shape:
            raise ValueError(
                f"raw must have shape (n, {len(self.mean)}), as image_features returns it, got "
                f"{raw.shape}"
            )
        features = (raw - self.mean) / self.std
        return features if self.projection is None else features @ self.projection

    @property
    def dim(self):
        """D, the number of features of a picture."""
        return len(self.mean) if self.projection is None else self.projection.shape[1]

    def description(self):
        """Everything but the projection, as a dictionary that JSON can hold."""
        description = asdict(self) | {"mean": self.mean.tolist(), "std": self.std.tolist()}
        return description | {"projection": self.projection is not None}

    @classmethod
    def from_description(cls, description, projection=None):
        """The transform with this description; `projection` is an array, or None without one.

        Raises ValueError for an invalid description.
        """
        try:
            if description["projection"] != (projection is not None):
                raise ValueError("its projection is missing, or belongs to another transform")
            return cls(**description | {"projection": projection})
        except (TypeError, KeyError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error

    def to_arrays(self):
        """All of it as a dictionary of arrays, for an npz archive that may hold others, too."""
        arrays = {"feature_transform": np.array(json.dumps(self.description()))}
        return (
            arrays
            if self.projection is None
            else arrays | {"feature_transform/projection": self.projection}
        )

    @classmethod
    def from_arrays(cls, arrays):
        """The transform that `to_arrays` put into this dictionary, or None if there is none.

        Raises ValueError if it is invalid.
        """
        if "feature_transform" not in arrays:
            return None
        description = json.loads(str(arrays["feature_transform"]))
        return cls.from_description(description, arrays.get("feature_transform/projection"))

    def save(self, folder):
        """Write features.json, and projection.npy if there is a projection, into the folder of a
        data set.
        """
        with atomic_write(Path(folder) / "features.json") as file:
            file.write(json.dumps(self.description()).encode())
        if self.projection is not None:
            with atomic_write(Path(folder) / "projection.npy") as file:
                np.save(file, self.projection)

    @classmethod
    def load(cls, folder):
        """Read what `save` wrote.

        Raises FileNotFoundError if the data set does not say how its features were made, and
        ValueError if that information is damaged.
        """
        path = Path(folder) / "features.json"
        projection = Path(folder) / "projection.npy"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: it is unknown how the features of this data set were made, so "
                "new pictures can't be treated the same way; build the data set with "
                "deeplearning.datasets.build"
            )
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            reduced = isinstance(description, dict) and description.get("projection")
            return cls.from_description(
                description, np.load(projection, allow_pickle=False) if reduced else None
            )
        except (OSError, ValueError, EOFError) as error:
            damaged = ValueError(
                f"{path} does not hold how features were made ({error}): build the data set again"
            )
            if isinstance(error, FileNotFoundError):  # the projection
                raise damaged from error
            raise not_damaged(path, error) or damaged from error
