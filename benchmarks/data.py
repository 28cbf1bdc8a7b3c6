"""The tasks and users that every server reads, in the very form that the service stores.

A user has 100 tasks whatever the size: 90 are assigned to them, 10 to nobody; the other mixture is
that of a team some years in, most of it done. Each entity has its entry in the log, so that
`taskmgr doctor` finds nothing wrong. Rows are put together here, because validating a million
documents takes half an hour; a sample is held against the service's own mappers in every run.
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
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents import UNDATED
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.writing import validated_row

Row = dict[str, Any]

TASKS_PER_USER = 100
_UNASSIGNED = range(90, 100)  # of each hundred
_YEARS = timedelta(days=730)
_STRIDE = 37  # has no divisor in common with 100
_WORD = re.compile(r"[^\W_]+")
_BATCH = 2_000
_SAMPLE = 300

# What each of a user's hundred tasks is. Three are started: with two more begun by the benchmark's
# change of status, the user is still within the policy's limit of five.
_STATUSES = (
    ["in_progress"] * 2 + ["in_review"] + ["todo"] * 17 + ["backlog"] * 12 + ["cancelled"] * 8
    + ["completed"] * 50 + ["todo"] * 3 + ["backlog"] * 3 + ["completed"] * 4
)  # fmt: skip
_PARENT = 3  # the todo that some of its owner's other todos are subtasks of
_SUBTASKS = range(10, 14)
_BLOCKED = range(14, 17)
MOVED = (18, 19)  # the todos that the benchmark moves: nothing stands against that, due last

_PRIORITIES = [Priority.LOW] * 25 + [Priority.MEDIUM] * 50 + [Priority.HIGH] * 20 + [Priority.URGENT] * 5
_DESCRIPTIONS = 5_000
# What the log tells of a new one.
_TOLD = {
    "user": ("username", "name", "email", "role", "kind", "active", "created_at"),
    "task": (
        "title", "description", "status", "priority", "due_date", "labels", "created_by", "created_at",
        "started_at", "completed_at", "status_changed_at", "reopen_count", "deleted_at",
    ),
}  # fmt: skip


def user_id(number: int) -> ObjectId:
    return ObjectId(struct.pack(">IQ", 1_500_000_000, number))


def task_id(number: int) -> ObjectId:
    return ObjectId(struct.pack(">IQ", 1_600_000_000, number))


def fill(database: Database[Any], tasks: int) -> None:
    """Fills an empty database, and has the service's own migration make its indexes."""
    now = datetime.now(UTC).replace(microsecond=0)
    users = tasks // TASKS_PER_USER
    require_stored_form(list(islice(task_rows(tasks, now), _SAMPLE)), list(user_rows(3, now)))
    _insert(database, "user", user_rows(users, now))
    _insert(database, "task", task_rows(tasks, now))
    migrate(database, DEFAULT_POLICY.time_zone)  # after the rows: that is many times faster


def user_rows(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        moment = now - _YEARS
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
    """The same rows each time, but for the moments, which are told from `now`."""
    chance = random.Random(20)  # noqa: S311 - no secret
    users = count // TASKS_PER_USER
    for number in range(count):
        created = now - _YEARS + _YEARS * (number / count) * 0.95
        yield _task_row(chance, number, users, created.replace(microsecond=0))


def task_of(owner: int, place: int, users: int) -> ObjectId:
    """The task number `place` of a user's hundred; users' tasks and all statuses are spread in time."""
    return task_id((place - owner * _STRIDE) % TASKS_PER_USER * users + owner)


def _task_row(chance: random.Random, number: int, users: int, created: datetime) -> Row:
    turn, owner = divmod(number, users)
    place = (turn + owner * _STRIDE) % TASKS_PER_USER
    status = _STATUSES[place]
    title = f"{chance.choice(VERBS)} the {chance.choice(NOUNS)} {chance.choice(NOUNS)} {number}"
    description, words = chance.choice(_descriptions())
    title_words = _words(title)
    labels = chance.sample(LABELS, chance.choice((0, 1, 1, 2, 3)))
    label_words = _words(*labels)
    due_date, due_at = _due(chance, place, created)
    priority = chance.choice(_PRIORITIES)
    started = created + timedelta(hours=chance.randrange(1, 200))
    ended = started + timedelta(hours=chance.randrange(1, 300))
    closed = status in ("completed", "cancelled")
    return {
        "_id": task_id(number),
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
        "assignee_id": None if place in _UNASSIGNED else user_id(owner),
        "labels": labels,
        "parent_id": task_of(owner, _PARENT, users) if place in _SUBTASKS else None,
        "blocked_by": [task_of(owner, place - 5, users)] if place in _BLOCKED else [],
        "created_by": str(user_id(owner)),
        "created_at": created,
        "updated_at": created,
        "started_at": None if status in ("todo", "backlog", "cancelled") else started,
        "completed_at": ended if status == "completed" else None,
        "status_changed_at": ended if closed else created,
        "reopen_count": 0,
        "binned": False,
        "deleted_at": None,
        "version": 1,
    }


def _due(chance: random.Random, place: int, created: datetime) -> tuple[str | None, datetime]:
    """What was given, and the instant: seven in ten have a date, one in ten of these a time of day."""
    if place in MOVED or chance.random() < 0.3:
        return None, UNDATED
    day = (created + timedelta(days=chance.randrange(1, 400))).replace(hour=0, minute=0, second=0)
    if chance.random() < 0.1:
        moment = day + timedelta(hours=15)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), moment
    return day.strftime("%Y-%m-%d"), day + timedelta(days=1)


