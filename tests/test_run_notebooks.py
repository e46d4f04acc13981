"""Executing notebooks, on small ones made for it."""

import os

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


def test_outputs_and_page(notebook, tmp_path):
    """The copy holds the outputs in order, progress lines collapsed, and the page shows formulas
    without a network.
    """
    path = notebook(
        new_markdown_cell("The state $h_t$:\n\n$$a_t = x_t W_x$$"),
        new_code_cell("print('one\\rtwo')"),
        new_code_cell("6 * 7"),
    )
    run_notebooks.run_notebook(path, tmp_path / "out")
    first, second = nbformat.read(tmp_path / "out" / path.name, as_version=4).cells[1:]
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert first.outputs[0].text == "two\n" and second.outputs[0].data["text/plain"] == "42"
    page = (tmp_path / "out" / "small one.html").read_text(encoding="utf-8")
    assert (
        page.count("<math") == 2
        and "<msub><mi>h</mi><mi>t</mi></msub>" in page
        and "$h_t$" not in page
    )
    assert "$h_t$" in (tmp_path / "out" / path.name).read_text(
        encoding="utf-8"
    )  # the notebook keeps its LaTeX


def test_failing_cell_ends_the_run(notebook, tmp_path, monkeypatch):
    """A cell that fails ends the run with status 1 and its error; what ran before is written."""
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    (tmp_path / "coco_captioning").mkdir()
    path = notebook(new_code_cell("1 + 1"), new_code_cell("1 / 0"))
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        run_notebooks.main([str(path), "--out", str(tmp_path / "out")])
    assert (
        nbformat.read(tmp_path / "out" / path.name, as_version=4)
        .cells[0]
        .outputs[0]
        .data["text/plain"]
        == "2"
    )


def test_data_set_is_found_first(notebook, tmp_path, monkeypatch):
    """Notebooks run on the data set that load_coco_data finds; where none can be had, the run ends
    in one sentence.
    """
    monkeypatch.setenv("DEEPLEARNING_DATA", str(tmp_path))
    monkeypatch.delenv("DEEPLEARNING_CAPTIONS", raising=False)
    (tmp_path / "coco_captioning").mkdir()
    path = notebook(new_code_cell("import os; os.environ['DEEPLEARNING_CAPTIONS']"))
    run_notebooks.main([str(path), "--out", str(tmp_path / "out")])
    text = (
        nbformat.read(tmp_path / "out" / path.name, as_version=4)
        .cells[0]
        .outputs[0]
        .data["text/plain"]
    )
    assert text == repr(str(tmp_path / "coco_captioning"))

    monkeypatch.setenv("DEEPLEARNING_CAPTIONS", "no_such_set")
    with pytest.raises(SystemExit, match="run_notebooks: no captioning data set at .*no_such_set"):
        run_notebooks.main([str(path), "--out", str(tmp_path / "out")])


@pytest.mark.corpus
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_on_real_data(shared_data, tmp_path, name):
    """Every cell of every notebook also runs on real photos, captions and weights."""
    environment = os.environ | {
        "DEEPLEARNING_DATA": str(shared_data),
        "DEEPLEARNING_CAPTIONS": "flickr8k_captioning",
    }
    run_notebooks.run_notebook(run_notebooks.ROOT / name, tmp_path, environment)
