"""Describes lists: pages with a cursor, and lists without pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.schemas.base import Output
from taskmgr.domain.queries.pages import Page


@dataclass(frozen=True, slots=True)
class PageResult:
    """A page, the cursor of the next one, and the keys to show of its rows (None for all)."""

    page: Page[Any]
    cursor: str | None
    keys: tuple[str, ...] | None = None


class ItemsOut(Output):
    """A list without pages."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {"items": self.fields["items"].inner.schema.dump(obj, many=True)}  # type: ignore[attr-defined]


class PageOut(Output):
    """A page of a list."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Returns the form of a `PageResult`."""
        page = obj.page
        items = self.fields["items"].inner.schema.dump(page.items, many=True)  # type: ignore[attr-defined]
        if obj.keys is not None:
            items = [{name: item[name] for name in obj.keys} for item in items]
        body = {"items": items, "next": obj.cursor}
        return body if page.total is None else body | {"total": page.total}


def items_of(schema: type[ma.Schema], name: str) -> type[ma.Schema]:
    """Returns the schema of a list without pages. `name` is its name in the OpenAPI document."""
    return type(name, (ItemsOut,), {"items": fields.List(fields.Nested(schema), required=True)})


def page_of(schema: type[ma.Schema], name: str) -> type[ma.Schema]:
    """Returns the schema of a page of a list. `name` is its name in the OpenAPI document."""
    return type(
        name,
        (PageOut,),
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next": fields.String(required=True, allow_none=True),
            "total": fields.Integer(metadata={"description": "Only with `total=true`."}),
        },
    )
