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
    """Returns an entry with JSON's types only: instants are texts as `format_instant` makes them.

    The hashes depend on this form for ever: a field that is added to `Change` has to be left out of the
    entries that do not have it. Raises `TypeError` or `ValueError` for what no command logs.
    """
    entry = {name: json_value(getattr(change, name)) for name in _NAMES}
    if change.private_to is not None:
        entry["private_to"] = change.private_to
    return entry


def canonical_json(entry: Any) -> bytes:
    """Returns a value of JSON's types in the canonical form of RFC 8785, in UTF-8.

    The log holds neither floating-point numbers nor names outside of ASCII. Without these, the standard
    library's sorted and compact form is the canonical one.
    """
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def next_hash(previous: bytes, entry: bytes) -> bytes:
    """Returns the hash of an entry in canonical form, after the hash of the entry before it."""
    return hashlib.sha256(previous + entry).digest()


_NAMES = tuple(field.name for field in fields(Change) if field.name != "private_to")


# Integers beyond this are not exact in every implementation of JSON (RFC 7493).
_MAX_INTEGER = 2**53 - 1


def json_value(value: Any) -> Any:
    """Returns a value with JSON's types only. Raises `TypeError` or `ValueError` for what no command logs."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, dict):
        return {_ascii(name): json_value(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, int) and abs(value) <= _MAX_INTEGER:
        return value
    raise TypeError(f"An entry cannot have a value of the type {type(value).__name__}.")


def _ascii(name: str) -> str:
    """Returns a field's name. RFC 8785 sorts other names than those in ASCII in a way of its own."""
    if not name.isascii():
        raise ValueError("An entry cannot have a name outside of ASCII.")
    return name
