"""Photos get the captions that the model writes for their features, as text and as a page."""

import base64
import html
import io
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deeplearning import caption
from deeplearning.caption import caption_photos, main, network_of, write_page
from deeplearning.classifiers.backbones import image_features, last_layer, weights_sha256
from deeplearning.classifiers.rnn import CaptioningRNN
from deeplearning.classifiers.squeezenet import load_squeezenet, save_squeezenet
from deeplearning.coco_utils import decode_captions
from deeplearning.datasets.toytown.plan import SEED, picture
from deeplearning.datasets.toytown.truth import score_truth
from deeplearning.familiarity import Familiarity, learn_familiarity
from deeplearning.feature_transform import FeatureTransform

WORDS = ["<NULL>", "<START>", "<END>", "<UNK>", "a", "dog", "<b>", "größe", "&"]


@pytest.fixture
def model(network):
    """A model with random weights for this network's features, reduced to 20."""
    rng = np.random.default_rng(0)
    state = np.random.get_state()
    np.random.seed(0)
    made = CaptioningRNN({word: k for k, word in enumerate(WORDS)}, 20, 6, 8, "lstm")
    np.random.set_state(state)
    made.params = {name: 3 * w for name, w in made.params.items()}
    made.params["b_vocab"][[0, 1]] = -9  # words that no caption holds
    made.feature_transform = FeatureTransform(
        network.name, network.weights, weights_sha256(network), last_layer(network)[0], network.image_size,
        network.mean, network.std, rng.random(512), rng.random(512) + 0.5, rng.standard_normal((512, 20)) / 9,
    )  # fmt: skip
    return made


@pytest.fixture
def model_file(model, tmp_path):
    model.save(tmp_path / "model.npz")
    return str(tmp_path / "model.npz")


