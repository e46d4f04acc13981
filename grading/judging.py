"""Grade one submission: what its exercises answer to unseen inputs, beside what the reference
answers.

This process imports the reference and nothing of the student. The box gets the student's files on a
pristine tree, in which no other exercise is solved, and plain arrays; what comes back is compared
here.
"""

import functools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from exercises.compare import compare
from exercises.hints import hint
from grading import cases
from grading.box import Box, BoxError
from grading.consistent import gradients, known_mistake
from grading.corpus import known_wrong
from grading.given import given
from grading.manifest import MANIFEST
from grading.results import Result
from grading.stubs import stub_out
from grading.unpack import read_submission

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
USUAL = "grading/variants/plain.py"  # layers as most people write them
CASES = 6  # inputs for each exercise, two of them in float32
IN_THE_BOX = (
    "grading/worker.py",
    "grading/wire.py",
    "grading/survey.py",
    "exercises/calls.py",
)
NUMPY = ["numpy"]
TORCH = [
    "torch",
    "deeplearning.classifiers.squeezenet",
    "deeplearning.image_utils",
    "deeplearning.figures",
]
BOXES = [
    (["q1", "q2"], NUMPY),
    (["q3", "q4"], TORCH),
]  # importing PyTorch twice would cost more than all the rest


@dataclass
class Verdict:
    """What an exercise earned, and why.

    - exercise: Its id
    - points: Earned
    - reason: What was wrong; empty where nothing was
    - hint: What the numbers suggest, or None
    - remark: What is to be known of how it earned its points, or empty
    """

    exercise: str
    points: int
    reason: str = ""
    hint: str | None = None
    remark: str = ""


@dataclass
class Grade:
    """A graded submission.

    - verdicts: One for each exercise, in the manifest's order
    - notes: Sentences about the submission
    - pictures: From notebook to the PNG pictures that it shows, in base64
    - box: Kind of box that the student's code ran in; empty where it did not run
    """

    verdicts: list
    notes: list = field(default_factory=list)
    pictures: dict = field(default_factory=dict)
    box: str = ""

    @property
    def score(self):
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def remarks(self):
        """The notes, and what kind of box was used."""
        walls = "without a box" if self.box == "none" else f"in a box: {self.box}"
        return [*self.notes, f"The code ran {walls}." if self.box else "No code was run."]

    @property
    def results(self):
        """The verdicts as `results.Result`: a hint goes before the numbers behind it."""
        return [
            Result(
                MANIFEST.exercises[verdict.exercise],
                verdict.points,
                verdict.hint or verdict.reason,
                "\n".join(filter(None, [verdict.reason if verdict.hint else "", verdict.remark])),
            )
            for verdict in self.verdicts
        ]


def grade(path, seed, kind=None):
    """Grade a submission.

    Inputs:
    - path: The zip or folder
    - seed: Integer that the inputs are drawn from; equal seeds give equal inputs
    - kind: Kind of box, by default the best that works here

    Returns: Grade. A submission that can't be read at all gets no points, and the reason.

    Raises NoBox where students' code can't be run.
    """
    try:
        submission = read_submission(path)
    except (ValueError, OSError) as error:
        return nothing(f"Nothing could be graded: {error}.")
    if not submission.sources and not submission.notebooks:
        return nothing(
            f"Nothing could be graded: no {', '.join(MANIFEST.files)} to read.", *submission.notes
        )
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        tree = Path(folder) / "tree"
        for name, text in _pristine().items():
            _write(tree / name, text)
        for path in (Path(folder), tree, *tree.rglob("*/")):
            path.chmod(0o755)  # the user in the box looks into it
        return _grade_in(tree, submission, seed, kind)


def nothing(*notes):
    """The grade of a submission that nothing could be read of."""
    return Grade(
        [Verdict(exercise, 0, "It was not found.") for exercise in MANIFEST.exercises], list(notes)
    )


def _grade_in(tree, submission, seed, kind):
    with Box(tree, kind=kind) as box:
        found = _survey(box, submission)
    for path, text in found["sources"].items():
        _write(tree / path, text)
    verdicts = []
    for questions, warm in BOXES:
        exercises = [exercise for question in questions for exercise in MANIFEST.of(question)]
        imported = {
            name for exercise in exercises for name in found["imports"].get(exercise.path, ())
        }
        with Box(tree, [*warm, *sorted(imported)], kind) as box:
            for exercise in exercises:
                verdicts.append(
                    _judge(box, exercise, {v.exercise for v in verdicts if v.points}, seed)
                )
    missing = [path for path in MANIFEST.files if path not in found["sources"]]
    notes = (
        [f"{path} is not in the submission." for path in missing]
        + submission.notes
        + found["notes"]
    )
    return Grade(verdicts, notes, found["pictures"], box.kind)


def _survey(box, submission):
    """What `survey.survey` finds in the submission's files, each checked to be what it should be."""
    exercises = [
        [e.name, e.path, MANIFEST.questions[e.question].notebook]
        for e in MANIFEST.exercises.values()
    ]
    files = {**submission.sources, **submission.notebooks}
    about = {"task": "survey", "how": {"exercises": exercises, "package": submission.package}}
    try:
        found, _ = box.ask(
            about, [{name: np.frombuffer(data, np.uint8) for name, data in files.items()}]
        )
        return {
            "sources": {
                path: str(found["sources"][path])
                for path in MANIFEST.files
                if path in found["sources"]
            },
            "notes": [str(note) for note in found["notes"]],
            "imports": {path: list(map(str, names)) for path, names in found["imports"].items()},
            "pictures": {
                name: list(map(str, pictures)) for name, pictures in found["pictures"].items()
            },
        }
    except (BoxError, TypeError, KeyError, AttributeError) as error:
        sources = {
            path: data.decode("utf-8", "replace") for path, data in submission.sources.items()
        }
        note = f"The files could not be looked through ({error}); they were run as they are."
        return {"sources": sources, "notes": [note], "imports": {}, "pictures": {}}


