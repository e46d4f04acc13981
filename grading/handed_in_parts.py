"""What one person has handed in, from the parts that a platform has split it into."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from grading.platforms import (
    ATTEMPTS,
    BLACKBOARD,
    BRIGHTSPACE,
    CANVAS,
    GRADESCOPE,
    MOODLE,
    NBGRADER,
    moment,
)
from grading.unpack import ADDED, ARCHIVES, LOOSE


@dataclass
class Found:
    """A submission.

    - name: Unique name, which its folder of grades gets too
    - paths: Zips, folders or files that one person has handed in
    - id: The platform's id of this person, or empty
    - email: This person's address, or empty
    - held: Why a person has to decide whose it is, or empty
    """

    name: str
    paths: list[Path] = field(default_factory=list)
    id: str = ""
    email: str = ""
    held: str = ""


def platform_match(path):
    """The match of a platform's pattern, or None."""
    patterns = [MOODLE, BLACKBOARD, BRIGHTSPACE, NBGRADER]
    patterns.append(GRADESCOPE if path.is_dir() else CANVAS)
    return next((match for p in patterns if (match := p.fullmatch(path.name))), None)


def person_of(match):
    """Who has handed something in: name and number."""
    about = match.groupdict()
    return about.get("name") or match.string, about.get("id") or ""


def full_names(groups):
    """The groups without the name of Blackboard's assignment, with which all names begin."""
    ours = [key for key, parts in groups.items() if parts[0][1].re is BLACKBOARD]
    common = os.path.commonprefix([name for name, _ in ours])
    common = common[: common.rfind("_") + 1] if len(ours) > 1 else ""
    short = {name: name.removeprefix(common) for name, _ in ours}
    last = {name: name.rpartition("_")[2] for name in short}
    if not common and len(set(last.values())) == len(last):
        short = last
    return {(short.get(name, name), id): parts for (name, id), parts in groups.items()}


def from_parts(person, parts, people):
    """What one person has handed in, from the parts that the platform has split it into; the same
    for each member of a group.
    """
    name, number = person
    kinds = {match.re for _, match in parts}
    held = ""
    if kinds.issubset(ATTEMPTS):
        works = [(p, m) for p, m in parts if not m.groupdict().get("text")]
        parts = _last_attempt(parts)
        left = {_as_handed_in(p) for p, _ in works} - {_as_handed_in(p) for p, _ in parts} - {""}
        whole = any(p.suffix.lower() in ARCHIVES or p.is_dir() for p, _ in parts)
        if works and not parts:
            held = "The last attempt holds no file, but an earlier one does: which one counts?"
        elif left and not whole:
            names = ", ".join(sorted(left)[:3])
            held = f"An earlier attempt holds files that the last one lacks, {names}: what counts?"
    paths = [p for p, m in parts if m.groupdict().get("kind") in (None, "file")]
    if kinds == {GRADESCOPE}:
        partners = people.get(name) or [{}]
        return [
            Found(each.get("name") or name, paths, each.get("sid", ""), each.get("email", ""))
            for each in partners
        ]
    return [Found(name, paths, number, held=held)]


def _as_handed_in(path):
    """A part without its attempt: the own name of a source or notebook, or "a zip"."""
    if path.is_dir() or path.suffix.lower() in ARCHIVES:
        return "a zip"
    return ADDED.sub("", path.name) if path.suffix.lower() in LOOSE else ""


def _last_attempt(parts):
    """What was handed in last; everything if the times are unknown."""
    moments = [moment(match) for _, match in parts]
    if None in moments:
        return parts
    last = max(moments)
    times = zip(parts, moments, strict=True)
    return [(p, m) for (p, m), when in times if when == last and not m.groupdict().get("text")]
