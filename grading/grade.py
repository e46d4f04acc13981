"""Grade any number of submissions, each in a sandbox (see `grading/sandbox.py`).

    python -m grading.grade submissions/ --out grades

SUBMISSION is a zip, an unpacked zip, a folder of these, or the export of a learning platform (see
`grading/exports.py`). This writes

    grades/NAME/results.json     points, in Gradescope's format
    grades/NAME/feedback.html    a page for the student
    grades/NAME/graded.json      all details, for staff
    grades/grades.csv            one row for each submission
    grades/statistics.html       the class: scores, how often each exercise was solved, what went
                                 wrong
    grades/uploads/              with --roster: files that platforms import

A submission already graded from the same files with the same seed is not graded again, but its
points are recomputed if the manifest has changed. Exit status: 0 all is well; 1 a submission could
not be graded, is held, empty or not matched to the roster, or this machine can't grade; 2 wrong
usage.
"""

import argparse
import contextlib
import json
import secrets
import sys
from pathlib import Path

import joblib
from tqdm import tqdm

from deeplearning.files import atomic_write
from grading import feedback
from grading.check_machine import check_machine
from grading.class_files import write_class
from grading.exports import find_submissions
from grading.extra_credit import extra_credit
from grading.fingerprint import fingerprint
from grading.grade_one import grade
from grading.manifest import MANIFEST
from grading.marks import held
from grading.record import FILE, as_grade, as_record, kept_marks, merged, read_record, results_of
from grading.results import status_of
from grading.roster import assign, doubtful, read_roster
from grading.sandbox import NoBox, choose_kind


def grade_submission(name, paths, seed, kind, only=(), before=None, begun=None, check=False):
    """Grade a submission; if that fails, the error is recorded and not raised.

    Inputs:
    - name: Name of the submission
    - paths: What was handed in
    - seed, kind, only: As for `grade_one.grade`
    - before: None, or the record of an earlier run; all but the exercises in `only` is kept if it
      was graded from the same files with the same seed
    - begun: None, or a file that exists while this runs
    - check: Whether to grade the reference in the sandbox first, once in each process

    Returns: name, and the content of graded.json
    """
    about = {"seed": seed, "paths": [str(path) for path in paths]}
    with _standing(begun):
        try:
            if check:
                check_machine(kind)
            with contextlib.suppress(ValueError):  # `grade` says what can't be read
                about["fingerprint"] = fingerprint(paths)
            kept = kept_marks(before or {}, about) if only else {}
            earned = [id for id, raw in kept.items() if raw["right"]]
            only = only if kept else ()  # without an earlier grade, all are tried
            graded = grade(paths, seed, kind, only, earned)
            if not only:
                graded.extra = None if graded.held else extra_credit(paths, seed)
            record = as_record(graded, about)
        # a bug in the grader must not cost the others their grades
        except Exception as error:
            return name, about | {"failed": f"{type(error).__name__}: {error}"}
    return name, merged(before, record) if kept else record


@contextlib.contextmanager
def _standing(file):
    """Keep a file in place while the block runs."""
    with contextlib.suppress(OSError):
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    yield
    with contextlib.suppress(OSError):
        if file:
            file.unlink()


