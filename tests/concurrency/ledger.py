"""Whether the log and the store agree, read from the raw documents and by nothing of the service's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.infrastructure.mongo.inspection.database import inspect_database

_COLLECTIONS = {"task": "tasks", "user": "users", "comment": "comments", "token": "tokens"}
# Stored beside what they follow from, or counted by whoever reads for a rule: the log tells none.
_DERIVED = {
    "_id",
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
    """For every entity: entries = version, versions contiguous, the log replayed = what is stored.

    And all that `taskmgr doctor` looks for: nothing stored by halves, no cycle, nobody's subtask.
    """
    assert list(disagreements(database)) == []
    found: list[str] = []
    inspect_database(database, policy, lambda about, _, detail: found.append(f"{about}: {detail}"))
    assert [finding for finding in found if not finding.startswith("users: ")] == []


def disagreements(database: Database[Any]) -> Iterator[str]:
    log: dict[tuple[str, Any], list[dict[str, Any]]] = defaultdict(list)
    for entry in database["activity"].find().sort("version", 1):
        log[entry["entity"], entry["entity_id"]].append(entry)
    there: Rows = {
        (entity, row["_id"]): _versioned(row)
        for entity, collection in _COLLECTIONS.items()
        for row in database[collection].find()
    }
    for key in log.keys() | there.keys():
        yield from _of_one(" ".join(map(str, key)), there.get(key), log[key])


def _versioned(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the row with a version: a token has none, since nothing changes it."""
    return {"version": 1, "updated_at": row["created_at"], **row}


def _of_one(name: str, row: dict[str, Any] | None, entries: list[dict[str, Any]]) -> Iterator[str]:
    versions = [entry["version"] for entry in entries]
    last = row["version"] if row else len(entries)
    if versions != list(range(1, last + 1)):
        yield f"{name} has version {last}, and entries for {versions}"
    if row is None:
        if not entries[-1]["kind"].endswith((".deleted", ".revoked")):
            yield f"{name} is gone, and no entry says so"
        return
    told: dict[str, Any] = {}
    for entry in entries:
        for field, value in entry["before"].items():
            if told.get(field) != value:
                yield f"{name}, version {entry['version']}: {field} was not {value!r} before"
        told |= entry["after"] | {"version": entry["version"], "updated_at": entry["at"]}
    stored = {field: _plain(value) for field, value in row.items() if field not in _DERIVED}
    if told != stored:
        yield f"{name} is stored as {stored}, and the log tells of {told}"


def _plain(value: Any) -> Any:
    """As the log has it: ids as text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if type(value).__name__ == "ObjectId" else value
