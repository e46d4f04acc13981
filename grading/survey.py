"""What a student's files say, before any of them runs: text, syntax, stubs, and functions written
into a notebook.

It runs in the box, because parsers can be crashed by what they parse. Standard library only.
"""

import ast
import io
import json
import re
import tokenize

OLDER_PACKAGES = ("cs231n", "cs182")
OLDER_SIGNATURES = {  # functions that earlier editions had under another name, and how the present one calls them
    "class_visualization_update_step": (
        "update_class_visulization",
        "def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):\n"
        "    return update_class_visulization(model, target_y, l2_reg, learning_rate, img)\n",
    ),
}
PICTURES, PICTURE_SIZE = 6, 400_000  # of a notebook: how many, and letters of base64 each
PRELOADED = (
    "PIL",
    "matplotlib",
    "matplotlib.pyplot",
    "scipy",
    "scipy.ndimage",
    "torch",
    "torchvision",
    "tqdm",
)


def survey(files, exercises, package):
    """Read a submission's files.

    Inputs:
    - files: Dictionary from name to bytes: sources by their path, and notebooks
    - exercises: List of [name, path, notebook], for each exercise its function, source and notebook
    - package: Name of the folder that held the sources

    Returns: dictionary of
    - sources: From path to text, with what the notebooks' cells add
    - notes: Sentences
    - imports: From path to names of well-known modules that it imports
    - pictures: From notebook to PNG pictures that it shows, in base64
    """
    found = {"sources": {}, "notes": [], "imports": {}, "pictures": {}}
    notebooks = {}
    for name, data in files.items():
        if name.endswith(".ipynb"):
            notebooks[name], found["pictures"][name] = _notebook(name, data, found["notes"])
    for path in dict.fromkeys(path for _, path, _ in exercises):
        text = _text(path, files[path], found["notes"]) if path in files else ""
        wanted = {name: notebook for name, where, notebook in exercises if where == path}
        text = _with_cells(path, text, wanted, notebooks, found["notes"])
        if path in files or text:
            found["sources"][path] = _renamed(path, text, package, found["notes"])
            found["imports"][path] = _remarks(path, found["sources"][path], found["notes"])
    return found


def _text(path, data, notes):
    """A source as text, with \\n at the ends of lines, and no line that names an encoding."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = data.decode(
            "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", "replace"
        )
        notes.append(f"{path} is not in UTF-8: save it in that encoding.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    head, body = text.split("\n", 2)[:2], text.split("\n", 2)[2:]
    head = [re.sub(r"^([ \t\f]*#.*?)coding[:=]", r"\1coded ", line) for line in head]
    return "\n".join([*head, *body])


def _renamed(path, text, package, notes):
    """The text with the imports of an older package's modules leading to the present ones."""
    names = {*OLDER_PACKAGES, package} - {"deeplearning", ""}
    pattern = rf"^(\s*(?:from|import)\s+)(?:{'|'.join(map(re.escape, sorted(names)))})\b"
    text, count = re.subn(pattern, r"\1deeplearning", text, flags=re.MULTILINE)
    if count:
        notes.append(f"{path} imports from a package of another name; it was read as deeplearning.")
    for older, now in (
        ("net_visualization_pytorch", "network_visualization"),
        ("style_transfer_pytorch", "style_transfer"),
    ):
        text = re.sub(rf"\bdeeplearning\.{older}\b", f"deeplearning.{now}", text)
    return text


def _notebook(name, data, notes):
    """Sources of a notebook's code cells, and the PNG pictures that it shows."""
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        language = notebook.get("metadata", {}).get("language_info", {}).get("name", "python")
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        shown = ["".join(output.get("data", {}).get("image/png", "")) for output in outputs]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        notes.append(f"{name} is damaged: nothing in it could be read.")
        return [], []
    if not str(language).lower().startswith(("python", "ipython")):
        notes.append(f"{name} is written in another language than Python: nothing in it was used.")
        return [], []
    shown = [picture.replace("\n", "") for picture in shown if len(picture) <= PICTURE_SIZE]
    return sources, [
        picture for picture in shown if re.fullmatch(r"iVBORw0KGgo[A-Za-z0-9+/]+=*", picture)
    ][:PICTURES]


def _with_cells(path, text, wanted, notebooks, notes):
    """A source, with the functions that it has only as stubs, or not at all, taken from the
    notebook's cells.
    """
    tree = _parsed(text)
    if tree is None:
        return text
    written = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not is_stub(node)
    }
    for name, notebook in wanted.items():
        older, adapter = OLDER_SIGNATURES.get(name, ("", ""))
        if name in written or "." in name:
            continue
        cells = [
            cell
            for cell in map(_parsed, map(_without_magic, notebooks.get(notebook, ())))
            if cell is not None
        ]
        nodes = [node for cell in cells for node in cell.body]
        defined = {
            node.name for node in nodes if isinstance(node, ast.FunctionDef) and not is_stub(node)
        }
        if not {name, older} & defined:
            continue
        text += "\n\n" + "\n".join(_taken(node, written - {older}) for node in nodes)
        if name not in defined:
            text += "\n" + adapter
        notes.append(
            f"{name} was taken from the cells of {notebook}, because {path} has it only as a stub."
        )
        written |= defined | {name}
    return text


def _taken(node, written):
    """A cell's statement, if it defines something that functions need: imports, functions, classes,
    plain values.
    """
    plain = isinstance(node, ast.Assign) and isinstance(
        node.value, ast.Constant | ast.Name | ast.Attribute
    )
    if isinstance(node, ast.Import | ast.ImportFrom) or plain:
        return f"try:\n    {ast.unparse(node)}\nexcept Exception:\n    pass"  # of a library that is not here, for example
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in written:
        return ast.unparse(node)
    return ""


def is_stub(function):
    """Whether nobody has written a function's body yet."""
    body = [
        node
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    raising = [
        node
        for node in body
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node.exc or node)
    ]
    idle = all(
        isinstance(node, ast.Pass | ast.Return | ast.Assign)
        and isinstance(getattr(node, "value", None), None | ast.Constant | ast.Name)
        for node in body
    )  # `loss = None`, `pass`, `return loss`
    return bool(raising) or idle


def _remarks(path, text, notes):
    """Note what staff should know of a source; returns the well-known modules that it imports."""
    tree = _parsed(text)
    if tree is None:
        return []
    nodes = list(ast.walk(tree))
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    if path.endswith("rnn_layers.py") and any(
        name.split(".")[0] in ("torch", "jax", "autograd") for name in imported
    ):
        notes.append(
            f"{path} imports a library with automatic differentiation: were the gradients derived?"
        )
    if any(name.startswith("eval_numerical_gradient") for name in names):
        notes.append(f"{path} calls a numerical gradient: were the gradients derived?")
    return sorted(imported & set(PRELOADED))


def _parsed(text):
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _without_magic(source):
    """A cell without the lines that only a notebook understands."""
    return "\n".join(
        "" if re.match(r"\s*[%!?]|.*\?\s*$", line) else line for line in source.splitlines()
    )
