"""Describes the parameters of lists of tasks. A filter is a field of `TaskListQuery`."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import Input
from taskmgr.api.schemas.parameters import (
    Labels,
    boolean_filter,
    boolean_flag,
    comma_list,
    filter_list,
    filter_parser,
    parameter,
    projects_parameter,
    search_words,
    time_bound,
)
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.queries.parameters import CATEGORY_GROUPS, FILTER_PARSERS, SORT_NAMES, parse_sort

FILTERS = tuple(FILTER_PARSERS)
FIELDS = tuple(TaskOut().dump_fields)
INCLUDES = ("assignee", "derived")
_INCLUDE = (
    "`assignee` adds the assignee's username and name; `derived` adds what depends on the time and on "
    "other tasks."
)


class TaskListQuery(PageQuery):
    """A task must match all filters, and one of the values of a comma-separated list."""

    id = filter_list("id", {"pattern": patterns.TASK}, "Ids or keys.")
    project = projects_parameter("Keys or ids of projects.")
    status = filter_list("status", {"x-status": True}, "Names of statuses.")
    category = filter_list("category", {"enum": list(CATEGORY_GROUPS)}, "Categories of the task's status.")
    priority = filter_list("priority", {"enum": [p.value for p in Priority]}, "Priorities.")
    assignee = filter_list(
        "assignee",
        {"pattern": patterns.SOMEBODY},
        "Ids or usernames of assignees, `me`, or `none` for unassigned tasks.",
    )
    label = Labels(
        fields.String(metadata=patterns.LABEL),
        load_default=(),
        metadata={
            "maxItems": values.MAX_LABELS,
            "description": "A label. Repeat the parameter for tasks that have several labels.",
        },
    )
    created_by = filter_list(
        "created_by",
        {"pattern": patterns.ACTOR},
        "Ids or usernames of creators, `me`, or `system:…`.",
    )
    parent = filter_list(
        "parent",
        {"pattern": f"{patterns.TASK}|^none$"},
        "Ids or keys of parent tasks, or `none` for tasks that are not subtasks.",
    )
    blocked_by = filter_list(
        "blocked_by",
        {"pattern": patterns.TASK},
        "Ids or keys of tasks that block the task.",
    )
    blocked = boolean_filter("Whether the task waits for another that is neither completed nor in the bin.")
    overdue = boolean_filter("Whether the task is open and past its due date.")
    due = parameter(
        filter_parser("due"),
        enum=["any", "none"],
        description="`any` for tasks with a due date, `none` for tasks without one.",
    )
    due_from = time_bound("due_from", "Due at or after this time")
    due_to = time_bound("due_to", "Due before this time")
    created_from = time_bound("created_from", "Created at or after this time")
    created_to = time_bound("created_to", "Created before this time")
    updated_from = time_bound("updated_from", "Last changed at or after this time")
    updated_to = time_bound("updated_to", "Last changed before this time")
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
        **{
            "x-list": {
                "items": {"type": "string", "enum": list(SORT_NAMES)},
                "minItems": 1,
                "uniqueItems": True,
            }
        },
        description="Different sort keys, each with `-` for descending order. By default the newest task "
        "comes first, or with `q` the best match.",
    )


class IncludeQuery(Input):
    """The parameter of a request for one task."""

    is_timeless = True

    include = comma_list(parsing.one_of_names(INCLUDES), {"enum": list(INCLUDES)}, (), description=_INCLUDE)
