"""Principal component analysis of features that need not fit into memory."""

import numpy as np
import scipy.linalg


def check_components(components, n, R):
    """Raise ValueError if n rows of R features can't be reduced to this many numbers."""
    if not 1 <= components <= min(n - 1, R):
        raise ValueError(
            f"PCA to {components} numbers needs more than {components} training pictures with at "
            f"least as many features, got {n} pictures with {R}: ask for {min(n - 1, R)} or fewer, "
            "or take more pictures"
        )


def principal_components(features, components, chunk=1024):
    """The directions in which features vary most.

    Inputs:
    - features: Array of shape (n, R)
    - components: Number of directions, D, below n and at most R
    - chunk: Number of rows to load into memory at a time

    Returns a tuple of float64 arrays:
    - mean: Mean of the features, of shape (R,)
    - directions: Orthonormal directions in columns, of shape (R, D), the one with the largest
      variance first; in each, the entry with the largest magnitude is positive

    Raises ValueError for too many components.
    """
    n, R = features.shape
    check_components(components, n, R)
    # sums of differences from the first row lose no digits when the mean is large
    first = np.asarray(features[0], np.float64)
    total = np.zeros(R)
    products = np.zeros((R, R))
    for start in range(0, n, chunk):
        block = np.asarray(features[start : start + chunk], np.float64) - first
        total += block.sum(axis=0)
        products += block.T @ block
    mean = total / n
    covariance = products / n - np.outer(mean, mean)
    _, directions = scipy.linalg.eigh(covariance, subset_by_index=(R - components, R - 1))
    directions = directions[:, ::-1]  # eigh puts the largest last
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=0)[None], axis=0)
    return first + mean, directions * np.sign(largest)
