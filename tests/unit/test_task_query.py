"""The query for tasks: its default order, and whether it depends on the time."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import pytest

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.queries.task_query import (
    BEST_MATCH_FIRST,
    NEWEST_FIRST,
    QueryContext,
    Sort,
    Span,
    TaskQuery,
)
from taskmgr.infrastructure.mongo.reads.task_filters import task_filter
from tests.factories import NOW, an_id

A_VALUE: dict[str, Any] = {
    "ids": (an_id(),),
    "projects": ("OPS",),
    "statuses": ("todo",),
    "categories": (Category.STARTED,),
    "priorities": (Priority.HIGH,),
    "assignee_ids": (None,),
    "created_by": ("system:cli",),
    "labels": ("audit",),
    "parent_ids": (None,),
    "blocked_by": (an_id(),),
    "blocked": True,
    "overdue": True,
    "dated": True,
    "due": Span(date(2026, 3, 1), date(2026, 3, 31)),
    "created": Span(None, NOW),
    "updated": Span(NOW, None),
    "words": ("login",),
    "except_id": an_id(),
    "binned": True,
    "sort": (Sort("title"),),
}


def test_every_field_has_a_value_here() -> None:
    assert set(A_VALUE) == {field.name for field in fields(TaskQuery)}


@pytest.mark.parametrize("name", A_VALUE)
def test_a_query_depends_on_time_exactly_if_its_filters_change_with_the_clock(name: str) -> None:
    query = TaskQuery(**{name: A_VALUE[name]})

    now, later = (
        task_filter(query, QueryContext(moment, DEFAULT_POLICY)) for moment in (NOW, NOW + timedelta(days=1))
    )

    assert query.depends_on_time == (now != later)


def test_not_overdue_depends_on_time_as_well() -> None:
    assert TaskQuery(overdue=False).depends_on_time


def test_without_a_sort_the_newest_come_first_and_with_words_the_best_matches() -> None:
    assert TaskQuery().order == NEWEST_FIRST
    assert TaskQuery(words=("login",)).order == BEST_MATCH_FIRST
    assert TaskQuery(words=("login",), sort=(Sort("title"),)).order == (Sort("title"),)
