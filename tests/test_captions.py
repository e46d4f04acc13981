"""Reading files of captions gives their pictures and captions, and reports what is left out."""

import csv
import functools
import io
import json
import os
import random
import unicodedata

import ijson
import pytest

from deeplearning.datasets.captions import RESPELT, draw_split, read_captions
from deeplearning.metrics import tokenize

NAMES = ["a.jpg", "b c.jpg", "d\ne.jpg", "größe.png", "sub/f.jpg"]


@pytest.fixture
def images(tmp_path):
    """Folder with empty files named as pictures: reading captions does not open them."""
    folder = tmp_path / "photos of ours"
    (folder / "sub").mkdir(parents=True)
    for name in NAMES:
        (folder / name).touch()
    return folder


def coco(images, annotations):
    """COCO's layout, from names and from pairs of image id and caption."""
    return {
        "info": {"year": 2014},
        "images": [{"id": 10 + k, "file_name": name, "height": 4} for k, name in enumerate(images)],
        "licenses": [],
        "annotations": [
            {"id": k, "image_id": i, "caption": caption}
            for k, (i, caption) in enumerate(annotations)
        ],
    }


def karpathy(*pictures):
    """Karpathy's layout, from triples of name, split and captions."""
    return {
        "dataset": "ours",
        "images": [
            {
                "filename": name,
                "filepath": "x",
                "split": split,
                "sentences": [{"raw": c, "tokens": c.split()} for c in cs],
            }
            for name, split, cs in pictures
        ],
    }


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def by_name(pairs):
    return {path.name: captions for path, captions in pairs}


# What they read


def test_coco(images, tmp_path):
    """COCO annotations give each picture its captions, in the order of the file, and no splits."""
    annotations = [
        (11, "A dog."),
        (10, "two"),
        (11, " A dog \n"),
        (14, "Größe, हिन्दी"),
        (12, "x"),
        (13, "y"),
    ]
    splits, left_out = read_captions(write(tmp_path / "c.json", coco(NAMES, annotations)), images)
    assert list(splits) == [None] and left_out == {}
    assert [path.relative_to(images).as_posix() for path, _ in splits[None]] == NAMES
    captions = [captions for _, captions in splits[None]]
    assert captions == [["two"], ["A dog.", " A dog \n"], ["x"], ["y"], ["Größe, हिन्दी"]]


def test_coco_in_another_order(images, tmp_path):
    """Annotations may stand before the images that they speak of, and the file may begin with
    UTF-8's mark.
    """
    content = coco(NAMES[:1], [(10, "one")])
    content["images"] = content.pop("images")
    path = write(tmp_path / "c.json", "\ufeff" + json.dumps(content, ensure_ascii=False))
    assert by_name(read_captions(path, images)[0][None]) == {"a.jpg": ["one"]}


def test_karpathy(images, tmp_path):
    """Karpathy's splits are kept, restval counts as train, and raw sentences are taken."""
    pictures = [
        ("a.jpg", "restval", ["A, b."]),
        ("b c.jpg", "val", ["c"]),
        ("f.jpg", "train", ["d", "e"]),
    ]
    path = write(tmp_path / "dataset.json", karpathy(*pictures, ("größe.png", "test", ["g"])))
    splits, left_out = read_captions(path, images)
    assert {split: by_name(pairs) for split, pairs in splits.items()} == {
        "train": {"a.jpg": ["A, b."], "f.jpg": ["d", "e"]},
        "val": {"b c.jpg": ["c"]},
        "test": {"größe.png": ["g"]},
    }
    assert left_out == {"in the folder, but not in the file": ["d\ne.jpg"]}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_csv(images, tmp_path, separator, mark):
    """CSV holds a caption in each row; quotes may hold separators and line breaks; columns come in
    any order.
    """
    rows = [
        ("Caption", "other", "IMAGE"),
        ('a "big", red; old\tand\nwet dog', 1, "a.jpg"),
        ("b", 2, "d\ne.jpg"),
    ]
    path = tmp_path / "c.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=separator).writerows(
            [*rows, ("c", 3, "a.jpg"), (), ("d", 4, "sub/f.jpg")]
        )
    splits, _ = read_captions(path, images)
    assert by_name(splits[None]) == {"a.jpg": [rows[1][0], "c"], "d\ne.jpg": ["b"], "f.jpg": ["d"]}


