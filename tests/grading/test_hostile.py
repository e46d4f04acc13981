"""The grader on the corpora: hostile submissions, right but unusual ones, and mistakes.

Each is graded by the command that staff use, all in one batch: by default a sample, with the marker
corpus everything.
"""

import html
import json
from pathlib import Path

import psutil
import pytest

from grading import grade
from grading.assemble import sources
from grading.hostile import EVERYTHING, corpus, zipped
from grading.hostile.leaks import TELLTALES
from grading.mistakes import mistakes
from grading.variants import variants
from tests.grading.machines import needs_sandbox

SAMPLE = [
    "source_of_lent_functions", "one_function_is_gone", "message_to_a_later_task", "climbing_paths",
    "exit_with_success", "forged_results", "patched_numpy", "survivors", "written_into_notebooks",
]  # fmt: skip
MISTAKES = {
    mistake.name.replace(":", "-").replace("CaptioningRNN.", ""): mistake for mistake in mistakes()
}


pytestmark = needs_sandbox


def lost_by(name):
    """ids of the exercises that a submission must lose."""
    if name in MISTAKES:
        return set(MISTAKES[name].exercises)
    return set(corpus()[name].lost) if name in corpus() else set()


def build(name):
    """The bytes of a submission of any of the three corpora."""
    if name in corpus():
        return corpus()[name].build()
    mistake = MISTAKES.get(name)
    functions = {mistake.function: mistake.wrong} if mistake else variants()[name]
    return zipped(sources(functions))


def graded(names, folder):
    """Grade submissions in one batch; returns for each the ids of the exercises that it lost. They
    are graded in this process, which knows the unseen cases already.
    """
    (folder / "in").mkdir()
    for name in names:
        (folder / "in" / f"{name}.zip").write_bytes(build(name))
    before = outside(folder)
    status = grade.main([str(folder / "in"), "--out", str(folder / "out"), "--jobs", "1"])
    assert status in (0, 1)  # 1 where there was nothing to grade in one
    assert outside(folder) == before
    assert not [p for p in psutil.process_iter(["cmdline"]) if "98765" in (p.info["cmdline"] or ())]
    lost = {}
    for name in names:
        results = json.loads((folder / "out" / name / "results.json").read_text(encoding="utf-8"))
        assert "failed" not in results["extra_data"]
        lost[name] = {
            test["name"] for test in results["tests"] if test["score"] < test["max_score"]
        }
        page = (folder / "out" / name / "feedback.html").read_text(encoding="utf-8")
        words = html.unescape(page) + json.dumps(results)
        assert not [telltale for telltale in TELLTALES if telltale in words], name
    return lost


def outside(folder):
    """Files wherever a submission could have left something: the temporary folder, home,
    and here.
    """
    places = [Path("/tmp"), Path.home(), Path.cwd()]
    return {
        place: {
            p.name for p in place.iterdir() if p.name.startswith(("owned", "results", ".bashrc"))
        }
        for place in places
    }


def check(names, folder):
    lost = graded(names, folder)
    assert lost == {name: lost_by(name) for name in names}


def test_table():
    """At least 40 hostile submissions, each with a sentence; most can't earn anything, or lose only
    their own trick.
    """
    assert len(corpus()) >= 40 and set(SAMPLE) <= set(corpus())
    for hostile in corpus().values():
        assert hostile.about.endswith(".") and set(hostile.lost) <= set(EVERYTHING)


@pytest.mark.slow
def test_a_sample(tmp_path):
    """Hostile submissions get exactly what they deserve, leave nothing behind, and don't stop other
    gradings; right but unusual implementations get every point, and a mistake costs only its own
    exercise.
    """
    check([*SAMPLE, "caches_of_objects", *list(MISTAKES)[:: len(MISTAKES) // 2]], tmp_path)


@pytest.mark.corpus
@pytest.mark.parametrize("name", corpus())
def test_hostile(name, tmp_path):
    """Each hostile submission gets exactly what it deserves."""
    check([name], tmp_path)


@pytest.mark.corpus
def test_variants(tmp_path):
    """Each right implementation gets every point."""
    check(list(variants()), tmp_path)


@pytest.mark.corpus
def test_mistakes(tmp_path):
    """Each mistake loses exactly its exercise."""
    check(list(MISTAKES), tmp_path)
