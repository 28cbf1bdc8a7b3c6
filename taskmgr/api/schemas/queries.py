"""The parameters of queries, read into the domain's own terms."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api import runtime
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import _MESSAGES, In, Parsed, mistake
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.domain.history.changes import ENTITIES, KINDS
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import parse_bound, parse_end, parse_start
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.priority import Priority, parse_priority
from taskmgr.domain.model.user import Role
from taskmgr.domain.model.workflow import CLOSED, OPEN, Category
from taskmgr.domain.queries.pages import DEFAULT_LIMIT, MAX_LIMIT
from taskmgr.domain.queries.search import MAX_SEARCH_LENGTH, parse_words
from taskmgr.domain.queries.task_query import TASK_SORTS, Sort
from taskmgr.domain.services.users import DEFAULT_TASKS_LIMIT, MAX_TASKS_LIMIT

MOST_IN_A_LIST = 100
_SORTS = [sign + key for key in TASK_SORTS for sign in ("", "-")]
_DATED = {"any": True, "none": False}
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
        if len(parts) > MOST_IN_A_LIST:
            raise BadValue("too_many", f"Must be at most {MOST_IN_A_LIST}; these are {len(parts)}.")
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
    if any(s.key not in TASK_SORTS for s in sorts):
        raise BadValue("not_allowed", f"Must be a comma list of: {', '.join(_SORTS)}.", allowed=_SORTS)
    if len({s.key for s in sorts}) < len(sorts):
        raise BadValue("repeated", "Each key may be there once.")
    return sorts


def identifier_or_none(text: str) -> str:
    """An id, or `none`."""
    return text if text == "none" else values.identifier(text)


def assignee(text: str) -> str:
    """An id, a username, `me` or `none`; who that is, is looked up later."""
    if text in values.RESERVED_USERNAMES or values.is_identifier(text):
        return text
    return values.username(text)


class Labels(fields.List[Any]):
    """A parameter that may be repeated: all of the labels."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return values.labels([value] if isinstance(value, str) else value)
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


def comma_list(
    parser: Callable[[str], Any], item: dict[str, Any], absent: Any = None, **metadata: Any
) -> Parameter:
    """A parameter that takes several values; `item` says what each may be, for OpenAPI."""
    described = {"items": {"type": "string", **item}, "minItems": 1, "maxItems": MOST_IN_A_LIST}
    return parameter(any_of(parser), absent, **{"x-list": described}, **metadata)


def _whole(least: int, most: int, absent: Any = None, **metadata: Any) -> Parameter:
    bounds = {"type": "integer", "minimum": least, "maximum": most}
    return parameter(whole(least, most), absent, **bounds, **metadata)


def _boolean(description: str) -> Parameter:
    return parameter(boolean, False, enum=["true", "false"], default="false", description=description)


def _whether(description: str) -> Parameter:
    """Either, neither where it is not given."""
    return parameter(boolean, enum=["true", "false"], description=description)


_BLANK_OFFSET = re.compile(r"\d \d\d:\d\d$")
_ENCODE_THE_PLUS = "A `+` in a URL stands for a blank: write `%2B`, or give the moment in UTC, with `Z`."


def _moment(parse: Callable[[str, tzinfo], Any]) -> Callable[[str], Any]:
    """Returns the parser of a date or moment, with a hint where a `+` has become a blank on its way."""

    def parse_text(text: str) -> Any:
        zone = runtime.policy().time_zone
        try:
            return parse(text, zone)
        except BadValue as bad:
            if _BLANK_OFFSET.search(text):
                raise BadValue(bad.code, f"{bad.detail} {_ENCODE_THE_PLUS}") from bad
            raise

    return parse_text


def _bound(description: str) -> Parameter:
    """One end of a span."""
    return parameter(
        _moment(parse_bound),
        **patterns.DATE_OR_MOMENT,
        description=f"{description}; a date means its whole day.",
    )


FILTERS = (
    "id", "status", "category", "priority", "assignee", "created_by", "label", "parent", "blocked_by",
    "blocked", "overdue", "due", "due_from", "due_to", "created_from", "created_to", "updated_from",
    "updated_to", "q", "bin",
)  # fmt: skip
FIELDS = tuple(TaskOut().dump_fields)
INCLUDES = ("assignee", "derived")
_INCLUDED = "`assignee` embeds who it is; `derived` adds what follows from the clock and other tasks."


class PageQuery(In):
    """Which page of a list."""

    is_timeless = True

    limit = _whole(1, MAX_LIMIT, DEFAULT_LIMIT, default=DEFAULT_LIMIT, description="How many items at most.")
    cursor = parameter(
        str,
        pattern="^[A-Za-z0-9_-]+$",
        description="`next` of the page before, under the same filters and sort.",
    )
    total = _boolean("Whether to count all that match, as `total`.")