def test_csv_with_splits(images, tmp_path):
    """A column of splits is kept."""
    path = write(
        tmp_path / "c.csv", "image,caption,split\na.jpg,a,train\nb c.jpg,b,val\nf.jpg,c,restval\n"
    )
    splits, _ = read_captions(path, images)
    assert {s: list(by_name(pairs)) for s, pairs in splits.items()} == {
        "train": ["a.jpg", "f.jpg"],
        "val": ["b c.jpg"],
    }


def test_two_files(images, tmp_path):
    """A second file is for validation."""
    train = write(tmp_path / "train.json", coco(NAMES[:2], [(10, "a"), (11, "b")]))
    val = write(tmp_path / "val.csv", "image,caption\nf.jpg,c\n")
    splits, _ = read_captions(train, images, val)
    assert {s: list(by_name(p)) for s, p in splits.items()} == {
        "train": ["a.jpg", "b c.jpg"],
        "val": ["f.jpg"],
    }


def test_where_pictures_are_found(images, tmp_path):
    """Pictures are found by their path in the folder or one around it, otherwise by name; accents
    may be separate characters.
    """
    (images / "sub" / "a.jpg").touch()
    rows = "photos/a.jpg,1\n./sub/a.jpg,2\nf.jpg,3\nother/f.jpg,4\n"
    path = write(
        tmp_path / "c.csv",
        "image,caption\n" + rows + unicodedata.normalize("NFD", "größe.png") + ",5\n",
    )
    splits, left_out = read_captions(path, images)
    found = {picture.relative_to(images).as_posix(): captions for picture, captions in splits[None]}
    assert found == {"a.jpg": ["1"], "sub/a.jpg": ["2"], "sub/f.jpg": ["3"], "größe.png": ["5"]}
    assert left_out[f"not in {images}"] == ["other/f.jpg"]


def test_ambiguous_names(images, tmp_path):
    """A name that occurs in two folders is found in neither."""
    (images / "more").mkdir()
    (images / "more" / "f.jpg").touch()
    splits, left_out = read_captions(
        write(tmp_path / "c.csv", "image,caption\nf.jpg,a\na.jpg,b\n"), images
    )
    assert list(by_name(splits[None])) == ["a.jpg"]
    assert left_out[f"more than once in {images}"] == ["f.jpg"]


# What they leave out


def test_everything_left_out_is_named(images, tmp_path):
    """Pictures without captions, captions without pictures, empty captions, and unknown and
    repeated ids are all reported by name.
    """
    (images / "notes.txt").touch()
    content = coco(
        ["a.jpg", "missing.jpg", "b c.jpg", "sub/f.jpg"],
        [(10, "a"), (11, "b"), (12, ""), (12, "?!"), (99, "c"), (10, None), (10, "a")],
    )
    content["annotations"][-1]["id"] = 0
    content["annotations"].append({"id": 8, "image_id": 10, "bbox": [1, 2, 3, 4]})
    splits, left_out = read_captions(write(tmp_path / "c.json", content), images)
    assert by_name(splits[None]) == {"a.jpg": ["a"]}
    assert left_out == {
        f"not in {images}": ["missing.jpg"],
        "captions without a word, of": ["b c.jpg", "a.jpg"],
        "captions of pictures that the file does not list": ["image_id 99"],
        "captions that occurred before": ["id 0"],
        "of another form": ["annotation 8: it has no 'caption'"],
        "without a caption": ["b c.jpg", os.path.join("sub", "f.jpg")],
        "in the folder, but not in the file": ["d\ne.jpg", "größe.png"],
    }


# What they refuse