def grade_all(submissions, out, seed, kind, jobs=-1, scheduler=None, only=(), again=()):
    """Grade submissions in parallel, and write each one's files as soon as it is graded.

    Inputs:
    - submissions: As `find_submissions` gives them
    - out: Folder to write into
    - seed, kind: As for `grade_one.grade`
    - jobs: Number of processes; -1 for one per core
    - scheduler: Address of a Dask scheduler whose workers grade instead
    - only: ids of exercises to try again, in all submissions
    - again: Names of submissions to grade again
    """
    todo = {}
    for name, found in submissions.items():
        if found.held:
            save(out / name, held_record(found, seed))
        elif only or name in again or not _is_graded(out / name, found.paths, seed):
            todo[name] = found.paths
    bar = tqdm(
        total=len(todo), unit="submission", desc="grading", file=sys.stdout, disable=not todo
    )
    with bar, _workers(jobs, scheduler):
        left = dict(todo)
        while left:
            begun = {name: out / "unpacked" / "begun" / name for name in left}
            tasks = [
                joblib.delayed(grade_submission)(
                    name, [path.resolve() for path in paths], seed, kind, only,
                    read_record(out / name) if only else None, begun[name], bool(scheduler),
                )
                for name, paths in left.items()
            ]  # fmt: skip
            try:
                for name, record in _run(tasks, jobs):
                    save(out / name, record)
                    del left[name]
                    bar.update()
            except Exception as error:  # a worker was killed, and all that ran at the time with it
                _one_by_one(tasks, begun, left, out, seed, error, bar)


def _run(tasks, jobs):
    return joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)


def _one_by_one(tasks, begun, left, out, seed, error, bar):
    """Grade one by one what ran when a worker was killed; what kills its worker again failed."""
    running = [name for name, file in begun.items() if name in left and file.exists()]
    named = dict(zip(begun, tasks, strict=True))
    for name in running or list(left)[:1]:
        with contextlib.suppress(OSError):
            begun[name].unlink()
        try:
            ((_, record),) = _run([named[name]], 2)  # with 1 it would run in this process
        except Exception:
            record = {"seed": seed, "failed": f"its worker was killed ({type(error).__name__})"}
        save(out / name, record)
        del left[name]
        bar.update()


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
            "a Dask cluster needs `pip install -r requirements-staff.txt`, here and on its workers"
        ) from None

    with Client(scheduler), joblib.parallel_config(backend="dask", n_jobs=-1):
        yield


def held_record(found, seed):
    """The record of a submission that was held before it could be graded."""
    about = {"seed": seed, "paths": [str(path) for path in found.paths]}
    return as_record(held(found.held), about)


def save(folder: Path, record: dict) -> None:
    """Write a submission's files; results.json comes last, since it marks it as graded. A bug in
    the grader must not cost the others their grades.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        page = "" if "failed" in record else feedback.page(folder.name, as_grade(record))
    except Exception as error:
        record = {"seed": record["seed"], "failed": f"{type(error).__name__}: {error}"}
        page = ""
    _write(folder / FILE, json.dumps(record))
    _write(folder / "feedback.html", page)
    _write(folder / "results.json", json.dumps(results_of(record), indent=1))


def _is_graded(folder, paths, seed):
    """Whether a submission was graded from the same files with the same seed, and all written."""
    record = read_record(folder)
    if not record or "failed" in record or record["seed"] != seed or not _results(folder):
        return False
    if not MANIFEST.exercises.keys() <= record["marks"].keys():  # by --only, in earlier versions
        return False
    try:
        return record.get("fingerprint") == fingerprint(paths)
    except (OSError, ValueError):
        return False


def _results(folder):
    """The content of a submission's results.json; empty if there is none."""
    try:
        return json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def count_anew(submissions, out: Path) -> list[str]:
    """Recompute points if the manifest has changed; returns the names of changed submissions."""
    changed = []
    for name in submissions:
        record = read_record(out / name)
        before = _results(out / name)
        if record and before and before != results_of(record):
            save(out / name, record)
            changed.append(name)
    return changed


def _write(path, text):
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "replace"))


def _seed(out, given):
    """The seed of the unseen inputs: the given one, the one stored with the grades, or a new random
    one.
    """
    path = out / "seed.txt"
    if given is None and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        if not text.isdigit():
            raise ValueError(f"{path} holds no number: give the seed with --seed")
        return int(text)
    seed = secrets.randbelow(1 << 32) if given is None else given
    _write(path, f"{seed}\n")
    return seed


