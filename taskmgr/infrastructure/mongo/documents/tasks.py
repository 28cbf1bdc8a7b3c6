"""Declares the stored form of tasks.

Some fields are derived from others. `due_at` (far in the future for undated tasks), `priority_rank`,
`number` and `title_key` exist for sorting, because null or a name would sort incorrectly; `keys` are the
present key and the former ones, in this order, which together are unique; `words`, `title_words` and
`label_words` exist for searching.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    ListField,
    LongField,
    ObjectIdField,
    StringField,
)

from taskmgr.domain.model import values
from taskmgr.domain.model.priority import Priority
from taskmgr.infrastructure.mongo.documents.draft import COMMON

# Later than any due date, so that undated tasks come last by ascending due date.
UNDATED = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


# Tasks with blockers. A query must repeat the condition of a partial index to use that index.
HAS_BLOCKERS: dict[str, Any] = {"blocked_by.0": {"$exists": True}}


# Fields for filters and counters, which no mapper and no cursor reads.
UNREAD = ("words", "title_words", "label_words", "binned", "touched")


class TaskDocument(Document):
    """One task; `binned` repeats `deleted_at` as a boolean, with which the indexes begin."""

    id = ObjectIdField(primary_key=True)
    project = StringField(required=True)
    number = IntField(null=True, min_value=1)
    key = StringField(null=True)
    keys = ListField(StringField(), null=False)
    title = StringField(required=True, max_length=values.MAX_TITLE_LENGTH)
    title_key = StringField(required=True)
    title_words = ListField(StringField())
    label_words = ListField(StringField())
    words = ListField(StringField())
    description = StringField(max_length=values.MAX_DESCRIPTION_LENGTH)
    status = StringField(required=True)
    priority = StringField(required=True, choices=[p.value for p in Priority])
    priority_rank = IntField(required=True, min_value=0, max_value=len(Priority) - 1)
    due_date = StringField(null=True)
    due_at = DateTimeField(required=True)
    assignee_id = ObjectIdField(null=True)
    labels = ListField(StringField(max_length=values.MAX_LABEL_LENGTH), max_length=values.MAX_LABELS)
    parent_id = ObjectIdField(null=True)
    blocked_by = ListField(ObjectIdField(), max_length=values.MAX_BLOCKERS)
    rank = StringField(required=True)
    created_by = StringField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    started_at = DateTimeField(null=True)
    completed_at = DateTimeField(null=True)
    status_changed_at = DateTimeField(required=True)
    reopen_count = IntField(required=True, min_value=0)
    binned = BooleanField(required=True)
    deleted_at = DateTimeField(null=True)
    version = LongField(required=True, min_value=1)
    touched = LongField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "tasks",
        "indexes": [
            # One for every sort key, so that the last page of all tasks costs as much as the first.
            {"name": "newest", "fields": ["binned", "-created_at", "-id"]},
            {"name": "updated", "fields": ["binned", "-updated_at", "-id"]},
            {"name": "moved", "fields": ["binned", "-status_changed_at", "-id"]},
            {"name": "due", "fields": ["binned", "due_at", "id"]},
            {"name": "priority", "fields": ["binned", "-priority_rank", "-id"]},
            {"name": "title", "fields": ["binned", "title_key", "id"]},
            # For boards, and for the counts of rules and statistics. The fields after the id are there
            # because counts can then be read from the index alone.
            {
                "name": "status_due",
                "fields": ["binned", "status", "due_at", "id", "priority_rank", "assignee_id"],
            },
            {
                "name": "assignee_due",
                "fields": ["assignee_id", "binned", "status", "due_at", "id", "priority_rank", "project"],
            },
            {
                "name": "assignee_waiting",
                "fields": ["assignee_id", "binned", "status"],
                "partialFilterExpression": HAS_BLOCKERS,
            },
            {
                "name": "completed",
                "fields": ["binned", "completed_at", "started_at", "project"],
                "partialFilterExpression": {"completed_at": {"$type": "date"}},
            },
            {"name": "subtasks", "fields": ["parent_id"]},
            {"name": "blocks", "fields": ["blocked_by"]},
            {"name": "labels", "fields": ["labels", "binned", "-created_at", "-id", "status", "project"]},
            {"name": "words", "fields": ["words"]},
            # Sparse, because the tasks of a dry run have no key.
            {"name": "keys", "fields": ["keys"], "unique": True, "sparse": True},
            {"name": "project_newest", "fields": ["binned", "project", "-created_at", "-id"]},
            {"name": "project_number", "fields": ["binned", "project", "number", "id"]},
            {"name": "project_rank", "fields": ["binned", "project", "rank", "id", "status"]},
            # For the boards of projects, and for the counts of their tasks.
            {
                "name": "project_status_due",
                "fields": ["binned", "project", "status", "due_at", "id", "priority_rank", "assignee_id"],
            },
            {
                "name": "waiting",
                "fields": ["binned", "-created_at", "-id"],
                "partialFilterExpression": HAS_BLOCKERS,
            },
        ],
    }
