"""Each rule of the rule book: when it stands, when it does not, and what it says would help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain import rules
from taskmgr.domain.due_date import DueDate
from taskmgr.domain.errors import Fix, Refusal, Refused
from taskmgr.domain.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.priority import Priority
from taskmgr.domain.step import Facts, Step
from taskmgr.domain.user import Actor, Role
from tests.factories import NOW, SYSTEM, a_task, a_user, an_actor, an_id

ME = an_id()
ADA, BOB = an_id(), an_id()
ONE, TWO = an_id(), an_id()
DUE = DueDate.at_instant(NOW + timedelta(days=9))
STATUSES = DEFAULT_WORKFLOW.statuses
URGENT, HIGH = Priority.URGENT, Priority.HIGH


def step(before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, **said: Any) -> Step:
    """A change from a task with some fields to the same task with others."""
    task = a_task(**before or {})
    given: dict[str, Any] = {"policy": DEFAULT_POLICY, "by": SYSTEM, **said}
    return Step(before=task, after=replace(task, **after or {}), **given)


def creation(status: str = "todo", **fields: Any) -> Step:
    """The creation of a task in a status, as a move from the initial one."""
    said = {name: fields.pop(name) for name in ("reason", "policy", "by", "override") if name in fields}
    return step(fields, {"status": status}, created=True, **said)


def restoring(**fields: Any) -> Step:
    return step({**fields, "deleted_at": NOW}, {"deleted_at": None})


def binning(**fields: Any) -> Step:
    return step(fields, {"deleted_at": NOW})


def moving(start: str, to: str, **fields: Any) -> Step:
    return step({"status": start, **fields}, {"status": to})


def codes(one: Step, **facts: Any) -> list[str]:
    return [refusal.code for refusal in rules.against(one, Facts(**facts))]


def refusal_of(rule: rules.Rule, one: Step, **facts: Any) -> Refusal:
    found = rule(one, Facts(**facts))
    assert found is not None
    assert found.code == rule.__name__
    assert found.detail.endswith(".")
    assert found.fix is None or found.fix.action in rules.FIX_ACTIONS
    return found


def stands(rule: rules.Rule, one: Step, **facts: Any) -> bool:
    found = rule(one, Facts(**facts))
    assert found is None or found.code == rule.__name__
    return found is not None


# --- transition_not_allowed


@pytest.mark.parametrize("start", STATUSES)
@pytest.mark.parametrize("to", STATUSES)
def test_a_move_takes_an_edge_of_the_workflow(start: str, to: str) -> None:
    allowed = start == to or to in DEFAULT_WORKFLOW.transitions[start]
    assert stands(rules.transition_not_allowed, moving(start, to)) is not allowed


@pytest.mark.parametrize("to", STATUSES)
def test_a_creation_is_judged_as_a_move_from_the_initial_status(to: str) -> None:
    allowed = to == "todo" or to in DEFAULT_WORKFLOW.transitions["todo"]
    assert stands(rules.transition_not_allowed, creation(to)) is not allowed


def test_a_missing_edge_is_told_with_those_there_are_and_the_next_status_on_the_way() -> None:
    assert refusal_of(rules.transition_not_allowed, moving("backlog", "completed")) == Refusal(
        code="transition_not_allowed",
        detail="No transition leads from backlog to completed; from backlog there are: todo, cancelled.",
        fix=Fix(action="change_status", text="Move it to todo first.", arguments={"status": "todo"}),
    )


def test_where_no_way_leads_nothing_would_help() -> None:
    transitions = {**DEFAULT_WORKFLOW.transitions, "completed": ()}
    policy = Policy(workflow=replace(DEFAULT_WORKFLOW, transitions=transitions))
    one = step({"status": "completed"}, {"status": "todo"}, policy=policy)
    refusal = refusal_of(rules.transition_not_allowed, one)
    assert refusal.fix is None
    assert refusal.detail.endswith("there are: none.")


# --- assignee_required


@pytest.mark.parametrize(
    ("start", "to"), [("todo", "in_progress"), ("completed", "in_progress"), ("in_progress", "in_review")]
)
def test_entering_a_started_status_takes_an_assignee(start: str, to: str) -> None:
    refusal = refusal_of(rules.assignee_required, moving(start, to))
    assert refusal.fix == Fix(action="assign", text="Assign it to somebody.")
    assert not refusal.overridable
    assert not stands(rules.assignee_required, moving(start, to, assignee_id=ADA))


@pytest.mark.parametrize("to", ["backlog", "todo", "completed", "cancelled"])
def test_entering_another_status_takes_no_assignee(to: str) -> None:
    assert not stands(rules.assignee_required, moving("in_progress", to))


@pytest.mark.parametrize("status", ["in_progress", "in_review"])
def test_a_started_task_is_not_unassigned(status: str) -> None:
    assert stands(
        rules.assignee_required, step({"status": status, "assignee_id": ADA}, {"assignee_id": None})
    )


@pytest.mark.parametrize("status", ["backlog", "todo", "completed", "cancelled"])
def test_a_task_that_is_not_started_may_be_unassigned(status: str) -> None:
    assert not stands(
        rules.assignee_required, step({"status": status, "assignee_id": ADA}, {"assignee_id": None})
    )


def test_a_task_may_be_unassigned_in_the_command_that_moves_it_out_of_work() -> None:
    one = step({"status": "in_progress", "assignee_id": ADA}, {"assignee_id": None, "status": "todo"})
    assert codes(one) == []


def test_a_task_may_be_assigned_in_the_command_that_starts_it() -> None:
    one = step({}, {"assignee_id": ADA, "status": "in_progress"})
    assert codes(one, assignee=a_user(id=ADA)) == []


def test_a_task_created_as_started_takes_an_assignee() -> None:
    assert stands(rules.assignee_required, creation("in_progress"))
    assert not stands(rules.assignee_required, creation("in_progress", assignee_id=ADA))


def test_other_changes_of_a_started_task_do_not_ask_for_an_assignee() -> None:
    assert not stands(rules.assignee_required, step({"status": "in_progress"}, {"title": "Other"}))


# --- assignee_inactive

GONE = a_user(username="gone", active=False)


def test_nobody_is_assigned_who_is_deactivated() -> None:
    refusal = refusal_of(rules.assignee_inactive, step({}, {"assignee_id": GONE.id}), assignee=GONE)
    assert refusal.detail == "The user gone is deactivated."
    assert refusal.fix is not None
    assert refusal.fix.action == "assign"
    assert not refusal.overridable


@pytest.mark.parametrize("to", ["in_progress", "in_review"])
def test_no_task_of_a_deactivated_user_enters_work(to: str) -> None:
    one = moving("in_progress" if to == "in_review" else "todo", to, assignee_id=GONE.id)
    assert stands(rules.assignee_inactive, one, assignee=GONE)


@pytest.mark.parametrize("to", ["backlog", "cancelled"])
def test_a_task_of_a_deactivated_user_may_leave_work(to: str) -> None:
    assert not stands(rules.assignee_inactive, moving("todo", to, assignee_id=GONE.id), assignee=GONE)


def test_a_task_of_a_deactivated_user_may_be_changed_otherwise() -> None:
    one = step({"status": "in_progress", "assignee_id": GONE.id}, {"title": "Other"})
    assert not stands(rules.assignee_inactive, one, assignee=GONE)


def test_a_task_is_not_created_for_a_deactivated_user() -> None:
    assert stands(rules.assignee_inactive, creation(assignee_id=GONE.id), assignee=GONE)


def test_an_active_assignee_is_fine() -> None:
    ada = a_user(id=ADA)
    assert not stands(rules.assignee_inactive, step({}, {"assignee_id": ADA}), assignee=ada)


# --- blocked_by_unfinished_tasks


@pytest.mark.parametrize(
    ("start", "to"),
    [("todo", "in_progress"), ("completed", "in_progress"), ("in_progress", "completed")],
)
def test_a_blocked_task_is_neither_started_nor_completed(start: str, to: str) -> None:
    refusal = refusal_of(rules.blocked_by_unfinished_tasks, moving(start, to), unresolved_blockers=(ONE, TWO))
    assert ONE in refusal.detail
    assert TWO in refusal.detail
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("resolve_blockers", {"task_ids": (ONE, TWO)})
    assert refusal.overridable


@pytest.mark.parametrize(
    ("start", "to"),
    [("todo", "cancelled"), ("todo", "backlog"), ("in_progress", "in_review"), ("in_progress", "todo")],
)
def test_a_blocked_task_may_move_otherwise(start: str, to: str) -> None:
    assert not stands(rules.blocked_by_unfinished_tasks, moving(start, to), unresolved_blockers=(ONE,))


def test_a_task_that_is_not_blocked_may_start() -> None:
    assert not stands(rules.blocked_by_unfinished_tasks, moving("todo", "in_progress"))


def test_a_started_task_may_become_blocked() -> None:
    one = step({"status": "in_progress"}, {"blocked_by": (ONE,)})
    assert not stands(rules.blocked_by_unfinished_tasks, one, unresolved_blockers=(ONE,))


def test_a_blocked_task_is_not_created_as_started() -> None:
    one = creation("in_progress", blocked_by=(ONE,))
    assert stands(rules.blocked_by_unfinished_tasks, one, unresolved_blockers=(ONE,))


# --- open_subtasks


def test_a_task_with_open_subtasks_is_not_completed() -> None:
    refusal = refusal_of(rules.open_subtasks, moving("in_progress", "completed"), open_subtasks=(ONE, TWO))
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("close_subtasks", {"task_ids": (ONE, TWO)})
    assert refusal.overridable


@pytest.mark.parametrize("to", ["cancelled", "in_review", "todo"])
def test_a_task_with_open_subtasks_may_move_otherwise(to: str) -> None:
    assert not stands(rules.open_subtasks, moving("in_progress", to), open_subtasks=(ONE,))


def test_a_task_whose_subtasks_are_closed_may_be_completed() -> None:
    assert not stands(rules.open_subtasks, moving("in_progress", "completed"))


# --- parent_closed

CLOSED_PARENT = a_task(id=ONE, status="completed")
OPEN_PARENT = a_task(id=ONE, status="in_review")


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
def test_no_open_subtask_comes_under_a_closed_parent(one: Step) -> None:
    refusal = refusal_of(rules.parent_closed, one, parent=CLOSED_PARENT)
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("reopen_parent", {"task_id": ONE})
    assert not refusal.overridable
    assert not stands(rules.parent_closed, one, parent=OPEN_PARENT)


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
def test_a_closed_subtask_or_another_change_may_come_under_a_closed_parent(one: Step) -> None:
    assert not stands(rules.parent_closed, one, parent=CLOSED_PARENT)


@pytest.mark.parametrize("status", ["todo", "completed"])
def test_no_subtask_is_restored_under_a_parent_in_the_bin(status: str) -> None:
    refusal = refusal_of(rules.parent_closed, restoring(parent_id=ONE, status=status), parent_binned=True)
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("restore_parent", {"task_id": ONE})


# --- wip_limit_reached

FIVE = tuple(an_id() for _ in range(5))
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
    refusal = refusal_of(rules.wip_limit_reached, one, started=FIVE)
    assert refusal.detail == "The assignee has 5 started tasks; the limit is 5."
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("finish_task", {"task_ids": FIVE})
    assert refusal.overridable


@pytest.mark.parametrize("one", COUNTED_AS_STARTED.values(), ids=COUNTED_AS_STARTED)
def test_the_limit_itself_may_be_reached(one: Step) -> None:
    assert not stands(rules.wip_limit_reached, one, started=FIVE[:4])


@pytest.mark.parametrize("one", NOT_COUNTED_AS_STARTED.values(), ids=NOT_COUNTED_AS_STARTED)
def test_the_limit_of_started_tasks_is_for_one_more_of_them(one: Step) -> None:
    assert not stands(rules.wip_limit_reached, one, started=FIVE)


def test_a_limit_of_started_tasks_of_zero_is_none() -> None:
    one = replace(COUNTED_AS_STARTED["starting"], policy=Policy(wip_limit=0))
    assert not stands(rules.wip_limit_reached, one, started=FIVE)


def test_a_started_task_of_nobody_counts_for_nobody() -> None:
    assert not stands(rules.wip_limit_reached, moving("todo", "in_progress"), started=FIVE)


# --- reviewer_required

FOUR_EYES = Policy(four_eyes=True)


def completed_by(by: Actor, after: dict[str, Any] | None = None, policy: Policy = FOUR_EYES) -> Step:
    before = {"status": "in_review", "assignee_id": ME}
    return step(before, {"status": "completed", **(after or {})}, by=by, policy=policy)


def test_with_four_eyes_the_assignee_does_not_complete_a_task() -> None:
    refusal = refusal_of(rules.reviewer_required, completed_by(an_actor(id=ME)))
    assert refusal.fix is not None
    assert refusal.fix.action == "ask_another"
    assert refusal.overridable


def test_nobody_gets_round_four_eyes_by_handing_the_task_on_while_completing_it() -> None:
    assert stands(rules.reviewer_required, completed_by(an_actor(id=ME), {"assignee_id": ADA}))


def test_nobody_takes_a_task_while_completing_it_under_four_eyes() -> None:
    assert stands(rules.reviewer_required, completed_by(an_actor(id=ADA), {"assignee_id": ADA}))


def test_with_four_eyes_somebody_else_completes_it() -> None:
    assert not stands(rules.reviewer_required, completed_by(an_actor(id=BOB)))


def test_a_system_process_is_nobodys_assignee() -> None:
    one = step({"status": "in_review"}, {"status": "completed"}, policy=FOUR_EYES)
    assert not stands(rules.reviewer_required, one)


def test_without_four_eyes_the_assignee_completes_it() -> None:
    assert not stands(rules.reviewer_required, completed_by(an_actor(id=ME), policy=DEFAULT_POLICY))


def test_four_eyes_are_for_completing_alone() -> None:
    one = completed_by(an_actor(id=ME), {"status": "cancelled"})
    assert not stands(rules.reviewer_required, one)


# --- reason_required

REASONED = {
    "Cancelling": moving("todo", "cancelled"),
    "Reopening": moving("completed", "in_progress"),
    "Lowering from urgent": step({"priority": URGENT}, {"priority": HIGH}),
    "Overriding a rule": step({}, {"title": "Other"}, override=True),
}


@pytest.mark.parametrize(("what", "one"), REASONED.items(), ids=REASONED)
def test_some_things_take_a_reason(what: str, one: Step) -> None:
    refusal = refusal_of(rules.reason_required, one)
    assert refusal.detail == f"{what} takes a reason."
    assert refusal.fix is not None
    assert refusal.fix.action == "give_reason"
    assert not refusal.overridable
    assert not stands(rules.reason_required, replace(one, reason="So it was agreed."))


def test_all_that_takes_a_reason_is_told() -> None:
    one = step({"priority": URGENT}, {"priority": HIGH, "status": "cancelled"})
    refusal = refusal_of(rules.reason_required, one)
    assert refusal.detail == "Cancelling and lowering from urgent takes a reason."


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
def test_other_things_take_none(one: Step) -> None:
    assert not stands(rules.reason_required, one)


def test_a_task_created_as_cancelled_takes_a_reason() -> None:
    assert stands(rules.reason_required, creation("cancelled"))


# --- task_closed


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_the_priority_of_a_closed_task_does_not_change(status: str) -> None:
    refusal = refusal_of(rules.task_closed, step({"status": status}, {"priority": HIGH}))
    (to,) = DEFAULT_WORKFLOW.transitions[status]
    assert refusal.fix == Fix(
        action="change_status", text=f"Move it to {to} first.", arguments={"status": to}
    )
    assert not refusal.overridable


@pytest.mark.parametrize("status", ["backlog", "todo", "in_progress", "in_review"])
def test_the_priority_of_an_open_task_changes(status: str) -> None:
    assert not stands(rules.task_closed, step({"status": status}, {"priority": HIGH}))


def test_a_closed_task_may_change_otherwise() -> None:
    assert not stands(rules.task_closed, step({"status": "completed"}, {"title": "Other"}))


def test_a_task_may_be_prioritised_in_the_command_that_reopens_it() -> None:
    one = step({"status": "cancelled"}, {"status": "todo", "priority": HIGH})
    assert not stands(rules.task_closed, one)


def test_a_task_may_be_prioritised_in_the_command_that_closes_it() -> None:
    one = step({"status": "in_progress"}, {"status": "completed", "priority": HIGH})
    assert not stands(rules.task_closed, one)


def test_a_task_created_as_closed_has_any_priority() -> None:
    assert not stands(rules.task_closed, creation("cancelled", priority=HIGH))


def test_where_no_way_leads_out_of_a_closed_status_nothing_would_help() -> None:
    transitions = {**DEFAULT_WORKFLOW.transitions, "completed": ()}
    policy = Policy(workflow=replace(DEFAULT_WORKFLOW, transitions=transitions))
    one = step({"status": "completed"}, {"priority": HIGH}, policy=policy)
    assert refusal_of(rules.task_closed, one).fix is None


# --- urgent_needs_due_date

UNDATED_AND_URGENT = {
    "raising": step({"priority": HIGH}, {"priority": URGENT}),
    "creating": creation(priority=URGENT),
    "undating": step({"priority": URGENT, "due_date": DUE}, {"due_date": None}),
    "both": step({"priority": HIGH, "due_date": DUE}, {"priority": URGENT, "due_date": None}),
}


@pytest.mark.parametrize("one", UNDATED_AND_URGENT.values(), ids=UNDATED_AND_URGENT)
def test_urgent_needs_a_due_date_or_a_reason(one: Step) -> None:
    refusal = refusal_of(rules.urgent_needs_due_date, one)
    assert refusal.fix is not None
    assert refusal.fix.action == "set_due_date"
    assert not refusal.overridable
    assert not stands(rules.urgent_needs_due_date, replace(one, reason="At once."))


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
    assert not stands(rules.urgent_needs_due_date, one)


# --- urgent_limit_reached

THREE = FIVE[:3]
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
    refusal = refusal_of(rules.urgent_limit_reached, one, urgent=THREE)
    assert refusal.detail == "The assignee has 3 open urgent tasks; the limit is 3."
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("lower_urgent", {"task_ids": THREE})
    assert refusal.overridable


@pytest.mark.parametrize("one", COUNTED_AS_URGENT.values(), ids=COUNTED_AS_URGENT)
def test_the_limit_of_urgent_tasks_itself_may_be_reached(one: Step) -> None:
    assert not stands(rules.urgent_limit_reached, one, urgent=THREE[:2])


@pytest.mark.parametrize("one", NOT_COUNTED_AS_URGENT.values(), ids=NOT_COUNTED_AS_URGENT)
def test_the_limit_of_urgent_tasks_is_for_one_more_of_them(one: Step) -> None:
    assert not stands(rules.urgent_limit_reached, one, urgent=THREE)


def test_a_limit_of_urgent_tasks_of_zero_is_none() -> None:
    one = replace(COUNTED_AS_URGENT["raising"], policy=Policy(urgent_limit=0))
    assert not stands(rules.urgent_limit_reached, one, urgent=THREE)


# --- relations


def test_nothing_waits_for_itself() -> None:
    refusal = refusal_of(rules.cycle, step({}, {"blocked_by": (ONE,)}), cycle=(ONE, TWO, ONE))
    assert refusal.detail == f"Nothing can wait for itself: {ONE} waits for {TWO} waits for {ONE}."
    assert not refusal.overridable


def test_where_there_is_no_ring_relations_are_fine() -> None:
    assert not stands(rules.cycle, step({}, {"blocked_by": (ONE,)}))


@pytest.mark.parametrize("levels", [0, 1, 5])
def test_there_may_be_five_levels_of_subtasks(levels: int) -> None:
    assert not stands(rules.too_deep, step({}, {"parent_id": ONE}), levels=levels)


def test_there_may_not_be_six_levels_of_subtasks() -> None:
    refusal = refusal_of(rules.too_deep, step({}, {"parent_id": ONE}), levels=6)
    assert refusal.detail == "There would be 6 levels of subtasks; at most 5 may be."
    assert not refusal.overridable


def test_a_task_with_subtasks_outside_the_bin_does_not_go_there() -> None:
    refusal = refusal_of(rules.has_subtasks, binning(), subtasks=(ONE,))
    assert refusal.fix is not None
    assert (refusal.fix.action, refusal.fix.arguments) == ("bin_subtasks", {"task_ids": (ONE,)})
    assert not refusal.overridable


@pytest.mark.parametrize("one", [binning(), restoring(), step({}, {"title": "Other"})])
def test_other_tasks_and_other_changes_do_not_ask_for_subtasks(one: Step) -> None:
    facts = {} if one.binned else {"subtasks": (ONE,)}
    assert not stands(rules.has_subtasks, one, **facts)


# --- all of them together


def test_the_rules_stand_in_the_order_of_the_rule_book() -> None:
    assert [rule.__name__ for rule in rules.RULES] == [
        "transition_not_allowed",
        "assignee_required",
        "assignee_inactive",
        "blocked_by_unfinished_tasks",
        "open_subtasks",
        "parent_closed",
        "wip_limit_reached",
        "reviewer_required",
        "reason_required",
        "task_closed",
        "urgent_needs_due_date",
        "urgent_limit_reached",
        "cycle",
        "too_deep",
        "has_subtasks",
    ]


def test_all_that_stands_against_a_step_is_collected_in_that_order() -> None:
    one = step(
        {"status": "completed", "parent_id": ONE, "assignee_id": BOB},
        {"status": "in_progress", "assignee_id": GONE.id, "priority": URGENT, "blocked_by": (TWO,)},
    )
    assert codes(
        one,
        assignee=GONE,
        parent=CLOSED_PARENT,
        unresolved_blockers=(TWO,),
        started=FIVE,
        urgent=THREE,
        cycle=(ONE, TWO, ONE),
        levels=6,
    ) == [
        "assignee_inactive",
        "blocked_by_unfinished_tasks",
        "parent_closed",
        "wip_limit_reached",
        "reason_required",
        "urgent_needs_due_date",
        "urgent_limit_reached",
        "cycle",
        "too_deep",
    ]


def test_nothing_stands_against_a_plain_creation() -> None:
    assert codes(creation()) == []


@pytest.mark.parametrize("status", STATUSES)
def test_nothing_stands_against_staying(status: str) -> None:
    assert codes(moving(status, status)) == []


# --- what is raised, and what an override lifts


def refusals(*overridable: bool) -> list[Refusal]:
    return [
        Refusal(code=f"rule_{number}", detail=f"{number}.", overridable=lifts)
        for number, lifts in enumerate(overridable)
    ]


def test_without_refusals_nothing_is_raised_and_nothing_lifted() -> None:
    assert rules.refuse([], override=False) is False
    assert rules.refuse([], override=True) is False


def test_all_refusals_are_raised_together() -> None:
    with pytest.raises(Refused) as caught:
        rules.refuse(refusals(True, False), override=False)
    assert caught.value.reasons == tuple(refusals(True, False))


def test_an_override_lifts_what_can_be_lifted() -> None:
    assert rules.refuse(refusals(True, True), override=True) is True


def test_an_override_lifts_nothing_else_and_only_the_rest_is_told() -> None:
    with pytest.raises(Refused) as caught:
        rules.refuse(refusals(True, False, True), override=True)
    assert [reason.code for reason in caught.value.reasons] == ["rule_1"]


OVERRIDABLE = {
    "blocked_by_unfinished_tasks",
    "open_subtasks",
    "wip_limit_reached",
    "reviewer_required",
    "urgent_limit_reached",
}
IDS = st.sampled_from([None, ADA, BOB, ME, GONE.id])
FIELDS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(Priority),
        "assignee_id": IDS,
        "parent_id": st.sampled_from([None, ONE]),
        "due_date": st.sampled_from([None, DUE]),
        "blocked_by": st.sampled_from([(), (TWO,)]),
        "deleted_at": st.sampled_from([None, NOW]),
    }
)
TOLD = st.fixed_dictionaries(
    {
        "reason": st.sampled_from([None, "Because."]),
        "override": st.booleans(),
        "created": st.booleans(),
        "policy": st.sampled_from([DEFAULT_POLICY, FOUR_EYES, Policy(wip_limit=0, urgent_limit=0)]),
        "by": st.sampled_from([SYSTEM, an_actor(Role.MANAGER, id=ME), an_actor(id=ADA)]),
    }
)
FACTS = st.builds(
    Facts,
    assignee=st.sampled_from([None, GONE, a_user(id=ADA)]),
    parent=st.sampled_from([None, CLOSED_PARENT, OPEN_PARENT]),
    parent_binned=st.booleans(),
    unresolved_blockers=st.sampled_from([(), (TWO,)]),
    open_subtasks=st.sampled_from([(), (ONE,)]),
    subtasks=st.sampled_from([(), (ONE,)]),
    started=st.sampled_from([(), FIVE]),
    urgent=st.sampled_from([(), THREE]),
    cycle=st.sampled_from([(), (ONE, TWO, ONE)]),
    levels=st.integers(0, 7),
)


@given(FIELDS, FIELDS, TOLD, FACTS)
def test_every_refusal_is_of_the_rule_book(
    before: dict[str, Any], after: dict[str, Any], told: dict[str, Any], facts: Facts
) -> None:
    found = rules.against(step(before, after, **told), facts)
    order = [rule.__name__ for rule in rules.RULES]
    assert [r.code for r in found] == sorted({r.code for r in found}, key=order.index)
    for refusal in found:
        assert refusal.detail.endswith(".")
        assert refusal.overridable is (refusal.code in OVERRIDABLE)
        if refusal.fix is not None:
            assert refusal.fix.action in rules.FIX_ACTIONS
            assert refusal.fix.text.endswith(".")


@given(FIELDS, FIELDS, TOLD, FACTS)
def test_a_reason_never_brings_a_refusal_that_was_not_there(
    before: dict[str, Any], after: dict[str, Any], told: dict[str, Any], facts: Facts
) -> None:
    without = rules.against(step(before, after, **{**told, "reason": None}), facts)
    reasoned = rules.against(step(before, after, **{**told, "reason": "Because."}), facts)
    lifted = ("reason_required", "urgent_needs_due_date")
    assert list(reasoned) == [refusal for refusal in without if refusal.code not in lifted]
