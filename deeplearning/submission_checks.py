"""Checks for problems that a grader would have with a notebook, a Python file, or a file's name.

Each check returns sentences, or none if all is right. They depend on the content alone, not on
times or places.
"""

import ast
import re
import sys
import warnings

from deeplearning.handed_in import ANSWER

# the markers that git leaves in a file that it could not merge
CONFLICT = re.compile(r"^(<{7}|>{7})( .*)?\r?$", re.MULTILINE)
RERUN = "restart the kernel, run all cells, and save"
# Windows Explorer refuses these characters, these names with any extension, and paths of about 260
# characters
FORBIDDEN_CHARACTERS = re.compile(r'[<>:"\\|?*\x00-\x1f]')
RESERVED_NAME = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
LONGEST_NAME = 180  # leaves room for the path of the grader's folder
# The text of an unanswered cell, without stars, dots and spaces
EMPTY = {"", re.sub(r"\W", "", ANSWER), "Youranswer"}
# Lines that work on one machine only
PERSONAL = re.compile(
    r"^\s*[!%]\s*(?:pip|conda|mamba|apt|apt-get|cd)\b.*"
    r"|.*\bsys\.path\b.*|.*\bdrive\.mount\b.*|.*\bos\.chdir\b.*"
    r"|.*[\"'](?:/content|/home|/Users|/root|[A-Za-z]:\\).*",
    re.MULTILINE,
)


def printable(text, longest=60):
    """A text on one line, shortened, with unprintable characters escaped."""
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= longest else text[: longest - 3] + "..."


def check_name(name):
    """Whether a file's name can be unpacked everywhere.

    Inputs:
    - name: Path in the zip, with forward slashes

    Returns: list of problems
    """
    parts = name.split("/")
    if any("\ud800" <= character <= "\udfff" for character in name):
        reason = "is not valid Unicode"
    elif found := [part for part in parts if FORBIDDEN_CHARACTERS.search(part)]:
        reason = f"has {ascii(FORBIDDEN_CHARACTERS.search(found[0])[0])} in it"
    elif any(RESERVED_NAME.fullmatch(part) for part in parts):
        reason = "is the name of a device on Windows"
    elif any(part.endswith((".", " ")) for part in parts):
        reason = "has a part that ends in a dot or a space"
    elif len(name) > LONGEST_NAME:
        reason = f"has {len(name)} characters, more than {LONGEST_NAME}"
    else:
        return []
    return [f"{printable(name)}: the name {reason}, which can't be unpacked on Windows: rename it"]


def check_python(name, content):
    """Whether a Python file can be parsed, and which of its functions are not written yet.

    Inputs:
    - name: Name to use in the sentences
    - content: Bytes of the file

    Returns a tuple of:
    - problems: List of sentences
    - remarks: List of sentences about what is allowed, but may be an oversight
    """
    if problem := _conflict(name, content.decode("utf-8", "replace")):
        return [problem], []
    tree, where, reason = _tree(content)
    if tree is None:
        return [f"{name}{where}: Python can't read it ({reason}): fix it, and run its tests"], []
    if not tree.body:
        return [f"{name} is empty: fetch a fresh copy, and put your functions into it"], []
    unwritten = [title for title, f in _functions(tree) if any(map(_is_stub, ast.walk(f)))]
    return [], [f"{name}: not written yet: {', '.join(unwritten)}"] if unwritten else []