LONG = "x" * 100_000
A = '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"id": 1, "image_id": 1, "caption": "a"}'
WRONG = {
    "cut off": ("c.json", A, "damaged or not JSON"),
    "page": ("c.json", "<html>404</html>", "damaged or not JSON"),
    "empty": ("c.json", "", "damaged or not JSON"),
    "not UTF-8": ("c.json", b'{"images": [{"id": 1, "file_name": "\xff.jpg"}]}', "damaged or not JSON"),
    "list": ("c.json", [1], "neither the form of COCO's .*1 stands where an object"),
    "no captions": ("c.json", coco(["a.jpg"], []) | {"annotations": [{"image_id": 10}]}, "it has no 'caption'"),
    "nameless": ("c.json", {"images": [{"id": 1}]}, "it has no 'file_name'"),
    "texts": ("c.json", {"images": ["a.jpg"]}, "neither the form"),
    "number": ("c.json", coco(["a.jpg"], [(10, 5)]), "5 stands where a text should be"),
    "no sentences": ("c.json", {"images": [{"filename": "a.jpg", "split": "val", "sentences": [{}]}]}, "{} stands where a text"),
    "split": ("c.json", karpathy(("a.jpg", "spare", ["a"])), "'a.jpg' is in split 'spare'.*of train, .*val, .*test"),
    "two splits": ("c.json", karpathy(("a.jpg", "val", "a"), ("a.jpg", "train", "a")), "in split val and in train"),
    "header": ("c.csv", "a.jpg,a dog\n", "must name the columns image and caption, got 'a.jpg,a dog'"),
    "long header": ("c.csv", f"{LONG},caption\n", "must name the columns"),
    "long name": ("c.csv", f"image,caption,split\n{LONG},a,spare\n", "is in split 'spare'"),
    "long text": ("c.json", coco(["a.jpg"], [(10, {"en": LONG})]), "stands where a text should be"),
    "long id": ("c.json", coco([LONG, "a.jpg"], []) | {"images": [{"id": 1, "file_name": n} for n in (LONG, "a.jpg")]}, "fix the ids"),
    "nowhere": ("c.csv", f"image,caption\n{LONG},a\n", "no picture in"),
    "swallows all": ("c.csv", 'image,caption\na.jpg,"a\n' + "b c,a cat sits\n" * 20_000, "opens in line 2 is not closed"),
    "no rows": ("c.jsonl", '{"file_name": "a.jpg"}\n{"x"\n', "no line with file_name and text"),
    "deep": ("c.json", A + "," + '{"x":' * 100_000, "nested more than 100 levels"),
    "comma": ("c.json", A.replace("}]", "},]"), "damaged or not JSON.*, near '.*a.jpg\"},],"),
    "empty object": ("c.json", {}, "it has no 'entry'"),
    "empty list": ("c.json", [], "it has no 'entry'"),
    "scalar": ("c.json", "null", "it has no 'entry'"),
    "empty lists": ("c.json", {"images": [], "annotations": []}, "it has no 'caption'"),
    "images by number": ("c.json", {"images": {"1": "a.jpg"}, "annotations": [{"image_id": 1, "caption": "a"}]}, "images are not a list"),
    "Latin lines": ("c.jsonl", '{"file_name": "a.jpg", "text": "ok"}\n{"file_name": "a.jpg", "text": "größe"}'.encode("latin1"), "line 2 is in another"),
    "spreadsheet": ("c.xlsx", b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)), "not text in UTF-8"),
    "long cell": ("c.csv", f"image,caption\na.jpg,{LONG * 2}\n", "line 2: field larger than"),
    "bytes": ("c.txt", b"\x00\xff\xd8" * 500, "must name the columns|NUL"),
    "empty CSV": ("c.csv", "", "must name the columns"),
    "commas": ("c.csv", "image,caption\na.jpg,a dog, a cat\n", "with too many columns: put ',' into quotes: 'line 2'"),
    "latin": ("c.csv", "image,caption\na.jpg,Größe".encode("latin1"), "as CSV in UTF-8"),
    "CSV split": ("c.csv", "image,caption,split\na.jpg,a,spare\n", "line 2: 'a.jpg' is in split 'spare'"),
    "half split": ("c.csv", "image,caption,split\na.jpg,a,val\nf.jpg,a,\n", "'f.jpg' is in no split"),
    "nothing": ("c.csv", "image,caption\nx.jpg,a\n", "no picture in .* has a caption in .*c.csv: name the folder"),
}  # fmt: skip


@pytest.mark.parametrize("name, content, fact", WRONG.values(), ids=WRONG)
def test_wrong_files(images, tmp_path, name, content, fact):
    """Damaged, malformed or contradictory files are refused in one sentence that says what is
    wrong.
    """
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else write(path, content)
    with pytest.raises(ValueError, match=fact) as caught:
        read_captions(path, images)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 700 and "b'" not in str(caught.value)


