"""Who may give which command on a task, who loses a race for one, and what the log tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.model.errors import AlreadyAssigned, Stale
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services import Services
from tests.answers import assert_log_tells_of, log_of, not_permitted
from tests.factories import NOW, SYSTEM, Clock

MakeTask = Callable[..., Task]
MakeUser = Callable[..., User]


# --- who may


def test_a_viewer_changes_nothing(services: Services, make_task: MakeTask, viewer: Actor) -> None:
    task, binned = make_task(), make_task()
    services.tasks.bin(binned.id, by=SYSTEM)
    calls: list[Callable[[], object]] = [
        lambda: services.tasks.create(title="x", by=viewer),
        lambda: services.tasks.change(task.id, {"title": "x"}, by=viewer),
        lambda: services.tasks.change_status(task.id, status="backlog", by=viewer),
        lambda: services.tasks.assign(task.id, assignee_id=viewer.id, by=viewer),
        lambda: services.tasks.block(task.id, task.id, by=viewer),
        lambda: services.tasks.bin(task.id, by=viewer),
        lambda: services.tasks.restore(binned.id, by=viewer),
        lambda: services.comments.create(task.id, text="x", by=viewer),
    ]
    for call in calls:
        assert not_permitted(call).startswith("Only a member")
    assert services.tasks.get(task.id, by=viewer) == task


def test_a_member_changes_what_is_theirs(services: Services, make_task: MakeTask, member: Actor) -> None:
    created, assigned, others = make_task(by=member), make_task(assignee_id=member.id), make_task()
    for task in (created, assigned):
        assert services.tasks.change(task.id, {"title": "Mine"}, by=member).title == "Mine"
    not_permitted(lambda: services.tasks.change(others.id, {"title": "Mine"}, by=member))


def test_a_member_takes_a_task_and_gives_it_up(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    task = make_task()
    assert services.tasks.assign(task.id, assignee_id=member.id, by=member).assignee_id == member.id
    assert services.tasks.assign(task.id, assignee_id=None, by=member).assignee_id is None


def test_a_member_assigns_nothing_to_others(
    services: Services, make_task: MakeTask, member: Actor, viewer: Actor
) -> None:
    own = make_task(by=member)
    not_permitted(lambda: services.tasks.assign(own.id, assignee_id=viewer.id, by=member))
    not_permitted(lambda: services.tasks.create(title="x", assignee_id=viewer.id, by=member))


def test_a_member_raises_their_own_creations_to_urgent_alone(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    created, assigned = make_task(by=member), make_task(assignee_id=member.id)
    urgent = {"priority": "urgent", "reason": "At once.", "by": member}
    assert services.tasks.change_priority(created.id, **urgent).priority is Priority.URGENT
    not_permitted(lambda: services.tasks.change_priority(assigned.id, **urgent))
    services.tasks.change_priority(assigned.id, **{**urgent, "by": SYSTEM})
    lowered = {"priority": "low", "reason": "It can wait.", "by": member}
    not_permitted(lambda: services.tasks.change_priority(assigned.id, **lowered))


def test_a_subtask_may_be_added_to_anybodys_task(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    parent = make_task()
    assert services.tasks.create(title="x", parent_id=parent.id, by=member).parent_id == parent.id


def test_a_member_does_not_override(services: Services, make_task: MakeTask, member: Actor) -> None:
    own = make_task(by=member)
    message = not_permitted(
        lambda: services.tasks.change(own.id, {"title": "x"}, by=member, override=True, reason="I must.")
    )
    assert message == "Only a manager or an admin may override a rule."


def test_permission_is_judged_before_the_version_and_the_rules(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    task = make_task()
    not_permitted(lambda: services.tasks.change_status(task.id, status="completed", by=member, version=9))


def test_the_version_is_judged_before_the_rules(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    with pytest.raises(Stale):
        services.tasks.change_status(task.id, status="completed", by=SYSTEM, version=9)


# --- taking what another has


def test_who_takes_what_another_has_learns_so_before_anything_is_said_of_rights(
    services: Services, make_task: MakeTask, make_user: MakeUser, member: Actor
) -> None:
    bob = make_user("bob")
    task = make_task(assignee_id=bob.id)
    with pytest.raises(AlreadyAssigned) as caught:
        services.tasks.assign(task.id, assignee_id=member.id, by=member)
    assert caught.value.assignee_id == bob.id


def test_the_creator_does_not_take_it_back_either(
    services: Services, make_user: MakeUser, make_task: MakeTask, member: Actor
) -> None:
    task = make_task(by=member)
    services.tasks.assign(task.id, assignee_id=make_user("bob").id, by=SYSTEM)
    with pytest.raises(AlreadyAssigned):
        services.tasks.assign(task.id, assignee_id=member.id, by=member)


def test_a_manager_takes_it(services: Services, make_task: MakeTask, manager: Actor, member: Actor) -> None:
    task = make_task(assignee_id=member.id)
    assert services.tasks.assign(task.id, assignee_id=manager.id, by=manager).assignee_id == manager.id


def test_taking_ones_own_task_changes_nothing(services: Services, make_task: MakeTask, member: Actor) -> None:
    task = make_task(assignee_id=member.id)
    assert services.tasks.assign(task.id, assignee_id=member.id, by=member) == task


# --- change sets


def test_all_changes_of_one_call_share_a_change_set(
    services: Services, make_task: MakeTask, store: Store
) -> None:
    one, two = make_task(), make_task()

    def both() -> None:
        services.tasks.change(one.id, {"title": "x"}, by=SYSTEM)
        services.tasks.change(two.id, {"title": "x"}, by=SYSTEM)

    store.unit_of_work.run(both)
    entries = [log_of(services, task.id)[-1] for task in (one, two)]
    assert entries[0].change_set == entries[1].change_set
    found = services.activity.list(ActivityQuery(change_set=entries[0].change_set), by=SYSTEM).items
    assert {entry.id for entry in found} == {entry.id for entry in entries}
    services.tasks.change(one.id, {"title": "y"}, by=SYSTEM)
    assert log_of(services, one.id)[-1].change_set != entries[0].change_set


def test_a_system_process_is_named_in_the_log(services: Services) -> None:
    triage = services.system("nightly-triage")
    task = services.tasks.create(title="x", by=triage)
    assert task.created_by == log_of(services, task.id)[0].by == "system:nightly-triage"


def test_the_log_of_a_long_life_gives_the_state(
    services: Services, make_task: MakeTask, make_user: MakeUser, member: Actor, clock: Clock
) -> None:
    other, blocker, parent = make_user("other"), make_task(), make_task()
    task = make_task(by=member)
    steps: list[dict[str, Any]] = [
        {"assignee_id": member.id, "due_date": "2026-12-01"},
        {"status": "in_progress"},
        {"blocked_by": [blocker.id], "labels": ["a", "b"]},
        {"status": "in_review", "parent_id": parent.id},
        {"status": "cancelled", "blocked_by": []},
        {"status": "todo", "priority": "urgent"},
        {"assignee_id": other.id, "priority": "low", "due_date": None},
        {"title": "Other", "description": "Other", "parent_id": None},
    ]
    for changes in steps:
        clock.advance(minutes=1)
        task = services.tasks.change(task.id, changes, by=SYSTEM, reason="Because.")
        assert_log_tells_of(services, task)
    assert (task.version, task.reopen_count) == (9, 1)
    assert task.started_at == NOW + timedelta(minutes=2)
