"""What is said about a task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(kw_only=True, slots=True)
class Comment:
    """One remark on a task. `author_id` is an actor's id. The task's version does not change by it."""

    id: str
    task_id: str
    author_id: str
    text: str
    created_at: datetime
    updated_at: datetime
    version: int

    def rewritten(self, text: str, *, now: datetime) -> Comment:
        """This comment with another text, one version on."""
        return replace(self, text=text, updated_at=now, version=self.version + 1)
