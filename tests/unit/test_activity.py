"""Entries of the log: what they contain, their kinds, and the state to which they lead."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.history.changes import (
    COMMENT_KINDS,
    ENTITIES,
    KINDS,
    PROJECT_KINDS,
    SIGN_IN_KINDS,
    STATUS_KINDS,
    TASK_KINDS,
    TOKEN_KINDS,
    USER_KINDS,
    VIEW_KINDS,
    WEBHOOK_KINDS,
    kind_of_task_change,
)
from taskmgr.domain.history.differences import difference, logged_fields
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_WORKFLOW
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from tests.answers import replay
from tests.factories import (
    NOW,
    a_change,
    a_comment,
    a_full_account,
    a_full_comment,
    a_full_link,
    a_full_session,
    a_full_task,
    a_full_token,
    a_full_user,
    a_full_view,
    a_link,
    a_session,
    a_task,
    a_token,
    a_user,
    a_view,
    an_account,
    an_id,
)

NOT_LOGGED = {"id", "version", "updated_at", "unblocked", "former_keys", "last_used_at"}
PAIRS = {
    "task": (a_task, a_full_task),
    "user": (a_user, a_full_user),
    "comment": (a_comment, a_full_comment),
    "token": (a_token, a_full_token),
    "session": (a_session, a_full_session),
    "link": (a_link, a_full_link),
    "view": (a_view, a_full_view),
    "account": (an_account, a_full_account),
}
pairs = pytest.mark.parametrize(("plain", "full"), PAIRS.values(), ids=PAIRS)


@pairs
def test_the_log_has_every_field_except_those_that_are_not_logged(plain: Any, full: Any) -> None:
    entity = full()
    assert set(logged_fields(entity)) == {field.name for field in fields(entity)} - NOT_LOGGED


@pairs
def test_the_entry_of_a_new_entity_has_all_its_fields(plain: Any, full: Any) -> None:
    entity = full()
    assert difference(None, entity) == ({}, logged_fields(entity))


@pairs
def test_equal_states_have_no_difference(plain: Any, full: Any) -> None:
    entity = full()
    assert difference(entity, replace(entity)) == ({}, {})


@pairs
def test_a_change_of_all_fields_is_logged_in_full(plain: Any, full: Any) -> None:
    before, after = plain(), full()
    assert difference(before, after) == (logged_fields(before), logged_fields(after))


def test_only_changed_fields_are_logged() -> None:
    task = a_task()
    after = replace(task, title="Other", version=2, updated_at=NOW + timedelta(hours=1))
    assert difference(task, after) == ({"title": "Write the report"}, {"title": "Other"})


def test_logged_values_have_the_types_of_json_except_instants() -> None:
    task = a_full_task()
    logged = logged_fields(task)
    assert logged["priority"] == "urgent"
    assert logged["due_date"] == "2026-12-01"
    assert logged["labels"] == ["zeta", "älpha", "beta"]
    assert logged["started_at"] == task.started_at


def test_a_users_role_and_kind_are_logged_by_name() -> None:
    logged = logged_fields(a_full_user())
    assert (logged["role"], logged["kind"]) == ("admin", "service")


# --- the kind of a change

MOVED = ["status", "status_changed_at", "started_at", "completed_at", "reopen_count"]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        (MOVED[:2], "task.status_changed"),
        (MOVED, "task.status_changed"),
        (["priority"], "task.priority_changed"),
        (["assignee_id"], "task.assigned"),
        (["due_date"], "task.due_date_changed"),
        (["parent_id"], "task.parent_changed"),
        (["blocked_by"], "task.blockers_changed"),
        (["title"], "task.edited"),
        (["description"], "task.edited"),
        (["title", "description"], "task.edited"),
        (["labels"], "task.labelled"),
        ([*MOVED, "assignee_id"], "task.changed"),
        (["title", "labels"], "task.changed"),
        (["priority", "due_date"], "task.changed"),
    ],
)
def test_the_kind_of_a_change_follows_from_the_changed_fields(changed: list[str], kind: str) -> None:
    assert kind_of_task_change(dict.fromkeys(changed)) == kind


def test_every_kind_is_listed_once() -> None:
    assert len(set(KINDS)) == len(KINDS)
    credentials = {*TOKEN_KINDS, *SIGN_IN_KINDS}
    others = {*PROJECT_KINDS, *WEBHOOK_KINDS, *VIEW_KINDS}
    assert {*TASK_KINDS, *USER_KINDS, *COMMENT_KINDS, *credentials, *others} == set(KINDS)


def test_every_change_of_a_status_has_one_of_three_kinds() -> None:
    others = [field.name for field in fields(Task)]

    assert {kind_of_task_change({"status", other}) for other in others} < set(STATUS_KINDS) <= set(TASK_KINDS)


def test_every_kind_begins_with_its_entity() -> None:
    assert {kind.partition(".")[0] for kind in KINDS} == set(ENTITIES)


@given(st.sets(st.sampled_from([field.name for field in fields(Task)]), min_size=1))
def test_every_change_has_a_listed_kind(changed: set[str]) -> None:
    assert kind_of_task_change(dict.fromkeys(changed)) in TASK_KINDS


# --- the state to which the entries lead

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["a", "b"]),
        "status": st.sampled_from(DEFAULT_WORKFLOW.statuses),
        "priority": st.sampled_from(Priority),
        "due_date": st.sampled_from([None, DueDate.at_instant(NOW)]),
        "labels": st.sampled_from([(), ("a",), ("b", "a")]),
        "blocked_by": st.sampled_from([(), (an_id(),)]),
    },
)


@given(st.lists(CHANGES, max_size=8))
def test_replaying_the_whole_log_gives_the_current_state(changes: list[dict[str, Any]]) -> None:
    now, task = NOW, a_task()
    log = [a_change(entity_id=task.id, at=now, after=difference(None, task)[1])]
    for change in changes:
        now += timedelta(minutes=1)
        after = task.changed(change, now=now, workflow=DEFAULT_WORKFLOW).next_version(now=now)
        old, new = difference(task, after)
        log.append(a_change(entity_id=task.id, at=now, before=old, after=new, version=after.version))
        task = after
    state = {"id": task.id, "version": task.version, "updated_at": task.updated_at}
    assert replay(log) == logged_fields(task) | state
