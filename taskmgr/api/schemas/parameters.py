"""Provides the fields of query parameters, and the parsers of their texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import FIELD_MESSAGES, Parsed, error_message
from taskmgr.domain.model import values
from taskmgr.domain.model.due_date import parse_bound
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.queries.search import MAX_SEARCH_LENGTH, parse_words

MAX_LIST_VALUES = 100
_BLANK_OFFSET = re.compile(r"\d \d\d:\d\d$")
_ENCODE_THE_PLUS = "A `+` in a URL stands for a space: write `%2B`, or give the time in UTC, with `Z`."


# --- parsers


def parse_boolean(text: str) -> bool:
    """Parses `true` and `false`."""
    if text not in ("true", "false"):
        raise BadValue("not_allowed", "Must be true or false.", allowed=("true", "false"))
    return text == "true"


def parse_integer(minimum: int, maximum: int) -> Callable[[str], int]:
    """Returns the parser of a number between two bounds, in decimal digits."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))):
            raise BadValue("wrong_type", f"Must be a whole number from {minimum} to {maximum}.")
        if not minimum <= int(text) <= maximum:
            raise BadValue("out_of_range", f"Must be a whole number from {minimum} to {maximum}.")
        return int(text)

    return parse


def parse_list(parser: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Returns the parser of a comma-separated list; `parser` reads each of its values."""

    def parse(text: str) -> tuple[Any, ...]:
        parts = text.split(",")
        if len(parts) > MAX_LIST_VALUES:
            raise BadValue("too_many", f"Must be at most {MAX_LIST_VALUES} values, not {len(parts)}.")
        return tuple(dict.fromkeys(parser(part) for part in parts))

    return parse


def parse_time(parse: Callable[[str, tzinfo], Any]) -> Callable[[str], Any]:
    """Returns the parser of a date or a time in the service's time zone.

    Its error has a hint if a `+` has become a space on the way.
    """

    def parse_text(text: str) -> Any:
        try:
            return parse(text, policy().time_zone)
        except BadValue as bad:
            if _BLANK_OFFSET.search(text):
                raise BadValue(bad.code, f"{bad.detail} {_ENCODE_THE_PLUS}") from bad
            raise

    return parse_text


# --- fields


class Labels(fields.List[Any]):
    """A parameter that may be repeated."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return values.labels([value] if isinstance(value, str) else value)
        except BadValue as bad:
            raise ma.ValidationError([error_message(bad.code, bad.detail)]) from bad


class Parameter(Parsed, fields.String):
    """A query parameter: text, whatever it stands for."""

    default_error_messages = FIELD_MESSAGES

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ma.ValidationError([error_message("wrong_type", "Must be text, as in a query.")])
        return super()._deserialize(value, attr, data, **kwargs)


def parameter(parser: Callable[[str], Any], load_default: Any = None, **metadata: Any) -> Parameter:
    """Returns an optional parameter. `metadata` is for the OpenAPI document."""
    return Parameter(parser, load_default=lambda: load_default, metadata=metadata)


def comma_list(
    parser: Callable[[str], Any], item: dict[str, Any], load_default: Any = None, **metadata: Any
) -> Parameter:
    """Returns a parameter with several values; `item` describes one of them in the OpenAPI document."""
    described = {"items": {"type": "string", **item}, "minItems": 1, "maxItems": MAX_LIST_VALUES}
    return parameter(parse_list(parser), load_default, **{"x-list": described}, **metadata)


def integer(minimum: int, maximum: int, default: int | None = None, **metadata: Any) -> Parameter:
    """Returns a parameter that is a whole number."""
    bounds = {"type": "integer", "minimum": minimum, "maximum": maximum}
    shown = {} if default is None else {"default": default}
    return parameter(parse_integer(minimum, maximum), default, **bounds, **shown, **metadata)


def boolean_flag(description: str) -> Parameter:
    """Returns a parameter that is false by default."""
    return parameter(parse_boolean, False, enum=["true", "false"], default="false", description=description)


def boolean_filter(description: str) -> Parameter:
    """Returns a parameter that filters by `true` or `false`, and filters nothing by default."""
    return parameter(parse_boolean, enum=["true", "false"], description=description)


def time_bound(description: str) -> Parameter:
    """Returns a parameter that is one end of a time span."""
    return parameter(
        parse_time(parse_bound),
        **patterns.DATE_OR_MOMENT,
        description=f"{description}; a date means its whole day.",
    )


def projects_parameter(description: str) -> Parameter:
    """Returns a parameter that filters by projects. The projects are looked up later."""
    return comma_list(values.project_reference, {"pattern": patterns.PROJECT}, description=description)


def search_words(example: str, description: str) -> Parameter:
    """Returns a parameter with the words of a search."""
    return parameter(
        parse_words, (), minLength=1, maxLength=MAX_SEARCH_LENGTH, examples=[example], description=description
    )