@lru_cache(1)
def _descriptions() -> tuple[tuple[str, frozenset[str]], ...]:
    """About 200 characters each, with their words; some of them have the rare word."""
    chance, found = random.Random(30), []  # noqa: S311 - no secret
    for number in range(_DESCRIPTIONS):
        words = chance.choices(WORDS, k=chance.randrange(24, 32))
        if number % 500 == 0:
            words[5] = RARE_WORD
        text = " ".join([words[0].capitalize(), *words[1:]]) + "."
        found.append((text, frozenset(_words(text))))
    return tuple(found)


def _words(*texts: str) -> list[str]:
    """Each once and in order: for text without accents, what the service's search is for."""
    return sorted({word for text in texts for word in _WORD.findall(text.lower())})


def _created(entity: str, row: Row) -> Row:
    """The entry of the log that tells of a new task or user."""
    told = {name: row[name] for name in _TOLD[entity]}
    if entity == "task":
        told |= {name: row[name] and str(row[name]) for name in ("assignee_id", "parent_id")}
        told["blocked_by"] = [str(blocker) for blocker in row["blocked_by"]]
    return {
        "_id": ObjectId(b"\x65" + row["_id"].binary[1:]),
        "at": row["updated_at"],
        "by": "system:import",
        "change_set": f"import{row['_id']}",
        "entity": entity,
        "entity_id": row["_id"],
        "kind": f"{entity}.created",
        "before": {},
        "after": told,
        "reason": None,
        "override": False,
        "version": 1,
    }


def require_stored_form(tasks: list[Row], users: list[Row]) -> None:
    """Raises if the service would store these otherwise."""
    for row in tasks:
        _require_same(row, validated_row(mappers.task_document(mappers.task(row))))
    for row in users:
        _require_same(row, validated_row(mappers.user_document(mappers.user(row))))
    facts = [("task", row, logged_fields(mappers.task(row))) for row in tasks]
    facts += [("user", row, logged_fields(mappers.user(row))) for row in users]
    for entity, row, after in facts:
        entry = _created(entity, row)
        change: Change = mappers.change({**entry, "after": after})
        _require_same(entry, validated_row(mappers.change_document(change)))


def _require_same(row: Row, again: Row) -> None:
    differing = sorted(name for name in {*row, *again} if row.get(name) != again.get(name))
    if differing or set(row) != set(again):
        raise AssertionError(f"The service stores this otherwise: {differing or set(row) ^ set(again)}")


def _insert(database: Database[Any], entity: str, rows: Iterable[Row]) -> None:
    """Rows of a kind and their entries in the log; a batch is on its way while the next is made."""
    left = iter(rows)
    with ThreadPoolExecutor(1) as sender:
        waiting: list[Future[Any]] = []
        while batch := list(islice(left, _BATCH)):
            entries = [_created(entity, row) for row in batch]
            for sent in waiting:
                sent.result()
            waiting = [
                sender.submit(database[collection].insert_many, documents, ordered=False)
                for collection, documents in ((f"{entity}s", batch), ("activity", entries))
            ]
        for sent in waiting:
            sent.result()
