"""Builds entities for tests: `a_…` with sensible defaults, `a_full_…` with unusual values in all fields."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.account import Account, Person
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.project import NextKey, Project
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.task import Task, new_task
from taskmgr.domain.model.token import Scope, Token
from taskmgr.domain.model.user import Actor, Kind, Role, User
from taskmgr.domain.model.view import DEFAULT_LAYOUT, Layout, View
from taskmgr.domain.model.webhook import Disabled, Webhook
from taskmgr.domain.ports.identity_provider import Attempt, NotSignedIn, Reason

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SYSTEM = Actor.system("tests")

_numbers = count(1)


def an_id() -> str:
    """Returns an id that no other call has returned."""
    return f"{next(_numbers):024x}"


class Clock:
    """A clock that only changes when a test advances it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> datetime:
        """Advances the clock, for example by `advance(days=3)`, and returns the new time."""
        self.now += timedelta(**by)
        return self.now


def a_task(**fields: Any) -> Task:
    """Returns a new, unassigned task with these fields."""
    key = NextKey(DEFAULT_PROJECT, next(_numbers))
    task = new_task(
        an_id(), {"title": "Write the report"}, key=key, by=SYSTEM.id, now=NOW, policy=DEFAULT_POLICY
    )
    return replace(task, **fields)


def a_project(**fields: Any) -> Project:
    """Returns a project that is not the default, with these fields."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "id": an_id(),
        "key": f"P{number}",
        "name": f"Project {number}",
        "description": "",
        "is_default": False,
        "archived_at": None,
        "created_by": SYSTEM.id,
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return Project(**defaults | fields)


# The default project, as the migration creates it.
DEFAULT_PROJECT = a_project(key="TASK", name="Tasks", is_default=True, created_by="system:migration")


def a_webhook(**fields: Any) -> Webhook:
    """Returns an active webhook for all changes, with these fields."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "url": "https://hooks.example.org/",
        "description": "",
        "kinds": ("*",),
        "project": None,
        "active": True,
        "disabled_because": None,
        "scopes": None,
        "secret_changed_at": NOW,
        "created_by": SYSTEM.id,
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return Webhook(**defaults | fields)


def a_view(**fields: Any) -> View:
    """Returns a private list of all tasks, with these fields."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "owner_id": an_id(),
        "name": "Mine",
        "filters": {},
        "sort": None,
        "layout": DEFAULT_LAYOUT,
        "shared": False,
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return View(**defaults | fields)


def a_full_view() -> View:
    """Returns a view whose fields all differ from the defaults."""
    later = NOW + timedelta(days=1)
    return a_view(
        name="Größe", filters={"assignee": "me", "label": ["ui"]}, sort="due_date", shared=True,
        layout=Layout(kind="board", columns=["todo"], swimlanes="assignee", fields=["key"]),
        created_at=NOW - timedelta(days=1), updated_at=later, version=4,
    )  # fmt: skip


def a_full_webhook() -> Webhook:
    """Returns a webhook whose fields all differ from the defaults."""
    later = NOW + timedelta(days=1)
    return a_webhook(
        url="https://other.example.org/", description="Größe", kinds=("task.*", "user.created"),
        project="OPS", active=False, disabled_because=Disabled.GONE, scopes=("admin", "tasks:read"),
        secret_changed_at=later, created_by=an_id(), created_at=NOW - timedelta(days=1), updated_at=later,
        version=4,
    )  # fmt: skip


def a_user(**fields: Any) -> User:
    """Returns an active member with these fields."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "id": an_id(),
        "username": f"user-{number}",
        "name": f"User {number}",
        "email": None,
        "role": Role.MEMBER,
        "kind": Kind.PERSON,
        "active": True,
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return User(**defaults | fields)


def an_actor(role: Role = Role.MEMBER, **fields: Any) -> Actor:
    """Returns a new user with this role as an actor."""
    return Actor.of(a_user(role=role, **fields))


def a_comment(**fields: Any) -> Comment:
    """Returns a new comment by the system."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "task_id": an_id(),
        "author_id": SYSTEM.id,
        "text": "Done.",
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return Comment(**defaults | fields)


def a_change(**fields: Any) -> Change:
    """Returns the log entry of a task's creation."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "at": NOW,
        "by": SYSTEM.id,
        "change_set": an_id(),
        "entity": "task",
        "entity_id": an_id(),
        "kind": "task.created",
        "before": {},
        "after": {"title": "Write the report"},
        "reason": None,
        "override": False,
        "version": 1,
    }
    return Change(**defaults | fields)


def a_token(**fields: Any) -> Token:
    """Returns a token with all scopes that never expires."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": an_id(),
        "name": "laptop",
        "scopes": None,
        "created_at": NOW,
        "expires_at": None,
        "last_used_at": None,
    }
    return Token(**defaults | fields)


def a_session(**fields: Any) -> Session:
    """Returns a session that has just begun."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": an_id(),
        "user_agent": "Firefox",
        "address": "192.0.2.1",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=7),
        "last_used_at": NOW,
    }
    return Session(**defaults | fields)


