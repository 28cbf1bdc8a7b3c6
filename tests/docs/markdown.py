"""Parses the parts of the pages that tests check: code blocks, the text before them, tables and links."""

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
    """A fenced code block; `number` is its index on the page, `before` the text since the previous block."""

    number: int
    language: str
    text: str
    before: str


def read(name: str) -> str:
    """Returns the text of a page, given its path from the root of the repository."""
    return (ROOT / name).read_text("utf-8")


def blocks(text: str, *languages: str) -> list[Block]:
    """Returns the code blocks of a page in order, only those in these languages if any are given."""
    result, end = [], 0
    for number, fence in enumerate(_FENCE.finditer(text)):
        block = Block(number, fence[2], fence[3], text[end : fence.start()])
        end = fence.end()
        if not languages or block.language in languages:
            result.append(block)
    return result


def with_block(text: str, number: int, content: str) -> str:
    """Returns the page with the content of one of its blocks replaced."""
    fence = list(_FENCE.finditer(text))[number]
    return text[: fence.start(3)] + content + text[fence.end(3) :]


def prose(text: str) -> str:
    """Returns the page without its code blocks."""
    return _FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """Returns the text under a heading, including its subsections."""
    plain = _FENCE.sub(lambda fence: " " * len(fence[0]), text)  # hides comments
    headings = list(_HEADING.finditer(plain))
    for number, match in enumerate(headings):
        if match[2] == heading:
            following = (h.start() for h in headings[number + 1 :] if len(h[1]) <= len(match[1]))
            return text[match.end() : next(following, len(text))]
    raise AssertionError(f"The page has no heading {heading!r}.")


def headings(text: str) -> list[str]:
    return [match[2] for match in _HEADING.finditer(prose(text))]


def table(text: str) -> list[list[str]]:
    """Returns the rows of the first table, without its header."""
    rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = line.strip().strip("|").replace(r"\|", "\0").split("|")
            rows.append([cell.replace("\0", "|").strip() for cell in cells])
        elif rows:
            break
    return rows[2:]


def code(cell: str) -> list[str]:
    """Returns the inline code of a cell, a sentence or a section."""
    return re.findall(r"`([^`\n]+)`", prose(cell))


def links(text: str) -> Iterator[str]:
    return (match[1] for match in _LINK.finditer(prose(text)))


def anchor(heading: str) -> str:
    """Returns the anchor that GitHub generates for a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")
