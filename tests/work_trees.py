"""Small work trees for the tests of handing in: a good one, and ways to break it."""

import json
import os
import shutil
import socket

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from deeplearning.handed_in import EXERCISE_FILES, NOTEBOOKS
from deeplearning.submission import SIZE_LIMIT

RNN = "RNN_Captioning.ipynb"
LAYERS = "deeplearning/rnn_layers.py"
# what of the good tree is handed in
GOOD = sorted(
    [
        *NOTEBOOKS,
        *EXERCISE_FILES,
        "deeplearning/helpers/größe.py",
        "deeplearning/__init__.py",
        "notes.md",
    ]
)

STAYS_OUT = [
    ".venv/lib/site.py",
    "deeplearning/env/pyvenv.cfg",
    "deeplearning/env/lib.py",
    ".git/config",
    "model.npz",
    "deeplearning/__pycache__/layers.py",
    "deeplearning/__pycache__/rnn_layers.cpython-311.pyc",
    "photo.jpg",
    "deeplearning/._rnn_layers.py",
    "__MACOSX/notes.md",
    "deeplearning/datasets/coco_captioning/captions.h5",
    "deeplearning/.ipynb_checkpoints/x-checkpoint.py",
    "old.zip",
    ".DS_Store",
    "tests/test_mine.py",
    "PROBLEMS.txt",
]


def write_notebook(path, counts=(1, 2, 3), sources=None, outputs=None):
    """A notebook whose code cells have these counts, sources and outputs."""
    cells = []
    for k, count in enumerate(counts):
        cells.append(
            new_code_cell(
                sources[k] if sources else f"print({k})", execution_count=count, id=f"cell{k}"
            )
        )
        cells[-1].outputs = outputs[k] if outputs else [new_output("stream", text=f"{k}\n")]
    nbformat.write(new_notebook(cells=cells), path)


def make_tree(folder):
    """A good work tree of small files, with surrounding files that stay out of the zip."""
    for name in (*EXERCISE_FILES, "deeplearning/helpers/größe.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def f():\n    return {name!r}\n", encoding="utf-8")
    (folder / "deeplearning/__init__.py").touch()
    (folder / "notes.md").write_text("Q1 took an evening.\n", encoding="utf-8")
    for name in NOTEBOOKS:
        write_notebook(folder / name)
    for name in STAYS_OUT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("not to be handed in", encoding="utf-8")


def age(path, seconds):
    """Set the time of the last change to this long ago."""
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime - seconds))


def edit(name, old, new):
    """A way to break a tree: replace bytes of a file."""

    def broken(tree):
        content = (tree / name).read_bytes()
        assert old in content
        (tree / name).write_bytes(content.replace(old, new))

    return broken


def write(name, content):
    """A way to break a tree: another content of a file."""
    return lambda tree: (tree / name).write_bytes(content)


def rerun(*counts, **how):
    """A way to break a tree: a notebook that was run in this order."""
    return lambda tree: write_notebook(tree / RNN, counts, **how)


def delete(name):
    return lambda tree: (tree / name).unlink()


def move(name, to):
    def moved(tree):
        (tree / to).parent.mkdir(exist_ok=True)
        (tree / name).rename(tree / to)

    return moved


def link(name):
    """A way to break a tree: a file or folder lies elsewhere, and a link leads there."""

    def linked(tree):
        (tree / name).rename(tree.parent / "elsewhere")
        try:
            (tree / name).symlink_to(tree.parent / "elsewhere")
        except OSError:
            pytest.skip("this machine lets us make no links")

    return linked


def add(name, content=b"x = 1\n"):
    def added(tree):
        try:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(content)
        except OSError:
            pytest.skip("this machine has no such names")

    return added


def add_twin(tree):
    for name in ("deeplearning/helpers/Scores.py", "deeplearning/helpers/scores.py"):
        add(name)(tree)
    if len(list((tree / "deeplearning/helpers").glob("*cores.py"))) == 1:
        pytest.skip("this machine takes both for the same name")


