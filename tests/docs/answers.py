"""Compares the JSON examples of a page with real responses, except for ids and times.

If responses have changed on purpose, `REWRITE_DOCS=1 pytest -n 0 tests/docs` updates the pages.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from tests.docs.markdown import ROOT, Block, read, with_block

_WIDTH = 98
_ID = re.compile(r"\b[0-9a-f]{24}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# The keys of values that differ in every run.
_VARIABLE_KEYS = ("request_id", "next", "token")


def assert_shown(page: str, block: Block, response: Any) -> None:
    """Asserts that the block of the page shows this response; with `REWRITE_DOCS`, updates the block."""
    if os.environ.get("REWRITE_DOCS"):
        (ROOT / page).write_text(with_block(read(page), block.number, wrapped(response) + "\n"), "utf-8")
        return
    assert _normalized(json.loads(block.text)) == _normalized(response)


def _normalized(value: Any) -> Any:
    """Returns the value with placeholders for ids, times, cursors and secrets."""
    if isinstance(value, dict):
        return {
            key: "…" if key in _VARIABLE_KEYS and inner is not None else _normalized(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_normalized(inner) for inner in value]
    if isinstance(value, str):
        return _TIME.sub("<time>", _ID.sub("<id>", value))
    return value


def wrapped(value: Any, indent: int = 0, name: str = "") -> str:
    """Returns the value as JSON with as much on each line as fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if not (isinstance(value, dict | list) and value) or indent + len(name) + len(flat) < _WIDTH:
        return flat
    inside = indent + 2
    if isinstance(value, dict):
        names = [f"{json.dumps(key)}: " for key in value]
        parts = [key + wrapped(inner, inside, key) for key, inner in zip(names, value.values(), strict=True)]
    else:
        parts = [wrapped(inner, inside) for inner in value]
    lines = _fill_lines([f"{part}," for part in parts[:-1]] + parts[-1:], _WIDTH - inside)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opening, *(" " * inside + line for line in lines), " " * indent + closing])


def _fill_lines(parts: list[str], width: int) -> Iterator[str]:
    """Yields the parts joined to lines of this width; a part of several lines is not joined."""
    line = ""
    for part in parts:
        if line and ("\n" in part + line or len(line) + 1 + len(part) > width):
            yield line
            line = part
        else:
            line = f"{line} {part}".lstrip()
    yield line
