"""Reads the whole store for what breaks a rule, as it was at one moment, however busy it is.

One pass over each collection in the order of an index, so that memory grows with the number of
users and of relations, and with neither tasks nor history.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from taskmgr.domain.activity import facts_of, replayed
from taskmgr.domain.policy import Policy
from taskmgr.domain.user import User
from taskmgr.domain.values import is_identifier
from taskmgr.infrastructure import mappers
from taskmgr.infrastructure.connection import without_deadline
from taskmgr.infrastructure.derived import TASKS, UNREADABLE, USERS, Derived
from taskmgr.infrastructure.documents import Draft
from taskmgr.infrastructure.inspected_tasks import Relations, Statuses, against_task
from taskmgr.infrastructure.repositories.writing import stored

# Called with what a finding is about, and a sentence.
Report = Callable[[str, str], None]
Row = Mapping[str, Any]

_AN_ID = {"$type": "objectId"}
_DELETED = ".deleted"
_BATCH = 1_000
_TOUCHES = "touched"  # counted up by whoever reads a document for a rule; says nothing


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of entity: its collection, both ways of its mapper, and its derived fields."""

    name: str
    collection: str
    entity: Callable[[Row], Any]
    document: Callable[[Any], Draft]
    derived: Derived | None = None


_USER = _Kind("user", "users", mappers.user, mappers.user_document, USERS)
_TASK = _Kind("task", "tasks", mappers.task, mappers.task_document, TASKS)
_COMMENT = _Kind("comment", "comments", mappers.comment, mappers.comment_document)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The database at the moment of the first reading."""

    database: Database[Any]
    session: ClientSession

    def rows(self, collection: str, filters: Row, *order: str) -> Iterator[Row]:
        cursor = self.database[collection].find(filters, session=self.session)
        yield from cursor.sort([(field, 1) for field in order]).allow_disk_use(True)

    def tasks_among(self, task_ids: Collection[str]) -> Iterator[tuple[str, bool]]:
        """Those of the tasks that there are, each with whether it is in the bin."""
        left = iter(task_ids)
        while batch := [ObjectId(task_id) for task_id in islice(left, _BATCH)]:
            for row in self.rows("tasks", {"_id": {"$in": batch}}, "_id"):
                yield str(row["_id"]), bool(row.get("binned"))


def inspect(database: Database[Any], policy: Policy, report: Report) -> None:
    """Reports everything that is not as it should be, in the order in which it is come upon."""
    with database.client.start_session(snapshot=True) as session, without_deadline():
        snapshot = _Snapshot(database, session)
        users = {user.id: user for user in _entities(snapshot, _USER, policy.time_zone, report)}
        _inspect_admins(users, report)
        _inspect_tasks(snapshot, users, policy, report)
        _inspect_comments(snapshot, users, report)
        _inspect_tokens(snapshot, users, report)
        _inspect_strangers(snapshot, report)


def _inspect_admins(users: Mapping[str, User], report: Report) -> None:
    if users and not any(user.is_active_admin for user in users.values()):
        report("users", "There is no active admin: make one with `taskmgr users set-role NAME admin`.")


def _inspect_tasks(snapshot: _Snapshot, users: Mapping[str, User], policy: Policy, report: Report) -> None:
    relations, statuses = Relations(), Statuses(policy.workflow)
    for task in _entities(snapshot, _TASK, policy.time_zone, report):
        relations.note(task)
        if statuses.knows(task):
            for detail in against_task(task, users, policy):
                report(f"task {task.id}", detail)
    for detail in statuses.unknown():
        report("tasks", detail)
    there = dict(snapshot.tasks_among(relations.named()))
    for task_id, detail in relations.broken(there):
        report(f"task {task_id}", detail)


def _inspect_comments(snapshot: _Snapshot, users: Mapping[str, User], report: Report) -> None:
    comments_of: dict[str, str] = {}  # a task, and one of the comments on it
    for comment in _entities(snapshot, _COMMENT, UTC, report):
        comments_of.setdefault(comment.task_id, comment.id)
        if is_identifier(comment.author_id) and comment.author_id not in users:
            report(f"comment {comment.id}", f"Its author {comment.author_id} does not exist.")
    there = dict(snapshot.tasks_among(comments_of))
    for task_id, comment_id in comments_of.items():
        if task_id not in there:
            report(f"comment {comment_id}", f"Its task {task_id} does not exist.")


def _inspect_tokens(snapshot: _Snapshot, users: Mapping[str, User], report: Report) -> None:
    for row in snapshot.rows("tokens", {}, "_id"):
        if str(row.get("user_id")) not in users:
            report(f"token {row['_id']}", f"Its user {row.get('user_id')} does not exist.")


def _inspect_strangers(snapshot: _Snapshot, report: Report) -> None:
    for kind in (_USER, _TASK, _COMMENT):
        for row in snapshot.rows(kind.collection, {"_id": {"$not": _AN_ID}}, "_id"):
            report(f"{kind.name} {row['_id']!r}", "It was not written by taskmgr: its id is none.")


def _entities(snapshot: _Snapshot, kind: _Kind, time_zone: tzinfo, report: Report) -> Iterator[Any]:
    """The entities of a kind that can be read, each compared with its stored form and its log."""
    rows = snapshot.rows(kind.collection, {"_id": _AN_ID}, "_id")
    log = snapshot.rows(
        "activity", {"entity": kind.name, "entity_id": _AN_ID}, "entity", "entity_id", "version"
    )
    for key, row, entries in _paired(rows, log):
        subject = f"{kind.name} {key}"
        if row is None and str(entries[-1]["kind"]).endswith(_DELETED):
            continue
        if row is None:
            report(subject, f"It is gone, but the log has {len(entries)} entries on it.")
            continue
        try:
            wrong = kind.derived.wrong(row, time_zone) if kind.derived else {}
            row = {**row, **wrong}
            entity = kind.entity(row)
            again = stored(kind.document(entity))
        except UNREADABLE as error:
            report(subject, f"It cannot be read ({type(error).__name__}: {error}).")
            continue
        if wrong:
            names = ", ".join(sorted(wrong))
            report(subject, f"Its derived fields are outdated: {names}: run `taskmgr db migrate`.")
        if differing := _differing(row, again):
            report(subject, f"It is not stored as it should be: {differing}.")
        if detail := _against_log(entity, entries):
            report(subject, detail)
        yield entity


def _paired(rows: Iterable[Row], log: Iterable[Row]) -> Iterator[tuple[ObjectId, Row | None, list[Row]]]:
    """Each entity with its entries of the log, or None with those of one that is not there.

    Both come in the order of the entities' ids, so neither has to be held in memory.
    """
    merged = heapq.merge(
        ((row["_id"], 0, row) for row in rows),
        ((entry["entity_id"], 1, entry) for entry in log),
        key=itemgetter(0, 1),
    )
    for key, group in groupby(merged, key=itemgetter(0)):
        found = [(which, row) for _, which, row in group]
        entity = next((row for which, row in found if which == 0), None)
        yield key, entity, [row for which, row in found if which == 1]


def _differing(row: Row, again: Row) -> str:
    """The names of the fields that would be stored otherwise today."""
    names = sorted({*row, *again} - {_TOUCHES})
    return ", ".join(name for name in names if row.get(name) != again.get(name))


def _against_log(entity: Any, entries: list[Row]) -> str | None:
    """Where the log does not tell of this entity as it is, how it differs."""
    versions = [entry["version"] for entry in entries]
    if versions != list(range(1, entity.version + 1)):
        told = ", ".join(map(str, versions)) or "none"
        return f"Its version is {entity.version}, but the log has entries for: {told}."
    try:
        state = replayed([mappers.change(entry) for entry in entries])
    except UNREADABLE as error:
        return f"Its log cannot be read ({type(error).__name__}: {error})."
    is_now = facts_of(entity) | {"updated_at": entity.updated_at}
    differing = ", ".join(name for name, value in is_now.items() if state.get(name) != value)
    return f"The log tells of another state of: {differing}." if differing else None
