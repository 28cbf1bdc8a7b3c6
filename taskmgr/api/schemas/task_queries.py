"""Describes the parameters of lists of tasks. A filter is a field of `TaskListQuery`."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import Input
from taskmgr.api.schemas.parameters import (
    Labels,
    boolean_filter,
    boolean_flag,
    comma_list,
    parameter,
    projects_parameter,
    search_words,
    time_bound,
)
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.priority import Priority, parse_priority
from taskmgr.domain.model.workflow import CLOSED, OPEN, Category
from taskmgr.domain.queries.task_query import TASK_SORTS, Sort

FILTERS = (
    "id", "project", "status", "category", "priority", "assignee", "created_by", "label", "parent",
    "blocked_by", "blocked", "overdue", "due", "due_from", "due_to", "created_from", "created_to",
    "updated_from", "updated_to", "q", "bin",
)  # fmt: skip
FIELDS = tuple(TaskOut().dump_fields)
INCLUDES = ("assignee", "derived")
_INCLUDE = (
    "`assignee` adds the assignee's username and name; `derived` adds what depends on the time and on "
    "other tasks."
)
_SORTS = [sign + key for key in TASK_SORTS for sign in ("", "-")]
_CATEGORIES = {"open": OPEN, "closed": CLOSED, **{c.value: (c,) for c in Category}}


def parse_category(text: str) -> tuple[Category, ...]:
    """Parses `open`, `closed`, or one of the four categories."""
    if text not in _CATEGORIES:
        raise BadValue("not_allowed", f"Must be one of: {', '.join(_CATEGORIES)}.", allowed=_CATEGORIES)
    return _CATEGORIES[text]


def parse_sort(text: str) -> tuple[Sort, ...]:
    """Parses a comma-separated list of different sort keys, each with `-` for descending order."""
    sorts = tuple(Sort(part.removeprefix("-"), part.startswith("-")) for part in text.split(","))
    if any(s.key not in TASK_SORTS for s in sorts):
        detail = f"Must be a comma-separated list of: {', '.join(_SORTS)}."
        raise BadValue("not_allowed", detail, allowed=_SORTS)
    if len({s.key for s in sorts}) < len(sorts):
        raise BadValue("repeated", "Each key may occur only once.")
    return sorts


def parse_id_or_none(text: str) -> str:
    """Parses a task's id or key, or `none`."""
    return text if text == "none" else values.task_reference(text)


def parse_assignee(text: str) -> str:
    """Parses an id, a username, `me` or `none`. The user is looked up later."""
    if text in values.RESERVED_USERNAMES or values.is_identifier(text):
        return text
    return values.username(text)


class TaskListQuery(PageQuery):
    """A task must match all filters, and one of the values of a comma-separated list."""

    id = comma_list(values.task_reference, {"pattern": patterns.TASK}, description="Ids or keys.")
    project = projects_parameter("Keys or ids of projects.")
    status = comma_list(
        lambda text: policy().workflow.parse(text), {"x-status": True}, description="Names of statuses."
    )
    category = comma_list(
        parse_category, {"enum": list(_CATEGORIES)}, description="Categories of the task's status."
    )
    priority = comma_list(parse_priority, {"enum": [p.value for p in Priority]}, description="Priorities.")
    assignee = comma_list(
        parse_assignee,
        {"pattern": patterns.SOMEBODY},
        description="Ids or usernames of assignees, `me`, or `none` for unassigned tasks.",
    )
    label = Labels(
        fields.String(metadata=patterns.LABEL),
        load_default=(),
        metadata={
            "maxItems": values.MAX_LABELS,
            "description": "A label. Repeat the parameter for tasks that have several labels.",
        },
    )
    created_by = comma_list(
        values.actor_key,
        {"pattern": patterns.ACTOR},
        description="Ids or usernames of creators, `me`, or `system:…`.",
    )
    parent = comma_list(
        parse_id_or_none,
        {"pattern": f"{patterns.TASK}|^none$"},
        description="Ids or keys of parent tasks, or `none` for tasks that are not subtasks.",
    )
    blocked_by = comma_list(
        values.task_reference,
        {"pattern": patterns.TASK},
        description="Ids or keys of tasks that block the task.",
    )
    blocked = boolean_filter("Whether the task waits for another that is neither completed nor in the bin.")
    overdue = boolean_filter("Whether the task is open and past its due date.")
    due = parameter(
        parsing.one_of_names(("any", "none")),
        enum=["any", "none"],
        description="`any` for tasks with a due date, `none` for tasks without one.",
    )
    due_from = time_bound("Due at or after this time")
    due_to = time_bound("Due before this time")
    created_from = time_bound("Created at or after this time")
    created_to = time_bound("Created before this time")
    updated_from = time_bound("Last changed at or after this time")
    updated_to = time_bound("Last changed before this time")
    q = search_words(
        "login page",
        "Words, or the beginnings of words, that must all occur in the title, the description and the "
        "labels, or all in one comment. Case and accents are ignored. The best match comes first unless "
        "`sort` is given.",
    )
    bin = boolean_flag("Whether to list the tasks in the bin instead of all others.")
    fields = comma_list(  # type: ignore[assignment] # marshmallow's own name, which it keeps apart
        parsing.one_of_names(FIELDS),
        {"enum": list(FIELDS)},
        description="The only keys of each task to return.",
    )
    include = comma_list(parsing.one_of_names(INCLUDES), {"enum": list(INCLUDES)}, (), description=_INCLUDE)
    sort = parameter(
        parse_sort,
        (),
        **{"x-list": {"items": {"type": "string", "enum": _SORTS}, "minItems": 1, "uniqueItems": True}},
        description="Different sort keys, each with `-` for descending order. By default the newest task "
        "comes first, or with `q` the best match.",
    )


class IncludeQuery(Input):
    """The parameter of a request for one task."""

    is_timeless = True

    include = comma_list(parsing.one_of_names(INCLUDES), {"enum": list(INCLUDES)}, (), description=_INCLUDE)