@pytest.fixture
def photos(tmp_path):
    """Folder of photos whose names hold what HTML, terminals and lists of names could
    stumble over.
    """
    folder = tmp_path / "my photos"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for name in ("a b.jpg", "größe & <b>.png", "new\nline.png", "z.JPG"):
        Image.fromarray(rng.integers(0, 256, (60, 90, 3), dtype=np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    return folder


# Captions


def test_captions_are_those_of_the_features(model, network, photos):
    """Greedy and beam captions and their log-probabilities are the model's for the transformed
    features.
    """
    paths = sorted(photos.glob("*.*g")) * 4  # more than one batch
    captioned, broken = caption_photos(paths, model, network, beam_width=2, length_penalty=0.5)
    features = model.feature_transform(image_features(paths, network, progress=False))
    assert [photo.path for photo in captioned] == paths and broken == {}
    for kind, how in (("greedy", {}), ("beam", {"beam_width": 2, "length_penalty": 0.5})):
        words = model.sample(features, **how)
        expected = [text.replace("<END>", "").strip() for text in decode_captions(words, WORDS)]
        assert [getattr(photo, kind) for photo in captioned] == expected
        log_p = [getattr(photo, f"{kind}_log_p") for photo in captioned]
        np.testing.assert_allclose(log_p, model.log_probabilities(features, words), rtol=1e-4)
    assert len({photo.greedy for photo in captioned}) > 1


def test_printed(model, model_file, network, photos, capsys):
    """The captions of each photo are printed in the requested order, with two decimals."""
    paths = [photos / "größe & <b>.png", photos / "a b.jpg"]
    assert main([*map(str, paths), "--model", model_file]) == 0
    output, errors = capsys.readouterr()
    expected = ""
    for p in caption_photos(paths, model, network)[0]:
        expected += f"{p.path}\n  greedy  {p.greedy}  ({p.greedy_log_p:.2f})\n  beam 3  {p.beam}  ({p.beam_log_p:.2f})\n"
    assert (output, errors) == (expected, "")


def test_photos_that_cannot_be_read(model_file, photos, tmp_path, capsys):
    """They are reported by name, the others are captioned, and the status is 1."""
    (photos / "broken.jpg").write_bytes((photos / "a b.jpg").read_bytes()[:700])
    arguments = [
        photos / "broken.jpg",
        photos / "z.JPG",
        photos / "missing.png",
        photos / "notes.txt",
    ]
    assert main([*map(str, arguments), "--model", model_file]) == 1
    output, errors = capsys.readouterr()
    assert "z.JPG" in output and output.count("greedy") == 1
    lines = errors.splitlines()
    assert len(lines) == 3 and all(line.startswith("caption: ") for line in lines)
    for line, fact in zip(
        lines,
        ("broken.jpg can't be read", "missing.png is missing", "notes.txt can't be read"),
        strict=True,
    ):
        assert fact in line
    assert (
        main(
            [
                str(photos / "missing.png"),
                "--model",
                model_file,
                "--page",
                str(tmp_path / "page.html"),
            ]
        )
        == 1
    )
    assert not (tmp_path / "page.html").exists()


def test_folder_without_permission(model_file, photos, monkeypatch):
    """A folder that can't be read is named."""

    def denied(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", denied)
    with pytest.raises(
        PermissionError, match=r"can't read the folder .*my photos: ask for permission"
    ):
        main([str(photos), "--model", model_file])


# The page


class Page(HTMLParser):
    """What a browser would show (texts and pictures), and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.pictures, self.tags = [], [], set()
        self.fetched = re.findall(r"//\w|url\(", re.sub(r'base64,[^"]+', "", text))
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attrs = dict(attrs)
        if tag == "img":
            self.pictures.append((attrs["src"], attrs["alt"]))

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_page_of_a_folder(model, model_file, network, photos, tmp_path, monkeypatch, capsys):
    """A folder gives captions.html in the current directory: small photos by name, with captions;
    nothing else is fetched.
    """
    monkeypatch.chdir(tmp_path)
    assert main([str(photos), "--model", model_file]) == 0
    assert "captions.html: 4 pictures" in capsys.readouterr().out
    page = Page((tmp_path / "captions.html").read_text(encoding="utf-8"))
    captioned, _ = caption_photos(sorted(photos.glob("*.*[gG]")), model, network)
    assert [alt for _, alt in page.pictures] == [photo.beam for photo in captioned]
    names = [text for text in page.texts if text.endswith(("g", "G")) and "." in text]
    assert names == ["a b.jpg", "größe & <b>.png", r"new\nline.png", "z.JPG"]
    for photo in captioned:
        for text in (
            photo.greedy,
            photo.beam,
            f"{photo.greedy_log_p:.2f}",
            f"{photo.beam_log_p:.2f}",
        ):
            assert text in page.texts
    assert page.fetched == [] and not page.tags & {"script", "link", "b", "iframe"}


def test_pictures_on_the_page(model, model_file, network, tmp_path):
    """Large photos, transparent and grey ones are small JPEGs on the page, with the sides that they
    have.
    """
    pixels = np.full((1200, 600, 4), 90, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    Image.fromarray(pixels[:50, :70, 0]).save(tmp_path / "grey.png")
    page = tmp_path / "page.html"
    paths = [str(tmp_path / "large.png"), str(tmp_path / "grey.png")]
    assert main([*paths, "--model", model_file, "--page", str(page)]) == 0
    sizes = []
    for source, _ in Page(page.read_text(encoding="utf-8")).pictures:
        kind, content = source.split(",")
        assert kind == "data:image/jpeg;base64"
        sizes.append(Image.open(io.BytesIO(base64.b64decode(content))).size)
    assert sizes == [(240, 480), (70, 50)]


def test_a_picture_that_vanishes(model, network, photos, tmp_path):
    """A picture that vanishes between captioning and the page is named, and no page is left."""
    paths = [photos / "z.JPG"]
    captioned, _ = caption_photos(paths, model, network)
    captioned[0].path = tmp_path / "gone.png"
    with pytest.raises(ValueError, match=r"gone\.png can't be read any more"):
        write_page(tmp_path / "page.html", captioned, "m")
    assert not list(tmp_path.glob("*page*"))


# Models and networks


def test_model_that_does_not_know_its_features(model, tmp_path, photos):
    """A model of a data set that did not say how its features were made is refused, with advice."""
    model.feature_transform = None
    model.save(tmp_path / "m.npz")
    with pytest.raises(
        ValueError, match=r"does not know how its features are made.*datasets\.build"
    ):
        main([str(photos), "--model", str(tmp_path / "m.npz")])


def test_other_weights(model, model_file, network, photos, tmp_path, capsys):
    """Weights other than those of training are refused; a copy elsewhere is accepted."""
    other = load_squeezenet(network.weights)
    other.features[0].bias += 0.1
    save_squeezenet(
        tmp_path / "other.npz", other, other.class_names, other.mean, other.std, other.image_size
    )
    with pytest.raises(ValueError, match=r"other weights than .*other\.npz: name the file"):
        main([str(photos), "--model", model_file, "--weights", str(tmp_path / "other.npz")])
    (tmp_path / "moved.npz").write_bytes(Path(network.weights).read_bytes())
    assert network_of(model, str(tmp_path / "moved.npz")).weights == str(tmp_path / "moved.npz")


def test_model_and_transform_that_do_not_fit(model, network, photos):
    """A model that takes another number of features than its transform gives is refused
    with both.
    """
    model.feature_transform = FeatureTransform(
        **vars(model.feature_transform) | {"projection": np.ones((512, 7))}
    )
    with pytest.raises(ValueError, match=r"\(N, D\) with D = 20, got float32 of shape \(1, 7\)"):
        caption_photos([photos / "z.JPG"], model, network)


def test_the_model_that_comes_with_the_project(tmp_path, capsys):
    """It is under 2 MB, belongs to the network that comes with the project, and names what
    Toytown's pictures show.
    """
    assert caption.BUILT_IN_MODEL.stat().st_size < 2e6
    scenes = []
    for number in range(30):
        scene, image, _ = picture(SEED, "val", number)
        image.save(tmp_path / f"{number:02d}.png")
        scenes.append(scene)
    assert main([str(tmp_path), "--page", str(tmp_path / "page.html")]) == 0
    greedy = re.findall(r"greedy +(.*?) +\(-", capsys.readouterr().out)
    assert score_truth(greedy, scenes)["main"] >= 0.9


# As a command


def command(run_python, *arguments, **how):
    return run_python("-m", "deeplearning.caption", *arguments, **how)


def test_command(run_module, model_file, photos, tmp_path):
    """From any directory, with names that a terminal can't show; status 0."""
    status, output, errors = run_module(
        "deeplearning.caption", photos, "--model", model_file, cwd=tmp_path, encoding="ascii"
    )
    assert (status, errors) == (0, "") and output.count("greedy") == 4 and r"gr\xf6\xdfe" in output
    assert (tmp_path / "captions.html").exists()


def test_command_usage(run_python, tmp_path):
    """--help shows an example and needs no PyTorch; without photos the status is 2."""
    (tmp_path / "torch.py").write_text("raise ImportError")
    environment = {"PYTHONPATH": str(tmp_path)}
    status, output, errors = command(run_python, "--help", env=environment)
    assert (status, errors) == (0, "") and "example: python -m deeplearning.caption" in " ".join(
        output.split()
    )
    assert command(run_python)[0] == 2


@pytest.mark.parametrize(
    "arguments, fact",
    [
        (["photo.png", "--model", "none.npz"], "none.npz"),
        (["photo.png", "--model", "damaged.npz"], "damaged.npz is damaged"),
        (["empty", "--model", "model.npz"], "no pictures in empty"),
        (["photo.png", "--model", "model.npz", "--beam-width", "0"], "--beam-width must"),
        (["photo.png", "--length-penalty", "nan"], "a finite --length-penalty, got nan"),
        (["photo.png", "--model", "model.npz", "--page", "missing/page.html"], "page.html"),
    ],
)
def test_command_problems(model_file, photos, tmp_path, monkeypatch, arguments, fact):
    """Anything that can't be found or read is reported in one line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.npz").write_text("damaged")
    (tmp_path / "photo.png").write_bytes((photos / "new\nline.png").read_bytes())
    with pytest.raises((OSError, ValueError), match=fact) as caught:
        main(arguments)
    assert len(str(caught.value).splitlines()) == 1


def test_a_problem_is_one_line(run_python, tmp_path):
    """Anything that can't be found is reported in one line, and the command's exit status is 1."""
    status, _, errors = command(run_python, "photo.png", "--model", "none.npz", cwd=tmp_path)
    assert (status, len(errors.splitlines())) == (1, 1)
    assert errors.startswith("caption: ") and "none.npz" in errors


@pytest.mark.corpus
def test_speed_of_known_features():
    """From given features, a model of the shipped one's size writes over 500 captions a second."""
    words = {
        word: k for k, word in enumerate(["<NULL>", "<START>", "<END>", *map(str, range(1000))])
    }
    model = CaptioningRNN(words, 512, 128, 256, "lstm")
    features = np.random.default_rng(0).standard_normal((1000, 512))
    began = time.process_time()
    model.sample(features, max_length=17)
    assert 1000 / (time.process_time() - began) > 500


def test_pictures_unlike_the_training_pictures(
    model, model_file, network, photos, tmp_path, capsys
):
    """A line below the captions warns of them, also on the page; the model's file stores how to
    tell.
    """
    model.familiarity = Familiarity(np.zeros(20, np.float32), np.eye(20, 3), 1.1)
    model.save(model_file)
    arguments = [str(photos), "--model", model_file, "--page", str(tmp_path / "page.html")]
    assert main(arguments) == 0
    assert caption.UNLIKE not in capsys.readouterr().out + (tmp_path / "page.html").read_text()
    model.familiarity = Familiarity(np.zeros(20, np.float32), np.eye(20, 3), 0.1)
    model.save(model_file)
    assert main(arguments) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.count(caption.UNLIKE) == 4
    assert html.unescape(page).count(caption.UNLIKE) == 4


def test_what_the_built_in_model_says(tmp_path, capsys):
    """Of Toytown's pictures nearly none is called unlike, of noise most; and it
    says what it knows.
    """
    drawn = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(drawn):
        picture(SEED, "val", number)[1].save(path)
    rng = np.random.default_rng(0)
    strange = [tmp_path / f"noise {n}.png" for n in range(3)]
    for path in strange:
        Image.fromarray(rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)).save(path)
    assert main(list(map(str, drawn))) == 0
    output = capsys.readouterr().out
    assert output.startswith(caption.TOYTOWN_ALONE) and output.count(caption.UNLIKE) <= 1
    assert main(list(map(str, strange))) == 0
    assert capsys.readouterr().out.count(caption.UNLIKE) >= 2


def test_learnt_from_features():
    """Features in the directions of training are familiar, others are not; too few tell nothing."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((20, 200))

    def features(n):
        return rng.standard_normal((n, 20)) @ directions + 0.1 * rng.standard_normal((n, 200)) + 3

    known = learn_familiarity(features(1500), features(400))
    assert known.unlike(features(1000)).mean() < 0.03
    assert known.unlike(rng.standard_normal((50, 200)) * 4).all()
    again = Familiarity.from_arrays(known.to_arrays())
    np.testing.assert_array_equal(again.shares(directions), known.shares(directions))
    assert learn_familiarity(features(999), features(400)) is None
    assert learn_familiarity(features(1500), features(99)) is None
