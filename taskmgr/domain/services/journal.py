"""Writes the log: the one way by which a change of anything becomes an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import Entity, difference, logged_fields
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.commands import NewId
from taskmgr.domain.ports.store import Store


@dataclass(frozen=True, slots=True)
class Journal:
    """Appends entries inside the transaction of the change that they tell of."""

    store: Store
    new_id: NewId

    def record(
        self,
        kind: str,
        before: Entity | None,
        after: Entity,
        *,
        by: Actor,
        reason: str | None = None,
        override: bool = False,
    ) -> None:
        """Appends one entry of this kind (`task.created`, …) with what differs between the two states.

        Its time is that of the new state, so an entity's versions and its entries agree.
        """
        old, new = difference(before, after)
        self._append(
            kind, after.id, after.version, old, new, at=after.updated_at, by=by, reason=reason,
            override=override,
        )  # fmt: skip

    def record_end(self, kind: str, last: Entity, *, at: datetime, by: Actor) -> None:
        """Appends the entry of an entity that ceases to exist: all that it was, and nothing after."""
        self._append(kind, last.id, last.version + 1, logged_fields(last), {}, at=at, by=by)

    def _append(
        self,
        kind: str,
        entity_id: str,
        version: int,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        *,
        at: datetime,
        by: Actor,
        reason: str | None = None,
        override: bool = False,
    ) -> None:
        self.store.activity.append(
            Change(
                id=self.new_id(),
                at=at,
                by=by.id,
                change_set=self.store.unit_of_work.change_set,
                entity=kind.partition(".")[0],
                entity_id=entity_id,
                kind=kind,
                before=before,
                after=after,
                reason=reason,
                override=override,
                version=version,
            )
        )
