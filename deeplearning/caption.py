"""Caption photos with a trained model.

    python -m deeplearning.caption photo.jpg another.png --model model.npz
    python -m deeplearning.caption holiday --model model.npz --page holiday.html

prints two captions for each photo: one that takes the best word at each step, and one found by beam
search, each with its log-probability (the sum of the natural logarithms of its words'
probabilities). For a folder, whose pictures are taken in the order of their names, a self-contained
page with pictures and captions is written as well. The model's file says which network its features
come from and how they were processed. The default model comes with the project; it knows Toytown
and nothing else.
"""

import argparse
import base64
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
from tqdm import tqdm

from deeplearning.checks import check_finite
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.coco_utils import decode_sentences
from deeplearning.datasets.caption_tables import SUFFIXES
from deeplearning.files import atomic_write, check_can_write, said
from deeplearning.image_fetching import read_image

BUILT_IN_MODEL = Path(__file__).resolve().parent / "datasets" / "toytown" / "captioner.npz"
TEMPLATE = Path(__file__).resolve().parent / "templates" / "captions.html"
TOYTOWN_ALONE = "This model knows Toytown's drawings and nothing else: for photos it only guesses."
UNLIKE = "unlike the pictures that the model was trained on: don't trust these captions"
SIDE = 480  # pixels of the longer side of pictures on the page
PATIENCE = 20  # photos; with more, a progress bar is shown


@dataclass
class Captioned:
    """A picture's captions, their log-probabilities, and whether to distrust them."""

    path: Path
    greedy: str
    greedy_log_p: float
    beam: str
    beam_log_p: float
    unlike: bool = False  # whether the picture is unlike those that the model was trained on


def caption_photos(paths, model, network, beam_width=3, length_penalty=0.7, progress=False):
    """Caption pictures.

    Inputs:
    - paths: Files of pictures
    - model: A `CaptioningRNN` with its feature transform
    - network: From `network_of`
    - beam_width, length_penalty: Settings of the beam search, as for `CaptioningRNN.sample`
    - progress: Whether to show a progress bar

    Returns a tuple of:
    - captioned: List of `Captioned`, one for each picture that can be read
    - broken: Dictionary from the paths of unreadable pictures to the reason

    Raises ValueError for a model that does not fit its features.
    """
    # imported here: PyTorch takes seconds, and an error in the command line should show at once
    from deeplearning.classifiers.backbones import feature_batches, why_broken

    captioned = []
    broken = {}
    done = 0
    with tqdm(total=len(paths), disable=not progress, file=sys.stdout, unit="picture") as bar:
        for raw in feature_batches(paths, network, skip_broken=True):
            batch = np.array(paths[done : done + len(raw)], dtype=object)
            there = np.isfinite(raw).all(axis=1)
            broken |= {path: why_broken(path, network) for path in batch[~there]}
            if there.any():
                features = model.feature_transform(raw[there])
                captioned += _captioned(model, batch[there], features, beam_width, length_penalty)
            done += len(raw)
            bar.update(len(raw))
    return captioned, broken


def _captioned(model, paths, features, beam_width, length_penalty):
    greedy = model.sample(features)
    beam = model.sample(features, beam_width=beam_width, length_penalty=length_penalty)
    unlike = np.zeros(len(features), bool)
    if model.familiarity is not None:
        unlike = model.familiarity.unlike(features)
    columns = (
        paths,
        decode_sentences(greedy, model.idx_to_word),
        model.log_probabilities(features, greedy),
        decode_sentences(beam, model.idx_to_word),
        model.log_probabilities(features, beam),
        unlike,
    )
    return [Captioned(*row) for row in zip(*columns, strict=True)]


def network_of(model, weights=None):
    """The network that a model's features come from.

    Inputs:
    - model: A `CaptioningRNN`
    - weights: None for the weights that the model names, or the path of the file that now holds
      them

    Returns: the network, as from `load_network`

    Raises ValueError for a model that does not know how its features were made, or weights other
    than those it was trained with, and whatever `load_network` raises.
    """
    from deeplearning.classifiers.backbones import load_network, weights_sha256

    transform = model.feature_transform
    if transform is None:
        raise ValueError(
            "this model does not know how its features are made from pictures, since its data set "
            "did not say: train one on a data set from deeplearning.datasets.build, or on Toytown"
        )
    network = load_network(transform.network, weights or transform.weights)
    if weights_sha256(network) != transform.weights_sha256:
        raise ValueError(
            f"the model was trained on features of {transform.network} with other weights than "
            f"{network.weights}: name the file with the right ones with --weights, or train the "
            "model again"
        )
    return network


