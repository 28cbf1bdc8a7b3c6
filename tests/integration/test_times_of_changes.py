"""The times of an entity never decrease with its version, whatever the clocks of the writers say."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.status_mapping import StatusMapping
from taskmgr.infrastructure.mongo.store import new_id
from tests.answers import log_of
from tests.factories import NOW, SYSTEM, Clock

EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def entries_of(database: Database[Any], entity_id: str) -> list[dict[str, Any]]:
    rows = database["activity"].find().sort("version", 1)
    return [row for row in rows if str(row["entity_id"]) == entity_id]


def assert_in_order(database: Database[Any], entity_id: str, *, versions: int) -> None:
    times = [entry["at"] for entry in entries_of(database, entity_id)]
    assert len(times) == versions
    assert all(one <= next_one for one, next_one in pairwise(times)), times


@pytest.mark.parametrize(
    "change",
    [
        lambda services, task: services.tasks.change(task, {"title": "Other"}, by=SYSTEM),
        lambda services, task: services.tasks.change_status(task, status="backlog", by=SYSTEM),
        lambda services, task: services.tasks.bin(task, by=SYSTEM),
    ],
    ids=["change", "move", "bin"],
)
def test_a_task_changed_by_a_machine_whose_clock_is_behind_keeps_its_times_in_order(
    change: Callable[[Services, str], Task],
    services: Services,
    make_task: Callable[..., Task],
    clock: Clock,
    database: Database[Any],
) -> None:
    task = make_task()
    clock.now = EARLIER
    changed = change(services, task.id)

    assert (changed.version, changed.updated_at) == (2, NOW)
    assert changed.status_changed_at == NOW
    assert changed.deleted_at in (None, NOW)
    assert_in_order(database, task.id, versions=2)


def test_a_restored_task_keeps_its_times_in_order(
    services: Services, make_task: Callable[..., Task], clock: Clock, database: Database[Any]
) -> None:
    task = services.tasks.bin(make_task().id, by=SYSTEM)
    clock.now = EARLIER
    assert services.tasks.restore(task.id, by=SYSTEM).updated_at == NOW
    assert_in_order(database, task.id, versions=3)


def test_a_task_is_not_completed_before_it_was_started(
    services: Services, make_task: Callable[..., Task], make_user: Callable[..., Any], clock: Clock
) -> None:
    task = make_task(status="in_progress", assignee_id=make_user("ada").id)
    clock.now = EARLIER
    completed = services.tasks.change_status(task.id, status="completed", by=SYSTEM)
    assert completed.started_at == completed.completed_at == NOW


def test_a_user_keeps_its_times_in_order(
    services: Services, make_user: Callable[..., Any], clock: Clock, database: Database[Any]
) -> None:
    ada = make_user("ada")
    clock.now = EARLIER
    assert services.users.change(ada.id, {"name": "Ada L."}, by=SYSTEM).updated_at == NOW
    assert_in_order(database, ada.id, versions=2)


def test_a_comment_keeps_its_times_in_order(
    services: Services, make_task: Callable[..., Task], clock: Clock, database: Database[Any]
) -> None:
    task = make_task()
    comment = services.comments.create(task.id, text="Done.", by=SYSTEM)
    clock.now = EARLIER
    assert services.comments.change(task.id, comment.id, text="Not yet.", by=SYSTEM).updated_at == NOW
    services.comments.delete(task.id, comment.id, by=SYSTEM)
    assert_in_order(database, comment.id, versions=3)


def test_a_task_whose_status_is_mapped_keeps_its_times_in_order(
    store: Store, services: Services, make_task: Callable[..., Task], clock: Clock, database: Database[Any]
) -> None:
    task = make_task(status="backlog")
    workflow = DEFAULT_POLICY.workflow
    categories = {status: c for status, c in workflow.categories.items() if status != "backlog"}
    transitions = {
        status: tuple(to for to in targets if to != "backlog")
        for status, targets in workflow.transitions.items()
        if status != "backlog"
    }
    fewer = replace(workflow, categories=categories, transitions=transitions)
    clock.now = EARLIER

    mapping = StatusMapping(store, Policy(workflow=fewer), Journal(store, new_id), clock)
    assert mapping.run("backlog", "todo", by=SYSTEM) == 1

    mapped = services.tasks.get(task.id, by=SYSTEM)
    assert mapped.updated_at == mapped.status_changed_at == NOW
    assert_in_order(database, task.id, versions=2)


def test_a_command_that_is_run_again_takes_the_time_of_its_last_attempt(
    store: Store, services: Services, make_task: Callable[..., Task], clock: Clock
) -> None:
    task = make_task()
    times = iter([NOW + timedelta(minutes=5), LATER])

    def interrupted() -> datetime:
        """The first attempt loses to another writer, who begins later and is done earlier."""
        now = next(times)
        if now != LATER:
            clock.advance(minutes=10)
            with ThreadPoolExecutor(1) as other:
                other.submit(services.tasks.change, task.id, {"title": "Other"}, by=SYSTEM).result()
        return now

    slow = build_services(store, clock=interrupted)
    assert slow.tasks.change(task.id, {"labels": ["late"]}, by=SYSTEM).updated_at == LATER
    assert [entry.version for entry in log_of(services, task.id)] == [1, 2, 3]
