"""Executing notebooks, tested on small ones, and the pages of the committed ones."""

import errno
import functools
import html
import json
import os
import shutil
import subprocess
from html.parser import HTMLParser
from urllib.parse import urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from deeplearning import run_notebooks
from deeplearning.handed_in import NOTEBOOKS


@pytest.fixture
def notebook(tmp_path):
    """Function that writes a notebook of the given cells and returns its path."""

    def write(*cells):
        path = tmp_path / "small one.ipynb"
        nbformat.write(new_notebook(cells=list(cells)), path)
        return path

    return write


def test_outputs_and_page(notebook, tmp_path, capfd):
    """The copy holds the outputs in order, with progress lines collapsed, and the page shows
    formulas without a network. On the terminal, there is only the progress bar.
    """
    path = notebook(
        new_markdown_cell("The state $h_t$:\n\n$$a_t = x_t W_x$$"),
        new_code_cell("print('one\\rtwo')"),
        new_code_cell("6 * 7"),
    )
    run_notebooks.run_notebook(path, tmp_path / "out")
    shown = capfd.readouterr()
    assert "WARNING" not in shown.out + shown.err and "2/2" in shown.err
    first, second = nbformat.read(tmp_path / "out" / path.name, as_version=4).cells[1:]
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert first.outputs[0].text == "two\n" and second.outputs[0].data["text/plain"] == "42"
    page = (tmp_path / "out" / "small one.html").read_text(encoding="utf-8")
    assert page.count("<math") == 2 and "$h_t$" not in page
    assert "<msub><mi>h</mi><mi>t</mi></msub>" in page
    # the notebook keeps its LaTeX
    assert "$h_t$" in (tmp_path / "out" / path.name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "formula", ["$a_b_c$", r"$\left( a$", "$ $", r"$$\begin{x}$$", r"$x < \foo{$"]
)
def test_a_formula_that_cannot_be_read(tmp_path, formula):
    """It stays as written, and the page is made; the formulas around it are rendered."""
    made = new_notebook(cells=[new_markdown_cell(f"Here $a_1$, then {formula}, then $b_2$.")])
    page = run_notebooks.page_of(made, tmp_path / "x.ipynb")
    text = html.unescape(page)
    assert formula in text or text.count("<math") == 3
    assert (
        "<msub><mi>a</mi><mn>1</mn></msub>" in page and "<msub><mi>b</mi><mn>2</mn></msub>" in page
    )


@pytest.mark.parametrize(
    "text",
    ["`$HOME` and `$PATH`", "costs $5 and $10", r"\$5 and \$6", "\n\n```\necho $A $B\n```\n\n"],
    ids=["code", "prices", "dollars", "block"],
)
def test_dollars_that_begin_no_formula(tmp_path, text):
    """Code and amounts of money stay as they are, and the formulas around them are rendered."""
    made = new_notebook(cells=[new_markdown_cell(f"Here $a_1$, then {text}, then $b_2$.")])
    page = run_notebooks.page_of(made, tmp_path / "x.ipynb")
    assert page.count("<math") == 2
    seen = text.replace("\\", "").strip().strip("`").strip().split("` and `")
    assert all(part in html.unescape(page) for part in seen)


NO_NOTEBOOKS = {
    "cut off": b'{"cells": [',
    "a text": b"hello",
    "empty": b"",
    "a list": b"[]",
    "another object": b"{}",
    "another encoding": b"\xff\xfe{",
    "of the future": b'{"metadata": {}, "nbformat": 9, "nbformat_minor": 0, "cells": []}',
}


@pytest.mark.parametrize("content", NO_NOTEBOOKS.values(), ids=NO_NOTEBOOKS)
def test_what_is_no_notebook(tmp_path, monkeypatch, content):
    """The run ends in one sentence that names the file."""
    monkeypatch.setattr(run_notebooks, "find_dataset", lambda: tmp_path)
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        run_notebooks.main([str(path), "--out", str(tmp_path / "out")])
    said = str(stopped.value.code)
    assert said.startswith(f"run_notebooks: {path} is damaged or not a notebook (")
    assert len(said.splitlines()) == 1


