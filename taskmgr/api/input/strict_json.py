"""Parses JSON strictly, and writes it with orjson, including the domain's own types.

Rejected are duplicate keys, NaN and Infinity, lone surrogates, NUL, integers beyond 64 bits, more than 32
levels of nesting, objects with more than 1,000 keys, and keys with `$` or `.`, which MongoDB would read as
operators and paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.due_date import DueDate

MAX_DEPTH = 32
MAX_KEYS = 1_000  # every unknown key costs a lookup and an error of its own
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class Malformed(ValueError):
    """The text is not JSON, or not JSON that the API accepts; the message says why."""


def parse(data: bytes) -> Any:
    """Returns the value of a JSON text in UTF-8. Raises `Malformed`."""
    try:
        # orjson first: it limits the depth, while the standard library recurses until it fails.
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    if any(level > MAX_DEPTH for level in _levels(value)):
        raise Malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    # A second time, because orjson keeps the last of duplicate keys and turns large integers into floats.
    return json.loads(data, object_pairs_hook=_object, parse_int=_integer, parse_float=_number)


def _levels(value: Any) -> Iterator[int]:
    """Yields the level of every list and object, without recursion, and checks texts and numbers of keys."""
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        node, level = pending.pop()
        if isinstance(node, str):
            _require_no_nul(node)
        elif isinstance(node, dict | list):
            if isinstance(node, dict) and len(node) > MAX_KEYS:
                raise Malformed(f"An object has more than {MAX_KEYS} keys.")
            yield level
            pending.extend(
                (child, level + 1) for child in (node.values() if isinstance(node, dict) else node)
            )


def _require_no_nul(text: str) -> None:
    if "\0" in text:
        raise Malformed("Text must not contain NUL (U+0000).")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        _require_no_nul(key)
        if key in members:
            raise Malformed(f"The key {key!r} occurs twice.")
        if "$" in key or "." in key:
            raise Malformed(f"The key {key!r} contains $ or a dot.")
        members[key] = value
    return members


def _integer(digits: str) -> int:
    if len(digits) > len(str(_MIN_INTEGER)) or not _MIN_INTEGER <= int(digits) <= _MAX_INTEGER:
        raise Malformed("An integer does not fit into 64 bits.")
    return int(digits)


def _number(digits: str) -> int | float:
    """Returns an integer if the number has no fraction: 7.0 equals 7 (JSON Schema Core, 4.2.3)."""
    number = float(digits)
    return int(number) if number.is_integer() and _MIN_INTEGER <= number <= _MAX_INTEGER else number


def dumps(value: Any) -> bytes:
    """Returns JSON in UTF-8.

    Times are in UTC with milliseconds and `Z`; due dates are as they were set.
    """
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def serialises_itself(value: object) -> bool:
    """Returns True for a value with a method `to_json`, such as a task record."""
    return hasattr(value, "to_json")


def _plain(value: Any) -> Any:
    if serialises_itself(value):
        return orjson.Fragment(value.to_json())
    if isinstance(value, datetime):
        return format_instant(value.astimezone(UTC) if value.utcoffset() else value)
    if isinstance(value, DueDate):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


class OrjsonProvider(JSONProvider):
    """Makes Flask itself use the functions of this module."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return parse(s.encode() if isinstance(s, str) else s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")
