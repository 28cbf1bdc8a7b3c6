"""flask-smorest's blueprint, reading strictly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from flask_smorest import Blueprint as SmorestBlueprint

from taskmgr.api.parsing import StrictParser


class Blueprint(SmorestBlueprint):
    """A resource's endpoints."""

    ARGUMENTS_PARSER: ClassVar[StrictParser] = StrictParser()

    def body(self, schema: Any, **options: Any) -> Callable[[Any], Any]:
        """The JSON body, as the view's next positional argument."""
        return self.arguments(schema, location="json", **options)  # type: ignore[no-any-return]

    def query(self, schema: Any) -> Callable[[Any], Any]:
        """The parameters of the query, as the view's next positional argument."""
        return self.arguments(schema, location="query")  # type: ignore[no-any-return]


def takes(view: Any, place: str) -> bool:
    """Whether a view declares arguments in this place: `query` or `json`."""
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(p["in"] == place for p in arguments.get("parameters", ()))
