"""flask-smorest's blueprint, reading strictly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response
from flask_smorest import Blueprint as SmorestBlueprint
from werkzeug.datastructures import Headers

from taskmgr.api.input import strict_json
from taskmgr.api.input.parsing import parse_body, parse_query
from taskmgr.api.runtime import is_shown_all
from taskmgr.api.schemas.others import ReceiptOut

# What a caller who may write and not read is shown of a thing with a version.
RECEIPT = ReceiptOut()
_WITH_BODY = (HTTPStatus.OK, HTTPStatus.CREATED)


class _Written(Response):
    """An answer whose length is known."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """As they are, where werkzeug has nothing to leave out; it would copy them all to see."""
        return self.headers if self.status_code in _WITH_BODY else super().get_wsgi_headers(environ)


class Blueprint(SmorestBlueprint):
    """A resource's endpoints. smorest documents them; what they read and write is read and written here."""

    def body(self, schema: Any, **options: Any) -> Callable[[Any], Any]:
        """The JSON body, as the view's next positional argument."""
        return self._reading("json", parse_body, schema, **options)

    def query(self, schema: Any) -> Callable[[Any], Any]:
        """The parameters of the query, as the view's next positional argument."""
        return self._reading("query", parse_query, schema)

    def _reading(
        self, place: str, parse: Callable[[Any], dict[str, Any]], schema: Any, **options: Any
    ) -> Callable[[Any], Any]:
        shape = _instance(schema)
        document = self.arguments(shape, location=place, **options)

        def decorate(view: Callable[..., Any]) -> Any:
            @functools.wraps(document(view))
            def answer(*args: Any, **kwargs: Any) -> Any:
                return view(*args, parse(shape), **kwargs)

            return answer

        return decorate

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[Any], Any]:
        """How the view's answer is written: a thing, or a thing and headers.

        smorest's own goes over `jsonify` and looks for ETags and pages.
        """
        document = super().response(status_code, schema, **options)
        if schema is None:
            return document  # type: ignore[no-any-return]
        shape = _instance(schema)

        def decorate(view: Callable[..., Any]) -> Any:
            @functools.wraps(view)
            def answer(*args: Any, **kwargs: Any) -> Response:
                result = view(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                thing, headers = result if isinstance(result, tuple) else (result, None)
                cut = hasattr(thing, "version") and not is_shown_all()
                written = strict_json.dumps((RECEIPT if cut else shape).dump(thing))
                return _Written(written, status_code, headers, content_type="application/json")

            return functools.wraps(document(answer))(answer)

        return decorate


def _instance(schema: Any) -> Any:
    """A schema that is made once: making one costs more than loading most queries."""
    return schema() if isinstance(schema, type) else schema


def takes(view: Any, place: str) -> bool:
    """Whether a view declares arguments in this place: `query` or `json`."""
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(p["in"] == place for p in arguments.get("parameters", ()))