def a_link(**fields: Any) -> Link:
    """Returns a new sign-in link."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": an_id(),
        "created_by": SYSTEM.id,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=7),
    }
    return Link(**defaults | fields)


def an_account(**fields: Any) -> Account:
    """Returns an account at the identity provider that has just been linked."""
    defaults: dict[str, Any] = {
        "id": an_id(),
        "user_id": an_id(),
        "issuer": "https://id.example.org",
        "subject": f"subject-{next(_numbers)}",
        "created_at": NOW,
    }
    return Account(**defaults | fields)


class StandInProvider:
    """An identity provider that signs nobody in, without a connection."""

    name, issuer = "id.example.org", "https://id.example.org"

    def begin(self) -> tuple[str, Attempt]:
        attempt = Attempt(state="state", nonce="nonce", verifier="verifier")
        return "https://id.example.org/authorize?state=state", attempt

    def finish(self, attempt: Attempt, code: str) -> Person:  # noqa: ARG002
        raise NotSignedIn(Reason.FAILED, "It signs nobody in.")

    def require_issuer(self, issuer: str | None) -> None:
        """Accepts every issuer."""


class FastHashes:
    """Hashes passwords without the time that a slow hash takes; `outdated` are hashes to replace."""

    def __init__(self) -> None:
        self.outdated: set[str] = set()
        self.compared: list[str | None] = []

    def make(self, password: str) -> str:
        return f"$argon2id${hashlib.sha256(password.encode()).hexdigest()}${next(_numbers)}"

    def matches(self, password: str, password_hash: str | None) -> bool:
        self.compared.append(password_hash)
        digest = hashlib.sha256(password.encode()).hexdigest()
        return password_hash is not None and password_hash.split("$")[2] == digest

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash in self.outdated


def _later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes, milliseconds=minutes)


def a_full_task() -> Task:
    """Returns a task whose fields all differ from those of `a_task` and from each other."""
    return Task(
        id=an_id(),
        key="OPS-17",
        project="OPS",
        title="Größe prüfen 🚀",
        description="# Why\n\n\tBecause.\n",
        status="cancelled",
        priority=Priority.URGENT,
        due_date=DueDate.on(date(2026, 12, 1), ZoneInfo("Europe/Berlin")),
        assignee_id=an_id(),
        labels=("zeta", "älpha", "beta"),
        parent_id=an_id(),
        blocked_by=(an_id(), an_id(), an_id())[::-1],
        rank="a5V",
        former_keys=("WEB-3", "TASK-4"),
        created_by=an_id(),
        created_at=_later(1),
        updated_at=_later(2),
        started_at=_later(3),
        completed_at=_later(4),
        status_changed_at=_later(5),
        reopen_count=6,
        deleted_at=_later(7),
        version=8,
    )


def a_full_user() -> User:
    """Returns a user whose fields all differ from those of `a_user`."""
    return User(
        id=an_id(),
        username="ada.lovelace",
        name="Ada Lovelace",
        email="Ada@Example.org",
        role=Role.ADMIN,
        kind=Kind.SERVICE,
        active=False,
        created_at=_later(1),
        updated_at=_later(2),
        version=3,
        password_set_at=_later(4),
    )


def a_full_comment() -> Comment:
    """Returns a comment whose fields all differ from those of `a_comment`."""
    return Comment(
        id=an_id(),
        task_id=an_id(),
        author_id=an_id(),
        text="First line,\n\tsecond: 日本 🚀",
        created_at=_later(1),
        updated_at=_later(2),
        version=3,
    )


def a_full_change() -> Change:
    """Returns a log entry whose fields all differ from those of `a_change`."""
    return Change(
        id=an_id(),
        at=_later(1),
        by=an_id(),
        change_set=an_id(),
        entity="user",
        entity_id=an_id(),
        kind="user.changed",
        before={"name": "Ada", "labels": ["a"], "due_date": None, "started_at": _later(2)},
        after={"name": "Ada L.", "labels": [], "due_date": "2026-12-01", "started_at": None},
        reason="She married.",
        override=True,
        version=4,
        projects=("OPS", "WEB"),
        private_to=an_id(),
    )


def a_full_token() -> Token:
    """Returns a token whose fields all differ from those of `a_token`."""
    return Token(
        id=an_id(),
        user_id=an_id(),
        name="nightly job",
        scopes=(Scope.TASKS_WRITE.value, Scope.TASKS_READ.value),
        created_at=_later(1),
        expires_at=_later(2),
        last_used_at=_later(3),
    )


def a_full_account() -> Account:
    """Returns an account whose fields all differ from those of `an_account`."""
    return Account(
        id=an_id(), user_id=an_id(), issuer="https://sso.example.com/größe", subject="日本|1",
        created_at=_later(1),
    )  # fmt: skip


def a_full_session() -> Session:
    """Returns a session whose fields all differ from those of `a_session`."""
    return Session(
        id=an_id(),
        user_id=an_id(),
        user_agent="Mozilla/5.0 (日本)",
        address="2001:db8::1",
        created_at=_later(1),
        expires_at=_later(2),
        last_used_at=_later(3),
    )


def a_full_link() -> Link:
    """Returns a link whose fields all differ from those of `a_link`."""
    return Link(id=an_id(), user_id=an_id(), created_by=an_id(), created_at=_later(1), expires_at=_later(2))


FULL_AND_PLAIN: tuple[tuple[Callable[[], Any], Callable[[], Any]], ...] = (
    (a_full_task, a_task),
    (a_full_user, a_user),
    (a_full_comment, a_comment),
    (a_full_change, a_change),
    (a_full_token, a_token),
    (a_full_session, a_session),
    (a_full_link, a_link),
)