def what_it_knows(model):
    """A warning for a model that was trained on Toytown's drawings; otherwise an empty string."""
    transform = model.feature_transform
    return TOYTOWN_ALONE if transform and transform.weights == "toytown" else ""


def write_page(path, captioned, model_name, knows=""):
    """Write a self-contained HTML page that shows pictures with their captions.

    Inputs:
    - path: File to write; an existing one is replaced
    - captioned: From `caption_photos`
    - model_name: Name of the model, shown on the page
    - knows: From `what_it_knows`
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    cards = map(_card, captioned)
    with atomic_write(path) as file:
        # one picture at a time
        about = {"model": model_name, "knows": knows, "unlike": UNLIKE}
        for piece in template.generate(cards=cards, count=len(captioned), **about):
            file.write(piece.encode("utf-8"))


def _card(photo):
    """What the page shows of a picture; an OSError would be taken for the page's own."""
    try:
        jpeg = _small_jpeg(photo.path)
    except OSError as error:
        raise ValueError(f"{photo.path} can't be read any more ({said(error)})") from error
    return {"name": _printable(photo.path.name), "jpeg": jpeg, "photo": photo}


def _small_jpeg(path):
    image = read_image(path)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return base64.b64encode(buffer.getvalue()).decode()


def _printable(name):
    """A file name on one line, in characters that can be written as UTF-8."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _photos(arguments):
    """The photos that the arguments name, and all photos in the folders that they name."""
    photos = []
    for path in map(Path, arguments):
        if path.is_dir():
            try:
                inside = sorted(
                    p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()
                )
            except PermissionError as error:
                raise PermissionError(
                    f"can't read the folder {path}: ask for permission to read it"
                ) from error
            if not inside:
                raise FileNotFoundError(
                    f"no pictures in {path}: their names end in {', '.join(sorted(SUFFIXES))}"
                )
            photos += inside
        else:
            photos.append(path)
    return photos


def main(argv=None):
    args = _arguments(argv)
    if args.beam_width < 1:
        raise ValueError(f"--beam-width must be at least 1, got {args.beam_width}")
    check_finite(**{"--length-penalty": args.length_penalty})
    page = args.page or (
        "captions.html" if any(Path(path).is_dir() for path in args.photos) else None
    )
    if page:
        check_can_write(page, "--page")
    model_path = Path(args.model)
    model = CaptioningRNN.load(model_path)
    photos = _photos(args.photos)
    network = network_of(model, args.weights)
    captioned, broken = caption_photos(
        photos,
        model,
        network,
        args.beam_width,
        args.length_penalty,
        progress=len(photos) > PATIENCE,
    )
    if knows := what_it_knows(model):
        print(knows)
    for photo in captioned:
        print(_printable(str(photo.path)))
        print(f"  greedy  {photo.greedy}  ({photo.greedy_log_p:.2f})")
        print(f"  beam {args.beam_width:<2} {photo.beam}  ({photo.beam_log_p:.2f})")
        if photo.unlike:
            print(f"  {UNLIKE}")
    if page and captioned:
        write_page(page, captioned, model_path.name, knows)
        print(f"{page}: {len(captioned)} pictures with captions, to open in a browser")
    for reason in broken.values():
        print("caption:", *reason.splitlines(), file=sys.stderr)
    return 1 if broken else 0


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.caption",
        description="Caption photos with a trained model.",
        epilog="example: python -m deeplearning.caption photo.jpg holiday/ --model model.npz",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", help="files of photos, and folders of them")
    parser.add_argument(
        "--model", default=BUILT_IN_MODEL, help="a model that deeplearning.train_captioner wrote"
    )
    parser.add_argument(
        "--weights", help="file with the feature network's weights, if it has moved"
    )
    parser.add_argument(
        "--page",
        help="file for a page with pictures and captions; for folders the default is captions.html",
    )
    parser.add_argument("--beam-width", type=int, default=3, help="width of the beam search")
    parser.add_argument(
        "--length-penalty",
        type=float,
        default=0.7,
        help="length penalty of the beam search; 1 compares mean scores",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        # captions and names may contain characters that a terminal can't show
        stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f"caption: {said(error)}")
