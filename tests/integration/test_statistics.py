"""Statistics: what the store counts is what plain Python counts, and from indexes alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import Invalid, NotFound, Refused
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.statistics import (
    AssigneeCount,
    CycleTimes,
    DayCounts,
    Days,
    FlowDay,
    LabelCount,
    Statistics,
)
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.repositories.statistics import MongoStatisticsRepository
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.conftest import empty
from tests.factories import NOW, SYSTEM, Clock, a_task, a_user
from tests.integration.many_tasks import POLICIES, PROJECTS, SOME_PROJECTS, is_in, many_tasks, store_all

MakeTask, MakeUser = Callable[..., Task], Callable[..., User]

half = settings(max_examples=settings.default.max_examples // 2)  # type: ignore[union-attr]
USERS = [a_user(username=name) for name in ("ada", "bob", "cyd")]
NAMES: Mapping[str | None, str] = {user.id: user.username for user in USERS}
SPANS = st.sampled_from([(None, None), (date(2026, 3, 8), date(2026, 3, 8)), (date(2026, 3, 1), None)])


def at_rank(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest that so many percent do not exceed."""
    for place, value in enumerate(ordered, start=1):
        if 100 * place >= percent * len(ordered):
            return value
    return None


def plainly(
    tasks: Sequence[Task],
    policy: Policy,
    first: date | None,
    last: date | None,
    projects: Sequence[str] | None = None,
) -> Statistics:
    """The same over all tasks, a day being what the time zone's calendar says."""
    workflow, zone = policy.workflow, policy.time_zone
    last = last or NOW.astimezone(zone).date()
    days = Days(first or last - timedelta(days=29), last, zone)
    visible = [task for task in tasks if not task.is_binned and is_in(task, projects)]
    open_tasks = [task for task in visible if workflow.is_open(task.status)]
    created = Counter(task.created_at.astimezone(zone).date() for task in visible)
    completed = [
        task
        for task in visible
        if task.completed_at and days.first <= task.completed_at.astimezone(zone).date() <= last
    ]
    by_day = Counter(task.completed_at.astimezone(zone).date() for task in completed if task.completed_at)
    took = sorted(
        (task.completed_at - task.started_at).total_seconds()
        for task in completed
        if task.started_at and task.completed_at
    )
    statuses, priorities = Counter(t.status for t in visible), Counter(t.priority for t in open_tasks)
    open_counts = Counter(t.assignee_id for t in open_tasks).items()
    late = Counter(t.assignee_id for t in open_tasks if t.is_overdue(now=NOW, workflow=workflow))
    return Statistics(
        by_status={status: statuses[status] for status in workflow.statuses},
        by_priority={priority: priorities[priority] for priority in Priority},
        by_assignee=sorted(
            (AssigneeCount(key, NAMES.get(key), count, late[key]) for key, count in open_counts),
            key=lambda row: (-row.open, row.username or "~"),
        ),
        overdue=sum(task.is_overdue(now=NOW, workflow=workflow) for task in visible),
        days=days,
        per_day=[DayCounts(day, created[day], by_day[day]) for day in days],
        cycle_times=CycleTimes(len(took), at_rank(took, 50), at_rank(took, 85)),
    )


@half
@given(data=st.data())
def test_the_store_counts_what_plain_python_counts(data: st.DataObject, database: Database[Any]) -> None:
    empty(database)
    policy = data.draw(st.sampled_from(POLICIES))
    tasks = data.draw(many_tasks(policy, [*NAMES, None]))
    store_all(database, USERS, tasks)
    services = build_services(mongo_store(database), policy=policy, clock=Clock())
    span, projects = data.draw(SPANS), data.draw(SOME_PROJECTS)
    found = services.statistics.of(*span, projects=projects, by=SYSTEM)
    assert found == plainly(tasks, policy, *span, projects)
    assert list(found.by_status) == list(policy.workflow.statuses)


@half
@given(data=st.data())
def test_cycle_times_are_those_of_the_tasks_completed_last(
    data: st.DataObject, database: Database[Any]
) -> None:
    empty(database)
    policy = data.draw(st.sampled_from(POLICIES))
    tasks = data.draw(many_tasks(policy, [None]))
    store_all(database, (), tasks)
    services = build_services(mongo_store(database), policy=policy, clock=Clock())
    span, projects = data.draw(SPANS), data.draw(SOME_PROJECTS)

    found = services.statistics.cycle_times(*span, projects=projects, by=SYSTEM)

    statistics = plainly(tasks, policy, *span, projects)
    first, last = statistics.days.first, statistics.days.last
    expected = sorted(
        (task.completed_at, (task.completed_at - task.started_at).total_seconds(), task.id)
        for task in tasks
        if task.completed_at and task.started_at and not task.is_binned and is_in(task, projects)
        if first <= task.completed_at.astimezone(policy.time_zone).date() <= last
    )
    assert found.all == statistics.cycle_times
    assert sorted((time.finished_at, time.seconds, time.id) for time in found.latest) == expected
    finished = [time.finished_at for time in found.latest]
    assert finished == sorted(finished, reverse=True)


