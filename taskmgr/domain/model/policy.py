"""The rules that a team may choose for itself, as one value: workflow, limits, switches.

This is the only place in the code that names a status.
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
    """What a team has agreed on.

    `wip_limit` and `urgent_limit` count tasks per assignee, 0 meaning no limit; `four_eyes` asks
    that somebody else than the assignee completes a task; `time_zone` is where a plain due date's
    day ends.
    """

    workflow: Workflow = field(default=DEFAULT_WORKFLOW)
    wip_limit: int = 5
    urgent_limit: int = 3
    four_eyes: bool = False
    time_zone: tzinfo = UTC


DEFAULT_POLICY = Policy()
