"""Where two commands cannot both be right, one is; and nothing is ever stored by halves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.concurrency.conftest import AtOnce
from tests.concurrency.crowd import CROWD, Call, call, create_once
from tests.factories import SYSTEM, a_task

PAIRS = CROWD // 2
# Where all meet at one document, so that the wait grows with the square of their number.
FEWER = CROWD // 2

MakeUser = Callable[..., User]
MakeTask = Callable[..., Task]


def in_pairs(outcomes: list[Any]) -> list[tuple[str, str]]:
    told = [outcome.summary for outcome in outcomes]
    return list(zip(told[::2], told[1::2], strict=True))


def test_of_two_opposite_edges_one_wins(at_once: AtOnce, make_task: MakeTask) -> None:
    pairs = [(make_task().id, make_task().id) for _ in range(FEWER // 2)]
    outcomes = at_once(call("tasks.block", a, b, by=SYSTEM) for x, y in pairs for a, b in ((x, y), (y, x)))
    assert all(sorted(told) == ["cycle", "ok"] for told in in_pairs(outcomes))


def test_of_the_edges_of_a_longer_ring_one_is_refused(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    rings = [[make_task().id for _ in range(4)] for _ in range(FEWER // 4)]
    outcomes = at_once(
        edge
        for a, b, c, d in rings
        for edge in (
            call("tasks.block", a, b, by=SYSTEM),
            call("tasks.change", c, {"parent_id": b}, by=SYSTEM),
            call("tasks.block", c, d, by=SYSTEM),
            call("tasks.change", a, {"parent_id": d}, by=SYSTEM),
        )
    )
    told = [outcome.summary for outcome in outcomes]
    for first in range(0, FEWER, 4):
        assert Counter(told[first : first + 4]) == {"ok": 3, "cycle": 1}
    assert not is_cyclic(waits_for(database))


def test_of_a_restoring_and_an_edge_that_close_a_ring_together_one_is_refused(
    at_once: AtOnce, make_task: MakeTask, services: Services, database: Database[Any]
) -> None:
    calls = []
    for _ in range(FEWER // 2):
        parent, awaited = make_task().id, make_task().id
        between = make_task(parent_id=parent, blocked_by=[awaited]).id
        services.tasks.bin(between, by=SYSTEM)
        calls.append(call("tasks.restore", between, by=SYSTEM))
        calls.append(call("tasks.block", awaited, parent, by=SYSTEM))
    assert all(sorted(told) == ["cycle", "ok"] for told in in_pairs(at_once(calls)))
    assert not is_cyclic(waits_for(database))


def test_of_two_restorings_that_close_a_ring_together_one_is_refused(
    at_once: AtOnce, make_task: MakeTask, services: Services, database: Database[Any]
) -> None:
    calls = []
    for _ in range(FEWER // 2):
        last = make_task().id
        first = make_task(blocked_by=[last]).id
        between = make_task(blocked_by=[first]).id
        services.tasks.bin(first, by=SYSTEM)
        services.tasks.block(last, between, by=SYSTEM)
        services.tasks.bin(last, by=SYSTEM)
        calls += [call("tasks.restore", first, by=SYSTEM), call("tasks.restore", last, by=SYSTEM)]
    assert all(sorted(told) == ["cycle", "ok"] for told in in_pairs(at_once(calls)))
    assert not is_cyclic(waits_for(database))


def waits_for(database: Database[Any]) -> dict[Any, set[Any]]:
    """What each stored task waits for: its blockers and its subtasks."""
    edges: dict[Any, set[Any]] = {}
    for row in database["tasks"].find({"binned": False}):
        edges.setdefault(row["_id"], set()).update(row["blocked_by"])
        if row["parent_id"] is not None:
            edges.setdefault(row["parent_id"], set()).add(row["_id"])
    return edges


def is_cyclic(edges: dict[Any, set[Any]]) -> bool:
    """Whether something is left when all that waits for nothing is taken away, again and again."""
    while edges:
        done = {key for key, others in edges.items() if not others & edges.keys()}
        if not done:
            return True
        edges = {key: others for key, others in edges.items() if key not in done}
    return False


def test_subtasks_hung_one_under_the_other_at_once_go_no_deeper_than_five_levels(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    chain = [make_task().id for _ in range(FEWER + 1)]
    outcomes = at_once(
        call("tasks.change", child, {"parent_id": parent}, by=SYSTEM) for parent, child in pairwise(chain)
    )
    told = Counter(outcome.summary for outcome in outcomes)
    assert set(told) == {"ok", "too_deep"}
    assert max(map(len, unbroken(outcomes))) <= 5
    assert told["ok"] == database["tasks"].count_documents({"parent_id": {"$ne": None}})


def unbroken(outcomes: list[Any]) -> list[str]:
    """The runs of successes, one character each."""
    return "".join("x" if outcome.succeeded else " " for outcome in outcomes).split()


def test_admins_who_demote_and_deactivate_each_other_leave_one(
    at_once: AtOnce, make_user: MakeUser, database: Database[Any]
) -> None:
    admins = [make_user(f"admin-{n}", role=Role.ADMIN) for n in range(FEWER)]
    ways = ({"role": "member"}, {"active": False})
    outcomes = at_once(
        call("users.change", admins[n - 1].id, ways[n % 2], by=Actor.of(admins[n])) for n in range(FEWER)
    )
    assert Counter(o.summary for o in outcomes) == {"ok": FEWER - 1, "last_admin": 1}
    assert database["users"].count_documents({"role": "admin", "active": True}) == 1


@pytest.mark.parametrize(
    ("take_away", "loser"),
    [
        (lambda who: call("users.change", who.id, {"role": "member"}), "NotPermitted"),
        (lambda who: call("users.change", who.id, {"active": False}), "Unauthenticated"),
        (lambda who: call("tokens.revoke", who.token_id), "Unauthenticated"),
    ],
    ids=["demoted", "deactivated", "revoked"],
)
def test_if_two_callers_remove_each_others_right_one_of_them_keeps_it(
    take_away: Callable[[Actor], Call], loser: str, at_once: AtOnce, make_user: MakeUser, services: Services
) -> None:
    make_user("root", role=Role.ADMIN)
    callers = [by_token(services, make_user(f"admin-{n}", role=Role.ADMIN)) for n in range(FEWER)]
    calls = [take_away(callers[n ^ 1]).by(callers[n]) for n in range(FEWER)]

    assert all(sorted(told) == sorted(("ok", loser)) for told in in_pairs(at_once(calls)))


def by_token(services: Services, user: User) -> Actor:
    """Returns the user as recognised by a new token."""
    identity = services.tokens.identify(services.tokens.create(name="x", user_id=user.id, by=SYSTEM).text)
    assert identity is not None
    return identity.actor


def test_two_admins_who_demote_each_other_leave_one_every_time(
    at_once: AtOnce, make_user: MakeUser, services: Services
) -> None:
    ada, bertha = (make_user(name, role=Role.ADMIN) for name in ("ada", "bertha"))
    for _ in range(10):
        outcomes = at_once(
            call("users.change", other.id, {"role": "member"}, by=Actor.of(one))
            for one, other in ((ada, bertha), (bertha, ada))
        )
        assert sorted(o.summary for o in outcomes) == ["last_admin", "ok"]
        for user in (ada, bertha):
            services.users.change(user.id, {"role": "admin"}, by=SYSTEM)


def test_a_parent_is_not_completed_while_it_gets_a_subtask(
    at_once: AtOnce, make_task: MakeTask, make_user: MakeUser, services: Services, database: Database[Any]
) -> None:
    calls = []
    for n in range(PAIRS):
        parent = make_task(assignee_id=make_user(f"user-{n}").id, status="in_progress")
        calls.append(call("tasks.change_status", parent.id, status="completed", by=SYSTEM))
        calls.append(_a_way_to_get_an_open_subtask(n, parent.id, make_task, services))
    told = in_pairs(at_once(calls))
    assert set(told) <= {("ok", "parent_closed"), ("open_subtasks", "ok")}
    assert not _open_under_a_completed_parent(database)


def _a_way_to_get_an_open_subtask(n: int, parent: str, make_task: MakeTask, services: Services) -> Any:
    """Added, reopened, restored, or brought from elsewhere, in turn."""
    if n % 4 == 0:
        return call("tasks.create", title="Subtask", parent_id=parent, by=SYSTEM)
    if n % 4 == 1:
        subtask = make_task(parent_id=parent, status="cancelled", reason="Not now")
        return call("tasks.change_status", subtask.id, status="todo", reason="After all", by=SYSTEM)
    if n % 4 == 2:
        subtask = make_task(parent_id=parent)
        services.tasks.bin(subtask.id, by=SYSTEM)
        return call("tasks.restore", subtask.id, by=SYSTEM)
    return call("tasks.change", make_task().id, {"parent_id": parent}, by=SYSTEM)


def _open_under_a_completed_parent(database: Database[Any]) -> list[Any]:
    completed = database["tasks"].distinct("_id", {"status": "completed"})
    closed = {"$nin": ["completed", "cancelled"]}
    return list(database["tasks"].find({"parent_id": {"$in": completed}, "binned": False, "status": closed}))


def test_a_parent_is_not_binned_while_it_gets_a_subtask(
    at_once: AtOnce, make_task: MakeTask, services: Services, database: Database[Any]
) -> None:
    calls = []
    for n in range(PAIRS):
        parent = make_task().id
        calls.append(call("tasks.bin", parent, by=SYSTEM))
        calls.append(_a_way_to_get_an_open_subtask(4 if n % 4 == 1 else n, parent, make_task, services))
    told = in_pairs(at_once(calls))
    assert set(told) <= {("ok", "Invalid"), ("ok", "parent_closed"), ("has_subtasks", "ok")}
    binned = database["tasks"].distinct("_id", {"binned": True})
    assert not list(database["tasks"].find({"parent_id": {"$in": binned}, "binned": False}))


def test_of_32_who_take_one_task_one_has_it_and_the_others_learn_so(
    at_once: AtOnce, make_task: MakeTask, make_user: MakeUser, services: Services
) -> None:
    task = make_task()
    members = [Actor.of(make_user(f"member-{n}")) for n in range(CROWD)]
    outcomes = at_once(call("tasks.assign", task.id, assignee_id=m.id, by=m) for m in members)
    assert Counter(o.summary for o in outcomes) == {"ok": 1, "AlreadyAssigned": CROWD - 1}
    winner = next(m for m, outcome in zip(members, outcomes, strict=True) if outcome.succeeded)
    assert services.tasks.get(task.id, by=SYSTEM).assignee_id == winner.id


def test_of_32_moves_from_one_version_one_is_made(
    at_once: AtOnce, make_task: MakeTask, services: Services, member: Actor
) -> None:
    task = make_task(assignee_id=member.id)
    statuses = ("backlog", "in_progress", "cancelled")
    outcomes = at_once(
        call("tasks.change_status", task.id, status=statuses[n % 3], reason="Why", version=1, by=SYSTEM)
        for n in range(CROWD)
    )
    assert Counter(o.summary for o in outcomes) == {"ok": 1, "Stale": CROWD - 1}
    assert services.tasks.get(task.id, by=SYSTEM).version == 2


def test_of_changes_without_a_version_none_is_lost(
    at_once: AtOnce, make_task: MakeTask, services: Services
) -> None:
    task = make_task()
    blockers = [make_task().id for _ in range(FEWER)]
    outcomes = at_once(call("tasks.block", task.id, blocker, by=SYSTEM) for blocker in blockers)
    assert all(outcome.succeeded for outcome in outcomes)
    after = services.tasks.get(task.id, by=SYSTEM)
    assert (set(after.blocked_by), after.version) == (set(blockers), FEWER + 1)


def test_a_task_that_is_changed_while_it_is_binned_is_never_left_in_pieces(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task().id for _ in range(PAIRS)]
    outcomes = at_once(
        each
        for task in tasks
        for each in (
            call("tasks.bin", task, by=SYSTEM),
            call("tasks.change", task, {"title": "Changed", "labels": ["late"]}, by=SYSTEM),
        )
    )
    assert set(in_pairs(outcomes)) <= {("ok", "ok"), ("ok", "NotFound")}
    fields = set(validated_row(mappers.task_document(a_task())))
    for row in database["tasks"].find():
        assert row.keys() - {"touched"} >= fields - {"touched"}
        assert mappers.task(row).is_binned


def test_of_20_requests_with_one_key_one_makes_a_task_and_the_others_get_its_answer(
    at_once: AtOnce, database: Database[Any], member: Actor
) -> None:
    outcomes = at_once(call(create_once, "a key", title="Once", by=member) for _ in range(20))
    assert {outcome.summary for outcome in outcomes} == {"ok"}
    assert Counter(replayed for _, replayed in (o.answer for o in outcomes)) == {False: 1, True: 19}
    only = database["tasks"].find_one()
    assert {answer.body.decode() for answer, _ in (o.answer for o in outcomes)} == {str(only["_id"])}
    assert database["tasks"].count_documents({}) == 1
    assert database["answers"].count_documents({}) == 1


def test_the_versions_of_a_task_that_many_change_at_once_are_in_the_order_of_their_times(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    task = make_task().id
    for turn in range(2):
        titles = [f"{turn}.{n}" for n in range(FEWER)]
        outcomes = at_once(call("tasks.change", task, {"title": title}, by=SYSTEM) for title in titles)
        assert {outcome.summary for outcome in outcomes} == {"ok"}
    times = [entry["at"] for entry in database["activity"].find().sort("version", 1)]
    assert len(times) == 2 * FEWER + 1
    assert times[1:] == sorted(times[1:])  # the first is of the fixture's own clock
