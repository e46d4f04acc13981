import re

import numpy as np
import pytest
from PIL import Image

from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.coco_utils import decode_captions, load_coco_data, load_references
from deeplearning.feature_transform import FeatureTransform
from deeplearning.metrics import cider_d, corpus_bleu
from deeplearning.train_captioner import main

SMALL = ["--wordvec-dim", "5", "--hidden-dim", "7", "--batch-size", "10", "--learning-rate", "0.01"]


def train(data, out, *more, epochs=2):
    main(["--data", str(data), "--out", str(out), "--epochs", str(epochs), *SMALL, *more])


def parameters(path):
    return {name: w.tobytes() for name, w in CaptioningRNN.load(path).params.items()}


@pytest.mark.parametrize("cell_type", ["rnn", "lstm"])
def test_trains_and_scores(tiny_dataset, tmp_path, capsys, cell_type):
    """The model is written, and the scores printed for greedy and beam search are those of its
    captions.
    """
    train(tiny_dataset, tmp_path / "model.npz", "--cell-type", cell_type, "--beam-width", "2")
    output, _ = capsys.readouterr()
    assert "2 epochs" in output
    data = load_coco_data(tiny_dataset)
    model = CaptioningRNN.load(tmp_path / "model.npz", data["word_to_idx"])
    assert model.cell_type == cell_type and model.params["W_proj"].shape == (6, 7)
    references, rows = load_references(data, tiny_dataset)
    for name, width in (("greedy", 1), ("beam of 2", 2)):
        captions = decode_captions(
            model.sample(data["val_features"][rows], beam_width=width, length_penalty=0.7),
            data["idx_to_word"],
        )
        scores = [*100 * corpus_bleu(references, captions), cider_d(references, captions)[0]]
        line = next(line for line in output.splitlines() if name in line)
        assert [float(number) for number in re.findall(r"\d+\.\d+", line)] == pytest.approx(
            scores, abs=0.0051
        )


