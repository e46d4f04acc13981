"""Points as a table and as Gradescope's file."""

import json

from grading.manifest import MANIFEST
from grading.results import Result, gradescope, table


def results(**changed):
    """Full points, except for the named exercises, which get (score, reason)."""
    found = [
        Result(exercise, *changed.get(exercise.id, (exercise.points,)))
        for exercise in MANIFEST.exercises.values()
    ]
    return [
        *found,
        Result(MANIFEST.extra, *changed.get("extra", (0, "captioner.npz was not handed in."))),
    ]


def test_the_table_adds_up():
    """Each exercise with its reason, each question's sum, and the whole; extra credit
    stands apart.
    """
    lines = table(results(gram_matrix=(0, "Divided by H*W."), extra=(4, ""))).splitlines()
    assert [line.split() for line in lines if line.startswith("Q")] == [
        ["Q1", "30", "of", "30"],
        ["Q2", "30", "of", "30"],
        ["Q3", "20", "of", "20"],
        ["Q4", "15", "of", "20"],
    ]
    assert ["gram_matrix", "0", "of", "5", "Divided", "by", "H*W."] in [
        line.split() for line in lines
    ]
    assert lines[-1].split() == ["total", "95", "of", "100", "and", "4", "extra"]
    assert table(results()).splitlines()[-1].split() == ["total", "100", "of", "100"]


def test_gradescope_gets_its_fields():
    """Every test has the fields that Gradescope reads, numbers follow the questions, and scores add
    up to the total; what is beyond the 100 has no maximum.
    """
    made = json.loads(
        json.dumps(gradescope(results(rnn_forward=(0, "h is wrong."), extra=(2, ""))))
    )
    fields = {"name", "number", "score", "max_score", "output", "visibility"}
    assert all(set(test) == fields for test in made["tests"])
    assert made["score"] == sum(test["score"] for test in made["tests"]) == 99
    assert sum(test["max_score"] for test in made["tests"]) == 100
    assert [test["number"] for test in made["tests"]][6:10] == ["1.7", "1.8", "2.1", "2.2"]
    wrong = next(test for test in made["tests"] if test["name"] == "rnn_forward")
    assert wrong["output"] == "h is wrong." and wrong["score"] == 0 and wrong["max_score"] == 3
