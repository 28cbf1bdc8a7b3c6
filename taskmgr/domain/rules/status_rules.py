"""Rules about moving a task through the workflow: transitions, reasons, and the four-eyes rule."""

from __future__ import annotations

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule import move_first
from taskmgr.domain.rules.step import Step
from taskmgr.domain.rules.wording import joined


def transition_not_allowed(step: Step, facts: Facts) -> Refusal | None:
    workflow = step.policy.workflow
    start, to = step.before.status, step.after.status
    if workflow.leads(start, to):
        return None
    first = workflow.next_status_towards(start, to)
    return Refusal(
        code="transition_not_allowed",
        detail=_why_not(step),
        fix=move_first(first) if first else None,
    )


def _why_not(step: Step) -> str:
    workflow, start, to = step.policy.workflow, step.before.status, step.after.status
    if start not in workflow.categories:
        return (
            f"The policy has no status {start}. "
            f"Give its tasks another status with `taskmgr db map-status {start} NEW`."
        )
    targets = workflow.leads_to(start)
    if not targets:
        return f"A task cannot move from {start} to {to}: no transition leads from {start}."
    return f"A task cannot move from {start} to {to}. From {start} it can move to: {', '.join(targets)}."


def reviewer_required(step: Step, facts: Facts) -> Refusal | None:
    """Every user who has been the assignee since the task was last completed counts as having worked on it.

    Otherwise reassigning the task first would evade the rule.
    """
    is_assignee = step.by.user_id in (step.before.assignee_id, step.after.assignee_id)
    worked_on_it = is_assignee or facts.was_assignee
    if not (step.policy.four_eyes and step.completes and step.by.user_id and worked_on_it):
        return None
    who = "The assignee" if is_assignee else "A former assignee"
    return Refusal(
        code="reviewer_required",
        detail=f"{who} may not complete the task: the four-eyes rule requires another user.",
        fix=Fix(action="ask_another", text="Ask another user to complete it."),
        overridable=True,
    )


def reason_required(step: Step, facts: Facts) -> Refusal | None:
    needs_reason = {
        "cancelling": step.cancels,
        "reopening": step.reopens,
        "lowering from urgent": step.lowers_from_urgent,
        "overriding a rule": step.override,
    }
    reasons = [name for name, applies in needs_reason.items() if applies]
    if not reasons or step.reason:
        return None
    return Refusal(
        code="reason_required",
        detail=f"A reason is required for {joined(reasons, 'and')}.",
        fix=Fix(action="give_reason", text="Give the reason in `reason`."),
    )
