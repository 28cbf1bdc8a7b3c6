"""Provides what all schemas share: strict loading by the domain's parsers, and fast dumping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.parsing import BadValue


def error_message(code: str, detail: str, **more: Any) -> dict[str, Any]:
    """Returns a message for marshmallow's tree of errors, with a code."""
    return {"code": code, "detail": detail, **more}


FIELD_MESSAGES: dict[str, Any] = {
    "required": error_message("required", "Is required."),
    "null": error_message("null", "Must not be null."),
    "invalid": error_message("wrong_type", "Has the wrong type."),
    "invalid_utf8": error_message("wrong_type", "Must be text."),
    "validator_failed": error_message("invalid", "Is not acceptable."),
}


class Input(ma.Schema):
    """A part of a request. Unknown fields are errors, and every error has a code and says what is allowed."""

    error_messages: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "unknown": error_message("unknown_field", "Unknown field."),
        "type": error_message("wrong_type", "Must be a JSON object."),
    }
    may_be_absent: ClassVar[bool] = False  # True: an absent body counts as an empty object
    is_timeless: ClassVar[bool] = False  # True: a query always means the same, so it can be cached

    class Meta:
        unknown = ma.RAISE
        ordered = True


class Parsed(fields.Field[Any]):
    """A value that a parser of the domain reads. The parser, not the schema, knows the limits."""

    default_error_messages = FIELD_MESSAGES

    def __init__(self, parser: Callable[[Any], Any], **kwargs: Any) -> None:
        self.parser = parser
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self.parser(value)
        except BadValue as bad:
            more = {"allowed": bad.allowed, "within": bad.within}
            message = error_message(bad.code, bad.detail, **{k: v for k, v in more.items() if v})
            raise ma.ValidationError([message]) from bad


class ParsedText(Parsed, fields.String):
    """Text in the OpenAPI document."""


class ParsedBoolean(Parsed, fields.Boolean):
    """A boolean in the OpenAPI document."""


class ParsedInteger(Parsed, fields.Integer):
    """A whole number in the OpenAPI document."""


class ParsedObject(Parsed, fields.Dict):
    """An object in the OpenAPI document."""


class ParsedList(Parsed, fields.List[Any]):
    """A list of texts in the OpenAPI document."""

    def __init__(self, parser: Callable[[Any], Any], item: Mapping[str, Any], **kwargs: Any) -> None:
        self.parser = parser
        fields.List.__init__(self, fields.String(metadata=dict(item)), **kwargs)


Writer = Callable[[Any], dict[str, Any]]


class Moment(fields.DateTime):
    """A time in UTC, by RFC 3339 with milliseconds and `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return format_instant(value) if isinstance(value, datetime) else value

    def converter(self) -> Callable[[Any], Any]:
        return _moment_or_null


def _moment_or_null(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)


class EnumName(fields.String):
    """The value of a member of an enumeration."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value.value if isinstance(value, Enum) else value


class DueDate(fields.String):
    """A due date, in the form in which it was set."""

    def converter(self) -> Callable[[Any], Any]:
        return _text_or_null


def _text_or_null(value: Any) -> str | None:
    return None if value is None else str(value)


class CategoryOf(fields.String):
    """The category of a task's status in the policy in force; null if the policy does not define it."""

    source = "status"  # marshmallow's own `attribute` must not be another field's name

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> Any:
        return getattr(obj, self.source)

    def converter(self) -> Callable[[Any], Any]:
        return policy().workflow.category

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        category = self.converter()(value)
        return None if category is None else category.value


class Output(ma.Schema):
    """A response. Its schema in the OpenAPI document is open, because a later release may add fields."""

    class Meta:
        unknown = ma.EXCLUDE


class CompiledOutput(Output):
    """A response of plain fields, all of which are always present.

    marshmallow's own `dump` looks up every field of every object again. This one reads all attributes
    at once, and only converts the values of fields with a `converter`; orjson writes the others itself.
    A test compares both for every schema.
    """

    @cached_property
    def _plan(self) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], list[tuple[int, Any]]]:
        names = tuple(self.dump_fields)
        getter = attrgetter(*(_source(name, field) for name, field in self.dump_fields.items()))
        positions = enumerate(self.dump_fields.values())
        return names, getter, [(i, field) for i, field in positions if hasattr(field, "converter")]

    def writer(self) -> Writer:
        """Returns a function from an object to a form that `strict_json` writes.

        A list uses one function for all its rows, so what they share is looked up once.
        """
        names, getter, converting = self._plan
        converters = [(position, field.converter()) for position, field in converting]

        def write(obj: Any) -> dict[str, Any]:
            values = list(getter(obj))
            for position, convert in converters:
                values[position] = convert(values[position])
            return dict(zip(names, values, strict=False))

        return write

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Returns the form of an object, or of each of many."""
        write = self.writer()
        if self.many if many is None else many:
            return [write(item) for item in obj]
        return write(obj)


def _source(name: str, field: fields.Field[Any]) -> str:
    """Returns the name of the attribute that a field shows."""
    return str(getattr(field, "source", field.attribute or name))


def key_field(description: str, **options: Any) -> fields.String:
    """Returns the field of a task's key in a response."""
    metadata = {"pattern": patterns.STORED_TASK_KEY, "description": description}
    return fields.String(required=True, metadata=metadata, **options)


def id_field(description: str, **options: Any) -> fields.String:
    """Returns the field of an id in a response."""
    metadata = {"pattern": patterns.ID, "description": description}
    return fields.String(required=True, metadata=metadata, **options)
