"""The texts of the notebooks of questions 3 and 4 agree with what their cells show."""

import ast
import builtins
import re
from pathlib import Path

import nbformat
import pytest

from deeplearning.datasets.toytown.world import KINDS
from deeplearning.image_utils import SQUEEZENET_STD

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("NetworkVisualization-PyTorch.ipynb", "StyleTransfer-PyTorch.ipynb")


def cells(name, kind):
    return [c for c in nbformat.read(ROOT / name, as_version=4).cells if c.cell_type == kind]


def printed(name):
    """Everything that a notebook's cells print."""
    outputs = [output for cell in cells(name, "code") for output in cell.outputs]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


def test_maps_that_point():
    """The committed table counts 60 pictures: the plain gradient, gentle SmoothGrad and Grad-CAM
    are level; noise of 0.15 costs SmoothGrad more than a quarter of its hits; and the gradient of
    another class's score mostly hits the thing as well.
    """
    rows = re.findall(r"(?m)^(\S.*?\S) +(\d+) of 60 hits", printed(NAMES[0]))
    hits = {name: int(count) for name, count in rows}
    level = [hits[name] for name in ("plain gradient", "SmoothGrad, noise 0.03", "Grad-CAM")]
    assert len(hits) == 5 and max(hits.values()) == max(level) <= min(level) + 1
    (other,) = re.findall(r"another class's score: (\d+) of 60 on the thing", printed(NAMES[0]))
    assert 30 < int(other) < min(level)
    assert hits["SmoothGrad, noise 0.15"] < 0.75 * hits["SmoothGrad, noise 0.03"]


def test_integrated_gradients_come_closer():
    """The more steps, the closer the attributions' sum is to what the score gained."""
    text = printed(NAMES[0])
    (gained,) = re.findall(r"score gained from black to the picture: (\S+)", text)
    sums = re.findall(r"sum of the attributions, +(\d+) steps: (\S+)", text)
    away = [abs(float(total) - float(gained)) for _, total in sums]
    assert len(away) == 3 and away == sorted(away, reverse=True)


def test_all_are_fooled():
    """Both ways fool all 22 pictures, and climbing the log-probability takes a shorter change: the
    text says so below the table.
    """
    text = printed(NAMES[0])
    prose = "\n".join(cell.source for cell in cells(NAMES[0], "markdown"))
    assert "all fooled, both ways. But climbing the log-probability takes a shorter" in prose
    assert len(re.findall(r"22 of 22 fooled", text)) == 2
    score, log = (
        float(re.search(rf"(?m)^{name} +nothing yet +(\S+)", text)[1])
        for name in ("score", "log-probability")
    )
    assert log < score


def test_changes_are_made_visible():
    """The changes that fool the network are shown several times as large, by a factor that is
    printed above them and stands in the picture's text.
    """
    (factor,) = re.findall(r"the changes, (\d+) times as large, on grey", printed(NAMES[0]))
    assert int(factor) >= 4
    texts = [
        output.metadata["image/jpeg"]["alt"]
        for cell in cells(NAMES[0], "code")
        for output in cell.outputs
        if "image/jpeg" in output.get("data", {})
    ]
    assert sum(f"the changes, {factor} times as large" in text for text in texts) == 1


def test_what_each_regulariser_does():
    """Without jitter the score falls when the picture is shifted, and not with it; blur makes
    neighbouring pixels more alike, and so does more l2_reg, which costs score; without all of them
    the score is the highest, more than half of it is lost in a shift, and neighbours differ most.
    """
    rows = re.findall(r"(?m)^(\S.*?) +(\d+\.\d) +(\d+\.\d) +(\d+\.\d\d)$", printed(NAMES[0]))
    kept = {name: float(shifted) / float(score) for name, score, shifted, _ in rows}
    rough = {name: float(differ) for name, *_, differ in rows}
    score = {name: float(first) for name, first, *_ in rows}
    assert list(kept) == ["as above", "no jitter", "no blur", "l2_reg = 0.01", "none of these"]
    assert kept["none of these"] < 0.5 < kept["no jitter"] < 0.8 < 0.9 < kept["as above"]
    assert score["l2_reg = 0.01"] == min(score.values()) < score["as above"]
    assert score["none of these"] == max(score.values())
    assert rough["l2_reg = 0.01"] < rough["as above"] < rough["no blur"] < rough["none of these"]


