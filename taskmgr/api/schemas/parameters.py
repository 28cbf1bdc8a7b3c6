"""Provides the fields of query parameters, and the parsers of their texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import FIELD_MESSAGES, Parsed, error_message
from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.queries import parameters
from taskmgr.domain.queries.parameters import FILTER_PARSERS, MAX_LIST_VALUES, parse_boolean, parse_list
from taskmgr.domain.queries.search import MAX_SEARCH_LENGTH, parse_words

# --- parsers


def parse_integer(minimum: int, maximum: int) -> Callable[[str], int]:
    """Returns the parser of a number between two bounds, in decimal digits."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))):
            raise BadValue("wrong_type", f"Must be a whole number from {minimum} to {maximum}.")
        if not minimum <= int(text) <= maximum:
            raise BadValue("out_of_range", f"Must be a whole number from {minimum} to {maximum}.")
        return int(text)

    return parse


def parse_time(parse: Callable[[str, tzinfo], Any]) -> Callable[[str], Any]:
    """Returns the parser of a date or a time in the service's time zone."""
    return lambda text: parameters.parse_time(text, parse, policy())


def filter_parser(name: str) -> Callable[[str], Any]:
    """Returns the parser of a filter of lists of tasks, which depends on the policy in force."""
    parse = FILTER_PARSERS[name]
    return lambda text: parse(text, policy())


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
    return parameter(parse_list(parser), load_default, **_described_list(item), **metadata)


def _described_list(item: dict[str, Any]) -> dict[str, Any]:
    return {"x-list": {"items": {"type": "string", **item}, "minItems": 1, "maxItems": MAX_LIST_VALUES}}


def filter_list(name: str, item: dict[str, Any], description: str) -> Parameter:
    """Returns a filter of lists of tasks with several values; `item` describes one of them."""
    return parameter(filter_parser(name), **_described_list(item), description=description)


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


def time_bound(name: str, description: str) -> Parameter:
    """Returns a filter of lists of tasks that is one end of a time span."""
    return parameter(
        filter_parser(name),
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
