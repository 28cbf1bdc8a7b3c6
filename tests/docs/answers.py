"""Holds the JSON that a page shows against what is really answered, up to ids and moments.

Where the answers have changed for good, `REWRITE_DOCS=1 pytest -n 0 tests/docs` puts the present
ones into the pages.
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
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# What differs each time, by its key.
_OPAQUE = ("request_id", "next", "token")


def assert_shown(page: str, block: Block, answered: Any) -> None:
    """The page shows in this block what was answered."""
    if os.environ.get("REWRITE_DOCS"):
        (ROOT / page).write_text(with_block(read(page), block.number, wrapped(answered) + "\n"), "utf-8")
        return
    assert _alike(json.loads(block.text)) == _alike(answered)


def _alike(value: Any) -> Any:
    """The same without what differs each time: ids, moments, cursors, secrets."""
    if isinstance(value, dict):
        return {
            key: "…" if key in _OPAQUE and inner is not None else _alike(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_alike(inner) for inner in value]
    if isinstance(value, str):
        return _MOMENT.sub("<moment>", _ID.sub("<id>", value))
    return value


def wrapped(value: Any, indent: int = 0, name: str = "") -> str:
    """JSON for reading: as much on a line as fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if not (isinstance(value, dict | list) and value) or indent + len(name) + len(flat) < _WIDTH:
        return flat
    deeper = indent + 2
    if isinstance(value, dict):
        names = [f"{json.dumps(key)}: " for key in value]
        parts = [key + wrapped(inner, deeper, key) for key, inner in zip(names, value.values(), strict=True)]
    else:
        parts = [wrapped(inner, deeper) for inner in value]
    lines = _packed([f"{part}," for part in parts[:-1]] + parts[-1:], _WIDTH - deeper)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opening, *(" " * deeper + line for line in lines), " " * indent + closing])


def _packed(parts: list[str], width: int) -> Iterator[str]:
    """The parts in lines; one of several lines has them to itself."""
    line = ""
    for part in parts:
        if line and ("\n" in part + line or len(line) + 1 + len(part) > width):
            yield line
            line = part
        else:
            line = f"{line} {part}".lstrip()
    yield line
