"""Work that is written in notebooks, and notebooks that are not notebooks."""

import json
import re

from grading.hostile import (
    NETWORK_VISUALIZATION,
    RNN,
    RNN_LAYERS,
    STYLE_TRANSFER,
    hostile,
    of,
    solved,
    unsolved,
    zipped,
)
from grading.manifest import MANIFEST


def notebook(*cells, language="python"):
    """A notebook of code cells, as bytes."""
    written = [
        {
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for source in cells
    ]
    about = {"language_info": {"name": language}}
    return json.dumps(
        {"cells": written, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    ).encode()


def as_cells(path):
    """A file of exercises as cells of a notebook, one for each definition."""
    return re.split(r"\n\n\n", solved()[path])


@hostile()
def written_into_notebooks():
    """Questions 3 and 4 are solved in the notebooks' cells, as in the edition of 2019; the modules
    have the stubs.
    """
    files = {**solved()}
    for path in (NETWORK_VISUALIZATION, STYLE_TRANSFER):
        question = next(
            exercise.question for exercise in MANIFEST.exercises.values() if exercise.path == path
        )
        files[path] = unsolved()[path]
        cells = [
            "%matplotlib inline\n!pip install nothing",
            "import no_such_module",
            *as_cells(path),
            "1 / 0",
        ]
        files[MANIFEST.questions[question].notebook] = notebook(*cells)
    return zipped(files)


@hostile(*of(RNN_LAYERS, RNN))
def notebooks_alone():
    """Nothing but the notebooks of questions 3 and 4, whose cells hold the work."""
    files = {}
    for path in (NETWORK_VISUALIZATION, STYLE_TRANSFER):
        question = next(e.question for e in MANIFEST.exercises.values() if e.path == path)
        files[MANIFEST.questions[question].notebook] = notebook(*as_cells(path))
    return zipped(files)


@hostile("compute_saliency_maps", "make_fooling_image")
def older_name_in_a_notebook():
    """A cell has the update step with its older name and order of arguments; the other two are
    stubs there too.
    """
    text = solved()[NETWORK_VISUALIZATION]
    step = re.search(r"(?s)def class_visualization_update_step\(.*?\n\n\n", text)[0]
    step = step.replace("class_visualization_update_step(img, model, target_y, l2_reg, learning_rate)",
                        "update_class_visulization(model, target_y, l2_reg, learning_rate, img)")  # fmt: skip
    helpers = [
        cell
        for cell in as_cells(NETWORK_VISUALIZATION)
        if cell.startswith(("def _", "import", '"""'))
    ]
    cells = [*helpers, step, "def compute_saliency_maps(X, y, model):\n    pass"]
    files = {**solved(), NETWORK_VISUALIZATION: unsolved()[NETWORK_VISUALIZATION]}
    return zipped({**files, MANIFEST.questions["q3"].notebook: notebook(*cells)})


@hostile()
def corrupt_notebooks():
    """Notebooks that are cut off, not JSON, other JSON, and 100,000 brackets."""
    names = [question.notebook for question in MANIFEST.questions.values()]
    contents = [notebook("1")[:40], b"\xff\xfe\0", b'{"cells": 3}', b"[" * 100_000]
    return zipped({**solved(), **dict(zip(names, contents, strict=True))})


@hostile()
def huge_notebook():
    """A notebook of 60 MB."""
    return zipped(
        {**solved(), MANIFEST.questions["q3"].notebook: notebook("x = '" + "a" * (60 << 20) + "'")}
    )


@hostile(*of(STYLE_TRANSFER))
def notebook_of_another_language():
    """Question 4 is written into a notebook whose language is R."""
    files = {**solved(), STYLE_TRANSFER: unsolved()[STYLE_TRANSFER]}
    cells = as_cells(STYLE_TRANSFER)
    return zipped({**files, MANIFEST.questions["q4"].notebook: notebook(*cells, language="R")})


@hostile()
def many_pictures():
    """Four notebooks with six large pictures each, and an older package to be read."""
    picture = "iVBORw0KGgo" + "A" * 390_000
    shown = {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
    files = {
        name.replace("deeplearning/", "cs231n/"): text.replace("from deeplearning", "from cs231n")
        for name, text in solved().items()
    }
    for question in MANIFEST.questions.values():
        made = json.loads(notebook("1"))
        made["cells"][0]["outputs"] = [shown] * 6
        files[question.notebook] = json.dumps(made)
    return zipped(files)
