"""What all schemas share: strict loading with the domain's own words, and a dump that is fast.

marshmallow's `dump` looks at every field of every object anew. Where a schema only renames
attributes, a tuple of getters says the same in a twentieth of the time; orjson then writes dates
and enumerations itself. A test holds the two against each other for every schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import fields

from taskmgr.api import runtime
from taskmgr.api.schemas import patterns
from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.parsing import BadValue


def mistake(code: str, detail: str, **more: Any) -> dict[str, Any]:
    """A message in marshmallow's tree of errors, with a code."""
    return {"code": code, "detail": detail, **more}


_MESSAGES: dict[str, Any] = {
    "required": mistake("required", "Must be given."),
    "null": mistake("null", "Must not be null."),
    "invalid": mistake("wrong_type", "Is of the wrong type."),
    "invalid_utf8": mistake("wrong_type", "Must be text."),
    "validator_failed": mistake("invalid", "Is not acceptable."),
}


# --- in


class In(ma.Schema):
    """What comes in: nothing unknown, and every mistake with a code and what is allowed."""

    error_messages: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "unknown": mistake("unknown_field", "Unknown field."),
        "type": mistake("wrong_type", "Must be a JSON object."),
    }
    may_be_absent: ClassVar[bool] = False  # an empty body is one without a field
    is_timeless: ClassVar[bool] = False  # what a query means is the same tomorrow, so that it can be kept

    class Meta:
        unknown = ma.RAISE
        ordered = True


class Command(In):
    """A body of parsed fields alone, without hooks: where it is right, it is read without detours.

    Where anything is wrong, marshmallow tells what.
    """

    @cached_property
    def _plan(self) -> list[tuple[str, Callable[[Any], Any], bool, bool]]:
        plan = []
        for name, field in self.load_fields.items():
            if not isinstance(field, Parsed) or field.validators or field.data_key or field.attribute:
                raise TypeError(f"{type(self).__name__}.{name} takes more than parsing")
            plan.append((name, field.parser, bool(field.allow_none), field.required))
        return plan

    def load(self, data: Any, **options: Any) -> Any:
        """The values of the fields that are given. Raises marshmallow's ValidationError."""
        found = self._right(data) if isinstance(data, dict) and not options else None
        return super().load(data, **options) if found is None else found

    def _right(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The values where they are all right and known, and none is missing."""
        found: dict[str, Any] = {}
        for name, parser, allow_none, required in self._plan:
            value = data.get(name)
            if value is not None:
                try:
                    found[name] = parser(value)
                except BadValue:
                    return None
            elif allow_none and name in data:
                found[name] = None
            elif required:
                return None
        return found if len(found) == len(data) else None


class Parsed(fields.Field[Any]):
    """A value that one of the domain's parsers reads: the limits stand there, not here."""

    default_error_messages = _MESSAGES

    def __init__(self, parser: Callable[[Any], Any], **kwargs: Any) -> None:
        self.parser = parser
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self.parser(value)
        except BadValue as bad:
            more = {"allowed": bad.allowed, "within": bad.within}
            message = mistake(bad.code, bad.detail, **{k: v for k, v in more.items() if v})
            raise ma.ValidationError([message]) from bad


class Text(Parsed, fields.String):
    """Text, for OpenAPI."""


class Flag(Parsed, fields.Boolean):
    """True or false, for OpenAPI."""


class Whole(Parsed, fields.Integer):
    """A whole number, for OpenAPI."""


class Texts(Parsed, fields.List[Any]):
    """A list of text, for OpenAPI."""

    def __init__(self, parser: Callable[[Any], Any], item: Mapping[str, Any], **kwargs: Any) -> None:
        self.parser = parser
        fields.List.__init__(self, fields.String(metadata=dict(item)), **kwargs)


# --- out

Writer = Callable[[Any], dict[str, Any]]


class Moment(fields.DateTime):
    """RFC 3339 in UTC with milliseconds and `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return format_instant(value) if isinstance(value, datetime) else value

    def converter(self) -> Callable[[Any], Any]:
        return _moment_or_null


def _moment_or_null(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)


class Name(fields.String):
    """A member of an enumeration, or any text, by its name."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value.value if isinstance(value, Enum) else value


class Due(fields.String):
    """A due date, as it was given."""

    def converter(self) -> Callable[[Any], Any]:
        return _text_or_null


def _text_or_null(value: Any) -> str | None:
    return None if value is None else str(value)


class CategoryOf(fields.String):
    """The category of a task's status, by the policy in force; null if the policy lacks the status."""

    source = "status"  # marshmallow's own `attribute` must not be another field's name

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> Any:
        return getattr(obj, self.source)

    def converter(self) -> Callable[[Any], Any]:
        return runtime.policy().workflow.category

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        category = self.converter()(value)
        return None if category is None else category.value


class Answer(ma.Schema):
    """Describes what is answered. The document leaves it open: a later release may add fields."""

    class Meta:
        unknown = ma.EXCLUDE


class Out(Answer):
    """What goes out: plain fields only, so that `dump` can be fast. Every key is always there.

    A field with a `converter` has its values changed on the way; orjson writes all others itself.
    """

    @cached_property
    def _plan(self) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], list[tuple[int, Any]]]:
        names = tuple(self.dump_fields)
        getter = attrgetter(*(getattr(field, "source", name) for name, field in self.dump_fields.items()))
        fields_ = enumerate(self.dump_fields.values())
        return names, getter, [(place, field) for place, field in fields_ if hasattr(field, "converter")]

    def writer(self) -> Writer:
        """What makes one object's fields into a form that `strict_json` writes.

        Made once for all rows of a list: it looks up but once what holds for all of them.
        """
        names, getter, converting = self._plan
        converters = [(place, field.converter()) for place, field in converting]

        def write(obj: Any) -> dict[str, Any]:
            values = list(getter(obj))
            for place, convert in converters:
                values[place] = convert(values[place])
            return dict(zip(names, values, strict=False))

        return write

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """The object's fields, or those of each of many."""
        write = self.writer()
        if self.many if many is None else many:
            return [write(item) for item in obj]
        return write(obj)


def key_text(description: str, **options: Any) -> fields.String:
    """An id, in an answer."""
    metadata = {"pattern": patterns.ID, "description": description}
    return fields.String(required=True, metadata=metadata, **options)
