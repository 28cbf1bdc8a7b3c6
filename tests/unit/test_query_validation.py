"""Queries of scripts: equivalent forms are accepted, and every mistake is located."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import pytest

from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.user import Role
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.queries import validation
from taskmgr.domain.queries.task_query import BEST_MATCH_FIRST, TASK_SORTS, Sort, Span, TaskQuery
from taskmgr.domain.queries.user_query import UserQuery
from tests.factories import NOW, an_id

ID = "0123456789abcdef01234567"
NAIVE = datetime(2026, 3, 10)


def validated(**filters: Any) -> TaskQuery:
    return validation.validated(TaskQuery(**filters), DEFAULT_POLICY)


def test_every_field_of_a_query_is_checked() -> None:
    assert {field.name for field in fields(TaskQuery)} == set(validation._PARSERS)
    assert {field.name for field in fields(UserQuery)} == set(validation._USER_PARSERS)


def test_a_query_for_users_is_checked_like_one_for_tasks() -> None:
    query = UserQuery(usernames=["Ada", "ada"], words=["Löv"], roles=("admin",), active=True)  # type: ignore[arg-type]

    assert validation.validated(query, DEFAULT_POLICY) == UserQuery(
        usernames=("ada",), words=("lov",), roles=(Role.ADMIN,), active=True
    )
    with pytest.raises(Invalid) as caught:
        validation.validated(UserQuery(roles=("boss",), active="yes"), DEFAULT_POLICY)  # type: ignore[arg-type]
    assert [error.location for error in caught.value.errors] == ["query.roles.0", "query.active"]


def test_a_valid_query_is_returned_unchanged() -> None:
    for query in (
        TaskQuery(),
        TaskQuery(
            ids=(ID,),
            statuses=("todo", "completed"),
            categories=(Category.STARTED,),
            priorities=(Priority.HIGH,),
            assignee_ids=(ID, None),
            created_by=(ID, "system:cli"),
            labels=("audit",),
            parent_ids=(ID, None),
            blocked_by=(ID,),
            blocked=True,
            overdue=False,
            dated=True,
            due=Span(date(2026, 3, 1), None),
            created=Span(None, NOW),
            updated=Span(NOW, date(2026, 3, 1)),
            words=("login", "page"),
            except_id=an_id(),
            binned=True,
            sort=(Sort("priority", descending=True), Sort("title")),
        ),
        TaskQuery(statuses=(), ids=(), assignee_ids=()),
        TaskQuery(words=("login",), sort=BEST_MATCH_FIRST),
    ):
        assert validation.validated(query, DEFAULT_POLICY) is query


def test_the_name_of_a_priority_becomes_a_priority() -> None:
    priorities = validation.validated(TaskQuery(priorities=("high",)), DEFAULT_POLICY).priorities

    assert priorities is not None
    assert [type(priority) for priority in priorities] == [Priority]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"priorities": ("high",)}, {"priorities": (Priority.HIGH,)}),
        ({"categories": ["started"]}, {"categories": (Category.STARTED,)}),
        ({"labels": ("Audit", "audit", " New ")}, {"labels": ("audit", "new")}),
        ({"labels": ["audit"]}, {"labels": ("audit",)}),
        ({"statuses": ["todo"]}, {"statuses": ("todo",)}),
        ({"statuses": {"todo"}}, {"statuses": ("todo",)}),
        ({"words": ("Login-Page",)}, {"words": ("login", "page")}),
    ],
)
def test_equivalent_forms_are_parsed(filters: dict[str, Any], kept: dict[str, Any]) -> None:
    assert validated(**filters) == TaskQuery(**kept)


@pytest.mark.parametrize(
    ("filters", "location", "code"),
    [
        ({"statuses": ("todo", "in progress")}, "query.statuses.1", "not_allowed"),
        ({"statuses": "todo"}, "query.statuses", "wrong_type"),
        ({"statuses": ("todo", None)}, "query.statuses.1", "not_allowed"),
        ({"priorities": ("asap",)}, "query.priorities.0", "not_allowed"),
        ({"priorities": (3,)}, "query.priorities.0", "not_allowed"),
        ({"ids": ("7",)}, "query.ids.0", "bad_id"),
        ({"projects": ("OPS", "no key")}, "query.projects.1", "bad_project_key"),
        ({"projects": "OPS"}, "query.projects", "wrong_type"),
        ({"ids": ID}, "query.ids", "wrong_type"),
        ({"assignee_ids": ("ada",)}, "query.assignee_ids.0", "bad_id"),
        ({"assignee_ids": (None, "me")}, "query.assignee_ids.1", "bad_id"),
        ({"created_by": ("ada",)}, "query.created_by.0", "bad_id"),
        ({"labels": "audit"}, "query.labels", "wrong_type"),
        ({"labels": ("a,b",)}, "query.labels.0", "comma"),
        ({"parent_ids": ("none",)}, "query.parent_ids.0", "bad_id"),
        ({"blocked_by": (None,)}, "query.blocked_by.0", "bad_id"),
        ({"blocked": "false"}, "query.blocked", "wrong_type"),
        ({"overdue": 1}, "query.overdue", "wrong_type"),
        ({"dated": "any"}, "query.dated", "wrong_type"),
        ({"binned": "true"}, "query.binned", "wrong_type"),
        ({"binned": None}, "query.binned", "wrong_type"),
        ({"due": ("2026-03-01", None)}, "query.due", "wrong_type"),
        ({"due": Span("2026-03-01")}, "query.due", "wrong_type"),  # type: ignore[arg-type]
        ({"created": Span(NAIVE)}, "query.created", "no_offset"),
        ({"updated": Span(None, NAIVE)}, "query.updated", "no_offset"),
        ({"words": "login"}, "query.words", "wrong_type"),
        ({"words": ("login", "!")}, "query.words", "no_words"),
        ({"except_id": "7"}, "query.except_id", "bad_id"),
        ({"sort": (Sort("due"),)}, "query.sort", "not_allowed"),
        ({"sort": ("-priority",)}, "query.sort", "not_allowed"),
        ({"sort": Sort("title")}, "query.sort", "wrong_type"),
        ({"sort": (Sort("title"), Sort("title", descending=True))}, "query.sort", "repeated"),
        ({"sort": (Sort("match", descending=True),)}, "query.sort", "not_allowed"),
    ],
)
def test_a_mistake_has_a_location_and_a_code(filters: dict[str, Any], location: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        validated(**filters)
    assert [(error.location, error.code) for error in caught.value.errors] == [(location, code)]


def test_all_mistakes_are_reported_at_once_with_what_is_allowed() -> None:
    with pytest.raises(Invalid) as caught:
        validated(statuses=("done",), sort=(Sort("age"),), created=Span(datetime(2026, 3, 10, tzinfo=UTC)))
    status, sort = caught.value.errors
    assert status.allowed == DEFAULT_POLICY.workflow.statuses
    assert sort.allowed == TASK_SORTS
    assert sort.detail == (
        "Must be a Sort by one of: due_date, priority, created_at, updated_at, status_changed_at, title, "
        "key, rank; this is Sort(key='age', descending=False)."
    )
