"""Grade one submission: compare its exercises' answers to unseen inputs with the reference's.

This process imports the reference, and none of the student's code. The sandbox gets plain arrays
and a pristine tree, in which no exercise is solved, with the student's files on top; the answers
are compared here.

Each exercise is first tried with the student's own functions only. Those that were wrong are then
tried again, with right functions in place of the earlier ones that they build on. This second round
reports only whether an exercise is right, so that nothing that code does in it reaches the student.
"""

import dataclasses
import functools
import tempfile
from pathlib import Path

import numpy as np

from exercises.compare import compare, only_precision, settled
from exercises.hints import hint, hint_of_error
from grading import cases
from grading.assemble import known_wrong
from grading.find_work import read_submission
from grading.follow_up_errors import gradients, known_mistake
from grading.isolation import show_to_user
from grading.manifest import MANIFEST, Exercise
from grading.marks import Grade, Mark, held, nothing, of_another_edition
from grading.reference_functions import Lender, lent_functions, usual_forward
from grading.sandbox import Box, BoxError
from grading.stubs import stub_out, told_by_stub
from grading.works import HandedIn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
IN_THE_BOX = (
    "grading/worker.py",
    "grading/conversation.py",
    "grading/syscall_filter.py",
    "grading/messages.py",
    "grading/read_sources.py",
    "exercises/calls.py",
)
NUMPY = ["numpy"]
TORCH = [
    "torch",
    "deeplearning.classifiers.squeezenet",
    "deeplearning.image_utils",
    "deeplearning.figures",
]
# importing PyTorch twice would cost more than all the rest
BOXES = [(["q1", "q2"], NUMPY), (["q3", "q4"], TORCH)]


def grade(paths, seed: int, kind: str | None = None, only=(), earned=()) -> Grade:
    """Grade a submission.

    Inputs:
    - paths: Path of a zip or folder, or a list of all that one student has handed in
    - seed: Integer that the inputs are drawn from; equal seeds give equal inputs
    - kind: Kind of sandbox, by default the best that works here
    - only: ids of the exercises to try; none for all
    - earned: ids of other exercises that are known to be right

    Returns: Grade. A submission that can't be read at all gets no points, and a note that says why.

    Raises NoBox if students' code can't be run.
    """
    try:
        handed_in = read_submission(paths)
    except (ValueError, OSError) as error:
        return nothing(f"Nothing could be graded: {error}.")
    if handed_in.held:
        return held(handed_in.held, *handed_in.notes)
    if not handed_in.sources and not handed_in.notebooks:
        wanted = ", ".join(MANIFEST.files)
        return nothing(f"Nothing could be graded: no {wanted} was found.", *handed_in.notes)
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        return Grading(Path(folder), handed_in, seed, kind, only, earned).grade()


