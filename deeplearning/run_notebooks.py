"""Execute the notebooks from top to bottom, and write them as notebooks and as HTML pages.

    python -m deeplearning.run_notebooks
    python -m deeplearning.run_notebooks LSTM_Captioning.ipynb --out build

They run on the data set that `load_coco_data()` loads; Toytown is written first if it doesn't exist
yet. A cell that fails ends the run with its traceback.
"""

import argparse
import copy
import html
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from latex2mathml.converter import convert as latex_to_mathml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from tqdm import tqdm

from deeplearning.checks import shortened
from deeplearning.datasets.finding import find_dataset
from deeplearning.files import atomic_write, make_folder, not_damaged, said
from deeplearning.handed_in import NOTEBOOKS
from deeplearning.locations import data_folder

ROOT = Path(__file__).resolve().parent.parent


def run_notebook(path, out, env=None):
    """Execute one notebook; write it with its outputs, and as a page that works offline.

    Inputs:
    - path: The notebook
    - out: Folder for `<name>.ipynb` and `<name>.html`
    - env: Environment variables of the notebook's process; by default those of this one

    Raises CellExecutionError if a cell fails and DeadKernelError if Python dies in one; everything
    executed until then is written. Raises ValueError for a damaged notebook, and OSError if the
    results can't be written.
    """
    path, out = Path(path), Path(out)
    make_folder(out)  # fails now, not after an hour
    notebook = _read(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with tqdm(total=len(cells), desc=path.name, unit="cell") as bar:
        client = NotebookClient(
            notebook,
            timeout=3600,
            kernel_name="python3",
            # without its warning that ports of this machine are not encrypted
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.resolve().parent)}},
            on_cell_executed=lambda **_: bar.update(),
        )
        try:
            client.execute(env=dict(os.environ) if env is None else env)
        finally:
            # progress bars rewrite their line: keep the last state, as a terminal would
            notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
            for cell in cells:
                cell.metadata.pop("execution", None)  # time stamps differ from run to run
            with atomic_write(out / path.name) as file:
                file.write(f"{nbformat.writes(notebook).rstrip()}\n".encode())
            with atomic_write(out / path.with_suffix(".html").name) as file:
                file.write(page_of(notebook, path).encode())


def _read(path):
    try:
        return nbformat.read(path, as_version=4)
    except OSError as error:
        raise not_damaged(path, error) or error from error
    except Exception as error:  # nbformat raises almost anything for files that aren't notebooks
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path} is damaged or not a notebook ({shortened(reason, quotes=False)}): take an "
            "intact copy of it"
        ) from error


# JupyterLab's page without the scripts that it would fetch: formulas are MathML, and there are no
# widgets or diagrams
TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
FORMULA = re.compile(
    r"""
    ^(?P<fence>```+|~~~+).+?^(?P=fence)                  # code is no formula,
    | (?P<ticks>`+)(?:(?!\n\s*\n).)+?(?P=ticks)          # nor is it in a paragraph,
    | \\\$                                               # nor are dollars,
    | \$\$(?P<display>.+?)\$\$
    | \$(?P<inline>[ ][^$\n]*[ ] | [^\s$](?:[^$\n]*[^\s$])?)\$(?!\d)   # such as $5 and $10
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
OPEN = "\N{LEFT WHITE SQUARE BRACKET}"
CLOSE = "\N{RIGHT WHITE SQUARE BRACKET}"


def page_of(notebook, path):
    """An executed notebook as a self-contained HTML page, with formulas and pictures included.

    Inputs:
    - notebook: From nbformat; it is not changed
    - path: Its path, to find the pictures that it refers to

    Returns: the page, a string
    """
    path = Path(path)
    notebook = copy.deepcopy(notebook)
    formulas = []

    def set_aside(match):
        """Replace a formula by a number, since the HTML converter would break MathML."""
        display = match["display"]
        inline = match["inline"]
        if not (display or inline):
            return match[0]
        kind = "block" if display else "inline"
        try:
            formulas.append(latex_to_mathml(display or inline, display=kind))
        except Exception:  # a formula that can't be converted stays as it was written
            formulas.append(html.escape(match[0]))
        return f"{OPEN}{len(formulas) - 1}{CLOSE}"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(set_aside, cell.source)
    resources = {"metadata": {"path": str(path.resolve().parent), "name": path.stem}}
    exporter = HTMLExporter(embed_images=True, raw_template=TEMPLATE)
    page, _ = exporter.from_notebook_node(notebook, resources)
    return re.sub(f"{OPEN}(\\d+){CLOSE}", lambda match: formulas[int(match[1])], page)


def main(argv=None):
    args = _arguments(argv)
    env = _environment()
    print(f"captioning data: {env['DEEPLEARNING_CAPTIONS']}")
    for path in args.notebooks:
        began = time.perf_counter()
        try:
            run_notebook(path, args.out, env)
        except CellExecutionError as error:
            sys.exit(f"{path}: a cell failed\n{error}")
        except DeadKernelError:
            sys.exit(
                f"run_notebooks: Python died in a cell of {path}, perhaps because memory ran out: "
                f"it is the first cell without output in {args.out / path.name}"
            )
        except (OSError, ValueError) as error:
            sys.exit(f"run_notebooks: {said(error)}")
        page = args.out / path.with_suffix(".html").name
        print(f"{page}: done in {time.perf_counter() - began:.0f} s")


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m deeplearning.run_notebooks",
        description=(
            "Execute the notebooks from top to bottom, and write them as notebooks and HTML pages."
        ),
        epilog="example: python -m deeplearning.run_notebooks LSTM_Captioning.ipynb --out build",
    )
    parser.add_argument(
        "notebooks",
        nargs="*",
        default=[ROOT / name for name in NOTEBOOKS],
        help="names with or without .ipynb (default: all)",
    )
    parser.add_argument(
        "--out", default=ROOT / "build", type=Path, help="folder to write to (default: build)"
    )
    args = parser.parse_args(argv)
    args.notebooks = [_found(name) for name in args.notebooks]
    missing = [str(path) for path in args.notebooks if not path.is_file()]
    if missing:
        parser.error(f"no notebook at {missing[0]}; the course's are {', '.join(NOTEBOOKS)}")
    return args


def _environment():
    """Environment of the notebooks' processes, which import the package from here, wherever this
    command was started.
    """
    packages = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env = os.environ | {"PYTHONPATH": packages, "DEEPLEARNING_DATA": str(data_folder())}
    try:
        env["DEEPLEARNING_CAPTIONS"] = str(find_dataset())
    except (OSError, ValueError) as error:
        sys.exit(f"run_notebooks: {error}")
    return env


def _found(name):
    """The path of a notebook, whose name may lack its extension."""
    path = Path(name)
    return path if path.suffix == ".ipynb" else path.with_name(f"{path.name}.ipynb")


if __name__ == "__main__":
    main()
