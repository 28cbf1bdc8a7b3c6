"""Turns marshmallow's tree of error messages into a list of field errors with their locations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import marshmallow as ma

from taskmgr.domain.model.errors import FieldError

# In one response: a body of a megabyte could contain a hundred thousand errors.
MAX_ERRORS = 100


def field_errors(error: ma.ValidationError, location: str, schema: ma.Schema) -> list[FieldError]:
    """Returns at most `MAX_ERRORS` errors, sorted by location; `location` is `body` or `query`."""
    errors = islice(_flatten(error.messages_dict, location, schema), MAX_ERRORS)
    return sorted(errors, key=lambda e: e.location)


def _flatten(messages: Any, location: str, schema: ma.Schema) -> Iterator[FieldError]:
    if isinstance(messages, dict) and "code" in messages:
        yield _field_error(messages, location, schema)
    elif isinstance(messages, dict):
        for name, inner in messages.items():
            inner_location = location if name == "_schema" else f"{location}.{name}"
            yield from _flatten(inner, inner_location, _inner_schema(schema, name, inner))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flatten(inner, location, schema)
    else:
        yield FieldError(location=location, code="invalid", detail=str(messages))


def _inner_schema(schema: ma.Schema, name: str, messages: Any) -> ma.Schema:
    """Returns the schema that the messages about a field are about."""
    field = schema.fields.get(name)
    is_about_inside = isinstance(field, ma.fields.Nested) and isinstance(messages, dict)
    return field.schema if is_about_inside else schema  # type: ignore[union-attr]


def _field_error(message: Mapping[str, Any], location: str, schema: ma.Schema) -> FieldError:
    within = message.get("within")
    allowed = message.get("allowed")
    code, detail = message["code"], message["detail"]
    if code == "unknown_field":
        allowed = sorted(field.data_key or name for name, field in schema.load_fields.items())
        if location.startswith("query"):
            code, detail = "unknown_parameter", "Unknown parameter."
    return FieldError(
        location=f"{location}.{within}" if within else location,
        code=code,
        detail=detail,
        allowed=None if allowed is None else tuple(allowed),
    )
