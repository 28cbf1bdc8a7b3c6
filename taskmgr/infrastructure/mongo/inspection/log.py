"""The log: each entry by itself, and the entries of an entity as a chain from nothing to what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from taskmgr.domain.history.changes import ENTITIES, KINDS, kind_of_task_change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model import values
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.parsing import BadValue
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.derived_fields import UNREADABLE, is_same
from taskmgr.infrastructure.mongo.inspection.snapshot import AN_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.writing import validated_row

Finding = tuple[str, str]
_ENDS = (".deleted", ".revoked")  # how the kinds of an entity's last entry end


class History:
    """The entries of one entity, in the order of their versions; keeps the latest state alone."""

    def __init__(
        self, entity: str, parsers: Mapping[str, Callable[[Any], Any]], users: frozenset[str]
    ) -> None:
        self._entity = entity
        self._parsers = parsers
        self._users = users
        self._version = 0
        self._state: dict[str, Any] = {}
        self._at: datetime | None = None
        self._kind = ""
        self._entries = 0
        self._unreadable = False

    def add(self, row: Row) -> Iterator[Finding]:
        """Yields what is wrong with the next entry, in itself and behind those before it."""
        self._entries += 1
        version, where = row.get("version"), f"Entry {row.get('version')} of its log"
        try:
            change = mappers.change(row)
            again = validated_row(mappers.change_document(change))
        except UNREADABLE as error:
            self._unreadable = True
            yield "log_unreadable", f"{where} cannot be read ({type(error).__name__}: {error})."
            return
        names = sorted({*row, *again})
        if wrong := [n for n in names if n not in row or n not in again or not is_same(row[n], again[n])]:
            yield "log_stored_otherwise", f"{where} is not stored as it should be: {', '.join(wrong)}."
        for detail in self._against_values(row):
            yield "log_bad_value", f"{where} {detail}"
        if version != self._version + 1:
            told = "a second time" if version == self._version else f"after {self._version or 'none'}"
            yield "log_gap", f"The log has its version {version} {told}."
        elif broken := self._against_chain(row):
            yield "log_chain", f"{where} {broken}"
        if self._at is not None and change.at < self._at:
            yield "log_times", f"{where} is older than the one before."
        self._version, self._at, self._kind = change.version, change.at, change.kind
        self._state |= change.after

    def _against_values(self, row: Row) -> Iterator[str]:
        by = row["by"]
        if values.is_identifier(by) and by not in self._users:
            yield f"is by {by}, a user who does not exist."
        elif not values.is_identifier(by) and not _is(lambda: values.actor_key(by).startswith("system:")):
            yield f"is by {by!r}, which is neither a user nor a system process."
        if not values.is_identifier(row["change_set"]):
            yield "has no valid change_set."
        if row["reason"] is not None and not _is(lambda: values.reason(row["reason"]) == row["reason"]):
            yield "has a reason that no command takes."
        if row["override"] and row["reason"] is None:
            yield "overrides a rule without a reason."
        if row["kind"] not in KINDS or not row["kind"].startswith(f"{self._entity}."):
            yield f"has the kind {row['kind']!r}, which a {self._entity} does not have."
        for name, value in row["after"].items():
            if name in self._parsers and not self._is_acceptable(name, value):
                yield f"has a value of {name} that no command takes."

    def _is_acceptable(self, name: str, value: Any) -> bool:
        if name == "text" and value == "":  # of a comment that was deleted
            return True
        try:
            kept = self._parsers[name](value)
        except BadValue:
            return False
        if isinstance(kept, DueDate):
            return bool(str(kept) == value)
        return bool((list(kept) if isinstance(kept, tuple) else kept) == value)

    def _against_chain(self, row: Row) -> str | None:
        """Returns what does not follow from the entries before."""
        before, after, kind = row["before"], row["after"], row["kind"]
        created = kind.endswith(".created")
        if created is not (self._version == 0):
            return f"is {kind}, as the {'first' if self._version == 0 else 'next'} of its entries."
        if self._kind.endswith(_ENDS):
            return f"follows {self._kind}."
        if created:
            if before:
                return "says what was before it was created."
            return (
                None if is_same(after.get("created_at"), row["at"]) else "is not as old as what it created."
            )
        if kind == "token.revoked":
            return None if not after and is_same(before, self._state) else "does not say what was revoked."
        if not after or before.keys() != after.keys():
            return "does not name the same fields before and after."
        if wrong := [name for name in before if not is_same(before[name], self._state.get(name))]:
            return f"does not follow from those before: {', '.join(wrong)}."
        if same := [name for name in after if is_same(before[name], after[name])]:
            return f"says that nothing changed: {', '.join(same)}."
        if "status" in after and not is_same(after.get("status_changed_at", row["at"]), row["at"]):
            return "has another time than its change of the status."
        return None if _fits(kind, after) else f"is {kind}, but changes: {', '.join(after)}."

    def against(self, entity: Any) -> Iterator[Finding]:
        """Yields where the log tells of another state than the entity's."""
        if self._unreadable:
            return
        if self._kind.endswith(_ENDS):
            yield "log_state", f"It is still stored, but the log ends with {self._kind}."
            return
        if self._entity == "token" and not self._entries:
            fix = "run `taskmgr db migrate`, and revoke the token if nobody knows it"
            yield "outdated", f"The log has no entry on it: {fix}."
            return
        if self._version != entity.version:
            told = f"{self._entries} entries up to version {self._version}" if self._entries else "no entry"
            yield "log_gap", f"Its version is {entity.version}, but the log has {told}."
            return
        is_now = logged_fields(entity) | {"updated_at": entity.updated_at}
        state = self._state | {"updated_at": self._at}
        if wrong := [n for n in sorted({*is_now, *state}) if not is_same(is_now.get(n), state.get(n))]:
            yield "log_state", f"The log tells of another state of: {', '.join(wrong)}."

    def against_nothing(self) -> Iterator[Finding]:
        """Yields a finding unless the log says that the entity was deleted or revoked."""
        if not self._kind.endswith(_ENDS):
            yield "gone", f"It is gone, but the log has {self._entries} entries on it."


def _fits(kind: str, after: Mapping[str, Any]) -> bool:
    """Whether a change of these fields is called so."""
    if kind in ("task.binned", "task.restored"):
        return after.keys() == {"deleted_at"} and (after["deleted_at"] is None) is (kind == "task.restored")
    if kind.startswith("task."):
        return kind == kind_of_task_change(after)
    if kind.startswith("comment."):
        return after.keys() == {"text"} and (after["text"] == "") is (kind == "comment.deleted")
    return True


def _is(question: Callable[[], bool]) -> bool:
    """The answer, or False for a value that is not acceptable."""
    try:
        return question()
    except BadValue:
        return False


def against_strangers_in_log(snapshot: Snapshot, report: Report) -> None:
    """Reports entries that belong to no entity."""
    strange = [{"entity": {"$nin": list(ENTITIES)}}, {"entity_id": {"$not": AN_ID}}, {"_id": {"$not": AN_ID}}]
    for row in snapshot.rows("activity", {"$or": strange}):
        report(f"entry {row['_id']}", "foreign", "It was not written by taskmgr: it names no entity.")
