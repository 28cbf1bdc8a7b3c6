"""Rules about the assignee: whether a task needs one, whether they are active, and their limits."""

from __future__ import annotations

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule import task_arguments
from taskmgr.domain.rules.step import Step
from taskmgr.domain.rules.wording import counted_names


def assignee_required(step: Step, facts: Facts) -> Refusal | None:
    applies = step.changes_status or step.unassigns
    if not (applies and step.is_started_after and step.after.assignee_id is None):
        return None
    return Refusal(
        code="assignee_required",
        detail=f"A task in status {step.after.status} needs an assignee.",
        fix=Fix(action="assign", text="Assign it to a user."),
    )


def assignee_inactive(step: Step, facts: Facts) -> Refusal | None:
    assignee = facts.assignee
    if not step.needs_active_assignee or assignee is None or assignee.active:
        return None
    return Refusal(
        code="assignee_inactive",
        detail=f"The user {assignee.username} is deactivated.",
        fix=Fix(action="assign", text="Assign it to an active user."),
    )


def wip_limit_reached(step: Step, facts: Facts) -> Refusal | None:
    limit = step.policy.wip_limit
    if not (limit and step.counts_as_started and len(facts.started) >= limit):
        return None
    started = counted_names("started task", facts.started)
    return Refusal(
        code="wip_limit_reached",
        detail=f"The assignee already has {started}. The limit is {limit}.",
        fix=Fix(
            action="finish_task",
            text="Finish one of these tasks, or move one to a status that does not count as started.",
            arguments=task_arguments(facts.started),
        ),
        overridable=True,
    )


def urgent_limit_reached(step: Step, facts: Facts) -> Refusal | None:
    limit = step.policy.urgent_limit
    if not (limit and step.counts_as_urgent and len(facts.urgent) >= limit):
        return None
    urgent = counted_names("open urgent task", facts.urgent)
    return Refusal(
        code="urgent_limit_reached",
        detail=f"The assignee already has {urgent}. The limit is {limit}.",
        fix=Fix(
            action="lower_urgent",
            text="Close one of these tasks, or lower its priority.",
            arguments=task_arguments(facts.urgent),
        ),
        overridable=True,
    )
