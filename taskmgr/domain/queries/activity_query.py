"""A query for entries of the log of changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityQuery:
    """Selects entries of the log, newest first. A filter that is None passes all entries.

    `entity_id` may also be the key of a task or of a project, in any case. `projects` are keys or ids of
    projects. They select the entries about these projects, and about the tasks that were in one of them at
    the time, with their comments. `at_from` is inclusive, `at_to` exclusive. `but_users` leaves out the
    entries about users, `but_webhooks` those about webhooks, and `credentials_of` those about tokens,
    sessions and links of others. `seen_by` is the actor who sees the entries; None stands for nobody in
    particular, to whom no entry is private.
    """

    entity: str | None = None
    but_users: bool = False
    but_webhooks: bool = False
    credentials_of: str | None = None
    seen_by: str | None = None
    entity_id: str | None = None
    projects: tuple[str, ...] | None = None
    by: str | None = None
    kinds: tuple[str, ...] | None = None
    change_set: str | None = None
    at_from: datetime | None = None
    at_to: datetime | None = None
