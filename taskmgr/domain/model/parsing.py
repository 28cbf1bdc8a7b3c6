"""Parsers, which turn a raw value into the value that is kept, and functions that combine them.

A parser raises `BadValue` for a value that it does not accept. It accepts its own results and returns them
unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from taskmgr.domain.model.errors import FieldError, Invalid

E = TypeVar("E", bound=Enum)
T = TypeVar("T")
Parser = Callable[[Any], Any]

_MAX_REPEATS = 10  # how often each item of a list may be repeated, on average


class BadValue(ValueError):
    """A value that is not acceptable; `within` is the position of the mistake if the value is a list."""

    def __init__(
        self, code: str, detail: str, *, allowed: Collection[Any] | None = None, within: str = ""
    ) -> None:
        self.code = code
        self.detail = detail
        self.allowed = None if allowed is None else tuple(allowed)
        self.within = within
        super().__init__(detail)

    def at(self, location: str) -> FieldError:
        """Returns the mistake as a `FieldError` for the named field."""
        where = f"{location}.{self.within}" if self.within else location
        return FieldError(location=where, code=self.code, detail=self.detail, allowed=self.allowed)


def parse_fields(raw: Mapping[str, Any], parsers: Mapping[str, Parser]) -> dict[str, Any]:
    """Returns each value as parsed by the parser of its name. Raises `Invalid` with all mistakes at once."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in raw.items():
        if name not in parsers:
            errors.append(unknown_field(name, parsers))
            continue
        try:
            values[name] = parsers[name](value)
        except BadValue as bad:
            errors.append(bad.at(name))
    if errors:
        raise Invalid(errors)
    return values


def unknown_field(name: str, known: Iterable[str]) -> FieldError:
    """Returns the mistake of naming a field that does not exist, with the names that do."""
    return FieldError(location=name, code="unknown_field", detail="Unknown field.", allowed=tuple(known))


def optional(parser: Parser) -> Parser:
    """Returns the parser extended to accept None, which stays None."""
    return lambda value: None if value is None else parser(value)


def null_as(parser: Parser, empty: object) -> Parser:
    """Returns the parser extended to accept None, which it parses as `empty`."""
    return lambda value: parser(empty if value is None else value)


def not_null(parser: Parser) -> Parser:
    """Returns the parser with an error of its own for None."""

    def parse(value: Any) -> Any:
        if value is None:
            raise BadValue("null", "Must not be null.")
        return parser(value)

    return parse


def distinct(value: object, parser: Callable[[object], T], *, maximum: int) -> tuple[T, ...]:
    """Returns the items of a list, parsed, without duplicates, in the order of the list."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise BadValue("wrong_type", "Must be a list.")
    if len(value) > maximum * _MAX_REPEATS:  # parsing a megabyte of items would take too long
        raise BadValue("too_many", f"Must have at most {maximum} items; this has {len(value)}.")
    items: dict[T, None] = {}
    for position, item in enumerate(value):
        try:
            items[parser(item)] = None
        except BadValue as bad:
            raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=str(position)) from bad
    if len(items) > maximum:
        raise BadValue("too_many", f"Must have at most {maximum} items; this has {len(items)}.")
    return tuple(items)


def not_allowed(names: Collection[str], *, within: str = "") -> BadValue:
    """Returns the mistake of giving a name that is not among the allowed ones."""
    return BadValue("not_allowed", f"Must be one of: {', '.join(names)}.", allowed=names, within=within)


def one_of_names(names: Collection[str]) -> Callable[[object], str]:
    """Returns a parser that accepts only these names."""

    def parse(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise not_allowed(names)

    return parse


def one_of(kind: type[E]) -> Callable[[object], E]:
    """Returns a parser for an enumeration, which accepts its members and their values."""
    members = {member.value: member for member in kind}

    def parse(value: object) -> E:
        if isinstance(value, kind):
            return value
        if isinstance(value, str) and value in members:
            return members[value]
        raise not_allowed(members)

    return parse
