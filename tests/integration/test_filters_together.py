"""Filters combined: every pair, and triples at random, against what plain Python leaves over.

All examples ask one world of tasks, which is stored once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.workflow import OPEN, Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.search import words_of
from taskmgr.domain.queries.task_query import Span, TaskQuery
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import a_comment, a_task, an_id
from tests.integration.test_task_filters import (
    CONTEXT,
    CREATORS,
    DAYS,
    DUE,
    LABELS,
    MIDNIGHT,
    MOMENTS,
    PEOPLE,
    PROJECTS,
    STATUSES,
    TEXTS,
    Comments,
    matches,
)

TASKS = 250
IDS = [an_id() for _ in range(TASKS)]
DAY = timedelta(days=1)
# For each filter the values that it is tried with; those that overlap with other filters come first.
VALUES: dict[str, list[Any]] = {
    "ids": [tuple(IDS[: TASKS // 2])],
    "except_id": [IDS[0]],
    "projects": [PROJECTS[:1], PROJECTS[1:]],
    "statuses": [STATUSES[: len(STATUSES) // 2], STATUSES[len(STATUSES) // 2 :]],
    "categories": [OPEN, (Category.STARTED, Category.COMPLETED)],
    "priorities": [(Priority.LOW, Priority.HIGH)],
    "assignee_ids": [(None, PEOPLE[0]), (PEOPLE[1],)],
    "created_by": [(CREATORS[0],)],
    "labels": [LABELS[:1], LABELS[:2]],
    "parent_ids": [(None,), tuple(IDS[:5])],
    "blocked_by": [tuple(IDS[:60])],
    "blocked": [True, False],
    "overdue": [True, False],
    "dated": [True, False],
    "due": [Span(DAYS[0] - 9_000 * DAY, None), Span(None, DAYS[1]), Span(DAYS[1], DAYS[1])],
    "created": [Span(MIDNIGHT, None), Span(None, DAYS[0])],
    "updated": [Span(DAYS[1], None), Span(None, CONTEXT.now)],
    "words": [words_of("login"), words_of("grosse"), words_of("whisper"), words_of("login whisper")],
    "binned": [True],
}
# Which value of which filter: what a failing example shows.
SINGLE = [(name, place) for name, found in VALUES.items() for place in range(len(found))]
PAIRS = [pair for pair in combinations(SINGLE, 2) if pair[0][0] != pair[1][0]]


def query_of(*chosen: tuple[str, int]) -> TaskQuery:
    return TaskQuery(**{name: VALUES[name][place] for name, place in chosen})


def random_tasks() -> dict[str, Task]:
    chance = random.Random(7)

    def task(task_id: str) -> Task:
        return a_task(
            id=task_id, project=chance.choice(PROJECTS),
            title=chance.choice(TEXTS), description=chance.choice(("", *TEXTS)),
            status=chance.choice(STATUSES), priority=chance.choice(list(Priority)),
            due_date=chance.choice(DUE), assignee_id=chance.choice([None, *PEOPLE]),
            created_by=chance.choice(CREATORS), labels=tuple(chance.sample(LABELS, chance.randrange(3))),
            created_at=chance.choice(MOMENTS), updated_at=chance.choice(MOMENTS),
            parent_id=chance.choice([None, chance.choice(IDS[:10])]),
            blocked_by=tuple(sorted({*chance.sample(IDS[:80], chance.randrange(3))} - {task_id})),
            deleted_at=chance.choice([None, None, None, MIDNIGHT]),
        )  # fmt: skip

    return {task_id: task(task_id) for task_id in IDS}


def random_comments() -> Comments:
    """Some tasks have comments; only these whisper, and some of them about the login."""
    chance = random.Random(8)
    texts = (*TEXTS, "A whisper", "Whispers about the login page")
    return {task_id: chance.sample(texts, chance.randrange(3)) for task_id in IDS}


class World:
    """The store and what is in it; not a dataclass, of which hypothesis would print every field."""

    def __init__(self, store: Store, tasks: dict[str, Task], comments: Comments) -> None:
        self.store = store
        self.tasks = tasks
        self.comments = comments

    def assert_found_as_in_python(self, query: TaskQuery) -> int:
        """Returns how many tasks match."""
        expected = {
            task.id for task in self.tasks.values() if matches(task, query, self.tasks, self.comments)
        }

        assert {*self.store.tasks.find_ids(query, CONTEXT, limit=TASKS)} == expected
        assert self.store.tasks.count(query, CONTEXT) == len(expected)
        return len(expected)


@pytest.fixture(scope="module")
def world(worker_database: Database[Any]) -> Iterator[World]:
    def clear() -> None:
        for collection in ("tasks", "comments"):
            worker_database[collection].delete_many({})

    clear()
    store, tasks, comments = mongo_store(worker_database), random_tasks(), random_comments()
    for task in tasks.values():
        store.tasks.add(task)
    for task_id, texts in comments.items():
        for text in texts:
            store.comments.add(a_comment(task_id=task_id, text=text))
    yield World(store, tasks, comments)
    clear()


@pytest.mark.parametrize("single", SINGLE, ids=str)
def test_each_value_lets_some_tasks_through_and_holds_others_back(
    world: World, single: tuple[str, int]
) -> None:
    assert 0 < world.assert_found_as_in_python(query_of(single)) < TASKS


def test_every_filter_of_a_query_is_tried() -> None:
    assert {*VALUES} == {*TaskQuery.__dataclass_fields__} - {"sort"}


@pytest.mark.slow
def test_every_pair_of_filters_is_what_python_filters(world: World) -> None:
    for pair in PAIRS:
        world.assert_found_as_in_python(query_of(*pair))


@settings(max_examples=300)
@given(chosen=st.lists(st.sampled_from(SINGLE), min_size=3, max_size=5, unique_by=lambda one: one[0]))
def test_more_filters_together_are_what_python_filters(world: World, chosen: list[tuple[str, int]]) -> None:
    world.assert_found_as_in_python(query_of(*chosen))
