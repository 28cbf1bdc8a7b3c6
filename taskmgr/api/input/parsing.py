"""Reads requests strictly: the body through the JSON gate, the query without guesses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

import marshmallow as ma
from flask import Request

from taskmgr.api.input import strict_json
from taskmgr.api.input.limits import whole_body
from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import this_app, this_request
from taskmgr.api.schemas.base import In
from taskmgr.domain.model.errors import FieldError

# What one answer tells: a body of a megabyte could make a hundred thousand mistakes.
MOST_ERRORS = 100
JSON = "application/json"
_KEPT = "taskmgr.queries"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396


def parse_body(schema: In) -> dict[str, Any]:
    """The body of the present request, by the schema.

    Raises `malformed`, `unsupported_media_type` and `invalid`.
    """
    given = _given_body(schema)
    try:
        return schema.load(given)  # type: ignore[no-any-return]
    except ma.ValidationError as error:
        errors = _first_mistakes(error.messages_dict, "body", schema)
        raise ApiError("invalid", "Some values are not acceptable; see `errors`.", errors=errors) from error


def _given_body(schema: In) -> Any:
    data = whole_body()
    if not data:
        if schema.may_be_absent:
            return {}
        raise _malformed_body("This takes a JSON object as its body.")
    _require_json(this_request())
    try:
        return strict_json.parse(data)
    except strict_json.Malformed as error:
        raise _malformed_body(str(error)) from error


# Dashboards ask the same again and again: what a query means is kept, by application and its text.
_MOST_KEPT = 1_000
_LONGEST_KEPT = 1_000


def parse_query(schema: In) -> dict[str, Any]:
    """The parameters of the present request, by the schema. Raises `malformed`."""
    asked = this_request()
    if not schema.is_timeless:
        return _load_query(asked, schema)
    kept = this_app().extensions.setdefault(_KEPT, {})
    key = (schema, asked.query_string)
    found = kept.get(key)
    if found is None:
        found = _load_query(asked, schema)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        if len(asked.query_string) <= _LONGEST_KEPT:
            kept[key] = found
    return dict(found)


def _load_query(asked: Request, schema: In) -> dict[str, Any]:
    given = _given_once(asked, schema)
    try:
        return schema.load(given)  # type: ignore[no-any-return]
    except ma.ValidationError as error:
        errors = _first_mistakes(error.messages_dict, "query", schema)
        raise ApiError("malformed", "The query cannot be read; see `errors`.", errors=errors) from error


def _given_once(asked: Request, schema: In) -> dict[str, Any]:
    """The parameters as text; lists of it where they may be repeated."""
    require_readable_query(asked)
    given: dict[str, Any] = {}
    errors = []
    for name, texts in asked.args.lists():
        if isinstance(schema.fields.get(name), ma.fields.List):
            given[name] = texts
        elif len(texts) > 1:
            errors.append(FieldError(location=f"query.{name}", code="repeated", detail="Must be given once."))
        else:
            given[name] = texts[0]
    if errors:
        raise ApiError("malformed", "The query cannot be read.", errors=errors)
    return given


def _require_json(req: Request) -> None:
    encoding = req.headers.get("Content-Encoding", "identity").lower()
    charset = req.mimetype_params.get("charset", "utf-8").lower()
    types = (JSON, MERGE_PATCH) if req.method == "PATCH" else (JSON,)
    if req.mimetype not in types or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise ApiError("unsupported_media_type", "Send JSON in UTF-8 with `Content-Type: application/json`.")


def require_readable_query(req: Request) -> None:
    """Raises `malformed` for a query that is not UTF-8 or contains NUL, however it is escaped."""
    raw = unquote_to_bytes(req.query_string)
    try:
        readable = "\0" not in raw.decode("utf-8")
    except UnicodeDecodeError:
        readable = False
    if not readable:
        text = "The query must be UTF-8 without NUL."
        error = FieldError(location="query", code="malformed", detail=text)
        raise ApiError("malformed", text, errors=[error])


def refuse_query(asked: Request) -> None:
    """For an endpoint that takes no parameters: a misspelt one must not be overlooked."""
    require_readable_query(asked)
    errors = [
        FieldError(
            location=f"query.{name}", code="unknown_parameter", detail="There are none here.", allowed=()
        )
        for name in sorted(asked.args)
    ]
    if errors:
        raise ApiError("malformed", "This endpoint takes no parameters.", errors=errors)


def refuse_body(asked: Request) -> None:
    """For an endpoint that takes no body: a version in one must not be overlooked."""
    if "CONTENT_LENGTH" not in asked.environ and "HTTP_TRANSFER_ENCODING" not in asked.environ:
        return
    if asked.content_length or "chunked" in asked.headers.get("Transfer-Encoding", "").lower():
        raise _malformed_body("This endpoint takes no body; a version goes into the query or into If-Match.")


def _malformed_body(detail: str) -> ApiError:
    error = FieldError(location="body", code="malformed", detail=detail)
    return ApiError("malformed", detail, errors=[error])


def _first_mistakes(messages: Any, place: str, schema: ma.Schema) -> list[FieldError]:
    return sorted(islice(_flattened(messages, place, schema), MOST_ERRORS), key=lambda e: e.location)


def _flattened(messages: Any, place: str, schema: ma.Schema) -> Iterator[FieldError]:
    """marshmallow's tree of messages as a list of mistakes with their places."""
    if isinstance(messages, dict) and "code" not in messages:
        for name, inner in messages.items():
            field = schema.fields.get(name)
            inside = (
                field.schema if isinstance(field, ma.fields.Nested) and isinstance(inner, dict) else schema
            )
            yield from _flattened(inner, place if name == "_schema" else f"{place}.{name}", inside)
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flattened(inner, place, schema)
    elif isinstance(messages, dict):
        yield _mistake(messages, place, schema)
    else:
        yield FieldError(location=place, code="invalid", detail=str(messages))


def _mistake(message: Mapping[str, Any], place: str, schema: ma.Schema) -> FieldError:
    within = message.get("within")
    allowed = message.get("allowed")
    code = message["code"]
    if code == "unknown_field":
        allowed = sorted(field.data_key or name for name, field in schema.load_fields.items())
        if place.startswith("query"):
            code, message = "unknown_parameter", {**message, "detail": "There is no such parameter."}
    return FieldError(
        location=f"{place}.{within}" if within else place,
        code=code,
        detail=message["detail"],
        allowed=None if allowed is None else tuple(allowed),
    )