def _functions(tree, prefix=""):
    """Functions and methods with their dotted names, such as "CaptioningRNN.loss"."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _tree(content):
    """The syntax tree of a file's bytes, or None with the place and reason of the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes that a later Python will refuse
            return ast.parse(content), "", ""
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        return None, where, printable(error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        # null bytes before Python 3.12; thousands of brackets
        return None, "", printable(str(error) or type(error).__name__)


def _is_stub(node):
    raised = node.exc if isinstance(node, ast.Raise) else None
    raised = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def check_notebook(name, content):
    """Whether a notebook can be read, and was run from top to bottom without an error.

    Inputs:
    - name: Name to use in the sentences
    - content: Bytes of the file

    Returns a tuple of:
    - problems: List of sentences
    - remarks: List of sentences about what is allowed, but may be an oversight
    """
    try:
        text = content.decode("utf-8-sig")
        if problem := _conflict(name, text):
            return [problem], []
        notebook = _parse(text)
    except Exception as error:  # nbformat raises almost anything, depending on what is missing
        reason = printable(str(error).split("\n")[0] or type(error).__name__, 100)
        return [
            f"{name} is not a valid notebook ({reason}): open it in Jupyter, or start again from a "
            "fresh copy"
        ], []
    for cell in notebook.cells:
        if CONFLICT.search(cell.source):
            return [f"{name} has a merge-conflict mark in a cell: keep one of the two versions"], []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if not cells:
        return [f"{name} holds no code cells: start again from a fresh copy"], []
    remarks = [*_personal(name, cells), *_wrong(name, cells), *_unanswered(name, notebook.cells)]
    return _check_run(name, cells), remarks


def _nbformat():
    """The package nbformat, without the URL grammar that jsonschema would compile for it: that
    takes seconds, and no check of a notebook uses it.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # hides that package from jsonschema
    import nbformat

    return nbformat


def _parse(text):
    """A notebook in the current version of the format. Raises what nbformat raises."""
    nbformat = _nbformat()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cells without ids, which Jupyter adds
        notebook = nbformat.convert(nbformat.reader.reads(text), 4)
        nbformat.validate(notebook, relax_add_props=True)
    return notebook


def _conflict(name, text):
    mark = CONFLICT.search(text)
    if mark:
        line = text.count("\n", 0, mark.start()) + 1
        return (
            f"{name}, line {line}: a merge-conflict mark ({printable(mark[0])}): keep one of the "
            "two versions"
        )


def _check_run(name, cells):
    problems = []
    total = len(cells)
    counts = [cell.execution_count for cell in cells]
    unrun = [k for k in range(total) if counts[k] is None]
    if len(unrun) == total:
        problems.append(f"{name}: never run: {RERUN}")
    elif unrun:
        which = _which(cells, unrun)
        problems.append(f"{name}: never run: {len(unrun)} of {total} code cells ({which}): {RERUN}")
    ran = [k for k in range(total) if counts[k] is not None]
    early = [k for before, k in zip(ran, ran[1:], strict=False) if counts[k] <= counts[before]]
    if early:
        which = f"{_which(cells, early)} ran before the one above"
        problems.append(f"{name}: not run from top to bottom ({which}): {RERUN}")
    failed = [
        k for k in range(total) if any(output.output_type == "error" for output in cells[k].outputs)
    ]
    if failed:
        error = next(output for output in cells[failed[0]].outputs if output.output_type == "error")
        what = f"{_which(cells, failed)}, {printable(f'{error.ename}: {error.evalue}')}"
        problems.append(
            f"{name}: ended in an error: {len(failed)} of {total} code cells ({what}): fix it, "
            f"then {RERUN}"
        )
    return problems


def _personal(name, cells):
    found = [
        (k, line[0].strip())
        for k, cell in enumerate(cells)
        for line in PERSONAL.finditer(cell.source)
    ]
    if not found:
        return []
    k, line = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [
        f"{name}: code cell {k + 1} runs only on your machine ({printable(line)}){more}: graders "
        "can't run it again"
    ]


def _wrong(name, cells):
    """A remark on checks in a notebook's outputs that say WRONG."""
    said = [re.search(r"(?m)^([^:\n]{1,60}): .*\bWRONG\b", _printed(cell)) for cell in cells]
    wrong = [k for k, found in enumerate(said) if found]
    if not wrong:
        return []
    what = printable(said[wrong[0]][1])
    return [
        f"{name}: a check says WRONG ({_which(cells, wrong)}, about {what}): fix the problem, and "
        "run the cell again"
    ]


def _printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def _unanswered(name, cells):
    """A remark on the questions of a notebook whose answers are still empty."""
    empty = []
    for before, cell in zip(cells, cells[1:], strict=False):
        asked = re.search(r"\*\*Question\.?\*\*\.?\s*(.*)", before.source)
        if asked and cell.cell_type == "markdown" and _letters(cell.source) in EMPTY:
            empty.append(f"`{_beginning(asked[1])}`")
    if not empty:
        return []
    questions = "1 question is" if len(empty) == 1 else f"{len(empty)} questions are"
    return [f"{name}: {questions} not answered yet: {', '.join(empty)}"]


def _beginning(question, longest=50):
    """The first words of a question, up to a formula at most, so that none is cut in two."""
    words = question.split("$")[0].split()
    while len(" ".join(words)) > longest:
        words.pop()
    begun = " ".join(words)
    return printable(begun if begun == question.strip() else f"{begun} ...")


def _letters(text):
    return re.sub(r"\W", "", text)


def _which(cells, chosen):
    """Code cells by number, and the first line of the first, since Jupyter shows no numbers."""
    numbers = ", ".join(str(k + 1) for k in chosen[:5]) + (", ..." if len(chosen) > 5 else "")
    first = cells[chosen[0]].source.strip().split("\n")[0]
    return f"code cell {numbers}, `{printable(first, 40)}`"