def test_features_are_standardised(tiny_dataset, tmp_path):
    """The model takes raw features: it holds the mean and deviation of the training images."""
    train(tiny_dataset, tmp_path / "model.npz")
    features = np.asarray(load_coco_data(tiny_dataset)["train_features"])
    mean, std = CaptioningRNN.load(tmp_path / "model.npz").standardize
    np.testing.assert_allclose(mean, features.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(std, features.std(axis=0), rtol=1e-5)


def test_the_best_epoch_is_kept(tiny_dataset, tmp_path, capsys):
    """The model written is that of the epoch with the lowest validation loss, not the last one."""
    train(tiny_dataset, tmp_path / "model.npz", "--learning-rate", "0.3", epochs=8)
    data = load_coco_data(tiny_dataset)
    model = CaptioningRNN.load(tmp_path / "model.npz")
    loss = model.evaluate(data["val_features"][data["val_image_idxs"]], data["val_captions"])
    lowest = float(re.search(r"lowest validation loss ([\d.]+)", capsys.readouterr().out)[1])
    assert loss == pytest.approx(lowest, abs=0.002)


def test_the_model_knows_its_features(tiny_dataset, tmp_path):
    """It keeps the data set's record of how its features were made, and None if there is no record."""
    train(tiny_dataset, tmp_path / "model.npz")
    assert CaptioningRNN.load(tmp_path / "model.npz").feature_transform is None
    made = FeatureTransform(
        "alexnet", "w", "ab", "l", 64, (0, 0, 0), (1, 1, 1), np.arange(6), np.ones(6)
    )
    made.save(tiny_dataset)
    train(tiny_dataset, tmp_path / "model.npz")
    assert (
        CaptioningRNN.load(tmp_path / "model.npz").feature_transform.description()
        == made.description()
    )
    (tiny_dataset / "features.json").write_text("damaged")
    with pytest.raises(ValueError, match="features.json"):
        train(tiny_dataset, tmp_path / "model.npz")


def test_half(tiny_dataset, tmp_path):
    """--half rounds the parameters of the same model to float16."""
    train(tiny_dataset, tmp_path / "full")
    train(tiny_dataset, tmp_path / "half", "--half")
    full, half = (CaptioningRNN.load(tmp_path / name).params for name in ("full", "half"))
    for name, w in full.items():
        np.testing.assert_array_equal(half[name], w.astype(np.float16).astype(np.float32))


def test_seed_decides(tiny_dataset, tmp_path):
    """The same seed gives the same parameters to the last byte, another one others."""
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        np.random.seed(len(name) + int(seed))
        train(tiny_dataset, tmp_path / name, "--seed", seed)
    assert parameters(tmp_path / "a") == parameters(tmp_path / "b")
    assert parameters(tmp_path / "a") != parameters(tmp_path / "c")


def test_resume(tiny_dataset, tmp_path):
    """A run of one epoch, resumed for two more, ends where one of three epochs does; so does a
    fresh --resume.
    """
    train(tiny_dataset, tmp_path / "whole", epochs=3)
    train(tiny_dataset, tmp_path / "parts", epochs=1)
    assert parameters(tmp_path / "parts") != parameters(tmp_path / "whole")
    train(tiny_dataset, tmp_path / "parts", "--resume", epochs=3)
    train(tiny_dataset, tmp_path / "fresh", "--resume", epochs=3)
    assert (
        parameters(tmp_path / "whole")
        == parameters(tmp_path / "parts")
        == parameters(tmp_path / "fresh")
    )


@pytest.mark.parametrize("form", ["png", "jpg"])
def test_picture(tiny_dataset, tmp_path, form):
    """--picture draws validation images with their captions; if none has a picture, one sentence
    says so.
    """
    (tiny_dataset / "val2014_urls.txt").write_text("".join(f"{image}.png\n" for image in range(5)))
    (tiny_dataset / "val_images").mkdir()
    for image in (1, 3, 4):
        Image.new("RGB", (40, 30), (250, 0, 0)).save(
            tiny_dataset / "val_images" / f"{image}.{form}"
        )
    arguments = ["--picture", str(tmp_path / "captions.png"), "--pictures", "2"]
    if form == "jpg":  # not the files that the data set names
        with pytest.raises(ValueError, match="picture"):
            train(tiny_dataset, tmp_path / "model", *arguments)
        return
    train(tiny_dataset, tmp_path / "model", *arguments)
    with Image.open(tmp_path / "captions.png") as picture:
        red = (np.asarray(picture.convert("RGB")) == [250, 0, 0]).all(axis=2).any(axis=0)
    assert np.count_nonzero(np.diff(red.astype(int)) == 1) == 2  # two red pictures, side by side


# As a command


def command(run_python, *arguments, **how):
    return run_python("-m", "deeplearning.train_captioner", *arguments, **how)


def test_help(run_python, tmp_path):
    """--help explains the options with an example, from any directory."""
    status, output, errors = command(run_python, "--help", cwd=tmp_path)
    assert (status, errors) == (0, "")
    assert (
        "--data" in output
        and "--resume" in output
        and "example: python -m deeplearning" in " ".join(output.split())
    )


def test_missing_out(run_python, tmp_path):
    """Without --out, the file to write, nothing starts, and the status is 2."""
    status, output, errors = command(run_python, cwd=tmp_path)
    assert status == 2 and output == "" and "--out" in errors and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["--data", "x"], ["--out", "m", "--epochs", "two"], ["--out", "m", "--bad"]]
)
def test_usage(arguments, capsys):
    """A missing, malformed or unknown option is wrong usage: status 2."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage:" in capsys.readouterr().err


def test_command_trains(run_python, tiny_dataset, tmp_path):
    """The command trains by the name of a data set, and writes where it was started."""
    environment = {"DEEPLEARNING_DATA": str(tmp_path)}
    arguments = ["--data", tiny_dataset.name, "--out", "model.npz", "--epochs", "1", *SMALL]
    status, output, errors = command(run_python, *arguments, cwd=tmp_path, env=environment)
    assert (status, errors) == (0, "") and "BLEU-4" in output and "CIDEr-D" in output
    assert parameters(tmp_path / "model.npz")


@pytest.mark.parametrize(
    "arguments, fact",
    [
        (["--data", "no_such_set", "--out", "model.npz"], "no_such_set"),
        (["--data", "damaged", "--out", "model.npz"], "coco2014_vocab.json"),
        (["--data", "tiny captioning", "--out", "missing/model.npz"], "model.npz"),
        (["--data", "tiny captioning", "--out", "model.npz", "--batch-size", "0"], "batch_size"),
        (["--out", "model.npz", "--beam-width", "0"], "--beam-width must be at least 1"),
        (["--out", "model.npz", "--length-penalty", "nan"], "finite --length-penalty, got nan"),
        (["--out", "model.npz", "--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--out", "model.npz", "--learning-rate", "nan"], "finite learning_rate, got nan"),
        (["--out", "model.npz", "--picture", "missing/x.png"], "folder of --picture"),
        (["--out", "model.npz", "--picture", "x.bmpp"], "must end in one of"),
        (["--out", "damaged"], "--out damaged is a folder"),
        (
            [
                "--data",
                "tiny captioning",
                "--out",
                "model.npz",
                "--learning-rate",
                "1e30",
                "--clip-norm",
                "1e30",
            ],
            "loss",
        ),
        (
            ["--data", "tiny captioning", "--out", "damaged/run.npz", "--resume"],
            "run.npz.checkpoint",
        ),
    ],
)
def test_problems(run_module, tiny_dataset, tmp_path, arguments, fact):
    """Anything that can't be found, read or written, or does not converge, gives status 1 and one
    line, not a traceback.
    """
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.npz.checkpoint").write_text("damaged")
    command = ["deeplearning.train_captioner", *SMALL, *arguments]
    with np.errstate(all="ignore"):  # of the overflow at a rate of 1e30
        status, _, errors = run_module(*command, cwd=tmp_path)
    assert status == 1 and len(errors.splitlines()) == 1
    assert errors.startswith("train_captioner: ") and fact in errors
    assert not (tmp_path / "model.npz").exists()


def test_damaged_references_are_known_before_training(tiny_dataset, tmp_path):
    """Files needed only for the scores are read before the work, not after it."""
    (tiny_dataset / "val_references.json").write_text("[{}]")
    with pytest.raises(ValueError, match="val_references.json does not hold captions"):
        train(tiny_dataset, tmp_path / "model.npz")
    assert not list(tmp_path.glob("model*"))
