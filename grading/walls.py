"""What stands around a box: the command that each kind begins with, and what code in it can see."""

import os
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPORARY = 64 << 20  # bytes of the temporary folder
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "DEEPLEARNING_DATA": "/tmp",
}  # fmt: skip


def user():
    """Number of the user that a box started by root runs as: one of its own for each process of the
    grader.
    """
    return 61_000 + os.getpid() % 1000 if hasattr(os, "getuid") and os.getuid() == 0 else None


def inside(kind, tree):
    """Where a tree is found in the box."""
    return Path("/box") if kind in ("bubblewrap", "namespaces") else tree


def _python_folders():
    """Folders that Python needs beside /usr, none within another: this environment, and what it was
    made from.
    """
    paths = {
        Path(p).resolve()
        for p in (sys.base_prefix, sys.base_exec_prefix, os.path.realpath(sys.executable))
    }
    folders = {sys.prefix, *(str(p if p.is_dir() else p.parent) for p in paths)}
    folders |= {path for path in sysconfig.get_paths().values() if path.endswith("site-packages")}
    folders = {
        folder for folder in folders if Path(folder).is_dir() and not folder.startswith("/usr")
    }
    return sorted(
        f
        for f in folders
        if not any(f != other and Path(f).is_relative_to(other) for other in folders)
    )


def _bubblewrap(tree):
    command = [
        "bwrap",
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--unshare-pid",
        "--unshare-net",
    ]
    command += ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "box"]
    command += (
        ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if user() else ["--unshare-user"]
    )
    for system in (
        "/usr",
        "/bin",
        "/lib",
        "/lib32",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/localtime",
    ):
        command += (
            ["--symlink", os.readlink(system), system] if os.path.islink(system) else _bound(system)
        )
    for folder in _python_folders():
        for parent in reversed(Path(folder).parents[:-1]):
            command += ["--perms", "0755", "--dir", str(parent)]  # or only root could look into it
        command += _bound(folder)
    command += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        str(TEMPORARY),
        "--perms",
        "1777",
        "--tmpfs",
        "/tmp",
    ]
    return [*command, "--ro-bind", str(tree), "/box", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _bound(path):
    return ["--ro-bind-try", path, path]


def _namespaces(tree):
    shown = ["/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", *_python_folders()]
    shown = [path for path in shown if os.path.exists(path)]
    (tree / "root").mkdir(exist_ok=True)
    mapped = [] if user() else ["--user", "--map-root-user"]
    command = [
        "unshare",
        *mapped,
        "--mount",
        "--pid",
        "--net",
        "--ipc",
        "--uts",
        "--fork",
        "--kill-child",
    ]
    return [*command, "sh", str(HERE / "namespaces.sh"), str(TEMPORARY), str(tree), *shown, "--"]


WALLS = {
    "bubblewrap": _bubblewrap,
    "namespaces": _namespaces,
    "user": lambda tree: [],
    "none": lambda tree: [],
}