class Grading:
    """Takes one submission through the sandbox."""

    def __init__(self, folder, handed_in: HandedIn, seed, kind, only=(), earned=()):
        self.folder = folder
        self.tree = folder / "tree"
        self.handed_in = handed_in
        self.seed = seed
        self.kind = kind
        self.only = only
        self.marks: dict = {}
        self.earned = set(earned) - set(only)

    def grade(self) -> Grade:
        """Try all exercises."""
        self.write_course()
        with Box(self.tree, NUMPY, self.kind) as box:
            self.used = box.kind
            found = self.prepare(box)
            parts = self._parts(found["imports"])
            if parts and parts[0][1] == NUMPY and not parts[0][2]:
                self._try_all(parts.pop(0)[0], box)  # it would be the same sandbox again
        for exercises, warm, wanted in parts:
            if self._untouched(exercises, found["sources"]):
                self.marks |= {e.id: _unwritten(e) for e in exercises}
                continue
            with Box(self.tree, warm, self.kind, wanted) as box:
                self._try_all(exercises, box)
        missing = [path for path in MANIFEST.files if path not in found["sources"]]
        notes = [f"{path} is not in the submission." for path in missing]
        notes += self.handed_in.notes + found["notes"]
        ordered = [self.marks[id] for id in MANIFEST.exercises if id in self.marks]
        return Grade(ordered, notes, found["pictures"], self.used, of_another_edition(ordered))

    def _parts(self, imports):
        """The exercises to try, and the modules to import first: for NumPy, then for PyTorch."""
        parts = []
        for questions, warm in BOXES:
            exercises = [e for question in questions for e in MANIFEST.of(question)]
            exercises = [e for e in exercises if not self.only or e.id in self.only]
            wanted = {name for e in exercises for name in imports.get(e.path, ())}
            if exercises:
                parts.append((exercises, warm, sorted(wanted.difference(warm))))
        return parts

    def write_course(self):
        """Write the course's part of the tree that the sandbox sees."""
        for name, text in pristine().items():
            _write(self.tree / name, text)
        show_to_user(self.folder)

    def prepare(self, box):
        """Write the student's files over it; returns what `read_sources` finds in them."""
        found = self._read_sources(box)
        for path, text in found["sources"].items():
            _write(self.tree / path, text)
        show_to_user(self.folder)
        return found

    def _untouched(self, exercises, sources):
        """Whether exercises are still as handed out, so that nothing needs PyTorch."""
        paths = {e.path for e in exercises}
        return not self.handed_in.helpers and all(
            sources.get(path, stubs(path)) == stubs(path) for path in paths
        )

    def _read_sources(self, box):
        """What `read_sources` finds in the files, with each part of its answer checked."""
        exercises = [
            [e.name, e.path, MANIFEST.questions[e.question].notebook]
            for e in MANIFEST.exercises.values()
        ]
        how = {
            "exercises": exercises,
            "package": self.handed_in.package,
            "stubs": {path: stubs(path) for path in MANIFEST.files},
        }
        files = self.handed_in.sources | self.handed_in.helpers | self.handed_in.notebooks
        how["names"] = list(files)  # not as names of arrays, which have to be short
        data = {f"{k}": np.frombuffer(c, np.uint8) for k, c in enumerate(files.values())}
        try:
            found, groups = box.ask({"task": "sources", "how": how}, [data])
            return _checked(found, groups, self.handed_in)
        except (BoxError, TypeError, KeyError, AttributeError, ValueError, IndexError) as error:
            note = f"The files could not be analysed ({error}); they were run as they are."
        sources = {
            path: data.decode("utf-8", "replace")
            for path, data in (self.handed_in.sources | self.handed_in.helpers).items()
        }
        return {"sources": sources, "notes": [note], "imports": {}, "pictures": {}}

    def _try_all(self, exercises, box):
        """All exercises with the student's own functions, then those that were wrong again."""
        for exercise in exercises:
            self.marks[exercise.id] = try_own(box, exercise, self.seed)
        for exercise in exercises:
            if not self.marks[exercise.id].points:
                earned = {id for id, mark in self.marks.items() if mark.points} | self.earned
                again = try_again(box, exercise, earned, self.seed)
                self.marks[exercise.id] = again or self.marks[exercise.id]


def _checked(found, groups, handed_in):
    """The answer of `read_sources`, with only what belongs in it."""
    paths = [*MANIFEST.files, *handed_in.helpers]
    sources = {path: str(found["sources"][path]) for path in paths if path in found["sources"]}
    pictures = {question.notebook: [] for question in MANIFEST.questions.values()}
    for (notebook, kind), data in zip(found["pictures"], groups[0].values(), strict=True):
        if kind in ("png", "jpeg") and data.dtype == np.uint8:
            pictures[notebook].append(f"data:image/{kind};base64,{data.tobytes().decode('ascii')}")
    return {
        "sources": sources,
        "notes": [str(note) for note in found["notes"]],
        "imports": {path: list(map(str, names)) for path, names in found["imports"].items()},
        "pictures": pictures,
    }


def _unwritten(exercise):
    """The mark of a stub, with its error message."""
    said = told_by_stub(exercise.name, exercise.question.upper(), exercise.path)
    return Mark(exercise.id, 0, said, hint_of_error(exercise.id, said))


def try_own(box: Box, exercise: Exercise, seed: int) -> Mark:
    """The mark of an exercise with only the student's own functions."""
    return _try(box, exercise, unseen(exercise.id, seed))


def try_again(box: Box, exercise: Exercise, earned: set[str], seed: int) -> Mark | None:
    """The mark of an exercise with right functions in place of those that it builds on; None if it
    is still wrong.
    """
    pairs = unseen(exercise.id, seed)
    for functions, remark in _second_chances(exercise, earned):
        mark = _try(box, exercise, pairs, functions, remark)
        if mark.points:
            return mark
    if exercise.cache_of and exercise.cache_of not in earned:
        return _try_by_own_forward(box, exercise, pairs)
    return None


