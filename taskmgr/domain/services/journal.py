"""Writes the log. Every change of an entity is recorded here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import Entity, difference, logged_fields
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.view import View
from taskmgr.domain.ports.commands import NewId
from taskmgr.domain.ports.store import Store


@dataclass(frozen=True, slots=True)
class Journal:
    """Appends entries to the log inside the transaction of the change."""

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
        project: str | None = None,
    ) -> None:
        """Appends an entry of this kind (`task.created`, …) with the differences between the two states.

        Its time and version are those of the new state. `project` is that of a comment's task.
        """
        old, new = difference(before, after)
        self._append(
            kind, after.id, after.version, old, new, at=after.updated_at, by=by, reason=reason,
            override=override, projects=(project,) if project else _projects_of(before, after),
            private_to=_private_to(before, after),
        )  # fmt: skip

    def record_end(self, kind: str, last: Entity, *, at: datetime, by: Actor) -> None:
        """Appends the entry of a deleted entity: all of its fields before, and none after."""
        self._append(
            kind, last.id, last.version + 1, logged_fields(last), {}, at=at, by=by,
            private_to=_private_to(last, last),
        )  # fmt: skip

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
        projects: tuple[str, ...] = (),
        private_to: str | None = None,
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
                projects=projects,
                private_to=private_to,
            )
        )


def _projects_of(before: Entity | None, after: Entity) -> tuple[str, ...]:
    """Returns the keys of the projects to which a change of a task or of a project belongs."""
    if isinstance(after, Project):
        return (after.key,)
    if not isinstance(after, Task):
        return ()
    if isinstance(before, Task) and before.project != after.project:
        return before.project, after.project
    return (after.project,)


def _private_to(before: Entity | None, after: Entity) -> str | None:
    """Returns the owner of a view unless it was shared before and after a change, and otherwise None.

    The entry of a view that becomes shared shows what it was before, so it stays private.
    """
    if not isinstance(after, View):
        return None
    was_shared = not isinstance(before, View) or before.shared
    return None if was_shared and after.shared else after.owner_id
