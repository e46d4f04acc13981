"""The notebooks' texts: every section needs only the first cell, and every number in the prose is
one that the executed notebook shows.
"""

import ast
import builtins
import math
import re
import symtable
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
RNN, LSTM = "RNN_Captioning.ipynb", "LSTM_Captioning.ipynb"
BUILTINS = set(dir(builtins))


def cells_of(name):
    return nbformat.read(ROOT / name, as_version=4).cells


def outputs_of(name):
    """All that a notebook printed, as one text."""
    texts = []
    for cell in cells_of(name):
        for output in cell.get("outputs", []):
            texts.append(output.get("text", ""))
    return "".join(texts)


def prose_of(name):
    """A notebook's text without formulas, code, tables and links, as one line."""
    texts = [cell.source for cell in cells_of(name) if cell.cell_type == "markdown"]
    text = "\n".join(texts)
    for pattern in (r"\$\$.*?\$\$", r"\$[^$\n]+\$", r"`[^`]*`", r"!?\[[^\]]*\]\([^)]*\)"):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    text = re.sub(r"(?m)^(\||#).*$", " ", text)
    return " ".join(text.split())


def number(pattern, text):
    """The number that a pattern finds in a text."""
    return float(re.search(pattern, text)[1].replace(",", ""))


def table(name, row):
    """The second column of a printed table of predictions."""
    return re.search(rf"(?m)^{re.escape(row)} +nothing yet +(.+)$", outputs_of(name))[1].strip()


# For each phrase of the prose, what must be found in the outputs of the same notebook. A phrase
# without a check states the task, or is computed by the cell below it
TOLD = {
    RNN: {
        "Question 1, 30 points": None,
        "6,000 little scenes": lambda out: "(5000, 512)" in out and "(1000, 512)" in out,
        "word 17 is no better than word 16": None,
        "so each place that counts costs . For that is 2.3": lambda out: "2.289" in out,
        "What is the caption's BLEU-1, from 0 to 1": None,
        "compares runs of 1 to words": None,
        "here it goes from 0 to 100": None,
        "It goes from 0 to 10": None,
        "times 0.7, 1 or 1.3": None,
        "gradient at step 1, as a multiple of the one at step 50": None,
        "the line for 1.3 would grow": lambda out: "1.3 to the power of 49 is 383,022" in out,
    },
    LSTM: {
        "Question 2, 30 points": None,
        "numbers between 0 and 1 for each unit": None,
        "open is it at the biases 0, 1 and 3": None,
        "With a bias of 3": None,  # below: test_how_far_gradients_reach
        "then 5, 10, 20 or 40 others": None,
        "0 is an answer": None,
        "dropout at 0.4": None,
        "is the in : 0 is the sum, 1 the mean": None,
        "first reach 60 %": None,
        "120 captions": None,
    },
}


@pytest.mark.parametrize("name", TOLD)
def test_every_number_in_the_prose_is_accounted_for(name):
    """Each number of the text is in a phrase of the table above, and each phrase agrees with what
    the notebook printed.
    """
    prose, printed = prose_of(name), outputs_of(name)
    for phrase, check in TOLD[name].items():
        assert phrase in prose, f"the text no longer says: {phrase}"
        assert check is None or check(printed), f"the outputs no longer show: {phrase}"
        prose = prose.replace(phrase, " ")
    # a number alone: not float32, BLEU-1 or a name
    left = re.findall(r"(?:\S+ ){0,4}(?<![\w-])\d[\d,.]*\S*(?: \S+){0,4}", prose)
    assert not left, left


def test_rnn_notebook_says_what_it_shows():
    """The text's statements in words hold: how long captions are, the result of overfitting, that
    letters take more than four times as many steps and more bits, and where the gradient vanishes.
    """
    out = outputs_of(RNN)
    assert "train_captions     int32    (25000, 17)" in out  # five sentences each
    assert 10.5 < number(r"fifty captions, ([\d.]+) in each", out) < 11.5  # about eleven words
    assert number(r"(\d+) of the 50 captions come back word for word", out) >= 48
    untrained = float(table(RNN, "loss before the first step"))
    assert number(r"100/100 .*, val ([\d.]+)\]", out) > untrained  # learnt by heart
    assert 0.2 < float(table(RNN, "BLEU-1 of 'a red bus waits'")) < 0.25
    words = re.search(r"(?m)^words +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)$", out)
    letters = re.search(r"(?m)^characters +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)$", out)
    assert float(letters[2]) / float(words[2]) > 4
    assert float(letters[4]) > float(words[4])
    assert 24 <= int(letters[1]) < 60  # a few dozen signs
    gradients = [float(table(RNN, f"stretched by {scale}")) for scale in (0.7, 1.0, 1.3)]
    assert gradients[0] < 1e-6 < gradients[1] < 1 < gradients[2] < 1000
    steps = re.findall(r"(?m)^([\d.]+) +\d+ to \d+ +([\d.]+) +([\d.]+)$", out)
    grown = [(float(scale), float(back), float(told)) for scale, back, told in steps]
    assert [scale for scale, _, _ in grown] == [0.7] * 3 + [1.0] * 3 + [1.3] * 3
    # the factor explains it; both were printed with two digits
    assert all(round(abs(back - told), 2) <= 0.02 for _, back, told in grown)
    first, then, late = [back for _, back, _ in grown[-3:]]
    assert 1 < late < 1.05 < then < 1.25 < first < 1.3  # it grows in the first steps, not later
    assert number(r"captions of other pictures +([\d.]+)", out) < number(
        r"the vanilla RNN +([\d.]+)", out
    )