def test_an_id_of_two_pictures(images, tmp_path):
    """An id that belongs to two pictures is refused with both; a picture that is listed twice is
    harmless.
    """
    content = coco(["a.jpg", "f.jpg", "a.jpg"], [(10, "a"), (12, "b")])
    assert by_name(read_captions(write(tmp_path / "c.json", content), images)[0][None]) == {
        "a.jpg": ["a", "b"]
    }
    content["images"][1]["id"] = 10
    with pytest.raises(ValueError, match=r"id 10 belongs to 'a.jpg' and to 'f.jpg'"):
        read_captions(write(tmp_path / "c.json", content), images)


def test_two_files_that_contradict(images, tmp_path):
    """A picture in both files is refused, and so is a file that has splits itself."""
    plain = write(tmp_path / "plain.csv", "image,caption\na.jpg,a\n")
    named = write(tmp_path / "named.csv", "image,caption,split\na.jpg,a,val\n")
    with pytest.raises(ValueError, match=r"'a.jpg' is in split train and in val"):
        read_captions(plain, images, plain)
    with pytest.raises(ValueError, match=r"named.csv names splits itself"):
        read_captions(plain, images, named)


def test_missing(images, tmp_path):
    """A missing file or folder is named."""
    with pytest.raises(FileNotFoundError, match=r"no captions at .*none.json"):
        read_captions(tmp_path / "none.json", images)
    with pytest.raises(FileNotFoundError, match=r"no folder of pictures at .*nowhere"):
        read_captions(tmp_path / "none.json", tmp_path / "nowhere")


def test_folder_without_permission(images, tmp_path, monkeypatch):
    """A folder that can't be read is named, not taken for an empty one."""

    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(
        PermissionError, match=r"can't read the folder .*photos of ours \(Permission denied\)"
    ):
        read_captions(tmp_path / "c.json", images)


# Splits by lot


def test_draw_split():
    """The share is exact, each picture is in one split, in the given order; that order does not
    affect the draw.
    """
    pairs = [(f"{k}.jpg", [str(k)]) for k in range(50)]
    splits = draw_split(pairs, 0.2, seed=3)
    assert len(splits["val"]) == 10 and sorted(splits["train"] + splits["val"]) == sorted(pairs)
    assert all(part == [pair for pair in pairs if pair in part] for part in splits.values())
    shuffled = random.Random(0).sample(pairs, 50)
    assert sorted(draw_split(shuffled, 0.2, seed=3)["val"]) == sorted(splits["val"])
    assert sorted(draw_split(pairs, 0.2, seed=4)["val"]) != sorted(splits["val"])
    assert (
        len(draw_split(pairs[:2], 0.01, 0)["val"])
        == len(draw_split(pairs[:2], 0.99, 0)["train"])
        == 1
    )


def test_draw_split_of_the_same_pictures_elsewhere():
    """The same pictures in another folder are split the same way."""
    val = [
        draw_split([(f"/{f}/{k}.jpg", ["a"]) for k in range(50)], 0.2, 0)["val"]
        for f in ("a", "b/c")
    ]
    assert [path[-6:] for path, _ in val[0]] == [path[-6:] for path, _ in val[1]]


@pytest.mark.parametrize(
    "count, share, fact", [(5, 0, "got 0"), (5, 1, "got 1"), (1, 0.5, "two pictures.*got 1")]
)
def test_draw_split_refuses(count, share, fact):
    """A share that leaves a split empty, and a single picture, are refused."""
    with pytest.raises(ValueError, match=fact):
        draw_split([("a", ["b"])] * count, share, 0)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        draw_split([("a", ["b"]), ("c", ["d"])], 0.5, -1)


@pytest.mark.corpus
@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="asks Linux how much memory a process has had"
)
def test_memory_of_a_large_file(run_python, images, tmp_path):
    """With half a gigabyte of annotations about other pictures, less than 200 MiB are in memory at
    once.
    """
    path, caption = (
        tmp_path / "large.json",
        "a man and a dog on the street beside a red bus with a table " * 2,
    )
    with open(path, "w", encoding="utf-8") as file:
        names = ", ".join(
            json.dumps({"id": k, "file_name": f"COCO_train2014_{k:012d}.jpg"})
            for k in range(400_000)
        )
        file.write(f'{{"images": [{{"id": -1, "file_name": "a.jpg"}}, {names}], "annotations": [')
        for k in range(2_800_000):
            file.write(f'{{"image_id": {k // 6 - 1}, "id": {k}, "caption": "{caption}"}}, ')
        file.write(f'{{"image_id": -1, "id": -1, "caption": "{caption}"}}]}}')
    assert path.stat().st_size > 500e6
    code = (
        "import re, sys; from deeplearning.datasets.captions import read_captions\n"
        "splits, _ = read_captions(*sys.argv[1:]); status = open('/proc/self/status').read()\n"
        "print(len(splits[None]), re.search(r'VmHWM:\\s+(\\d+) kB', status)[1])"
    )
    status, output, errors = run_python("-c", code, path, images)
    assert (status, errors) == (0, "")
    pictures, peak = map(int, output.split())
    assert pictures == 1 and peak < 200 << 10


