"""However many ask at once, a limit is reached and not passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.services import Services
from tests.concurrency.conftest import AtOnce
from tests.concurrency.crowd import CROWD, call
from tests.factories import SYSTEM

WIP, URGENT = DEFAULT_POLICY.wip_limit, DEFAULT_POLICY.urgent_limit
DUE = "2026-12-01"

MakeUser = Callable[..., User]
MakeTask = Callable[..., Task]


def test_of_32_starts_at_once_as_many_succeed_as_the_limit_allows(
    at_once: AtOnce, make_task: MakeTask, member: Actor
) -> None:
    tasks = [make_task(assignee_id=member.id) for _ in range(CROWD)]
    outcomes = at_once(call("tasks.change_status", t.id, status="in_progress", by=member) for t in tasks)
    assert Counter(o.summary for o in outcomes) == {"ok": WIP, "wip_limit_reached": CROWD - WIP}


def test_started_tasks_that_come_by_all_ways_at_once_stay_within_the_limit(
    at_once: AtOnce,
    make_task: MakeTask,
    make_user: MakeUser,
    services: Services,
    database: Database[Any],
    member: Actor,
) -> None:
    others = [make_user(name).id for name in ("ada", "bertha")]
    waiting = [make_task(assignee_id=member.id) for _ in range(8)]
    of_others = [make_task(assignee_id=o, status="in_progress") for o in islice(cycle(others), 8)]
    binned = []
    for _ in range(8):
        binned.append(make_task(assignee_id=member.id, status="in_progress"))
        services.tasks.bin(binned[-1].id, by=SYSTEM)
    new = {"title": "New", "assignee_id": member.id, "status": "in_progress"}

    outcomes = at_once(
        [
            *(call("tasks.change_status", t.id, status="in_progress", by=member) for t in waiting),
            *(call("tasks.assign", t.id, assignee_id=member.id, by=SYSTEM) for t in of_others),
            *(call("tasks.restore", t.id, by=SYSTEM) for t in binned),
            *(call("tasks.create", by=member, **new) for _ in range(8)),
        ]
    )

    assert Counter(o.summary for o in outcomes) == {"ok": WIP, "wip_limit_reached": CROWD - WIP}
    user = database["users"].find_one({"username": "member"})["_id"]
    held = {"assignee_id": user, "status": "in_progress", "binned": False}
    assert database["tasks"].count_documents(held) == WIP


def test_of_32_raised_to_urgent_at_once_as_many_are_as_the_limit_allows(
    at_once: AtOnce, make_task: MakeTask, member: Actor
) -> None:
    tasks = [make_task(by=member, assignee_id=member.id, due_date=DUE) for _ in range(CROWD)]
    outcomes = at_once(call("tasks.change_priority", t.id, priority="urgent", by=member) for t in tasks)
    assert Counter(o.summary for o in outcomes) == {"ok": URGENT, "urgent_limit_reached": CROWD - URGENT}


def test_urgent_tasks_that_come_by_all_ways_at_once_stay_within_the_limit(
    at_once: AtOnce, make_task: MakeTask, services: Services, database: Database[Any], member: Actor
) -> None:
    urgent = {"priority": "urgent", "due_date": DUE}
    plain = [make_task(assignee_id=member.id, due_date=DUE) for _ in range(7)]
    nobodys = [make_task(**urgent) for _ in range(7)]
    cancelled = [
        make_task(**urgent, assignee_id=member.id, status="cancelled", reason="Not now") for _ in range(6)
    ]
    binned = [make_task(**urgent) for _ in range(6)]
    for task in binned:
        services.tasks.assign(task.id, assignee_id=member.id, by=SYSTEM)
        services.tasks.bin(task.id, by=SYSTEM)
    new = {"title": "New", "assignee_id": member.id, **urgent}

    outcomes = at_once(
        [
            *(call("tasks.change_priority", t.id, priority="urgent", by=SYSTEM) for t in plain),
            *(call("tasks.assign", t.id, assignee_id=member.id, by=member) for t in nobodys),
            *(call("tasks.change_status", t.id, status="todo", reason="Again", by=SYSTEM) for t in cancelled),
            *(call("tasks.restore", t.id, by=SYSTEM) for t in binned),
            *(call("tasks.create", by=member, **new) for _ in range(6)),
        ]
    )

    assert Counter(o.summary for o in outcomes) == {"ok": URGENT, "urgent_limit_reached": CROWD - URGENT}
    user = database["users"].find_one({"username": "member"})["_id"]
    held = {"assignee_id": user, "priority": "urgent", "binned": False, "status": {"$ne": "cancelled"}}
    assert database["tasks"].count_documents(held) == URGENT


def test_bulks_of_two_stay_within_the_limit_and_none_is_done_by_half(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any], member: Actor
) -> None:
    pairs = [[make_task(assignee_id=member.id).id for _ in range(2)] for _ in range(CROWD // 2)]
    outcomes = at_once(
        call("bulk.run", [{"op": "status", "id": i, "status": "in_progress"} for i in pair], by=member)
        for pair in pairs
    )
    assert Counter(o.summary for o in outcomes) == {"ok": WIP // 2, "BulkRefused": len(pairs) - WIP // 2}
    started = {str(row["_id"]) for row in database["tasks"].find({"status": "in_progress"})}
    won = [set(pair) for pair, outcome in zip(pairs, outcomes, strict=True) if outcome.succeeded]
    assert started == set().union(*won)


def test_each_ones_limit_is_their_own(at_once: AtOnce, make_task: MakeTask, make_user: MakeUser) -> None:
    users = [make_user(name) for name in ("ada", "bertha", "clara", "dora")]
    tasks = [make_task(assignee_id=user.id) for user in users for _ in range(8)]
    outcomes = at_once(call("tasks.change_status", t.id, status="in_progress", by=SYSTEM) for t in tasks)
    for first in range(0, CROWD, 8):
        told = Counter(outcome.summary for outcome in outcomes[first : first + 8])
        assert told == {"ok": WIP, "wip_limit_reached": 8 - WIP}
