"""The parameters of queries, read into the domain's own terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api import context
from taskmgr.api.schemas.base import _MESSAGES, In, Parsed, mistake
from taskmgr.domain import values
from taskmgr.domain.activity import ENTITIES, KINDS
from taskmgr.domain.due_date import parse_end, parse_start
from taskmgr.domain.priority import parse_priority
from taskmgr.domain.query import DEFAULT_LIMIT, DEFAULT_SORT, MOST_LIMIT, TASK_SORTS, Sort
from taskmgr.domain.services.users import DEFAULT_TASKS_LIMIT, MOST_TASKS_LIMIT
from taskmgr.domain.values import BadValue
from taskmgr.domain.workflow import CLOSED, OPEN, Category

_MOST_IN_A_LIST = 100
_CATEGORIES = {"open": OPEN, "closed": CLOSED, **{c.value: (c,) for c in Category}}


def boolean(text: str) -> bool:
    """`true` or `false`, nothing else."""
    if text not in ("true", "false"):
        raise BadValue("not_allowed", "Must be true or false.", allowed=("true", "false"))
    return text == "true"


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds, in plain digits."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
            raise BadValue("wrong_type", f"Must be a whole number from {least} to {most}.")
        if not least <= int(text) <= most:
            raise BadValue("out_of_range", f"Must be a whole number from {least} to {most}.")
        return int(text)

    return parse


def any_of(parser: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """A comma list, each part through the parser."""

    def parse(text: str) -> tuple[Any, ...]:
        parts = text.split(",")
        if len(parts) > _MOST_IN_A_LIST:
            raise BadValue("too_many", f"Must be at most {_MOST_IN_A_LIST}; these are {len(parts)}.")
        return tuple(dict.fromkeys(parser(part) for part in parts))

    return parse


def category(text: str) -> tuple[Category, ...]:
    """`open`, `closed`, or one of the four categories."""
    if text not in _CATEGORIES:
        raise BadValue("not_allowed", f"Must be one of: {', '.join(_CATEGORIES)}.", allowed=_CATEGORIES)
    return _CATEGORIES[text]


def sort(text: str) -> tuple[Sort, ...]:
    """A comma list of sort keys, `-` for descending, each once."""
    sorts = tuple(Sort(part.removeprefix("-"), part.startswith("-")) for part in text.split(","))
    allowed = [sign + key for key in TASK_SORTS for sign in ("", "-")]
    if any(s.key not in TASK_SORTS for s in sorts):
        raise BadValue("not_allowed", f"Must be a comma list of: {', '.join(allowed)}.", allowed=allowed)
    if len({s.key for s in sorts}) < len(sorts):
        raise BadValue("repeated", "Each key may be there once.")
    return sorts


def assignee(text: str) -> str:
    """An id, a username, `me` or `none`; who that is, is looked up later."""
    if text in values.RESERVED_USERNAMES or values.is_identifier(text):
        return text
    return values.username(text)


class Labels(fields.List[Any]):
    """A parameter that may be repeated: all of the labels."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return values.labels(value)
        except BadValue as bad:
            raise ma.ValidationError([mistake(bad.code, bad.detail)]) from bad


class Parameter(Parsed, fields.String):
    """A parameter of a query: text, whatever it stands for."""

    default_error_messages = _MESSAGES

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ma.ValidationError([mistake("wrong_type", "Must be text, as in a query.")])
        return super()._deserialize(value, attr, data, **kwargs)


def parameter(parser: Callable[[str], Any], absent: Any = None, **metadata: Any) -> Parameter:
    """An optional parameter; `absent` stands where it is not given, `metadata` is for OpenAPI."""
    return Parameter(parser, load_default=lambda: absent, metadata=metadata)


def _boolean(description: str) -> Parameter:
    return parameter(boolean, False, enum=["true", "false"], default="false", description=description)


FILTERS = ("id", "status", "category", "priority", "assignee", "label", "bin")
INCLUDES = ("assignee", "derived")
_INCLUDED = "`assignee` embeds who it is; `derived` adds what follows from the clock and other tasks."


class PageQuery(In):
    """Which page of a list."""

    limit = parameter(
        whole(1, MOST_LIMIT),
        DEFAULT_LIMIT,
        pattern="^[0-9]{1,3}$",
        description=f"How many items at the most: 1 to {MOST_LIMIT}, {DEFAULT_LIMIT} if not given.",
    )
    cursor = parameter(str, description="`next` of the page before, under the same filters and sort.")
    total = _boolean("Whether to count all that match, as `total`.")


class TaskListQuery(PageQuery):
    """Filters are ANDed; a comma means any of."""

    id = parameter(any_of(values.identifier), description="Ids.")
    status = parameter(
        any_of(lambda text: context.policy().workflow.parse(text)), description="Statuses, by name."
    )
    category = parameter(any_of(category), description=f"Categories of statuses: {', '.join(_CATEGORIES)}.")
    priority = parameter(any_of(parse_priority), description="low, medium, high, urgent.")
    assignee = parameter(any_of(assignee), description="Ids or usernames, `me`, or `none`.")
    label = Labels(
        fields.String(), load_default=(), metadata={"description": "A label; repeat it for all of several."}
    )
    bin = _boolean("Whether to look inside the bin instead.")
    include = parameter(
        any_of(values.one_of_names(INCLUDES)),
        (),
        description=_INCLUDED,
    )
    sort = parameter(
        sort, DEFAULT_SORT, description=f"A comma list of {', '.join(TASK_SORTS)}; `-` for descending."
    )


class ActivityListQuery(PageQuery):
    """Filters are ANDed; a comma means any of. A plain date means its whole day."""

    by = parameter(values.actor_key, description="A user's id or name, `me`, or `system:…`.")
    kind = parameter(any_of(values.one_of_names(KINDS)), description=f"Kinds: {', '.join(KINDS)}.")
    entity = parameter(values.one_of_names(ENTITIES), enum=list(ENTITIES), description="What was changed.")
    entity_id = parameter(values.identifier, description="Which one was changed.")
    change_set = parameter(values.identifier, description="The changes of one request or script call.")
    at_from = parameter(
        lambda text: parse_start(text, context.policy().time_zone),
        description="A date, or a date-time with an offset: from there on.",
    )
    at_to = parameter(
        lambda text: parse_end(text, context.policy().time_zone),
        description="A date (its whole day), or a date-time with an offset: up to there.",
    )


class UserListQuery(PageQuery):
    """Users come by username."""

    include = parameter(
        values.one_of_names(("tasks",)), enum=["tasks"], description="`tasks` brings each user's tasks along."
    )
    tasks_limit = parameter(
        whole(0, MOST_TASKS_LIMIT),
        DEFAULT_TASKS_LIMIT,
        pattern="^[0-9]{1,3}$",
        description=f"With `include=tasks`, how many tasks a user at the most: 0 to {MOST_TASKS_LIMIT}.",
    )


class TaskQueryOne(In):
    """What comes along with one task."""

    include = parameter(
        any_of(values.one_of_names(INCLUDES)),
        (),
        description=_INCLUDED,
    )


class WriteQuery(In):
    """Every write can be tried dry."""

    dry_run = _boolean("Do it all, answer, and undo it.")


class BinQuery(WriteQuery):
    """A call without a body has its precondition in the query or in `If-Match`."""

    version = parameter(whole(1, 2**63 - 1), description="The version that the caller has seen.")


class TokenListQuery(In):
    """Whose tokens."""

    user_id = parameter(values.identifier, description="An admin's alone; one's own if not given.")
