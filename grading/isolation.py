"""What separates each kind of sandbox from the machine: the command that starts it, what code in it
can see, and the user that it runs as.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPORARY = 64 << 20  # bytes of the temporary folder
FIRST_USER = 61_000
USERS = 1000
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "DEEPLEARNING_DATA": "/tmp",
}
SYSTEM = ["/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/localtime"]
SYSTEM += ["/etc/alternatives"]  # Debian's NumPy finds its libblas there
# PyTorch finds a library with ldconfig, or else with a compiler, which may not vfork and sleeps
SYSTEM += ["/sbin", "/etc/ld.so.cache"]
OF_NAMESPACES = ("bubblewrap", "namespaces")


@functools.cache
def user() -> int | None:
    """Number of the user that students' code runs as. If the grader is root, no other grader has
    the same one while this process lives; otherwise None, for the grader's own user.
    """
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return None
    import fcntl  # Windows has none

    locks = Path("/run/grading-users")
    locks.mkdir(mode=0o700, exist_ok=True)
    for number in range(FIRST_USER, FIRST_USER + USERS):
        lock = os.open(locks / str(number), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return number  # the lock stays until this process ends, however it ends
        except OSError:
            os.close(lock)
    raise OSError(f"{USERS} graders already run on this machine: wait until some have ended")


def show_to_user(folder: str | Path) -> None:
    """Let the sandbox's user, and nobody else, read a folder."""
    group = user()
    for path in (Path(folder), *Path(folder).rglob("*")):
        if group is not None:
            os.chown(path, -1, group)
        path.chmod(0o750 if path.is_dir() else 0o640)


def inside(kind: str, tree: Path) -> Path:
    """The path of a tree as seen in the sandbox."""
    return Path("/box") if kind in OF_NAMESPACES else tree


def package_folders() -> list[str]:
    """Folders that this Python imports packages from; some are known only to this user's Python."""
    known = [path for path in sys.path if path.endswith("-packages") and os.path.isdir(path)]
    for name in ("numpy", "torch"):  # from wherever PYTHONPATH says
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            known.append(str(Path(spec.origin).parents[1]))
    return list(dict.fromkeys(known))


def python_folders() -> list[str]:
    """Folders that Python needs in addition to /usr, none within another: this environment, the one
    it was made from, those of packages, and the targets of links to these.
    """
    program = os.path.dirname(os.path.realpath(sys.executable))
    found = {sys.prefix, sys.base_prefix, sys.base_exec_prefix, program, *package_folders()}
    found |= {os.path.realpath(path) for path in found}
    found = {path for path in found if os.path.isdir(path) and not path.startswith("/usr/")}
    found -= {"/usr", "/bin"}
    return sorted(path for path in found if not _lies_in_another(path, found))


def reference_in_sight() -> str | None:
    """Why a sandbox that shows Python's folders would also show the reference, or None."""
    for folder in package_folders():
        if Path(folder, "deeplearning", "rnn_layers.py").is_file():
            return (
                f"the reference is installed in {folder}, where students' code can read it: "
                "pip uninstall deeplearning-assignment"
            )
    for folder in ["/usr", *python_folders()]:
        if HERE.is_relative_to(os.path.realpath(folder)):
            return (
                f"this repository lies in {folder}, which Python needs, so students' code could "
                "read it: move the repository elsewhere"
            )
    return None


def reference_readable() -> str | None:
    """Why a sandbox that is separated by its user alone would show the reference, or None."""
    look = f"import os; os.setuid({user()}); os.sys.exit(os.access({str(HERE)!r}, os.R_OK))"
    if subprocess.run([sys.executable, "-I", "-c", look]).returncode == 0:
        return None
    return (
        f"everyone can read {HERE.parent}: remove that permission (chmod 700), and keep the "
        "environment in another folder"
    )


def _lies_in_another(path, folders):
    return any(path != other and Path(path).is_relative_to(other) for other in folders)


def _bubblewrap(tree):
    command = [shutil.which("bwrap"), "--die-with-parent", "--new-session", "--as-pid-1"]
    command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--hostname", "box"]
    if user():
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]  # no /dev/shm to fill
    command += ["--size", str(TEMPORARY), "--perms", "1777", "--tmpfs", "/tmp"]
    command += _open_folder("/etc")
    for path in SYSTEM:
        command += _shown(path)
    for folder in python_folders():
        for parent in reversed(Path(folder).parents[:-1]):
            command += _open_folder(parent)
        command += ["--ro-bind", folder, folder]
    return [*command, "--ro-bind", str(tree), "/box", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _open_folder(path):
    """Options that make a folder open to all; bubblewrap's default would be closed to others."""
    return ["--perms", "0755", "--dir", str(path)]


def _shown(path):
    if os.path.islink(path):
        return ["--symlink", os.readlink(path), path]
    return ["--ro-bind-try", path, path]


def _namespaces(tree):
    shown = [path for path in [*SYSTEM, *python_folders()] if os.path.exists(path)]
    (tree / "root").mkdir(exist_ok=True)
    command = [shutil.which("setpriv"), "--pdeathsig", "KILL", shutil.which("unshare")]
    command += [] if user() else ["--user", "--map-root-user"]
    command += ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    return [*command, "sh", str(HERE / "namespaces.sh"), str(TEMPORARY), str(tree), *shown, "--"]


PROGRAMS = {"bubblewrap": ["bwrap"], "namespaces": ["unshare", "setpriv"], "user": []}
COMMANDS = {
    "bubblewrap": _bubblewrap,
    "namespaces": _namespaces,
    "user": lambda tree: [],
    "none": lambda tree: [],
}
