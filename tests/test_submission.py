"""Checking the work and zipping it, on small work trees that are good or broken in one way."""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from deeplearning import handed_in, submission
from deeplearning.handed_in import ANSWER
from tests.work_trees import (
    GOOD,
    LAYERS,
    PROBLEMS,
    REMARKS,
    RNN,
    add,
    age,
    make_tree,
    rerun,
    write,
    write_notebook,
)

ROOT = Path(submission.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def good_tree(tmp_path_factory):
    """A good work tree, to be copied."""
    folder = tmp_path_factory.mktemp("good")
    make_tree(folder)
    return folder


@pytest.fixture
def tree(good_tree, tmp_path):
    """A good work tree in which all files are new."""
    folder = tmp_path / "my work, étude 2"
    return shutil.copytree(good_tree, folder, copy_function=shutil.copyfile)


def hand_in(folder, capsys, *options):
    """Exit status and output."""
    status = submission.main([str(folder), *map(str, options)])
    return status, capsys.readouterr().out


def names(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_good_tree(tree, capsys):
    """Exit status 0; the zip holds the files to hand in and nothing else, with unchanged contents;
    the output ends with the required files, the number of others, the zip's size and what to do
    next.
    """
    status, output = hand_in(tree, capsys)
    assert status == 0 and names(tree / "assignment2.zip") == GOOD
    with zipfile.ZipFile(tree / "assignment2.zip") as archive:
        for name in GOOD:
            assert archive.read(name) == (tree / name).read_bytes()
    assert "Problems" not in output and "Worth a look" not in output
    listed, size, _, last = output.split("assignment2.zip:\n")[1].rstrip("\n").rsplit("\n", 3)
    asked_for = [name for name in GOOD if "/" not in name or name in handed_in.EXERCISE_FILES]
    others = f"and {len(GOOD) - len(asked_for)} more of the package"
    assert [line.split("  ")[-1] for line in listed.split("\n")] == [*asked_for, others]
    assert size == f"{len(GOOD)} files, 0.0 MiB"
    out = tree / "assignment2.zip"
    assert last == f"Next: upload {out}, unchanged, where your course takes submissions."


def test_pages_that_make_run_wrote_are_no_copies(tree, capsys):
    """Newer notebooks in build/, which `make run` writes, are neither handed in nor remarked upon."""
    add(f"build/{RNN}", b"{}")(tree)
    age(tree / RNN, 10)
    status, output = hand_in(tree, capsys)
    assert status == 0 and "Worth a look" not in output
    assert names(tree / "assignment2.zip") == GOOD


def test_a_captioner_goes_along(tree, capsys):
    """The model of the extra credit is handed in only from next to the notebooks; other weights
    stay out.
    """
    for name in ("captioner.npz", "model.npz", "deeplearning/captioner.npz"):
        (tree / name).write_bytes(b"weights")
    assert hand_in(tree, capsys)[0] == 0
    assert set(names(tree / "assignment2.zip")) == {*GOOD, "captioner.npz"}


def test_when_notebooks_were_saved(tree, capsys):
    """The output says of each notebook when it was last saved."""
    for name in tree.rglob("*"):
        age(name, 3 * 3600 + 10)
    age(tree / RNN, -3600)
    age(tree / "StyleTransfer-PyTorch.ipynb", 86400)
    (tree / "LSTM_Captioning.ipynb").unlink()
    output = hand_in(tree, capsys)[1]
    when = r" +last saved \w+ \d\d \w+ \d\d:\d\d, "
    for name, ago in ((RNN, "2 hours ago"), ("StyleTransfer-PyTorch.ipynb", "1 day ago")):
        assert re.search(rf"^  {re.escape(name)}{when}{ago}$", output, re.MULTILINE)
    assert re.search(r"^  LSTM_Captioning.ipynb +missing$", output, re.MULTILINE)


def test_notebooks_as_they_were_handed_out(tree, capsys):
    """Files from the hand-out's zip are dated 1980: for such a notebook the message says that it
    was not saved since, not that it is decades older than its code.
    """
    for name in tree.rglob("*"):
        age(name, time.time() - 86400 * 3652)
    (tree / LAYERS).touch()
    output = hand_in(tree, capsys)[1]
    assert re.search(rf"^  {RNN} +not saved since it was handed out$", output, re.MULTILINE)
    assert "days" not in output and "before" not in output


QUESTIONS = [
    new_markdown_cell("**Question.** Why does it not grow?"),
    new_markdown_cell(ANSWER),
    new_markdown_cell("**Question.** And if it did?"),
    new_markdown_cell(f"{ANSWER} It would overflow."),
    new_markdown_cell("**Question.** Is an empty cell an answer?"),
    new_markdown_cell(" \n"),
    new_markdown_cell("**Question.** What is $\\partial c_t / \\partial c_{t-1}$ here?"),
    new_markdown_cell(ANSWER),
    new_markdown_cell(f"**Question.** {'Why? ' * 20}"),
    new_markdown_cell(ANSWER),
]


def test_questions_without_an_answer_are_named(tree, capsys):
    """The collector names the questions of a notebook whose answer is still the placeholder, or
    empty, but makes the zip; an answer below the placeholder counts. Long questions are cut between
    words, and before a formula.
    """
    notebook = nbformat.read(tree / RNN, as_version=4)
    notebook.cells += QUESTIONS
    nbformat.write(notebook, tree / RNN)
    status, output = hand_in(tree, capsys)
    assert status == 0
    questions = "`Why does it not grow?`, `Is an empty cell an answer?`, `What is ...`, "
    questions += f"`{'Why? ' * 10}...`"
    expected = f"4 questions are not answered yet: {questions}"
    assert f"{RNN}: {expected}" in output
    assert output.count("not answered yet") == 1


def test_same_content_same_bytes(tree, capsys, tmp_path, monkeypatch):
    """Times, permissions, excluded files, the order in which files were made and the system don't
    change a byte.
    """
    copy = tmp_path / "copy"
    for name in reversed(GOOD):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree / name, copy / name)
        age(copy / name, 1e6)
        (copy / name).chmod(0o700)
    assert (
        hand_in(tree, capsys)[0] == hand_in(copy, capsys, "--out", tmp_path / "other.zip")[0] == 0
    )
    assert (tree / "assignment2.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    with monkeypatch.context() as elsewhere, zipfile.ZipFile(tmp_path / "other.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        elsewhere.setattr(sys, "platform", "win32")
        submission.write_hand_in(
            {name: archive.read(name) for name in reversed(GOOD)}, tmp_path / "windows.zip"
        )
    assert (tree / "assignment2.zip").read_bytes() == (tmp_path / "windows.zip").read_bytes()


def test_names_suit_every_unpacker(tree, capsys, tmp_path):
    """unzip, bsdtar and Python unpack the same files; no entry is a link or a folder, or leads
    elsewhere.
    """
    (tree / "my notes.txt").write_text("a name with a space", encoding="utf-8")
    (tree / "deeplearning/helpers/层.py").write_text("layer = 1\n", encoding="utf-8")
    hand_in(tree, capsys)
    made = tree / "assignment2.zip"
    expected = sorted([*GOOD, "my notes.txt", "deeplearning/helpers/层.py"])
    with zipfile.ZipFile(made) as archive:
        for entry in archive.infolist():
            assert (
                entry.external_attr >> 16 == 0o100644
                and "\\" not in entry.filename
                and entry.flag_bits in (0, 0x800)
            )
        archive.extractall(tmp_path / "python")
    tools = {"unzip": ["-q", made, "-d"], "bsdtar": ["-xf", made, "-C"]}
    folders = [tmp_path / "python"]
    for tool, arguments in tools.items():
        if shutil.which(tool):
            folders.append(tmp_path / tool)
            folders[-1].mkdir()
            environment = os.environ | {"LC_ALL": "C.UTF-8"}
            subprocess.run(
                [tool, *map(str, arguments), str(folders[-1])], check=True, env=environment
            )
    for folder in folders:
        unpacked = {
            p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*")
            if p.is_file()
        }
        assert unpacked == {name: (tree / name).read_bytes() for name in expected}


@pytest.mark.parametrize("how", PROBLEMS)
def test_malformed_trees(tree, capsys, how):
    """Each gives exit status 1, one sentence that says what is wrong, and no zip. With --force
    there is a zip, still with status 1, whose names can all be unpacked and which contains the list
    of problems.
    """
    damage, message = PROBLEMS[how]
    damage(tree)
    status, output = hand_in(tree, capsys)
    assert status == 1 and message in output and not (tree / "assignment2.zip").exists()
    assert output.rstrip().endswith("or hand in what there is with --force.")
    found = re.search(r"\nProblems \((\d+)\):\n((?:  - .*\n)+)", output)
    sentences = found[2].replace("  - ", "").splitlines()
    assert len(sentences) == int(found[1])
    if how not in ("a folder too many", "package missing"):
        assert len(sentences) == 1

    status, output = hand_in(tree, capsys, "--force")
    assert status == 1 and message in output and "\nNext: upload " in output
    inside = names(tree / "assignment2.zip")
    assert not [name for name in inside if submission.check_name(name)]
    with zipfile.ZipFile(tree / "assignment2.zip") as archive:
        listed = archive.read("PROBLEMS.txt").decode().splitlines()
    assert listed == [f"Made with --force. Problems ({len(sentences)}):", *sentences]
    assert set(inside) - {"PROBLEMS.txt"} <= {
        p.relative_to(tree).as_posix() for p in tree.rglob("*")
    }


@pytest.mark.parametrize("how", REMARKS)
def test_oversights_are_told_and_allowed(tree, capsys, how):
    """A possible oversight is reported in one sentence, and the zip is made with exit status 0."""
    damage, message = REMARKS[how]
    damage(tree)
    status, output = hand_in(tree, capsys)
    assert (
        status == 0 and f"\nWorth a look (1):\n  - {message}" in output and "Problems" not in output
    )
    assert names(tree / "assignment2.zip") == GOOD


@pytest.mark.parametrize(
    "how",
    [
        lambda tree: rerun(1, 2, 7)(tree),  # a cell that was run again, or one that was deleted
        lambda tree: rerun(4, 5, None, sources=["x = 1", "x", " \n"])(
            tree
        ),  # an empty cell can't be run
        lambda tree: write(".ipynb_checkpoints/RNN_Captioning-checkpoint.ipynb", b"{}")(tree),
        lambda tree: (
            write("RNN_Captioning (1).ipynb", (tree / RNN).read_bytes())(tree)
            and age(tree / RNN, 20)
        ),
        lambda tree: write(RNN, b"\xef\xbb\xbf" + (tree / RNN).read_bytes())(tree),
        lambda tree: age(tree / RNN, 20),  # a checkout writes its files one after the other
        lambda tree: write(LAYERS, b"\xef\xbb\xbfx = '\\d'\r\n")(
            tree
        ),  # BOM, Windows line ends, a careless escape
        lambda tree: rerun(
            1, sources=["path = 'a/home/b'  # pip would be no help, sys.pathology neither"]
        )(tree),
    ],
    ids=[
        "gap",
        "empty cell",
        "old checkpoint",
        "same copy",
        "BOM",
        "checkout",
        "BOM in code",
        "harmless words",
    ],
)
def test_nothing_is_said_of_what_is_well(tree, capsys, how):
    """Harmless peculiarities are not mentioned."""
    (tree / ".ipynb_checkpoints").mkdir()
    how(tree)
    if (checkpoint := tree / ".ipynb_checkpoints" / "RNN_Captioning-checkpoint.ipynb").exists():
        age(checkpoint, 100)
    status, output = hand_in(tree, capsys)
    assert status == 0 and "Worth a look" not in output


def test_unreadable_files_are_named(tree, capsys, monkeypatch):
    """A file or folder without permission is a separate problem; the rest is still checked."""
    read_bytes, scandir = Path.read_bytes, os.scandir

    def refuse(path, *, allowed, of):
        if Path(path).name == of:
            raise PermissionError(13, "Permission denied", str(path))
        return allowed(path)

    monkeypatch.setattr(
        Path, "read_bytes", lambda path: refuse(path, allowed=read_bytes, of="rnn_layers.py")
    )
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path, allowed=scandir, of="helpers"))
    write_notebook(tree / RNN, counts=(2, 1))
    status, output = hand_in(tree, capsys)
    assert status == 1 and "Problems (3):" in output
    assert f"{LAYERS} can't be read (Permission denied): change its permissions" in output
    assert (
        "deeplearning/helpers can't be opened (Permission denied): change its permissions" in output
    )


def test_letters_are_put_together(tree, capsys):
    """A name that macOS stores with separate accents is composed in the zip, so that Python finds
    the module.
    """
    add("deeplearning/helpers/me\u0301thode.py")(tree)
    hand_in(tree, capsys)
    assert "deeplearning/helpers/m\u00e9thode.py" in names(tree / "assignment2.zip")


def test_old_zip_is_not_taken_for_a_new_one(tree, capsys):
    """If problems prevent a zip, an earlier one stays, and the message mentions it."""
    hand_in(tree, capsys)
    before = (tree / "assignment2.zip").read_bytes()
    (tree / RNN).unlink()
    status, output = hand_in(tree, capsys)
    assert status == 1 and (tree / "assignment2.zip").read_bytes() == before
    age_told = "it is from an earlier run, less than a minute ago."
    assert output.rstrip().endswith(f"Do not upload {tree / 'assignment2.zip'}: {age_told}")


@pytest.mark.parametrize("out", ["notes.md", "nowhere/a.zip", "", "folder.zip"])
def test_out_is_a_zip_in_a_folder(tree, capsys, out):
    """Any other --out, such as one that would replace work, is wrong usage with status 2, and
    changes nothing.
    """
    (tree / "folder.zip").mkdir()
    with pytest.raises(SystemExit) as end:
        submission.main([str(tree), "--out", str(tree / out)])
    assert (
        end.value.code == 2
        and "name a file that ends in .zip, in an existing folder" in capsys.readouterr().err
    )
    assert (tree / "notes.md").read_text(encoding="utf-8") == "Q1 took an evening.\n"


def test_no_such_folder(tmp_path, capsys):
    """A missing work tree is wrong usage, status 2."""
    with pytest.raises(SystemExit) as end:
        submission.main([str(tmp_path / "none")])
    assert end.value.code == 2 and "there is no folder" in capsys.readouterr().err


def test_full_disk_leaves_nothing(tree, monkeypatch, capsys):
    """If the zip can't be written, there is one sentence, and neither a zip nor a part of one."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"could not write .*assignment2.zip \(No space left on device\): free space"
    ):
        submission.main([str(tree)])
    assert not [path for path in tree.iterdir() if "assignment2" in path.name]


@pytest.fixture
def script(tree):
    """Function that runs the script in the work tree, with the Pythons on the given path."""
    if os.name == "nt" or not shutil.which("bash"):
        pytest.skip("needs bash")
    for name in ("handed_in", "files", "submission", "submission_checks"):
        shutil.copy(ROOT / "deeplearning" / f"{name}.py", tree / "deeplearning")
    shutil.copy(ROOT / "collectSubmission.sh", tree)

    def run(*arguments, path, shell="bash", file=None, variables=None, **how):
        command = [shell, str(file or tree / "collectSubmission.sh"), *arguments]
        environment = {"PATH": path, "HOME": str(tree), **(variables or {})}
        return subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", env=environment, **how
        )

    return run


def python_in(folder):
    """A folder with a Python that has our packages."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


def test_script_from_any_directory(script, tree, tmp_path):
    """The script works on the tree where it lies, whatever the directory; --out is relative to that
    directory; the exit status is Python's.
    """
    path = os.pathsep.join([str(python_in(tmp_path / "bin")), os.defpath])
    done = script("--out", "mine.zip", path=path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Next: upload {tmp_path / 'mine.zip'}, unchanged" in done.stdout
    assert RNN in names(tmp_path / "mine.zip")
    (tree / RNN).unlink()
    assert script(path=path, cwd=tmp_path).returncode == 1
    assert script("--no-such-option", path=path, cwd=tmp_path).returncode == 2


def test_script_takes_the_project_s_python_first(script, tree, tmp_path):
    """The environment in .venv is found without being activated; a Python without our packages is
    skipped. The script checks its own tree, even when called from another one.
    """
    shutil.rmtree(tree / ".venv")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "python3").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (bare / "python3").chmod(0o755)
    path = os.pathsep.join([str(bare), str(python_in(tmp_path / "bin")), os.defpath])
    made = script(path=path, cwd=ROOT)  # in another work tree
    assert made.returncode == 0 and made.stdout.startswith(f"Checked {tree}\n")
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    path = os.pathsep.join([str(bare), str(tmp_path / "bin"), os.defpath])
    python_in(tree / ".venv" / "bin")
    assert script(path=path).returncode == 0


def test_script_without_python(script, tree, tmp_path):
    """Without a Python that has our packages, the script says what to do, with status 1."""
    shutil.rmtree(tree / ".venv")
    for name in ("python3", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    done = script(path=os.pathsep.join([str(tmp_path), os.defpath]))
    assert (
        done.returncode == 1
        and "activate your environment, or set one up as in docs/setup.md" in done.stderr
    )


SHELLS = ["sh", "bash", "dash", "busybox sh"]


@pytest.mark.slow
@pytest.mark.parametrize("shell", [s for s in SHELLS if shutil.which(s.split()[0])])
def test_script_in_other_shells(script, tree, tmp_path, shell):
    """`sh collectSubmission.sh`, an exported CDPATH and a link to the script work the same."""
    program, *more = shell.split()
    path = os.pathsep.join([str(python_in(tmp_path / "bin")), "/usr/bin", "/bin"])
    links = tmp_path / "my links"
    links.mkdir()
    (links / "first").symlink_to(tree / "collectSubmission.sh")
    (links / "collect").symlink_to("first")
    variables = {"CDPATH": f"{tmp_path}:{tree.parent}"}
    for name, file in (("script", tree / "collectSubmission.sh"), ("link", links / "collect")):
        out = tmp_path / f"{name}.zip"
        if more:
            done = script(
                str(file),
                "--out",
                str(out),
                path=path,
                shell=program,
                file=more[0],
                variables=variables,
            )
        else:
            done = script(
                "--out", str(out), path=path, shell=program, file=file, variables=variables
            )
        assert (done.returncode, done.stderr) == (0, "")
        assert out.exists()
    done = script(
        "--out",
        str(tmp_path / "here.zip"),
        path=path,
        file="collectSubmission.sh",
        variables=variables,
        cwd=tree,
    )
    assert (done.returncode, done.stderr) == (0, "")


FULL = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that is too long is an error then
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
sys.argv[0] = "submission"
runpy.run_module("deeplearning.submission", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
def test_a_full_disk_ends_in_a_sentence(tree, run_python):
    """On the command line there is one sentence, exit status 1, no traceback and no zip."""
    status, _, errors = run_python("-c", FULL, tree)
    assert status == 1
    assert re.fullmatch(r"submission: .*could not write .*assignment2.zip \(.*\): .*\n", errors)
    assert not [path for path in tree.iterdir() if "assignment2" in path.name]
