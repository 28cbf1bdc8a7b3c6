"""Words for the messages of rules and rights: numbers of things, and lists in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: "1 task", "2 tasks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(noun: str, ids: Sequence[str]) -> str:
    """Returns ids after their noun: "an open subtask: 1", "open subtasks: 1, 2"."""
    if len(ids) == 1:
        article = "an" if noun[0] in "aeiou" else "a"
        return f"{article} {noun}: {ids[0]}"
    return f"{noun}s: {', '.join(ids)}"


def joined(items: Sequence[str], conjunction: str) -> str:
    """Returns items as part of a sentence: "a", "a or b", "a, b or c"."""
    *others, last = items
    return f"{', '.join(others)} {conjunction} {last}" if others else last
