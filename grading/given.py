"""Functions of the reference, alone: what a student may see of it when an exercise is tried again."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def given(path, names):
    """The source of some functions of a module, with what they call and the module's imports, and
    nothing else.

    Inputs:
    - path: File, relative to the repository
    - names: Tuple of names of functions

    Returns: source of a module. No other exercise is in it, unless one of the functions calls it.
    """
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    defined = {name: node for node in tree.body for name in _defines(node)}
    wanted, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name in defined and name not in wanted:
            wanted.add(name)
            todo += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
    kept = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) or wanted.intersection(_defines(node))
    ]
    return ast.unparse(ast.Module(kept, type_ignores=[]))


def _defines(node):
    """Names that a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []
