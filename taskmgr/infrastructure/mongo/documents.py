"""Declares the stored form: MongoEngine documents with their fields, validation and indexes.

Every write is validated against these documents, and the indexes are created from them. Reads return
raw rows, which become entities in `mappers.py`.

Some fields of a task are derived from others. `due_at` (far in the future for undated tasks),
`priority_rank`, `number` and `title_key` exist for sorting, because null or a name would sort incorrectly;
`keys` are the present key and the former ones, in this order, which together are unique;
`words`, `title_words` and `label_words` exist for searching, as do the `words` of users and comments.
`touched` is a counter that commands raise in the documents that their rules have read, so that two such
commands conflict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import (
    BinaryField,
    BooleanField,
    DateTimeField,
    DictField,
    IntField,
    ListField,
    LongField,
    ObjectIdField,
    StringField,
)

from taskmgr.domain.model import values
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.user import Kind, Role
from taskmgr.infrastructure.mongo.document_meta import COMMON
from taskmgr.infrastructure.mongo.inbox_documents import INBOX_DOCUMENTS
from taskmgr.infrastructure.mongo.sign_in_documents import (
    AttemptDocument,
    LinkDocument,
    PasswordDocument,
    SessionDocument,
)
from taskmgr.infrastructure.mongo.webhook_documents import DeliveryDocument, WebhookDocument

# Later than any due date, so that undated tasks come last by ascending due date.
UNDATED = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)

# Tasks with blockers. A query must repeat the condition of a partial index to use that index.
HAS_BLOCKERS: dict[str, Any] = {"blocked_by.0": {"$exists": True}}
# Fields for filters and counters, which no mapper and no cursor reads.
UNREAD = ("words", "title_words", "label_words", "binned", "touched")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is not validated yet: its class and its values by field."""

    document: type[Document]
    values: Mapping[str, Any]


def draft_of(document: type[Document], **values: Any) -> Draft:
    """Returns a draft with these values."""
    return Draft(document, values)


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


class UserDocument(Document):
    """One user; `email_key` keeps addresses unique, and `words` are for searching."""

    id = ObjectIdField(primary_key=True)
    username = StringField(required=True, max_length=40)
    name = StringField(required=True, max_length=values.MAX_NAME_LENGTH)
    email = StringField(null=True, max_length=values.MAX_EMAIL_LENGTH)
    email_key = StringField(null=True)
    words = ListField(StringField())
    role = StringField(required=True, choices=[r.value for r in Role])
    kind = StringField(required=True, choices=[k.value for k in Kind])
    active = BooleanField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)
    password_set_at = DateTimeField()
    touched = LongField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "users",
        "indexes": [
            {"name": "username", "fields": ["username"], "unique": True},
            {
                "name": "email",
                "fields": ["email_key"],
                "unique": True,
                "partialFilterExpression": {"email_key": {"$type": "string"}},
            },
            {"name": "role", "fields": ["role", "active"]},
            {"name": "words", "fields": ["words"]},
            {"name": "by_username", "fields": ["username", "id"]},
        ],
    }


class CommentDocument(Document):
    """One comment on a task; `words` are for searching."""

    id = ObjectIdField(primary_key=True)
    task_id = ObjectIdField(required=True)
    author_id = StringField(required=True)
    text = StringField(required=True, max_length=values.MAX_COMMENT_LENGTH)
    words = ListField(StringField())
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "comments",
        "indexes": [
            {"name": "of_task", "fields": ["task_id", "created_at", "id"]},
            {"name": "words", "fields": ["words"]},
        ],
    }