# Files as they come


@pytest.mark.parametrize(
    "rows, respelt",
    [
        ("A.JPG,one\nB C.jpeg,two\n", ["A.JPG", "B C.jpeg"]),
        ("a,one\nb c,two\n", ["a", "b c"]),
        ("photos\\a.jpg,one\nb c.jpg,two\n", ["photos\\a.jpg"]),
        ("a.jpg , one\n b c.jpg,two\n", ["a.jpg ", " b c.jpg"]),
        ("“a.jpg”,one\n'b c.jpg',two\n", ["“a.jpg”", "'b c.jpg'"]),
        ("\u200ba.jpg,one\nb%20c.jpg,two\n", ["\u200ba.jpg", "b%20c.jpg"]),
        (
            "http://x.org/a.jpg?w=9,one\nB%20C.jpg#0,two\n",
            ["http://x.org/a.jpg?w=9", "B%20C.jpg#0"],
        ),
    ],
    ids=["capitals", "endings", "backslashes", "spaces", "quotes", "copied", "URLs"],
)
def test_names_spelt_in_another_way(images, tmp_path, rows, respelt):
    """Case, extensions, backslashes and surroundings of a name may differ; such names are found,
    and reported.
    """
    path = write(tmp_path / "c.csv", f"image, caption\n{rows}")
    splits, left_out = read_captions(path, images)
    found = {name: captions[0].strip() for name, captions in by_name(splits[None]).items()}
    assert found == {"a.jpg": "one", "b c.jpg": "two"}
    assert left_out[RESPELT] == respelt


@pytest.mark.parametrize("name", ["7", "007", "COCO_train2014_000000000007.jpg", "0007.PNG"])
def test_numbers_as_names(images, tmp_path, name):
    """A picture's number finds it with any number of leading zeros, and COCO's name of 2014 finds
    that of 2017.
    """
    (images / "000000000007.jpg").touch()
    path = write(tmp_path / "c.csv", f"image_id,caption\n{name},one\nb c.jpg,two\n")
    splits, left_out = read_captions(path, images)
    assert by_name(splits[None]) == {"000000000007.jpg": ["one"], "b c.jpg": ["two"]}
    assert left_out[RESPELT] == [name]
    (images / "7.png").touch()
    splits, left_out = read_captions(write(path, "image,caption\n07,one\nb c.jpg,two\n"), images)
    assert left_out[f"more than once in {images}"] == ["07"]


@pytest.mark.parametrize(
    "train, val", [("Training", "dev"), ("train2014", "val2014"), (" TRAIN ", "valid")]
)
def test_names_of_splits(images, tmp_path, train, val):
    """Splits are recognised by the names that data sets use for them."""
    path = write(tmp_path / "c.csv", f"image,caption,split\na.jpg,one,{train}\nb c.jpg,two,{val}\n")
    splits, _ = read_captions(path, images)
    assert {split: list(by_name(pairs)) for split, pairs in splits.items()} == {
        "train": ["a.jpg"],
        "val": ["b c.jpg"],
    }


def test_one_name_for_two_pictures(images, tmp_path):
    """A name that fits two pictures equally well finds neither."""
    (images / "A.png").touch()
    path = write(tmp_path / "c.csv", "image,caption\na,one\nb c.jpg,two\n")
    splits, left_out = read_captions(path, images)
    assert by_name(splits[None]) == {"b c.jpg": ["two"]}
    assert left_out[f"more than once in {images}"] == ["a"]


def test_ids_as_text(images, tmp_path):
    """An id is the same as a number and as a text."""
    content = coco(["a.jpg", "b c.jpg"], [("10", "a dog"), ("11", "a cat")])
    splits, _ = read_captions(write(tmp_path / "c.json", content), images)
    assert by_name(splits[None]) == {"a.jpg": ["a dog"], "b c.jpg": ["a cat"]}


