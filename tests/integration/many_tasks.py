"""Generates random tasks, many of them similar, and two policies to judge them by; stores them in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.factories import NOW, a_project, a_task

# Two statuses in every category, and a time zone with a day of 23 hours in the last month.
OTHER_POLICY = Policy(
    workflow=Workflow(
        initial="new",
        categories={
            "done": Category.COMPLETED,
            "new": Category.UNSTARTED,
            "doing": Category.STARTED,
            "dropped": Category.CANCELLED,
            "ready": Category.UNSTARTED,
            "checking": Category.STARTED,
            "shipped": Category.COMPLETED,
            "void": Category.CANCELLED,
        },
        transitions={},
    ),
    wip_limit=0,
    time_zone=ZoneInfo("America/New_York"),  # its clocks went forward on 8 March 2026
)
POLICIES = (DEFAULT_POLICY, OTHER_POLICY)
PROJECTS = ("TASK", "OPS", "WEB")
# What a filter by projects can be given: None, and keys in any case.
SOME_PROJECTS = st.sampled_from([None, None, ("OPS",), ("web", "TASK"), PROJECTS])

_MOMENTS = [NOW + timedelta(**by) for by in ({}, {"milliseconds": 1}, {"milliseconds": -1}, {"days": 1})]
_DUE = st.none() | st.sampled_from(_MOMENTS).map(DueDate.at_instant)
# Times around now, around midnight in both time zones, and around the start of daylight saving time.
_TIMES = st.one_of(
    st.sampled_from(
        [
            *(
                datetime(2026, 3, day, hour, tzinfo=NOW.tzinfo)
                for day in (8, 9, 10, 11)
                for hour in (0, 4, 5)
            ),
            datetime(2026, 3, 10, 23, 59, 59, 999_000, NOW.tzinfo),
            NOW - timedelta(days=29),
            NOW - timedelta(days=30),
        ]
    ),
    st.integers(-35 * 24 * 60, 36 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)
_SECONDS = st.sampled_from([0.0, 0.001, 1.0, 3600.5, 86_400.0]) | st.integers(1, 9).map(float)


def _fields(policy: Policy, user_ids: Sequence[str | None], blockers: int) -> dict[str, Any]:
    return {
        "project": st.sampled_from(PROJECTS),
        "status": st.sampled_from(policy.workflow.statuses),
        "priority": st.sampled_from(Priority),
        "due_date": _DUE,
        "assignee_id": st.sampled_from(user_ids),
        "deleted_at": st.sampled_from([None, None, None, NOW]),
        "blocked_by": st.lists(st.integers(0, blockers), max_size=3, unique=True),
        "created_at": _TIMES,
        "completed_at": _TIMES,
        "took": st.none() | _SECONDS,
    }


def _task(policy: Policy, fields: Mapping[str, Any]) -> Task:
    """Returns a task that commands could have created: only completed tasks have `completed_at`."""
    values = dict(fields)
    seconds, completed_at = values.pop("took"), values.pop("completed_at")
    if policy.workflow.category(values["status"]) is Category.COMPLETED:
        values["completed_at"] = completed_at
    if seconds is not None:
        values["started_at"] = completed_at - timedelta(seconds=seconds)
    return a_task(**values)


def many_tasks(
    policy: Policy, user_ids: Sequence[str | None], max_tasks: int = 14
) -> st.SearchStrategy[list[Task]]:
    """Draws tasks of these users that are blocked by each other, by themselves and by an unknown task."""

    def with_blockers(rows: list[dict[str, Any]]) -> list[Task]:
        tasks = [_task(policy, {**row, "blocked_by": ()}) for row in rows]
        ids = [*(task.id for task in tasks), "f" * 24]
        return [
            replace(task, blocked_by=tuple({ids[number % len(ids)]: None for number in row["blocked_by"]}))
            for task, row in zip(tasks, rows, strict=True)
        ]

    row = st.fixed_dictionaries(_fields(policy, user_ids, max_tasks))
    # By itself, Hypothesis prefers short lists.
    sizes = st.sampled_from([0, 3, max_tasks, max_tasks])
    return sizes.flatmap(lambda size: st.lists(row, min_size=size, max_size=size)).map(with_blockers)


def is_in(task: Task, projects: Sequence[str] | None) -> bool:
    """Returns whether a filter by projects lets the task through."""
    return projects is None or task.project in [key.upper() for key in projects]


def store_all(database: Database[Any], users: Iterable[User], tasks: Iterable[Task]) -> None:
    """Inserts users and tasks directly, without applying rules, with a majority write concern.

    Creates the projects that do not exist.
    """
    tasks = list(tasks)
    for key in {*PROJECTS, *(task.project for task in tasks)}:
        row = validated_row(mappers.project_document(a_project(key=key)))
        database["projects"].update_one({"key": key}, {"$setOnInsert": row}, upsert=True)
    groups: tuple[tuple[str, Callable[[Any], Any], Iterable[Any]], ...] = (
        ("users", mappers.user_document, users),
        ("tasks", mappers.task_document, tasks),
    )
    for name, to_document, entities in groups:
        rows = [validated_row(to_document(entity)) for entity in entities]
        if rows:
            database.get_collection(name, write_concern=WriteConcern("majority")).insert_many(rows)