def _judge(box, exercise, earned, seed):
    """The best verdict over an exercise's trials: with the student's own functions, then with the
    reference's.
    """
    first, pairs = None, _cases(exercise.id, seed)
    for ids in exercise.trials:
        if first is not None and earned.issuperset(ids):
            continue  # those are right: the reference's would change nothing
        remark = (
            f"It was tried with the reference's {', '.join(ids)} in place of yours." if ids else ""
        )
        verdict = _try(box, exercise, pairs, _given(ids), remark)
        if verdict.points:
            return verdict
        first = first or verdict
    if exercise.cache_of and exercise.cache_of not in earned:
        verdict = _try(box, exercise, pairs, *_usual_forward(exercise, earned))
        return verdict if verdict.points else _judge_by_own_forward(box, exercise, pairs) or first
    return first


def _usual_forward(exercise, earned):
    """The forward pass of a backward pass as most people write it, and a remark on it.

    Its cache is a tuple of what the step has computed, or, over a sequence, a list of the caches of
    steps, which are the student's own if they are right.
    """
    forward = MANIFEST.exercises[exercise.cache_of]
    own = [name for name in forward.needs if name in earned]
    usual = {
        "module": forward.module,
        "source": given(USUAL, (forward.name,)),
        "names": [forward.name],
        "own": own,
    }
    remark = f"It was tried with another {forward.name} in place of yours."
    return [usual | {"stubs": _stubs(forward.path)}], remark


def _judge_by_own_forward(box, exercise, pairs):
    """The verdict on a backward pass that is right for a forward pass with a known mistake; None
    where it is not.
    """
    groups = [inputs for inputs, _ in pairs]
    try:
        _, answers = box.ask(
            {"task": "exercise", "exercise": exercise.cache_of, "given": []}, groups
        )
        mistake = known_mistake(exercise.cache_of, groups, answers)
        if mistake is None:
            return None
        expected = [gradients(exercise.cache_of, mistake, inputs, right) for inputs, right in pairs]
    except (BoxError, ValueError):
        return None
    verdict = _try(box, exercise, list(zip(groups, expected, strict=True)))
    remark = f"It is right for your {exercise.cache_of}, where the mistake has cost its points."
    return Verdict(exercise.id, exercise.points, remark=remark) if verdict.points else None


def _try(box, exercise, pairs, functions=(), remark=""):
    """The verdict on an exercise's answers, with some functions put in place of the student's."""
    about = {"task": "exercise", "exercise": exercise.id, "given": list(functions)}
    try:
        _, answers = box.ask(about, [inputs for inputs, _ in pairs])
    except BoxError as error:
        return Verdict(exercise.id, 0, str(error))
    if len(answers) != len(pairs):
        return Verdict(exercise.id, 0, "It did not answer every question.")
    for outputs, (inputs, expected) in zip(answers, pairs, strict=True):
        with np.errstate(all="ignore"):  # answers can be as large as they like
            findings = compare(outputs, expected)
            if findings:
                likely = hint(
                    exercise.id, outputs, expected, known_wrong(exercise.id, inputs, expected)
                )
                return Verdict(exercise.id, 0, " ".join(findings[:3]), likely)
    return Verdict(exercise.id, exercise.points, remark=remark)


def _given(ids):
    """Functions of the reference for the box, by module; and a module of stubs, should the
    student's not work.
    """
    by_module = {}
    for exercise in (MANIFEST.exercises[i] for i in ids):
        by_module.setdefault((exercise.module, exercise.path), []).append(exercise.name)
    return [
        {
            "module": module,
            "source": given(path, tuple(names)),
            "names": names,
            "own": [],
            "stubs": _stubs(path),
        }
        for (module, path), names in by_module.items()
    ]


@functools.cache
def _cases(exercise, seed):
    """Unseen inputs and the reference's outputs, as pairs."""
    drawn = [cases.inputs(exercise, 3 * CASES * seed + number) for number in range(CASES)]
    return [(inputs, cases.reference(exercise, inputs)) for inputs in drawn]


@functools.cache
def _pristine():
    """What the box sees beside the student's files, by path: the package with stubs, and how
    exercises are called.
    """
    sources = [
        path for path in (ROOT / "deeplearning").rglob("*.py") if "datasets" not in path.parts
    ]
    sources = [path.relative_to(ROOT).as_posix() for path in sources] + list(IN_THE_BOX)
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in sources} | {
        p: _stubs(p) for p in MANIFEST.files
    }
    return {name.removeprefix("grading/"): text for name, text in texts.items()}


@functools.cache
def _stubs(path):
    """The source of a module as students start with it."""
    exercises = [exercise for exercise in MANIFEST.exercises.values() if exercise.path == path]
    return stub_out((ROOT / path).read_text(encoding="utf-8"), exercises)


def _write(path, text):
    """Write a file that the box's user can read, too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")
    path.chmod(0o644)