def test_ids_that_start_again(images, tmp_path):
    """Captions whose ids restart for each picture are all kept."""
    content = coco(["a.jpg", "b c.jpg"], [(10, "a"), (10, "b"), (11, "c"), (11, "d")])
    for annotation, number in zip(content["annotations"], (0, 1, 0, 1), strict=True):
        annotation["id"] = number
    splits, left_out = read_captions(write(tmp_path / "c.json", content), images)
    assert by_name(splits[None]) == {"a.jpg": ["a", "b"], "b c.jpg": ["c", "d"]}
    assert "captions that occurred before" not in left_out


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("number", ["NaN", "-Infinity", "Infinity"])
def test_numbers_that_json_does_not_know(images, tmp_path, monkeypatch, number, size):
    """NaN and infinities, as written by Python, are ignored, but not inside a caption."""
    monkeypatch.setattr("ijson.items", functools.partial(ijson.items, buf_size=size))
    text = json.dumps(coco(["a.jpg"], [(10, 'a "NaN" \\ Infinity')]))
    text = text.replace('"height": 4', f'"height": {number}, "score": [{number},{number}]')
    splits, _ = read_captions(write(tmp_path / "c.json", text), images)
    assert by_name(splits[None]) == {"a.jpg": ['a "NaN" \\ Infinity']}


@pytest.mark.parametrize("digits", [1_001, 5_000, 200_000])
@pytest.mark.parametrize("where", ["id", "year"])
def test_a_number_of_thousands_of_digits(images, tmp_path, digits, where):
    """A number that would crash the parser is refused with one sentence."""
    text = json.dumps(coco(["a.jpg"], [(10, "a")]))
    known = '"id": 0' if where == "id" else '"year": 2014'
    text = text.replace(known, f"{known.partition(':')[0]}: {'9' * digits}")
    with pytest.raises(ValueError, match="c.json is damaged .*more than 1,000 digits"):
        read_captions(write(tmp_path / "c.json", text), images)


@pytest.mark.parametrize("end", ["\n", '"\n"d\ne.jpg",a cow\n'])
def test_a_quote_that_is_not_closed(images, tmp_path, end):
    """An unclosed quote that swallows further rows is refused, with the line in which it opens."""
    text = f'image,caption\na.jpg,one\na.jpg,"a dog runs\nb c.jpg,a cat sits{end}'
    with pytest.raises(ValueError, match="quote that opens in line 3 .* the row of b c.jpg"):
        read_captions(write(tmp_path / "c.csv", text), images)


def test_a_caption_of_two_lines(images, tmp_path):
    """A quoted caption may continue on the next line."""
    path = write(tmp_path / "c.csv", 'image,caption\na.jpg,"a dog,\nand, a cat"\nb c.jpg,x\n')
    splits, _ = read_captions(path, images)
    assert by_name(splits[None]) == {"a.jpg": ["a dog,\nand, a cat"], "b c.jpg": ["x"]}


ROWS = [("a.jpg", "a dog, and a cat"), ("b c.jpg", 'a "red" ball'), ("a.jpg", "a ball")]
HEADS = {
    "image,caption": ",",
    "filename;comment": ";",
    "file_name\ttext": "\t",
    "Text,File Name": ",",
}


def lines(rows, form):
    return "".join(form.format(name=name, caption=caption) + "\n" for name, caption in rows)


