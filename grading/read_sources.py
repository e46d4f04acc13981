"""Read a student's files before any of them runs: text, syntax, stubs, and functions written into a
notebook.

This runs in the sandbox, because a file can crash the parser that reads it.
"""

import ast
import io
import itertools
import json
import re
import sys
import textwrap
import tokenize

import numpy as np

OLDER_PACKAGES = ("cs231n", "cs182")
# Functions that had other names in earlier editions: the present name, and the older ones
OLDER_NAMES = {
    "class_visualization_update_step": ("update_class_visulization", "update_class_visualization")
}
ADAPTER = (
    "def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):\n"
    "    return {}(model, target_y, l2_reg, learning_rate, img)\n"
)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# which have their own scope
OWN_NAMES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# of a notebook: how many, and characters of base64 in each
PICTURES = 6
PICTURE_SIZE = 400_000
KINDS = {"png": r"iVBORw0KGgo[A-Za-z0-9+/]+=*", "jpeg": r"/9j/[A-Za-z0-9+/]+=*"}
PRELOADED = "PIL matplotlib matplotlib.pyplot scipy scipy.ndimage torch torchvision tqdm".split()
# syntax of values that can be computed without running anything
PLAIN = "Constant Name Attribute List Tuple Dict UnaryOp BinOp operator unaryop expr_context"
PLAIN_NODES = tuple(getattr(ast, kind) for kind in PLAIN.split())


def read_sources(files, exercises, package, stubs):
    """Read a submission's files.

    Inputs:
    - files: Dictionary from name to bytes: sources by their path, helpers, and notebooks
    - exercises: List of [name, path, notebook], for each exercise its function, source and notebook
    - package: Name of the folder that held the sources
    - stubs: Dictionary from path to the source that students start with

    Returns: a message, see `messages.encode`: a dictionary of
    - sources: Dictionary from path to text, with functions added from the notebooks' cells
    - notes: Sentences
    - imports: Dictionary from path to names of well-known modules that it imports
    - pictures: List of [notebook, "png" or "jpeg"]
    and a list with a dictionary of these pictures, as arrays of their base64 characters
    """
    notes = []
    notebooks = {}
    pictures = []
    found = {"sources": {}, "notes": notes, "imports": {}, "pictures": []}
    for name, data in files.items():
        if name.endswith(".ipynb"):
            notebooks[name], shown = _notebook(name, data, notes)
            pictures += [(name, kind, picture) for kind, picture in shown]
    paths = dict.fromkeys(path for _, path, _ in exercises)
    for path in paths:
        text = _text(path, files[path], notes) if path in files else ""
        wanted = {name: notebook for name, where, notebook in exercises if where == path}
        text = _with_cells(path, text, wanted, notebooks, notes)
        if path in files or text:
            text = _with_older_names(path, text, wanted, notes)
            text = _renamed(path, text, package, notes)
            found["sources"][path] = _complete(path, text, stubs[path], notes)
            found["imports"][path] = _remarks(path, found["sources"][path], notes)
    for path, data in files.items():
        if path not in paths and path.endswith(".py"):
            found["sources"][path] = _renamed(path, _text(path, data, notes), package, notes)
    found["pictures"] = [[name, kind] for name, kind, _ in pictures]
    arrays = {
        f"picture{number}": np.frombuffer(picture.encode(), np.uint8)
        for number, (_, _, picture) in enumerate(pictures)
    }
    return found, [arrays]


