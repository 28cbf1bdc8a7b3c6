"""Returns the errors of commands in a form that is easy to compare, and the log entries of an entity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.errors import Invalid, NotPermitted, Refusal, Refused
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.services import Services
from tests.factories import SYSTEM

Call = Callable[[], object]


def refusals(call: Call) -> tuple[Refusal, ...]:
    """Returns the refusals of a command, which must be refused."""
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reasons


def refused(call: Call) -> list[str]:
    """Returns the codes of the refusals of a command, which must be refused, in order."""
    return [refusal.code for refusal in refusals(call)]


def find_refusals(call: Call) -> tuple[Refusal, ...]:
    """Returns the refusals of a command; empty if it succeeds."""
    try:
        call()
    except Refused as refusal:
        return refusal.reasons
    return ()


def naming(*tasks: Task) -> dict[str, tuple[str | None, ...]]:
    """Returns the arguments of a fix that concerns these tasks."""
    return {"task_ids": tuple(task.id for task in tasks), "task_keys": tuple(task.key for task in tasks)}


def mistakes(call: Call) -> list[tuple[str, str]]:
    """Returns the location and the code of each error of a command, which must be invalid."""
    with pytest.raises(Invalid) as caught:
        call()
    return [(error.location, error.code) for error in caught.value.errors]


def not_permitted(call: Call) -> str:
    """Returns the message of a command's error, which must be `NotPermitted`."""
    with pytest.raises(NotPermitted) as caught:
        call()
    return str(caught.value)


def log_of(services: Services, entity_id: str) -> list[Change]:
    """Returns the log entries of an entity, oldest first."""
    page_request = PageRequest(limit=1_000)
    entries = services.activity.list(ActivityQuery(entity_id=entity_id), page_request, by=SYSTEM).items
    return sorted(entries, key=lambda entry: entry.version)


def replay(log: Iterable[Change]) -> dict[str, Any]:
    """Returns the fields of an entity, and its id, version and time, after its log entries, oldest first."""
    state: dict[str, Any] = {}
    for entry in log:
        state |= {**entry.after, "id": entry.entity_id, "version": entry.version, "updated_at": entry.at}
    return state


def assert_log_tells_of(services: Services, entity: Task | User | Comment) -> None:
    """Asserts that the log has one entry per version, and that replaying them results in the entity."""
    log = log_of(services, entity.id)
    assert [entry.version for entry in log] == list(range(1, entity.version + 1))
    state = {"id": entity.id, "version": entity.version, "updated_at": entity.updated_at}
    assert replay(log) == logged_fields(entity) | state
