"""How a task begins, moves and changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model import parsing
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.rank import rank_of
from taskmgr.domain.model.task import Task, change_parsers, new_task, parsers
from taskmgr.domain.model.workflow import Category, Workflow
from tests.factories import DEFAULT_PROJECT, NOW, a_full_task, a_task, an_id

LATER = NOW + timedelta(hours=1)
STATUSES = DEFAULT_WORKFLOW.statuses


def moved(task: Task, status: str, now: datetime = LATER) -> Task:
    return task.moved(status, now=now, workflow=DEFAULT_WORKFLOW)


# --- beginning


def test_a_new_task_begins_in_the_initial_status_with_defaults() -> None:
    task_id = an_id()
    key = NextKey(DEFAULT_PROJECT, 17)
    task = new_task(task_id, {"title": "Write"}, key=key, by="system:cli", now=NOW, policy=DEFAULT_POLICY)
    assert task == Task(
        id=task_id,
        key="TASK-17",
        project="TASK",
        title="Write",
        description="",
        status="todo",
        priority=Priority.MEDIUM,
        due_date=None,
        assignee_id=None,
        labels=(),
        parent_id=None,
        blocked_by=(),
        rank=rank_of(17),
        former_keys=(),
        created_by="system:cli",
        created_at=NOW,
        updated_at=NOW,
        started_at=None,
        completed_at=None,
        status_changed_at=NOW,
        reopen_count=0,
        deleted_at=None,
        version=1,
    )


def test_a_new_task_begins_in_the_status_of_its_own_policy() -> None:
    workflow = replace(DEFAULT_WORKFLOW, initial="backlog")
    key = NextKey(DEFAULT_PROJECT, 1)
    task = new_task(an_id(), {"title": "x"}, key=key, by="x", now=NOW, policy=Policy(workflow=workflow))
    assert task.status == "backlog"


# --- moving


@pytest.mark.parametrize("status", STATUSES)
def test_a_move_to_the_same_status_changes_nothing(status: str) -> None:
    task = a_task(status=status)
    assert moved(task, status) is task


def test_the_first_start_is_recorded() -> None:
    assert moved(a_task(), "in_progress").started_at == LATER


def test_the_first_start_is_kept_for_ever() -> None:
    task = a_task(started_at=NOW)
    for status in ("in_progress", "in_review", "todo", "in_progress", "completed", "in_progress"):
        task = moved(task, status)
    assert task.started_at == NOW


def test_a_task_completed_without_a_start_has_none() -> None:
    assert moved(a_task(), "completed").started_at is None


def test_a_completion_is_recorded() -> None:
    assert moved(a_task(status="in_progress"), "completed").completed_at == LATER


def test_cancelling_records_no_completion() -> None:
    assert moved(a_task(), "cancelled").completed_at is None


@pytest.mark.parametrize(("closed", "to"), [("completed", "in_progress"), ("cancelled", "todo")])
def test_a_reopening_is_counted(closed: str, to: str) -> None:
    assert moved(a_task(status=closed, reopen_count=2), to).reopen_count == 3


def test_a_reopening_clears_the_completion() -> None:
    assert moved(a_task(status="completed", completed_at=NOW), "in_progress").completed_at is None


def test_a_move_between_closed_statuses_is_not_a_reopening() -> None:
    assert moved(a_task(status="completed", completed_at=NOW), "cancelled").reopen_count == 0


def test_a_cancelled_task_that_was_completed_is_completed_no_longer() -> None:
    assert moved(a_task(status="completed", completed_at=NOW), "cancelled").completed_at is None


def test_a_move_is_not_yet_a_new_version() -> None:
    task = a_task()
    after = moved(task, "in_progress")
    assert (after.version, after.updated_at) == (task.version, task.updated_at)


@given(st.lists(st.sampled_from(STATUSES), max_size=12))
def test_the_instants_of_a_task_follow_from_its_moves(statuses: list[str]) -> None:
    task, now = a_task(), NOW
    starts, reopenings = [], 0
    for status in statuses:
        now += timedelta(minutes=1)
        before, task = task, moved(task, status, now)
        category = DEFAULT_WORKFLOW.category(status)
        if category is Category.STARTED and status != before.status:
            starts.append(now)
        reopenings += not DEFAULT_WORKFLOW.is_open(before.status) and category.is_open
        assert (task.completed_at is not None) == (category is Category.COMPLETED)
        assert task.status_changed_at == (now if status != before.status else before.status_changed_at)
    assert task.started_at == (starts[0] if starts else None)
    assert task.reopen_count == reopenings


def test_a_move_between_completed_statuses_keeps_the_completion() -> None:
    workflow = Workflow(
        initial="new",
        categories={"new": Category.UNSTARTED, "solved": Category.COMPLETED, "closed": Category.COMPLETED},
        transitions={"new": ("solved",), "solved": ("closed",), "closed": ()},
    )
    after = a_task(status="solved", completed_at=NOW).moved("closed", now=LATER, workflow=workflow)
    assert (after.completed_at, after.status_changed_at) == (NOW, LATER)


# --- changing


def test_a_change_sets_every_named_field_and_no_other() -> None:
    task = a_full_task()
    after = task.changed({"title": "Other", "labels": ()}, now=LATER, workflow=DEFAULT_WORKFLOW)
    assert after == replace(task, title="Other", labels=())


def test_a_change_with_a_status_is_a_move() -> None:
    changes = {"title": "Other", "status": "in_progress"}
    after = a_task().changed(changes, now=LATER, workflow=DEFAULT_WORKFLOW)
    assert (after.title, after.status, after.started_at) == ("Other", "in_progress", LATER)


def test_a_change_of_nothing_is_the_task_itself() -> None:
    task = a_full_task()
    assert task.changed({}, now=LATER, workflow=DEFAULT_WORKFLOW) is task


def test_the_next_version_is_one_further_and_updated_now() -> None:
    after = a_task(version=7).next_version(now=LATER)
    assert (after.version, after.updated_at) == (8, LATER)


def test_unblocked_tasks_are_ignored_when_tasks_are_compared() -> None:
    task = a_task()
    assert replace(task, unblocked=(an_id(),)) == task


def test_a_task_with_a_time_of_deletion_is_in_the_bin() -> None:
    assert a_task(deleted_at=NOW).is_binned
    assert not a_task().is_binned


# --- overdue


@pytest.mark.parametrize(("late", "overdue"), [(-1, False), (0, True), (1, True)])
def test_a_task_is_overdue_from_the_instant_that_it_was_due_at(late: int, overdue: bool) -> None:
    task = a_task(due_date=DueDate.at_instant(NOW))
    now = NOW + timedelta(milliseconds=late)
    assert task.is_overdue(now=now, workflow=DEFAULT_WORKFLOW) is overdue


def test_a_plain_date_is_overdue_when_its_day_has_ended_in_the_services_time_zone() -> None:
    task = a_task(due_date=DueDate.on(date(2026, 3, 10), ZoneInfo("Asia/Tokyo")))
    midnight = datetime(2026, 3, 10, 15, tzinfo=UTC)
    last = midnight - timedelta(milliseconds=1)
    assert not task.is_overdue(now=last, workflow=DEFAULT_WORKFLOW)
    assert task.is_overdue(now=midnight, workflow=DEFAULT_WORKFLOW)


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_closed_task_is_not_overdue(status: str) -> None:
    task = a_task(status=status, due_date=DueDate.at_instant(NOW))
    assert not task.is_overdue(now=LATER, workflow=DEFAULT_WORKFLOW)


def test_an_undated_task_is_not_overdue() -> None:
    assert not a_task().is_overdue(now=LATER, workflow=DEFAULT_WORKFLOW)


# --- what a field may hold


def test_the_place_in_the_order_can_be_changed_but_not_given_to_a_new_task() -> None:
    assert {*change_parsers(DEFAULT_POLICY)} - {*parsers(DEFAULT_POLICY)} == {"rank"}


def test_the_fields_of_a_new_task_are_these() -> None:
    assert set(parsers(DEFAULT_POLICY)) == {
        "project",
        "title",
        "description",
        "status",
        "priority",
        "due_date",
        "assignee_id",
        "labels",
        "parent_id",
        "blocked_by",
    }


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        ("due_date", None), ("assignee_id", None), ("parent_id", None),
        ("description", ""), ("labels", ()), ("blocked_by", ()),
    ],
)  # fmt: skip
def test_some_fields_may_be_emptied(name: str, empty: object) -> None:
    assert parsers(DEFAULT_POLICY)[name](None) == empty


@pytest.mark.parametrize("name", ["title", "status", "priority"])
def test_the_other_fields_may_not_be_emptied(name: str) -> None:
    with pytest.raises(parsing.BadValue) as caught:
        parsers(DEFAULT_POLICY)[name](None)
    assert caught.value.code == "null"


def test_a_plain_due_date_ends_in_the_policys_time_zone() -> None:
    policy = Policy(time_zone=ZoneInfo("Europe/Berlin"))
    due = parsers(policy)["due_date"]("2026-12-01")
    assert due.at == datetime(2026, 12, 1, 23, tzinfo=UTC)


# --- names


def test_messages_name_a_task_by_its_key_and_title() -> None:
    assert str(a_task(key="OPS-17", title="Order the cables").name) == "OPS-17 (Order the cables)"


def test_a_task_without_a_key_is_named_by_its_id() -> None:
    task = a_task(key=None, title="Order the cables")
    assert str(task.name) == f"{task.id} (Order the cables)"


def test_a_long_title_is_cut_in_messages() -> None:
    name = str(a_task(key="OPS-17", title="Order " * 30).name)
    assert name.endswith("Order…)")
    assert len(name) <= len("OPS-17 ()") + 60