def _second_chances(exercise, earned):
    """The functions to lend in each further try, with a remark about it."""
    own_cache = tuple(needed for needed in exercise.needs if needed != exercise.cache_of)
    if not earned.issuperset(own_cache):
        remark = f"It was tried with the reference's {', '.join(own_cache)} in place of yours."
        yield lent_functions(own_cache), remark
    if exercise.cache_of is None or exercise.cache_of in earned:
        return
    forward = MANIFEST.exercises[exercise.cache_of]
    remark = f"It was tried with another {forward.name} in place of yours."
    by = "student" if earned.issuperset(forward.needs) else "usual"
    yield {forward.name: usual_forward(forward.name, by)}, remark
    if own_cache:
        functions = lent_functions(own_cache)
        yield functions | {forward.name: usual_forward(forward.name, "reference")}, remark


def _try_by_own_forward(box, exercise, pairs):
    """The mark of a backward pass that is right for a forward pass with a known mistake; None if it
    is not.
    """
    groups = [inputs for inputs, _ in pairs]
    try:
        _, answers = box.ask({"task": "exercise", "exercise": exercise.cache_of}, groups)
        mistake = known_mistake(exercise.cache_of, groups, answers)
        if mistake is None:
            return None
        expected = [gradients(exercise.cache_of, mistake, inputs, right) for inputs, right in pairs]
    except (BoxError, ValueError):
        return None
    mark = _try(box, exercise, list(zip(groups, expected, strict=True)))
    remark = f"It is right for your {exercise.cache_of}, where the mistake has already cost points."
    return dataclasses.replace(mark, remark=remark) if mark.points else None


def _try(box, exercise, pairs, functions=None, remark=""):
    """The mark of an exercise's answers, with some functions put in place of the student's."""
    about = {"task": "exercise", "exercise": exercise.id}
    lender = None
    if functions:
        lender = Lender(functions)
        about["lent"] = _lent(functions)
    try:
        _, answers = box.ask(about, [inputs for inputs, _ in pairs], lender and lender.answer)
    except BoxError as error:
        return Mark(exercise.id, 0, str(error), hint_of_error(exercise.id, str(error)))
    if len(answers) != len(pairs):
        return Mark(exercise.id, 0, "It did not answer every question.")
    return _mark(exercise, answers, pairs, remark)


def _mark(exercise, answers, pairs, remark):
    """The mark of answers, given the inputs and right answers."""
    remarks = [remark] if remark else []
    slip = ""
    for outputs, (inputs, expected) in zip(answers, pairs, strict=True):
        with np.errstate(all="ignore"):  # answers can be as large as they like
            outputs, note = settled(outputs, expected)
            findings = compare(outputs, expected, numbers=False)
            if findings and only_precision(outputs, expected):
                slip = slip or findings[0]
            elif findings:
                wrong = known_wrong(exercise.id, inputs, expected)
                likely = hint(exercise.id, outputs, expected, wrong)
                return Mark(exercise.id, 0, " ".join(findings[:3]), likely)
        remarks += [note] if note and note not in remarks else []
    return Mark(exercise.id, exercise.points, slip, None, "\n".join(remarks), bool(slip))


def _lent(functions):
    """What the sandbox has to know about lent functions."""
    by_module = {}
    for name in functions:
        exercise = next((e for e in MANIFEST.exercises.values() if e.name == name), None)
        if exercise:
            by_module.setdefault((exercise.module, exercise.path), []).append(name)
    return [
        {"module": module, "names": names, "stubs": stubs(path)}
        for (module, path), names in by_module.items()
    ]


@functools.cache
def unseen(exercise: str, seed: int):
    """Unseen inputs and the reference's outputs, as a list of pairs."""
    return [(inputs, cases.reference(exercise, inputs)) for inputs in cases.drawn(exercise, seed)]


@functools.cache
def pristine() -> dict[str, str]:
    """The files, by path, that the sandbox sees in addition to the student's: the package with
    stubs, and the code that calls exercises.
    """
    sources = [
        path for path in (ROOT / "deeplearning").rglob("*.py") if "datasets" not in path.parts
    ]
    names = [path.relative_to(ROOT).as_posix() for path in sources] + list(IN_THE_BOX)
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    texts |= {path: stubs(path) for path in MANIFEST.files}
    return {name.removeprefix("grading/"): text for name, text in texts.items()}


@functools.cache
def stubs(path: str) -> str:
    """The source of a module as handed out to students."""
    exercises = [exercise for exercise in MANIFEST.exercises.values() if exercise.path == path]
    return stub_out((ROOT / path).read_text(encoding="utf-8"), exercises)


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")
