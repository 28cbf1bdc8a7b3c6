"""Whatever happens in whatever order, what the rule book promises is so at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk_results import Result
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.answers import assert_log_tells_of, find_refusals
from tests.conftest import empty
from tests.factories import SYSTEM, Clock
from tests.integration.random_lives import Operation, World, lives, operations, outcome

# Limits so low that they are met all the time.
POLICY = replace(DEFAULT_POLICY, wip_limit=1, urgent_limit=1, four_eyes=True)
WORKFLOW = POLICY.workflow
few = settings(max_examples=settings.default.max_examples // 10)  # type: ignore[union-attr]
Commands = Sequence[tuple[int | None, Operation]]


@pytest.fixture
def strict(store: Store, clock: Clock) -> Services:
    return build_services(store, policy=POLICY, clock=clock)


def live_through(services: Services, life: Commands, clock: Clock) -> World:
    """A world in which these commands were given, a minute from one to the next.

    All in one transaction, which is faster; the commands don't know it.
    """

    def live() -> World:
        world = World.with_people(services)
        services.users.create(username="admin", name="Admin", role="admin", by=SYSTEM)
        for by, operation in life:
            clock.advance(minutes=1)
            world.perform(by, operation)
        return world

    return services.tasks.store.unit_of_work.run(live, seconds=60)


def visible(services: Services) -> dict[str, Task]:
    return {task.id: task for task in services.tasks.iterate(by=SYSTEM)}


def category(task: Task) -> Category:
    return WORKFLOW.category(task.status)


@few
@given(life=lives())
def test_the_log_tells_of_everything_and_nothing_is_stored_by_halves(
    database: Database[Any], strict: Services, clock: Clock, life: Commands
) -> None:
    empty(database)
    live_through(strict, life, clock)
    binned = strict.tasks.list(TaskQuery(binned=True), by=SYSTEM).items
    for task in (*visible(strict).values(), *binned):
        assert_log_tells_of(strict, task)
    found: list[tuple[str, str]] = []
    ensure_default_project(database)
    inspect_database(database, POLICY, lambda what, _, detail: found.append((what, detail)))
    assert found == []


@few
@given(life=lives(overrides=False))
def test_where_nobody_overrides_the_rules_hold(
    database: Database[Any], strict: Services, clock: Clock, life: Commands
) -> None:
    empty(database)
    live_through(strict, life, clock)
    tasks = visible(strict)
    started = Counter(t.assignee_id for t in tasks.values() if category(t) is Category.STARTED)
    urgent = Counter(
        t.assignee_id
        for t in tasks.values()
        if t.priority is Priority.URGENT and category(t).is_open and t.assignee_id is not None
    )
    assert None not in started
    assert max(started.values(), default=0) <= POLICY.wip_limit
    assert max(urgent.values(), default=0) <= POLICY.urgent_limit
    for task in tasks.values():
        assert (task.completed_at is not None) == (category(task) is Category.COMPLETED)
        parent = tasks[task.parent_id] if task.parent_id else None
        if parent is not None and category(task).is_open:
            assert category(parent) is not Category.COMPLETED
    assert_no_ring(tasks)


def assert_no_ring(tasks: Mapping[str, Task]) -> None:
    """What waits for nothing is taken away, again and again, until nothing is left."""
    waits = {
        task.id: {b for b in task.blocked_by if b in tasks}
        | {other.id for other in tasks.values() if other.parent_id == task.id}
        for task in tasks.values()
    }
    while free := {key for key, waited in waits.items() if not waited}:
        waits = {key: waited - free for key, waited in waits.items() if key not in free}
    assert waits == {}


@few
@given(life=lives(max_commands=20), by=st.none() | st.integers(0, 3))
def test_the_transitions_never_say_anything_else_than_the_move(
    database: Database[Any], strict: Services, clock: Clock, life: Commands, by: int | None
) -> None:
    empty(database)
    world = live_through(strict, life, clock)
    actor = world.actor(by)
    for task in visible(strict).values():
        for transition in strict.tasks.transitions(task.id, by=actor):
            if "not_permitted" not in [reason.code for reason in transition.reasons]:
                found = find_refusals(lambda: moved(strict, task, transition.to, actor))  # noqa: B023
                assert transition.reasons == found


def moved(services: Services, task: Task, to: str, by: Actor) -> Task:
    return services.tasks.change_status(task.id, status=to, by=by, reason="Because.", dry_run=True)


@few
@given(
    life=lives(max_commands=10),
    bulk=st.lists(operations(overrides=True), min_size=8, max_size=15),
    by=st.none() | st.integers(0, 3),
)
def test_a_bulk_is_its_commands_one_by_one(
    database: Database[Any],
    strict: Services,
    clock: Clock,
    life: Commands,
    bulk: Sequence[Operation],
    by: int | None,
) -> None:
    empty(database)
    alone, together = (World.with_people(strict, prefix) for prefix in ("alone", "together"))
    for world in (alone, together):
        for number, operation in life:
            world.perform(number, operation)
    # A bulk names only what there is when it begins.
    in_bulk = [together.with_ids(operation) for operation in bulk]
    single = [alone.with_ids(operation) for operation in bulk]
    one_by_one = [strict.bulk.run([op], by=alone.actor(by), atomic=False).results[0] for op in single]
    at_once = strict.bulk.run(in_bulk, by=together.actor(by), atomic=False).results
    for world, results in ((alone, one_by_one), (together, at_once)):
        for result in results:
            world.record_creation(result)
    assert [outcome(result) for result in at_once] == [outcome(result) for result in one_by_one]
    assert as_numbers(together, at_once) == as_numbers(alone, one_by_one)


def as_numbers(world: World, results: Sequence[Result]) -> list[Any]:
    """The tasks at the end, with numbers for ids, and without what follows from the number of a create."""
    named = [result.task.id for result in results if result.task is not None]
    tasks = [
        *visible(world.services).values(),
        *world.services.tasks.list(TaskQuery(binned=True), by=SYSTEM).items,
    ]
    ours = [task for task in tasks if task.id in (*world.tasks, *named)]
    return sorted(
        (
            str(world.without_ids(task.id)),
            task.version,
            {
                name: world.without_ids(value)
                for name, value in logged_fields(task).items()
                if name not in ("key", "rank")
            },
        )
        for task in ours
    )