def table(rows, head):
    """A table with these columns, as a spreadsheet writes it."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=HEADS[head])
    backwards = head.startswith("Text")
    writer.writerows([head.split(HEADS[head]), *(row[::-1] if backwards else row for row in rows)])
    return file.getvalue()


FORMS = {
    **{head: table(ROWS, head) for head in HEADS},
    "token": lines(ROWS, "{name}#0\t{caption}"),
    "results": "image_name| comment_number| comment\n" + lines(ROWS, "{name}| 0| {caption} ."),
    "lines": "".join(json.dumps({"file_name": n, "text": c, "n": float("nan")}) + "\n\n" for n, c in ROWS),
    "list": json.dumps([{"image": n, "caption": c} for n, c in ROWS]),
    "sep": "sep=;\n" + table(ROWS, "filename;comment"),
    "rows end in commas": "image,caption\n\n" + lines(ROWS, '{name},"{caption}",').replace('a "red" b', "a red b"),
    "wide": "file_name;caption_1;caption_2\na.jpg;a dog, and a cat;a ball\nb c.jpg;a red ball;\n",
    "same header": "image;caption;caption\na.jpg;a dog, and a cat;a ball\nb c.jpg;a red ball;\n",
    "JSON cells": 'raw,filename\n"[""a dog, and a cat"", ""a ball""]",a.jpg\n"[""a red ball""]",b c.jpg\n',
    "Python cells": "img;captions\na.jpg;['a dog, and a cat', 'a ball']\nb c.jpg;['a red ball']\n",
    "quotes after spaces": 'path, title\na.jpg, "a dog, and a cat"\nb c.jpg, a red ball\na.jpg, a ball\n',
    "lists in texts": "".join(json.dumps({"file_name": n, "text": json.dumps(cs)}) + "\n" for n, cs in [("a.jpg", [ROWS[0][1], ROWS[2][1]]), ("b c.jpg", [ROWS[1][1]])]),
    "lines of a list": "".join(json.dumps({"file_name": n, "text": c}) + ",\n" for n, c in ROWS),
    "object": json.dumps({"a.jpg": [ROWS[0][1], ROWS[2][1]], "b c.jpg": ROWS[1][1]}),
    "object of objects": json.dumps({"a.jpg": {"captions": [ROWS[0][1], ROWS[2][1]]}, "b c.jpg": {"text": ROWS[1][1]}}),
    "annotations alone": json.dumps({"annotations": [{"file_name": n, "caption": c} for n, c in ROWS]}),
    "images alone": json.dumps({"images": [{"id": 1, "file_name": "a.jpg", "captions": [ROWS[0][1], ROWS[2][1]]}, {"id": 2, "file_name": "b c.jpg", "captions": [ROWS[1][1]]}]}),
    "captions in annotations": json.dumps(coco(["a.jpg", "b c.jpg"], [(10, [ROWS[0][1], ROWS[2][1]]), (11, ROWS[1][1])])),
    "Karpathy without splits": json.dumps({"images": [{"filename": "x.jpg"}, {"filename": "a.jpg", "sentences": [{"tokens": ROWS[0][1].split()}, ROWS[2][1]]}, {"filename": "b c.jpg", "sentences": [{"raw": ROWS[1][1]}]}]}),
    "lists": json.dumps([{"image": "a.jpg", "captions": [c for n, c in ROWS if n[0] == "a"]}, {"image": "b c.jpg", "captions": [ROWS[1][1]]}]),
}  # fmt: skip


TEXTS = ["utf-8", "utf-8-sig", "utf-16"]
WRITTEN = [(form, encoding) for form in FORMS for encoding in TEXTS]


@pytest.mark.parametrize("ending", ["txt", "csv", "json", "token", ""])
@pytest.mark.parametrize(("form", "encoding"), WRITTEN)
def test_forms_under_any_ending(images, tmp_path, form, encoding, ending):
    """Formats are recognised by the file's content, not by its extension."""
    path = tmp_path / f"captions.{ending}"
    path.write_text(FORMS[form], encoding=encoding)
    splits, left_out = read_captions(path, images)
    found = {n: [tokenize(c) for c in cs] for n, cs in by_name(splits[None]).items()}
    dogs = ["a", "dog", "and", "a", "cat"]
    assert found == {"a.jpg": [dogs, ["a", "ball"]], "b c.jpg": [["a", "red", "ball"]]}
    assert left_out.pop("in the folder, but not in the file")
    assert left_out in ({}, {"of another form": ["image 1: it has no 'sentences'"]})


