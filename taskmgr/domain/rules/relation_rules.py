"""Rules about relations: blockers, parents and subtasks."""

from __future__ import annotations

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule import task_arguments
from taskmgr.domain.rules.step import Step
from taskmgr.domain.rules.wording import listed

MAX_SUBTASK_LEVELS = 5
# A chain of tasks, each waiting for the next, is followed for at most this many.
MAX_CHAIN_LENGTH = 50


def blocked_by_unfinished_tasks(step: Step, facts: Facts) -> Refusal | None:
    if not (step.starts or step.completes) or not facts.unresolved_blockers:
        return None
    return Refusal(
        code="blocked_by_unfinished_tasks",
        detail=f"The task is blocked by {listed('unfinished task', facts.unresolved_blockers)}.",
        fix=Fix(
            action="resolve_blockers",
            text="Complete these tasks, or remove them from `blocked_by`.",
            arguments=task_arguments(facts.unresolved_blockers),
        ),
        overridable=True,
    )


def open_subtasks(step: Step, facts: Facts) -> Refusal | None:
    if not step.completes or not facts.open_subtasks:
        return None
    return Refusal(
        code="open_subtasks",
        detail=f"The task has {listed('open subtask', facts.open_subtasks)}.",
        fix=Fix(
            action="close_subtasks",
            text="Complete or cancel these subtasks.",
            arguments=task_arguments(facts.open_subtasks),
        ),
        overridable=True,
    )


def parent_closed(step: Step, facts: Facts) -> Refusal | None:
    if (binned := facts.binned_parent) is not None:
        return Refusal(
            code="parent_closed",
            detail=f"The parent task {binned} is in the bin.",
            fix=Fix(
                action="restore_parent",
                text="Restore the parent first.",
                arguments={"task_id": binned.id, "task_key": binned.key},
            ),
        )
    parent = facts.parent
    if parent is None or not step.needs_open_parent or not step.policy.workflow.is_closed(parent.status):
        return None
    return Refusal(
        code="parent_closed",
        detail=f"The parent task {parent.name} is {parent.status}; a closed task cannot have open subtasks.",
        fix=Fix(
            action="reopen_parent",
            text="Reopen the parent first.",
            arguments={"task_id": parent.id, "task_key": parent.key},
        ),
    )


def cycle(step: Step, facts: Facts) -> Refusal | None:
    if not facts.cycle:
        return None
    ring = " waits for ".join(map(str, facts.cycle))
    return Refusal(code="cycle", detail=f"A task cannot wait for itself: {ring}.")


def chain_too_long(step: Step, facts: Facts) -> Refusal | None:
    if not facts.chain_too_long:
        return None
    return Refusal(
        code="chain_too_long",
        detail=(
            f"More than {MAX_CHAIN_LENGTH} tasks in a row wait for this task, and it would wait for more "
            f"than {MAX_CHAIN_LENGTH} in a row. Two chains of that length cannot be joined."
        ),
    )


def too_deep(step: Step, facts: Facts) -> Refusal | None:
    if facts.levels <= MAX_SUBTASK_LEVELS:
        return None
    return Refusal(
        code="too_deep",
        detail=f"There would be more than {MAX_SUBTASK_LEVELS} levels of subtasks.",
    )


def has_subtasks(step: Step, facts: Facts) -> Refusal | None:
    if not step.binned or not facts.subtasks:
        return None
    return Refusal(
        code="has_subtasks",
        detail=f"The task has {listed('subtask', facts.subtasks)}.",
        fix=Fix(
            action="bin_subtasks",
            text="Bin these subtasks first, or give them another parent.",
            arguments=task_arguments(facts.subtasks),
        ),
    )