class ProjectDocument(Document):
    """One project; `last_number` is the highest number that a task of the project may have."""

    id = ObjectIdField(primary_key=True)
    key = StringField(required=True)
    name = StringField(required=True, max_length=values.MAX_NAME_LENGTH)
    description = StringField(max_length=values.MAX_DESCRIPTION_LENGTH)
    is_default = BooleanField(required=True)
    archived_at = DateTimeField(null=True)
    created_by = StringField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)
    last_number = LongField(min_value=0)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "projects",
        "indexes": [
            {"name": "key", "fields": ["key"], "unique": True},
            {
                "name": "default",
                "fields": ["is_default"],
                "unique": True,
                "partialFilterExpression": {"is_default": True},
            },
        ],
    }


class ChangeDocument(Document):
    """One entry of the log."""

    id = ObjectIdField(primary_key=True)
    at = DateTimeField(required=True)
    by = StringField(required=True)
    change_set = StringField(required=True)
    entity = StringField(required=True)
    entity_id = ObjectIdField(required=True)
    kind = StringField(required=True)
    before = DictField()
    after = DictField()
    reason = StringField(null=True, max_length=values.MAX_REASON_LENGTH)
    override = BooleanField(required=True)
    version = LongField(required=True, min_value=1)
    projects = ListField(StringField())

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "activity",
        "indexes": [
            {"name": "entity_version", "fields": ["entity", "entity_id", "version"], "unique": True},
            {"name": "newest", "fields": ["-at", "-id"]},
            {"name": "by", "fields": ["by", "-at", "-id"]},
            {"name": "kind", "fields": ["kind", "-at", "-id"]},
            {"name": "entity", "fields": ["entity", "entity_id", "-at", "-id"]},
            {"name": "project", "fields": ["projects", "-at", "-id"]},
            {"name": "change_set", "fields": ["change_set"]},
        ],
    }


class FeedDocument(Document):
    """The place of a log entry in the feed; `_id` is its number, and `token` continues the log after it."""

    id = LongField(primary_key=True, min_value=1)
    entry = ObjectIdField(required=True)
    at = DateTimeField(required=True)
    hash = BinaryField(required=True, max_bytes=32)
    token = DictField(null=False)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "feed",
        "indexes": [{"name": "entry", "fields": ["entry"], "unique": True}],
    }


class CheckpointDocument(Document):
    """How far a process that follows a stream has come; `seq` is a number of the feed."""

    id = StringField(primary_key=True)
    seq = LongField(required=True, min_value=0)
    token = DictField(null=True)
    at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "checkpoints", "indexes": []}


class LeaseDocument(Document):
    """A lease that a process holds until a time."""

    id = StringField(primary_key=True)
    holder = StringField(required=True)
    until = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "leases", "indexes": []}


class TokenDocument(Document):
    """One bearer token, without its secret."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    name = StringField(required=True, max_length=values.MAX_TOKEN_NAME_LENGTH)
    scopes = ListField(StringField(), null=True)
    secret_hash = BinaryField(required=True, max_bytes=32)
    created_at = DateTimeField(required=True)
    expires_at = DateTimeField(null=True)
    last_used_at = DateTimeField(null=True)
    touched = LongField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "tokens",
        "indexes": [{"name": "owner", "fields": ["user_id", "-created_at"]}],
    }


class AnswerDocument(Document):
    """One response that is stored for retries until it expires."""

    id = StringField(primary_key=True)
    caller = StringField(required=True)
    fingerprint = BinaryField(max_bytes=32)
    status = IntField()
    headers = DictField()
    body = BinaryField()
    expires_at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "answers",
        "indexes": [{"name": "expiry", "fields": ["expires_at"], "expireAfterSeconds": 0}],
    }


DOCUMENTS: tuple[type[Document], ...] = (
    TaskDocument,
    UserDocument,
    CommentDocument,
    ProjectDocument,
    ChangeDocument,
    FeedDocument,
    CheckpointDocument,
    LeaseDocument,
    TokenDocument,
    WebhookDocument,
    DeliveryDocument,
    SessionDocument,
    PasswordDocument,
    LinkDocument,
    AttemptDocument,
    AnswerDocument,
    *INBOX_DOCUMENTS,
)
