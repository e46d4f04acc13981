"""Raw features of many pictures, written to disk as they are computed, so that an interrupted run
can resume where it stopped.

The features are stored consecutively as float32 in a plain file that is only ever appended to: its
size says how many pictures are done. A record next to it says which pictures and which network they
come from. Memory does not grow with the number of pictures.
"""

import hashlib
import json
import os
import sys
import time

import numpy as np
from tqdm import tqdm

from deeplearning.classifiers.backbones import (
    default_batch_size,
    feature_batches,
    feature_dim,
    weights_sha256,
    why_broken,
)
from deeplearning.files import atomic_write


def image_features_to_disk(paths, network, folder, name, skip_broken=False):
    """Raw features of pictures; those that an earlier run left in the folder are not recomputed.

    Inputs:
    - paths: Files of n pictures, at least one
    - network: From `load_network` or `load_squeezenet`
    - folder: Where the files `<name>.raw` and `<name>.json` are written; the caller removes it
    - name: Name of the features
    - skip_broken: Whether pictures that can't be read are left out; otherwise they raise

    Returns a tuple of:
    - features: float32 array of shape (n, R), memory-mapped from the file; NaN in the rows of
      left-out pictures
    - broken: Dictionary from the rows of those pictures to why they can't be read

    Raises FileNotFoundError for a missing picture, ValueError for a broken one or features that are
    not finite, and OSError if the disk is full.
    """
    raw = folder / f"{name}.raw"
    row_bytes = 4 * feature_dim(network)
    batch_size = default_batch_size(network)
    _start_over_unless_same(raw, folder / f"{name}.json", _made_from(paths, network, skip_broken))
    with open(raw, "ab") as file:
        # only whole batches are kept, so that a picture always shares its batch with the same
        # pictures
        done = min(file.tell() // row_bytes, len(paths)) // batch_size * batch_size
        file.truncate(done * row_bytes)
        began = time.perf_counter()
        with tqdm(
            total=len(paths), initial=done, desc=name, file=sys.stdout, unit="picture"
        ) as bar:
            for features in feature_batches(paths[done:], network, batch_size, skip_broken):
                _append(file, features)
                bar.update(len(features))
        if done < len(paths):
            rate = (len(paths) - done) / (time.perf_counter() - began) * 3600
            print(
                f"{name}: {rate:,.0f} pictures per hour"
                + (f", the first {done:,} were already done" if done else "")
            )
    features = np.memmap(raw, "<f4", "r", shape=(len(paths), row_bytes // 4))
    return features, {row: why_broken(paths[row], network) for row in _rows_not_finite(features)}


def _append(file, features):
    try:
        file.write(features.astype("<f4", copy=False).tobytes())
        file.flush()
    except OSError as error:
        advice = "free space there, then start again; it will go on from here"
        raise OSError(
            error.errno, f"could not write {file.name} ({error.strerror}): {advice}"
        ) from error


def _made_from(paths, network, skip_broken):
    """What the features depend on: the network, and the present state of the pictures."""
    pictures = hashlib.sha256()
    for path in paths:
        try:
            stat = os.stat(path)
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "missing"
        pictures.update(os.fsencode(path) + f"\0{state}\0".encode())
    weights = weights_sha256(network)
    return {
        "network": network.name,
        "weights": weights,
        "pictures": pictures.hexdigest(),
        "skip_broken": skip_broken,
    }


def _start_over_unless_same(raw, record, made_from):
    try:
        if json.loads(record.read_text(encoding="utf-8")) == made_from:
            return
    except (OSError, ValueError):
        pass  # the first run, or one that was killed before it wrote anything
    raw.unlink(missing_ok=True)
    with atomic_write(record) as file:
        file.write(json.dumps(made_from).encode())


def _rows_not_finite(features, chunk=4096):
    rows = []
    for start in range(0, len(features), chunk):
        finite = np.isfinite(features[start : start + chunk]).all(axis=1)
        rows += (start + np.flatnonzero(~finite)).tolist()
    return rows
