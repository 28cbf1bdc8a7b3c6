"""Checks that the activity log agrees with the stored documents, comparing the raw documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project

_COLLECTIONS = {
    "task": "tasks",
    "project": "projects",
    "user": "users",
    "comment": "comments",
    "token": "tokens",
    "session": "sessions",
    "link": "links",
    "account": "accounts",
}
# Fields that the log omits, since they are derived from others or do not belong to a version.
_DERIVED = {
    "_id",
    "number",
    "keys",
    "last_number",
    "title_key",
    "title_words",
    "label_words",
    "words",
    "priority_rank",
    "due_at",
    "binned",
    "email_key",
    "touched",
    "secret_hash",
    "last_used_at",
}

Rows = dict[tuple[str, Any], dict[str, Any]]


def assert_that_the_log_is_the_store(database: Database[Any], policy: Policy = DEFAULT_POLICY) -> None:
    """Asserts that each entity has one log entry per version, which replayed result in its document.

    Also asserts that `taskmgr doctor` finds nothing wrong, except for the findings about users. The default
    project of the tests gets its entry here, so that most tests see a log with their own entries alone.
    """
    ensure_default_project(database)
    assert list(disagreements(database)) == []
    findings: list[str] = []
    inspect_database(database, policy, lambda about, _, detail: findings.append(f"{about}: {detail}"))
    assert [finding for finding in findings if not finding.startswith("users: ")] == []


def disagreements(database: Database[Any]) -> Iterator[str]:
    """Yields a sentence for every difference between the log and the stored documents."""
    log: dict[tuple[str, Any], list[dict[str, Any]]] = defaultdict(list)
    for entry in database["activity"].find().sort("version", 1):
        log[entry["entity"], entry["entity_id"]].append(entry)
    stored: Rows = {
        (entity, row["_id"]): _versioned(row)
        for entity, collection in _COLLECTIONS.items()
        for row in database[collection].find()
    }
    for key in log.keys() | stored.keys():
        yield from _disagreements_of(" ".join(map(str, key)), stored.get(key), log[key])


def _versioned(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the row with a version: a token has none, since nothing changes it.

    A user without a password has no time at which it was chosen.
    """
    optional = {"password_set_at": None} if "username" in row else {}
    return {"version": 1, "updated_at": row["created_at"], **optional, **row}


def _disagreements_of(name: str, row: dict[str, Any] | None, entries: list[dict[str, Any]]) -> Iterator[str]:
    versions = [entry["version"] for entry in entries]
    last = row["version"] if row else len(entries)
    if versions != list(range(1, last + 1)):
        yield f"{name} has version {last}, and entries for {versions}"
    if row is None:
        if not entries[-1]["kind"].endswith((".deleted", ".revoked", ".ended")):
            yield f"{name} is gone, and no entry says so"
        return
    replayed: dict[str, Any] = {}
    for entry in entries:
        for field, value in entry["before"].items():
            if replayed.get(field) != value:
                yield f"{name}, version {entry['version']}: {field} was not {value!r} before"
        replayed |= entry["after"] | {"version": entry["version"], "updated_at": entry["at"]}
    stored = {field: _plain(value) for field, value in row.items() if field not in _DERIVED}
    if replayed != stored:
        yield f"{name} is stored as {stored}, but the log results in {replayed}"


def _plain(value: Any) -> Any:
    """Returns a value as the log stores it: with ids as text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if type(value).__name__ == "ObjectId" else value
