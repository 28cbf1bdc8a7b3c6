"""The rules of priority and of relations: when each refuses, when it does not, and its fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskmgr.domain.model.errors import Fix
from taskmgr.domain.model.policy import DEFAULT_WORKFLOW, Policy
from taskmgr.domain.rules import rule_book
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.rule import task_arguments
from taskmgr.domain.rules.step import Step
from tests.unit.steps import (
    ADA,
    DUE,
    HIGH,
    ONE,
    ONE_NAME,
    THREE,
    TWO_NAME,
    URGENT,
    binning,
    creation,
    moving,
    refusal_of,
    refuses,
    restoring,
    step,
)

# --- task_closed


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_the_priority_of_a_closed_task_does_not_change(status: str) -> None:
    refusal = refusal_of(rule_book.task_closed, step({"status": status}, {"priority": HIGH}))
    (to,) = DEFAULT_WORKFLOW.transitions[status]
    assert refusal.fix == Fix(
        action="change_status", text=f"Move it to {to} first.", arguments={"status": to}
    )
    assert not refusal.overridable


@pytest.mark.parametrize("status", ["backlog", "todo", "in_progress", "in_review"])
def test_the_priority_of_an_open_task_changes(status: str) -> None:
    assert not refuses(rule_book.task_closed, step({"status": status}, {"priority": HIGH}))


def test_a_closed_task_may_change_otherwise() -> None:
    assert not refuses(rule_book.task_closed, step({"status": "completed"}, {"title": "Other"}))


def test_a_task_may_be_prioritised_in_the_command_that_reopens_it() -> None:
    one = step({"status": "cancelled"}, {"status": "todo", "priority": HIGH})
    assert not refuses(rule_book.task_closed, one)


def test_a_task_may_be_prioritised_in_the_command_that_closes_it() -> None:
    one = step({"status": "in_progress"}, {"status": "completed", "priority": HIGH})
    assert not refuses(rule_book.task_closed, one)


def test_a_task_created_as_closed_has_any_priority() -> None:
    assert not refuses(rule_book.task_closed, creation("cancelled", priority=HIGH))


def test_without_a_transition_out_of_the_closed_status_there_is_no_fix() -> None:
    transitions = {**DEFAULT_WORKFLOW.transitions, "completed": ()}
    policy = Policy(workflow=replace(DEFAULT_WORKFLOW, transitions=transitions))
    one = step({"status": "completed"}, {"priority": HIGH}, policy=policy)
    assert refusal_of(rule_book.task_closed, one).fix is None


# --- urgent_needs_due_date

UNDATED_AND_URGENT = {
    "raising": step({"priority": HIGH}, {"priority": URGENT}),
    "creating": creation(priority=URGENT),
    "undating": step({"priority": URGENT, "due_date": DUE}, {"due_date": None}),
    "both": step({"priority": HIGH, "due_date": DUE}, {"priority": URGENT, "due_date": None}),
}


@pytest.mark.parametrize("one", UNDATED_AND_URGENT.values(), ids=UNDATED_AND_URGENT)
def test_urgent_needs_a_due_date_or_a_reason(one: Step) -> None:
    refusal = refusal_of(rule_book.urgent_needs_due_date, one)
    assert refusal.fix is not None
    assert refusal.fix.action == "set_due_date"
    assert not refusal.overridable
    assert not refuses(rule_book.urgent_needs_due_date, replace(one, reason="At once."))


@pytest.mark.parametrize(
    "one",
    [
        step({"priority": HIGH, "due_date": DUE}, {"priority": URGENT}),
        step({"priority": HIGH}, {"priority": URGENT, "due_date": DUE}),
        creation(priority=URGENT, due_date=DUE),
        step({"priority": HIGH, "due_date": DUE}, {"due_date": None}),
        step({"priority": URGENT, "due_date": DUE}, {"priority": HIGH, "due_date": None}),
        step({"priority": URGENT}, {"title": "Other"}),
        restoring(priority=URGENT),
    ],
    ids=["dated", "dated with it", "created dated", "not urgent", "lowered with it", "edited", "restored"],
)
def test_a_due_date_or_another_priority_is_enough(one: Step) -> None:
    assert not refuses(rule_book.urgent_needs_due_date, one)


# --- urgent_limit_reached


COUNTED_AS_URGENT = {
    "raising": step({"assignee_id": ADA}, {"priority": URGENT}),
    "assigning": step({"priority": URGENT}, {"assignee_id": ADA}),
    "reopening": moving("cancelled", "todo", assignee_id=ADA, priority=URGENT),
    "restoring": restoring(assignee_id=ADA, priority=URGENT),
    "creating": creation(assignee_id=ADA, priority=URGENT),
}
NOT_COUNTED_AS_URGENT = {
    "moving": moving("todo", "in_progress", assignee_id=ADA, priority=URGENT),
    "not urgent": step({"priority": HIGH}, {"assignee_id": ADA}),
    "closed": step({"priority": URGENT, "status": "completed"}, {"assignee_id": ADA}),
    "nobody's": step({}, {"priority": URGENT}),
    "edited": step({"priority": URGENT, "assignee_id": ADA}, {"title": "Other"}),
    "restoring a closed one": restoring(assignee_id=ADA, priority=URGENT, status="completed"),
    "creating a closed one": creation("cancelled", assignee_id=ADA, priority=URGENT),
}


@pytest.mark.parametrize("one", COUNTED_AS_URGENT.values(), ids=COUNTED_AS_URGENT)
def test_one_more_urgent_task_than_the_limit_is_refused(one: Step) -> None:
    refusal = refusal_of(rule_book.urgent_limit_reached, one, urgent=THREE)
    assert (
        refusal.detail
        == f"The assignee already has 3 open urgent tasks: {', '.join(map(str, THREE))}. The limit is 3."
    )
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("lower_urgent", task_arguments(THREE))
    assert refusal.overridable


@pytest.mark.parametrize("one", COUNTED_AS_URGENT.values(), ids=COUNTED_AS_URGENT)
def test_the_limit_of_urgent_tasks_itself_may_be_reached(one: Step) -> None:
    assert not refuses(rule_book.urgent_limit_reached, one, urgent=THREE[:2])


@pytest.mark.parametrize("one", NOT_COUNTED_AS_URGENT.values(), ids=NOT_COUNTED_AS_URGENT)
def test_changes_that_add_no_urgent_task_ignore_the_limit(one: Step) -> None:
    assert not refuses(rule_book.urgent_limit_reached, one, urgent=THREE)


def test_a_limit_of_zero_urgent_tasks_means_no_limit() -> None:
    one = replace(COUNTED_AS_URGENT["raising"], policy=Policy(urgent_limit=0))
    assert not refuses(rule_book.urgent_limit_reached, one, urgent=THREE)


# --- relations


def test_a_task_cannot_wait_for_itself() -> None:
    refusal = refusal_of(
        rule_book.cycle, step({}, {"blocked_by": (ONE,)}), cycle=(ONE_NAME, TWO_NAME, ONE_NAME)
    )
    assert (
        refusal.detail
        == f"A task cannot wait for itself: {ONE_NAME} waits for {TWO_NAME} waits for {ONE_NAME}."
    )
    assert not refusal.overridable


def test_relations_without_a_ring_are_allowed() -> None:
    assert not refuses(rule_book.cycle, step({}, {"blocked_by": (ONE,)}))


def test_two_chains_that_are_too_long_to_follow_cannot_be_joined() -> None:
    refusal = refusal_of(rule_book.chain_too_long, step({}, {"blocked_by": (ONE,)}), chain_too_long=True)
    assert refusal.detail.startswith(f"More than {MAX_CHAIN_LENGTH} tasks in a row wait for this task")
    assert not refusal.overridable


def test_chains_that_can_be_followed_may_be_joined() -> None:
    assert not refuses(rule_book.chain_too_long, step({}, {"blocked_by": (ONE,)}))


@pytest.mark.parametrize("levels", [0, 1, 5])
def test_there_may_be_five_levels_of_subtasks(levels: int) -> None:
    assert not refuses(rule_book.too_deep, step({}, {"parent_id": ONE}), levels=levels)


def test_there_may_not_be_six_levels_of_subtasks() -> None:
    refusal = refusal_of(rule_book.too_deep, step({}, {"parent_id": ONE}), levels=6)
    assert refusal.detail == "There would be more than 5 levels of subtasks."
    assert not refusal.overridable


def test_a_task_with_subtasks_outside_the_bin_cannot_be_binned() -> None:
    refusal = refusal_of(rule_book.has_subtasks, binning(), subtasks=(ONE_NAME,))
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("bin_subtasks", task_arguments((ONE_NAME,)))
    assert not refusal.overridable


@pytest.mark.parametrize("one", [binning(), restoring(), step({}, {"title": "Other"})])
def test_without_subtasks_and_in_other_changes_nothing_is_refused(one: Step) -> None:
    facts = {} if one.binned else {"subtasks": (ONE_NAME,)}
    assert not refuses(rule_book.has_subtasks, one, **facts)
