"""Fetch the course's real data: COCO's captions and features, ImageNet's 25 pictures, SqueezeNet's
weights.

    python -m deeplearning.datasets.download
    python -m deeplearning.datasets.download coco --mirror http://mirror.example.edu/cs231n

Each part appears in its place complete and checked, or not at all. Partial downloads lie next to
it, in a hidden folder `.NAME.part`, where the next run continues.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pooch
from filelock import Timeout

from deeplearning.dataset_folder import read_dataset
from deeplearning.datasets.downloader import ResumingDownloader
from deeplearning.datasets.unpacking import unpack
from deeplearning.feature_array import feature_array
from deeplearning.files import locked
from deeplearning.locations import data_folder, squeezenet_checkpoint

COCO_FILES = {"coco2014_captions.h5", "coco2014_vocab.json"} | {
    f"{split}2014_{kind}"
    for split in ("train", "val")
    for kind in ("vgg16_fc7_pca.h5", "vgg16_fc7.h5", "urls.txt", "images.txt")
}


@dataclass(frozen=True)
class Part:
    """One of the things to fetch."""

    host: str  # with the path to the file, without the protocol
    file: str  # its name there
    what: str  # description for the user
    place: Callable  # returns the path where it belongs, of a file or a folder
    check: Callable  # raises ValueError unless a path holds this part
    setting: str  # environment variable that decides the place
    zipped: bool = False  # whether it is a folder in a zip
    room: float = 1.0  # bytes of disk space needed in between, per byte of the file
    limit: int = 64 << 20  # maximum bytes of the file, and of its contents

    def urls(self, mirror=None):
        if mirror:
            return [f"{mirror.rstrip('/')}/{self.file}"]
        return [f"{protocol}://{self.host}/{self.file}" for protocol in ("https", "http")]


def _check_coco(folder):
    try:
        read_dataset(folder)
    except FileNotFoundError as error:
        raise ValueError(error) from error
    for path in folder.glob("*_fc7.h5"):  # the full features, which some copies lack
        feature_array(path)  # raises for damaged ones


def _check_sha256(digits):
    def check(path):
        found = pooch.file_hash(path)
        if not found.startswith(digits):
            raise ValueError(f"its SHA-256 is {found}, not {digits}")

    return check


PARTS = {
    "squeezenet": Part(
        "download.pytorch.org/models",
        "squeezenet1_1-b8a52dc0.pth",
        "SqueezeNet's ImageNet weights",
        squeezenet_checkpoint,
        _check_sha256("b8a52dc0"),  # torchvision's file names contain the first digits
        "TORCH_HOME",
    ),
    "imagenet": Part(
        "cs231n.stanford.edu",
        "imagenet_val_25.npz",
        "25 pictures of ImageNet",
        lambda: data_folder() / "imagenet_val_25.npz",
        _check_sha256("35141609d22457c791e8fbe10c2d3b09ed0d6a04b669173e9fbebb0b4915cd3c"),
        "DEEPLEARNING_DATA",
    ),
    "coco": Part(
        "cs231n.stanford.edu",
        "coco_captioning.zip",
        "MS-COCO's captions and features",
        lambda: data_folder() / "coco_captioning",
        _check_coco,
        "DEEPLEARNING_DATA",
        zipped=True,
        room=3.5,  # 1 GB unpacks to 2.3 GB, judging by the shapes of its arrays
        limit=8 << 30,
    ),
}


def fetch(name, mirror=None):
    """Put one part of the data into its place, unless it is already there. Two processes may run
    this at the same time.

    Inputs:
    - name: "coco", "imagenet" or "squeezenet"
    - mirror: URL of a folder that holds the file, instead of the course's server

    Returns: tuple of the absolute Path of the file or folder, and whether it had to be fetched

    Raises ConnectionError if the file can't be fetched, ValueError if it is damaged or another
    file, and OSError if the disk is full or the folder can't be written to; each message says what
    to do.
    """
    part = PARTS[name]
    target = PARTS[name].place()
    if _is_right(part, target):
        return target, False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            if _is_right(part, target):  # another process has fetched it meanwhile
                return target, False
            _replace(part, target, mirror)
    except (ConnectionError, ValueError) as error:
        kind = ConnectionError if isinstance(error, ConnectionError) else ValueError
        raise kind(
            f"{error}; run this again later, or fetch {part.urls(mirror)[-1]} another way and "
            f"put the file {part.file} into {target.parent}, where the next run will find it"
        ) from error
    except OSError as error:
        raise OSError(
            error.errno,
            f"could not write to {target.parent} ({error.strerror or error}): free space there, "
            f"or name another folder with the environment variable {part.setting}; the next run "
            "continues where this one stopped",
        ) from error
    return target, True


def _is_right(part, target):
    """Whether the place holds this part. If so, leftovers of a run that was killed at its very end
    are removed.
    """
    try:
        part.check(target)
    except (OSError, ValueError):
        return False
    shutil.rmtree(_work(target), ignore_errors=True)
    return True


def _work(target):
    """The folder in which a part is prepared; it is on the same disk as the part's place, so that
    the part can be moved there.
    """
    return target.with_name(f".{target.name}.part")


@contextmanager
def _lock(target):
    """Within this context no other process of this package works on the part."""
    path = target.with_name(f".{target.name}.lock")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, blocking=False))
        except Timeout:
            print(f"waiting for another process that fetches {target.name}", flush=True)
            stack.enter_context(locked(path))
        yield


def _replace(part, target, mirror):
    """Fetch a part next to its place and move it there; if anything fails, the partial download is
    kept for the next run.
    """
    if os.path.lexists(target):
        print(f"{target} is incomplete, damaged or something else: it is fetched anew", flush=True)
    work = _work(target)
    work.mkdir(exist_ok=True)
    for left_over in work.iterdir():  # from a run that was killed
        if left_over.is_dir():
            shutil.rmtree(left_over)
        elif left_over.name.startswith("tmp"):
            left_over.unlink()
    try:
        _move(_right_part(part, target, work, mirror), target)
        shutil.rmtree(work, ignore_errors=True)
    finally:
        with suppress(OSError):  # already gone, or it holds something for the next run
            work.rmdir()


def _right_part(part, target, work, mirror):
    """Path of the checked part in the folder `work`, from a file put next to it by hand, or
    otherwise from the network.
    """
    by_hand = target.with_name(part.file)
    if part.zipped and by_hand.is_file():
        try:
            return _opened(part, by_hand, work)
        except ValueError as error:
            print(f"in {target.parent}, {error}: it is fetched from the network", flush=True)
    try:
        return _opened(part, _download(part, work, mirror), work)
    except ValueError as error:  # perhaps only the transfer went wrong: once more, from scratch
        print(f"{error}: fetched again", flush=True)
        return _opened(part, _download(part, work, mirror), work)


def _download(part, work, mirror):
    """Path of the file in the folder `work`."""
    url, *others = part.urls(mirror)
    print(f"{part.what}: {url}", flush=True)
    source = pooch.create(work, base_url="", registry={part.file: None}, urls={part.file: url})
    return Path(
        source.fetch(part.file, downloader=ResumingDownloader(others, part.room, part.limit))
    )


def _opened(part, file, work):
    """Path of a file's checked contents. A wrong file raises ValueError, and is deleted if it lies
    in `work`.
    """
    product = work / part.place().name
    try:
        if part.zipped:
            unpack(file, product, COCO_FILES, part.limit)
        part.check(product)
        return product
    except ValueError as error:
        with open(file, "rb") as content:
            page = (
                ": it is a web page, perhaps this network wants you to log in"
                if content.read(1) == b"<"
                else ""
            )
        if part.zipped:
            shutil.rmtree(product, ignore_errors=True)
        if file.parent == work:
            file.unlink()
        raise ValueError(f"{part.file} is damaged or another file ({error}){page}") from error


def _move(product, target):
    """Move a part to its place. Anything else that was there is renamed."""
    if os.path.lexists(target):
        count = 1
        while os.path.lexists(aside := target.with_stem(f"{target.stem}.old{count}")):
            count += 1
        target.rename(aside)
        print(
            f"what was at {target} before is now {aside.name}: delete it if you don't need it",
            flush=True,
        )
    product.rename(target)


def main(argv=None):
    args = _arguments(argv)
    pooch.get_logger().setLevel("WARNING")  # this command prints itself what is fetched
    problems = []
    for name in args.parts or PARTS:
        try:
            path, fetched = fetch(name, args.mirror)
            print(f"{name}: {path} {'is complete' if fetched else 'is already there'}", flush=True)
        except (OSError, ValueError) as error:
            problems.append(f"download: {name}: {getattr(error, 'strerror', None) or error}")
    return "\n".join(problems) or 0


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.datasets.download",
        description=(
            "Fetch the course's real data into the data folder (environment variable "
            "DEEPLEARNING_DATA), and SqueezeNet's weights to where torchvision looks for them. "
            "Parts that are already there are only checked."
        ),
        epilog=(
            "example: python -m deeplearning.datasets.download coco "
            "--mirror http://mirror.example.edu/cs231n"
        ),
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)"
    )
    parser.add_argument(
        "--mirror",
        default=os.environ.get("DEEPLEARNING_MIRROR"),
        help=(
            "URL of a folder with the files, instead of the course's servers "
            "(default: the environment variable DEEPLEARNING_MIRROR)"
        ),
    )
    args = parser.parse_args(argv)
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if args.mirror and not args.mirror.lower().startswith(("http://", "https://")):
        parser.error(f"--mirror must be an http or https URL, got {args.mirror}")
    return args


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("download: stopped; the next run continues from here")
