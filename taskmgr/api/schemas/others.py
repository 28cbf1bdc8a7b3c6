"""The log, the workflow, health and the lists, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.schemas.base import Answer, Moment, Out, key_text
from taskmgr.domain.history.changes import ENTITIES, KINDS
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.queries.pages import Page


class ChangeOut(Out):
    """One entry of the log; `before` and `after` hold only the fields that changed."""

    id = key_text("The entry's id.")
    at = Moment(required=True)
    by = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    change_set = fields.String(required=True)
    entity = fields.String(required=True, metadata={"enum": list(ENTITIES)})
    entity_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)
    reason = fields.String(required=True, allow_none=True)
    override = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class ReceiptOut(Out):
    """All that a write answers to a token that may write and not read."""

    id = key_text("The id; null where something new was made dry.", allow_none=True)
    version = fields.Integer(required=True)


class WorkflowStatusOut(Answer):
    """A status of the workflow and those that it leads to."""

    name = fields.String(required=True, metadata={"x-status": True})
    category = fields.String(required=True, metadata={"enum": [c.value for c in Category]})
    transitions = fields.List(fields.String(metadata={"x-status": True}), required=True)


class LimitsOut(Answer):
    """How many tasks one assignee may have: started ones, and open urgent ones; 0 is no limit."""

    wip = fields.Integer(required=True)
    urgent = fields.Integer(required=True)


class WorkflowOut(Answer):
    """What a client needs to draw a board."""

    initial = fields.String(required=True, metadata={"x-status": True})
    statuses = fields.List(fields.Nested(WorkflowStatusOut), required=True)
    priorities = fields.List(fields.String(metadata={"enum": [p.value for p in Priority]}), required=True)
    limits = fields.Nested(LimitsOut, required=True)
    four_eyes = fields.Boolean(required=True)
    time_zone = fields.String(required=True)


class HealthOut(Answer):
    """How the service is."""

    status = fields.String(required=True)


class RootOut(Answer):
    """Where everything is."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page, the text of the cursor that leads on from it, and which keys of its rows were asked for."""

    page: Page[Any]
    cursor: str | None
    picked: tuple[str, ...] | None = None


class ItemsOut(Answer):
    """A list that comes whole."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {"items": self.fields["items"].inner.schema.dump(obj, many=True)}  # type: ignore[attr-defined]


class PageOut(Answer):
    """A page of a list."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """`obj` is a `Listed`."""
        page = obj.page
        items = self.fields["items"].inner.schema.dump(page.items, many=True)  # type: ignore[attr-defined]
        if obj.picked is not None:
            items = [{name: item[name] for name in obj.picked} for item in items]
        row = {"items": items, "next": obj.cursor}
        return row if page.total is None else row | {"total": page.total}


def items_of(schema: type[ma.Schema], name: str) -> type[ma.Schema]:
    """The schema of a list that comes whole."""
    return type(name, (ItemsOut,), {"items": fields.List(fields.Nested(schema), required=True)})


def page_of(schema: type[ma.Schema], name: str) -> type[ma.Schema]:
    """The schema of a page of a list."""
    return type(
        name,
        (PageOut,),
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next": fields.String(required=True, allow_none=True),
            "total": fields.Integer(metadata={"description": "With `total=true`."}),
        },
    )