def folder_for_file(tree):
    (tree / LAYERS).unlink()
    (tree / LAYERS).mkdir()


def socket_for_file(tree):
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("this machine has no such files")
    (tree / LAYERS).unlink()
    here = os.getcwd()
    os.chdir(tree)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(LAYERS)
    finally:
        os.chdir(here)


def oversized(tree):
    with open(tree / RNN, "wb") as file:
        file.truncate(SIZE_LIMIT + 1)


def many_large(tree):
    for name in NOTEBOOKS:
        write_notebook(tree / name, outputs=[[new_output("stream", text="x" * 6_000_000)], [], []])


ERROR = [
    [],
    [new_output("error", ename="ValueError", evalue="shapes (2,3)\nand (4,)", traceback=[])],
    [],
]
OLD_CELL = {
    "cell_type": "code",
    "language": "python",
    "input": ["1 + 1"],
    "outputs": [],
    "collapsed": False,
}
OLD_NOTEBOOK = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {"name": ""},
    "worksheets": [{"cells": [OLD_CELL]}],
}
VERSION_3 = json.dumps(OLD_NOTEBOOK).encode()

# what is wrong: how to break a good tree, and what is said of it
PROBLEMS = {
    "notebook missing": (delete(RNN), f"{RNN} is missing: fetch it again"),
    "notebook in a folder": (
        move(RNN, f"notebooks/{RNN}"),
        f"{RNN} is missing, but there is notebooks/{RNN}: give it",
    ),
    "notebook renamed by the browser": (
        move(RNN, "RNN_Captioning (1).ipynb"),
        f"{RNN} is missing, but there is RNN_Captioning (1).ipynb: give it the right name",
    ),
    "notebook in lower case": (
        move(RNN, RNN.lower()),
        f"{RNN} is missing, but there is rnn_captioning.ipynb: give it the right name",
    ),
    "a folder too many": (
        lambda tree: [
            move(path.name, f"assignment2/{path.name}")(tree) for path in list(tree.glob("*.ipynb"))
        ],
        f"{RNN} is missing, but there is assignment2/{RNN}: give it the right name and place",
    ),
    "notebook empty": (
        write(RNN, b""),
        f"{RNN} is not a valid notebook (Notebook does not appear to be JSON",
    ),
    "notebook is HTML": (
        write(RNN, b"<!DOCTYPE html>"),
        f"{RNN} is not a valid notebook (Notebook does not appear to be",
    ),
    "notebook cut off": (
        lambda t: write(RNN, (t / RNN).read_bytes()[:-99])(t),
        f"{RNN} is not a valid notebook (Notebook",
    ),
    "notebook in Latin-1": (
        edit(RNN, b"print(0)", b"print('\xe9')"),
        f"{RNN} is not a valid notebook ('utf-8' codec can't",
    ),
    "notebook is a list": (write(RNN, b"[]"), f"{RNN} is not a valid notebook ("),
    "notebook is nested without end": (
        write(RNN, b"[" * 100_000),
        f"{RNN} is not a valid notebook (",
    ),
    "notebook without cells' fields": (
        edit(RNN, b'"outputs"', b'"output"'),
        f"{RNN} is not a valid notebook (",
    ),
    "notebook of a future version": (
        edit(RNN, b'"nbformat": 4', b'"nbformat": 9'),
        f"{RNN} is not a valid notebook (Uns",
    ),
    "notebook of version 3, never run": (write(RNN, VERSION_3), f"{RNN}: never run: restart"),
    "notebook with conflict marks": (
        edit(RNN, b'\n   "source"', b'\n<<<<<<< HEAD\n   "source"'),
        f"{RNN}, line 17: a merge-conflict mark (<<<<<<< HEAD): keep one of the two versions",
    ),
    "conflict marks in a cell": (
        rerun(1, 2, sources=["x = 1", "<<<<<<< HEAD\nx = 2\n=======\nx = 3\n>>>>>>> mine"]),
        f"{RNN} has a merge-conflict mark in a cell: keep one of the two versions",
    ),
    "notebook without code": (rerun(), f"{RNN} holds no code cells: start again"),
    "never run": (
        rerun(None, None),
        f"{RNN}: never run: restart the kernel, run all cells, and",
    ),
    "some cells never run": (
        rerun(1, None, 2, None),
        f"{RNN}: never run: 2 of 4 code cells (code cell 2, 4, `print(1)`): restart the kernel",
    ),
    "out of order": (
        rerun(1, 5, 3, 4, 9),
        f"{RNN}: not run from top to bottom (code cell 3, `print(2)` ran before the one above): "
        "restart the kernel",
    ),
    "an error": (
        rerun(1, 2, 3, outputs=ERROR),
        f"{RNN}: ended in an error: 1 of 3 code cells (code cell 2, `print(1)`, ValueError: shapes "
        "(2,3)\\nand (4,))",
    ),
    "notebook is a link": (link(RNN), f"{RNN} is a link: put the file itself there"),
    "code behind a link": (
        link("deeplearning/classifiers"),
        "deeplearning/classifiers/rnn.py lies behind a link: put the file itself there",
    ),
    "package missing": (
        lambda tree: shutil.rmtree(tree / "deeplearning"),
        f"{LAYERS} is missing: fetch it again from where you got the assignment",
    ),
    "code missing": (delete(LAYERS), f"{LAYERS} is missing: fetch it again"),
    "code beside the package": (
        move(LAYERS, "rnn_layers.py"),
        f"{LAYERS} is missing, but there is rnn_layers.py: give it the right name and place",
    ),
    "code is a folder": (folder_for_file, f"{LAYERS} is a folder: put the file there"),
    "code is no plain file": (
        socket_for_file,
        f"{LAYERS} is not a regular file: put the file itself there",
    ),
    "code empty": (write(LAYERS, b"\n"), f"{LAYERS} is empty: fetch a fresh copy"),
    "code does not parse": (
        write(LAYERS, b"x = 1\ndef f(:\n"),
        f"{LAYERS}, line 2: Python can't read it (invalid syntax): fix it",
    ),
    "code of Python 2": (
        write(LAYERS, b'print "loss"\n'),
        f"{LAYERS}, line 1: Python can't read it (Missing parenth",
    ),
    "tabs among spaces": (
        write(LAYERS, b"def f():\n    x = 1\n\treturn x\n"),
        f"{LAYERS}, line 3: Python can't read it (",
    ),
    "code in Latin-1": (
        write(LAYERS, b"x = '\xe9'\n"),
        f"{LAYERS}, line 1: Python can't read it (",
    ),
    "code with null bytes": (
        write(LAYERS, b"x = 1\0\n"),
        f"{LAYERS}: Python can't read it (source code ",
    ),
    "code is nested without end": (
        write(LAYERS, b"-" * 100_000 + b"1\n"),
        "Python can't read it (",
    ),
    "code with conflict marks": (
        write(LAYERS, b"x = 1\n<<<<<<< HEAD\nx = 2\n"),
        f"{LAYERS}, line 2: a merge-conflict mark (<<<<<<< HEAD): keep one",
    ),
    "helper does not parse": (
        write("deeplearning/helpers/größe.py", b"for\n"),
        "deeplearning/helpers/größe.py, line 1: Python can't read it (invalid syntax)",
    ),
    "name with a newline": (
        add("a\nb.md"),
        "a\\nb.md: the name has '\\n' in it, which can't be unpacked on Windows",
    ),
    "name with a colon": (
        add("12:30.txt"),
        "12:30.txt: the name has ':' in it, which can't be unpacked on Windows",
    ),
    "name with a backslash": (
        add("deeplearning/a\\b.py"),
        "deeplearning/a\\b.py: the name has '\\\\' in it",
    ),
    "name of a device": (
        add("deeplearning/aux.py"),
        "deeplearning/aux.py: the name is the name of a device on Windows",
    ),
    "folder ends in a dot": (
        add("deeplearning/v2./a.py"),
        "deeplearning/v2./a.py: the name has a part that ends in a dot",
    ),
    "folder ends in a space": (
        add("deeplearning/v2 /a.py"),
        "deeplearning/v2 /a.py: the name has a part that ends in",
    ),
    "long name": (
        add(f"deeplearning/{'a' * 180}.py"),
        "aaa...: the name has 196 characters, more than 180",
    ),
    "name is not Unicode": (
        add(os.fsdecode(b"caf\xe9.txt")),
        "caf\\udce9.txt: the name is not valid Unicode",
    ),
    "names differ in case": (
        add_twin,
        "deeplearning/helpers/scores.py and deeplearning/helpers/Scores.py are the same name on "
        "Windows and macOS",
    ),
    "notebook too large": (
        oversized,
        f"{RNN} has 20.0 MiB, more than the 20.0 MiB that a zip may have: clear outputs",
    ),
    "too much in all": (
        many_large,
        "22.9 MiB are more than the 20.0 MiB that a zip may have: clear outputs",
    ),
}