ODD = {
    "commas": ("image,caption\na.jpg,one\nb c.jpg,a dog, two\n\na.jpg,\n", "line 3"),
    "bars": ("image_name| comment_number| comment\na.jpg| 0| one\nb c.jpg| 4   two\n", "b c.jpg"),
    "token": ("a.jpg#0\tone\nb c.jpg two\n", "line 2"),
    "broken line": ('{"file_name": "a.jpg", "text": "one"}\n{"file_name": "b\n', "line 2: it is not JSON"),
    "digits": ('{"file_name": "a.jpg", "text": "one"}\n{"n": ' + "9" * 5000 + "}\n", "line 2: it "),
    "nested": ('{"file_name": "a.jpg", "text": "one"}\n' + "[" * 200_000 + "\n", "line 2: it is not JSON"),
    "no text": ('{"file_name": "a.jpg", "text": "one"}\n{"file_name": "b c.jpg"}\n', "line 2: it has no 'text'"),
    "number": ('[{"image": "a.jpg", "text": "one"}, {"image": "b c.jpg", "text": 5}]', "entry 2: 5 stands where"),
    "sentence": (json.dumps(karpathy(("a.jpg", "val", ["one", "5"]))).replace('"raw": "5"', '"raw": 5'), "a.jpg, sentence 2: 5 stands"),
    "no split": (json.dumps({"images": karpathy(("a.jpg", "val", ["one"]))["images"] + [{"filename": "x"}]}), "image 2: it has no"),
    "picture": (json.dumps(coco(["a.jpg"], [(10, "one")])).replace("}], \"lic", '}, {"id": 5}], "lic'), "image 2: it has no 'file_name'"),
    "null id": (json.dumps(coco(["a.jpg"], [(10, "one"), (None, "two")])), "annotation 2: None stands where an id"),
    "no id": (json.dumps(coco(["a.jpg"], [(10, "one")])).replace('"one"}', '"one"}, {"caption": "x"}'), "annotation 2: it has no 'image_id'"),
    "no caption": (json.dumps({"a.jpg": "one", "b c.jpg": []}), "entry 2: it has no 'caption'"),
    "nameless": ("image,caption\n,two\na.jpg,one\n", "line 2"),
    "null name": ('{"file_name": null, "text": "x"}\n{"file_name": "a.jpg", "text": "one"}', "line 1: it has no 'file_name'"),
    "vast id": (json.dumps(coco(["a.jpg"], [(10, "one")])).replace("}], \"lic", '}, {"id": 1e999999999, "file_name": "b c.jpg"}], "lic'), "b c.jpg"),
    "NaN": ("image,caption\na.jpg,one\nb c.jpg,NaN\n", "b c.jpg"),
    "a text": (json.dumps(coco(["a.jpg"], [(10, "one")])).replace('"one"}', '"one"}, "two"'), "annotation 2: "),
}  # fmt: skip


@pytest.mark.parametrize("content, named", ODD.values(), ids=ODD)
def test_an_odd_row_costs_one_row(images, tmp_path, content, named):
    """A row that can't be read is left out and named; the others are kept."""
    splits, left_out = read_captions(write(tmp_path / "c", content), images)
    assert [c.strip() for cs in by_name(next(iter(splits.values()))).values() for c in cs] == [
        "one"
    ]
    assert any(name.startswith(named) for names in left_out.values() for name in names)


@pytest.mark.parametrize("number", ["10.0", "1e1", '"10"', '"0010"', '" 10"', '"10.0"'])
def test_ids_in_other_clothes(images, tmp_path, number):
    """An id is the same as an integer, a float and a text, with or without zeros before it."""
    text = json.dumps(coco(["a.jpg"], [(10, "one")])).replace(
        '"image_id": 10', f'"image_id": {number}'
    )
    splits, _ = read_captions(write(tmp_path / "c.json", text), images)
    assert by_name(splits[None]) == {"a.jpg": ["one"]}


@pytest.mark.parametrize(
    "row", ['a,"a dog runs\nb c,a cat sits\n', '"a.jpg,a dog\nb c.jpg,a cat"\n']
)
def test_a_quote_that_swallows_short_names(images, tmp_path, row):
    """Swallowed rows are recognised by names without extension too, and in any cell."""
    with pytest.raises(ValueError, match="quote that opens in line 3 .* the row of b c"):
        read_captions(write(tmp_path / "c.csv", f"image,caption\na.jpg,one\n{row}"), images)


def test_not_there_and_there_more_than_once(images, tmp_path):
    """A name that fits no picture and one that fits several get different messages."""
    (images / "a.jpg").rename(images / "sub" / "f.png")
    path = write(tmp_path / "c.csv", "image,caption\nf,one\nb c.jpg,two\nx.jpg,three\n")
    _, left_out = read_captions(path, images)
    assert left_out[f"more than once in {images}"] == ["f"]
    assert left_out[f"not in {images}"] == ["x.jpg"]
