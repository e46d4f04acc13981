"""Principal components of many features: checked against the singular value decomposition."""

import numpy as np
import pytest

from deeplearning.datasets.pca import principal_components


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_against_svd(chunk):
    """Mean, directions and their order are those of the singular value decomposition, whatever the
    chunk and mean.
    """
    rng = np.random.default_rng(0)
    features = (
        rng.standard_normal((50, 9)) * np.geomspace(3, 0.1, 9) @ rng.standard_normal((9, 9)) + 1e4
    )
    mean, directions = principal_components(features, 4, chunk)
    _, _, rows = np.linalg.svd(features - features.mean(axis=0))
    np.testing.assert_allclose(mean, features.mean(axis=0), rtol=1e-12)
    assert directions.shape == (9, 4)
    np.testing.assert_allclose(np.abs(np.sum(directions * rows[:4].T, axis=0)), 1, rtol=1e-8)
    np.testing.assert_allclose(directions.T @ directions, np.eye(4), atol=1e-12)
    assert (np.abs(directions).max(axis=0) == directions.max(axis=0)).all()


def test_all_components_lose_nothing():
    """With as many components as features, distances stay what they were."""
    features = np.random.default_rng(0).standard_normal((20, 5)).astype(np.float32)
    mean, directions = principal_components(features, 5)
    np.testing.assert_allclose(
        (features - mean) @ directions @ directions.T + mean, features, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("n, components", [(5, 5), (50, 10), (50, 0), (1, 1)])
def test_too_many(n, components):
    """More components than the number of pictures minus one, or of features, are refused with the
    numbers.
    """
    with pytest.raises(ValueError, match=rf"PCA to {components} numbers.*got {n} pictures with 9"):
        principal_components(np.zeros((n, 9)), components)
