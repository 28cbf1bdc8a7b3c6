"""Random tasks, many of them alike, and the policies that they are judged by; stored at one stroke."""

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
from tests.factories import NOW, a_task

# Two statuses of every category, and a day of 23 hours within the last month.
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

_MOMENTS = [NOW + timedelta(**by) for by in ({}, {"milliseconds": 1}, {"milliseconds": -1}, {"days": 1})]
_DUE = st.none() | st.sampled_from(_MOMENTS).map(DueDate.at_instant)
# Around now, the ends of days in both time zones, and the change of the clocks between them.
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
    """A task as commands could have left it: `completed_at` is a completed one's alone."""
    given = dict(fields)
    took, completed_at = given.pop("took"), given.pop("completed_at")
    if policy.workflow.category(given["status"]) is Category.COMPLETED:
        given["completed_at"] = completed_at
    if took is not None:
        given["started_at"] = completed_at - timedelta(seconds=took)
    return a_task(**given)


def many_tasks(
    policy: Policy, user_ids: Sequence[str | None], most: int = 14
) -> st.SearchStrategy[list[Task]]:
    """Tasks of these users that wait for each other, for themselves, and for one that there is not."""

    def related(rows: list[dict[str, Any]]) -> list[Task]:
        tasks = [_task(policy, {**row, "blocked_by": ()}) for row in rows]
        ids = [*(task.id for task in tasks), "f" * 24]
        return [
            replace(task, blocked_by=tuple({ids[place % len(ids)]: None for place in row["blocked_by"]}))
            for task, row in zip(tasks, rows, strict=True)
        ]

    row = st.fixed_dictionaries(_fields(policy, user_ids, most))
    # Left to itself, a list is a short one.
    sizes = st.sampled_from([0, 3, most, most])
    return sizes.flatmap(lambda size: st.lists(row, min_size=size, max_size=size)).map(related)


def store_all(database: Database[Any], users: Iterable[User], tasks: Iterable[Task]) -> None:
    """Stores them without any rule, so that a majority has them."""
    made: tuple[tuple[str, Callable[[Any], Any], Iterable[Any]], ...] = (
        ("users", mappers.user_document, users),
        ("tasks", mappers.task_document, tasks),
    )
    for name, document, things in made:
        rows = [validated_row(document(thing)) for thing in things]
        if rows:
            database.get_collection(name, write_concern=WriteConcern("majority")).insert_many(rows)
