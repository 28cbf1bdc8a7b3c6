"""The rule book: all rules in their order, and the functions that apply them.

A rule is a pure function of a step and the facts that returns a `Refusal` or None. It judges the state that
the step leads to. A write, a dry run and the list of possible transitions all apply the same rules.

To add a rule: write it in the module of its subject, add it to `RULES`, and if it needs a new fact add that
to `Facts` and to the service that gathers them (`services/tasks/facts.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from taskmgr.domain.model.errors import Refusal, Refused
from taskmgr.domain.rules.assignment_rules import (
    assignee_inactive,
    assignee_required,
    urgent_limit_reached,
    wip_limit_reached,
)
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.priority_rules import task_closed, urgent_needs_due_date
from taskmgr.domain.rules.project_rules import project_archived
from taskmgr.domain.rules.relation_rules import (
    blocked_by_unfinished_tasks,
    chain_too_long,
    cycle,
    has_subtasks,
    open_subtasks,
    parent_closed,
    too_deep,
)
from taskmgr.domain.rules.rule import Rule
from taskmgr.domain.rules.status_rules import reason_required, reviewer_required, transition_not_allowed
from taskmgr.domain.rules.step import Step

RULES: tuple[Rule, ...] = (
    project_archived,
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
    """Returns the refusals of all rules, in the order of the rule book; empty if the step is allowed."""
    return tuple(refusal for rule in RULES if (refusal := rule(step, facts)) is not None)


def raise_unless_overridden(refusals: Sequence[Refusal], *, override: bool) -> bool:
    """Raises `Refused` with the refusals that hold: all, or with `override` those it cannot lift.

    Returns True if the override lifted a refusal, and False if there was none to lift.
    """
    remaining = [refusal for refusal in refusals if not (override and refusal.overridable)]
    if remaining:
        raise Refused(remaining)
    return bool(refusals)
