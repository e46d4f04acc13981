"""Turn the source of a solution into what students start from.

Each exercise keeps its signature, its docstring and the code that is given. Its solution is
replaced by a two-line sketch and a NotImplementedError. Markers, which otter-grader and nbgrader
read too, show what the solution is:

    # BEGIN SOLUTION
    return a @ b
    # END SOLUTION

In a function without markers, the lines at its top that check arguments (`check_shapes(...)`, `if
...: raise`) are given, and everything after them is the solution. Outside functions, whatever is
between markers is removed. Finally, private helpers that only solutions used are removed, unless a
sketch names them. Everything else stays exactly as it is.
"""

import ast
import re

BEGIN = "# BEGIN SOLUTION"
END = "# END SOLUTION"


def stub_out(source, exercises):
    """Source with the solutions of exercises removed.

    Inputs:
    - source: Source of a module
    - exercises: The exercises in it, as `manifest.Exercise`

    Returns: source of the same module for students

    Raises ValueError for an exercise that the module lacks, and markers without a partner.
    """
    tree = ast.parse(source)
    sketches = []
    edits = [(lines, []) for lines in marked(source)]
    for name, about in _by_function(exercises).items():
        function = find(tree, name)
        regions = solution(source, function)
        first = regions[0].start
        indent = " " * function.body[0].col_offset
        sketch = [] if about["part_of"] else [f"# {line}" for line in about["sketch"]]
        sketches += sketch
        text = [*sketch, *_raise(name, about)]
        edits = [(lines, new) for lines, new in edits if lines.start != first]
        edits.append((regions[0], [indent + line for line in text]))
    return _without_orphans(_edited(source, edits), " ".join(sketches))


def marked(source):
    """Regions between markers, the markers included, as ranges of line numbers counted from 0.

    Raises ValueError if a marker lacks its partner.
    """
    regions = []
    begun = None
    for number, line in enumerate(source.splitlines()):
        marker = line.strip()
        if marker == BEGIN and begun is None:
            begun = number
        elif marker == END and begun is not None:
            regions.append(range(begun, number + 1))
            begun = None
        elif marker in (BEGIN, END):
            raise ValueError(f"line {number + 1}: {marker} without a partner")
    if begun is not None:
        raise ValueError(f"line {begun + 1}: {BEGIN} without a partner")
    return regions


def solution(source, function):
    """Regions of a function that are the solution, as ranges of line numbers counted from 0."""
    # an END SOLUTION may follow the last statement
    inside = range(function.lineno - 1, function.end_lineno + 1)
    regions = [lines for lines in marked(source) if lines.start in inside]
    if regions:
        return regions
    statements = function.body
    given = 0
    while given < len(statements) and (
        _is_docstring(statements[given]) or _is_check(statements[given])
    ):
        given += 1
    start = statements[given - 1].end_lineno if given else statements[0].lineno - 1
    return [range(start, function.end_lineno)]


def find(tree, name):
    """The function with a dotted name such as "CaptioningRNN.loss" in a syntax tree; raises
    ValueError if there is none.
    """
    node = tree
    for part in name.split("."):
        found = [
            n for n in node.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part
        ]
        if not found:
            raise ValueError(f"the module has no {name}, which the manifest names")
        node = found[0]
    return node


def _by_function(exercises):
    """What each function's stub needs; one may serve two exercises, and exercises have parts."""
    functions = {}
    for exercise in exercises:
        for name in (exercise.name, *exercise.parts):
            part_of = None if name == exercise.name else exercise.name
            about = functions.setdefault(
                name, {"questions": [], "sketch": [], "path": exercise.path, "part_of": part_of}
            )
            about["questions"].append(exercise.question.upper())
            about["sketch"] += exercise.sketch
    return functions


def told_by_stub(name: str, question: str, path: str) -> str:
    """The error message of a stub that is called."""
    return f"{question}: write {name}, in {path}"


def _raise(name, about):
    question = " and ".join(about["questions"])
    said = told_by_stub(name, question, about["path"])
    if about["part_of"]:
        said = f"{question}: write {name}, a part of {about['part_of']}"
    return [f'raise NotImplementedError("{said}")']


def _is_docstring(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_check(statement):
    """Whether a statement only checks arguments, or stores what a check returns."""
    if isinstance(statement, ast.If):
        return (
            len(statement.body) == 1
            and isinstance(statement.body[0], ast.Raise)
            and not statement.orelse
        )
    call = getattr(statement, "value", None)
    if not isinstance(statement, ast.Expr | ast.Assign) or not isinstance(call, ast.Call):
        return False
    return re.match(r"(self\.)?_?check", ast.unparse(call.func)) is not None


def _edited(source, edits):
    """Source with ranges of lines replaced."""
    lines = source.splitlines()
    for region, new in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        lines[region.start : region.stop] = new
    return _blank_lines("\n".join(lines) + "\n")


def _without_orphans(source, sketches):
    """Source without the private functions that nothing uses any more."""
    tree = ast.parse(source)
    scopes = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for function in (
        node for scope in scopes for node in scope.body if isinstance(node, ast.FunctionDef)
    ):
        private = function.name.startswith("_") and not function.name.startswith("__")
        if private and function.name not in sketches and not _is_used(function, tree):
            first = min(
                [function.lineno, *(decorator.lineno for decorator in function.decorator_list)]
            )
            gone = range(first - 1, function.end_lineno)
            # this may leave others unused
            return _without_orphans(_edited(source, [(gone, [])]), sketches)
    return source


def _is_used(function, tree):
    inside = {id(node) for node in ast.walk(function)}
    names = (
        getattr(node, "id", getattr(node, "attr", None))
        for node in ast.walk(tree)
        if id(node) not in inside
    )
    return function.name in names


def _blank_lines(source):
    """Source without surplus blank lines: two between functions, one between methods, none at the
    end.
    """
    source = re.sub(r"\n{4,}", "\n\n\n", source)
    source = re.sub(r"\n{3,}(?= )", "\n\n", source)
    return source.rstrip("\n") + "\n"