def test_broken_backward_passes_of_ours_are_found():
    """In each notebook one gradient of our broken layer is wrong and the others are right."""
    for name, wrong, right in ((RNN, ["dw"], ["dx", "db"]), (LSTM, ["dk"], ["dx"])):
        cell = next(
            c for c in cells_of(name) if "with one mistake" in c.source and "def " in c.source
        )
        lines = cell.outputs[0].text.splitlines()
        said = {line.split(":")[0]: "WRONG" in line for line in lines}
        assert said == dict.fromkeys(wrong, True) | dict.fromkeys(right, False)


def test_lstm_notebook_says_what_it_shows():
    """The text's statements in words hold: which cell remembers how long, which captions a beam
    prefers, what is learnt last, that the model dares more from epoch to epoch, and that new
    combinations are described as well as familiar ones, up to chance.
    """
    out = outputs_of(LSTM)
    gaps = ["vanilla RNN", "LSTM, bias 0", "LSTM, bias 1", "LSTM, bias 3"]
    bridged = [int(table(LSTM, name)) for name in gaps]
    assert bridged == sorted(bridged) and bridged[0] < bridged[2] < bridged[-1] == 40
    lengths = re.findall(r"(?m)^beam of 3, p = ([\d.]+) .* ([\d.]+)$", out)
    assert [p for p, _ in lengths] == ["0.0", "0.7", "1.0"]
    words = [float(length) for _, length in lengths]
    assert words == sorted(words)  # the sum favours short ones, the mean lets long ones catch up
    scores = re.findall(r"(?m)^beam of 3, p = ([\d.]+) .* ([\d.]+) +([\d.]+) +[\d.]+$", out)
    best = [max(scores, key=lambda row: float(row[k]))[0] for k in (1, 2)]
    assert best[0] != best[1]  # by BLEU-4 and by CIDEr-D
    assert "relation" in table(LSTM, "order").split(", ")[-1]
    assert float(table(LSTM, "nothing false after 50 steps, in %")) > 90
    seen, new = number(r"seen \((\d+)\)", out), number(r"never seen \((\d+)\)", out)
    assert 0.18 < new / (seen + new) < 0.22  # a fifth
    last = {
        row[0]: float(row[1])
        for row in re.findall(r"(?m)^(\w[\w ]*?)(?:, .*?)? +([\d.]+) %  ", out)
    }
    assert min(("thing", "colour", "setting", "relation"), key=last.get) == "relation"
    epochs = {
        name: [float(share) for share in shares.split(", ")]
        for name, shares in re.findall(r"(?m)^(.*), in % of .* after each epoch: (.*)$", out)
    }
    assert epochs["nothing false"][-1] < epochs["nothing false"][-2]
    assert epochs["a relation is stated"][-1] > epochs["a relation is stated"][-2]
    differences = re.findall(r"(?m)% +(-?[\d.]+) \(([\d.]+)\)$", out)
    assert len(differences) == 5
    assert all(abs(float(d)) <= 2 * float(error) for d, error in differences)
    counts = [number(rf"temperature {t}: (\d) different", out) for t in (0.3, 1.5)]
    assert counts[0] <= counts[1]


def test_how_far_gradients_reach():
    """At step 1 the LSTMs' gradients are larger than what the forget gate alone would leave after
    49 steps, and with a bias of 3 most of it is there.
    """
    outputs = [output for cell in cells_of(LSTM) for output in cell.get("outputs", [])]
    texts = [output.get("metadata", {}).get("image/jpeg", {}).get("alt", "") for output in outputs]
    (text,) = [text for text in texts if "At step 1: " in text]
    arriving = {int(b): float(share) for b, share in re.findall(r"bias (\d) ([-\de.]+\d)", text)}
    assert list(arriving) == [0, 1, 3]
    assert all(share > (1 + math.exp(-bias)) ** -49 for bias, share in arriving.items())
    assert arriving[3] > 0.5


def test_what_is_said_about_the_gates():
    """Articles, sizes, numbers and colours leave more of the memory in place than nouns, verbs and
    prepositions do; and the share of words further back hardly differs between the two networks.
    """
    out = outputs_of(LSTM)
    said = re.findall(r"(?m)^how much stays at (\w+) +([\d.]+), mean of +\d+$", out)
    stays = {kind: float(mean) for kind, mean in said}
    before = [stays[kind] for kind in ("article", "size", "number", "colour")]
    after = [stays[kind] for kind in ("noun", "verb", "preposition")]
    assert min(before) > max(after) and max(after) - min(after) < 0.08
    shares = re.search(r"in 120 captions: vanilla RNN (\d+) %, LSTM (\d+) %", out)
    assert abs(int(shares[1]) - int(shares[2])) < 10


def test_the_readme_quotes_the_notebook():
    """README's table of what the LSTM says about pictures has the committed notebook's numbers."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {
        "thing": "main object correct",
        "colour": "its colour correct",
        "setting": "setting correct",
        "nothing false": "no false statement",
    }
    for printed, told in rows.items():
        row = rf"(?m)^{printed} +([\d.]+ %) +([\d.]+ %) "
        seen, new = re.search(row, outputs_of(LSTM)).groups()
        assert f"| {told} | {seen} | {new} |" in readme


def needed_and_defined(source):
    """Names that a cell needs from other cells, and those that it defines."""
    code = "\n".join(line for line in source.splitlines() if not line.startswith("%"))
    top = symtable.symtable(code, "cell", "exec")
    needed, waiting = set(), [top]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        for symbol in scope.get_symbols():
            is_outer = scope is top or symbol.is_global()
            if symbol.is_referenced() and is_outer:
                needed.add(symbol.get_name())
    assigned = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    own = assigned & names_of_comprehensions(code)  # Python 3.12 shows them among the cell's
    defined = assigned | {s.get_name() for s in top.get_symbols() if s.is_namespace()}
    return needed - BUILTINS - own, defined - own


def names_of_comprehensions(code):
    """Names that only comprehensions assign to."""
    nodes = list(ast.walk(ast.parse(code)))
    targets = [n.target for n in nodes if isinstance(n, ast.comprehension)]
    inside = [n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    stored = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return {n.id for n in inside} - {n.id for n in stored if n not in inside}


@pytest.mark.parametrize("name", TOLD)
def test_each_section_runs_after_the_first_cell_alone(name):
    """After a restart a student can run the first cell and continue with any section: no cell uses
    a name that was defined in another section.
    """
    cells = cells_of(name)
    first = next(cell for cell in cells if cell.cell_type == "code")
    given = needed_and_defined(first.source)[1]
    section, known = "", set(given)
    for cell in cells:
        if cell.cell_type == "markdown" and re.search(r"(?m)^## ", cell.source):
            section, known = re.search(r"(?m)^## (.*)", cell.source)[1], set(given)
        elif cell.cell_type == "code":
            needed, defined = needed_and_defined(cell.source)
            missing = needed - known - defined
            assert not missing, f"{section}: {missing} come from another section"
            known |= defined


def test_a_name_of_another_section_would_be_found():
    """The test above can fail: names inside functions and comprehensions count, their own don't."""
    source = "def f(a):\n    return a + outside\ny = [b * other for b in range(3)]\n%magic"
    assert needed_and_defined(source) == ({"outside", "other"}, {"f", "y"})


@pytest.mark.parametrize("name", TOLD)
def test_code_does_not_scroll(name):
    """Code lines have at most 88 characters, so that nothing scrolls on a page of 1280 pixels."""
    lines = [line for c in cells_of(name) if c.cell_type == "code" for line in c.source.split("\n")]
    assert not [line for line in lines if len(line) > 88]


@pytest.mark.parametrize("name", TOLD)
def test_pictures_have_texts(name):
    """Every picture, drawn or computed, has an alternative text of a few words."""
    texts = []
    for cell in cells_of(name):
        if cell.cell_type == "markdown":
            texts += re.findall(r"!\[([^\]]*)\]\(", cell.source)
        for output in cell.get("outputs", []):
            kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
            texts += [output.metadata.get(kind, {}).get("alt", "") for kind in kinds]
    assert len(texts) > 5 and all(len(text.split()) >= 4 for text in texts)


@pytest.mark.parametrize("name", TOLD)
def test_questions_have_a_cell_for_the_answer(name):
    """Each question is followed by the cell with our answer, which the hand-out empties."""
    cells = cells_of(name)
    asked = [k for k, cell in enumerate(cells) if "**Question.**" in cell.source]
    assert asked
    assert all(cells[k + 1].metadata.get("tags") == ["answer"] for k in asked)
