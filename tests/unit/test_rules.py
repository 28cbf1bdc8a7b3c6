"""Each rule of moves: when it refuses, when it does not, and the fix that it suggests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskmgr.domain.model.errors import Fix, Refusal
from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.domain.rules import rule_book
from taskmgr.domain.rules.rule import task_arguments
from taskmgr.domain.rules.step import Step
from tests.factories import a_user, an_actor
from tests.unit.steps import (
    ADA,
    BOB,
    CLOSED_PARENT,
    FIVE,
    FOUR_EYES,
    GONE,
    HIGH,
    ME,
    ONE,
    ONE_NAME,
    OPEN_PARENT,
    STATUSES,
    TWO_NAME,
    URGENT,
    binning,
    codes,
    creation,
    moving,
    refusal_of,
    refuses,
    restoring,
    step,
)

# --- transition_not_allowed


@pytest.mark.parametrize("start", STATUSES)
@pytest.mark.parametrize("to", STATUSES)
def test_a_move_follows_a_transition_of_the_workflow(start: str, to: str) -> None:
    allowed = start == to or to in DEFAULT_WORKFLOW.transitions[start]
    assert refuses(rule_book.transition_not_allowed, moving(start, to)) is not allowed


@pytest.mark.parametrize("to", STATUSES)
def test_a_creation_is_judged_as_a_move_from_the_initial_status(to: str) -> None:
    allowed = to == "todo" or to in DEFAULT_WORKFLOW.transitions["todo"]
    assert refuses(rule_book.transition_not_allowed, creation(to)) is not allowed


def test_a_missing_transition_is_refused_with_the_possible_ones_and_a_fix() -> None:
    assert refusal_of(rule_book.transition_not_allowed, moving("backlog", "completed")) == Refusal(
        code="transition_not_allowed",
        detail="A task cannot move from backlog to completed. From backlog it can move to: todo, cancelled.",
        fix=Fix(action="change_status", text="Move it to todo first.", arguments={"status": "todo"}),
    )


def test_without_a_path_to_the_status_there_is_no_fix() -> None:
    transitions = {**DEFAULT_WORKFLOW.transitions, "completed": ()}
    policy = Policy(workflow=replace(DEFAULT_WORKFLOW, transitions=transitions))
    one = step({"status": "completed"}, {"status": "todo"}, policy=policy)
    refusal = refusal_of(rule_book.transition_not_allowed, one)
    assert refusal.fix is None
    assert refusal.detail.endswith("no transition leads from completed.")


# --- assignee_required


@pytest.mark.parametrize(
    ("start", "to"), [("todo", "in_progress"), ("completed", "in_progress"), ("in_progress", "in_review")]
)
def test_entering_a_started_status_needs_an_assignee(start: str, to: str) -> None:
    refusal = refusal_of(rule_book.assignee_required, moving(start, to))
    assert refusal.fix == Fix(action="assign", text="Assign it to a user.")
    assert not refusal.overridable
    assert not refuses(rule_book.assignee_required, moving(start, to, assignee_id=ADA))


@pytest.mark.parametrize("to", ["backlog", "todo", "completed", "cancelled"])
def test_entering_another_status_needs_no_assignee(to: str) -> None:
    assert not refuses(rule_book.assignee_required, moving("in_progress", to))


@pytest.mark.parametrize("status", ["in_progress", "in_review"])
def test_a_started_task_cannot_be_unassigned(status: str) -> None:
    assert refuses(
        rule_book.assignee_required, step({"status": status, "assignee_id": ADA}, {"assignee_id": None})
    )


@pytest.mark.parametrize("status", ["backlog", "todo", "completed", "cancelled"])
def test_a_task_that_is_not_started_may_be_unassigned(status: str) -> None:
    assert not refuses(
        rule_book.assignee_required, step({"status": status, "assignee_id": ADA}, {"assignee_id": None})
    )


def test_a_task_may_be_unassigned_in_the_command_that_moves_it_out_of_work() -> None:
    one = step({"status": "in_progress", "assignee_id": ADA}, {"assignee_id": None, "status": "todo"})
    assert codes(one) == []


def test_a_task_may_be_assigned_in_the_command_that_starts_it() -> None:
    one = step({}, {"assignee_id": ADA, "status": "in_progress"})
    assert codes(one, assignee=a_user(id=ADA)) == []


def test_a_task_created_as_started_needs_an_assignee() -> None:
    assert refuses(rule_book.assignee_required, creation("in_progress"))
    assert not refuses(rule_book.assignee_required, creation("in_progress", assignee_id=ADA))


def test_other_changes_of_a_started_task_need_no_assignee() -> None:
    assert not refuses(rule_book.assignee_required, step({"status": "in_progress"}, {"title": "Other"}))


# --- assignee_inactive


def test_a_deactivated_user_cannot_be_assigned() -> None:
    refusal = refusal_of(rule_book.assignee_inactive, step({}, {"assignee_id": GONE.id}), assignee=GONE)
    assert refusal.detail == "The user gone is deactivated."
    assert refusal.fix is not None
    assert refusal.fix.action == "assign"
    assert not refusal.overridable


@pytest.mark.parametrize("to", ["in_progress", "in_review"])
def test_no_task_of_a_deactivated_user_enters_a_started_status(to: str) -> None:
    one = moving("in_progress" if to == "in_review" else "todo", to, assignee_id=GONE.id)
    assert refuses(rule_book.assignee_inactive, one, assignee=GONE)


@pytest.mark.parametrize("to", ["backlog", "cancelled"])
def test_a_task_of_a_deactivated_user_may_enter_other_statuses(to: str) -> None:
    assert not refuses(rule_book.assignee_inactive, moving("todo", to, assignee_id=GONE.id), assignee=GONE)


def test_a_task_of_a_deactivated_user_may_be_changed_otherwise() -> None:
    one = step({"status": "in_progress", "assignee_id": GONE.id}, {"title": "Other"})
    assert not refuses(rule_book.assignee_inactive, one, assignee=GONE)


def test_a_task_is_not_created_for_a_deactivated_user() -> None:
    assert refuses(rule_book.assignee_inactive, creation(assignee_id=GONE.id), assignee=GONE)


def test_an_active_user_can_be_assigned() -> None:
    ada = a_user(id=ADA)
    assert not refuses(rule_book.assignee_inactive, step({}, {"assignee_id": ADA}), assignee=ada)


# --- blocked_by_unfinished_tasks


@pytest.mark.parametrize(
    ("start", "to"),
    [("todo", "in_progress"), ("completed", "in_progress"), ("in_progress", "completed")],
)
def test_a_blocked_task_is_neither_started_nor_completed(start: str, to: str) -> None:
    refusal = refusal_of(
        rule_book.blocked_by_unfinished_tasks, moving(start, to), unresolved_blockers=(ONE_NAME, TWO_NAME)
    )
    assert refusal.detail == (
        "The task is blocked by unfinished tasks: OPS-11 (Order the cables), OPS-12 (Lay the cables)."
    )
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == (
        "resolve_blockers",
        task_arguments((ONE_NAME, TWO_NAME)),
    )
    assert refusal.overridable


@pytest.mark.parametrize(
    ("start", "to"),
    [("todo", "cancelled"), ("todo", "backlog"), ("in_progress", "in_review"), ("in_progress", "todo")],
)
def test_a_blocked_task_may_move_otherwise(start: str, to: str) -> None:
    assert not refuses(
        rule_book.blocked_by_unfinished_tasks, moving(start, to), unresolved_blockers=(ONE_NAME,)
    )


def test_a_task_that_is_not_blocked_may_start() -> None:
    assert not refuses(rule_book.blocked_by_unfinished_tasks, moving("todo", "in_progress"))


def test_a_started_task_may_become_blocked() -> None:
    one = step({"status": "in_progress"}, {"blocked_by": (ONE,)})
    assert not refuses(rule_book.blocked_by_unfinished_tasks, one, unresolved_blockers=(ONE_NAME,))


def test_a_blocked_task_is_not_created_as_started() -> None:
    one = creation("in_progress", blocked_by=(ONE,))
    assert refuses(rule_book.blocked_by_unfinished_tasks, one, unresolved_blockers=(ONE_NAME,))


# --- open_subtasks


def test_a_task_with_open_subtasks_is_not_completed() -> None:
    refusal = refusal_of(
        rule_book.open_subtasks, moving("in_progress", "completed"), open_subtasks=(ONE_NAME, TWO_NAME)
    )
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == (
        "close_subtasks",
        task_arguments((ONE_NAME, TWO_NAME)),
    )
    assert refusal.overridable


@pytest.mark.parametrize("to", ["cancelled", "in_review", "todo"])
def test_a_task_with_open_subtasks_may_move_otherwise(to: str) -> None:
    assert not refuses(rule_book.open_subtasks, moving("in_progress", to), open_subtasks=(ONE_NAME,))


def test_a_task_whose_subtasks_are_closed_may_be_completed() -> None:
    assert not refuses(rule_book.open_subtasks, moving("in_progress", "completed"))


# --- parent_closed


@pytest.mark.parametrize(
    "one",
    [
        creation(parent_id=ONE),
        step({}, {"parent_id": ONE}),
        moving("todo", "in_progress", parent_id=ONE, assignee_id=ADA),
        moving("cancelled", "todo", parent_id=ONE),
        moving("completed", "in_progress", parent_id=ONE),
        restoring(parent_id=ONE),
    ],
    ids=["created", "given the parent", "moved", "reopened", "reopened into work", "restored"],
)
def test_a_closed_parent_cannot_get_an_open_subtask(one: Step) -> None:
    refusal = refusal_of(rule_book.parent_closed, one, parent=CLOSED_PARENT)
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == (
        "reopen_parent",
        {"task_id": ONE, "task_key": CLOSED_PARENT.key},
    )
    assert not refusal.overridable
    assert not refuses(rule_book.parent_closed, one, parent=OPEN_PARENT)


@pytest.mark.parametrize(
    "one",
    [
        creation("cancelled", parent_id=ONE),
        step({"status": "completed"}, {"parent_id": ONE}),
        moving("todo", "cancelled", parent_id=ONE),
        restoring(parent_id=ONE, status="cancelled"),
        step({"parent_id": ONE}, {"title": "Other"}),
    ],
    ids=["created", "given the parent", "closed", "restored", "edited"],
)
def test_under_a_closed_parent_closed_subtasks_and_other_changes_are_allowed(one: Step) -> None:
    assert not refuses(rule_book.parent_closed, one, parent=CLOSED_PARENT)


@pytest.mark.parametrize("status", ["todo", "completed"])
def test_no_subtask_is_restored_under_a_parent_in_the_bin(status: str) -> None:
    refusal = refusal_of(
        rule_book.parent_closed, restoring(parent_id=ONE, status=status), binned_parent=ONE_NAME
    )
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == (
        "restore_parent",
        {"task_id": ONE, "task_key": "OPS-11"},
    )


# --- wip_limit_reached


COUNTED_AS_STARTED = {
    "starting": moving("todo", "in_progress", assignee_id=ADA),
    "reopening": moving("completed", "in_progress", assignee_id=ADA),
    "assigning": step({"status": "in_review"}, {"assignee_id": ADA}),
    "reassigning": step({"status": "in_progress", "assignee_id": BOB}, {"assignee_id": ADA}),
    "restoring": restoring(status="in_progress", assignee_id=ADA),
    "creating": creation("in_progress", assignee_id=ADA),
    "reassigning and moving": step(
        {"status": "in_progress", "assignee_id": BOB}, {"assignee_id": ADA, "status": "in_review"}
    ),
}
NOT_COUNTED_AS_STARTED = {
    "between started statuses": moving("in_progress", "in_review", assignee_id=ADA),
    "back again": moving("in_review", "in_progress", assignee_id=ADA),
    "not started": step({}, {"assignee_id": ADA}),
    "edited": step({"status": "in_progress", "assignee_id": ADA}, {"title": "Other"}),
    "restoring one not started": restoring(assignee_id=ADA),
    "finishing": moving("in_progress", "completed", assignee_id=ADA),
    "assigning and finishing": step({"status": "in_review"}, {"assignee_id": ADA, "status": "completed"}),
}


@pytest.mark.parametrize("one", COUNTED_AS_STARTED.values(), ids=COUNTED_AS_STARTED)
def test_one_more_started_task_than_the_limit_is_refused(one: Step) -> None:
    refusal = refusal_of(rule_book.wip_limit_reached, one, started=FIVE)
    assert (
        refusal.detail
        == f"The assignee already has 5 started tasks: {', '.join(map(str, FIVE))}. The limit is 5."
    )
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("finish_task", task_arguments(FIVE))
    assert refusal.overridable


@pytest.mark.parametrize("one", COUNTED_AS_STARTED.values(), ids=COUNTED_AS_STARTED)
def test_the_limit_itself_may_be_reached(one: Step) -> None:
    assert not refuses(rule_book.wip_limit_reached, one, started=FIVE[:4])


@pytest.mark.parametrize("one", NOT_COUNTED_AS_STARTED.values(), ids=NOT_COUNTED_AS_STARTED)
def test_changes_that_add_no_started_task_ignore_the_limit(one: Step) -> None:
    assert not refuses(rule_book.wip_limit_reached, one, started=FIVE)


def test_a_limit_of_zero_started_tasks_means_no_limit() -> None:
    one = replace(COUNTED_AS_STARTED["starting"], policy=Policy(wip_limit=0))
    assert not refuses(rule_book.wip_limit_reached, one, started=FIVE)


def test_a_started_task_without_an_assignee_counts_for_nobody() -> None:
    assert not refuses(rule_book.wip_limit_reached, moving("todo", "in_progress"), started=FIVE)


# --- reviewer_required


def completed_by(by: Actor, after: dict[str, Any] | None = None, policy: Policy = FOUR_EYES) -> Step:
    before = {"status": "in_review", "assignee_id": ME}
    return step(before, {"status": "completed", **(after or {})}, by=by, policy=policy)


def test_with_four_eyes_the_assignee_does_not_complete_a_task() -> None:
    refusal = refusal_of(rule_book.reviewer_required, completed_by(an_actor(id=ME)))
    assert refusal.fix is not None
    assert refusal.fix.action == "ask_another"
    assert refusal.overridable


def test_handing_the_task_on_while_completing_it_does_not_evade_four_eyes() -> None:
    assert refuses(rule_book.reviewer_required, completed_by(an_actor(id=ME), {"assignee_id": ADA}))


def test_with_four_eyes_nobody_can_take_a_task_while_completing_it() -> None:
    assert refuses(rule_book.reviewer_required, completed_by(an_actor(id=ADA), {"assignee_id": ADA}))


def test_with_four_eyes_a_former_assignee_does_not_complete_a_task() -> None:
    refusal = refusal_of(rule_book.reviewer_required, completed_by(an_actor(id=BOB)), was_assignee=True)
    assert refusal.detail.startswith("A former assignee may not complete the task")
    assert refusal.overridable


def test_with_four_eyes_somebody_else_completes_it() -> None:
    assert not refuses(rule_book.reviewer_required, completed_by(an_actor(id=BOB)))


def test_four_eyes_do_not_apply_to_a_system_process() -> None:
    one = step({"status": "in_review"}, {"status": "completed"}, policy=FOUR_EYES)
    assert not refuses(rule_book.reviewer_required, one)


def test_without_four_eyes_the_assignee_completes_it() -> None:
    assert not refuses(rule_book.reviewer_required, completed_by(an_actor(id=ME), policy=DEFAULT_POLICY))


def test_four_eyes_apply_only_to_completing() -> None:
    one = completed_by(an_actor(id=ME), {"status": "cancelled"})
    assert not refuses(rule_book.reviewer_required, one)


# --- reason_required

REASONED = {
    "cancelling": moving("todo", "cancelled"),
    "reopening": moving("completed", "in_progress"),
    "lowering from urgent": step({"priority": URGENT}, {"priority": HIGH}),
    "overriding a rule": step({}, {"title": "Other"}, override=True),
}


@pytest.mark.parametrize(("what", "one"), REASONED.items(), ids=REASONED)
def test_some_changes_require_a_reason(what: str, one: Step) -> None:
    refusal = refusal_of(rule_book.reason_required, one)
    assert refusal.detail == f"A reason is required for {what}."
    assert refusal.fix is not None
    assert refusal.fix.action == "give_reason"
    assert not refusal.overridable
    assert not refuses(rule_book.reason_required, replace(one, reason="So it was agreed."))


def test_a_refusal_names_everything_that_requires_a_reason() -> None:
    one = step({"priority": URGENT}, {"priority": HIGH, "status": "cancelled"})
    refusal = refusal_of(rule_book.reason_required, one)
    assert refusal.detail == "A reason is required for cancelling and lowering from urgent."


@pytest.mark.parametrize(
    "one",
    [
        moving("todo", "in_progress"),
        moving("in_progress", "completed"),
        step({"priority": HIGH}, {"priority": URGENT}),
        step({"priority": URGENT}, {"title": "Other"}),
        restoring(status="cancelled"),
        binning(status="cancelled"),
    ],
)
def test_other_changes_need_no_reason(one: Step) -> None:
    assert not refuses(rule_book.reason_required, one)


def test_a_task_created_as_cancelled_needs_a_reason() -> None:
    assert refuses(rule_book.reason_required, creation("cancelled"))


TWO_OF_EACH = Workflow(
    initial="new",
    categories={
        "new": Category.UNSTARTED,
        "solved": Category.COMPLETED,
        "closed": Category.COMPLETED,
        "rejected": Category.CANCELLED,
        "spam": Category.CANCELLED,
    },
    transitions={
        "new": ("solved", "rejected"),
        "solved": ("closed", "rejected"),
        "closed": (),
        "rejected": ("spam", "solved"),
        "spam": (),
    },
)


@pytest.mark.parametrize(
    ("start", "to", "completes", "cancels"),
    [
        ("new", "solved", True, False),
        ("rejected", "solved", True, False),
        ("solved", "closed", False, False),
        ("new", "rejected", False, True),
        ("solved", "rejected", False, True),
        ("rejected", "spam", False, False),
    ],
)
def test_a_move_within_a_category_neither_completes_nor_cancels(
    start: str, to: str, completes: bool, cancels: bool
) -> None:
    one = replace(moving(start, to), policy=Policy(workflow=TWO_OF_EACH))
    assert (one.completes, one.cancels) == (completes, cancels)
    assert refuses(rule_book.reason_required, one) is cancels
    assert refuses(rule_book.open_subtasks, one, open_subtasks=(ONE_NAME,)) is completes
    assert refuses(rule_book.blocked_by_unfinished_tasks, one, unresolved_blockers=(ONE_NAME,)) is completes
