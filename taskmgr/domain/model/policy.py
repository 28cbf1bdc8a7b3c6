"""The policy: the workflow, limits and switches that a team chooses for itself.

This is the only module that names a status.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from taskmgr.domain.model.workflow import Category, Workflow

DEFAULT_WORKFLOW = Workflow(
    initial="todo",
    categories={
        "backlog": Category.UNSTARTED,
        "todo": Category.UNSTARTED,
        "in_progress": Category.STARTED,
        "in_review": Category.STARTED,
        "completed": Category.COMPLETED,
        "cancelled": Category.CANCELLED,
    },
    transitions={
        "backlog": ("todo", "cancelled"),
        "todo": ("backlog", "in_progress", "cancelled"),
        "in_progress": ("todo", "in_review", "completed", "cancelled"),
        "in_review": ("in_progress", "completed", "cancelled"),
        "completed": ("in_progress",),
        "cancelled": ("todo",),
    },
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The rules that a team has chosen.

    `wip_limit` and `urgent_limit` limit the started and the open urgent tasks of each assignee; 0 means no
    limit. With `four_eyes` the assignee of a task may not complete it. `time_zone` determines when the day
    of a plain due date ends.
    """

    workflow: Workflow = field(default=DEFAULT_WORKFLOW)
    wip_limit: int = 5
    urgent_limit: int = 3
    four_eyes: bool = False
    time_zone: tzinfo = UTC


DEFAULT_POLICY = Policy()
