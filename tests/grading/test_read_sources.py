"""Reading a submission's files before any of them runs."""

import ast
import base64
import json

import pytest

from grading.hostile.notebooks import notebook
from grading.read_sources import is_stub, read_sources

PATH = "deeplearning/style_transfer.py"
NOTEBOOK = "StyleTransfer-PyTorch.ipynb"
EXERCISES = [["tv_loss", PATH, NOTEBOOK], ["gram_matrix", PATH, NOTEBOOK]]
STUBS = """import torch

def tv_loss(img, w):
    '''Text.'''
    raise NotImplementedError('Q4')


def gram_matrix(f):
    return f @ f.T
"""


def surveyed(source=STUBS, *cells, package="deeplearning", path=PATH, **how):
    source = source if isinstance(source, bytes) else source.encode()
    files = {path: source, NOTEBOOK: notebook(*cells, **how)}
    found, _ = read_sources(files, EXERCISES, package, {path: ""})
    return found


def run(text):
    names = {}
    exec(text, names)
    return names


@pytest.mark.parametrize(
    "data",
    [
        b"x = 'gr\xc3\xbc\xc3\x9fe'\ny = 1\n",
        b"\xef\xbb\xbfx = 'gr\xc3\xbc\xc3\x9fe'\ny = 1\n",
        b"x = 'gr\xfc\xdfe'\r\ny = 1\r\n",
        "x = 'grüße'\ny = 1\n".encode("utf-16"),
        b"# -*- coding: latin-1 -*-\nx = 'gr\xfc\xdfe'\ny = 1\n",
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = 'gr\xfc\xdfe'\ny = 1\n",
    ],
)
def test_encodings(data):
    """Files from any editor become the same text, with plain line ends, which can be written as
    UTF-8.
    """
    text = surveyed(data)["sources"][PATH]
    assert "\r" not in text and run(text.encode())["x"] == "grüße"


def test_text_of_right_files_stays():
    """A file in UTF-8 comes back unchanged, without a note."""
    found = surveyed(STUBS)
    assert found["sources"] == {PATH: STUBS} and found["notes"] == []


@pytest.mark.parametrize(
    ("body", "stub"),
    [
        ("raise NotImplementedError('Q1')", True),
        ("x = 1\n    raise NotImplementedError", True),
        ("pass", True),
        ("'''Only text.'''", True),
        ("loss = None\n    return loss", True),
        ("return", True),
        ("return x @ x", False),
        ("return x @ x\n    raise NotImplementedError('Q1')", False),
        ("y = x + 1\n    return y", False),
        ("for i in x: pass", False),
        ("if x is None:\n        raise NotImplementedError\n    return x * 2", False),
    ],
)
def test_stubs(body, stub):
    """A body that only raises NotImplementedError, passes or returns a constant is a stub; any
    other is not.
    """
    assert is_stub(ast.parse(f"def f(x):\n    {body}").body[0]) is stub


def test_functions_come_from_cells():
    """If the module has a stub, the cells' functions, imports and plain values are taken, and what
    works stays.
    """
    cells = ["%matplotlib inline\nimport no_such_module", "weight = 3", "def helper(x):\n    return weight * x",
             "def tv_loss(img, w):\n    return helper(img) + w", "def gram_matrix(f):\n    return 'of the notebook'",
             "1 / 0", "tv_loss(", "helper = print(1)"]  # fmt: skip
    found = surveyed(STUBS.replace("import torch\n", ""), *cells)
    names = run(found["sources"][PATH])
    assert names["tv_loss"](2, 1) == 7
    assert "of the notebook" not in found["sources"][PATH]
    assert found["notes"] == [
        f"tv_loss was taken from the cells of {NOTEBOOK}, because {PATH} has it only as a stub."
    ]


def test_last_definition_counts():
    """Of two definitions in the cells the later one counts, as when the notebook is run."""
    found = surveyed(
        STUBS, "def tv_loss(img, w):\n    return 1 + w", "def tv_loss(img, w):\n    return 2 + w"
    )
    assert run(found["sources"][PATH].replace("import torch", ""))["tv_loss"](0, 0) == 2


