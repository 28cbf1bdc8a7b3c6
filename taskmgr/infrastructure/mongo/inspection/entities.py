"""Checks the entities: their fields, their stored form, and their log."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from bson import ObjectId

from taskmgr.domain.history.changes import KINDS
from taskmgr.domain.model import project as projects
from taskmgr.domain.model import task as tasks
from taskmgr.domain.model import token as tokens
from taskmgr.domain.model import user as users
from taskmgr.domain.model import values
from taskmgr.domain.model import webhook as webhooks
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.parsing import BadValue, optional
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.session import Session
from taskmgr.domain.services import views
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.derived_fields import (
    COMMENTS,
    TASKS,
    USERS,
    Derived,
    differing_names,
)
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.inspection.log import History
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.writing import validated_row

_RANK = re.compile(r"[0-9A-Za-z]*[1-9A-Za-z]")
_TOUCHED = "touched"  # a counter, raised by commands whose rules read the document

Parsers = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity: its collection, its mapper in both directions, and the parsers of its fields.

    `document` also gets the stored row, for what the entity does not have: the hash of a token's secret.
    """

    name: str
    collection: str
    entity: Callable[[Row], Any]
    document: Callable[[Any, Row], Draft]
    parsers: Parsers
    derived: Derived | None = None


def kinds(policy: Policy) -> tuple[Kind, ...]:
    """Returns the kinds, each with what its check needs, in the order in which they are checked."""
    task_parsers = {name: parse for name, parse in tasks.parsers(policy).items() if name != "status"}
    task_parsers |= {"project": values.project_key, "key": values.task_reference, "rank": _parse_rank}
    task_parsers |= {"created_by": _parse_actor, "reopen_count": values.count}
    project_parsers = {**projects.NEW_PARSERS, "created_by": _parse_actor}
    comment_parsers = {"text": values.comment_text, "author_id": _parse_actor}
    token_parsers = {"user_id": values.identifier, **tokens.PARSERS}
    webhook_parsers = {**webhooks.parsers(KINDS), "project": optional(values.project_key)}
    webhook_parsers |= {"created_by": _parse_actor, "scopes": optional(tokens.parse_scopes)}
    comment_document = _without_row(mappers.comment_document)
    account_document = _without_row(mappers.account_document)
    return (
        Kind("user", "users", mappers.user, _without_row(mappers.user_document), users.PARSERS, USERS),
        Kind("project", "projects", mappers.project, _project_document, project_parsers),
        Kind("task", "tasks", mappers.task, _without_row(mappers.task_document), task_parsers, TASKS),
        Kind("comment", "comments", mappers.comment, comment_document, comment_parsers, COMMENTS),
        Kind("token", "tokens", mappers.token, _token_document, token_parsers),
        Kind("session", "sessions", mappers.session, _session_document, _SESSION_PARSERS),
        Kind("link", "links", mappers.link, _link_document, _LINK_PARSERS),
        Kind("account", "accounts", mappers.account, account_document, {"user_id": values.identifier}),
        Kind("webhook", "webhooks", mappers.webhook, _webhook_document, webhook_parsers),
        Kind("view", "views", mappers.view, _without_row(mappers.view_document), _VIEW_PARSERS),
    )


def _without_row(document: Callable[[Any], Draft]) -> Callable[[Any, Row], Draft]:
    return lambda entity, _: document(entity)


def _project_document(project: projects.Project, row: Row) -> Draft:
    return mappers.project_document(project, row.get("last_number"))


def _token_document(token: tokens.Token, row: Row) -> Draft:
    return mappers.token_document(token, row["secret_hash"])


def _webhook_document(webhook: webhooks.Webhook, row: Row) -> Draft:
    progress = {name: row[name] for name in mappers.PROGRESS if name in row}
    return mappers.webhook_document(webhook, **progress)


def _session_document(session: Session, row: Row) -> Draft:
    return mappers.session_document(session, row["secret_hash"])


def _link_document(link: Link, row: Row) -> Draft:
    return mappers.link_document(link, row["secret_hash"])


