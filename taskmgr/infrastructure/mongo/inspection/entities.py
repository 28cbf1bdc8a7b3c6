"""Tasks, users, comments and tokens against what may be stored, and against their log."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from bson import ObjectId

from taskmgr.domain.model import task as tasks
from taskmgr.domain.model import token as tokens
from taskmgr.domain.model import user as users
from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.policy import Policy
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.derived_fields import TASKS, UNREADABLE, USERS, Derived, is_same
from taskmgr.infrastructure.mongo.documents import Draft
from taskmgr.infrastructure.mongo.inspection.log import History
from taskmgr.infrastructure.mongo.inspection.snapshot import AN_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.writing import validated_row

_TOUCHED = "touched"  # a count, raised by commands that read a document for a rule

Parsers = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity: its collection, both ways of its mapper, and what its fields may hold.

    `document` gets the stored row too, for what an entity does not hold: the hash of a token's secret.
    """

    name: str
    collection: str
    entity: Callable[[Row], Any]
    document: Callable[[Any, Row], Draft]
    parsers: Parsers
    derived: Derived | None = None


def kinds(policy: Policy) -> tuple[Kind, Kind, Kind, Kind]:
    """Returns users, tasks, comments and tokens."""
    of_tasks = {name: parse for name, parse in tasks.parsers(policy).items() if name != "status"}
    of_tasks |= {"created_by": _actor, "reopen_count": values.count}
    of_comments = {"text": values.comment_text, "author_id": _actor}
    of_tokens = {"user_id": values.identifier, **tokens.PARSERS}
    return (
        Kind("user", "users", mappers.user, _without_row(mappers.user_document), users.PARSERS, USERS),
        Kind("task", "tasks", mappers.task, _without_row(mappers.task_document), of_tasks, TASKS),
        Kind("comment", "comments", mappers.comment, _without_row(mappers.comment_document), of_comments),
        Kind("token", "tokens", mappers.token, _token_document, of_tokens),
    )


def _without_row(document: Callable[[Any], Draft]) -> Callable[[Any, Row], Draft]:
    return lambda entity, _: document(entity)


def _token_document(token: tokens.Token, row: Row) -> Draft:
    return mappers.token_document(token, row["secret_hash"])


def _actor(value: object) -> str:
    """The id of a user or of a system process."""
    return values.actor_key(value) if str(value).startswith("system:") else values.identifier(value)


@dataclass(frozen=True, slots=True)
class Entities:
    """The entities of a snapshot, read kind by kind; `users` are the ids of all users."""

    snapshot: Snapshot
    time_zone: tzinfo
    users: frozenset[str]
    report: Report

    def of(self, kind: Kind) -> Iterator[Any]:
        """Yields the entities that can be read, each compared with its stored form and its log."""
        rows = self.snapshot.rows(kind.collection, {"_id": AN_ID})
        wanted = {"entity": kind.name, "entity_id": AN_ID}
        log = self.snapshot.rows("activity", wanted, "entity", "entity_id", "version")
        for key, row, entries in _paired(rows, log):
            subject = f"{kind.name} {key}"
            entity = None if row is None else self._entity(kind, row, subject)
            history = History(kind.name, kind.parsers, self.users)
            for entry in entries:
                for code, detail in history.add(entry):
                    self.report(subject, code, detail)
            if row is None:
                findings = history.against_nothing()
            else:
                findings = history.against(entity) if entity is not None else iter(())
            for code, detail in findings:
                self.report(subject, code, detail)
            if entity is not None:
                yield entity

    def _entity(self, kind: Kind, row: Row, subject: str) -> Any:
        """Returns the entity, or None where it cannot be read; reports what is wrong with the row."""
        try:
            wrong = kind.derived.wrong(row, self.time_zone) if kind.derived else {}
            corrected = {**row, **wrong}
            entity = kind.entity(corrected)
            again = validated_row(kind.document(entity, row))
        except UNREADABLE as error:
            self.report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
            return None
        if wrong:
            names = ", ".join(sorted(wrong))
            detail = f"Its derived fields are outdated: {names}: run `taskmgr db migrate`."
            self.report(subject, "outdated", detail)
        if names := differing(corrected, again):
            self.report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
        for name, parse in kind.parsers.items():
            if bad := against_parser(name, getattr(entity, name), parse):
                self.report(subject, "bad_value", bad)
        return entity


def differing(row: Row, again: Row) -> str:
    """Returns the names of the fields that would be stored otherwise today."""
    names = sorted({*row, *again} - {_TOUCHED})
    found = [n for n in names if (n in row) != (n in again) or not is_same(row.get(n), again.get(n))]
    count = row.get(_TOUCHED, 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        found.append(_TOUCHED)
    return ", ".join(found)


def against_parser(name: str, value: Any, parse: Callable[[Any], Any]) -> str | None:
    """Returns a sentence where no command could have stored this value."""
    try:
        parsed = parse(value)
    except BadValue as error:
        return f"Its {name} is not acceptable: {error.detail}"
    return None if parsed == value else f"Its {name} is not stored as it is parsed."


def _paired(rows: Iterable[Row], log: Iterable[Row]) -> Iterator[tuple[ObjectId, Row | None, Iterator[Row]]]:
    """Yields each entity with its entries of the log, or None with those of one that does not exist.

    Both come in the order of the entities' ids, so neither has to be held in memory.
    """
    merged = heapq.merge(
        ((row["_id"], 0, row) for row in rows),
        ((entry["entity_id"], 1, entry) for entry in log),
        key=itemgetter(0, 1),
    )
    for key, group in groupby(merged, key=itemgetter(0)):
        first = next(group)
        if first[1] == 0:
            yield key, first[2], (row for _, _, row in group)
        else:
            yield key, None, (row for _, _, row in chain([first], group))