def _complete(path, text, stubs, notes):
    """A source with any missing functions of the hand-out added, so that modules which import them
    work.
    """
    tree = _parsed(text)
    if tree is None:
        return text
    defined = {name for name, _ in _bindings(tree)}
    star = any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(tree))
    if star or "__getattr__" in defined:
        return text  # nobody knows what it defines
    missing = [
        node
        for node in ast.parse(stubs).body
        if isinstance(node, ast.FunctionDef) and node.name not in defined
    ]
    if not missing:
        return text
    names = ", ".join(node.name for node in missing)
    notes.append(f"{path} lacks {names}: the course's were added, with exercises as stubs.")
    imports = [n for n in ast.parse(stubs).body if isinstance(n, ast.Import | ast.ImportFrom)]
    lines = [ast.unparse(node) for node in imports if not _is_future(node)]
    lines += map(_unless_there, missing)
    names = {name for node in imports for name in _imported(node)}
    kept = {name: f"_own_{name}" for name in sorted(names & defined)}
    before = "".join(f"{new} = {name}\n" for name, new in kept.items())
    after = "".join(f"{name} = {new}\n" for name, new in kept.items())
    return f"{text}\n\n{before}" + "\n\n".join(lines) + f"\n{after}"


def _unless_there(function):
    """A definition for when nothing else (`globals().update`, exec) has made one."""
    body = textwrap.indent(ast.unparse(function), "    ")
    return f"if {function.name!r} not in globals():\n{body}"


def _is_future(node):
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _bindings(tree):
    """Names that a module binds at its top level, also in branches and loops, with their nodes."""
    found = []
    nodes = list(tree.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, DEFINITIONS):
            found.append((node.name, node))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [(name, node) for name in _imported(node)]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node.id, node))
        elif not isinstance(node, OWN_NAMES):
            nodes += ast.iter_child_nodes(node)
    return found


def _written(tree):
    """Names that a module binds at its top level to something other than a stub."""
    return {
        name
        for name, node in _bindings(tree)
        if not (isinstance(node, ast.FunctionDef) and is_stub(node))
    }


def _imported(node):
    """Names that an import binds."""
    return [(alias.asname or alias.name).split(".")[0] for alias in node.names]


def _with_older_names(path, text, wanted, notes):
    """A source in which functions with older names also have their present ones."""
    tree = _parsed(text)
    if tree is None:
        return text
    written = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not is_stub(node)
    }
    for name, olders in OLDER_NAMES.items():
        own = [
            older for older in olders if older in written and not _hands_on(written[older], name)
        ]
        if name not in wanted or name in _written(tree) or not own:
            continue
        older = own[0]
        notes.append(f"{older} was read as {name}, its present name.")
        text += f"\n\n{ADAPTER.format(older)}"
    return text


def _hands_on(function, name):
    """Whether a function calls another one by its name, to hand on its arguments."""
    return name in ast.unparse(function).replace(f"def {function.name}", "")


def _text(path, data, notes):
    """A source as text, with \\n as line ends, and without the line that names an encoding."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = data.decode(
            "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", "replace"
        )
        notes.append(f"{path} is not in UTF-8: save it in that encoding.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    head = text.split("\n", 2)[:2]
    body = text.split("\n", 2)[2:]
    head = [re.sub(r"^([ \t\f]*#.*?)coding[:=]", r"\1coded ", line) for line in head]
    return "\n".join([*head, *body])


def _renamed(path, text, package, notes):
    """The text with imports from an older package redirected to the present one."""
    names = {*OLDER_PACKAGES, package} - {"deeplearning", "", "numpy", *PRELOADED}
    names -= sys.stdlib_module_names  # for loose files in a folder called "copy"
    older = "|".join(map(re.escape, sorted(names)))
    # `import cs231n.layers` also binds the package's name
    plain = rf"^([ \t]*import[ \t]+)({older})((?:\.\w+)*)(?=[ \t]*(?:#|$))"
    text, named = re.subn(plain, r"\1deeplearning\3; \2 = deeplearning", text, flags=re.MULTILINE)
    pattern = rf"^(\s*(?:from|import)\s+)(?:{older})\b"
    text, count = re.subn(pattern, r"\1deeplearning", text, flags=re.MULTILINE)
    if count or named:
        notes.append(f"{path} imports from a package with another name, read as deeplearning.")
    for older, now in (
        ("net_visualization_pytorch", "network_visualization"),
        ("style_transfer_pytorch", "style_transfer"),
    ):
        text = re.sub(rf"\bdeeplearning\.{older}\b", f"deeplearning.{now}", text)
    return text


def _notebook(name, data, notes):
    """Sources of a notebook's code cells, and its pictures as pairs of kind and base64."""
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        language = notebook.get("metadata", {}).get("language_info", {}).get("name", "python")
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        shown = [_picture(output.get("data", {})) for output in outputs]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        notes.append(f"{name} is damaged: nothing in it could be read.")
        return [], []
    if not str(language).lower().startswith(("python", "ipython")):
        notes.append(f"{name} is not written in Python: nothing in it was used.")
        return [], []
    return sources, [picture for picture in shown if picture][:PICTURES]


