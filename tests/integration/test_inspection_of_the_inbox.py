"""Damage to what users have been told, watch and prefer is found and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.inbox import InboxItem, News, NewsKind
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.ports.inbox import InboxPosition
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from tests.factories import NOW, an_id

NOBODY = ObjectId("0123456789abcdef01234567")


@pytest.fixture
def filled(
    database: Database[Any], store: Store, services: Services, make_user: Callable[..., User],
    make_task: Callable[..., Task],
) -> Database[Any]:  # fmt: skip
    """A store with something in every collection of the inbox."""
    ada = make_user("ada", role=Role.ADMIN)
    task = make_task()
    item = InboxItem(
        id=an_id(), user_id=ada.id, task_id=task.id, by=None, at=NOW,
        news=(News(kind=NewsKind.OVERDUE, at=NOW, due_date="2026-03-09"),),
    )  # fmt: skip

    def fill() -> None:
        store.inbox.save([item])
        store.inbox.add_reminders([f"{task.id}:{ada.id}:overdue:2026-03-09"], NOW)
        store.inbox.set_position("feed", InboxPosition(seq=3, at=NOW))

    store.unit_of_work.run(fill)
    services.inbox.watch(task.id, by=Actor.of(ada))
    services.inbox.choose({"moved": "mail"}, by=Actor.of(ada))
    return database


def found_in(database: Database[Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    inspect_database(
        database, DEFAULT_POLICY, lambda subject, code, _: found.append((subject.split()[0], code))
    )
    return [finding for finding in found if finding != ("project", "log_gap")]  # made without an entry


def test_nothing_is_found_in_what_the_service_has_stored(filled: Database[Any]) -> None:
    assert found_in(filled) == []


@pytest.mark.parametrize(
    ("collection", "damage", "finding"),
    [
        ("inbox", {"news.0.kind": "poked"}, ("item", "unreadable")),
        ("inbox", {"mailed": -1}, ("item", "unreadable")),
        ("inbox", {"more": 1}, ("item", "stored_otherwise")),
        ("inbox", {"user_id": NOBODY}, ("item", "unknown_user")),
        ("watches", {"task_id": NOBODY}, ("watch", "stored_otherwise")),
        ("preferences", {"channels.moved": "sms"}, ("preferences", "unreadable")),
        ("inbox_positions", {"seq": "three"}, ("position", "unreadable")),
        ("reminders", {"at": 7}, ("reminder", "unreadable")),
    ],
)
def test_damage_is_found(
    filled: Database[Any], collection: str, damage: dict[str, Any], finding: tuple[str, str]
) -> None:
    filled[collection].update_one({}, {"$set": damage})

    assert found_in(filled) == [finding]