def newer_code(tree):
    age(tree / RNN, 3 * 3600 + 60)


def newer_checkpoint(tree):
    add(".ipynb_checkpoints/RNN_Captioning-checkpoint.ipynb", b"{}")(tree)
    age(tree / RNN, 10)


def newer_copy(tree):
    write_notebook(tree / "RNN_Captioning-Copy1.ipynb", counts=(1, 2))
    age(tree / RNN, 10)


def linked_data(tree):
    (tree.parent / "data").mkdir()
    try:
        (tree / "deeplearning/datasets/data").symlink_to(
            tree.parent / "data", target_is_directory=True
        )
    except OSError:
        pytest.skip("this machine lets us make no links")


def says_wrong(tree):
    """A gradient check of ours with its deliberate mistake not yet fixed."""
    said = ["0\n", "dx: norm 1e-9: right\ndw: norm 1.3, limit 1e-6: WRONG. Worst at [2].\n", "2\n"]
    write_notebook(tree / RNN, outputs=[[new_output("stream", text=text)] for text in said])


def personal(line):
    return rerun(1, 2, sources=["import numpy", f"x = 1\n{line}"])


PERSONAL_LINES = [
    "!pip install h5py",
    "%cd drive",
    "sys.path.append('..')",
    "drive.mount('/drive')",
    "open('/home/ada/x')",
    "os.chdir('x')",
    r"f = r'C:\Users\ada'",
    "folder = '/content/drive'",
]
REMARKS = {
    "saved before the code changed": (
        newer_code,
        f"{RNN} was saved 3 hours before {LAYERS} changed: if its outputs",
    ),
    "newer checkpoint": (
        newer_checkpoint,
        f".ipynb_checkpoints/RNN_Captioning-checkpoint.ipynb is newer than {RNN}",
    ),
    "newer copy": (
        newer_copy,
        f"RNN_Captioning-Copy1.ipynb is newer than {RNN}: did you work in that one",
    ),
    "linked data": (
        linked_data,
        "deeplearning/datasets/data is a link: its target is left out",
    ),
    "not written yet": (
        write(
            LAYERS,
            b"def f():\n    pass\ndef g(x):\n    raise NotImplementedError('Q1')\n"
            b"class C:\n    def h(self):\n        raise NotImplementedError('Q1')\n",
        ),
        f"{LAYERS}: not written yet: g, C.h",
    ),
    "a check says wrong": (
        says_wrong,
        f"{RNN}: a check says WRONG (code cell 2, `print(1)`, about dw): fix the problem, and",
    ),
}
for line in PERSONAL_LINES:
    REMARKS[line] = (
        personal(line),
        f"{RNN}: code cell 2 runs only on your machine ({line}): graders can't run it again",
    )
