"""Names that learning platforms give to what they export."""

import pytest

from grading import platforms


@pytest.mark.parametrize(
    ("platform", "name", "who", "number"),
    [
        ("MOODLE", "Zoë_O'Neil_101_assignsubmission_file_a_1.zip", "Zoë_O'Neil", "101"),
        ("CANVAS", "anon_aB3dE_4567_assignment2.zip", "anon", "aB3dE"),
        ("CANVAS", "anon_LATE_aB3dE_4567_a.zip", "anon", "aB3dE"),
        ("BRIGHTSPACE", "1-2 - Ann-Marie Z - Nov 1, 2026 959 PM - a - b.zip", "Ann-Marie Z", "1"),
        ("BRIGHTSPACE", "1-2 - Ann - 1 November, 2026 1000 AM - a.zip", "Ann", "1"),
        ("NBGRADER", "ann+ps2+2026-11-02 10:00:00.000000 UTC+x9z", "ann", None),
    ],
)
def test_names(platform, name, who, number):
    """Who handed in, and the number that the platform gives them."""
    match = getattr(platforms, platform).fullmatch(name)
    assert match["name"] == who and match.groupdict().get("id") == number


@pytest.mark.parametrize("name", ["bob_abcde_4567_a.zip", "img_one_2_old.png"])
def test_other_names(name):
    """Numbers are digits, except those of anonymous people."""
    assert platforms.CANVAS.fullmatch(name) is None


def test_moments():
    """A platform's dates can be compared, morning and evening, with month or day first; dates of
    other forms give None.
    """
    texts = [
        "Nov 2, 2026 1000 AM",
        "Nov 2, 2026 103 PM",
        "2 November, 2026 1130 PM",
        "3 Nov 2026 0900",
    ]
    names = [f"1-2 - Ann - {text} - a.zip" for text in texts]
    moments = [platforms.moment(platforms.BRIGHTSPACE.fullmatch(name)) for name in names]
    assert None not in moments and moments == sorted(set(moments))
    odd = platforms.BRIGHTSPACE.fullmatch("1-2 - Ann - le 3 nov. 2026 à 9 h - a.zip")
    assert platforms.moment(odd) is None
