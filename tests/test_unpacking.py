import io
import random
import stat
import zipfile
from types import SimpleNamespace

import pytest

from deeplearning.datasets.download import COCO_FILES
from deeplearning.datasets.unpacking import unpack
from tests.downloads import contents, zipped


def unpacked(content, folder, limit=1 << 30):
    """Files of a zip with these bytes, after unpacking it in a folder; none if that fails."""
    (folder / "zip").write_bytes(content)
    try:
        unpack(folder / "zip", folder / "out", COCO_FILES, limit)
    except (ValueError, OSError):
        assert not (folder / "out").exists()
        raise
    return contents(folder / "out")


@pytest.mark.parametrize("inside", ["coco_captioning/", "", "a/b/"])
def test_expected_files(tiny_dataset, tmp_path, inside):
    """The expected files come out, in whichever folder of the zip they lie; others, which systems
    add, do not.
    """
    more = {
        "__MACOSX/coco_captioning/._coco2014_vocab.json": "",
        "notes.txt": "",
        "coco_captioning/": "",
    }
    assert unpacked(zipped(tiny_dataset, inside, **more), tmp_path) == contents(tiny_dataset)


def test_nothing_is_written_elsewhere(tiny_dataset, tmp_path):
    """Members with paths elsewhere are left out, or written into the folder by their file name."""
    bad = {
        "../../escaped.txt": "1",
        f"{tmp_path}/absolute.txt": "2",
        "coco_captioning/../../train2014_images.txt": "3",
    }
    expected = contents(tiny_dataset) | {"train2014_images.txt": b"3"}
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    assert unpacked(zipped(tiny_dataset, **bad), tmp_path / "deep" / "deeper") == expected
    assert not list(tmp_path.rglob("escaped.txt")) and not list(tmp_path.rglob("absolute.txt"))
    assert not [
        path for path in tmp_path.rglob("train2014_images.txt") if path.parent.name != "out"
    ]


def test_links_are_not_made(tmp_path):
    """A member that is a symbolic link becomes a file with the link's text."""
    link = zipfile.ZipInfo("val2014_images.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert unpacked(buffer.getvalue(), tmp_path) == {"val2014_images.txt": b"/etc/passwd"}
    assert not (tmp_path / "out" / "val2014_images.txt").is_symlink()


def test_bomb(tiny_dataset, tmp_path):
    """A small zip that unpacks to more than the limit is refused before anything is written."""
    content = zipped(tiny_dataset, **{"train2014_images.txt": bytes(20 << 20)})
    assert len(content) < 1 << 20
    with pytest.raises(ValueError, match="unpacks to 20.* MiB, more than 10"):
        unpacked(content, tmp_path, limit=10 << 20)


def test_bomb_that_lies(tmp_path):
    """A member that holds more than its header says is refused, and not read beyond that size."""
    content = bytearray(zipped(tmp_path, **{"train2014_images.txt": bytes(20 << 20)}))
    for size_at in (22, content.index(b"PK\x01\x02") + 24):
        assert content[size_at : size_at + 4] == (20 << 20).to_bytes(4, "little")
        content[size_at : size_at + 4] = (1 << 10).to_bytes(4, "little")
    with pytest.raises(ValueError, match="CRC"):
        unpacked(content, tmp_path, limit=10 << 20)


def test_the_same_file_twice(tiny_dataset, tmp_path):
    """A zip that holds two files for one place is refused."""
    with pytest.raises(ValueError, match="same name twice"):
        unpacked(zipped(tiny_dataset, **{"other/coco2014_vocab.json": "{}"}), tmp_path)


def test_unusual_compression(tmp_path):
    """A zip with an unusual compression is refused."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("coco2014_vocab.json", "{}")
    with pytest.raises(ValueError, match="unusual way"):
        unpacked(buffer.getvalue(), tmp_path)


def test_encrypted(tmp_path):
    """A zip with a password is refused."""
    content = bytearray(zipped(tmp_path, **{"coco2014_vocab.json": "{}"}))
    for flags_at in (6, content.index(b"PK\x01\x02") + 8):
        content[flags_at] |= 1
    with pytest.raises(ValueError, match="encrypted"):
        unpacked(content, tmp_path)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_zips(tiny_dataset, tmp_path, seed):
    """Whatever bytes of a zip are damaged, unpacking gives the right files, or one ValueError and
    none.
    """
    content, rng = bytearray(zipped(tiny_dataset)), random.Random(seed)
    directory = content.index(b"PK\x01\x02")
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(rng.choice([0, directory]), len(content))] = rng.randrange(256)
    try:
        files = unpacked(content, tmp_path)
    except ValueError:
        return
    assert files.items() <= contents(tiny_dataset).items()  # a name, a date or a comment was hit


def test_no_room(tiny_dataset, tmp_path, monkeypatch):
    """If the files don't fit on the disk, none is written, and the message says how much is
    needed.
    """
    monkeypatch.setattr(
        "deeplearning.datasets.unpacking.shutil.disk_usage", lambda _: SimpleNamespace(free=0)
    )
    with pytest.raises(OSError, match="MiB are needed, 0.0 MiB are free"):
        unpacked(zipped(tiny_dataset), tmp_path)