def seed_number(text: str) -> int:
    """A seed from the command line."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected an integer of at least 0, got {text}")
    return int(text)


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m grading.grade",
        description="Grade submissions, each in a sandbox: points, a page for each student, "
        "a table and statistics.",
        epilog="example: python -m grading.grade submissions/ --out grades",
    )
    add = parser.add_argument
    add("submissions", nargs="+", type=Path, metavar="SUBMISSION",
        help="zip, folder, folder of these, or a platform's export")  # fmt: skip
    add("--out", type=Path, required=True, help="folder to write into; grades in it are kept")
    add("--seed", type=seed_number,
        help="seed of the unseen inputs (default: drawn once, stored in the folder)")  # fmt: skip
    add("--jobs", type=int, default=-1, help="submissions at a time (default: one per core)")
    add("--scheduler", metavar="ADDRESS", help="address of a Dask cluster that grades, tcp://...")
    add("--roster", type=Path, help="CSV of the class: name, and id, email, login, section")
    add("--only", action="append", default=[], metavar="EXERCISE", choices=list(MANIFEST.exercises),
        help="try this exercise again in all submissions; keep the others")  # fmt: skip
    add("--again", action="append", default=[], metavar="NAME", help="grade this submission again")
    add("--anonymous", action="store_true", help="statistics without names")
    add("--unsafe", action="store_true",
        help="run the code without a sandbox: only if you trust it")  # fmt: skip
    args = parser.parse_args(argv)
    for path in [*args.submissions, *([args.roster] if args.roster else [])]:
        if not path.exists():
            parser.error(f"{path} does not exist")
    if args.submissions[0].resolve() == args.out.resolve():
        parser.error("--out is the folder of submissions: choose another, which may be inside it")
    if args.again and args.only:
        parser.error("--again and --only can't be used together: run the command once with each")
    return parser, args


def main(argv=None):
    parser, args = _arguments(argv)
    submissions = find_submissions(args.submissions, args.out / "unpacked")
    if not submissions:
        parser.error("no submission found: expected zips, or folders unpacked from them")
    unknown = [name for name in args.again if name not in submissions]
    if unknown:
        parser.error(f"--again {unknown[0]}: there is no such submission")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        roster = read_roster(args.roster) if args.roster else []
        kind = "none" if args.unsafe else None if args.scheduler else choose_kind()
        if kind not in (None, "none"):
            check_machine(kind)
        seed = _seed(args.out, args.seed)
        grade_all(submissions, args.out, seed, kind, args.jobs, args.scheduler,
                  tuple(args.only), args.again)  # fmt: skip
        changed = count_anew(submissions, args.out)
        owners, strangers = assign(roster, submissions)
        results = {name: _results(args.out / name) for name in submissions}
        unclear = doubtful(roster, submissions, strangers)
        write_class(results, args.out, roster, owners,
                    doubtful=unclear, anonymous=args.anonymous)  # fmt: skip
    except (NoBox, OSError, ValueError, ImportError) as error:
        sys.exit(f"grade: {error}")
    return _report(results, args.out, changed, strangers if roster else [])


def _report(results, out, changed, strangers):
    """Print a summary; returns the exit status."""
    by_status = {}
    for name, result in results.items():
        by_status.setdefault(status_of(result), []).append(name)
    graded = by_status.get("graded", [])
    print(f"{len(graded)} of {len(results)} graded; see {out / 'statistics.html'}")
    if changed:
        print(f"points or texts have changed: written anew for {len(changed)}")
    for status, meaning in STATUSES.items():
        if status in by_status:
            print(f"{meaning}: {', '.join(by_status[status])}")
    if strangers:
        print(f"not matched to exactly one person on the roster: {', '.join(strangers)}")
    return int(len(graded) < len(results) or bool(strangers))


STATUSES = {
    "failed": "not graded, see results.json for the reason",
    "missing": "not graded",
    "held": "held, a person has to check them",
    "empty": "nothing to grade in",
}


if __name__ == "__main__":
    sys.exit(main())
