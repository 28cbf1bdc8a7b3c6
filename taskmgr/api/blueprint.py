"""flask-smorest's blueprint, reading strictly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint as SmorestBlueprint

from taskmgr.api import strict_json
from taskmgr.api.parsing import StrictParser, parse_query


class Blueprint(SmorestBlueprint):
    """A resource's endpoints."""

    ARGUMENTS_PARSER: ClassVar[StrictParser] = StrictParser()

    def body(self, schema: Any, **options: Any) -> Callable[[Any], Any]:
        """The JSON body, as the view's next positional argument."""
        return self.arguments(_instance(schema), location="json", **options)  # type: ignore[no-any-return]

    def query(self, schema: Any) -> Callable[[Any], Any]:
        """The parameters of the query, as the view's next positional argument."""
        shape = _instance(schema)
        document = self.arguments(shape, location="query")

        def decorate(view: Callable[..., Any]) -> Any:
            @functools.wraps(document(view))
            def answer(*args: Any, **kwargs: Any) -> Any:
                return view(*args, parse_query(shape), **kwargs)

            return answer

        return decorate

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[Any], Any]:
        """How the view's answer is written: a thing, or a thing and headers.

        smorest's own goes over `jsonify` and looks for ETags and pages; like its arguments it only
        documents here.
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
                written = strict_json.dumps(shape.dump(thing))
                return Response(written, status_code, headers, mimetype="application/json")

            return functools.wraps(document(answer))(answer)

        return decorate


def _instance(schema: Any) -> Any:
    """A schema that is made once: making one costs more than loading most queries."""
    return schema() if isinstance(schema, type) else schema


@functools.cache
def takes(view: Any, place: str) -> bool:
    """Whether a view declares arguments in this place: `query` or `json`."""
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(p["in"] == place for p in arguments.get("parameters", ()))