def test_the_network_is_certain_of_what_it_paints():
    """It gives the painted tree a probability of 1, within a percent, and the robust network more
    than .9 to at least 20 of its 22 portraits, but to few of the clouds that they begin with.
    """
    text = printed(NAMES[0])
    assert float(re.search(r"(?m)^probability +nothing yet +(\S+)", text)[1]) > 0.99
    found = re.search(r"(?m)^robust: (\d+) of 22 with more than 0.9, of their starts (\d+)", text)
    assert int(found[1]) >= 20 and int(found[2]) <= 5


def test_the_robust_network_takes_longer_changes():
    """All three pictures are fooled, with both networks, and the robust one takes longer
    changes.
    """
    text = printed(NAMES[0])
    assert len(re.findall(r"(?m)^(?:toytown|robust): 3 of 3 fooled", text)) == 2
    assert float(re.search(r"(?m)^times as long +nothing yet +(\S+)", text)[1]) > 1.2


def test_swapped_halves():
    """Toytown's network copes better with left and right than with top and bottom, after which it
    names the three kinds that fly; portraits fare alike, and the five pictures of one class
    survive.
    """
    text = printed(NAMES[0])
    found = re.findall(r"(?m)^(\w.*): (\d+) of (\d+) named correctly$", text)
    share = {name: int(right) / int(count) for name, right, count in found}
    assert len(share) == 6
    for group in ("pictures", "portraits"):
        assert share[f"{group}, left and right"] > max(0.6, share[f"{group}, top and bottom"])
    assert share["pictures, top and bottom"] < 0.5
    assert share["one class, left and right"] == share["one class, top and bottom"] == 1
    *_, names = re.findall(r"most frequent wrong names: (.*)", text)
    assert set(names.split(", ")) == {name for name, kind in KINDS.items() if "air" in kind.spots}


def test_cut_or_moved():
    """With left and right swapped, all that is left whole keeps its name, and some of what is cut
    loses it; with top and bottom, most of both lose it.
    """
    rows = re.findall(r"(?m)^(.+?) +(\d+) of (\d+) +(\d+) of (\d+)$", printed(NAMES[0]))
    shares = {name: (int(a) / int(b), int(c) / int(d)) for name, a, b, c, d in rows}
    assert list(shares) == ["left and right", "top and bottom"]
    assert all(int(b) + int(d) == 100 for _, _, b, _, d in rows)
    cut, whole = shares["left and right"]
    assert cut < 0.9 and whole == 1
    assert max(shares["top and bottom"]) < 0.5


def test_the_three_ways_down():
    """Adam with a rate of 3 ends with the highest sum of losses, and L-BFGS with the lowest."""
    lines = re.findall(r"(?m)^(\S.*?) +\d+\.\d s, step .*?: (.*)$", printed(NAMES[1]))
    totals = {
        name: sum(map(float, re.findall(r"(?:content|style|tv) (\S+?)(?:,|$)", values)))
        for name, values in lines
    }
    assert len(totals) == 3 and max(totals, key=totals.get) == "Adam, rate 3"
    assert min(totals, key=totals.get) == "L-BFGS"


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
    """All output pictures have an alternative text, and code lines at most 88 characters."""
    for cell in cells(name, "code"):
        assert max(map(len, cell.source.split("\n"))) <= 88
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    assert output.metadata[kind]["alt"]


@pytest.mark.parametrize("name", NAMES)
def test_every_question_has_a_cell_for_the_answer(name):
    """Each question is followed by the cell with our answer, which the hand-out empties."""
    every = nbformat.read(ROOT / name, as_version=4).cells
    asked = [k for k, cell in enumerate(every) if cell.source.startswith("**Question.**")]
    answers = [k for k, cell in enumerate(every) if cell.source.startswith("**Answer.**")]
    assert asked and answers == [k + 1 for k in asked]
    assert all(every[k].metadata.get("tags") == ["answer"] for k in answers)


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
    """Each section's cells use only their own names and the first cell's, so a student can come
    back, run the first cell and continue anywhere.
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
