"""Words for the messages of rules and rights: numbers of things, and lists in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: "1 task", "2 tasks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counted_names(noun: str, names: Sequence[object]) -> str:
    """Returns names after their number: "2 started tasks: OPS-1 (…), OPS-2 (…)"."""
    return f"{counted(len(names), noun)}: {', '.join(map(str, names))}"


def listed(noun: str, names: Sequence[object]) -> str:
    """Returns names after their noun: "an open subtask: OPS-1 (…)", "open subtasks: OPS-1 (…), OPS-2 (…)"."""
    if len(names) == 1:
        article = "an" if noun[0] in "aeiou" else "a"
        return f"{article} {noun}: {names[0]}"
    return f"{noun}s: {', '.join(map(str, names))}"


def joined(items: Sequence[str], conjunction: str) -> str:
    """Returns items as part of a sentence: "a", "a or b", "a, b or c"."""
    *others, last = items
    return f"{', '.join(others)} {conjunction} {last}" if others else last
