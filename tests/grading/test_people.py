"""Whether names are those of people."""

import pytest

from grading.people import is_version


@pytest.mark.parametrize(
    "name", ["v1", "assignment2 (1).zip", "final_final", "work_20261101", "My Work", "old"]
)
def test_versions(name):
    """Names of versions and parts of a work."""
    assert is_version(name)


@pytest.mark.parametrize(
    "name", ["ada", "Jörg Müller", "assignment2-ada", "12345", "a1234567", "Finn", "Codey"]
)
def test_people(name):
    """Names of people, numbers among them."""
    assert not is_version(name)
