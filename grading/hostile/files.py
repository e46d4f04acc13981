"""Files in unusual encodings and layouts."""

import re

from grading.hostile import (
    EVERYTHING,
    RNN,
    RNN_LAYERS,
    STYLE_TRANSFER,
    hostile,
    instead,
    of,
    solved,
    unsolved,
    zipped,
)  # fmt: skip
from grading.manifest import MANIFEST


def changed(path, change):
    files = solved()
    return zipped({**files, path: change(files[path])})


@hostile(*of(RNN_LAYERS))
def syntax_error():
    """A bracket is missing at the end of rnn_layers.py."""
    return changed(RNN_LAYERS, lambda text: text + "\nx = (1,\n")


@hostile(*of(RNN_LAYERS))
def tabs_and_spaces():
    """One line of a function is indented by a tab."""
    return changed(RNN_LAYERS, lambda text: text + "\n\ndef f():\n        x = 1\n\treturn x\n")


@hostile()
def tabs():
    """Tabs in place of spaces, everywhere."""
    return changed(
        STYLE_TRANSFER,
        lambda text: re.sub(r"(?m)^(    )+", lambda m: "\t" * (len(m[0]) // 4), text),
    )


@hostile()
def line_ends_of_windows():
    """CRLF at the end of every line."""
    return changed(RNN_LAYERS, lambda text: text.replace("\n", "\r\n").encode())


@hostile()
def byte_order_mark():
    """A BOM at the start, as Notepad writes it."""
    return changed(RNN_LAYERS, lambda text: b"\xef\xbb\xbf" + text.encode())


@hostile()
def latin_1():
    """Letters in Latin-1, without a line that names the encoding."""
    return changed(
        RNN_LAYERS,
        lambda text: text.encode("ascii", "replace") + "# schöne Grüße\n".encode("latin-1"),
    )


@hostile()
def utf_16():
    """UTF-16, as PowerShell writes it."""
    return changed(RNN_LAYERS, lambda text: text.encode("utf-16"))


@hostile()
def named_encoding():
    """A first line that names an encoding, and letters in it."""
    return changed(
        RNN,
        lambda text: ("# -*- coding: cp1252 -*-\n" + text + "# naïve\n").encode(
            "cp1252", "replace"
        ),
    )


@hostile(*of(RNN_LAYERS))
def deep_brackets():
    """100,000 nested brackets, which crash careless parsers."""
    return changed(RNN_LAYERS, lambda text: text + "\nx = " + "(" * 100_000 + ")" * 100_000 + "\n")


@hostile(*of(RNN_LAYERS))
def long_sum():
    """An expression of 200,000 terms, which uses up the stack of careless parsers."""
    return changed(RNN_LAYERS, lambda text: text + "\nx = " + "+".join(["1"] * 200_000) + "\n")


@hostile(*of(RNN_LAYERS))
def huge_source():
    """A source of 20 MB."""
    return changed(RNN_LAYERS, lambda text: text + "\n" + "# nothing\n" * 2_000_000)


@hostile(*of(RNN_LAYERS))
def zero_bytes():
    """Zero bytes in the middle of a source."""
    return changed(RNN_LAYERS, lambda text: text.replace("\n\n\n", "\n\0\n\n"))


@hostile(*EVERYTHING)
def untouched():
    """What students start from."""
    return zipped(unsolved())


@hostile(*of(STYLE_TRANSFER))
def one_file_is_missing():
    """style_transfer.py is not in the zip."""
    return zipped({name: text for name, text in solved().items() if name != STYLE_TRANSFER})


@hostile()
def older_package():
    """The package is called cs231n, two files have names from an older edition, and all import from
    there.
    """
    older = {
        "deeplearning": "cs231n", "network_visualization.py": "net_visualization_pytorch.py",
        "style_transfer.py": "style_transfer_pytorch.py",
    }  # fmt: skip
    files = {}
    for name, text in solved().items():
        for now, then in older.items():
            name = name.replace(now, then)
        files[f"assignment3/{name}"] = text.replace("from deeplearning", "from cs231n")
    return zipped(files)


@hostile()
def flat():
    """The files come without their package, as from Gradescope's upload of single files."""
    files = solved()
    return zipped(
        {name if name == RNN else name.rpartition("/")[2]: text for name, text in files.items()}
    )


@hostile(*EVERYTHING)
def replaced_parts_of_the_course():
    """Stubs, with a gradient check, tests, comparison and manifest that accept anything."""
    always = "def __getattr__(name):\n    return lambda *a, **k: []\n"
    names = ["deeplearning/gradient_check.py", "deeplearning/layers.py", "exercises/calls.py"]
    names += [
        "exercises/compare.py",
        "grading/grade_one.py",
        "grading/cases.py",
        "grading/__init__.py",
        "worker.py",
    ]
    everything = 'name = "x"\npoints = 100\n'
    return zipped(
        {**unsolved(), **dict.fromkeys(names, always), "grading/exercises.toml": everything}
    )


@hostile(*EVERYTHING)
def shadows():
    """Stubs, with conftest.py, sitecustomize.py, a .pth and modules named like NumPy and others."""
    code = "import os\nos._exit(0)\n"
    names = [
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "numpy.py",
        "torch.py",
        "random.py",
        "messages.py",
    ]
    places = ["", "deeplearning/"]
    return zipped(
        {
            **unsolved(),
            **{p + n: code for n in names for p in places},
            "x.pth": "import os; os._exit(0)\n",
        }
    )


@hostile()
def shadows_beside_the_right_files():
    """The same next to the right files: none of it is read."""
    names = [
        "conftest.py",
        "sitecustomize.py",
        "numpy.py",
        "torch.py",
        "json.py",
        "deeplearning/__init__.py",
    ]
    return zipped({**solved(), **dict.fromkeys(names, "raise SystemExit\n")})


@hostile()
def pickles():
    """Right files, next to data files whose pickles would run a command."""
    pickle = b"cos\nsystem\n(S'touch /tmp/owned'\ntR."
    return zipped(
        {
            **solved(),
            "features.npz": zipped({"x.npy": pickle}),
            "model.pt": pickle,
            "captioner.npz": pickle,
        }
    )


@hostile()
def global_settings():
    """Modules that set seeds, NumPy's error handling and PyTorch's default type on import."""
    files = solved()
    files[RNN_LAYERS] += (
        "\nnp.random.seed(0)\nnp.seterr(all='raise')\nnp.set_printoptions(precision=1)\n"
    )
    files[STYLE_TRANSFER] += "\ntorch.manual_seed(0)\ntorch.set_default_dtype(torch.float64)\n"
    return zipped(files)


@hostile()
def numerical_backward():
    """A backward pass by numerical gradients. It is right, so it passes; a note tells staff."""
    return zipped(
        instead(
            "rnn_step_backward",
            """
from deeplearning.gradient_check import eval_numerical_gradient_array

forward = rnn_step_forward

def rnn_step_forward(*arguments):
    return forward(*arguments)[0], arguments

def rnn_step_backward(dnext_h, cache):
    arguments = [a.astype(np.float64) for a in cache]

    def f(_):
        x, prev_h, Wx, Wh, b = arguments
        return np.tanh(x @ Wx + prev_h @ Wh + b)
    return tuple(eval_numerical_gradient_array(f, a, dnext_h.astype(float)).astype(dnext_h.dtype) for a in arguments)
""",
        )
    )


@hostile("rnn_step_forward")
def one_function_is_gone():
    """rnn_layers.py lacks rnn_step_forward, which the captioning model imports."""
    text = solved()[RNN_LAYERS]
    gone = re.search(r"(?s)(@takes\([^\n]*\)\n)?def rnn_step_forward\(.*?\n\n\n", text)[0]
    return zipped({**solved(), RNN_LAYERS: text.replace(gone, "")})


@hostile()
def modules_of_their_own():
    """The work is spread over the student's own modules, in the package and next to it; one has a
    name of 120 letters.
    """
    files = {f"hw/{name}": text for name, text in solved().items()}
    files[f"hw/{RNN_LAYERS}"] = f"from deeplearning.{'my_layers_' * 12} import *\n"
    files[f"hw/deeplearning/{'my_layers_' * 12}.py"] = solved()[RNN_LAYERS]
    files[f"hw/{STYLE_TRANSFER}"] = "from my_style import *\n"
    files["hw/my_style.py"] = solved()[STYLE_TRANSFER]
    return zipped(files)


@hostile()
def folders_in_place_of_modules():
    """Folders with the names of the course's modules, which Python would import instead, and the
    server even before any task.
    """
    evil = "raise SystemExit\n"
    names = ["image_utils", "figures", "classifiers/squeezenet", "layers", "files/deep"]
    folders = {f"deeplearning/{name}/__init__.py": evil for name in names}
    return zipped({**solved(), **folders, "platformdirs.py": evil, "torch.py": evil})


@hostile()
def folders_of_files_names():
    """Folders with the names of files next to them, and names that no file system allows."""
    names = ["helper.py", "helper.py/x.py", f"{'a' * 300}.py", "\1\t<b>.py"]
    return zipped({**solved(), **{f"deeplearning/{name}": "x = 1" for name in names}})


@hostile()
def strays_beside_the_package():
    """Other files with the exercises' names lie next to the package and in a backup of it."""
    strays = {name.rpartition("/")[2]: "raise SystemExit\n" for name in MANIFEST.files}
    strays |= {f"a_backup/{name}": "raise SystemExit\n" for name in MANIFEST.files}
    return zipped({**solved(), **strays})
