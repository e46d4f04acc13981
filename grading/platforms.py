"""How learning platforms name the files they export: patterns based on their documentation."""

import datetime
import re

MOODLE = re.compile(
    r"(?P<name>.+)_(?P<id>\d+)_assign(submission_)?(?P<kind>[a-z]+)(_(?P<rest>.*))?"
)
BLACKBOARD = re.compile(
    r"(?P<name>.+?)_attempt_(?P<when>\d{4}(-\d\d){5})(_(?P<rest>.+)|(?P<text>\.txt))"
)
CANVAS = re.compile(
    r"(?P<name>[^_]+)(_LATE)?_(?P<id>\d+|((?<=anon_)|(?<=anon_LATE_))[a-z0-9]{5})"
    r"_(\d+_(?P<rest>.+)|(?P<kind>text|url)\.html?)",
    re.IGNORECASE,
)
BRIGHTSPACE = re.compile(
    r"(?P<id>\d+)-\d+ - (?P<name>.+?) - (?P<when>(?=[^-]*\d{4})[^-]+?)( - (?P<rest>.+))?"
)
METADATA = "submission_metadata.yml"  # which Gradescope puts next to its folders
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")
NBGRADER = re.compile(r"(?P<name>[^+]+)\+[^+]+\+(?P<when>\d{4}-\d\d-\d\d [^+]+)(\+\w+)?")
ATTEMPTS = (BLACKBOARD, BRIGHTSPACE, NBGRADER)  # these export every attempt of a person
DATES = ("%b %d, %Y", "%B %d, %Y", "%d %b, %Y", "%d %B, %Y", "%d %b %Y", "%d %B %Y")
TIMES = ("%I%M %p", "%H%M")
# A folder that Google Drive has packed, in one zip or several
DRIVE = re.compile(r"(?P<all>(?P<name>.+)-\d{8}T\d{6}Z(-\d+)?)-\d{3}\.zip")


def moment(match: re.Match):
    """When somebody handed in, comparable within one platform; None if it can't be read."""
    text = match["when"]
    if match.re is not BRIGHTSPACE:
        return text  # year first
    text = re.sub(r"\b(\d{3})( [AP]M)?$", r"0\1\2", text)  # 959 PM
    for date in DATES:
        for time in TIMES:
            try:
                return datetime.datetime.strptime(text, f"{date} {time}")
            except ValueError:
                continue
    return None
