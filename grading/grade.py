"""Grade submissions, each in a sandbox (see `grading/sandbox.py`), however many there are.

    python -m grading.grade submissions/ --out grades

SUBMISSION is a zip, a folder that was made of one, a folder of these, or what a learning platform
exports (see `grading/exports.py`). Written are

    grades/NAME/results.json     points, in Gradescope's format
    grades/NAME/feedback.html    a page for the student
    grades/NAME/graded.json      all that is known, for staff
    grades/grades.csv            one row for each submission
    grades/statistics.html       the class: scores, how often each exercise was solved, what went
                                 wrong
    grades/uploads/              with --roster: files that platforms import

What is graded already, from the same files with the same seed, is not graded again, but points that
have changed in the manifest are counted anew. Exit status: 0 well, 1 some could not be graded, are
held for a person or empty, or nobody can be graded here, 2 wrong usage.
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
from grading.class_files import status_of, write_class
from grading.exports import find_submissions
from grading.extra_credit import extra_credit
from grading.fingerprint import fingerprint
from grading.grade_one import grade
from grading.manifest import MANIFEST
from grading.record import FILE, as_grade, as_record, kept_marks, merged, read_record, results_of
from grading.roster import assign, doubtful, read_roster
from grading.sandbox import NoBox, choose_kind


def grade_submission(name, paths, seed, kind, only=(), before=None, begun=None, check=False):
    """Grade a submission, whatever it is.

    Inputs:
    - name: Of the submission
    - paths: What was handed in
    - seed, kind, only: As for `grade_one.grade`
    - before: None, or what is known of it already; kept but for the exercises in `only`, if it
      was graded from the same files with the same seed
    - begun: None, or a file that stands as long as this goes on
    - check: Whether to send the reference through the sandbox first, once in each process

    Returns: name, and what belongs into graded.json
    """
    about = {"seed": seed, "paths": [str(path) for path in paths]}
    with _standing(begun):
        try:
            if check:
                check_machine(kind)
            about["fingerprint"] = fingerprint(paths)
            kept = kept_marks(before or {}, about) if only else {}
            earned = [id for id, raw in kept.items() if raw["right"]]
            only = only if kept else ()  # what was never graded whole has to be
            graded = grade(paths, seed, kind, only, earned)
            if not only:
                graded.extra = None if graded.held else extra_credit(paths, seed)
            record = as_record(graded, about)
        # a mistake of the grader's must not cost the others their grades
        except Exception as error:
            return name, about | {"failed": f"{type(error).__name__}: {error}"}
    return name, merged(before, record) if kept else record


@contextlib.contextmanager
def _standing(file):
    """A file that is there as long as something goes on."""
    with contextlib.suppress(OSError):
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    yield
    with contextlib.suppress(OSError):
        if file:
            file.unlink()


def grade_all(submissions, out, seed, kind, jobs=-1, scheduler=None, only=(), again=()):
    """Grade submissions side by side, and write what belongs to each as soon as it is known.

    Inputs:
    - submissions: As `find_submissions` gives them
    - out: Folder to write into
    - seed, kind: As for `grade_one.grade`
    - jobs: Processes; -1 for one on each core
    - scheduler: Address of a Dask scheduler whose workers do it in their place
    - only: ids of exercises to try again, for all
    - again: Names of submissions to grade again
    """
    todo = {}
    for name, found in submissions.items():
        if found.held:
            save(out / name, held_record(found, seed))
        elif only or name in again or not _is_graded(out / name, found.paths, seed):
            todo[name] = found.paths
    bar = tqdm(total=len(todo), unit="submission", desc="grading", file=sys.stdout)
    with bar, _workers(jobs, scheduler):
        left = dict(todo)
        while left:
            begun = {name: out / "unpacked" / "begun" / name for name in left}
            tasks = [
                joblib.delayed(grade_submission)(
                    name, [path.resolve() for path in paths], seed, kind, only,
                    read_record(out / name), begun[name], bool(scheduler),
                )
                for name, paths in left.items()
            ]  # fmt: skip
            try:
                for name, record in _run(tasks, jobs):
                    save(out / name, record)
                    del left[name]
                    bar.update()
            except NoBox:
                raise
            except Exception as error:  # a worker was killed, and with it all that ran beside it
                _one_by_one(tasks, begun, left, out, seed, error, bar)


def _run(tasks, jobs):
    return joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)


def _one_by_one(tasks, begun, left, out, seed, error, bar):
    """Grade alone what ran when a worker was killed; what kills its worker again has failed."""
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
            "a Dask cluster needs `pip install -r requirements-staff.txt`, here and there"
        ) from None

    with Client(scheduler), joblib.parallel_config(backend="dask", n_jobs=-1):
        yield


def held_record(found, seed):
    """The record of what nobody could be found for."""
    marks = {id: {"exercise": id, "right": False} for id in MANIFEST.exercises}
    return {
        "seed": seed,
        "marks": marks,
        "notes": [found.held],
        "pictures": {},
        "box": "",
        "held": found.held,
        "empty": False,
        "extra": None,
    }


def save(folder: Path, record: dict) -> None:
    """Write what belongs to a submission; results.json last: then it counts as graded."""
    folder.mkdir(parents=True, exist_ok=True)
    page = "" if "failed" in record else feedback.page(folder.name, as_grade(record))
    _write(folder / FILE, json.dumps(record))
    _write(folder / "feedback.html", page)
    _write(folder / "results.json", json.dumps(results_of(record), indent=1))


def _is_graded(folder, paths, seed):
    """Whether a submission is graded: from the same files, with the same seed, and all written."""
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
    """What is in a submission's results.json; empty where there is none."""
    try:
        return json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def count_anew(submissions, out: Path) -> list[str]:
    """Write points anew where the manifest has changed; returns the names."""
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
    """The seed of the unseen inputs: as given, or that of the grades that lie here, or a new one
    that nobody knows.
    """
    path = out / "seed.txt"
    if given is None and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        if not text.isdigit():
            raise ValueError(f"{path} holds no number: give the seed by --seed")
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
    add("--out", type=Path, required=True, help="folder to write into; what is graded there stays")
    add("--seed", type=seed_number,
        help="of the unseen inputs (default: drawn once and kept in the folder)")  # fmt: skip
    add("--jobs", type=int, default=-1, help="submissions at a time (default: one on each core)")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that does it, tcp://...")
    add("--roster", type=Path, help="CSV of the class: name, and id, email, login, section")
    add("--only", action="append", default=[], metavar="EXERCISE", choices=list(MANIFEST.exercises),
        help="try this exercise again, for all; the others stay")  # fmt: skip
    add("--again", action="append", default=[], metavar="NAME", help="grade this one again")
    add("--anonymous", action="store_true", help="statistics without names")
    add("--unsafe", action="store_true", help="run the code without a sandbox: only what you trust")
    args = parser.parse_args(argv)
    for path in [*args.submissions, *([args.roster] if args.roster else [])]:
        if not path.exists():
            parser.error(f"{path} does not exist")
    return parser, args


def main(argv=None):
    parser, args = _arguments(argv)
    submissions = find_submissions(args.submissions, args.out / "unpacked")
    if not submissions:
        parser.error("no submission there: expected zips, or folders made of them")
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
    """Say how it went; returns the exit status."""
    by_status = {}
    for name, result in results.items():
        by_status.setdefault(status_of(result), []).append(name)
    graded = by_status.get("graded", [])
    print(f"{len(graded)} of {len(results)} graded; see {out / 'statistics.html'}")
    if changed:
        print(f"points of {len(changed)} counted anew, because the manifest has changed")
    for status, meaning in STATUSES.items():
        if status in by_status:
            print(f"{meaning}: {', '.join(by_status[status])}")
    if strangers:
        print(f"not on the roster, like several there, or two of one: {', '.join(strangers)}")
    return int(len(graded) < len(results) or bool(strangers))


STATUSES = {
    "failed": "not graded, their results.json say why",
    "missing": "not graded",
    "held": "held, a person has to look at them",
    "empty": "nothing to grade in them",
}


if __name__ == "__main__":
    sys.exit(main())