def test_cells_without_answers_change_nothing():
    """Stubs in cells, and notebooks in other languages, leave the module as it is."""
    for how in ({}, {"language": "R"}):
        body = "raise NotImplementedError" if not how else "return 1 + w"
        assert surveyed(STUBS, f"def tv_loss(img, w):\n    {body}", **how)["sources"][PATH] == STUBS


@pytest.mark.parametrize("package", ["cs231n", "cs182", "my_folder"])
def test_older_packages(package):
    """Imports from an older package, or from the folder that the files lay in, lead to the present
    one; where such an import gives a name to the package, it has it still.
    """
    text = f"from {package}.layers import *\nimport {package}.rnn_layers\n    # from {package}x.layers import y\n"
    found = surveyed(text, package=package)
    expected = f"from deeplearning.layers import *\nimport deeplearning.rnn_layers; {package} = deeplearning\n    # from {package}x.layers import y\n"
    assert found["sources"][PATH] == expected and len(found["notes"]) == 1


def test_remarks():
    """Possibly automatic gradients are noted, and well-known modules are listed to be imported
    early.
    """
    path = "deeplearning/rnn_layers.py"
    source = b"import torch, os\nfrom torchvision import models\ny = eval_numerical_gradient_array(f, x, d)\n"
    found, _ = read_sources({path: source}, [["f", path, NOTEBOOK]], "deeplearning", {path: ""})
    assert len(found["notes"]) == 2 and found["imports"] == {path: ["torch", "torchvision"]}


def test_pictures():
    """A notebook's PNG and JPEG pictures are included; other or too large ones are not."""
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(100)).decode()
    jpeg = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(100)).decode()
    shown = [
        png,
        png[:30] + "\n" + png[30:],
        "<script>",
        png + "'onload='alert(1)",
        png + "A" * 500_000,
        3,
    ]
    outputs = [
        {"output_type": "display_data", "data": {"image/png": picture}} for picture in shown[:5]
    ]
    outputs.append({"output_type": "display_data", "data": {"image/jpeg": jpeg}})
    cell = {"cell_type": "code", "source": [], "outputs": outputs}
    files = {NOTEBOOK: json.dumps({"cells": [cell]}).encode()}
    found, (arrays,) = read_sources(files, EXERCISES, "deeplearning", {PATH: ""})
    assert found["pictures"] == [[NOTEBOOK, "png"], [NOTEBOOK, "png"], [NOTEBOOK, "jpeg"]]
    assert [bytes(a).decode() for a in arrays.values()] == [png, png, jpeg]


@pytest.mark.parametrize(
    "made",
    [
        "tv_loss = _own",
        "tv_loss, other = _own, 1",
        "tv_loss: object = _own",
        "if True:\n    tv_loss = _own",
        "try:\n    import nothing_such\nexcept ImportError:\n    def tv_loss(): return 1",
        "for tv_loss in [_own]: pass",
        "(tv_loss := _own)",
        "globals().update(tv_loss=_own)",
        "exec('tv_loss = _own')",
        "class Losses:\n    tv = staticmethod(_own)\ntv_loss = Losses.tv",
        "from functools import partial as tv_loss\ntv_loss = tv_loss(_own)",
    ],
)
def test_functions_made_in_another_way_than_by_def(made):
    """A function that a module makes without a top-level `def` is the student's: no stub replaces
    it.
    """
    files = {PATH: f"def _own(): return 1\n{made}\n".encode()}
    found, _ = read_sources(
        files, EXERCISES, "deeplearning", {PATH: STUBS.split("import torch")[1]}
    )
    names = run(found["sources"][PATH])
    assert names["tv_loss"]() == 1 and "gram_matrix" in names


def test_functions_made_in_another_way_come_before_cells():
    """Such a function is not a stub, so a notebook's cell doesn't replace it."""
    found = surveyed("def _own(): return 1\ntv_loss, x = _own, 2", "def tv_loss(): return 2")
    assert run(found["sources"][PATH])["tv_loss"]() == 1


