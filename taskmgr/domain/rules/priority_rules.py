"""Rules about the priority of a single task; the limit of urgent tasks is in `assignment_rules.py`."""

from __future__ import annotations

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule import move_first
from taskmgr.domain.rules.step import Step


def task_closed(step: Step, facts: Facts) -> Refusal | None:
    is_same = step.before.priority is step.after.priority
    was_closed = step.policy.workflow.is_closed(step.before.status)
    if is_same or step.appears or not was_closed or step.is_open_after:
        return None
    return Refusal(
        code="task_closed",
        detail=f"The task is {step.before.status}; the priority of a closed task cannot be changed.",
        fix=_reopening(step),
    )


def _reopening(step: Step) -> Fix | None:
    workflow = step.policy.workflow
    open_statuses = [to for to in workflow.leads_to(step.before.status) if workflow.is_open(to)]
    return move_first(open_statuses[0]) if open_statuses else None


def urgent_needs_due_date(step: Step, facts: Facts) -> Refusal | None:
    has_due_date = step.after.due_date is not None
    loses_due_date = step.before.due_date is not None and not has_due_date
    applies = step.is_urgent and (step.becomes_urgent or loses_due_date)
    if not applies or has_due_date or step.reason:
        return None
    return Refusal(
        code="urgent_needs_due_date",
        detail="An urgent task needs a due date, or a reason why it has none.",
        fix=Fix(action="set_due_date", text="Set a due date, or give the reason in `reason`."),
    )
