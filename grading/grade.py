"""Grade submissions, each in a box (see `grading/sandbox.py`), however many there are.

    python -m grading.grade submissions/ --out grades

SUBMISSION is a zip, a folder that was made of one, or a folder of these. Written are

    grades/NAME/results.json     points, in Gradescope's format
    grades/NAME/feedback.html    a page for the student
    grades/grades.csv            one row for each submission
    grades/statistics.html       the class: scores, how often each exercise was solved, what went wrong

What is graded already, from the same files with the same seed, is not graded again. Exit status: 0
well, 1 some could not be graded or nobody can be graded here, 2 wrong usage.
"""

import argparse
import contextlib
import csv
import io
import json
import secrets
import sys
from pathlib import Path

import joblib
from tqdm import tqdm

from deeplearning.files import atomic_write
from grading import feedback
from grading.grade_one import grade
from grading.manifest import MANIFEST
from grading.results import gradescope
from grading.sandbox import NoBox, choose_kind
from grading.unpack import fingerprint, looks_like_a_submission

ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}


def find_submissions(paths):
    """The submissions that paths lead to.

    Inputs:
    - paths: Zips, folders, and folders of these

    Returns: dictionary from a name of its own to each one's path, sorted by name
    """
    found = []
    for path in map(Path, paths):
        if path.is_dir() and not looks_like_a_submission(path):
            found += [
                p
                for p in path.iterdir()
                if (p.is_dir() or p.suffix.lower() in ARCHIVES) and p.name[0] != "."
            ]
        else:
            found.append(path)
    named = {}
    for path in sorted(found, key=lambda p: (p.resolve().name, str(p))):
        stem = path.resolve().name if path.is_dir() else path.stem
        name, count = stem, 1
        while name in named:
            count += 1
            name = f"{stem}-{count}"
        named[name] = path
    return named


def grade_one(name, path, seed, kind):
    """Grade a submission, whatever it is.

    Returns a tuple of:
    - name: As given
    - results: What belongs into results.json
    - page: Feedback for the student, HTML
    """
    mark = {"seed": seed, "fingerprint": fingerprint(path)}
    try:
        graded = grade(path, seed, kind)
    except Exception as error:  # a mistake of the grader's must not cost the others their grades
        mark["failed"] = f"{type(error).__name__}: {error}"
        return (
            name,
            {"score": 0, "tests": [], "output": "The grader failed.", "extra_data": mark},
            "",
        )
    results = gradescope(graded.results)
    results["output"] = "\n".join(graded.remarks)
    mark |= {"box": graded.box, "hints": {v.exercise: v.hint for v in graded.marks if v.hint}}
    return name, results | {"extra_data": mark}, feedback.page(name, graded)


def grade_all(submissions, out, seed, kind, jobs=-1, scheduler=None):
    """Grade submissions side by side, and write what belongs to each as soon as it is known.

    Inputs:
    - submissions: As `find_submissions` gives them
    - out: Folder to write into
    - seed, kind: As for `grade_one.grade`
    - jobs: Processes; -1 for one on each core
    - scheduler: Address of a Dask scheduler whose workers do it in their place
    """
    todo = {
        name: path for name, path in submissions.items() if not _is_graded(out / name, path, seed)
    }
    if not todo:
        return
    with _workers(jobs, scheduler):
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
        finished = parallel(
            joblib.delayed(grade_one)(name, path.resolve(), seed, kind)
            for name, path in todo.items()
        )
        for name, results, page in tqdm(
            finished, total=len(todo), unit="submission", desc="grading", file=sys.stdout
        ):
            (out / name).mkdir(parents=True, exist_ok=True)
            _write(out / name / "feedback.html", page)
            _write(
                out / name / "results.json", json.dumps(results, indent=1)
            )  # last: now it counts as graded


@contextlib.contextmanager
def _workers(jobs, scheduler):
    """joblib's processes on this machine, or Dask's wherever they are."""
    if scheduler is None:
        with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
            yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "a Dask cluster needs `pip install -r requirements-staff.txt`, here and there"
        ) from None

    with Client(scheduler), joblib.parallel_config(backend="dask", n_jobs=-1):
        yield


def _is_graded(folder, path, seed):
    mark = _read(folder).get("extra_data", {})
    return (
        "failed" not in mark
        and mark.get("seed") == seed
        and mark.get("fingerprint") == fingerprint(path)
    )


def _read(folder):
    """What is in a submission's results.json; empty where there is none."""
    try:
        return json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_class(submissions, out):
    """Write grades.csv and statistics.html from the results that lie in the folder; returns names
    that failed.
    """
    results = {name: _read(out / name) for name in submissions}
    columns = {exercise.id: exercise.points for exercise in MANIFEST.exercises.values()}
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["name", "score", *columns, "remarks"])
    for name, result in results.items():
        scores = {test["name"]: test["score"] for test in result.get("tests", ())}
        remarks = " ".join(result.get("output", "It was not graded.").split())
        writer.writerow(
            map(
                _cell,
                [name, result.get("score", 0), *(scores.get(id, 0) for id in columns), remarks],
            )
        )
    _write(out / "grades.csv", table.getvalue())
    _write(out / "statistics.html", feedback.statistics(results))
    return [
        name
        for name, result in results.items()
        if result.get("extra_data", {}).get("failed") or not result
    ]


def _cell(value):
    """A value as spreadsheets take it for text, not for a formula."""
    return f"'{value}" if str(value)[:1] in ("=", "+", "-", "@") else value


def _write(path, text):
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "replace"))


def _seed(out, given):
    """The seed of the unseen inputs: as given, or that of the grades that lie here, or a new one
    that nobody knows.
    """
    path = out / "seed.txt"
    if given is None and path.is_file():
        return int(path.read_text())
    seed = secrets.randbelow(1 << 32) if given is None else given
    _write(path, f"{seed}\n")
    return seed


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m grading.grade",
        description="Grade submissions, each in a box: points, a page for each student, a table and statistics.",
        epilog="example: python -m grading.grade submissions/ --out grades",
    )
    parser.add_argument(
        "submissions",
        nargs="+",
        type=Path,
        metavar="SUBMISSION",
        help="zip, folder, or folder of these",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write into; what is graded there stays"
    )
    parser.add_argument(
        "--seed", type=int, help="of the unseen inputs (default: drawn once and kept in the folder)"
    )
    parser.add_argument(
        "--jobs", type=int, default=-1, help="submissions at a time (default: one on each core)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that does it, tcp://..."
    )
    parser.add_argument(
        "--unsafe", action="store_true", help="run the code without a box: only what you trust"
    )
    args = parser.parse_args(argv)
    for path in args.submissions:
        if not path.exists():
            parser.error(f"{path} does not exist")
    submissions = find_submissions(args.submissions)
    if not submissions:
        parser.error("no submission there: expected zips, or folders made of them")
    try:
        kind = "none" if args.unsafe else None if args.scheduler else choose_kind()
        args.out.mkdir(parents=True, exist_ok=True)
        grade_all(
            submissions, args.out, _seed(args.out, args.seed), kind, args.jobs, args.scheduler
        )
        failed = write_class(submissions, args.out)
    except (NoBox, OSError, ValueError, ImportError) as error:
        sys.exit(f"grade: {error}")
    print(
        f"{len(submissions) - len(failed)} of {len(submissions)} graded; see {args.out / 'statistics.html'}"
    )
    if failed:
        print(f"not graded: {', '.join(failed)}; their results.json say why")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