@pytest.mark.parametrize("folder", ["copy", "numpy", "torch"])
def test_folders_called_like_libraries(folder):
    """For loose files in a folder named like a library, imports of the library stay."""
    source = f"import {folder}\nfrom {folder} import *\n"
    assert surveyed(source, package=folder)["sources"][PATH] == source


def test_missing_functions_are_added_as_stubs():
    """A module without a function that others import gets the course's stub of it, with a note."""
    stubs = "def helper(x):\n    return x\n\ndef step(x):\n    raise NotImplementedError('Q1')\n"
    files = {PATH: b"def step(x):\n    return 2 * x\n"}
    found, _ = read_sources(files, EXERCISES, "deeplearning", {PATH: stubs})
    names = run(found["sources"][PATH])
    assert names["step"](2) == 4 and names["helper"](3) == 3
    note = f"{PATH} lacks helper: the course's were added, with exercises as stubs."
    assert found["notes"] == [note]


@pytest.mark.parametrize("older", ["update_class_visulization", "update_class_visualization"])
@pytest.mark.parametrize("hands_on", [False, True])
def test_older_names_in_a_module(hands_on, older):
    """The update step under its older name, spelled right or not, counts, unless it only hands on
    to the present one.
    """
    path = "deeplearning/network_visualization.py"
    now = "class_visualization_update_step"
    body = f"{now}(img, m, t, l, r)" if hands_on else "img + r"
    given = f"def update_class_visulization(m, t, l, r, img):\n    return {now}(img, m, t, l, r)\n"
    source = f"{given}\n\ndef {older}(m, t, l, r, img):\n    return {body}\n"
    exercises = [[now, path, NOTEBOOK]]
    found, _ = read_sources({path: source.encode()}, exercises, "deeplearning", {path: ""})
    assert (now in run(found["sources"][path])) is not hands_on
    assert bool(found["notes"]) is not hands_on


def test_magic_is_only_what_ipython_reads():
    """A cell with % or != inside a line, or a ? at the end of a text, stays whole."""
    cell = "def tv_loss(img, w):\n    x = 7 % 4\n    if w != 0:\n        s = 'why?'\n    return x"
    found = surveyed(STUBS, cell)
    assert run(found["sources"][PATH].replace("import torch", ""))["tv_loss"](0, 1) == 3


@pytest.mark.parametrize(
    "line", ["files = !ls", "%time x = 1", "x = %time 1", "    !ls", "if True:\n    %time 1", "x?"]
)
def test_magic_costs_no_other_line(line):
    """Lines that only a notebook understands are dropped, and the rest of the cell counts."""
    inside = line if line.startswith(" ") else ""
    cell = f"def tv_loss(img, w):\n{inside}\n    return 1 + w\n{'' if inside else line}\n"
    found = surveyed(STUBS, cell)
    assert run(found["sources"][PATH].replace("import torch", ""))["tv_loss"](0, 1) == 2


@pytest.mark.parametrize(
    "line",
    [
        "from __future__ import print_function",
        "LAYERS = [1, -2]; factor = LAYERS[0]",
        "double = lambda x: 2 * x",
        "text = '''\n%not magic\n'''",
    ],
)
def test_what_cells_of_older_editions_hold(line):
    """Imports from the future cost no module, and lists of numbers and short functions are
    taken.
    """
    used = {"LAYERS": "-LAYERS[1]", "double": "double(1)"}
    value = next((value for name, value in used.items() if name in line), "1 + w")
    found = surveyed(STUBS, line, f"def tv_loss(img, w):\n    return {value}")
    assert run(found["sources"][PATH].replace("import torch", ""))["tv_loss"](0, 1) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"cells": [1]}',
        b'{"cells": [{"cell_type": "code"}]}',
        b"[" * 99_999,
    ],
)
def test_damaged_notebooks(data):
    """A notebook that can't be read is noted, and nothing is taken from it."""
    files = {PATH: STUBS.encode(), NOTEBOOK: data}
    found, _ = read_sources(files, EXERCISES, "deeplearning", {PATH: ""})
    assert found["sources"] == {PATH: STUBS} and found["notes"] == [
        f"{NOTEBOOK} is damaged: nothing in it could be read."
    ]
