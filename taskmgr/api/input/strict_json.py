"""JSON in and out. In: one strict gate. Out: orjson, with the domain's own types.

What the gate refuses never comes near the database: duplicate keys, NaN and Infinity, lone
surrogates, NUL, integers beyond 64 bits, nesting over 32 levels, objects of over 1,000 keys, and
keys with `$` or `.`, which the database would read as operators and paths.
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
MAX_KEYS = 1_000  # each that is unknown costs a look and a mistake of its own
_LEAST, _MOST = -(2**63), 2**63 - 1
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class Malformed(ValueError):
    """This is not JSON as we take it; the text says what is wrong with it."""


def parse(data: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises `Malformed`."""
    try:
        # Fast, and bounded in depth, where the standard library's recursion is not.
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    if any(level > MAX_DEPTH for level in _levels(value)):
        raise Malformed(f"It is nested deeper than {MAX_DEPTH} levels.")
    # orjson keeps the last of duplicate keys and makes floats of large integers: look again.
    return json.loads(data, object_pairs_hook=_object, parse_int=_integer, parse_float=_number)


def _levels(value: Any) -> Iterator[int]:
    """The level of every list and object, without recursion; and the strings are looked at."""
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        here, level = pending.pop()
        if isinstance(here, str):
            _require_no_nul(here)
        elif isinstance(here, dict | list):
            if isinstance(here, dict) and len(here) > MAX_KEYS:
                raise Malformed(f"An object has more than {MAX_KEYS} keys.")
            yield level
            pending.extend(
                (child, level + 1) for child in (here.values() if isinstance(here, dict) else here)
            )


def _require_no_nul(text: str) -> None:
    if "\0" in text:
        raise Malformed("Text must not contain NUL (U+0000).")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        _require_no_nul(key)
        if key in found:
            raise Malformed(f"The key {key!r} is there twice.")
        if "$" in key or "." in key:
            raise Malformed(f"The key {key!r} contains $ or a dot.")
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if len(digits) > len(str(_LEAST)) or not _LEAST <= int(digits) <= _MOST:
        raise Malformed("A whole number is beyond 64 bits.")
    return int(digits)


def _number(digits: str) -> int | float:
    """JSON has one kind of number: 7.0 is as whole as 7 (JSON Schema Core, 4.2.3)."""
    number = float(digits)
    return int(number) if number.is_integer() and _LEAST <= number <= _MOST else number


def dumps(value: Any) -> bytes:
    """Returns JSON in UTF-8.

    Moments are in UTC with milliseconds and `Z`, due dates as they were given.
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
    raise TypeError(f"{type(value).__name__} has no form in JSON")


class OrjsonProvider(JSONProvider):
    """Makes Flask write what it writes with orjson."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return parse(s.encode() if isinstance(s, str) else s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")