# --- the history of statuses

MOVES = st.lists(
    st.tuples(
        st.sampled_from(["create", "move", "move", "move", "bin", "restore", "project"]),
        st.integers(0, 4),
        st.sampled_from(["todo", "in_progress", "in_review", "completed", "cancelled"]),
        st.sampled_from(PROJECTS),
        st.integers(0, 40),  # hours
    ),
    max_size=25,
)
BERLIN = ZoneInfo("Europe/Berlin")  # its clocks went forward on 29 March 2026


def live(services: Services, clock: Clock, moves: Sequence[tuple[str, int, str, str, int]]) -> None:
    """Makes these moves; those that the rules refuse are left out."""
    keys: list[str] = []
    by = {"by": SYSTEM}
    for kind, number, status, project, hours in moves:
        clock.advance(hours=hours)
        if kind == "create" or not keys:
            keys.append(services.tasks.create(title="x", project=project, assignee_id=USERS[0].id, **by).id)
            continue
        task = keys[number % len(keys)]
        commands: Mapping[str, Callable[[], Any]] = {
            "move": lambda task=task, status=status: services.tasks.change(  # type: ignore[misc]
                task, {"status": status, "title": status}, reason="x", override=True, **by
            ),
            "bin": lambda task=task: services.tasks.bin(task, **by),  # type: ignore[misc]
            "restore": lambda task=task: services.tasks.restore(task, **by),  # type: ignore[misc]
            "project": lambda task=task, project=project: services.tasks.change(  # type: ignore[misc]
                task, {"project": project}, **by
            ),
        }
        with suppress(Refused, NotFound):
            commands[kind]()


def flow_by_replay(
    database: Database[Any], policy: Policy, days: Days, projects: Sequence[str] | None
) -> list[FlowDay]:
    """The status of each task at the end of each day, by all entries of its log up to then."""
    rows = []
    entries = list(database["activity"].find({"entity": "task"}).sort("version", 1))
    counted = {
        row["_id"]
        for row in database["tasks"].find({"deleted_at": None})
        if projects is None or row["project"] in [key.upper() for key in projects]
    }
    for day in days:
        latest = {
            entry["entity_id"]: entry["after"]["status"]
            for entry in entries
            if "status" in entry["after"] and entry["entity_id"] in counted
            if entry["at"].astimezone(policy.time_zone).date() <= day
        }
        by_status = Counter(latest.values())
        rows.append(FlowDay(day, {status: by_status[status] for status in policy.workflow.statuses}))
    return rows


@half
@given(moves=MOVES, projects=SOME_PROJECTS, zone=st.sampled_from([UTC, BERLIN]), days=st.integers(1, 40))
def test_the_flow_is_what_a_replay_of_the_log_gives(
    moves: list[tuple[str, int, str, str, int]],
    projects: Sequence[str] | None,
    zone: Any,
    days: int,
    database: Database[Any],
) -> None:
    empty(database)
    store_all(database, USERS, ())
    policy, clock = replace(DEFAULT_POLICY, time_zone=zone), Clock()
    clock.advance(days=10)
    services = build_services(mongo_store(database), policy=policy, clock=clock)
    live(services, clock, moves)
    last = clock().astimezone(zone).date() - timedelta(days=days % 3)

    found = services.statistics.flow(last - timedelta(days=days - 1), last, projects=projects, by=SYSTEM)

    assert list(found.per_day) == flow_by_replay(database, policy, found.days, projects)


@pytest.mark.parametrize("portion", [1, 2])
def test_tasks_are_named_to_the_database_in_portions(
    portion: int, services: Services, make_task: MakeTask, database: Database[Any]
) -> None:
    tasks = [make_task() for _ in range(5)]
    for task in tasks[:3]:
        services.tasks.bin(task.id, by=SYSTEM)
    numbers = MongoStatisticsRepository(database, portion=portion)
    moments = [NOW - timedelta(days=1), NOW + timedelta(days=1)]

    assert [+changes for changes in numbers.status_changes(moments)] == [{"todo": 2}, {}]
    of_project = numbers.of_projects(["TASK"])
    assert [+changes for changes in of_project.status_changes(moments)] == [{"todo": 2}, {}]


def test_an_unknown_project_is_an_error(services: Services) -> None:
    with pytest.raises(Invalid, match="projects: Unknown project key: OPS"):
        services.statistics.of(projects=["task", "OPS"], by=SYSTEM)
    with pytest.raises(Invalid, match=r"projects.0: Must be 2 to 10 characters"):
        services.statistics.of(projects=["no such key"], by=SYSTEM)


