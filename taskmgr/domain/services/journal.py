"""Writes the log: the one way by which a change of anything becomes an entry."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import Entity, difference
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
        self.store.activity.append(
            Change(
                id=self.new_id(),
                at=after.updated_at,
                by=by.id,
                change_set=self.store.unit_of_work.change_set,
                entity=kind.partition(".")[0],
                entity_id=after.id,
                kind=kind,
                before=old,
                after=new,
                reason=reason,
                override=override,
                version=after.version,
            )
        )
