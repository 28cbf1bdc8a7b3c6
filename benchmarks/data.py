"""Generates the tasks and users that every server reads, in exactly the form that the service stores.

There are 100 tasks per user at every size, 90 assigned to the user and 10 unassigned. Statuses, labels
and dates are distributed as in a team that has worked for two years: most tasks are closed, and have
been created so. Each entity has an entry in the activity log, so that `taskmgr doctor` finds nothing
wrong. The rows are built without the service, because validating a million documents takes half an hour;
instead, every run compares a sample with what the service's own mappers produce.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from benchmarks.vocabulary import LABELS, NOUNS, RARE_WORD, VERBS, WORDS
from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.project import DEFAULT_KEY
from taskmgr.domain.model.rank import rank_of
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from taskmgr.infrastructure.mongo.writing import validated_row

Row = dict[str, Any]

TASKS_PER_USER = 100
_UNASSIGNED = range(90, 100)  # slots, see `_STATUSES`
_HISTORY = timedelta(days=730)
_STRIDE = 37  # coprime to 100, so that every user still has each slot once
_WORD = re.compile(r"[^\W_]+")
_BATCH = 2_000
_SAMPLE = 300

# The statuses of a user's hundred tasks; an index into this list is called a slot. Three are started: when
# the benchmark starts the two of MOVED as well, the user is still within the policy's limit of five.
_STATUSES = (
    ["in_progress"] * 2 + ["in_review"] + ["todo"] * 17 + ["backlog"] * 12 + ["cancelled"] * 8
    + ["completed"] * 50 + ["todo"] * 3 + ["backlog"] * 3 + ["completed"] * 4
)  # fmt: skip
_PARENT = 3  # slot of the task that the _SUBTASKS have as their parent
_SUBTASKS = range(10, 14)
_BLOCKED = range(14, 17)
# Slots of the tasks that the benchmark starts and moves back. No rule refuses that. They have no due date, so
# that the moves do not change the first page of the list.
MOVED = (18, 19)

_PRIORITIES = [Priority.LOW] * 25 + [Priority.MEDIUM] * 50 + [Priority.HIGH] * 20 + [Priority.URGENT] * 5
_DESCRIPTIONS = 5_000
# The fields that the log entry of a new entity contains.
_LOGGED_FIELDS = {
    "user": ("username", "name", "email", "role", "kind", "active", "created_at", "password_set_at"),
    "task": (
        "key", "project", "rank", "title", "description", "status", "priority", "due_date", "labels",
        "created_by", "created_at", "started_at", "completed_at", "status_changed_at", "reopen_count",
        "deleted_at",
    ),
}  # fmt: skip


def user_id(number: int) -> ObjectId:
    return ObjectId(struct.pack(">IQ", 1_500_000_000, number))


def task_id(number: int) -> ObjectId:
    return ObjectId(struct.pack(">IQ", 1_600_000_000, number))


def fill(database: Database[Any], tasks: int) -> None:
    """Inserts so many tasks and their users into an empty database, then runs the service's migration."""
    now = datetime.now(UTC).replace(microsecond=0)
    users = tasks // TASKS_PER_USER
    ensure_default_project(database)
    database["projects"].update_one({}, {"$set": {"last_number": tasks}})
    require_stored_form(list(islice(task_rows(tasks, now), _SAMPLE)), list(user_rows(3, now)))
    _insert(database, "user", user_rows(users, now))
    _insert(database, "task", task_rows(tasks, now))
    migrate(
        database, DEFAULT_POLICY.time_zone
    )  # after the inserts: building the indexes at the end is faster


