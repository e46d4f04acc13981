"""Train a captioning model on a data set of captioned images, and score it on the validation split.

    python -m deeplearning.train_captioner --data flickr8k_captioning --out model.npz --seed 0

The model, with the parameters of the lowest validation loss, is written at the end. A checkpoint is
written next to it after each epoch and in between; `--resume` continues an interrupted run from
there.
"""

import argparse
import contextlib
import sys
import time
from pathlib import Path

import numpy as np

from deeplearning.caption_scores import rows_with_pictures, score_captions, write_captions
from deeplearning.captioning_solver import CaptioningSolver
from deeplearning.checks import check_counts, check_finite
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.coco_utils import load_coco_data, load_references
from deeplearning.datasets.finding import find_dataset
from deeplearning.familiarity import learn_familiarity
from deeplearning.feature_array import feature_statistics
from deeplearning.feature_transform import FeatureTransform
from deeplearning.figures import captioned_pictures
from deeplearning.files import atomic_write, check_can_write, said


def main(argv=None):
    args = _arguments(argv)
    _check(args)
    began = time.perf_counter()
    np.random.seed(args.seed)
    data = load_coco_data(args.data)
    load_references(data, args.data)  # a damaged file should fail now, not after training
    model = _make_model(data, args)
    solver = CaptioningSolver(
        model,
        data,
        update_rule="adam",
        optim_config={"learning_rate": args.learning_rate},
        lr_decay=args.lr_decay,
        batch_size=args.batch_size,
        num_epochs=args.epochs,
        clip_norm=args.clip_norm,
        average=args.average,
        checkpoint=f"{args.out}.checkpoint",
        resume=args.resume,
    )
    solver.train()
    model.params = solver.best_params
    model.save(args.out, half=args.half)
    lowest = min(solver.val_loss_history, default=np.nan)
    epochs = len(solver.val_loss_history)
    seconds = time.perf_counter() - began
    print(f"{args.out}: lowest validation loss {lowest:.3f} of {epochs} epochs, {seconds:.0f} s")
    _score(CaptioningRNN.load(args.out), data, args)


def _check(args):
    """Refuse settings that would otherwise fail only after training."""
    check_can_write(args.out, "--out")
    for name in ("beam_width", "pictures", "wordvec_dim", "hidden_dim"):
        if getattr(args, name) < 1:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be at least 1, got {getattr(args, name)}")
    check_finite(**{"--length-penalty": args.length_penalty})
    check_counts(**{"--seed": args.seed})
    if args.picture:
        check_can_write(args.picture, "--picture")
        from matplotlib.backend_bases import FigureCanvasBase  # importing takes a while

        endings = FigureCanvasBase.get_supported_filetypes()
        ending = Path(args.picture).suffix.lower()
        if ending.removeprefix(".") not in endings:
            raise ValueError(
                f"--picture {args.picture} must end in one of {', '.join(endings)}, such as .png"
            )


def _make_model(data, args):
    """A model with random parameters that knows how its features are made."""
    model = CaptioningRNN(
        data["word_to_idx"],
        data["train_features"].shape[1],
        args.wordvec_dim,
        args.hidden_dim,
        args.cell_type,
        dropout=args.dropout,
        rng=np.random.default_rng(args.seed),
        standardize=feature_statistics(data["train_features"]),
    )
    # without it, the model can do everything but caption new pictures
    with contextlib.suppress(FileNotFoundError):
        model.feature_transform = FeatureTransform.load(find_dataset(args.data))
    model.familiarity = learn_familiarity(data["train_features"], data["val_features"])
    return model


def _score(model, data, args):
    """Print the saved model's scores, and draw pictures with its captions."""
    for width in sorted({1, args.beam_width}):
        scores = score_captions(
            model, data, args.data, beam_width=width, length_penalty=args.length_penalty
        )
        name = "greedy" if width == 1 else f"beam of {width}"
        shown = ", ".join(f"{key} {value:.2f}" for key, value in scores.items())
        print(f"validation, {name}: {shown}")
    if args.picture:
        rows = rows_with_pictures(data)[: args.pictures]
        captions = write_captions(
            model, data, rows, beam_width=args.beam_width, length_penalty=args.length_penalty
        )
        figure = captioned_pictures(data["val_urls"][rows], captions, columns=4)
        with atomic_write(args.picture) as file:
            figure.savefig(file, dpi=100, format=Path(args.picture).suffix[1:])


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.train_captioner",
        description=(
            "Train a captioning model on a data set of captioned images, and score it on the "
            "validation split."
        ),
        epilog=(
            "example: python -m deeplearning.train_captioner "
            "--data flickr8k_captioning --out model.npz --seed 0"
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", help="folder of the data set, or name of one in the data folder")
    parser.add_argument("--out", required=True, help="file for the trained model")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything drawn at random")
    parser.add_argument("--half", action="store_true", help="write parameters as float16")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    _add_training(parser.add_argument)
    _add_scoring(parser.add_argument)
    return parser.parse_args(argv)


def _add_training(add):
    """The options of the model and its training."""
    add("--cell-type", choices=("rnn", "lstm"), default="lstm")
    add("--wordvec-dim", type=int, default=256)
    add("--hidden-dim", type=int, default=512)
    add("--dropout", type=float, default=0.5)
    add("--epochs", type=int, default=12)
    add("--batch-size", type=int, default=100)
    add("--learning-rate", type=float, default=1e-3)
    add("--lr-decay", type=float, default=0.85, help="factor on the learning rate after each epoch")
    add("--clip-norm", type=float, default=5.0, help="maximum norm of the gradients")
    add("--average", type=float, default=0.999, help="decay of the running mean of the parameters")


def _add_scoring(add):
    """The options of scores and pictures, after training."""
    add("--beam-width", type=int, default=3, help="width of the beam search to score")
    add("--length-penalty", type=float, default=0.7, help="its penalty; 1 compares mean scores")
    add("--picture", help="file for a picture of validation images with their captions")
    add("--pictures", type=int, default=12, help="how many of the first images to put on it")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, FloatingPointError) as error:
        sys.exit(f"train_captioner: {said(error)}")
    except MemoryError as error:
        sys.exit(f"train_captioner: out of memory, take a smaller model or batch ({error})")
