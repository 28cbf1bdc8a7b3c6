"""Projects, and the keys that they give to their tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue, Parser, null_as
from taskmgr.domain.model.rank import rank_of

DEFAULT_KEY, DEFAULT_NAME = "TASK", "Tasks"


@dataclass(kw_only=True, slots=True)
class Project:
    """A project. It is never deleted, only archived, and its key never changes: the keys of tasks contain it.

    Exactly one project is the default (`is_default`), into which a task goes if none is given.
    """

    id: str
    key: str
    name: str
    description: str
    is_default: bool
    archived_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> Project:
        """Returns this project with other values, as its next version. `archived` sets `archived_at`."""
        fields = dict(changes)
        if "archived" in fields:
            archived_at = self.archived_at or now
            fields["archived_at"] = archived_at if fields.pop("archived") else None
        return replace(self, **fields, updated_at=now, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class NextKey:
    """The key that the next task of a project gets.

    `number` counts up from 1 in each project. In a dry run it is not `taken`, and `text` is None.
    """

    project: Project
    number: int
    taken: bool = True

    @property
    def text(self) -> str | None:
        return f"{self.project.key}-{self.number}" if self.taken else None

    @property
    def rank(self) -> str:
        """The rank after those of all tasks that are in the project already."""
        return rank_of(self.number)


def _only_true(value: object) -> bool:
    if values.boolean(value):
        return True
    raise BadValue("not_allowed", "Must be true: to change the default, make another project the default.")


_TEXTS: Mapping[str, Parser] = {
    "name": values.person_name,
    "description": null_as(values.description, ""),
}
NEW_PARSERS: Mapping[str, Parser] = {"key": values.project_key, **_TEXTS}
CHANGE_PARSERS: Mapping[str, Parser] = {
    **_TEXTS,
    "archived": values.boolean,
    "is_default": _only_true,
}
