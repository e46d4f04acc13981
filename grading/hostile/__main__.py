"""Print the table of the hostile corpus, and write its zips into a folder if one is given."""

import argparse
from pathlib import Path

from grading.hostile import EVERYTHING, corpus


def main():
    parser = argparse.ArgumentParser(
        prog="python -m grading.hostile",
        description="List hostile submissions and what each must lose.",
        epilog="example: python -m grading.hostile build/hostile",
    )
    parser.add_argument("folder", nargs="?", type=Path, help="folder to write the zips into")
    folder = parser.parse_args().folder
    for hostile in corpus().values():
        lost = "everything" if hostile.lost == EVERYTHING else ", ".join(hostile.lost) or "nothing"
        print(f"{hostile.name}: {hostile.about}\n    loses {lost}")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{hostile.name}.zip").write_bytes(hostile.build())


if __name__ == "__main__":
    main()
