"""The entry of the log, and the kinds of entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(kw_only=True, slots=True)
class Change:
    """One entry of the log, written in the same transaction as the change.

    All changes of one request or script call share a `change_set`. `before` and `after` hold only the
    fields that changed, in the form of `logged_fields`. `version` is the entity's version after the
    change, so the entries of every entity are numbered 1, 2, 3, … `projects` are the keys of the projects
    that the entry belongs to: that of the task, or of the comment's task, at the time (a move belongs to
    both), or the project that it is about. `private_to` is the only actor who sees the entry, or None.
    """

    id: str
    at: datetime
    by: str
    change_set: str
    entity: str
    entity_id: str
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str | None
    override: bool
    version: int
    projects: tuple[str, ...] = ()
    private_to: str | None = None


# Fields that change along with the status and do not affect the kind.
_FOLLOW_STATUS = frozenset({"status_changed_at", "started_at", "completed_at", "reopen_count"})
# The kind of a change of a task by the fields that it changed; any other combination is task.changed.
_TASK_KINDS: Mapping[frozenset[str], str] = {
    frozenset({"status"}): "task.status_changed",
    frozenset({"priority"}): "task.priority_changed",
    frozenset({"assignee_id"}): "task.assigned",
    frozenset({"due_date"}): "task.due_date_changed",
    frozenset({"parent_id"}): "task.parent_changed",
    frozenset({"blocked_by"}): "task.blockers_changed",
    frozenset({"title"}): "task.edited",
    frozenset({"description"}): "task.edited",
    frozenset({"title", "description"}): "task.edited",
    frozenset({"labels"}): "task.labelled",
    frozenset({"rank"}): "task.ranked",
    frozenset({"status", "rank"}): "task.status_changed",
    frozenset({"project", "key", "rank"}): "task.moved",
    frozenset({"project", "key"}): "task.moved",  # its rank is that of the same number in the other project
}
# The kinds of entries that can have a status: a new task's, and those of changes of the status.
STATUS_KINDS = ("task.created", "task.status_changed", "task.changed")
TASK_KINDS = (
    "task.created",
    *dict.fromkeys(_TASK_KINDS.values()),
    "task.changed",
    "task.binned",
    "task.restored",
)
USER_KINDS = ("user.created", "user.changed")
COMMENT_KINDS = ("comment.created", "comment.changed", "comment.deleted")
TOKEN_KINDS = ("token.created", "token.revoked")
SIGN_IN_KINDS = (
    "session.created", "session.ended", "link.created", "link.ended", "account.created", "account.ended",
)  # fmt: skip
PROJECT_KINDS = ("project.created", "project.changed")
WEBHOOK_KINDS = ("webhook.created", "webhook.changed", "webhook.deleted")
VIEW_KINDS = ("view.created", "view.changed", "view.deleted")
KINDS = (
    *TASK_KINDS, *USER_KINDS, *COMMENT_KINDS, *TOKEN_KINDS, *SIGN_IN_KINDS, *PROJECT_KINDS, *WEBHOOK_KINDS,
    *VIEW_KINDS,
)  # fmt: skip
# Entities that only their owner and admins see in the log, because they let somebody in.
CREDENTIALS = ("token", "session", "link", "account")
ENTITIES = ("task", "user", "comment", *CREDENTIALS, "project", "webhook", "view")


def kind_of_task_change(fields: Collection[str]) -> str:
    """Returns the kind of an entry that changed these fields of a task."""
    return _TASK_KINDS.get(frozenset(fields) - _FOLLOW_STATUS, "task.changed")
