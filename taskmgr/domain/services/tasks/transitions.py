"""Judges every move of a task without making one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from taskmgr.domain.model.errors import Refusal
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions, rule_book
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.tasks.facts import FactFinder

_MISSING_REASON = "reason_required"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """A move of a task to one status.

    `requires` names what the command must contain for the move, such as `reason`. `reasons` are the
    refusals that the command would raise even with it; they are empty if the move is `allowed`.
    """

    to: str
    category: Category
    allowed: bool
    requires: tuple[str, ...]
    reasons: tuple[Refusal, ...]


def find_transitions(
    store: Store, policy: Policy, task: Task, *, by: Actor, now: datetime
) -> Sequence[Transition]:
    """Returns the moves of the task by this actor, in the order of the workflow's statuses."""
    missing_right = permissions.missing_right(by, Action.CHANGE_TASK, task)

    def judge(status: str) -> Transition:
        after = task.moved(status, now=now, workflow=policy.workflow)
        step = Step(before=task, after=after, policy=policy, by=by)
        refusals: tuple[Refusal, ...] = ()
        if after is not task:
            refusals = rule_book.find_refusals(step, FactFinder(store, policy).find(step))
        reasons = tuple(refusal for refusal in refusals if refusal.code != _MISSING_REASON)
        if missing_right is not None:
            reasons = (Refusal(code="not_permitted", detail=missing_right),)
        return Transition(
            to=status,
            category=policy.workflow.categories[status],
            allowed=not reasons,
            requires=tuple("reason" for refusal in refusals if refusal.code == _MISSING_REASON),
            reasons=reasons,
        )

    return [judge(status) for status in policy.workflow.statuses]