def _picture(data):
    """Kind and base64 of the picture that an output of a cell holds, or None."""
    for kind, pattern in KINDS.items():
        picture = "".join(data.get(f"image/{kind}", "")).replace("\n", "")
        if len(picture) <= PICTURE_SIZE and re.fullmatch(pattern, picture):
            return kind, picture
    return None


def _with_cells(path, text, wanted, notebooks, notes):
    """A source, with functions that it lacks or has only as stubs taken from the notebook's
    cells.
    """
    tree = _parsed(text)
    if tree is None:
        return text
    written = _written(tree)
    for name, notebook in wanted.items():
        olders = OLDER_NAMES.get(name, ())
        if name in written or "." in name:
            continue
        cells = filter(None, map(_cell, notebooks.get(notebook, ())))
        nodes = [node for cell in cells for node in cell.body if not _is_future(node)]
        defined = {
            node.name for node in nodes if isinstance(node, ast.FunctionDef) and not is_stub(node)
        }
        if not {name, *olders} & defined:
            continue
        text += "\n\n" + "\n".join(_taken(node, written.difference(olders)) for node in nodes)
        if name not in defined:
            text += "\n" + ADAPTER.format(next(older for older in olders if older in defined))
        notes.append(
            f"{name} was taken from the cells of {notebook}, because {path} has it only as a stub."
        )
        written |= defined | {name}
    return text


def _taken(node, written):
    """A cell's statement, if it defines something that functions need: imports, functions, classes,
    plain values.
    """
    plain = isinstance(node, ast.Assign) and (
        isinstance(node.value, ast.Lambda)
        or all(isinstance(part, PLAIN_NODES) for part in ast.walk(node.value))
    )
    if isinstance(node, ast.Import | ast.ImportFrom) or plain:
        # the library may not be installed here
        return f"try:\n    {ast.unparse(node)}\nexcept Exception:\n    pass"
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in written:
        return ast.unparse(node)
    return ""


def is_stub(function):
    """Whether a function's body has not been written yet."""
    body = [
        node
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    before_return = itertools.takewhile(lambda node: not isinstance(node, ast.Return), body)
    raising = any(
        isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node.exc or node)
        for node in before_return
    )
    # `loss = None`, `pass`, `return loss`
    idle = all(
        isinstance(node, ast.Pass | ast.Return | ast.Assign)
        and isinstance(getattr(node, "value", None), None | ast.Constant | ast.Name)
        for node in body
    )
    return raising or idle


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
            f"{path} imports a library for automatic differentiation: were gradients derived by "
            "hand?"
        )
    if any(name.startswith("eval_numerical_gradient") for name in names):
        notes.append(f"{path} calls a numerical gradient: were gradients derived by hand?")
    return sorted(imported & set(PRELOADED))


def _parsed(text):
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _cell(source):
    """The syntax tree of a cell, or None; lines that only a notebook understands are replaced."""
    magic = r"([ \t]*)(?:[%!?]|[\w.,\[\] \t]+=[ \t]*[%!]|[^#'\"\n]*\w\?+[ \t]*$).*"
    return _parsed(source) or _parsed(re.sub(rf"^{magic}", r"\1pass", source, flags=re.MULTILINE))
