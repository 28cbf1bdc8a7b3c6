"""Describes saved views, in requests and responses."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CompiledOutput,
    Input,
    Moment,
    Output,
    ParsedBoolean,
    ParsedList,
    ParsedText,
    id_field,
)
from taskmgr.api.schemas.bulk import NestedObject
from taskmgr.api.schemas.task_bodies import version
from taskmgr.api.schemas.task_queries import FIELDS, FILTERS, TaskListQuery
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.view import LAYOUT_KINDS, SWIMLANES
from taskmgr.domain.queries.parameters import SORT_NAMES
from taskmgr.domain.services.views import parse_view_sort

_SORT = {"x-list": {"items": {"type": "string", "enum": list(SORT_NAMES)}}}


class TaskFilters(TaskListQuery):
    """The filters of `GET /tasks` as an object. Their values are text, as in a query."""

    class Meta:
        fields = FILTERS
        unknown = ma.RAISE


class _GivenFilters(NestedObject):
    """Filters that are checked, and kept as they are given."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, *args, **kwargs)
        return value


def _names(allowed: Any, item: dict[str, Any], text: str) -> ParsedList:
    def parse(value: object) -> list[str]:
        names = allowed()
        return list(parsing.distinct(value, parsing.one_of_names(names), maximum=len(names)))

    return ParsedList(parse, item, allow_none=True, metadata={"description": text})


class ViewLayoutIn(Input):
    """How the view is shown. What is absent or null is shown as the client does by default."""

    kind = ParsedText(
        parsing.one_of_names(LAYOUT_KINDS), required=True, metadata={"enum": list(LAYOUT_KINDS)}
    )
    columns = _names(lambda: policy().workflow.statuses, {"x-status": True}, "Statuses, of a board.")
    swimlanes = ParsedText(
        parsing.one_of_names(SWIMLANES), allow_none=True, metadata={"enum": [*SWIMLANES, None]}
    )
    fields = _names(  # type: ignore[assignment] # marshmallow's own name, which it keeps apart
        lambda: FIELDS, {"enum": list(FIELDS)}, "What each card or row shows."
    )


def _name(**options: bool) -> ParsedText:
    return ParsedText(values.person_name, metadata=patterns.line(values.MAX_NAME_LENGTH), **options)


def _sort() -> ParsedText:
    return ParsedText(parse_view_sort, allow_none=True, metadata=_SORT)


def _shared() -> ParsedBoolean:
    text = "Whether everybody sees the view; otherwise only its owner does."
    return ParsedBoolean(values.boolean, metadata={"description": text})


class ViewIn(Input):
    """A new view. Without `filters` it has all tasks, and without `shared` it is private."""

    name = _name(required=True)
    filters = _GivenFilters(TaskFilters)
    sort = _sort()
    layout = NestedObject(ViewLayoutIn)
    shared = _shared()


class ViewPatch(Input):
    """Changes of a view: an absent field stays as it is. `filters` and `layout` are replaced as a whole."""

    name = _name()
    filters = _GivenFilters(TaskFilters)
    sort = _sort()
    layout = NestedObject(ViewLayoutIn)
    shared = _shared()
    version = version()


class ViewLayoutOut(Output):
    """How the view is shown; null means as the client does by default."""

    kind = fields.String(required=True, metadata={"enum": list(LAYOUT_KINDS)})
    columns = fields.List(fields.String(metadata={"x-status": "or another"}), required=True, allow_none=True)
    swimlanes = fields.String(required=True, allow_none=True, metadata={"enum": [*SWIMLANES, None]})
    fields = fields.List(  # type: ignore[assignment]
        fields.String(metadata={"enum": list(FIELDS)}), required=True, allow_none=True
    )


class ViewOut(CompiledOutput):
    """A saved view."""

    id = id_field("The view's id.")
    owner_id = id_field("The user who created it.")
    name = fields.String(required=True)
    filters = fields.Dict(
        required=True,
        metadata={
            "description": "The filters of `GET /tasks`, as texts; `label` may be a list of texts. Users are "
            "ids or `me`.",
            "additionalProperties": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
            },
        },
    )
    sort = fields.String(required=True, allow_none=True)
    layout = fields.Nested(ViewLayoutOut, required=True)
    shared = fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class NewViewOut(ViewOut):
    """A new view."""

    id = id_field("The view's id; null if it was created in a dry run.", allow_none=True)
