"""What the notebooks of questions 3 and 4 say is what their cells show."""

import ast
import builtins
import re
from pathlib import Path

import nbformat
import pytest

from deeplearning.image_utils import SQUEEZENET_STD

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("NetworkVisualization-PyTorch.ipynb", "StyleTransfer-PyTorch.ipynb")


def cells(name, kind):
    return [c for c in nbformat.read(ROOT / name, as_version=4).cells if c.cell_type == kind]


def printed(name):
    """All that a notebook's cells print."""
    outputs = [output for cell in cells(name, "code") for output in cell.outputs]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


def test_maps_that_point():
    """The committed table counts 60 pictures: the plain gradient hits at least as often as any
    other map, and noise of 0.15 costs SmoothGrad more than a quarter of its hits.
    """
    rows = re.findall(r"(?m)^(\S.*?\S) +(\d+) of 60 hits", printed(NAMES[0]))
    hits = {name: int(count) for name, count in rows}
    assert len(hits) == 5 and hits["plain gradient"] == max(hits.values())
    assert hits["SmoothGrad, noise 0.15"] < 0.75 * hits["SmoothGrad, noise 0.03"]


def test_integrated_gradients_come_closer():
    """The more steps, the closer the attributions' sum is to what the score gained."""
    text = printed(NAMES[0])
    (gained,) = re.findall(r"score gained from black to the picture: (\S+)", text)
    sums = re.findall(r"sum of the attributions, +(\d+) steps: (\S+)", text)
    away = [abs(float(total) - float(gained)) for _, total in sums]
    assert len(away) == 3 and away == sorted(away, reverse=True)


def test_all_are_fooled():
    """Both ways fool all 22 pictures, and the way by the log-probability is shorter."""
    text = printed(NAMES[0])
    assert len(re.findall(r"22 of 22 fooled", text)) == 2
    score, log = (
        float(re.search(rf"(?m)^{name} +nothing yet +(\S+)", text)[1])
        for name in ("score", "log-probability")
    )
    assert log < score < 0.2


def test_the_three_ways_down():
    """Adam with a rate of 3 ends with the highest sum of losses."""
    lines = re.findall(r"(?m)^(\S.*?) +\d+\.\d s, step .*?: (.*)$", printed(NAMES[1]))
    totals = {
        name: sum(map(float, re.findall(r"(?:content|style|tv) (\S+?)(?:,|$)", values)))
        for name, values in lines
    }
    assert len(totals) == 3 and max(totals, key=totals.get) == "Adam, rate 3"


def test_style():
    """Every left half is nearest to its own right half; shuffling places leaves the Gram matrix;
    black and white are 4.5 apart; as many steps are made as the text says.
    """
    text = printed(NAMES[1])
    assert "6 of 6 left halves are nearest to their own right half" in text
    assert float(re.search(r"same for all channels +nothing yet +(\S+)", text)[1]) < 1e-5
    assert float(re.search(r"another for each channel +nothing yet +(\S+)", text)[1]) > 0.1
    assert (1 / SQUEEZENET_STD).mean() == pytest.approx(4.5, abs=0.1)
    prose = "\n".join(cell.source for cell in cells(NAMES[1], "markdown"))
    source = "\n".join(cell.source for cell in cells(NAMES[1], "code"))
    (steps,) = re.findall(r"STEPS = \d+, (\d+)", source)
    assert f"{steps} steps, the last tenth" in prose and f"after {steps} steps" in prose


@pytest.mark.parametrize("name", NAMES)
def test_pictures_for_everyone(name):
    """All output pictures have a text, and code lines at most 88 letters."""
    for cell in cells(name, "code"):
        assert max(map(len, cell.source.split("\n"))) <= 88
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    assert output.metadata[kind]["alt"]


def names(source):
    """Names that a piece of code reads, and those that it defines."""
    tree = ast.parse(re.sub(r"(?m)^%.*$", "", source))
    read, defined = set(), set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return read, defined


@pytest.mark.parametrize("name", NAMES)
def test_sections_stand_alone(name):
    """Each section's cells use names of their own, of the first cell, and no others: whoever comes
    back runs the first cell and goes on anywhere.
    """
    first, *_ = cells(name, "code")
    _, base = names(first.source)
    sections = [[]]
    for cell in nbformat.read(ROOT / name, as_version=4).cells:
        if cell.cell_type == "markdown" and re.search(r"(?m)^## ", cell.source):
            sections.append([])
        if cell.cell_type == "code":
            sections[-1].append(cell.source)
    for section in sections:
        read, defined = names("\n".join(section))
        assert not read - defined - base
