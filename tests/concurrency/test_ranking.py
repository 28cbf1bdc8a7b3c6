"""Rankings at the same moment all succeed, and end in the order of some sequence of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from tests.concurrency.conftest import AtOnce
from tests.concurrency.crowd import CROWD, Outcome, call
from tests.factories import SYSTEM

# Where all meet at one document, so that the wait grows with the square of their number.
FEWER = CROWD // 2

MakeTask = Callable[..., Task]


def titles(database: Database[Any]) -> str:
    rows = list(database["tasks"].find({"binned": False}).sort([("rank", 1), ("_id", 1)]))
    assert len({row["rank"] for row in rows}) == len(rows)
    return "".join(row["title"] for row in rows)


def ranked(services: Services, task_id: str, max_length: int, **options: Any) -> None:
    """Ranks a task with services that spread ranks of more than `max_length` characters."""
    ranking = replace(services.tasks.ranking, max_length=max_length, reach=4)
    replace(services.tasks, ranking=ranking).rank(task_id, by=SYSTEM, **options)


def require_success(outcomes: list[Outcome]) -> None:
    assert {outcome.summary for outcome in outcomes} == {"ok"}


@pytest.mark.parametrize("place", ["before", "after", "first", "last"])
def test_32_tasks_that_are_moved_to_one_place_at_once_are_all_there(
    place: str, at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task(title="x") for _ in range(CROWD)]
    first, last = make_task(title="["), make_task(title="]")
    anchor = {"before": last.id, "after": first.id}.get(place, True)

    outcomes = at_once(call("tasks.rank", task.id, by=SYSTEM, **{place: anchor}) for task in tasks)

    require_success(outcomes)
    xs = "x" * CROWD
    # A task that is the first or the last when its turn comes stays there.
    expected = {"first": f"{xs}[]", "last": f"[]{xs}"}
    assert titles(database) == expected.get(place, f"[{xs}]")


def test_moves_to_both_sides_of_one_gap_end_in_an_order_that_both_allow(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    low, high = make_task(title="["), make_task(title="]")
    tasks = [make_task(title="<" if n % 2 else ">") for n in range(FEWER)]

    outcomes = at_once(
        call("tasks.rank", task.id, by=SYSTEM, **({"after": low.id} if n % 2 else {"before": high.id}))
        for n, task in enumerate(tasks)
    )

    require_success(outcomes)
    # Each goes directly next to its anchor, so those that follow the first bracket never pass the others.
    half = FEWER // 2
    assert titles(database) == f"[{'<' * half}{'>' * half}]"


def test_32_moves_to_places_of_their_own_all_happen(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    anchors = [make_task(title=chr(ord("\u0410") + n)) for n in range(CROWD)]
    tasks = [make_task(title=chr(ord("\u0430") + n)) for n in range(CROWD)]

    outcomes = at_once(
        call("tasks.rank", task.id, before=anchor.id, by=SYSTEM)
        for task, anchor in zip(tasks, anchors, strict=True)
    )

    require_success(outcomes)
    pairs = zip(tasks, anchors, strict=True)
    assert titles(database) == "".join(task.title + anchor.title for task, anchor in pairs)


def test_tasks_that_are_created_while_others_become_the_last_come_after_them(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any], services: Services
) -> None:
    tasks = [make_task(title="x") for _ in range(FEWER // 2)]
    make_task(title="|")
    calls = [call("tasks.rank", task.id, last=True, by=SYSTEM) for task in tasks]
    calls += [call("tasks.create", title="n", by=SYSTEM) for _ in range(FEWER // 2)]

    require_success(at_once(calls))
    services.tasks.create(title="$", by=SYSTEM)

    found = titles(database)
    assert sorted(found) == sorted("x" * len(tasks) + "|" + "n" * (FEWER // 2) + "$")
    assert (found[0], found[-1]) == ("|", "$")


def test_a_move_next_to_a_task_that_moves_itself_finds_it(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task(title=chr(ord("a") + n)) for n in range(FEWER)]
    anchor = make_task(title="$")

    outcomes = at_once(
        [
            call("tasks.rank", anchor.id, first=True, by=SYSTEM),
            *(call("tasks.rank", task.id, after=anchor.id, by=SYSTEM) for task in tasks[1:]),
        ]
    )

    require_success(outcomes)
    found = titles(database)
    assert found[0] == "$"
    assert sorted(found) == sorted("".join(task.title for task in tasks) + "$")


def test_ranks_are_spread_while_others_use_the_same_place(
    at_once: AtOnce, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task(title="x") for _ in range(FEWER)]
    first, last = make_task(title="["), make_task(title="]")

    for place in ({"before": last.id}, {"after": first.id}):
        outcomes = at_once(call(ranked, task.id, 3, **place) for task in tasks)

        require_success(outcomes)
        assert titles(database) == f"[{'x' * FEWER}]"
    assert database["activity"].count_documents({"by": "system:ranking"})
