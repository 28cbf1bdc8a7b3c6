"""What a change consists of, what it is called, and how a log becomes a state again."""

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
    TASK_KINDS,
    TOKEN_KINDS,
    USER_KINDS,
    kind_of_task_change,
)
from taskmgr.domain.history.differences import difference, logged_fields
from taskmgr.domain.history.replay import replay
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_WORKFLOW
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from tests.factories import (
    NOW,
    a_change,
    a_comment,
    a_full_comment,
    a_full_task,
    a_full_token,
    a_full_user,
    a_task,
    a_token,
    a_user,
    an_id,
)

APART = {"id", "version", "updated_at", "unblocked", "last_used_at"}
PAIRS = [(a_task, a_full_task), (a_user, a_full_user), (a_comment, a_full_comment), (a_token, a_full_token)]
pairs = pytest.mark.parametrize(("plain", "full"), PAIRS, ids=["task", "user", "comment", "token"])


@pairs
def test_the_log_tells_of_every_field_but_those_of_the_entry_itself(plain: Any, full: Any) -> None:
    entity = full()
    assert set(logged_fields(entity)) == {field.name for field in fields(entity)} - APART


@pairs
def test_a_beginning_tells_everything(plain: Any, full: Any) -> None:
    entity = full()
    assert difference(None, entity) == ({}, logged_fields(entity))


@pairs
def test_no_change_is_no_difference(plain: Any, full: Any) -> None:
    entity = full()
    assert difference(entity, replace(entity)) == ({}, {})


@pairs
def test_a_change_of_everything_tells_everything(plain: Any, full: Any) -> None:
    before, after = plain(), full()
    assert difference(before, after) == (logged_fields(before), logged_fields(after))


def test_a_change_tells_only_the_fields_that_changed() -> None:
    task = a_task()
    after = replace(task, title="Other", version=2, updated_at=NOW + timedelta(hours=1))
    assert difference(task, after) == ({"title": "Write the report"}, {"title": "Other"})


def test_facts_are_as_json_has_them_but_for_moments() -> None:
    task = a_full_task()
    facts = logged_fields(task)
    assert facts["priority"] == "urgent"
    assert facts["due_date"] == "2026-12-01"
    assert facts["labels"] == ["zeta", "älpha", "beta"]
    assert facts["started_at"] == task.started_at


def test_enumerations_of_a_user_are_told_by_name() -> None:
    facts = logged_fields(a_full_user())
    assert (facts["role"], facts["kind"]) == ("admin", "service")


# --- what a change is called

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
def test_a_change_is_called_by_what_it_changed(changed: list[str], kind: str) -> None:
    assert kind_of_task_change(dict.fromkeys(changed)) == kind


def test_every_kind_is_listed_once() -> None:
    assert len(set(KINDS)) == len(KINDS)
    assert {*TASK_KINDS, *USER_KINDS, *COMMENT_KINDS, *TOKEN_KINDS} == set(KINDS)


def test_every_kind_begins_with_its_entity() -> None:
    assert {kind.partition(".")[0] for kind in KINDS} == set(ENTITIES)


@given(st.sets(st.sampled_from([field.name for field in fields(Task)]), min_size=1))
def test_every_change_has_a_kind_that_is_listed(changed: set[str]) -> None:
    assert kind_of_task_change(dict.fromkeys(changed)) in TASK_KINDS


# --- the log as a state


def test_no_entries_are_no_state() -> None:
    assert replay([]) == {}


def test_the_last_word_on_every_field_counts_whatever_the_order_of_the_entries() -> None:
    task_id = an_id()
    later = NOW + timedelta(minutes=1)
    entries = [
        a_change(entity_id=task_id, version=2, at=later, before={"title": "a"}, after={"title": "b"}),
        a_change(entity_id=task_id, version=1, at=NOW, after={"title": "a", "labels": []}),
    ]
    assert replay(entries) == {
        "id": task_id,
        "version": 2,
        "updated_at": later,
        "title": "b",
        "labels": [],
    }


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
def test_a_log_replayed_from_nothing_gives_the_state(changes: list[dict[str, Any]]) -> None:
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