@half
@given(data=st.data())
def test_labels_are_counted_as_in_plain_python(data: st.DataObject, database: Database[Any]) -> None:
    empty(database)
    names = ("api", "café", "ui", "zeta")
    drawn = data.draw(many_tasks(POLICIES[0], [None]))
    tasks = [replace(t, labels=tuple(data.draw(st.sets(st.sampled_from(names))))) for t in drawn]
    store_all(database, (), tasks)
    services, projects = build_services(mongo_store(database), clock=Clock()), data.draw(SOME_PROJECTS)

    found = services.statistics.labels(PageRequest(limit=2, with_total=True), projects=projects, by=SYSTEM)

    there = [task for task in tasks if not task.is_binned and is_in(task, projects)]
    expected = [
        LabelCount(name, sum(POLICIES[0].workflow.is_open(task.status) for task in own), len(own))
        for name in names
        if (own := [task for task in there if name in task.labels])
    ]
    assert (list(found.items), found.total) == (expected[:2], len(expected))


# --- in the life of a task


def test_a_task_that_is_reopened_was_not_completed(
    services: Services, make_task: MakeTask, make_user: MakeUser, clock: Clock
) -> None:
    task = make_task(assignee_id=make_user("ada").id, status="in_progress")
    clock.advance(hours=2)
    services.tasks.change_status(task.id, status="completed", by=SYSTEM)
    done = services.statistics.of(by=SYSTEM)
    assert (done.per_day[-1].completed, done.cycle_times) == (1, CycleTimes(1, 7200.0, 7200.0))
    clock.advance(hours=1)
    services.tasks.change_status(task.id, status="in_progress", reason="It leaks", by=SYSTEM)
    reopened = services.statistics.of(by=SYSTEM)
    assert (reopened.per_day[-1].completed, reopened.cycle_times) == (0, CycleTimes(0, None, None))
    clock.advance(hours=1)
    services.tasks.change_status(task.id, status="completed", by=SYSTEM)
    assert services.statistics.of(by=SYSTEM).cycle_times.median_seconds == 4 * 3600


def test_a_task_in_the_bin_counts_nowhere(services: Services, make_task: MakeTask) -> None:
    nothing = services.statistics.of(by=SYSTEM)
    task = make_task(due_date="2026-03-01")
    assert services.statistics.of(by=SYSTEM) != nothing
    services.tasks.bin(task.id, by=SYSTEM)
    assert services.statistics.of(by=SYSTEM) == nothing


def test_everybody_may_ask(services: Services, viewer: Actor) -> None:
    assert services.statistics.of("2026-03-01", "2026-03-02", by=viewer).days.last == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("span", "mistakes"),
    [
        (("2025-03-09", None), [("first", "too_many")]),
        (("2026-03-11", None), [("first", "out_of_range")]),
        (("soon", "late"), [("first", "bad_date"), ("last", "bad_date")]),
    ],
)
def test_a_span_that_cannot_be_is_refused(
    span: tuple[str, str | None], mistakes: list[tuple[str, str]], services: Services
) -> None:
    with pytest.raises(Invalid) as caught:
        services.statistics.of(*span, by=SYSTEM)
    assert [(error.location, error.code) for error in caught.value.errors] == mistakes


# --- what it costs


class CommandLog(CommandListener):
    """The commands that were sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


@pytest.fixture(params=[None, ("OPS",), ("WEB", "TASK")], ids=str)
def commands(request: Any, mongodb_uri: str, database: Database[Any]) -> list[dict[str, Any]]:
    """What the statistics, of all tasks or of some projects, ask of a database with some tasks in it."""
    ada = USERS[0]
    tasks = [
        a_task(
            status=status,
            project=PROJECTS[number % 3],
            assignee_id=ada.id,
            created_at=NOW - timedelta(hours=number),
            started_at=NOW - timedelta(days=1),
            completed_at=NOW if status == "completed" else None,
        )
        for status in POLICIES[0].workflow.statuses
        for number in range(20)
    ]
    store_all(database, USERS, tasks)
    listener = CommandLog()
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[listener]) as connection:
        services = build_services(mongo_store(connection[database.name]), clock=Clock())
        services.statistics.of(projects=request.param, by=SYSTEM)
    return [command for command in listener.commands if command.get("aggregate") == "tasks"]


def test_every_number_is_read_from_an_index_alone(
    commands: list[dict[str, Any]], database: Database[Any]
) -> None:
    assert len(commands) == len(POLICIES[0].workflow.statuses) + 7
    for command in commands:
        plain = {name: command[name] for name in ("aggregate", "pipeline", "cursor", "hint")}
        explained = database.command("explain", plain, verbosity="executionStats")
        stage = explained["stages"][0]["$cursor"] if "stages" in explained else explained
        assert "COLLSCAN" not in str(explained)
        assert stage["executionStats"]["totalDocsExamined"] == 0, command["pipeline"]
        assert stage["executionStats"]["totalKeysExamined"] <= 20 * 6 + 10


def test_all_is_asked_in_one_transaction(commands: list[dict[str, Any]]) -> None:
    assert len({(str(command["lsid"]), command["txnNumber"]) for command in commands}) == 1
    assert {command["autocommit"] for command in commands} == {False}