def test_no_place_for_the_pages(notebook, tmp_path, monkeypatch):
    """If the folder can't be made, nothing runs, and one sentence says so."""
    monkeypatch.setattr(run_notebooks, "find_dataset", lambda: tmp_path)
    path = notebook(new_code_cell("1 + 1"))
    with pytest.raises(SystemExit, match="run_notebooks: .*can't make the folder .*small one"):
        run_notebooks.main([str(path), "--out", str(path)])


def test_full_disk(notebook, tmp_path, monkeypatch):
    """If a notebook can't be written, the older one is unchanged, and nothing half-written
    is left.
    """
    monkeypatch.setattr(run_notebooks, "find_dataset", lambda: tmp_path)
    path = notebook(new_code_cell("1 + 1"))
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemExit, match=f"could not write {path} .*: free space there"):
        run_notebooks.main([str(path), "--out", str(tmp_path)])
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_a_process_that_ends(notebook, tmp_path, monkeypatch):
    """A cell that ends Python itself ends the run in one sentence; what ran before is written."""
    monkeypatch.setattr(run_notebooks, "find_dataset", lambda: tmp_path)
    path = notebook(new_code_cell("1 + 1"), new_code_cell("import os; os._exit(3)"))
    with pytest.raises(SystemExit, match="Python died in a cell of .*small one.ipynb"):
        run_notebooks.main([str(path), "--out", str(tmp_path / "out")])
    written = nbformat.read(tmp_path / "out" / path.name, as_version=4)
    assert written.cells[0].outputs[0].data["text/plain"] == "2"


