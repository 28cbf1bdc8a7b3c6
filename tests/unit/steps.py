"""Builds steps in one line and judges them, for the tests of the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.errors import Refusal
from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import TaskName
from taskmgr.domain.rules import rule_book
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule import FIX_ACTIONS, Rule
from taskmgr.domain.rules.step import Step
from tests.factories import NOW, SYSTEM, a_task, a_user, an_id

ME = an_id()
ADA, BOB = an_id(), an_id()
ONE, TWO = an_id(), an_id()
DUE = DueDate.at_instant(NOW + timedelta(days=9))
STATUSES = DEFAULT_WORKFLOW.statuses
URGENT, HIGH = Priority.URGENT, Priority.HIGH
GONE = a_user(username="gone", active=False)
CLOSED_PARENT = a_task(id=ONE, status="completed")
OPEN_PARENT = a_task(id=ONE, status="in_review")
FIVE = tuple(TaskName(an_id(), f"OPS-{number}", f"Task {number}") for number in range(1, 6))
THREE = FIVE[:3]
ONE_NAME, TWO_NAME = TaskName(ONE, "OPS-11", "Order the cables"), TaskName(TWO, "OPS-12", "Lay the cables")
FOUR_EYES = Policy(four_eyes=True)


def step(before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, **options: Any) -> Step:
    """Returns a change of a task with the fields `before` to the fields `after`."""
    task = a_task(**before or {})
    arguments: dict[str, Any] = {"policy": DEFAULT_POLICY, "by": SYSTEM, **options}
    return Step(before=task, after=replace(task, **after or {}), **arguments)


def creation(status: str = "todo", **fields: Any) -> Step:
    """Returns the creation of a task in a status, as a move from the initial one."""
    options = {name: fields.pop(name) for name in ("reason", "policy", "by", "override") if name in fields}
    return step(fields, {"status": status}, created=True, **options)


def restoring(**fields: Any) -> Step:
    return step({**fields, "deleted_at": NOW}, {"deleted_at": None})


def binning(**fields: Any) -> Step:
    return step(fields, {"deleted_at": NOW})


def moving(start: str, to: str, **fields: Any) -> Step:
    return step({"status": start, **fields}, {"status": to})


def codes(one: Step, **facts: Any) -> list[str]:
    return [refusal.code for refusal in rule_book.find_refusals(one, Facts(**facts))]


def refusal_of(rule: Rule, one: Step, **facts: Any) -> Refusal:
    refusal = rule(one, Facts(**facts))
    assert refusal is not None
    assert refusal.code == rule.__name__
    assert refusal.detail.endswith(".")
    assert refusal.fix is None or refusal.fix.action in FIX_ACTIONS
    return refusal


def refuses(rule: Rule, one: Step, **facts: Any) -> bool:
    refusal = rule(one, Facts(**facts))
    assert refusal is None or refusal.code == rule.__name__
    return refusal is not None
