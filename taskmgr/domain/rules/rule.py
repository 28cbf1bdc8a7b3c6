"""The type of a rule, and the actions that its refusals can suggest as a fix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.model.task import TaskName
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.step import Step

# A rule returns None if it allows the step. Its name is the code of its refusals.
Rule = Callable[[Step, Facts], Refusal | None]

# The values of `Fix.action`, which clients may rely on.
FIX_ACTIONS = (
    "change_status",
    "assign",
    "resolve_blockers",
    "close_subtasks",
    "bin_subtasks",
    "reopen_parent",
    "restore_parent",
    "finish_task",
    "lower_urgent",
    "set_due_date",
    "ask_another",
    "give_reason",
    "unarchive_project",
    "choose_default_project",
)


def task_arguments(names: Sequence[TaskName]) -> Mapping[str, Any]:
    """Returns the arguments of a fix that concerns these tasks: their ids, and their keys in that order."""
    return {
        "task_ids": tuple(name.id for name in names),
        "task_keys": tuple(name.key for name in names),
    }


def move_first(status: str) -> Fix:
    """Returns the fix of moving the task to a status before the command is repeated."""
    text = f"Move it to {status} first."
    return Fix(action="change_status", text=text, arguments={"status": status})
