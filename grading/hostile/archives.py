"""Archives with climbing paths, zip bombs, false sizes, and files that are no archives."""

import io
import stat
import struct
import warnings
import zipfile

from grading.hostile import (
    EVERYTHING,
    RNN_LAYERS,
    STYLE_TRANSFER,
    hostile,
    of,
    solved,
    unsolved,
    zipped,
)


def with_entry(files, name, content, attributes=0):
    """A zip of files with one more entry, of any Unix mode."""
    out = io.BytesIO(zipped(files))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two of one name
        entry = zipfile.ZipInfo(name)
        entry.external_attr, entry.compress_type = attributes << 16, zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return out.getvalue()


def without(path):
    return {name: text for name, text in solved().items() if name != path}


@hostile(*EVERYTHING)
def climbing_paths():
    """Every file has a path that leads out of the folder it would be unpacked into."""
    return zipped({f"../../{name}": text for name, text in solved().items()})


@hostile()
def climbing_beside_the_right_files():
    """Right files, and others whose paths climb into the home folder and the system."""
    return zipped(
        {
            **solved(),
            "../../.bashrc": "touch /tmp/owned",
            "../" * 20 + "etc/cron.d/owned": "* * * * * root id",
        }
    )


@hostile()
def absolute_paths():
    """Absolute names, as some programs write them."""
    return zipped({f"/home/ann/assignment2/{name}": text for name, text in solved().items()})


@hostile()
def backslashes():
    """Names with backslashes between folders, as some Windows programs write them."""
    return zipped({name.replace("/", "\\"): text for name, text in solved().items()})


@hostile()
def overlong_names():
    """Right files, and names of 60,000 characters."""
    return zipped(
        {**solved(), "x" * 60_000 + "/rnn_layers.py": "", "y/" * 30_000 + "rnn_layers.py": ""}
    )


@hostile(*of(RNN_LAYERS))
def link_in_place_of_a_file():
    """rnn_layers.py is a symbolic link to the password file."""
    return with_entry(without(RNN_LAYERS), RNN_LAYERS, "/etc/passwd", stat.S_IFLNK | 0o777)


@hostile(*of(STYLE_TRANSFER))
def device_in_place_of_a_file():
    """style_transfer.py is a character device."""
    return with_entry(without(STYLE_TRANSFER), STYLE_TRANSFER, b"", stat.S_IFCHR | 0o666)


@hostile(*of(RNN_LAYERS))
def bomb():
    """rnn_layers.py unpacks to 400 MB."""
    return zipped({**solved(), RNN_LAYERS: bytes(400 << 20)})


@hostile(*of(RNN_LAYERS))
def sizes_that_lie():
    """A bomb whose table of contents says 10 bytes."""
    data = bytearray(zipped({**without(RNN_LAYERS), RNN_LAYERS: bytes(100 << 20)}))
    for place in (data.rfind(b"PK\3\4") + 22, data.rfind(b"PK\1\2") + 24):
        struct.pack_into("<I", data, place, 10)
    return bytes(data)


@hostile(*EVERYTHING)
def very_many_entries():
    """100,000 empty files next to the right ones."""
    return zipped({**solved(), **{f"{k}.txt": "" for k in range(100_000)}})


@hostile()
def zip_in_a_zip():
    """The zip holds nothing but a zip, as from students who zip twice."""
    return zipped({"assignment2.zip": zipped(solved())})


@hostile(*EVERYTHING)
def zips_all_the_way_down():
    """A zip in a zip in a zip in a zip."""
    data = zipped(solved())
    for _ in range(3):
        data = zipped({"assignment2.zip": data})
    return data


@hostile(*EVERYTHING)
def truncated():
    """The first two thirds of a zip."""
    data = zipped(solved())
    return data[: 2 * len(data) // 3]


@hostile(*of(RNN_LAYERS))
def damaged():
    """One byte of the compressed rnn_layers.py is wrong."""
    data = bytearray(zipped(solved()))
    data[500] ^= 0xFF
    return bytes(data)


@hostile(*EVERYTHING)
def encrypted():
    """Every entry needs a password."""
    data = bytearray(zipped(solved()))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 4)
    return bytes(data)


@hostile(*EVERYTHING)
def rar_named_zip():
    """A RAR archive named as a zip."""
    return b"Rar!\x1a\7\1\0" + bytes(1000)


@hostile(*EVERYTHING)
def not_an_archive():
    """Random text named as a zip."""
    return b"My dog ate it. " * 1000


@hostile(*EVERYTHING)
def empty():
    """An empty zip."""
    return zipped({})


@hostile()
def extra_folder():
    """A folder around everything, and the extra files of macOS and notebooks next to it."""
    files = {f"assignment2 copy/{name}": text for name, text in solved().items()}
    remarks = {
        f"__MACOSX/assignment2 copy/{'/._'.join(name.rsplit('/', 1))}": "\0\5\26\7"
        for name in solved()
    }
    checkpoint = "assignment2 copy/deeplearning/.ipynb_checkpoints/rnn_layers-checkpoint.py"
    return zipped(
        {**files, **remarks, checkpoint: "raise SystemExit", "assignment2 copy/.DS_Store": b"\0\0"}
    )


@hostile()
def two_of_one_name():
    """Two entries with the same name: the later one counts, as in unpacking."""
    return with_entry(
        {**solved(), RNN_LAYERS: unsolved()[RNN_LAYERS]}, RNN_LAYERS, solved()[RNN_LAYERS]
    )
