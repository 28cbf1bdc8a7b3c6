"""The rule book: every rule is a pure function of a step and the facts, and answers with refusals.

A *step* is what a command would make of one task: the state before and the state after. The rules
judge the resulting state; all of them are asked, and their refusals are collected in the order of
`RULES`. The same call answers a write, a dry run and "which moves are there?".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from taskmgr.domain.model.errors import Fix, Refusal, Refused
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.step import Step

MAX_SUBTASK_LEVELS = 5
# How far a row of waiting tasks is followed, one task waiting for the next.
MAX_CHAIN_LENGTH = 50

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
)


Rule = Callable[[Step, Facts], Refusal | None]


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids)


def transition_not_allowed(step: Step, facts: Facts) -> Refusal | None:
    workflow = step.policy.workflow
    start, to = step.before.status, step.after.status
    if workflow.leads(start, to):
        return None
    if start not in workflow.categories:
        told = f"`taskmgr db map-status {start} NEW` gives its tasks another."
        return Refusal(code="transition_not_allowed", detail=f"The policy has no status {start}: {told}")
    there_are = _listed(workflow.leads_to(start)) or "none"
    first = workflow.next_on_the_way(start, to)
    return Refusal(
        code="transition_not_allowed",
        detail=f"No transition leads from {start} to {to}; from {start} there are: {there_are}.",
        fix=_move_first(first) if first else None,
    )


def _move_first(status: str) -> Fix:
    text = f"Move it to {status} first."
    return Fix(action="change_status", text=text, arguments={"status": status})


def assignee_required(step: Step, facts: Facts) -> Refusal | None:
    concerned = step.moves or step.unassigns
    if not (concerned and step.started_after and step.after.assignee_id is None):
        return None
    return Refusal(
        code="assignee_required",
        detail=f"A task that is {step.after.status} must be assigned to somebody.",
        fix=Fix(action="assign", text="Assign it to somebody."),
    )


def assignee_inactive(step: Step, facts: Facts) -> Refusal | None:
    assignee = facts.assignee
    if not step.needs_active_assignee or assignee is None or assignee.active:
        return None
    return Refusal(
        code="assignee_inactive",
        detail=f"The user {assignee.username} is deactivated.",
        fix=Fix(action="assign", text="Assign it to somebody who is active."),
    )


def blocked_by_unfinished_tasks(step: Step, facts: Facts) -> Refusal | None:
    if not (step.starts or step.completes) or not facts.unresolved_blockers:
        return None
    return Refusal(
        code="blocked_by_unfinished_tasks",
        detail=f"It waits for tasks that are not completed: {_listed(facts.unresolved_blockers)}.",
        fix=Fix(
            action="resolve_blockers",
            text="Complete these tasks, or remove them from blocked_by.",
            arguments={"task_ids": facts.unresolved_blockers},
        ),
        overridable=True,
    )


def open_subtasks(step: Step, facts: Facts) -> Refusal | None:
    if not step.completes or not facts.open_subtasks:
        return None
    return Refusal(
        code="open_subtasks",
        detail=f"It has open subtasks: {_listed(facts.open_subtasks)}.",
        fix=Fix(
            action="close_subtasks",
            text="Complete or cancel these subtasks.",
            arguments={"task_ids": facts.open_subtasks},
        ),
        overridable=True,
    )


def parent_closed(step: Step, facts: Facts) -> Refusal | None:
    if facts.parent_binned:
        return Refusal(
            code="parent_closed",
            detail=f"The parent {step.after.parent_id} is in the bin.",
            fix=Fix(
                action="restore_parent",
                text="Restore the parent first.",
                arguments={"task_id": step.after.parent_id},
            ),
        )
    parent = facts.parent
    if parent is None or not step.meets_parent or not step.policy.workflow.is_closed(parent.status):
        return None
    return Refusal(
        code="parent_closed",
        detail=f"The parent {parent.id} is {parent.status}: it cannot have an open subtask.",
        fix=Fix(
            action="reopen_parent",
            text="Reopen the parent first.",
            arguments={"task_id": parent.id},
        ),
    )


def wip_limit_reached(step: Step, facts: Facts) -> Refusal | None:
    limit = step.policy.wip_limit
    if not (limit and step.counts_as_started and len(facts.started) >= limit):
        return None
    return Refusal(
        code="wip_limit_reached",
        detail=f"The assignee has {len(facts.started)} started tasks; the limit is {limit}.",
        fix=Fix(
            action="finish_task",
            text="Finish one of these tasks, or move it out of work.",
            arguments={"task_ids": facts.started},
        ),
        overridable=True,
    )


def reviewer_required(step: Step, facts: Facts) -> Refusal | None:
    """Handing the task on first does not help: whoever has been its assignee counts as having worked
    on it until it is completed, which takes somebody else."""
    is_assignee = step.by.user_id in (step.before.assignee_id, step.after.assignee_id)
    worked_on_it = is_assignee or facts.was_assignee
    if not (step.policy.four_eyes and step.completes and step.by.user_id and worked_on_it):
        return None
    who = "The assignee" if is_assignee else "Somebody who was its assignee"
    return Refusal(
        code="reviewer_required",
        detail=f"{who} may not complete it: somebody else has to look at it.",
        fix=Fix(action="ask_another", text="Ask somebody else to complete it."),
        overridable=True,
    )


def reason_required(step: Step, facts: Facts) -> Refusal | None:
    needs = {
        "cancelling": step.cancels,
        "reopening": step.reopens,
        "lowering from urgent": step.lowers_from_urgent,
        "overriding a rule": step.override,
    }
    asked = [what for what, needed in needs.items() if needed]
    if not asked or step.reason:
        return None
    return Refusal(
        code="reason_required",
        detail=f"{' and '.join(asked).capitalize()} takes a reason.",
        fix=Fix(action="give_reason", text="Say why, in `reason`."),
    )


def task_closed(step: Step, facts: Facts) -> Refusal | None:
    same = step.before.priority is step.after.priority
    was_closed = step.policy.workflow.is_closed(step.before.status)
    if same or step.appears or not was_closed or step.open_after:
        return None
    return Refusal(
        code="task_closed",
        detail=f"The task is {step.before.status}: the priority of a closed task does not change.",
        fix=_reopening(step),
    )


def _reopening(step: Step) -> Fix | None:
    workflow = step.policy.workflow
    ways = [to for to in workflow.leads_to(step.before.status) if workflow.is_open(to)]
    return _move_first(ways[0]) if ways else None


def urgent_needs_due_date(step: Step, facts: Facts) -> Refusal | None:
    undated = step.after.due_date is None
    concerned = step.becomes_urgent or (undated and step.before.due_date is not None)
    if not (concerned and undated and step.is_urgent) or step.reason:
        return None
    return Refusal(
        code="urgent_needs_due_date",
        detail="An urgent task needs a due date, or a reason why it has none.",
        fix=Fix(action="set_due_date", text="Give it a due date, or say why in `reason`."),
    )


def urgent_limit_reached(step: Step, facts: Facts) -> Refusal | None:
    limit = step.policy.urgent_limit
    if not (limit and step.counts_as_urgent and len(facts.urgent) >= limit):
        return None
    return Refusal(
        code="urgent_limit_reached",
        detail=f"The assignee has {len(facts.urgent)} open urgent tasks; the limit is {limit}.",
        fix=Fix(
            action="lower_urgent",
            text="Close one of these tasks, or lower its priority.",
            arguments={"task_ids": facts.urgent},
        ),
        overridable=True,
    )


def cycle(step: Step, facts: Facts) -> Refusal | None:
    if not facts.cycle:
        return None
    ring = " waits for ".join(facts.cycle)
    return Refusal(code="cycle", detail=f"Nothing can wait for itself: {ring}.")


def chain_too_long(step: Step, facts: Facts) -> Refusal | None:
    if not facts.chain_too_long:
        return None
    return Refusal(
        code="chain_too_long",
        detail=(
            f"More than {MAX_CHAIN_LENGTH} tasks in a row wait for it, and it would wait for more than "
            f"{MAX_CHAIN_LENGTH} in a row: two rows as long as that cannot be joined."
        ),
    )


def too_deep(step: Step, facts: Facts) -> Refusal | None:
    if facts.levels <= MAX_SUBTASK_LEVELS:
        return None
    return Refusal(
        code="too_deep",
        detail=f"There would be {facts.levels} levels of subtasks; at most {MAX_SUBTASK_LEVELS} may be.",
    )


def has_subtasks(step: Step, facts: Facts) -> Refusal | None:
    if not step.binned or not facts.subtasks:
        return None
    return Refusal(
        code="has_subtasks",
        detail=f"It has subtasks outside the bin: {_listed(facts.subtasks)}.",
        fix=Fix(
            action="bin_subtasks",
            text="Bin these subtasks first, or give them another parent.",
            arguments={"task_ids": facts.subtasks},
        ),
    )


RULES: tuple[Rule, ...] = (
    transition_not_allowed,
    assignee_required,
    assignee_inactive,
    blocked_by_unfinished_tasks,
    open_subtasks,
    parent_closed,
    wip_limit_reached,
    reviewer_required,
    reason_required,
    task_closed,
    urgent_needs_due_date,
    urgent_limit_reached,
    cycle,
    chain_too_long,
    too_deep,
    has_subtasks,
)


def find_refusals(step: Step, facts: Facts) -> tuple[Refusal, ...]:
    """Everything that stands against a step, in the order of the rule book; empty is a yes."""
    return tuple(refusal for rule in RULES if (refusal := rule(step, facts)) is not None)


def raise_unless_overridden(refusals: Sequence[Refusal], *, override: bool) -> bool:
    """Raises `Refused` with what stands; otherwise answers whether the override lifted anything."""
    standing = [refusal for refusal in refusals if not (override and refusal.overridable)]
    if standing:
        raise Refused(standing)
    return bool(refusals)
