"""Checks of the services besides the rules: the last admin, an assigned task, a stale version."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from taskmgr.domain.model.errors import AlreadyAssigned, NotPermitted, Refused, Stale
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.session import SessionLimits
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.session_changes import SessionChanges
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.domain.services.tasks.numbering import NewKeys
from taskmgr.domain.services.tasks.ranking import Ranking
from taskmgr.domain.services.tasks.recording import TaskRecorder
from taskmgr.domain.services.users import ADMINS_LOCK, UserService
from taskmgr.infrastructure.credentials import Sha256Credentials
from tests.factories import NOW, SYSTEM, Clock, a_task, a_user, an_actor, an_id


class Memory:
    """A store in a dictionary, with the methods that these commands call; `touched` are the touched locks."""

    def __init__(self, *entities: Task | User) -> None:
        self.stored: dict[str, Any] = {entity.id: entity for entity in entities}
        self.touched: list[str] = []
        repository = SimpleNamespace(
            get=lambda key, binned=False: self.stored[key],  # noqa: ARG005
            get_many=lambda keys: {key: self.stored[key] for key in keys},
            replace=lambda entity: self.stored.update({entity.id: entity}),
            touch=lambda keys: None,  # noqa: ARG005
            count_active_admins=lambda: sum(
                entity.is_active_admin for entity in self.stored.values() if isinstance(entity, User)
            ),
        )
        self.tasks = self.users = repository
        self.locks = SimpleNamespace(touch=self.touched.append)
        self.activity = SimpleNamespace(append=lambda change: None)  # noqa: ARG005
        self.sessions = self.links = SimpleNamespace(find_by_user=lambda user_id: ())  # noqa: ARG005
        self.projects = SimpleNamespace(get_many=lambda keys: {})  # noqa: ARG005
        self.unit_of_work = SimpleNamespace(
            run=lambda command, **_: command(), change_set=an_id(), is_dry_run=False, is_gathering=False
        )


def users_of(store: Any) -> UserService:
    journal = Journal(store, an_id)
    sessions = SessionChanges(store, journal, Sha256Credentials(), Clock(), an_id, SessionLimits())
    return UserService(store, DEFAULT_POLICY, journal, Clock(), an_id, sessions)


def tasks_of(store: Any) -> TaskService:
    journal = Journal(store, an_id)
    recorder = TaskRecorder(store=store, policy=DEFAULT_POLICY, journal=journal)
    return TaskService(
        store=store,
        policy=DEFAULT_POLICY,
        clock=Clock(),
        recorder=recorder,
        ranking=Ranking(store=store, journal=journal, clock=Clock()),
        new_id=an_id,
        keys=NewKeys(store.projects),
    )


# --- last_admin


@pytest.mark.parametrize("change", [{"role": "manager"}, {"active": False}])
def test_the_last_active_admin_cannot_be_demoted_or_deactivated(change: dict[str, Any]) -> None:
    last = a_user(role=Role.ADMIN)
    store = Memory(last, a_user(role=Role.ADMIN, active=False), a_user(role=Role.MANAGER))
    with pytest.raises(Refused) as caught:
        users_of(store).change(last.id, change, by=SYSTEM)
    (reason,) = caught.value.reasons
    assert (reason.code, reason.overridable, reason.fix) == ("last_admin", False, None)
    assert store.stored[last.id] == last
    assert store.touched == [ADMINS_LOCK]


def test_one_of_two_admins_can_be_deactivated() -> None:
    first, second = a_user(role=Role.ADMIN), a_user(role=Role.ADMIN)
    store = Memory(first, second)
    assert users_of(store).change(first.id, {"active": False}, by=Actor.of(second)).active is False
    assert store.touched == [ADMINS_LOCK]


def test_other_changes_of_the_last_admin_are_allowed() -> None:
    last = a_user(role=Role.ADMIN)
    store = Memory(last)
    assert users_of(store).change(last.id, {"name": "Ada"}, by=SYSTEM).name == "Ada"
    assert store.touched == []


# --- already_assigned


def test_taking_another_users_task_raises_already_assigned_before_not_permitted() -> None:
    holder, late = a_user(), a_user()
    task = a_task(assignee_id=holder.id)
    store = Memory(task, holder, late)
    with pytest.raises(AlreadyAssigned) as caught:
        tasks_of(store).assign(task.id, assignee_id=late.id, by=Actor.of(late))
    assert (caught.value.code, caught.value.assignee_id) == ("already_assigned", holder.id)
    assert str(caught.value) == f"The task is already assigned to {holder.username}."
    assert store.stored[task.id] == task


def test_giving_another_users_task_to_a_third_user_is_not_permitted() -> None:
    holder, other = a_user(), a_user()
    task = a_task(assignee_id=holder.id)
    with pytest.raises(NotPermitted):
        tasks_of(Memory(task, holder, other)).assign(task.id, assignee_id=other.id, by=an_actor())


def test_a_user_with_the_right_to_assign_can_take_another_users_task() -> None:
    holder, boss = a_user(), a_user(role=Role.MANAGER)
    task = a_task(assignee_id=holder.id)
    taken = tasks_of(Memory(task, holder, boss)).assign(task.id, assignee_id=boss.id, by=Actor.of(boss))
    assert taken.assignee_id == boss.id


# --- stale


def test_a_command_for_another_version_raises_stale_with_the_current_state() -> None:
    task, user = a_task(version=3), a_user(version=3)
    for command in (
        lambda: tasks_of(Memory(task)).change(task.id, {"title": "Late"}, by=SYSTEM, version=2),
        lambda: tasks_of(Memory(task)).bin(task.id, by=SYSTEM, version=4),
        lambda: users_of(Memory(user)).change(user.id, {"name": "Late"}, by=SYSTEM, version=2),
    ):
        with pytest.raises(Stale) as caught:
            command()
        assert caught.value.code == "stale"
        assert caught.value.current in (task, user)


def test_a_command_for_the_current_version_makes_the_next_one() -> None:
    task = a_task(version=3)
    changed = tasks_of(Memory(task)).change(task.id, {"title": "In time"}, by=SYSTEM, version=3)
    assert (changed.version, changed.updated_at) == (4, NOW)
