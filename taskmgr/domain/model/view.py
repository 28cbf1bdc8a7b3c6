"""Saved views: the filters, the sort and the layout with which somebody looks at tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict, cast

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.parsing import BadValue, Parser

MAX_VIEWS = 100  # of one user

LAYOUT_KINDS = ("board", "list")
SWIMLANES = ("assignee", "priority")
# What a card or a row can show: the fields of a task in the API.
VIEW_FIELDS = (
    "id", "key", "project", "title", "description", "status", "category", "priority", "due_date",
    "assignee_id", "labels", "parent_id", "blocked_by", "rank", "created_by", "created_at", "updated_at",
    "started_at", "completed_at", "status_changed_at", "reopen_count", "deleted_at", "version",
)  # fmt: skip

# The text of each filter, by the name of its parameter in a list of tasks; `label` may have several texts.
Filters = Mapping[str, str | Sequence[str]]


class Layout(TypedDict):
    """How a view is shown: a board or a list; None means what the client shows by default.

    `columns` are statuses, `swimlanes` what divides a board into rows, and `fields` what each card or row
    shows of its task.
    """

    kind: str
    columns: list[str] | None
    swimlanes: str | None
    fields: list[str] | None


DEFAULT_LAYOUT = Layout(kind="list", columns=None, swimlanes=None, fields=None)


@dataclass(kw_only=True, slots=True)
class View:
    """A saved view of its owner; everybody sees a shared one, and only the owner a private one.

    `filters` are those of a list of tasks, and `sort` is its order, or None for the default. Both are texts,
    as in a query. Usernames are stored as ids, so that a view survives their change.
    """

    id: str
    owner_id: str
    name: str
    filters: Filters
    sort: str | None
    layout: Layout
    shared: bool
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def name_key(self) -> str:
        """Returns what is unique among the views of one owner: the name without case."""
        return values.name_key(self.name)

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> View:
        """Returns this view with other values, as its next version."""
        return replace(self, **changes, updated_at=now, version=self.version + 1)


def layout_parser(statuses: Collection[str]) -> Parser:
    """Returns the parser of a layout whose columns are among these statuses. A missing key is None."""
    parsers: Mapping[str, Parser] = {
        "kind": parsing.one_of_names(LAYOUT_KINDS),
        "columns": parsing.optional(_names_among(statuses)),
        "swimlanes": parsing.optional(parsing.one_of_names(SWIMLANES)),
        "fields": parsing.optional(_names_among(VIEW_FIELDS)),
    }

    def parse(value: object) -> Layout:
        if not isinstance(value, Mapping):
            raise BadValue("wrong_type", "Must be an object.")
        for name in value:
            if name not in parsers:
                raise BadValue("unknown_field", "Unknown field.", allowed=tuple(parsers), within=str(name))
        if "kind" not in value:
            raise BadValue("required", "Is required.", within="kind")
        parsed = {name: _parsed(parse, value.get(name), within=name) for name, parse in parsers.items()}
        return cast("Layout", parsed)

    return parse


def _parsed(parse: Parser, value: object, *, within: str) -> Any:
    try:
        return parse(value)
    except BadValue as bad:
        inner = f"{within}.{bad.within}" if bad.within else within
        raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=inner) from bad


def _names_among(allowed: Collection[str]) -> Parser:
    parse_name = parsing.one_of_names(allowed)
    return lambda value: list(parsing.distinct(value, parse_name, maximum=len(allowed)))
