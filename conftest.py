"""Every run of pytest that tries exercises ends with a table of their points."""

import os
import re

if "PYTEST_XDIST_WORKER" in os.environ:
    # workers share the cores: with more than a thread each, they would wait for one another
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before NumPy and PyTorch are imported

pytest_plugins = ["exercises.points"]


def pytest_ignore_collect(collection_path, config):
    """`pytest -m q1` imports the tests of exercises alone: the others take seconds to import."""
    words = set(re.findall(r"\w+", config.option.markexpr)) - {"and", "or"}
    only_questions = words and all(re.fullmatch(r"q\d", word) for word in words)
    if only_questions and collection_path.is_file():
        exercises = config.rootpath / "tests" / "exercises"
        return True if exercises not in collection_path.parents else None
    return None
