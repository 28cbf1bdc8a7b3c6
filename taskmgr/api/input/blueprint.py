"""Extends flask-smorest's blueprint: input is read strictly, and responses are written directly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import Response
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser

from taskmgr.api.input import strict_json
from taskmgr.api.input.parsing import parse_body, parse_query
from taskmgr.api.request_state import may_read_response
from taskmgr.api.schemas.receipt import RECEIPT


class _Parser(FlaskParser):
    """Replaces the parsing and the error handling of webargs, but not its decorators."""

    def parse(self, argmap: Any, req: Any = None, *, location: str | None = None, **_: Any) -> Any:  # noqa: ARG002
        return parse_body(argmap) if location == "json" else parse_query(argmap)


class Blueprint(SmorestBlueprint):
    """The endpoints of one resource. flask-smorest documents them; this class reads and writes for them."""

    ARGUMENTS_PARSER = _Parser()

    def body(self, schema: Any, **options: Any) -> Callable[[Any], Any]:
        """Passes the loaded JSON body to the view, as its next positional argument."""
        return self.arguments(_instance(schema), location="json", **options)  # type: ignore[no-any-return]

    def query(self, schema: Any) -> Callable[[Any], Any]:
        """Passes the loaded query parameters to the view, as its next positional argument."""
        return self.arguments(_instance(schema), location="query")  # type: ignore[no-any-return]

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[Any], Any]:
        """Writes what the view returns: a result, or a result and headers.

        flask-smorest's own decorator would call `jsonify`, and handle ETags and pages in its own way.
        """
        document = super().response(status_code, schema, **options)
        if schema is None:
            return document  # type: ignore[no-any-return]
        instance = _instance(schema)

        def decorate(view: Callable[..., Any]) -> Any:
            @functools.wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Response:
                returned = view(*args, **kwargs)
                if isinstance(returned, Response):
                    return returned
                result, headers = returned if isinstance(returned, tuple) else (returned, None)
                is_hidden = hasattr(result, "version") and not may_read_response()
                content = strict_json.dumps((RECEIPT if is_hidden else instance).dump(result))
                return Response(content, status_code, headers, content_type="application/json")

            return functools.wraps(document(wrapper))(wrapper)

        return decorate


def has_arguments(view: Any, location: str) -> bool:
    """Returns True if a view declares arguments in this location: `query` or `json`."""
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(parameter["in"] == location for parameter in arguments.get("parameters", ()))


def _instance(schema: Any) -> Any:
    """Returns one instance for all requests: creating a schema takes longer than loading most queries."""
    return schema() if isinstance(schema, type) else schema
