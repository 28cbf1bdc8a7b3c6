"""The hash chain over the log: the hash of each entry covers the entry and the hash before it.

Whoever has noted the hash of an entry can later prove that neither this entry nor any before it has been
altered, removed, inserted or moved.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.clock import format_instant

# The hash before the first entry.
GENESIS = bytes(32)


def plain_entry(change: Change) -> dict[str, Any]:
    """Returns an entry with JSON's types only: instants are texts as `format_instant` makes them."""
    return {name: _plain(getattr(change, name)) for name in _NAMES}


def canonical_json(entry: Any) -> bytes:
    """Returns a value of JSON's types in the canonical form of RFC 8785, in UTF-8.

    The log holds neither floating-point numbers nor names outside of ASCII. Without these, the standard
    library's sorted and compact form is the canonical one.
    """
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def next_hash(previous: bytes, entry: bytes) -> bytes:
    """Returns the hash of an entry in canonical form, after the hash of the entry before it."""
    return hashlib.sha256(previous + entry).digest()


_NAMES = tuple(field.name for field in fields(Change))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