def user_rows(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        moment = now - _HISTORY
        email = f"user{number}@example.org"
        username, name = f"user{number:06}" if number else "admin", f"User {number}"
        yield {
            "_id": user_id(number),
            "username": username,
            "name": name,
            "email": email,
            "email_key": email,
            "words": _words(username, name),
            "role": "manager" if number % 10 == 1 else "member" if number else "admin",
            "kind": "person",
            "active": True,
            "created_at": moment,
            "updated_at": moment,
            "version": 1,
        }


def task_rows(count: int, now: datetime) -> Iterator[Row]:
    """Yields the same tasks in every run, except for the timestamps, which are relative to `now`."""
    rng = random.Random(20)  # noqa: S311 - no secret
    users = count // TASKS_PER_USER
    for number in range(count):
        created = now - _HISTORY + _HISTORY * (number / count) * 0.95
        yield _task_row(rng, number, users, created.replace(microsecond=0))


def task_of(owner: int, slot: int, users: int) -> ObjectId:
    """Returns the id of the task in a user's slot; tasks of one user or status are spread over time."""
    return task_id((slot - owner * _STRIDE) % TASKS_PER_USER * users + owner)


def _task_row(rng: random.Random, number: int, users: int, created: datetime) -> Row:
    cycle, owner = divmod(number, users)
    slot = (cycle + owner * _STRIDE) % TASKS_PER_USER
    status = _STATUSES[slot]
    title = f"{rng.choice(VERBS)} the {rng.choice(NOUNS)} {rng.choice(NOUNS)} {number}"
    description, words = rng.choice(_descriptions())
    title_words = _words(title)
    labels = rng.sample(LABELS, rng.choice((0, 1, 1, 2, 3)))
    label_words = _words(*labels)
    due_date, due_at = _due(rng, slot, created)
    priority = rng.choice(_PRIORITIES)
    key = f"{DEFAULT_KEY}-{number + 1}"
    return {
        "_id": task_id(number),
        "project": DEFAULT_KEY,
        "number": number + 1,
        "key": key,
        "keys": [key],
        "rank": rank_of(number + 1),
        "title": title,
        "title_key": title.lower(),
        "title_words": title_words,
        "label_words": label_words,
        "words": sorted(words.union(title_words, label_words)),
        "description": description,
        "status": status,
        "priority": priority.value,
        "priority_rank": priority.rank,
        "due_date": due_date,
        "due_at": due_at,
        "assignee_id": None if slot in _UNASSIGNED else user_id(owner),
        "labels": labels,
        "parent_id": task_of(owner, _PARENT, users) if slot in _SUBTASKS else None,
        "blocked_by": [task_of(owner, slot - 5, users)] if slot in _BLOCKED else [],
        "created_by": str(user_id(owner)),
        "created_at": created,
        "updated_at": created,
        "started_at": None if status in ("todo", "backlog", "cancelled") else created,
        "completed_at": created if status == "completed" else None,
        "status_changed_at": created,
        "reopen_count": 0,
        "binned": False,
        "deleted_at": None,
        "version": 1,
    }


def _due(rng: random.Random, slot: int, created: datetime) -> tuple[str | None, datetime]:
    """Returns `due_date` and `due_at`: 70 % of the tasks have a due date, 10 % of these with a time."""
    if slot in MOVED or rng.random() < 0.3:
        return None, UNDATED
    day = (created + timedelta(days=rng.randrange(1, 400))).replace(hour=0, minute=0, second=0)
    if rng.random() < 0.1:
        moment = day + timedelta(hours=15)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), moment
    return day.strftime("%Y-%m-%d"), day + timedelta(days=1)


@lru_cache(1)
def _descriptions() -> tuple[tuple[str, frozenset[str]], ...]:
    """Returns texts of about 200 characters, each with its words; one in 500 contains the rare word."""
    rng, descriptions = random.Random(30), []  # noqa: S311 - no secret
    for number in range(_DESCRIPTIONS):
        words = rng.choices(WORDS, k=rng.randrange(24, 32))
        if number % 500 == 0:
            words[5] = RARE_WORD
        text = " ".join([words[0].capitalize(), *words[1:]]) + "."
        descriptions.append((text, frozenset(_words(text))))
    return tuple(descriptions)


def _words(*texts: str) -> list[str]:
    """Returns the distinct words in order, as the service indexes a text without accents."""
    return sorted({word for text in texts for word in _WORD.findall(text.lower())})


def _creation_entry(entity: str, row: Row) -> Row:
    """Returns the log entry for the creation of a task or user."""
    logged = {name: row.get(name) for name in _LOGGED_FIELDS[entity]}
    if entity == "task":
        logged |= {name: row[name] and str(row[name]) for name in ("assignee_id", "parent_id")}
        logged["blocked_by"] = [str(blocker) for blocker in row["blocked_by"]]
    return {
        "_id": ObjectId(b"\x65" + row["_id"].binary[1:]),
        "at": row["created_at"],
        "by": "system:import",
        "change_set": str(row["_id"]),
        "entity": entity,
        "entity_id": row["_id"],
        "projects": [row["project"]] if entity == "task" else [],
        "kind": f"{entity}.created",
        "before": {},
        "after": logged,
        "reason": None,
        "override": False,
        "version": 1,
    }


def require_stored_form(tasks: list[Row], users: list[Row]) -> None:
    """Raises `AssertionError` if the service would store any of these rows differently."""
    for row in tasks:
        _require_same(row, validated_row(mappers.task_document(mappers.task(row))))
    for row in users:
        _require_same(row, validated_row(mappers.user_document(mappers.user(row))))
    entities = [("task", row, logged_fields(mappers.task(row))) for row in tasks]
    entities += [("user", row, logged_fields(mappers.user(row))) for row in users]
    for entity, row, after in entities:
        entry = _creation_entry(entity, row)
        change: Change = mappers.change({**entry, "after": after})
        _require_same(entry, validated_row(mappers.change_document(change)))


def _require_same(row: Row, stored: Row) -> None:
    differing = {name for name in {*row, *stored} if row.get(name) != stored.get(name)}
    if names := sorted(differing | row.keys() ^ stored.keys()):
        raise AssertionError(f"The service stores these fields differently: {', '.join(names)}.")


def _insert(database: Database[Any], entity: str, rows: Iterable[Row]) -> None:
    """Inserts rows and their log entries; while one batch is sent, the next one is generated."""
    remaining = iter(rows)
    with ThreadPoolExecutor(1) as sender:
        pending: list[Future[Any]] = []
        while batch := list(islice(remaining, _BATCH)):
            entries = [_creation_entry(entity, row) for row in batch]
            for insert in pending:
                insert.result()
            pending = [
                sender.submit(database[collection].insert_many, documents, ordered=False)
                for collection, documents in ((f"{entity}s", batch), ("activity", entries))
            ]
        for insert in pending:
            insert.result()
