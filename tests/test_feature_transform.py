"""How features were made is kept exactly, in a data set's folder and in an archive of arrays."""

import json

import numpy as np
import pytest

from deeplearning.feature_transform import FeatureTransform


def transform(**changes):
    rng = np.random.default_rng(0)
    fields = {
        "network": "vgg16", "weights": "imagenet", "weights_sha256": "ab", "layer": "classifier.6", "image_size": 224,
        "pixel_mean": (0.1, 0.2, 0.3), "pixel_std": (0.4, 0.5, 0.6), "mean": rng.random(5), "std": rng.random(5) + 0.1,
    }  # fmt: skip
    return FeatureTransform(**fields | changes)


def projecting():
    return transform(projection=np.random.default_rng(1).random((5, 3)))


RAW = np.random.default_rng(2).random((4, 5))


def test_by_hand():
    """Features are centred, scaled and, with a projection, projected, in float32; raw features stay
    as they are.
    """
    for t, dim in ((transform(), 5), (projecting(), 3)):
        expected = (RAW - t.mean) / t.std
        expected = expected if t.projection is None else expected @ t.projection
        before = RAW.copy()
        np.testing.assert_allclose(t(RAW), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(RAW, before)
        assert t(RAW).dtype == np.float32 and t(RAW).shape == (4, dim) and t.dim == dim


@pytest.mark.parametrize("make", [transform, projecting])
def test_kept_exactly(make, tmp_path):
    """A transform that was saved in a folder, or in an archive, gives the same features to the last
    bit.
    """
    original = make()
    original.save(tmp_path)
    np.savez(tmp_path / "archive.npz", other=np.ones(2), **original.to_arrays())
    with np.load(tmp_path / "archive.npz", allow_pickle=False) as archive:
        copies = [FeatureTransform.load(tmp_path), FeatureTransform.from_arrays(dict(archive))]
    for copy in copies:
        np.testing.assert_array_equal(copy(RAW), original(RAW))
        described = json.loads(json.dumps(original.description()))
        assert (
            json.loads(json.dumps(copy.description())) == described
            and described["image_size"] == 224
        )


def test_archive_without():
    """An archive without a transform gives None."""
    assert FeatureTransform.from_arrays({"other": np.ones(2)}) is None


def test_lost_projection(tmp_path):
    """A projection that is missing or damaged is reported; one that an earlier data set left there
    is not used.
    """
    projecting().save(tmp_path)
    (tmp_path / "projection.npy").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="does not hold how features were made"):
        FeatureTransform.load(tmp_path)
    (tmp_path / "projection.npy").unlink()
    with pytest.raises(ValueError, match="does not hold how features were made.*projection.npy"):
        FeatureTransform.load(tmp_path)
    transform().save(tmp_path)
    np.save(tmp_path / "projection.npy", np.ones((5, 2)))
    assert FeatureTransform.load(tmp_path).dim == 5


@pytest.mark.parametrize(
    "changes", [{"std": np.zeros(5)}, {"std": np.ones(4)}, {"projection": np.ones((4, 2))}]
)
def test_numbers_that_do_not_fit(changes):
    """Statistics and projections of other shapes, and deviations of zero, are refused."""
    with pytest.raises(ValueError, match="^expected .*, got"):
        transform(**changes)
