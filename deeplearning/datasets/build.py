"""Make a data set from your own captioned pictures, in the course's COCO layout.

    python -m deeplearning.datasets.build \\
        --images photos --captions captions.csv --out my_captioning
    python -m deeplearning.datasets.build \\
        --images coco --captions captions_train2014.json --val-captions captions_val2014.json \\
        --network vgg16 --pca 512 --out coco_captioning

`caption_files.py` lists the supported forms of caption files, and `assembly.py` puts the data set
together. Pictures that can't be read are reported and left out.
"""

import argparse
import shlex
import sys
from pathlib import Path

from deeplearning.checks import shortened
from deeplearning.classifiers.backbones import load_network
from deeplearning.dataset_folder import read_dataset
from deeplearning.datasets.assembly import build_dataset
from deeplearning.datasets.captions import RESPELT, draw_split, read_captions
from deeplearning.files import make_folder, said


def main(argv=None):
    args = _arguments(argv)
    out = Path(args.out)
    splits, left_out = read_captions(args.captions, args.images, args.val_captions)
    for reason, names in left_out.items():
        what = reason if reason == RESPELT else f"left out, {reason}"
        some = ", ".join(map(shortened, names[:5])) + ", ..." * (len(names) > 5)
        print(f"{what}: {len(names):,} ({some})")
    if kept_back := splits.pop("test", None):
        print(f"left out, the test split: {len(kept_back):,} pictures")
    if None in splits:
        splits = draw_split(splits[None], args.val, args.seed)
    network = load_network(args.network, args.weights)
    make_folder(out)
    broken = build_dataset(
        out,
        splits,
        network,
        min_count=args.min_count,
        length=args.length,
        components=args.pca,
        link=Path(args.images).resolve() != (out / "images").resolve(),
        skip_broken=True,
    )
    for reason in broken.values():
        print("left out:", *reason.splitlines())
    _summarize(out)


def _summarize(out):
    data = read_dataset(out)
    for split in ("train", "val"):
        images, D = data[f"{split}_features"].shape
        captions = len(data[f"{split}_captions"])
        print(f"{split}: {images:,} pictures, {captions:,} captions, {D} features per picture")
    print(f"{out}: vocabulary of {len(data['idx_to_word']):,} words; train on it with")
    folder = shlex.quote(str(out))
    print(f"python -m deeplearning.train_captioner --data {folder} --out model.npz")


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.datasets.build",
        description=(
            "Make a data set from captioned pictures, in the layout of the course's MS-COCO files."
        ),
        epilog=(
            "example: python -m deeplearning.datasets.build "
            "--images photos --captions captions.csv --out mine"
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--images", required=True, help="folder with the pictures, or with folders of them")
    add(
        "--captions", required=True, help="CSV of image, caption, or another form that README names"
    )
    add("--val-captions", help="the same for validation, if --captions is for training only")
    add("--out", required=True, help="folder for the data set")
    add("--val", type=float, default=0.1, help="validation share, if the captions name no splits")
    add("--seed", type=int, default=0, help="seed of that random split")
    add("--network", default="squeezenet1_1", help="one of torchvision's classifiers")
    add("--weights", default="imagenet", help="imagenet, or a file with the network's weights")
    add("--pca", type=int, help="reduce features to this many, as the course did, or only scale")
    add("--min-count", type=int, default=5, help="how often a word must occur to be known")
    add("--length", type=int, default=17, help="words of a stored caption, START and END included")
    return parser.parse_args(argv)


if __name__ == "__main__":
    # file names may contain characters that a terminal can't show
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"build: {said(error)}")