def test_failing_cell_ends_the_run(notebook, tmp_path, monkeypatch):
    """A cell that fails ends the run with status 1 and its error; what ran before is written."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    (tmp_path / "coco_captioning").mkdir()
    path = notebook(new_code_cell("1 + 1"), new_code_cell("1 / 0"))
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        run_notebooks.main([str(path), "--out", str(tmp_path / "out")])
    written = nbformat.read(tmp_path / "out" / path.name, as_version=4)
    assert written.cells[0].outputs[0].data["text/plain"] == "2"


def test_names_without_their_ending(notebook, tmp_path, monkeypatch, capsys):
    """A notebook is found without .ipynb, too; one that isn't there gets one sentence and status 2,
    before anything runs.
    """
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    (tmp_path / "coco_captioning").mkdir()
    path = notebook(new_code_cell("6 * 7"))
    run_notebooks.main([str(path.with_suffix("")), "--out", str(tmp_path / "out")])
    assert nbformat.read(tmp_path / "out" / path.name, as_version=4).cells[0].execution_count == 1

    with pytest.raises(SystemExit) as stopped:
        run_notebooks.main([str(path), "nothing_here", "--out", str(tmp_path / "other")])
    assert stopped.value.code == 2 and not (tmp_path / "other").exists()
    said = capsys.readouterr().err.splitlines()[-1]
    assert "no notebook at nothing_here.ipynb; the course's are RNN_Captioning.ipynb" in said


def test_data_set_is_found_first(notebook, tmp_path, monkeypatch):
    """Notebooks run on the data set that load_coco_data finds; if there is none, the run ends with
    one sentence.
    """
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    (tmp_path / "coco_captioning").mkdir()
    path = notebook(new_code_cell("import os; os.environ['DEEPLEARNING_CAPTIONS']"))
    run_notebooks.main([str(path), "--out", str(tmp_path / "out")])
    written = nbformat.read(tmp_path / "out" / path.name, as_version=4)
    text = written.cells[0].outputs[0].data["text/plain"]
    assert text == repr(str(tmp_path / "coco_captioning"))

    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", "no_such_set")
    with pytest.raises(SystemExit, match="run_notebooks: no captioning data set at .*no_such_set"):
        run_notebooks.main([str(path), "--out", str(tmp_path / "out")])


FETCHED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Fetches(HTMLParser):
    """Collects the requests of a page that is opened, and its formulas and pictures."""

    def __init__(self, page):
        super().__init__()
        self.outside, self.formulas, self.alts = [], 0, []
        self.code = None  # of the script or style that is being read
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        target = attrs.get(FETCHED.get(tag)) or attrs.get("srcset")
        if target is not None and not target.startswith("data:"):
            self.outside.append(target)
        self.formulas += tag == "math"
        if tag == "img":
            self.alts.append(attrs.get("alt"))
        self.code = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self.code = None

    def handle_data(self, text):
        if self.code == "script" and "import(" in text:
            self.outside.append("a script that imports")
        if self.code == "style" and ("@import" in text or "url(http" in text):
            self.outside.append("a style that imports")


@functools.cache
def page_of(name):
    """The page of a committed notebook, as it is written after a run; making it takes seconds."""
    path = run_notebooks.ROOT / name
    return run_notebooks.page_of(nbformat.read(path, as_version=4), path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_pages_fetch_nothing(name):
    """No script, style, picture or frame of a page comes from elsewhere, and its formulas are
    there as MathML.
    """
    page = Fetches(page_of(name))
    assert page.outside == [] and page.formulas > 0


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_formula_can_be_read(name):
    """No formula of a notebook has a command that the pages would show unrendered."""
    cells = nbformat.read(run_notebooks.ROOT / name, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    matches = run_notebooks.FORMULA.finditer(text)
    formulas = [match["display"] or match["inline"] for match in matches]
    read = [run_notebooks.latex_to_mathml(formula) for formula in formulas if formula]
    assert len(read) > 5 and not [mathml for mathml in read if "\\" in mathml]


def test_what_a_page_would_fetch_is_found():
    """The test above can fail: scripts, styles and pictures from elsewhere are all found."""
    page = """<script src="https://cdn.example/x.js"></script><img src="docs/a.svg">
        <link rel="stylesheet" href="//cdn.example/x.css"><style>@import "x.css"</style>
        <script type="module">await import("https://cdn.example/y.mjs")</script>"""
    assert len(Fetches(page).outside) == 5


# what Chromium asks for itself, whatever the page
ITS_OWN = (".google.com", ".googleapis.com", ".gstatic.com")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=127.0.0.1:9",  # nobody answers there: the network is off
]


@pytest.fixture
def browser(tmp_path):
    """Function that opens a page in Chromium without a network, and returns the rendered page and
    the requested hosts.
    """
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if program is None:
        pytest.skip("needs Chromium")

    def look(page):
        file, log = tmp_path / "page.html", tmp_path / "log.json"
        file.write_text(page, encoding="utf-8")
        options = [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}"]
        command = [program, *QUIET, *options, "--dump-dom", file.as_uri()]
        run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        events = json.loads(log.read_text(encoding="utf-8"))["events"]
        urls = [event["params"]["url"] for event in events if "url" in event.get("params", {})]
        hosts = {urlsplit(url).hostname or "" for url in urls}
        return run.stdout, {host for host in hosts if host and not host.endswith(ITS_OWN)}

    return look


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_pages_open_without_a_network(browser, name):
    """A browser without a network shows a page with its formulas, and requests nothing."""
    page = page_of(name)
    shown, hosts = browser(page)
    assert hosts == set()
    assert shown.count("<math") == page.count("<math") > 0
    assert shown.rstrip().endswith("</html>")


def test_a_request_would_be_noticed(browser):
    """The test above can fail: a script from elsewhere is among what the browser asks for."""
    _, hosts = browser('<script src="https://cdn.example/x.js"></script><p>text</p>')
    assert hosts == {"cdn.example"}


@pytest.mark.corpus
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_on_real_data(shared_data, tmp_path, name):
    """Every cell of every notebook also runs on real photos, captions and weights."""
    environment = os.environ | {
        "DEEPLEARNING_DATA": str(shared_data),
        "DEEPLEARNING_CAPTIONS": "flickr8k_captioning",
    }
    run_notebooks.run_notebook(run_notebooks.ROOT / name, tmp_path, environment)