def _parse_actor(value: object) -> str:
    """Returns the id of a user or the name of a system process. Raises `BadValue`."""
    return values.actor_key(value) if str(value).startswith("system:") else values.identifier(value)


def _parse_rank(value: object) -> str:
    """Returns a rank, which must not end in 0, because no other fits before it. Raises `BadValue`."""
    if isinstance(value, str) and _RANK.fullmatch(value):
        return value
    raise BadValue("bad_rank", "Must be letters and digits that do not end in 0.")


_SESSION_PARSERS: Parsers = {"user_id": values.identifier}
# Filters and columns depend on the policy, and that of earlier entries may have been another.
_VIEW_PARSERS: Parsers = {
    "owner_id": values.identifier, "name": values.person_name, "sort": optional(views.parse_view_sort),
    "shared": values.boolean,
}  # fmt: skip
_LINK_PARSERS: Parsers = {"user_id": values.identifier, "created_by": _parse_actor}


@dataclass(frozen=True, slots=True)
class Entities:
    """Reads and checks the entities of a snapshot, kind by kind; `users` are the ids of all users."""

    snapshot: Snapshot
    time_zone: tzinfo
    users: frozenset[str]
    report: Report

    def of(self, kind: Kind) -> Iterator[Any]:
        """Yields the entities that can be read; reports what is wrong with each and with its log."""
        rows = self.snapshot.rows(kind.collection, {"_id": OBJECT_ID})
        of_kind = {"entity": kind.name, "entity_id": OBJECT_ID}
        log = self.snapshot.rows("activity", of_kind, "entity", "entity_id", "version")
        for key, row, entries in _pair_with_log(rows, log):
            subject = f"{kind.name} {key}"
            entity = None if row is None else self._read(kind, row, subject)
            history = History(kind.name, kind.parsers, self.users)
            for entry in entries:
                for code, detail in history.add(entry):
                    self.report(subject, code, detail)
            if row is None:
                findings = history.check_deleted()
            else:
                findings = history.check_state(entity) if entity is not None else iter(())
            for code, detail in findings:
                self.report(subject, code, detail)
            if entity is not None:
                yield entity

    def _read(self, kind: Kind, row: Row, subject: str) -> Any:
        """Returns the entity, or None if it cannot be read; reports what is wrong with the row."""
        try:
            outdated = kind.derived.wrong(row, self.time_zone) if kind.derived else {}
            corrected = {**row, **outdated}
            entity = kind.entity(corrected)
            expected = validated_row(kind.document(entity, row))
        except UNREADABLE as error:
            self.report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
            return None
        if outdated:
            names = ", ".join(sorted(outdated))
            detail = f"Its derived fields are outdated: {names}: run `taskmgr db migrate`."
            self.report(subject, "outdated", detail)
        if names := differing_fields(corrected, expected):
            self.report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
        for name, parse in kind.parsers.items():
            if mistake := check_value(name, getattr(entity, name), parse):
                self.report(subject, "bad_value", mistake)
        return entity


def differing_fields(row: Row, expected: Row) -> str:
    """Returns the names of the fields that this release would store differently, separated by commas."""
    names = [name for name in differing_names(row, expected) if name != _TOUCHED]
    count = row.get(_TOUCHED, 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        names.append(_TOUCHED)
    return ", ".join(names)


def check_value(name: str, value: Any, parse: Callable[[Any], Any]) -> str | None:
    """Returns a sentence if no command could have stored this value, or else None."""
    try:
        parsed = parse(value)
    except BadValue as error:
        return f"Its {name} is invalid: {error.detail}"
    return None if parsed == value else f"Its {name} is not in the form in which commands store it."


def _pair_with_log(
    rows: Iterable[Row], log: Iterable[Row]
) -> Iterator[tuple[ObjectId, Row | None, Iterator[Row]]]:
    """Yields each id with its row, or None if only the log has it, and with its log entries.

    Both arguments are sorted by the entity's id, so neither has to be held in memory.
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
