"""The order by hand: what a ranking writes, what it refuses, and how it makes room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.errors import Invalid, NotPermitted, Refused, Stale
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.rank import MAX_LENGTH, between
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk_results import BulkRefused
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]


@pytest.fixture
def order(services: Services) -> Callable[[], list[str]]:
    """Returns the titles of all tasks, by hand."""
    query = TaskQuery(sort=(Sort("rank"),))
    return lambda: [
        task.title for task in services.tasks.list(query, PageRequest(limit=200), by=SYSTEM).items
    ]


@pytest.fixture
def abc(make_task: MakeTask) -> list[Task]:
    return [make_task(title=title) for title in "abc"]


def log_of(services: Services, task: Task) -> list[Any]:
    return list(services.activity.of_task(task.id, PageRequest(), by=SYSTEM).items)


def mistakes(caught: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.location, error.code) for error in caught.value.errors]


def test_new_tasks_come_last(abc: list[Task], order: Callable[[], list[str]]) -> None:
    assert order() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("moved", "place", "titles"),
    [
        (2, {"before": 0}, "cab"), (2, {"before": 1}, "acb"), (0, {"before": 2}, "bac"),
        (0, {"after": 1}, "bac"), (0, {"after": 2}, "bca"), (2, {"after": 0}, "acb"),
        (2, {"first": True}, "cab"), (1, {"first": True}, "bac"), (0, {"last": True}, "bca"),
    ],
)  # fmt: skip
def test_a_task_comes_directly_next_to_the_other(
    moved: int,
    place: dict[str, Any],
    titles: str,
    abc: list[Task],
    services: Services,
    order: Callable[[], list[str]],
) -> None:
    named = {side: value if value is True else abc[value].key for side, value in place.items()}

    ranked = services.tasks.rank(abc[moved].id, **named, by=SYSTEM)

    assert order() == list(titles)
    assert ranked.version == 2
    entry = log_of(services, ranked)[0]
    assert (entry.kind, {*entry.after}, entry.version) == ("task.ranked", {"rank"}, 2)


@pytest.mark.parametrize(
    ("moved", "place"),
    [
        (0, {"first": True}), (2, {"last": True}), (0, {"before": 1}), (1, {"before": 2}), (1, {"after": 0}),
        (2, {"after": 1}),
    ],
)  # fmt: skip
def test_a_task_that_is_in_place_writes_nothing(
    moved: int, place: dict[str, Any], abc: list[Task], services: Services, database: Database[Any]
) -> None:
    named = {side: value if value is True else abc[value].id for side, value in place.items()}
    rows = list(database["tasks"].find())

    assert services.tasks.rank(abc[moved].id, **named, by=SYSTEM) == abc[moved]
    assert list(database["tasks"].find()) == rows


def test_tasks_in_the_bin_do_not_keep_a_task_from_being_in_place(
    abc: list[Task], services: Services, order: Callable[[], list[str]]
) -> None:
    services.tasks.bin(abc[1].id, by=SYSTEM)

    assert services.tasks.rank(abc[0].id, before=abc[2].id, by=SYSTEM) == abc[0]
    assert services.tasks.rank(abc[2].id, after=abc[0].id, by=SYSTEM) == abc[2]
    assert order() == ["a", "c"]


def test_a_restored_task_is_where_it_was(
    abc: list[Task], make_task: MakeTask, services: Services, order: Callable[[], list[str]]
) -> None:
    services.tasks.bin(abc[1].id, by=SYSTEM)
    for title in "def":
        services.tasks.rank(make_task(title=title).id, before=abc[2].id, by=SYSTEM)
    assert order() == ["a", "d", "e", "f", "c"]

    services.tasks.restore(abc[1].id, by=SYSTEM)

    assert order() == ["a", "b", "d", "e", "f", "c"]


def test_the_last_task_stays_before_those_that_are_created_later(
    abc: list[Task], make_task: MakeTask, services: Services, order: Callable[[], list[str]]
) -> None:
    for task in abc[:2]:
        services.tasks.rank(task.id, last=True, by=SYSTEM)
    make_task(title="d")

    assert order() == ["c", "a", "b", "d"]


def test_ranks_stay_short_however_often_a_task_becomes_the_first(abc: list[Task], services: Services) -> None:
    for number in range(200):
        ranked = services.tasks.rank(abc[(2, 1, 0)[number % 3]].id, first=True, by=SYSTEM)

    assert len(ranked.rank) <= 3


# --- one command


def test_a_move_on_a_board_is_one_version_and_one_entry(
    abc: list[Task], ada: User, services: Services, order: Callable[[], list[str]]
) -> None:
    services.tasks.assign(abc[2].id, assignee_id=ada.id, by=SYSTEM)

    moved = services.tasks.change(
        abc[2].id, {"status": "in_progress", "rank": {"before": str(abc[0].key)}}, by=SYSTEM
    )

    assert (moved.version, moved.status, order()) == (3, "in_progress", ["c", "a", "b"])
    entry = log_of(services, moved)[0]
    assert (entry.kind, entry.version) == ("task.status_changed", 3)
    assert {"status", "rank"} <= {*entry.after}


def test_a_move_that_is_refused_does_not_rank_the_task(
    abc: list[Task], services: Services, database: Database[Any]
) -> None:
    rows = list(database["tasks"].find())

    with pytest.raises(Refused):
        services.tasks.change(abc[2].id, {"status": "in_progress", "rank": {"first": True}}, by=SYSTEM)

    assert list(database["tasks"].find()) == rows


def test_a_dry_run_shows_the_rank_and_stores_nothing(
    abc: list[Task], services: Services, database: Database[Any]
) -> None:
    rows = list(database["tasks"].find())

    assert services.tasks.rank(abc[2].id, first=True, by=SYSTEM, dry_run=True).rank < abc[0].rank
    assert list(database["tasks"].find()) == rows


def test_a_caller_who_has_seen_another_version_does_not_rank(abc: list[Task], services: Services) -> None:
    with pytest.raises(Stale):
        services.tasks.rank(abc[2].id, first=True, version=2, by=SYSTEM)


def test_only_those_who_may_change_a_task_rank_it(abc: list[Task], ada: User, services: Services) -> None:
    with pytest.raises(NotPermitted):
        services.tasks.rank(abc[2].id, first=True, by=Actor.of(ada))


def test_tasks_of_an_archived_project_are_not_ranked(
    make_task: MakeTask, services: Services, database: Database[Any]
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    _, task = (make_task(project="OPS") for _ in range(2))
    services.projects.change("OPS", {"archived": True}, by=SYSTEM)
    rows = list(database["tasks"].find())

    with pytest.raises(Refused) as caught:
        services.tasks.rank(task.id, first=True, by=SYSTEM)

    assert [reason.code for reason in caught.value.reasons] == ["project_archived"]
    assert list(database["tasks"].find()) == rows


# --- the other task


def test_a_task_that_moves_to_another_project_is_ranked_there(
    abc: list[Task], make_task: MakeTask, services: Services, order: Callable[[], list[str]]
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    there = make_task(title="x", project="OPS")

    moved = services.tasks.change(abc[0].id, {"project": "ops", "rank": {"before": there.id}}, by=SYSTEM)

    assert (moved.key, moved.version, order()) == ("OPS-2", 2, ["a", "x", "b", "c"])


@pytest.mark.parametrize("place", [{"first": True}, {"last": True}])
def test_a_task_can_be_the_first_and_the_last_of_an_empty_project(
    place: Any, abc: list[Task], services: Services
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)

    moved = services.tasks.change(abc[0].id, {"project": "OPS", "rank": place}, by=SYSTEM)

    assert moved.project == "OPS"


def test_a_task_of_another_project_is_no_neighbour(
    abc: list[Task], make_task: MakeTask, services: Services
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    there = make_task(project="OPS")

    with pytest.raises(Invalid) as ranked:
        services.tasks.rank(abc[0].id, before=str(there.key), by=SYSTEM)
    with pytest.raises(Invalid) as changed:
        services.tasks.change(abc[0].id, {"rank": {"before": there.id}}, by=SYSTEM)
    with pytest.raises(Invalid) as moved:
        services.tasks.change(abc[0].id, {"project": "OPS", "rank": {"after": abc[1].id}}, by=SYSTEM)

    assert mistakes(ranked) == [("before", "not_allowed")]
    assert mistakes(changed) == [("rank.before", "not_allowed")]
    assert mistakes(moved) == [("rank.after", "not_allowed")]


@pytest.mark.parametrize("unknown", ["TASK-99", "0" * 24])
def test_an_unknown_task_is_no_neighbour(unknown: str, abc: list[Task], services: Services) -> None:
    with pytest.raises(Invalid) as caught:
        services.tasks.rank(abc[0].id, after=unknown, by=SYSTEM)

    assert mistakes(caught) == [("after", "unknown_task")]
    assert unknown in str(caught.value)


def test_a_task_in_the_bin_is_no_neighbour(abc: list[Task], services: Services) -> None:
    services.tasks.bin(abc[1].id, by=SYSTEM)

    with pytest.raises(Invalid) as caught:
        services.tasks.rank(abc[0].id, after=abc[1].id, by=SYSTEM)

    assert mistakes(caught) == [("after", "unknown_task")]


@pytest.mark.parametrize(
    ("place", "mistake"),
    [
        ({}, ("", "required")),
        ({"before": "TASK-1", "after": "TASK-2"}, ("", "not_allowed")),
        ({"first": True, "last": True}, ("", "not_allowed")),
        ({"first": False}, ("first", "not_allowed")),
        ({"last": "yes"}, ("last", "wrong_type")),
        ({"before": "first"}, ("before", "bad_id")),
        ({"after": 3}, ("after", "bad_id")),
    ],
)
def test_a_place_is_exactly_one_of_four(
    place: dict[str, Any], mistake: tuple[str, str], abc: list[Task], services: Services
) -> None:
    with pytest.raises(Invalid) as ranked:
        services.tasks.rank(abc[0].id, **place, by=SYSTEM)
    with pytest.raises(Invalid) as changed:
        services.tasks.change(abc[0].id, {"rank": place}, by=SYSTEM)  # type: ignore[typeddict-item]

    location, code = mistake
    assert mistakes(ranked) == [mistake]
    assert mistakes(changed) == [(f"rank.{location}".removesuffix("."), code)]


@pytest.mark.parametrize(
    ("rank", "mistake"),
    [
        (None, ("rank", "null")),
        ("first", ("rank", "wrong_type")),
        ([], ("rank", "wrong_type")),
        ({"second": True}, ("rank.second", "unknown_field")),
    ],
)
def test_a_rank_is_a_place(rank: Any, mistake: tuple[str, str], abc: list[Task], services: Services) -> None:
    with pytest.raises(Invalid) as caught:
        services.tasks.change(abc[0].id, {"rank": rank}, by=SYSTEM)

    assert mistakes(caught) == [mistake]


def test_a_new_task_is_not_ranked(services: Services) -> None:
    with pytest.raises(Invalid) as caught:
        services.tasks.create(title="x", rank={"first": True}, by=SYSTEM)  # type: ignore[call-arg]

    assert mistakes(caught) == [("rank", "unknown_field")]


# --- bulk


def test_a_bulk_ranks_new_tasks_next_to_each_other(
    abc: list[Task], services: Services, order: Callable[[], list[str]]
) -> None:
    services.bulk.run(
        [
            {"op": "create", "title": "d", "ref": "d"},
            {"op": "create", "title": "e", "ref": "e"},
            {"op": "rank", "id": "ref:e", "before": abc[1].id},
            {"op": "rank", "id": "ref:d", "after": "ref:e"},
            {"op": "change", "id": abc[0].id, "rank": {"after": "ref:d"}},
        ],
        by=SYSTEM,
    )

    assert order() == ["e", "d", "a", "b", "c"]


def test_a_bulk_by_query_places_the_tasks_one_after_the_other(
    abc: list[Task], make_task: MakeTask, services: Services, order: Callable[[], list[str]]
) -> None:
    make_task(title="d")
    query = TaskQuery(ids=(abc[0].id, abc[1].id), sort=(Sort("title"),))

    services.bulk.change_where(query, {"rank": {"before": "TASK-4"}}, expect=2, by=SYSTEM)

    assert order() == ["c", "a", "b", "d"]


def test_a_bulk_that_is_refused_ranks_nothing(
    abc: list[Task], services: Services, order: Callable[[], list[str]]
) -> None:
    with pytest.raises(BulkRefused):
        services.bulk.run(
            [{"op": "rank", "id": abc[2].id, "first": True}, {"op": "rank", "id": abc[1].id}], by=SYSTEM
        )

    assert order() == ["a", "b", "c"]


# --- making room


@pytest.fixture
def cramped(services: Services) -> Services:
    """The services with ranks of at most four characters, spread with at most three on each side."""
    ranking = replace(services.tasks.ranking, max_length=4, reach=3)
    tasks = replace(services.tasks, ranking=ranking)
    return replace(services, tasks=tasks, bulk=replace(services.bulk, tasks=tasks))


def spread_entries(database: Database[Any]) -> list[Any]:
    return list(database["activity"].find({"by": "system:ranking"}).sort("_id", 1))


def complaints_of_the_doctor(database: Database[Any]) -> list[str]:
    found: list[str] = []
    inspect_database(database, DEFAULT_POLICY, lambda what, _, detail: found.append(f"{what}: {detail}"))
    # The default project of the tests has no entry in the log.
    return [complaint for complaint in found if not complaint.startswith("project ")]


def longest_rank(database: Database[Any]) -> int:
    return max(len(row["rank"]) for row in database["tasks"].find())


def test_a_gap_takes_hundreds_of_tasks_before_the_ranks_are_spread(
    abc: list[Task], services: Services, database: Database[Any]
) -> None:
    low, high = abc[0].rank, abc[2].rank
    for _ in range(300):
        high = between(low, high)
    assert len(high) <= MAX_LENGTH

    services.tasks.rank(abc[2].id, before=abc[1].id, by=SYSTEM)

    assert not spread_entries(database)


def test_ranks_that_grow_long_are_spread_without_changing_the_order(
    cramped: Services, make_task: MakeTask, order: Callable[[], list[str]], database: Database[Any]
) -> None:
    titles = [*"abcdefgh"]
    tasks = {title: make_task(title=title) for title in titles}
    for number in range(60):
        title = titles[0] if number % 2 else titles[1]
        cramped.tasks.rank(tasks[title].id, before=tasks["e"].id, by=SYSTEM)
        titles = [*(t for t in titles[:4] if t != title), title, *titles[4:]]
        assert order() == titles
        assert longest_rank(database) <= 4

    assert spread_entries(database)
    assert not complaints_of_the_doctor(database)


def test_a_spread_is_in_the_log_of_every_task_that_it_moves(
    cramped: Services, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task() for _ in range(9)]
    number = 0
    while not spread_entries(database):
        cramped.tasks.rank(tasks[number % 2].id, before=tasks[4].id, by=SYSTEM)
        number += 1

    entries = spread_entries(database)
    assert 1 <= len(entries) <= 6
    assert {entry["kind"] for entry in entries} == {"task.ranked"}
    for entry in entries:
        task = cramped.tasks.get(str(entry["entity_id"]), by=SYSTEM)
        assert (task.version, task.rank) == (entry["version"], entry["after"]["rank"])
    (by_hand,) = database["activity"].find({"change_set": entries[0]["change_set"], "by": SYSTEM.id})
    assert by_hand["kind"] == "task.ranked"


def test_a_neighbour_that_has_been_spread_has_another_version(
    cramped: Services, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task() for _ in range(3)]
    number = 0
    while not spread_entries(database):
        cramped.tasks.rank(tasks[number % 2].id, before=tasks[2].id, by=SYSTEM)
        number += 1

    with pytest.raises(Stale):
        cramped.tasks.change(tasks[2].id, {"title": "x"}, version=1, by=SYSTEM)


def test_a_dry_run_and_a_refusal_spread_nothing(
    cramped: Services, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task() for _ in range(3)]
    ranking = replace(cramped.tasks.ranking, max_length=0)
    impossible = replace(cramped.tasks, ranking=ranking)
    rows = list(database["tasks"].find())

    impossible.rank(tasks[2].id, before=tasks[1].id, by=SYSTEM, dry_run=True)
    with pytest.raises(Refused):
        impossible.change(tasks[2].id, {"status": "in_progress", "rank": {"before": tasks[1].id}}, by=SYSTEM)

    assert list(database["tasks"].find()) == rows
    assert not spread_entries(database)


def test_tasks_in_the_bin_are_spread_with_the_others(
    cramped: Services, make_task: MakeTask, order: Callable[[], list[str]], database: Database[Any]
) -> None:
    tasks = {title: make_task(title=title) for title in "abcdef"}
    for title in "cde":
        cramped.tasks.bin(tasks[title].id, by=SYSTEM)
    for number in range(20):
        cramped.tasks.rank(tasks["ab"[number % 2]].id, before=tasks["f"].id, by=SYSTEM)
    spread = {str(entry["entity_id"]) for entry in spread_entries(database)}
    assert spread & {tasks[title].id for title in "cde"}

    for title in "cde":
        cramped.tasks.restore(tasks[title].id, by=SYSTEM)

    assert order() == [*"cdeabf"]
    assert not complaints_of_the_doctor(database)


def test_a_bulk_makes_room_as_often_as_it_needs(
    cramped: Services, make_task: MakeTask, order: Callable[[], list[str]], database: Database[Any]
) -> None:
    tasks = [make_task(title=title) for title in "abcd"]
    operations: Any = [{"op": "rank", "id": tasks[n % 3].id, "before": tasks[3].id} for n in range(60)]

    results = cramped.bulk.run(operations, by=SYSTEM).results

    assert all(result.error is None for result in results)
    assert order() == [*"abcd"]
    assert longest_rank(database) <= 4
    spreads = Counter(entry["entity_id"] for entry in spread_entries(database))
    assert max(spreads.values()) > 1
    assert not complaints_of_the_doctor(database)
