"""The commands on tasks, from the call to what is stored and logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.errors import NotFound, Stale
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.services import Services
from tests.answers import assert_log_tells_of, log_of, mistakes, refused
from tests.factories import NOW, SYSTEM, Clock, an_id

MakeTask = Callable[..., Task]
MakeUser = Callable[..., User]


# --- creating


def test_a_new_task_has_what_was_given_and_defaults_for_the_rest(services: Services, member: Actor) -> None:
    task = services.tasks.create(title=" Write ", labels=["Docs"], due_date="2026-12-01", by=member)
    assert (task.title, task.labels, str(task.due_date)) == ("Write", ("docs",), "2026-12-01")
    assert (task.status, task.priority, task.version) == ("todo", Priority.MEDIUM, 1)
    assert (task.created_by, task.created_at, task.updated_at) == (member.id, NOW, NOW)


def test_a_new_task_is_got_as_it_was_answered(services: Services, member: Actor, viewer: Actor) -> None:
    blocker, parent = (services.tasks.create(title=title, by=member) for title in ("One", "Two"))
    task = services.tasks.create(
        title="Write",
        description="# Why",
        priority="high",
        due_date="2026-12-01T17:00:00+01:00",
        assignee_id=member.id,
        labels=["b", "a"],
        parent_id=parent.id,
        blocked_by=[blocker.id],
        by=member,
    )
    assert services.tasks.get(task.id, by=viewer) == task


def test_a_creation_is_logged_with_everything(services: Services, member: Actor) -> None:
    task = services.tasks.create(title="Write", by=member, reason="It was agreed.")
    (entry,) = log_of(services, task.id)
    assert (entry.kind, entry.by, entry.at, entry.version) == ("task.created", member.id, NOW, 1)
    assert (entry.before, entry.after) == ({}, logged_fields(task))
    assert (entry.reason, entry.override) == ("It was agreed.", False)


def test_a_new_task_may_have_any_status_that_the_initial_one_leads_to(
    services: Services, member: Actor, clock: Clock
) -> None:
    task = services.tasks.create(title="x", status="in_progress", assignee_id=member.id, by=member)
    assert (task.status, task.started_at, task.version) == ("in_progress", NOW, 1)
    assert_log_tells_of(services, task)


def test_a_new_task_in_another_status_is_judged_as_a_move_from_the_initial_one(
    services: Services, member: Actor
) -> None:
    def create() -> Task:
        return services.tasks.create(title="x", status="completed", by=member)

    assert refused(create) == ["transition_not_allowed"]


def test_none_is_as_good_as_left_out(services: Services, member: Actor) -> None:
    left_out = {"due_date": None, "labels": None, "priority": None, "status": None, "reason": None}
    task = services.tasks.create(title="x", **left_out, by=member)  # type: ignore[arg-type]
    assert (task.due_date, task.labels, task.priority, task.status) == (None, (), Priority.MEDIUM, "todo")


def test_a_title_is_required(services: Services, member: Actor) -> None:
    assert mistakes(lambda: services.tasks.create(by=member)) == [("title", "required")]


def test_all_mistakes_of_a_new_task_are_told_at_once(services: Services, member: Actor) -> None:
    def create() -> Task:
        return services.tasks.create(
            title="", status="done", due_date="soon", labels=["a,b"], colour="red", by=member
        )

    assert mistakes(create) == [
        ("title", "blank"),
        ("status", "not_allowed"),
        ("due_date", "bad_date"),
        ("labels.0", "comma"),
        ("colour", "unknown_field"),
    ]


@pytest.mark.parametrize("name", ["id", "created_by", "version", "started_at", "deleted_at", "unblocked"])
def test_what_follows_from_commands_is_not_given(services: Services, member: Actor, name: str) -> None:
    assert mistakes(lambda: services.tasks.create(title="x", **{name: an_id()}, by=member)) == [
        (name, "unknown_field")
    ]


def test_an_assignee_is_a_user(services: Services, manager: Actor) -> None:
    def create() -> Task:
        return services.tasks.create(title="x", assignee_id=an_id(), by=manager)

    assert mistakes(create) == [("assignee_id", "unknown_user")]


def test_relations_lead_to_tasks_that_are_there(services: Services, make_task: MakeTask) -> None:
    visible, binned = make_task(), make_task()
    services.tasks.bin(binned.id, by=SYSTEM)

    def create() -> Task:
        return make_task(blocked_by=[visible.id, binned.id, an_id()], parent_id=an_id())

    assert mistakes(create) == [
        ("blocked_by.1", "unknown_task"),
        ("blocked_by.2", "unknown_task"),
        ("parent_id", "unknown_task"),
    ]


def test_a_dry_run_of_a_creation_answers_and_leaves_nothing(services: Services, member: Actor) -> None:
    task = services.tasks.create(title="x", by=member, dry_run=True)
    assert task.version == 1
    with pytest.raises(NotFound):
        services.tasks.get(task.id, by=member)
    assert log_of(services, task.id) == []


def test_a_dry_run_of_a_creation_is_refused_as_the_real_one(services: Services, member: Actor) -> None:
    def create() -> Task:
        return services.tasks.create(title="x", status="in_progress", by=member, dry_run=True)

    assert refused(create) == ["assignee_required"]


# --- reading


@pytest.mark.parametrize("no_id", ["", "me", "0" * 24, "A" * 24])
def test_what_is_no_task_is_not_found(services: Services, member: Actor, no_id: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: services.tasks.get(no_id, by=member),
        lambda: services.tasks.transitions(no_id, by=member),
        lambda: services.tasks.change(no_id, {"title": "x"}, by=member),
        lambda: services.tasks.bin(no_id, by=member),
        lambda: services.tasks.restore(no_id, by=member),
        lambda: services.activity.of_task(no_id, by=member),
        lambda: services.comments.list(no_id, by=member),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


def test_tasks_are_listed_page_by_page(services: Services, make_task: MakeTask, viewer: Actor) -> None:
    for title in "dbac":
        make_task(title=title)
    query = TaskQuery(sort=(Sort("title"),))
    first = services.tasks.list(query, PageRequest(limit=3), by=viewer)
    second = services.tasks.list(query, PageRequest(limit=3, after=first.next), by=viewer)
    assert [task.title for task in (*first.items, *second.items)] == ["a", "b", "c", "d"]


def test_all_tasks_are_walked_through_whatever_the_pages(services: Services, store: Store) -> None:
    def create_many() -> None:
        for number in range(201):
            services.tasks.create(title=f"{number:03}", by=SYSTEM)

    store.unit_of_work.run(create_many, seconds=30)
    query = TaskQuery(sort=(Sort("title"),))
    titles = [task.title for task in services.tasks.iterate(query, by=SYSTEM)]
    assert titles == [f"{number:03}" for number in range(201)]


def test_a_task_in_the_bin_is_in_the_bins_list_alone(services: Services, make_task: MakeTask) -> None:
    kept, binned = make_task(), make_task()
    services.tasks.bin(binned.id, by=SYSTEM)
    assert [t.id for t in services.tasks.list(by=SYSTEM).items] == [kept.id]
    assert [t.id for t in services.tasks.list(TaskQuery(binned=True), by=SYSTEM).items] == [binned.id]


# --- changing


def test_a_change_of_several_fields_is_one_version_and_one_entry(
    services: Services, make_task: MakeTask, member: Actor, clock: Clock
) -> None:
    task = make_task(by=member, assignee_id=member.id)
    now = clock.advance(hours=1)
    changes = {"title": "Other", "status": "in_progress", "priority": "high"}
    after = services.tasks.change(task.id, changes, by=member, reason="To begin.")
    assert after == replace(
        task,
        title="Other",
        status="in_progress",
        priority=Priority.HIGH,
        started_at=now,
        status_changed_at=now,
        updated_at=now,
        version=2,
    )
    entry = log_of(services, task.id)[-1]
    assert (entry.kind, entry.reason, entry.version) == ("task.changed", "To begin.", 2)
    assert set(entry.before) == {"title", "status", "priority", "started_at", "status_changed_at"}
    assert_log_tells_of(services, services.tasks.get(task.id, by=member))


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("task.edited", {"title": "Other"}),
    ("task.edited", {"description": "Other"}),
    ("task.labelled", {"labels": ["b"]}),
    ("task.due_date_changed", {"due_date": "2026-12-01"}),
    ("task.priority_changed", {"priority": "high"}),
    ("task.status_changed", {"status": "backlog"}),
]


@pytest.mark.parametrize(("kind", "changes"), CHANGES)
def test_each_change_is_logged_by_its_kind(
    services: Services, make_task: MakeTask, member: Actor, kind: str, changes: dict[str, Any]
) -> None:
    task = make_task(by=member)
    services.tasks.change(task.id, changes, by=member)
    assert [entry.kind for entry in log_of(services, task.id)] == ["task.created", kind]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": " Write the report "},
        {"labels": ["A", "b", "a"]},
        {"due_date": "2026-12-01"},
        {"priority": "medium"},
        {"status": "todo"},
        {"assignee_id": None},
        {"blocked_by": []},
        {"title": "Write the report", "priority": "medium", "status": "todo"},
    ],
)
def test_a_change_to_what_already_is_changes_nothing_and_logs_nothing(
    services: Services, make_task: MakeTask, clock: Clock, changes: dict[str, Any]
) -> None:
    task = make_task(labels=["a", "b"], due_date="2026-12-01")
    clock.advance(hours=1)
    assert services.tasks.change(task.id, changes, by=SYSTEM) == task
    assert services.tasks.get(task.id, by=SYSTEM) == task
    assert len(log_of(services, task.id)) == 1


def test_a_change_of_the_order_of_labels_is_a_change(services: Services, make_task: MakeTask) -> None:
    task = make_task(labels=["a", "b"])
    assert services.tasks.change(task.id, {"labels": ["b", "a"]}, by=SYSTEM).version == 2


def test_a_day_and_the_instant_that_ends_it_are_not_the_same_due_date(
    services: Services, make_task: MakeTask
) -> None:
    task = make_task(due_date="2026-12-01")
    after = services.tasks.change(task.id, {"due_date": "2026-12-02T00:00:00Z"}, by=SYSTEM)
    assert after.due_date == DueDate(datetime(2026, 12, 2, tzinfo=UTC))
    assert after.version == 2


def test_fields_may_be_emptied(services: Services, make_task: MakeTask, member: Actor) -> None:
    parent = make_task()
    task = make_task(
        due_date="2026-12-01", assignee_id=member.id, labels=["a"], parent_id=parent.id, description="x"
    )
    emptied = {"due_date": None, "assignee_id": None, "labels": [], "parent_id": None, "description": ""}
    after = services.tasks.change(task.id, emptied, by=SYSTEM)
    assert (after.due_date, after.assignee_id, after.labels) == (None, None, ())
    assert (after.parent_id, after.description) == (None, "")
    assert services.tasks.get(task.id, by=SYSTEM) == after


def test_a_dry_run_of_a_change_answers_and_leaves_nothing(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    preview = services.tasks.change(task.id, {"title": "Other"}, by=SYSTEM, dry_run=True)
    assert (preview.title, preview.version) == ("Other", 2)
    assert services.tasks.get(task.id, by=SYSTEM) == task
    assert len(log_of(services, task.id)) == 1


def test_changes_of_a_stale_version_are_not_made(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    newer = services.tasks.change(task.id, {"title": "Other"}, by=SYSTEM)
    calls: list[Callable[[], Task]] = [
        lambda: services.tasks.change(task.id, {"title": "Mine"}, by=SYSTEM, version=1),
        lambda: services.tasks.change(task.id, {"title": "Other"}, by=SYSTEM, version=1),
        lambda: services.tasks.change_status(task.id, status="backlog", by=SYSTEM, version=1),
        lambda: services.tasks.bin(task.id, by=SYSTEM, version=3),
    ]
    for call in calls:
        with pytest.raises(Stale) as caught:
            call()
        assert caught.value.current == newer
    assert services.tasks.get(task.id, by=SYSTEM) == newer


def test_a_change_of_the_present_version_is_made(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    assert services.tasks.change(task.id, {"title": "Other"}, by=SYSTEM, version=1).version == 2


def test_what_stands_beside_the_fields_is_judged_with_them(services: Services, make_task: MakeTask) -> None:
    task = make_task()

    def change() -> Task:
        return services.tasks.change(task.id, {"title": "x"}, by=SYSTEM, reason="", version=0)

    assert mistakes(change) == [("reason", "blank"), ("version", "out_of_range")]


# --- the commands with a name of their own


def test_a_task_is_moved(services: Services, make_task: MakeTask, member: Actor) -> None:
    task = make_task(assignee_id=member.id)
    assert services.tasks.change_status(task.id, status="in_progress", by=member).status == "in_progress"


def test_a_task_is_given_another_priority(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    after = services.tasks.change_priority(task.id, priority="urgent", by=SYSTEM, reason="At once.")
    assert after.priority is Priority.URGENT


def test_a_task_is_given_to_a_user_and_to_nobody(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    task = make_task()
    assert services.tasks.assign(task.id, assignee_id=member.id, by=SYSTEM).assignee_id == member.id
    assert services.tasks.assign(task.id, assignee_id=None, by=SYSTEM).assignee_id is None
    assert [entry.kind for entry in log_of(services, task.id)[1:]] == ["task.assigned"] * 2


def test_a_task_waits_for_another_and_no_longer(services: Services, make_task: MakeTask) -> None:
    task, one, two = make_task(), make_task(), make_task()
    services.tasks.block(task.id, one.id, by=SYSTEM)
    assert services.tasks.block(task.id, two.id, by=SYSTEM).blocked_by == (one.id, two.id)
    assert services.tasks.unblock(task.id, one.id, by=SYSTEM).blocked_by == (two.id,)
    assert log_of(services, task.id)[-1].kind == "task.blockers_changed"


def test_waiting_twice_for_a_task_is_waiting_once(services: Services, make_task: MakeTask) -> None:
    task, one = make_task(), make_task()
    services.tasks.block(task.id, one.id, by=SYSTEM)
    assert services.tasks.block(task.id, one.id, by=SYSTEM).version == 2
    services.tasks.unblock(task.id, one.id, by=SYSTEM)
    assert services.tasks.unblock(task.id, one.id, by=SYSTEM).version == 3


def test_a_task_does_not_wait_for_what_is_not_there(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    for no_id in ("", "x", an_id()):
        with pytest.raises(NotFound):
            services.tasks.block(task.id, no_id, by=SYSTEM)


def test_a_blocker_in_the_bin_can_be_removed(services: Services, make_task: MakeTask) -> None:
    one = make_task()
    task = make_task(blocked_by=[one.id])
    services.tasks.bin(one.id, by=SYSTEM)
    assert services.tasks.unblock(task.id, one.id, by=SYSTEM).blocked_by == ()


def test_a_task_waits_for_at_most_50(services: Services, make_task: MakeTask, store: Store) -> None:
    def create_many() -> list[str]:
        return [make_task().id for _ in range(51)]

    ids = store.unit_of_work.run(create_many)
    task = make_task(blocked_by=ids[:50])
    assert mistakes(lambda: services.tasks.block(task.id, ids[50], by=SYSTEM)) == [("blocked_by", "too_many")]


# --- completing and what it unblocks


def test_completing_answers_with_what_it_unblocked(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    task = make_task(status="in_progress", assignee_id=member.id)
    other = make_task()
    waiting = make_task(blocked_by=[task.id])
    make_task(blocked_by=[task.id, other.id])  # still waits for the other
    make_task(blocked_by=[task.id], status="cancelled", reason="No.")
    binned = make_task(blocked_by=[task.id])
    services.tasks.bin(binned.id, by=SYSTEM)
    assert services.tasks.change_status(task.id, status="completed", by=member).unblocked == (waiting.id,)


def test_completing_what_nothing_waits_for_unblocks_nothing(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    task = make_task(status="in_progress", assignee_id=member.id)
    assert services.tasks.change_status(task.id, status="completed", by=member).unblocked == ()


def test_other_commands_do_not_say_what_they_unblocked(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    make_task(blocked_by=[task.id])
    cancelled = services.tasks.change_status(task.id, status="cancelled", by=SYSTEM, reason="No.")
    assert cancelled.unblocked is None


# --- the bin


def test_a_task_goes_into_the_bin_and_comes_back_as_it_was(
    services: Services, make_task: MakeTask, clock: Clock
) -> None:
    task = make_task(labels=["a"], due_date="2026-12-01")
    binned = services.tasks.bin(task.id, by=SYSTEM)
    assert (binned.deleted_at, binned.version) == (NOW, 2)
    now = clock.advance(hours=1)
    restored = services.tasks.restore(task.id, by=SYSTEM, reason="By mistake.")
    assert restored == replace(task, updated_at=now, version=3)
    kinds = [(entry.kind, entry.reason) for entry in log_of(services, task.id)]
    assert kinds == [("task.created", None), ("task.binned", None), ("task.restored", "By mistake.")]
    assert_log_tells_of(services, restored)


def test_a_task_in_the_bin_is_not_found_by_any_command_but_restore(
    services: Services, make_task: MakeTask
) -> None:
    task = make_task()
    services.tasks.bin(task.id, by=SYSTEM)
    calls: list[Callable[[], object]] = [
        lambda: services.tasks.get(task.id, by=SYSTEM),
        lambda: services.tasks.transitions(task.id, by=SYSTEM),
        lambda: services.tasks.change(task.id, {"title": "x"}, by=SYSTEM),
        lambda: services.tasks.bin(task.id, by=SYSTEM),
        lambda: services.tasks.block(make_task().id, task.id, by=SYSTEM),
        lambda: services.comments.create(task.id, text="x", by=SYSTEM),
        lambda: services.activity.of_task(task.id, by=SYSTEM),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


def test_restoring_what_is_not_in_the_bin_changes_nothing(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    assert services.tasks.restore(task.id, by=SYSTEM) == task == services.tasks.get(task.id, by=SYSTEM)
    with pytest.raises(Stale):
        services.tasks.restore(task.id, version=2, by=SYSTEM)
    with pytest.raises(NotFound):
        services.tasks.restore(an_id(), by=SYSTEM)


def test_a_dry_run_of_the_bin_leaves_the_task_outside(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    services.tasks.bin(task.id, by=SYSTEM, dry_run=True)
    assert services.tasks.get(task.id, by=SYSTEM) == task
