"""The Toytown data set on disk: 6,000 pictures with five captions each, in the course's COCO
layout.

It is written once, on first use, by `ensure_toytown`. In addition to the files that
`load_coco_data` reads, it holds

    train_images/, val_images/       the pictures, 00000.png and so on
    train_truth.json, val_truth.json what is on each picture, as `world.Scene`
    masks.h5                         train, val (pictures, 128, 128): 1 where the main thing is
                                     visible, 2 to 4 for the others
    toytown.json                     what the data set was made from, written last
"""

import errno
import hashlib
import importlib.util
import json
import os
import random
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from deeplearning.datasets.toytown import NAME
from deeplearning.datasets.toytown.grammar import write_captions
from deeplearning.datasets.toytown.plan import PICTURES, SEED, picture
from deeplearning.datasets.toytown.scene import SIZE
from deeplearning.files import atomic_write, locked
from deeplearning.locations import data_folder

VERSION = 3  # of pictures and captions; a data set of an older version is made again
HERE = Path(__file__).resolve().parent
BYTES = 30_000  # disk space per picture, with everything that belongs to it


def ensure_toytown(folder=None, seed=SEED, pictures=None):
    """The folder of the Toytown data set, which is written first if it is missing, incomplete or of
    another version.

    Two processes may call this at the same time: the second waits for the first. An interrupted run
    leaves nothing that could be mistaken for a data set.

    Inputs:
    - folder: Its location; by default `toytown_captioning` in the data folder if that exists,
      otherwise next to this package. A folder that holds anything other than a Toytown data set is
      left alone
    - seed: int from 0 to 2**32 - 1
    - pictures: Dictionary with the number of pictures for "train" and "val"; by default 5,000 and
      1,000

    Returns: absolute Path

    Raises ValueError for a seed out of range, and OSError if the disk is full, or the folder can't
    be written to or holds something else.
    """
    # True would draw as True, but be taken for 1 afterwards
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise ValueError(f"the seed of Toytown must be an int from 0 to {2**32 - 1}, got {seed!r}")
    pictures = dict(pictures or PICTURES)
    folder = (
        toytown_folder() if folder is None else Path(folder).expanduser()
    ).resolve()  # so that a link to the folder is kept
    if _is_complete(folder, seed, pictures):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock")):
            # another process may have written it meanwhile
            if not _is_complete(folder, seed, pictures):
                _replace(folder, seed, pictures)
    except (OSError, RuntimeError) as error:
        # RuntimeError is what h5py raises when it closes files on a full disk
        code = getattr(error, "errno", None) or errno.EIO
        reason = getattr(error, "strerror", None) or str(error)
        if "\n" in reason:  # h5py's messages are about buffers and offsets
            reason = os.strerror(code)
        raise OSError(
            code,
            f"could not write the Toytown data set to {folder} ({reason}): make room there, or "
            "write it elsewhere by `python -m deeplearning.datasets.toytown --out FOLDER` and set "
            "DEEPLEARNING_CAPTIONS=FOLDER",
        ) from error
    return folder


def toytown_folder():
    """Where the data set is or will be: absolute Path."""
    shared = data_folder() / NAME
    return shared if shared.is_dir() else HERE.parent / NAME


def _is_complete(folder, seed, pictures):
    """Whether all files exist and were made with the present version, seed, counts and network."""
    try:
        made_from = json.loads((folder / "toytown.json").read_text(encoding="utf-8"))
        missing = set(made_from.pop("files")) - {path.name for path in folder.iterdir()}
        for split, count in pictures.items():
            missing |= {f"{number:05d}.png" for number in range(count)} - set(
                os.listdir(folder / f"{split}_images")
            )
        return not missing and made_from == _made_from(seed, pictures)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):
        # nothing there, or not what `_write` wrote
        return False


def _made_from(seed, pictures):
    network = hashlib.sha256((HERE / "squeezenet.npz").read_bytes()).hexdigest()
    return {"version": VERSION, "seed": seed, "pictures": pictures, "network": network}


def _replace(folder, seed, pictures):
    """Write a data set next to the folder, and rename it once everything is on disk."""
    if (
        folder.exists()
        and not (folder / "toytown.json").is_file()
        and (folder.is_file() or any(folder.iterdir()))
    ):
        raise FileExistsError(errno.EEXIST, "something else is there")
    # left by interrupted runs, whose worker processes may still be writing for a moment
    for left_over in folder.parent.iterdir():
        if left_over.name.startswith(f".{folder.name}.") and left_over.suffix in (".part", ".old"):
            shutil.rmtree(left_over, ignore_errors=True)
    needed = sum(pictures.values()) * BYTES
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise OSError(
            errno.ENOSPC, f"{needed >> 20} MiB are needed there, {free >> 20} MiB are free"
        )
    part, old = (
        folder.with_name(f".{folder.name}.{os.getpid()}.{suffix}") for suffix in ("part", "old")
    )
    try:
        part.mkdir()
        _write(part, seed, pictures)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        for left_over in (part, old):
            shutil.rmtree(left_over, ignore_errors=True)


def _write(folder, seed, pictures):
    # these two imports load torch, which takes seconds
    _check_pytorch()
    from deeplearning.classifiers.squeezenet import (
        load_squeezenet,
    )
    from deeplearning.datasets.assembly import build_dataset

    network = load_squeezenet("toytown")
    print(
        f"Drawing Toytown, {sum(pictures.values())} captioned pictures. This happens once.",
        flush=True,
    )
    splits = {split: _draw_split(folder, seed, split, count) for split, count in pictures.items()}
    build_dataset(folder, splits, network)
    files = sorted(path.name for path in folder.iterdir())
    with atomic_write(folder / "toytown.json") as file:
        file.write(json.dumps(_made_from(seed, pictures) | {"files": files}).encode())


def _check_pytorch():
    if importlib.util.find_spec("torch") is None:
        raise ModuleNotFoundError(
            "PyTorch, which computes Toytown's features, is not installed: pip install torch "
            "torchvision, or copy the folder toytown_captioning from a machine that has them into "
            f"{data_folder()}"
        )


def _draw_split(folder, seed, split, count):
    """Draw and caption a split's pictures; returns pairs of path and captions."""
    images = folder / f"{split}_images"
    images.mkdir()
    paths = [images / f"{number:05d}.png" for number in range(count)]
    jobs = (delayed(_draw)(seed, split, number, path) for number, path in enumerate(paths))
    drawn = Parallel(n_jobs=-1, return_as="generator")(jobs)
    captions = []
    truth = []
    masks = np.empty((count, SIZE, SIZE), np.uint8)
    for number, (scene, sentences, mask) in enumerate(
        tqdm(drawn, f"{split} pictures", count, file=sys.stdout)
    ):
        truth.append(scene.to_json())
        captions.append(sentences)
        masks[number] = mask
    (folder / f"{split}_truth.json").write_text(json.dumps(truth), encoding="utf-8")
    with h5py.File(folder / "masks.h5", "a") as file:
        file.create_dataset(split, data=masks, chunks=(1, SIZE, SIZE), compression="gzip")
    return list(zip(paths, captions, strict=True))


def _draw(seed, split, number, path):
    scene, image, mask = picture(seed, split, number)
    image.save(path, compress_level=1)
    captions = write_captions(scene, random.Random(f"toytown {seed} {split} {number} captions"))
    return scene, captions, np.asarray(mask)
