"""Write the Toytown data set, unless it already exists.

    python -m deeplearning.datasets.toytown
    python -m deeplearning.datasets.toytown --out ~/data/toytown_captioning
    python -m deeplearning.datasets.toytown --sheet toytown.jpg

The project does this by itself when it first needs the data set; the command is for writing it
elsewhere, or in advance.
"""

import argparse
import sys

from PIL import Image

from deeplearning.datasets.toytown.dataset import ensure_toytown
from deeplearning.datasets.toytown.plan import SEED


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.datasets.toytown",
        description=(
            "Write the Toytown data set, unless it exists: 6,000 captioned pictures in the COCO "
            "layout."
        ),
        epilog="example: python -m deeplearning.datasets.toytown --out ~/data/toytown_captioning",
    )
    parser.add_argument(
        "--out",
        help="folder to write (default: toytown_captioning, where the project looks for it)",
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"seed of everything random (default: {SEED})"
    )
    parser.add_argument(
        "--sheet", help="file for a contact sheet of the first forty validation pictures"
    )
    args = parser.parse_args(argv)
    folder = ensure_toytown(args.out, args.seed)
    print(folder)
    if args.sheet:
        contact_sheet(sorted(folder.glob("val_images/*.png"))[:40]).save(args.sheet, quality=90)


def contact_sheet(paths, columns=8, gap=6):
    """Pictures of one size in rows on a white sheet, as a PIL image."""
    pictures = [Image.open(path) for path in paths]
    width, height = (side + gap for side in pictures[0].size)
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width + gap, rows * height + gap), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (gap + k % columns * width, gap + k // columns * height))
    return sheet


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"toytown: {error}")
