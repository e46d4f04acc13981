"""The documentation: links lead somewhere, and quoted messages are those that the code prints."""

import ast
import functools
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()
]
SLOT = "\0"  # a value that the program fills in


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link and picture of a page exists, and every anchor is a heading's."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", t)]
    for target in targets:
        file, _, anchor = unquote(target).partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_hold_no_program_error(page):
    """Output pasted into a page is a result, not the traceback of a failed run."""
    assert "Traceback (most recent call last)" not in page.read_text(encoding="utf-8")


def test_pages_are_linked_from_the_readme():
    """A reader of README.md finds every page of docs/."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"](docs/{page.name})" in readme


@functools.cache
def texts_of_the_package():
    """Every string in the package's code but docstrings, SLOT where values are filled in; and the
    script's lines.
    """
    texts = (ROOT / "collectSubmission.sh").read_text(encoding="utf-8").splitlines()
    for path in (ROOT / "deeplearning").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = [node.value for node in nodes if isinstance(node, ast.Expr)]
        for node in nodes:
            if node in docstrings:
                continue
            if isinstance(node, ast.JoinedStr):
                texts.append(
                    "".join(
                        part.value if isinstance(part, ast.Constant) else SLOT
                        for part in node.values
                    )
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def quoted_messages():
    """The messages in the first column of the tables of this package's messages."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    ours = page.split("## Messages of other programs")[0]
    cells = re.findall(r"^\| (.*?) \| .* \|$", ours, flags=re.MULTILINE)
    return [message for cell in cells for message in re.findall(r"`(.+?)`", cell)]


@pytest.mark.parametrize("message", quoted_messages())
def test_quoted_messages_are_in_the_code(message):
    """Some line of the code prints each message of the troubleshooting page: its fixed parts occur
    in one string there, in this order.
    """
    parts = [part.strip() for part in message.split("...") if part.strip()]
    assert sum(map(len, parts)) >= 6
    pattern = re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL)
    assert any(pattern.search(text) for text in texts_of_the_package()), message
