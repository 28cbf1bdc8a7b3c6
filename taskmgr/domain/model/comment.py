"""Comments on tasks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(kw_only=True, slots=True)
class Comment:
    """A comment on a task. `author_id` is an actor's id. Comments do not change the version of the task."""

    id: str
    task_id: str
    author_id: str
    text: str
    created_at: datetime
    updated_at: datetime
    version: int

    def rewritten(self, text: str, *, now: datetime) -> Comment:
        """Returns this comment with another text, as its next version."""
        return replace(self, text=text, updated_at=now, version=self.version + 1)