class TaskListQuery(PageQuery):
    """Filters are ANDed; a comma means any of."""

    id = comma_list(values.identifier, {"pattern": patterns.ID}, description="Ids.")
    status = comma_list(
        lambda text: runtime.policy().workflow.parse(text),
        {"x-status": True},
        description="Statuses, by name.",
    )
    category = comma_list(category, {"enum": list(_CATEGORIES)}, description="Categories of statuses.")
    priority = comma_list(
        parse_priority, {"enum": [p.value for p in Priority]}, description="Priorities, by name."
    )
    assignee = comma_list(
        assignee, {"pattern": patterns.SOMEBODY}, description="Ids or usernames, `me`, or `none`."
    )
    label = Labels(
        fields.String(metadata=patterns.LABEL),
        load_default=(),
        metadata={"maxItems": values.MAX_LABELS, "description": "A label; repeat it for all of several."},
    )
    created_by = comma_list(
        values.actor_key, {"pattern": patterns.ACTOR}, description="Ids or usernames, `me`, or `system:…`."
    )
    parent = comma_list(
        identifier_or_none,
        {"pattern": "^([0-9a-f]{24}|none)$"},
        description="Ids of tasks that it is a subtask of, or `none`.",
    )
    blocked_by = comma_list(
        values.identifier, {"pattern": patterns.ID}, description="Ids of tasks, one of which it waits for."
    )
    blocked = _whether("Whether it waits for a task that is neither completed nor in the bin.")
    overdue = _whether("Whether it is open and past its due date.")
    due = parameter(
        parsing.one_of_names(tuple(_DATED)), enum=list(_DATED), description="`any` due date, or `none`."
    )
    due_from = _bound("Due from here on")
    due_to = _bound("Due before")
    created_from = _bound("Created from here on")
    created_to = _bound("Created before")
    updated_from = _bound("Last changed from here on")
    updated_to = _bound("Last changed before")
    q = parameter(
        parse_words,
        (),
        minLength=1,
        maxLength=MAX_SEARCH_LENGTH,
        examples=["login page"],
        description="Beginnings of words, all of which are in the title, the description or the labels, "
        "without regard to case and accents. The best match comes first unless `sort` is given.",
    )
    bin = _boolean("Whether to look inside the bin instead.")
    fields = comma_list(  # type: ignore[assignment] # marshmallow's own name, which it keeps apart
        parsing.one_of_names(FIELDS), {"enum": list(FIELDS)}, description="Only these keys of each task."
    )
    include = comma_list(parsing.one_of_names(INCLUDES), {"enum": list(INCLUDES)}, (), description=_INCLUDED)
    sort = parameter(
        sort,
        (),
        **{"x-list": {"items": {"type": "string", "enum": _SORTS}, "minItems": 1, "uniqueItems": True}},
        description="Each key once, `-` for descending. If not given, the newest come first, or with `q` the "
        "best match.",
    )


class ActivityListQuery(PageQuery):
    """Filters are ANDed; a comma means any of. A plain date means its whole day."""

    by = parameter(
        values.actor_key, pattern=patterns.ACTOR, description="A user's id or name, `me`, or `system:…`."
    )
    kind = comma_list(
        parsing.one_of_names(KINDS), {"enum": list(KINDS)}, description="What was done: `task.created`, …"
    )
    entity = parameter(parsing.one_of_names(ENTITIES), enum=list(ENTITIES), description="What was changed.")
    entity_id = parameter(values.identifier, pattern=patterns.ID, description="Which one was changed.")
    change_set = parameter(
        values.identifier, pattern=patterns.ID, description="The changes of one request or script call."
    )
    at_from = parameter(
        _moment(parse_start),
        **patterns.DATE_OR_MOMENT,
        description="A date, or a date-time with an offset: from there on.",
    )
    at_to = parameter(
        _moment(parse_end),
        **patterns.DATE_OR_MOMENT,
        description="A date (its whole day), or a date-time with an offset: up to there.",
    )


class UserListQuery(PageQuery):
    """Users come by username. Filters are ANDed; a comma means any of."""

    username = comma_list(values.username, patterns.USERNAME, description="Usernames.")
    q = parameter(
        parse_words,
        (),
        minLength=1,
        maxLength=MAX_SEARCH_LENGTH,
        examples=["ada"],
        description="Beginnings of words, all of which are in the username or the name, without regard to "
        "case and accents.",
    )
    role = comma_list(parsing.one_of(Role), {"enum": [role.value for role in Role]}, description="Roles.")
    active = _whether("Whether they are active.")
    include = parameter(
        parsing.one_of_names(("tasks",)),
        enum=["tasks"],
        description="`tasks` brings each user's tasks along.",
    )
    tasks_limit = _whole(
        0,
        MAX_TASKS_LIMIT,
        DEFAULT_TASKS_LIMIT,
        default=DEFAULT_TASKS_LIMIT,
        description="With `include=tasks`, how many tasks a user at most.",
    )

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def tasks_come_with_a_limit(self, data: dict[str, Any], given: Any, **_: Any) -> None:
        """Refuses a limit on tasks without tasks, unless it is the default: generated clients send those."""
        limited = "tasks_limit" in given and data.get("tasks_limit") != DEFAULT_TASKS_LIMIT
        if limited and "include" not in given:
            raise ma.ValidationError([mistake("not_allowed", "Takes `include=tasks`.")], "tasks_limit")


class TaskQueryOne(In):
    """What comes along with one task."""

    is_timeless = True

    include = comma_list(parsing.one_of_names(INCLUDES), {"enum": list(INCLUDES)}, (), description=_INCLUDED)


class WriteQuery(In):
    """Every write can be tried dry."""

    is_timeless = True

    dry_run = _boolean("Do it all, answer, and undo it.")


class BinQuery(WriteQuery):
    """A call without a body has its precondition in the query or in `If-Match`."""

    version = _whole(1, 2**63 - 1, description="The version that the caller has seen.")


class TokenListQuery(In):
    """Whose tokens."""

    user_id = parameter(
        values.identifier, pattern=patterns.ID, description="An admin's alone; one's own if not given."
    )
