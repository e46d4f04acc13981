"""Read who has submitted what from the metadata file in Gradescope's export."""

import contextlib
import json
import re


def gradescope_people(folder):
    """Dictionary from the name of a folder in Gradescope's export to its submitters, each a
    dictionary of name, sid and email.
    """
    people = {}
    current = None
    with contextlib.suppress(OSError):
        text = (folder / "submission_metadata.yml").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            if match := re.match(r"(submission_\d+):", line):
                current = people.setdefault(match[1], [])
            elif re.match(r"  :?(?!submitters)\w+:", line):
                current = None  # later parts, such as older versions, name people again
            elif current is not None:
                if re.match(r"\s*- ", line):
                    current.append({})
                match = re.match(r"\s+-?\s*:?(name|sid|email):\s*(.*?)\s*$", line)
                if match and current:
                    current[-1].setdefault(match[1], _yaml_text(match[2]))
    return people


def _yaml_text(text):
    """The value of a YAML text in single quotes, double quotes or none."""
    if text in ("null", "~"):
        return ""
    if text[:1] == text[-1:] == "'":
        return text[1:-1].replace("''", "'")
    with contextlib.suppress(ValueError):
        return str(json.loads(re.sub(r"\\x(..)", r"\\u00\1", text))) if text[:1] == '"' else text
    return text.strip('"')
