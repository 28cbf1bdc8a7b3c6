"""What the tests read out of the docs: blocks of code, the words before them, tables and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code, `number` of its page; `before` is the text between the last and this."""

    number: int
    language: str
    text: str
    before: str


def read(name: str) -> str:
    """A page, by its path from the root of the repository."""
    return (ROOT / name).read_text("utf-8")


def blocks(text: str, *languages: str) -> list[Block]:
    """The blocks of a page in their order, of these languages or of any."""
    found, end = [], 0
    for number, fence in enumerate(_FENCE.finditer(text)):
        block = Block(number, fence[2], fence[3], text[end : fence.start()])
        end = fence.end()
        if not languages or block.language in languages:
            found.append(block)
    return found


def with_block(text: str, number: int, content: str) -> str:
    """The page with other content in one of its blocks."""
    fence = list(_FENCE.finditer(text))[number]
    return text[: fence.start(3)] + content + text[fence.end(3) :]


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """What stands under a heading, its own subsections included."""
    plain = _FENCE.sub(lambda fence: " " * len(fence[0]), text)  # a comment in a block is no heading
    headings = list(_HEADING.finditer(plain))
    for number, found in enumerate(headings):
        if found[2] == heading:
            behind = (h.start() for h in headings[number + 1 :] if len(h[1]) <= len(found[1]))
            return text[found.end() : next(behind, len(text))]
    raise AssertionError(f"there is no heading {heading!r}")


def headings(text: str) -> list[str]:
    return [found[2] for found in _HEADING.finditer(prose(text))]


def table(text: str) -> list[list[str]]:
    """The rows of the first table, without its head."""
    rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = line.strip().strip("|").replace(r"\|", "\0").split("|")
            rows.append([cell.replace("\0", "|").strip() for cell in cells])
        elif rows:
            break
    return rows[2:]


def code(cell: str) -> list[str]:
    """What is set as code in a cell, a sentence or a section, but for its blocks."""
    return re.findall(r"`([^`\n]+)`", prose(cell))


def links(text: str) -> Iterator[str]:
    return (found[1] for found in _LINK.finditer(prose(text)))


def anchor(heading: str) -> str:
    """The name that a heading's link has."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")
