"""Checks the log: each entry by itself, and whether the entries of an entity lead to its stored state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from datetime import UTC, datetime
from typing import Any

from taskmgr.domain.history.changes import ENTITIES, KINDS, kind_of_task_change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model import values
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.task import Task
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.derived_fields import differing_names, is_same
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.writing import validated_row

Finding = tuple[str, str]  # code and sentence
# Fields that a migration gave to tasks of earlier releases, without entries in the log.
_GIVEN_BY_MIGRATION = frozenset({"project", "key", "rank"})
# The entities whose entries belong to projects, and the logged field with a project's key. Comments lack it.
_PROJECT_FIELDS = {"task": "project", "comment": "project", "project": "key"}
_REMOVED_ONCE_EXPIRED = ("session", "link")
_DELETED_WHOLE = ("webhook.deleted", "view.deleted")  # their entries have all fields in `before`
_FINAL = (".deleted", ".revoked", ".ended")  # endings of the kinds after which an entity does not exist


class History:
    """Checks the log entries of one entity in the order of their versions; keeps only the latest state."""

    def __init__(
        self, entity: str, parsers: Mapping[str, Callable[[Any], Any]], users: frozenset[str]
    ) -> None:
        self._entity = entity
        self._parsers = parsers
        self._users = users
        self._version = 0
        self._state: dict[str, Any] = {}
        self._unlogged: Set[str] = frozenset()
        self._at: datetime | None = None
        self._kind = ""
        self._count = 0
        self._unreadable = False
        self._keys: list[str] = []  # of a task, the latest first

    def add(self, row: Row) -> Iterator[Finding]:
        """Yields what is wrong with the next entry, by itself and after the previous ones."""
        self._count += 1
        version, entry = row.get("version"), f"Entry {row.get('version')} of its log"
        try:
            change = mappers.change(row)
            expected = validated_row(mappers.change_document(change))
        except UNREADABLE as error:
            self._unreadable = True
            yield "log_unreadable", f"{entry} cannot be read ({type(error).__name__}: {error})."
            return
        if names := differing_names(row, expected):
            yield "log_stored_otherwise", f"{entry} is not stored as it should be: {', '.join(names)}."
        for detail in self._check_values(row):
            yield "log_bad_value", f"{entry} {detail}"
        if version == self._version:
            yield "log_gap", f"The log has two entries of version {version}."
        elif version != self._version + 1:
            previous = f"follows version {self._version}" if self._version else "is the first"
            yield "log_gap", f"The log has a gap: version {version} {previous}."
        elif contradiction := (
            self._check_order(row) or self._check_projects(row) or self._check_privacy(row)
        ):
            yield "log_chain", f"{entry} {contradiction}"
        if self._at is not None and change.at < self._at:
            yield "log_times", f"{entry} is older than the previous one."
        self._version, self._at, self._kind = change.version, change.at, change.kind
        self._state |= change.after
        for key in (change.before.get("key"), change.after.get("key")):
            if self._entity == "task" and key is not None and key not in self._keys:
                self._keys.insert(0, key)
        if change.kind == "task.created":
            self._unlogged = _GIVEN_BY_MIGRATION - change.after.keys()
        self._unlogged -= change.after.keys()

    def _check_values(self, row: Row) -> Iterator[str]:
        """Yields what no command could have logged; each text continues "Entry 3 of its log"."""
        by = row["by"]
        if values.is_identifier(by) and by not in self._users:
            yield f"is by the user {by}, who does not exist."
        elif not values.is_identifier(by) and not _holds(lambda: values.actor_key(by).startswith("system:")):
            yield f"is by {by!r}, which is neither a user nor a system process."
        if not values.is_identifier(row["change_set"]):
            yield "has no valid change_set."
        if row["reason"] is not None and not _holds(lambda: values.reason(row["reason"]) == row["reason"]):
            yield "has an invalid reason."
        if row["override"] and row["reason"] is None:
            yield "overrides a rule without a reason."
        if row["kind"] not in KINDS or not row["kind"].startswith(f"{self._entity}."):
            yield f"has the kind {row['kind']!r}, which is not one of a {self._entity}."
        for name, value in row["after"].items():
            if name in self._parsers and not self._is_valid(name, value):
                yield f"has an invalid value of {name}."

    def _is_valid(self, name: str, value: Any) -> bool:
        if name == "text" and value == "":  # of a comment that was deleted
            return True
        try:
            parsed = self._parsers[name](value)
        except BadValue:
            return False
        if isinstance(parsed, DueDate):
            return bool(str(parsed) == value)
        return bool((list(parsed) if isinstance(parsed, tuple) else parsed) == value)

    def _check_order(self, row: Row) -> str | None:
        """Returns what contradicts the previous entries; the text continues "Entry 3 of its log"."""
        before, after, kind = row["before"], row["after"], row["kind"]
        created = kind.endswith(".created")
        if created is not (self._version == 0):
            return f"is {kind}, but is {'' if self._version == 0 else 'not '}the first entry."
        if self._kind.endswith(_FINAL):
            return f"follows {self._kind}."
        if created:
            if before:
                return "creates it, but has values in `before`."
            return (
                None if is_same(after.get("created_at"), row["at"]) else "has another time than created_at."
            )
        if kind.endswith((".revoked", ".ended")) or kind in _DELETED_WHOLE:
            is_whole = not after and is_same(before, self._state)
            return None if is_whole else f"does not have the whole {self._entity} in `before`."
        if not after or before.keys() != after.keys():
            return "does not have the same fields in `before` and `after`."
        known = before.keys() - self._unlogged
        if wrong := [
            name for name in before if name in known and not is_same(before[name], self._state.get(name))
        ]:
            return f"does not continue the previous entries: {', '.join(wrong)}."
        if same := [name for name in after if is_same(before[name], after[name])]:
            return f"has equal values in `before` and `after`: {', '.join(same)}."
        if "status" in after and not is_same(after.get("status_changed_at", row["at"]), row["at"]):
            return "has another time than status_changed_at."
        return None if _fits(kind, after) else f"is {kind}, but changes: {', '.join(after)}."

    def _check_projects(self, row: Row) -> str | None:
        """Returns what contradicts the projects of an entry; the text continues "Entry 3 of its log".

        Which project a comment's task was in is unknown here; so is that of a task from before a migration.
        """
        projects = row.get("projects", [])
        if self._entity not in _PROJECT_FIELDS:
            return f"belongs to projects, as no {self._entity} does." if projects else None
        name = _PROJECT_FIELDS[self._entity]
        old, new = (row[side].get(name, self._state.get(name)) for side in ("before", "after"))
        expected = [new] if old in (None, new) else [old, new]
        if projects == expected or (new is None and len(projects) == 1):
            return None
        return f"belongs to the projects {projects} instead of {expected}."

    def _check_privacy(self, row: Row) -> str | None:
        """Returns what contradicts `private_to`; the text continues "Entry 3 of its log"."""
        private_to, expected = row.get("private_to"), None
        if self._entity == "view":
            before, after = self._state | row["before"], self._state | row["before"] | row["after"]
            if not (before.get("shared", True) and after.get("shared")):
                expected = after.get("owner_id")
        return None if private_to == expected else f"is private to {private_to} instead of {expected}."

    def check_state(self, entity: Any) -> Iterator[Finding]:
        """Yields a finding if the entries lead to another version or state than the stored one."""
        if self._unreadable:
            return
        if self._kind.endswith(_FINAL):
            yield "log_state", f"It is still stored, but the log ends with {self._kind}."
            return
        if self._entity == "token" and not self._count:
            fix = "run `taskmgr db migrate`, and revoke the token if nobody knows it"
            yield "outdated", f"The log has no entry of it: {fix}."
            return
        if self._version != entity.version:
            last = f"ends with version {self._version}" if self._count else "has no entry of it"
            yield "log_gap", f"Its version is {entity.version}, but the log {last}."
            return
        stored = logged_fields(entity) | {"updated_at": entity.updated_at}
        latest = self._state | {"updated_at": self._at}
        names = sorted({*stored, *latest} - self._unlogged)
        if names := [name for name in names if not is_same(stored.get(name), latest.get(name))]:
            yield "log_state", f"The log leads to other values of: {', '.join(names)}."
        if isinstance(entity, Task) and (logged := ", ".join(self._keys[1:])) != ", ".join(
            entity.former_keys
        ):
            yield "former_keys", f"Its former keys are not those in the log: {logged or 'none'}."

    def check_deleted(self) -> Iterator[Finding]:
        """Yields a finding unless the log ends with the end of the entity, or the database has removed it."""
        if not self._kind.endswith(_FINAL) and not self._has_expired():
            yield "gone", "It does not exist, but the log has entries of it."

    def _has_expired(self) -> bool:
        """Returns True for a session or a link that the database has removed by itself."""
        expires_at = self._state.get("expires_at")
        if self._entity not in _REMOVED_ONCE_EXPIRED or not isinstance(expires_at, datetime):
            return False
        return expires_at <= datetime.now(UTC)


def _fits(kind: str, after: Mapping[str, Any]) -> bool:
    """Returns True if a change of these fields has this kind."""
    if kind in ("task.binned", "task.restored"):
        return after.keys() == {"deleted_at"} and (after["deleted_at"] is None) is (kind == "task.restored")
    if kind.startswith("task."):
        return kind == kind_of_task_change(after)
    if kind.startswith("comment."):
        return after.keys() == {"text"} and (after["text"] == "") is (kind == "comment.deleted")
    return True


def _holds(condition: Callable[[], bool]) -> bool:
    """Returns the condition's result, or False if it raises `BadValue`."""
    try:
        return condition()
    except BadValue:
        return False


def inspect_foreign_entries(snapshot: Snapshot, report: Report) -> None:
    """Reports entries that belong to no entity."""
    not_ours: list[Row] = [
        {"entity": {"$nin": list(ENTITIES)}},
        {"entity_id": {"$not": OBJECT_ID}},
        {"_id": {"$not": OBJECT_ID}},
    ]
    for row in snapshot.rows("activity", {"$or": not_ours}):
        report(f"entry {row['_id']}", "foreign", "It was not written by taskmgr: it belongs to no entity.")
