"""Reads the body and the query of a request strictly: nothing is guessed, converted or ignored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

import marshmallow as ma
from flask import Request

from taskmgr.api.input import strict_json
from taskmgr.api.input.field_errors import MAX_ERRORS, field_errors
from taskmgr.api.input.limits import read_body
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import current_request
from taskmgr.api.runtime import current_runtime
from taskmgr.api.schemas.base import Input
from taskmgr.domain.model.errors import FieldError, Invalid

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396
# Dashboards repeat their requests, so parsed queries are kept, by schema and query string.
_MAX_CACHED_QUERIES = 1_000
_MAX_CACHED_LENGTH = 1_000
_UNREADABLE = "The query cannot be read; see `errors`."


def parse_body(schema: Input) -> dict[str, Any]:
    """Returns the body of the current request, loaded by the schema.

    Raises `malformed`, `unsupported_media_type` and `invalid`.
    """
    body = _json_body(schema)
    try:
        return schema.load(body)  # type: ignore[no-any-return]
    except ma.ValidationError as error:
        errors = field_errors(error, "body", schema)
        raise ApiError("invalid", "Some values are not acceptable; see `errors`.", errors=errors) from error


def _json_body(schema: Input) -> Any:
    data = read_body()
    if not data:
        if schema.may_be_absent:
            return {}
        raise ApiError.malformed("body", "The body must be a JSON object.")
    _require_json(current_request())
    try:
        return strict_json.parse(data)
    except strict_json.Malformed as error:
        raise ApiError.malformed("body", str(error)) from error


def parse_query(schema: Input) -> dict[str, Any]:
    """Returns the query parameters of the current request, loaded by the schema. Raises `malformed`."""
    request = current_request()
    if not schema.is_timeless:
        return _load_query(request, schema)
    cache = current_runtime().parsed_queries
    key = (schema, request.query_string)
    parameters = cache.get(key)
    if parameters is None:
        parameters = _load_query(request, schema)
        if len(cache) >= _MAX_CACHED_QUERIES:
            cache.clear()
        if len(request.query_string) <= _MAX_CACHED_LENGTH:
            cache[key] = parameters
    return dict(parameters)


def _load_query(request: Request, schema: Input) -> dict[str, Any]:
    texts = _query_texts(request, schema)
    try:
        return schema.load(texts)  # type: ignore[no-any-return]
    except ma.ValidationError as error:
        errors = field_errors(error, "query", schema)
        raise ApiError("malformed", _UNREADABLE, errors=errors) from error


@contextmanager
def arguments_from_query(**parameters: str) -> Iterator[None]:
    """Raises `malformed` for arguments that a service finds invalid, in place of its `Invalid`.

    `parameters` are the names of the query parameters that the arguments come from.
    """
    try:
        yield
    except Invalid as invalid:
        errors = [replace(e, location=f"query.{parameters[e.location]}") for e in invalid.errors]
        raise ApiError("malformed", _UNREADABLE, errors=errors) from invalid


def _query_texts(request: Request, schema: Input) -> dict[str, Any]:
    """Returns the text of each parameter; a list of texts if it may be repeated."""
    require_readable_query(request)
    parameters: dict[str, Any] = {}
    errors = []
    for name, texts in request.args.lists():
        if isinstance(schema.fields.get(name), ma.fields.List):
            parameters[name] = texts
        elif len(texts) > 1:
            detail = "Must not be repeated."
            errors.append(FieldError(location=f"query.{name}", code="repeated", detail=detail))
        else:
            parameters[name] = texts[0]
    if errors:
        raise ApiError("malformed", "Some parameters are repeated; see `errors`.", errors=errors[:MAX_ERRORS])
    return parameters


def _require_json(request: Request) -> None:
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    types = (JSON, MERGE_PATCH) if request.method == "PATCH" else (JSON,)
    if request.mimetype not in types or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise ApiError("unsupported_media_type", "Send JSON in UTF-8 with `Content-Type: application/json`.")


def require_readable_query(request: Request) -> None:
    """Raises `malformed` for a query that is not UTF-8 or contains NUL, however it is escaped."""
    raw = unquote_to_bytes(request.query_string)
    try:
        readable = "\0" not in raw.decode("utf-8")
    except UnicodeDecodeError:
        readable = False
    if not readable:
        raise ApiError.malformed("query", "The query must be UTF-8 without NUL.")


def reject_query(request: Request) -> None:
    """Raises `malformed` for any parameter, in case it is the misspelt parameter of another endpoint."""
    require_readable_query(request)
    detail = "This endpoint accepts no parameters."
    errors = [
        FieldError(location=f"query.{name}", code="unknown_parameter", detail=detail, allowed=())
        for name in sorted(request.args)
    ]
    if errors:
        raise ApiError("malformed", detail, errors=errors)


def reject_body(request: Request) -> None:
    """Raises `malformed` for any body, because it may name a version that must not be ignored."""
    if "CONTENT_LENGTH" not in request.environ and "HTTP_TRANSFER_ENCODING" not in request.environ:
        return
    if request.content_length or "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        detail = "This endpoint accepts no body. Send a version in the query or in If-Match."
        raise ApiError.malformed("body", detail)
