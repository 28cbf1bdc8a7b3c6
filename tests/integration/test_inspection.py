"""Damage of every kind, one at a time, in a store with something of everything: each is found and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.account import Person
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.webhook import Attempt, new_delivery
from taskmgr.domain.ports.idempotency import StoredResponse
from taskmgr.domain.services.throttle import WrongCredentials
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.lease import Lease
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.conftest import empty
from tests.factories import SYSTEM, Clock, FastHashes
from tests.feeds import fill_feed
from tests.outside import ManyReceivers

PASSWORD = "correct horse battery"
NOBODY = ObjectId("0123456789abcdef01234567")
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
LATER = datetime(2090, 1, 1, tzinfo=UTC)
MOVED = datetime(2026, 3, 10, 12, 0, 1, tzinfo=UTC)
COLLECTIONS = (
    "projects",
    "tasks",
    "users",
    "comments",
    "activity",
    "feed",
    "checkpoints",
    "leases",
    "tokens",
    "views",
    "webhooks",
    "deliveries",
    "answers",
    "locks",
    "meta",
    "sessions",
    "passwords",
    "links",
    "accounts",
    "attempts",
)
WITH_OBJECT_IDS = (
    "tasks",
    "projects",
    "users",
    "comments",
    "tokens",
    "sessions",
    "links",
    "accounts",
    "webhooks",
    "views",
)
Names = Mapping[str, Any]
Plant = Callable[[Database[Any], Names], object]


class Store:
    """A store with something of everything, the ids of what is in it, and a copy to restore it from."""

    def __init__(self, database: Database[Any], uri: str) -> None:
        empty(database)
        self.database = database.client.get_database(
            database.name, write_concern=WriteConcern("majority"), codec_options=database.codec_options
        )
        self.names = fill(database)
        fill_feed(uri, database)
        Lease(database, "background").acquire()
        held = {"until": datetime.now(UTC) + timedelta(minutes=9)}
        database["leases"].update_one({"_id": "background"}, {"$set": held})
        self._copy = {name: list(database[name].find()) for name in COLLECTIONS}

    @contextmanager
    def damaged(self, plant: Plant) -> Iterator[list[tuple[str, str, str]]]:
        """What an inspection finds after this damage, which is undone at the end."""
        try:
            plant(self.database, self.names)
            yield found_in(self.database)
        finally:
            for name, rows in self._copy.items():
                if list(self.database[name].find()) != rows:
                    self.database[name].delete_many({})
                    self.database[name].insert_many(rows)


def found_in(database: Database[Any]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    inspect_database(database, DEFAULT_POLICY, lambda *finding: found.append(finding))
    return found


def fill(database: Database[Any]) -> Names:
    """Fills a store by way of the services and returns the ids of what the damage is done to."""
    clock = Clock()
    ensure_default_project(database)
    store = mongo_store(database)
    services = build_services(
        store, clock=clock, hashes=FastHashes(), outgoing=ManyReceivers(), secret_key=lambda: "k" * 32
    )
    users, tasks, comments = services.users, services.tasks, services.comments
    ada = users.create(username="ada", name="Ada", role="admin", email="Ada@example.org", by=SYSTEM)
    bob = users.create(username="bob", name="Bob", role="admin", by=SYSTEM)
    users.change(bob.id, {"role": "member", "active": False}, by=SYSTEM)
    by = Actor.of(ada)
    for key in ("OPS", "WEB"):
        services.projects.create(key=key, name=key, by=by)
    services.projects.change("OPS", {"name": "Operations"}, by=by)
    moved = tasks.create(title="Moved", by=by)
    for key in ("OPS", "WEB"):
        tasks.change(moved.id, {"project": key}, by=by)
    chain = [tasks.create(title="Level 0", by=by).id]
    for level in range(1, 6):
        chain.append(tasks.create(title=f"Level {level}", parent_id=chain[-1], by=by).id)
    blocker = tasks.create(title="Blocker", by=by)
    made = tasks.create(
        title="Écrire 🎉", due_date="2026-04-01", assignee_id=ada.id, labels=["docs"],
        blocked_by=[blocker.id], by=by,
    )  # fmt: skip
    clock.now += timedelta(seconds=1)
    tasks.change(made.id, {"priority": "high"}, by=by)
    clock.now += timedelta(seconds=1)
    tasks.change(made.id, {"title": "Écrire tout", "description": "Long"}, by=by)
    tasks.change_status(made.id, status="in_progress", override=True, reason="Now", by=by)
    clock.now += timedelta(seconds=1)
    tasks.change(made.id, {"labels": ["docs", "ui"]}, by=by)
    done = tasks.create(title="Done", assignee_id=ada.id, due_date="2026-03-01T10:00:00Z", by=by)
    for status in ("in_progress", "completed"):
        tasks.change_status(done.id, status=status, by=by)
    binned = tasks.create(title="Binned", by=by)
    tasks.bin(binned.id, by=by)
    tasks.restore(tasks.bin(tasks.create(title="Restored", by=by).id, by=by).id, by=by)
    comment = comments.create(made.id, text="First", by=by)
    comments.change(made.id, comment.id, text="Second", by=by)
    comments.delete(made.id, comments.create(made.id, text="A mistake", by=by).id, by=by)
    narrow = services.tokens.create(
        name="board", scopes=["tasks:read"], expires_at=clock.now + timedelta(days=30), by=by
    )
    services.tokens.create(name="wide", by=by)
    services.tokens.identify(narrow.text)
    revoked = services.tokens.create(name="lost", by=by).token
    services.tokens.revoke(revoked.id, by=by)
    url = "https://hooks.example.org/"
    webhook = services.webhooks.create(url=url, kinds=["task.*"], project="OPS", by=by).webhook
    services.webhooks.change(webhook.id, {"description": "On call"}, by=by)
    services.webhooks.rotate_secret(services.webhooks.create(url=url, by=by).webhook.id, by=by)
    services.webhooks.delete(services.webhooks.create(url=url, by=by).webhook.id, by=by)
    own = Actor.of(services.users.get(ada.id, by=by))
    view = services.views.create(name="Mine", filters={"assignee": "ada", "label": ["ui"]}, by=own)
    services.views.change(view.id, {"sort": "due_date"}, by=own)
    services.views.change(view.id, {"shared": True}, by=own)
    services.views.change(view.id, {"name": "Ours"}, by=by)
    services.views.delete(services.views.create(name="A mistake", by=own).id, by=own)
    delivery = new_delivery(webhook.id, 3, "task.created", now=LATER)  # before MongoDB removes it
    store.deliveries.add([delivery])
    attempt = Attempt(at=clock.now, duration_ms=9, status=200)
    store.deliveries.record([delivery.after(attempt, jitter=0)])
    session = services.links.use(services.links.create(ada.id, by=by).text, password=PASSWORD)
    link = services.links.create(ada.id, by=by).link
    account, other = (
        services.accounts.link(Person(issuer="https://id.example.org", subject=subject), by=by)
        for subject in ("1", "2")
    )
    lost = services.accounts.link(Person(issuer="https://id.example.org", subject="3"), by=by)
    services.accounts.end(lost.id, by=by)
    session = services.links.use(services.links.create(ada.id, by=by).text, password=f"{PASSWORD}!")
    link = services.links.create(ada.id, by=by).link
    with suppress(WrongCredentials):
        services.sessions.sign_in("ada", "wrong", visitor=Visitor())
    database.sessions.update_many({}, {"$set": {"expires_at": LATER}})
    database.links.update_many({}, {"$set": {"expires_at": LATER}})
    for entity in ("session", "link"):
        database.activity.update_many({"kind": f"{entity}.created"}, {"$set": {"after.expires_at": LATER}})
        database.activity.update_many({"kind": f"{entity}.ended"}, {"$set": {"before.expires_at": LATER}})
    database.attempts.update_many({}, {"$set": {"expires_at": LATER}})
    answer = StoredResponse(status=201, headers={"Location": "/x"}, body=b"{}")
    services.idempotency.run("key", b"f" * 32, lambda: answer, by=by)
    database.answers.update_many({}, {"$set": {"expires_at": LATER}})  # before MongoDB removes it
    ids = {
        "ada": ada.id, "bob": bob.id, "task": made.id, "blocker": blocker.id, "done": done.id,
        "binned": binned.id, "comment": comment.id, "root": chain[0], "leaf": chain[-1],
        "token": narrow.token.id, "revoked": revoked.id, "moved": moved.id,
        "session": session.session.id, "link": link.id,
        "account": account.id, "other_account": other.id,
        "ops": services.projects.get("OPS", by=by).id, "default": services.projects.default(by=by).id,
        "webhook": webhook.id, "view": view.id,
    }  # fmt: skip
    keys = {name: ObjectId(key) for name, key in ids.items()}
    others = {name: database[f"{name}s"].find_one()["_id"] for name in ("answer", "attempt")}  # type: ignore[index]
    return {**keys, **others, "delivery": delivery.id, "stored_form": "stored_form"}


@pytest.fixture(scope="module")
def filled(worker_database: Database[Any], mongodb_uri: str) -> Store:
    return Store(worker_database, mongodb_uri)


def put(collection: str, name: str, /, **fields: Any) -> Plant:
    """Sets fields of a document; a text that begins with @ stands for the id of that name."""
    return lambda database, names: database[collection].update_one(
        {"_id": names.get(name, name)},
        {"$set": {field: _meant(value, names) for field, value in fields.items()}},
    )


def _meant(value: Any, names: Names) -> Any:
    if isinstance(value, list):
        return [_meant(each, names) for each in value]
    return names[value[1:]] if isinstance(value, str) and value[:1] == "@" else value


def drop(collection: str, name: str, field: str) -> Plant:
    return lambda database, names: database[collection].update_one(
        {"_id": names[name]}, {"$unset": {field: 1}}
    )


def remove(collection: str, name: str) -> Plant:
    return lambda database, names: database[collection].delete_one({"_id": names[name]})


def _two_minutes_ago() -> ObjectId:
    """An id of the time at which the test runs, which may be long after its collection."""
    return ObjectId.from_datetime(datetime.now(UTC) - timedelta(minutes=2))


def insert(collection: str, row: Mapping[str, Any]) -> Plant:
    return lambda database, _: database[collection].insert_one(dict(row))


def entry(version: int, name: str = "task", /, **fields: Any) -> Plant:
    """Sets fields of an entry of the log on something; `__` stands for a dot."""
    changes = {field.replace("__", "."): value for field, value in fields.items()}
    return lambda database, names: database.activity.update_one(
        {"entity_id": names[name], "version": version}, {"$set": changes}
    )


def without_index(collection: str, index: str, plant: Plant) -> Plant:
    """Drops a unique index first, and leaves it to the test to make it again."""

    def plant_without(database: Database[Any], names: Names) -> None:
        information = database[collection].index_information()[index]
        database[collection].drop_index(index)
        UNIQUE.append((collection, index, information))
        plant(database, names)

    return plant_without


def swap_numbers(one: int, other: int) -> Plant:
    """Exchanges the entries of two numbers of the feed, which keep their hashes."""

    def plant(database: Database[Any], _: Names) -> None:
        rows = {row["_id"]: row for row in database.feed.find({"_id": {"$in": [one, other]}})}
        database.feed.delete_many({"_id": {"$in": [one, other]}})
        database.feed.insert_many(
            [{**rows[one], "entry": rows[other]["entry"]}, {**rows[other], "entry": rows[one]["entry"]}]
        )

    return plant


UNIQUE: list[tuple[str, str, Mapping[str, Any]]] = []


def again(collection: str, query: Callable[[Names], Mapping[str, Any]], /, **fields: Any) -> Plant:
    """Stores a document a second time under another id, with other values of some fields."""

    def plant(database: Database[Any], names: Names) -> None:
        row = database[collection].find_one(query(names))
        assert row is not None
        changes = {field: _meant(value, names) for field, value in fields.items()}
        database[collection].insert_one({**row, "_id": ObjectId(), **changes})

    return plant


def combined(*plants: Plant) -> Plant:
    def plant(database: Database[Any], names: Names) -> None:
        for each in plants:
            each(database, names)

    return plant


TASK_FIELDS: Mapping[str, tuple[Any, str]] = {
    "title": (5, "unreadable"), "title_key": ("b", "outdated"), "title_words": (["b"], "outdated"),
    "words": (None, "outdated"), "label_words": ({}, "outdated"), "description": ("By hand", "log_state"),
    "status": ("pondering", "unknown_status"), "priority": ("extreme", "unreadable"),
    "priority_rank": (17, "outdated"), "due_date": ("soon", "unreadable"), "due_at": (LONG_AGO, "outdated"),
    "assignee_id": (NOBODY, "unknown_user"), "labels": (["Docs"], "bad_value"),
    "parent_id": (NOBODY, "unknown_task"), "blocked_by": ([NOBODY], "unknown_task"),
    "created_by": (str(NOBODY), "unknown_user"), "created_at": (LONG_AGO, "log_state"),
    "updated_at": (LONG_AGO, "times"), "started_at": (None, "times"), "completed_at": (MOVED, "times"),
    "status_changed_at": (LONG_AGO, "times"), "reopen_count": (7, "log_state"), "binned": (1, "outdated"),
    "deleted_at": ("yesterday", "unreadable"), "version": (9, "log_gap"),
    "touched": ("often", "stored_otherwise"), "project": ("NONE", "unknown_project"),
    "number": (99, "outdated"), "key": ("OPS-8", "key"), "keys": ([], "outdated"),
    "rank": ("a0", "bad_value"),
}  # fmt: skip
OTHER_FIELDS: Mapping[tuple[str, str], Mapping[str, tuple[Any, str]]] = {
    ("users", "ada"): {
        "username": ("Ada", "bad_value"), "name": (" Ada", "bad_value"), "email": ("nowhere", "bad_value"),
        "email_key": ("x", "outdated"), "words": ([], "outdated"), "role": ("king", "unreadable"),
        "kind": ("cat", "unreadable"), "active": (1, "unreadable"), "created_at": (None, "unreadable"),
        "updated_at": (LONG_AGO, "log_state"), "version": (2.5, "stored_otherwise"),
        "touched": (-1, "stored_otherwise"),
    },
    ("comments", "comment"): {
        "task_id": (NOBODY, "unknown_task"), "author_id": (str(NOBODY), "unknown_user"),
        "text": ("", "bad_value"), "words": (["first"], "outdated"), "created_at": (LONG_AGO, "log_state"),
        "updated_at": ("now", "unreadable"), "version": (1, "log_gap"),
    },
    ("projects", "ops"): {
        "key": ("ops", "bad_value"), "name": ("", "bad_value"), "description": (5, "unreadable"),
        "is_default": (1, "unreadable"), "archived_at": (MOVED, "log_state"),
        "created_by": (str(NOBODY), "unknown_user"), "created_at": (LONG_AGO, "log_state"),
        "updated_at": (LONG_AGO, "log_state"), "version": (1, "log_gap"), "last_number": (-1, "unreadable"),
    },
    ("tokens", "token"): {
        "user_id": (NOBODY, "unknown_user"), "name": ("", "bad_value"),
        "scopes": (["everything"], "bad_value"),
        "secret_hash": (b"short", "bad_value"), "created_at": (LATER, "times"),
        "expires_at": (LONG_AGO, "times"), "last_used_at": (LONG_AGO, "times"),
    },
    ("views", "view"): {
        "owner_id": (NOBODY, "unknown_user"), "name": ("", "bad_value"),
        "name_key": ("OURS", "stored_otherwise"),
        "filters": ({"status": "lost"}, "bad_value"), "sort": ("colour", "bad_value"),
        "layout": ({"kind": "tree"}, "bad_value"), "shared": ("yes", "unreadable"),
        "created_at": (LONG_AGO, "log_state"), "updated_at": (LONG_AGO, "log_state"),
        "version": (1, "log_gap"),
    },
    ("webhooks", "webhook"): {
        "url": ("", "bad_value"), "description": (5, "unreadable"), "kinds": (["task"], "bad_value"),
        "project": ("NONE", "unknown_project"), "active": (1, "unreadable"),
        "disabled_because": ("tired", "unreadable"), "scopes": (["everything"], "bad_value"),
        "secret_changed_at": (LONG_AGO, "log_state"), "created_by": (str(NOBODY), "unknown_user"),
        "created_at": (LONG_AGO, "log_state"), "updated_at": (LONG_AGO, "log_state"),
        "version": (1, "log_gap"), "secret": ({"salt": b"x", "digest": b"x"}, "bad_value"),
        "former": ({"salt": b"x"}, "bad_value"),
        "position": (-1, "unreadable"), "failing_since": ("now", "unreadable"),
        "replay": ({"after": 3, "until": 3}, "bad_value"),
    },
    ("deliveries", "delivery"): {
        "webhook_id": (NOBODY, "bad_value"), "seq": (4, "bad_value"), "kind": (5, "unreadable"),
        "state": ("lost", "unreadable"), "attempts": (-1, "unreadable"), "created_at": ("now", "unreadable"),
        "next_at": (LATER, "bad_value"), "claim": (5, "unreadable"), "last_attempt": ({"x": 1}, "unreadable"),
    },
    ("sessions", "session"): {
        "user_id": (NOBODY, "unknown_user"), "user_agent": (5, "unreadable"), "address": (5, "unreadable"),
        "secret_hash": (b"short", "bad_value"), "created_at": (LATER, "times"),
        "expires_at": (LONG_AGO, "times"), "last_used_at": (LONG_AGO, "times"),
    },
    ("passwords", "ada"): {"hash": ("secret", "bad_value"), "set_at": (LONG_AGO, "log_state")},
    ("links", "link"): {
        "user_id": (NOBODY, "unknown_user"), "created_by": ("nobody", "bad_value"),
        "secret_hash": (b"short", "bad_value"), "created_at": (LATER, "times"),
        "expires_at": (LONG_AGO, "times"),
    },
    ("accounts", "account"): {
        "user_id": (NOBODY, "unknown_user"), "issuer": ("https://other.example", "log_state"),
        "subject": (5, "unreadable"), "created_at": (LATER, "log_state"),
    },
    ("attempts", "attempt"): {"count": ("many", "unreadable"), "expires_at": ("never", "unreadable")},
    ("answers", "answer"): {
        "caller": (str(NOBODY), "bad_value"), "fingerprint": (b"", "bad_value"), "status": (17, "bad_value"),
        "headers": ({"Location": 5}, "bad_value"), "body": (None, "stored_otherwise"),
        "expires_at": ("never", "unreadable"),
    },
}  # fmt: skip
FEED_FIELDS: Mapping[str, tuple[Any, str]] = {
    "entry": (NOBODY, "feed_gone"), "at": ("now", "unreadable"), "hash": (b"x" * 32, "feed_chain"),
    "token": ("x", "unreadable"),
}  # fmt: skip
ENTRY_FIELDS: Mapping[str, tuple[Any, str]] = {
    "at": (LONG_AGO, "log_times"), "by": (str(NOBODY), "log_bad_value"), "change_set": ("x", "log_bad_value"),
    "kind": ("task.pondered", "log_bad_value"), "before": ({"priority": "low"}, "log_chain"),
    "after": ({"priority": "low"}, "log_state"), "reason": ("", "log_bad_value"),
    "override": (1, "log_unreadable"), "version": (77, "log_gap"), "entity": ("user", "log_gap"),
    "entity_id": (NOBODY, "gone"), "projects": (["WEB"], "log_chain"),
}  # fmt: skip
MORE: Mapping[str, tuple[Plant, str]] = {
    "a task with an unknown field": (put("tasks", "task", colour="red"), "stored_otherwise"),
    "a title that is too long": (put("tasks", "task", title="X" * 201), "unreadable"),
    "a title with a control character": (put("tasks", "task", title="a\x07"), "bad_value"),
    "a description of numbers": (put("tasks", "task", description=5), "unreadable"),
    "a label twice": (put("tasks", "task", labels=["docs", "docs"]), "bad_value"),
    "a blocker twice": (put("tasks", "task", blocked_by=["@blocker", "@blocker"]), "bad_value"),
    "a blocker as text": (put("tasks", "task", blocked_by=["x"]), "unreadable"),
    "a due date in another form": (
        put("tasks", "done", due_date="2026-03-01T11:00:00+01:00"), "stored_otherwise",
    ),
    "a version of another type": (put("tasks", "task", version=5.0), "stored_otherwise"),
    "a negative count": (put("tasks", "task", reopen_count=-1), "unreadable"),
    "a started task of nobody": (put("tasks", "task", assignee_id=None), "unassigned"),
    "a completed task without its time": (put("tasks", "done", completed_at=None), "times"),
    "an open task with a time of completion": (put("tasks", "blocker", completed_at=MOVED), "times"),
    "a task that waits for itself": (put("tasks", "task", blocked_by=["@task"]), "cycle"),
    "two that wait for each other": (put("tasks", "blocker", blocked_by=["@task"]), "cycle"),
    "a ring of parents": (put("tasks", "root", parent_id="@leaf"), "cycle"),
    "a parent that waits for what waits for it": (
        combined(put("tasks", "leaf", blocked_by=["@task"]), put("tasks", "blocker", blocked_by=["@root"])),
        "cycle",
    ),
    "six levels of subtasks": (put("tasks", "blocker", parent_id="@leaf"), "too_deep"),
    "eight levels of subtasks": (
        combined(
            put("tasks", "blocker", parent_id="@leaf"), put("tasks", "task", parent_id="@blocker"),
            put("tasks", "done", parent_id="@task"),
        ),
        "too_deep",
    ),
    "a parent in the bin": (put("tasks", "task", parent_id="@binned"), "parent_binned"),
    "a binned task with a parent that does not exist": (
        put("tasks", "binned", parent_id=NOBODY), "unknown_task",
    ),
    "a creator with an odd name": (put("tasks", "task", created_by="somebody"), "bad_value"),
    "a task that is gone": (remove("tasks", "task"), "gone"),
    "a task that was taken out of the bin by hand": (put("tasks", "binned", deleted_at=None), "log_state"),
    "a user that is gone": (remove("users", "ada"), "unknown_user"),
    "a comment that is gone": (remove("comments", "comment"), "gone"),
    "no admin": (put("users", "ada", role="member"), "no_admin"),
    "a role that was raised by hand": (put("users", "bob", role="admin"), "log_state"),
    "a user who was let in by hand": (put("users", "bob", active=True), "log_state"),
    "a username twice": (
        without_index("users", "username", put("users", "bob", username="ada")), "duplicate",
    ),
    "an address twice": (
        without_index(
            "users", "email", put("users", "bob", email="ADA@example.org", email_key="ada@example.org")
        ),
        "duplicate",
    ),
    "an entry twice": (
        without_index(
            "activity", "entity_version",
            again("activity", lambda names: {"entity_id": names["task"], "version": 2}),
        ),
        "log_gap",
    ),
    "an entry that is gone": (
        lambda database, names: database.activity.delete_one({"entity_id": names["task"], "version": 3}),
        "log_gap",
    ),
    "the last entry gone": (
        lambda database, names: database.activity.delete_one({"entity_id": names["task"], "version": 5}),
        "log_gap",
    ),
    "no entry at all": (
        lambda database, names: database.activity.delete_many({"entity_id": names["task"]}),
        "log_gap",
    ),
    "an edited before in the middle": (entry(3, before__title="Something else"), "log_chain"),
    "an edited after in the middle": (entry(1, after__priority="low"), "log_chain"),
    "an edited after that comes to nothing": (entry(3, after__title="Écrire 🎉"), "log_chain"),
    "a field too many in the middle": (entry(2, after__colour="red"), "log_chain"),
    "a kind that does not fit": (entry(2, kind="task.assigned"), "log_chain"),
    "a creation in the middle": (entry(2, kind="task.created"), "log_chain"),
    "a first entry that is no creation": (entry(1, kind="task.edited"), "log_chain"),
    "a first entry with a before": (entry(1, before__title="x"), "log_chain"),
    "a moved first entry": (entry(1, at=LONG_AGO), "log_chain"),
    "a moved change of the status": (entry(4, at=MOVED), "log_chain"),
    "a title in the log that no command takes": (entry(1, after__title=""), "log_bad_value"),
    "an override without a reason": (entry(4, reason=None), "log_bad_value"),
    "an entry with an unknown field": (entry(2, colour="red"), "log_stored_otherwise"),
    "an entry of no project": (entry(2, projects=[]), "log_chain"),
    "an entry of two projects that moves no task": (entry(2, projects=["TASK", "WEB"]), "log_chain"),
    "an entry without its projects": (
        lambda database, names: database.activity.update_one(
            {"entity_id": names["task"], "version": 2}, {"$unset": {"projects": True}}
        ),
        "log_stored_otherwise",
    ),
    "an entry on a user of a project": (
        lambda database, names: database.activity.update_one(
            {"entity_id": names["ada"]}, {"$set": {"projects": ["TASK"]}}
        ),
        "log_chain",
    ),
    "an entry by an odd name": (entry(2, by="ada"), "log_bad_value"),
    "an entry by a number": (entry(2, by=5), "log_unreadable"),
    "an entry on an unknown kind of thing": (entry(2, entity="board"), "foreign"),
    "an entry on a text": (entry(2, entity_id="x"), "foreign"),
    "a deleted comment whose log goes on": (
        again("activity", lambda _: {"kind": "comment.deleted"}, version=3, kind="comment.changed"),
        "log_chain",
    ),
    "no default project": (put("projects", "default", is_default=False), "default_project"),
    "two default projects": (
        without_index("projects", "default", put("projects", "ops", is_default=True)), "default_project",
    ),
    "an archived default project": (put("projects", "default", archived_at=MOVED), "default_project"),
    "a project twice": (
        without_index("projects", "key", put("projects", "ops", key="WEB")), "duplicate",
    ),
    "a project that is gone": (remove("projects", "ops"), "gone"),
    "a project without an entry": (
        lambda database, names: database.activity.delete_many({"entity_id": names["ops"]}), "log_gap",
    ),
    "an entry of a project that was edited": (entry(2, "ops", after__name="Old"), "log_state"),
    "an entry of a project of another kind": (entry(2, "ops", kind="task.moved"), "log_bad_value"),
    "a counter behind the numbers of tasks": (put("projects", "default", last_number=3), "key"),
    "a counter behind a former key": (put("projects", "ops", last_number=0), "key"),
    "a task without a project": (drop("tasks", "task", "project"), "unreadable"),
    "a task without a key": (put("tasks", "task", key=None), "unreadable"),
    "a key of another project": (put("tasks", "task", key="WEB-8"), "key"),
    "a key with another number": (put("tasks", "task", key="TASK-1"), "outdated"),
    "keys without the present one": (put("tasks", "moved", keys=["OPS-1", "TASK-1"]), "outdated"),
    "a former key that the log does not know": (
        put("tasks", "moved", keys=["WEB-1", "OPS-1", "TASK-1", "OPS-5"]), "former_keys",
    ),
    "a former key that is lost": (put("tasks", "moved", keys=["WEB-1", "OPS-1"]), "former_keys"),
    "former keys in another order": (
        put("tasks", "moved", keys=["WEB-1", "TASK-1", "OPS-1"]), "former_keys",
    ),
    "a rank with a foreign character": (put("tasks", "task", rank="a-"), "bad_value"),
    "a rank that was changed by hand": (put("tasks", "task", rank="aV"), "log_state"),
    "a widened token": (put("tokens", "token", scopes=["tasks:read", "admin"]), "log_state"),
    "a token widened to everything": (put("tokens", "token", scopes=None), "log_state"),
    "a prolonged token": (put("tokens", "token", expires_at=LATER), "log_state"),
    "a token without an end": (put("tokens", "token", expires_at=None), "log_state"),
    "a re-owned token": (put("tokens", "token", user_id="@bob"), "log_state"),
    "a renamed token": (put("tokens", "token", name="wall"), "log_state"),
    "a token that was revoked is stored again": (
        again("tokens", lambda names: {"_id": names["token"]}, _id="@revoked"), "log_state",
    ),
    "a token that is gone": (remove("tokens", "token"), "gone"),
    "a token without an entry": (
        lambda database, names: database.activity.delete_many({"entity_id": names["token"]}), "outdated",
    ),
    "a revocation that says something else": (entry(2, "revoked", before__name="x"), "log_chain"),
    "a revocation of something that goes on": (entry(2, "revoked", after__name="x"), "log_chain"),
    "a token in the log with an unknown scope": (entry(1, "token", after__scopes=["all"]), "log_bad_value"),
    "a token without a name": (drop("tokens", "token", "name"), "unreadable"),
    "a token with a scope twice": (put("tokens", "token", scopes=["tasks:read", "tasks:read"]), "bad_value"),
    "a token without a scope": (put("tokens", "token", scopes=[]), "bad_value"),
    "a token with scopes as text": (put("tokens", "token", scopes="admin"), "bad_value"),
    "a token with an unknown field": (put("tokens", "token", admin=True), "stored_otherwise"),
    "a token that was used after its end": (
        put("tokens", "token", last_used_at=LATER), "times",
    ),
    "a prolonged session": (
        put("sessions", "session", expires_at=LATER + timedelta(days=1)), "log_state",
    ),
    "a session that is gone": (remove("sessions", "session"), "gone"),
    "a re-owned account": (put("accounts", "account", user_id="@bob"), "log_state"),
    "an account that is gone": (remove("accounts", "account"), "gone"),
    "an account that is linked twice": (
        without_index("accounts", "account", put("accounts", "other_account", subject="1")), "duplicate",
    ),
    "a re-owned link": (put("links", "link", user_id="@bob"), "log_state"),
    "a password that is gone": (remove("passwords", "ada"), "gone"),
    "a password of nobody": (
        insert("passwords", {"_id": NOBODY, "hash": "$argon2id$x", "set_at": LATER}), "unknown_user",
    ),
    "a password that its user has not chosen": (
        lambda database, names: database.passwords.insert_one(
            {"_id": names["bob"], "hash": "$argon2id$x", "set_at": LATER}
        ),
        "log_state",
    ),
    "an attempt under another key": (
        insert("attempts", {"_id": "ada", "count": 1, "expires_at": LATER}), "bad_value",
    ),
    "an answer under another key": (
        insert("answers", {"_id": "x", "caller": "system:x", "expires_at": LATER}), "bad_value",
    ),
    "a number that is gone": (lambda database, _: database.feed.delete_one({"_id": 5}), "feed_gap"),
    "the first number gone": (lambda database, _: database.feed.delete_one({"_id": 1}), "feed_gap"),
    "an altered entry of the feed": (entry(2, reason="Another reason"), "feed_chain"),
    "an entry of the feed by another user": (
        lambda database, names: database.activity.update_one(
            {"entity_id": names["task"], "version": 2}, {"$set": {"by": str(names["bob"])}}
        ),
        "feed_chain",
    ),
    "two entries of the feed in each other's place": (swap_numbers(5, 6), "feed_chain"),
    "an entry of the feed that the log lacks": (
        lambda database, names: database.activity.delete_one({"entity_id": names["task"], "version": 3}),
        "feed_gone",
    ),
    "an entry of the log that the feed lacks": (
        insert("activity", {"_id": ObjectId.from_datetime(LONG_AGO)}), "feed_missing",
    ),
    "an entry of the log that nobody appends": (
        lambda *given: insert("activity", {"_id": _two_minutes_ago()})(*given),
        "feed_lag",
    ),
    "an entry of the feed with an unknown field": (
        lambda database, _: database.feed.update_one({"_id": 5}, {"$set": {"colour": "red"}}),
        "stored_otherwise",
    ),
    "an entry of the feed with a text for its number": (insert("feed", {"_id": "x"}), "foreign"),
    "a checkpoint beyond the feed": (put("checkpoints", "feed", seq=9_999), "bad_value"),
    "a checkpoint at no number": (put("checkpoints", "feed", seq="x"), "unreadable"),
    "a checkpoint with an unknown field": (put("checkpoints", "feed", colour="red"), "stored_otherwise"),
    "a lease for ever": (put("leases", "background", until=LATER), "bad_value"),
    "a lease of nobody": (put("leases", "background", holder=None), "unreadable"),
    "text in a lock": (put("locks", "admins", touched="often"), "stored_otherwise"),
    "another field in a lock": (put("locks", "admins", owner="ada"), "stored_otherwise"),
    "a lock that does not exist": (insert("locks", {"_id": "everything", "touched": 1}), "foreign"),
    "a restore that was interrupted": (insert("meta", {"_id": "restore", "phase": "loading"}), "restore"),
    "a restore that was not finished": (insert("meta", {"_id": "restore", "phase": "replacing"}), "restore"),
    "another document in meta": (insert("meta", {"_id": "notes"}), "foreign"),
    "another field in meta": (put("meta", "stored_form", owner="ada"), "stored_otherwise"),
    **{
        f"a stray document in {collection}": (insert(collection, {"_id": "by hand"}), "foreign")
        for collection in WITH_OBJECT_IDS
    },
    "a stray entry of the log": (insert("activity", {"_id": "by hand"}), "foreign"),
    "an empty document": (insert("tasks", {"_id": NOBODY}), "unreadable"),
}  # fmt: skip


def damages() -> Iterator[Any]:
    for field, (value, code) in TASK_FIELDS.items():
        yield pytest.param(put("tasks", "task", **{field: value}), code, id=f"tasks-{field}")
    for (collection, name), fields in OTHER_FIELDS.items():
        for field, (value, code) in fields.items():
            yield pytest.param(put(collection, name, **{field: value}), code, id=f"{collection}-{field}")
    for field, (value, code) in FEED_FIELDS.items():
        change = {"$set": {field: value}}
        plant: Plant = lambda database, _, change=change: database.feed.update_one({"_id": 5}, change)  # type: ignore[misc]  # noqa: E731
        yield pytest.param(plant, code, id=f"feed.{field}")
    for field, (value, code) in ENTRY_FIELDS.items():
        yield pytest.param(entry(2, **{field: value}), code, id=f"activity-{field}")
    for title, (plant, code) in MORE.items():
        yield pytest.param(plant, code, id=title)


@pytest.mark.parametrize(("plant", "code"), list(damages()))
def test_damage_is_found_and_named(filled: Store, plant: Plant, code: str) -> None:
    with filled.damaged(plant) as found:
        assert code in {finding[1] for finding in found}, found
    while UNIQUE:
        collection, name, index = UNIQUE.pop()
        options = {key: value for key, value in index.items() if key in ("unique", "partialFilterExpression")}
        filled.database[collection].create_index(index["key"], name=name, **options)


@pytest.mark.parametrize(
    "collection",
    [
        *("tasks", "projects", "users", "comments", "activity", "feed", "leases", "tokens", "webhooks"),
        *("deliveries", "answers", "views"),
        *("sessions", "passwords", "links", "accounts", "attempts"),
    ],
)
def test_every_missing_field_is_found(filled: Store, collection: str) -> None:
    first = filled.database[collection].find_one()
    assert first is not None
    for field in first.keys() - {"_id", "touched"}:
        plant: Plant = lambda database, _, field=field: database[collection].update_one(  # type: ignore[misc]  # noqa: E731
            {"_id": first["_id"]}, {"$unset": {field: 1}}
        )
        with filled.damaged(plant) as found:
            assert found, field


def test_a_store_in_order_has_no_finding(filled: Store) -> None:
    assert found_in(filled.database) == []
