"""Converts entities to drafts of documents, and stored rows to entities: a module per area.

Rows become entities directly, without a document in between (docs/decisions/0001); drafts are validated by
`writing`. Moments are stored in UTC. Those of a task or user may be naive in a row, because naive ones are
much faster to decode.
"""

from __future__ import annotations

from taskmgr.infrastructure.mongo.mappers.activity import change, change_document
from taskmgr.infrastructure.mongo.mappers.comments import comment, comment_document
from taskmgr.infrastructure.mongo.mappers.inbox import (
    item,
    item_document,
    mail,
    mail_document,
    position,
    position_document,
    preferences,
    preferences_document,
)
from taskmgr.infrastructure.mongo.mappers.projects import project, project_document
from taskmgr.infrastructure.mongo.mappers.rows import Row, object_id
from taskmgr.infrastructure.mongo.mappers.sign_in import (
    account,
    account_document,
    link,
    link_document,
    password_document,
    session,
    session_document,
)
from taskmgr.infrastructure.mongo.mappers.tasks import (
    links,
    task,
    task_document,
    task_name,
    task_record_fields,
)
from taskmgr.infrastructure.mongo.mappers.tokens import token, token_document
from taskmgr.infrastructure.mongo.mappers.users import user, user_document
from taskmgr.infrastructure.mongo.mappers.views import view, view_document
from taskmgr.infrastructure.mongo.mappers.webhooks import (
    PROGRESS,
    delivery,
    delivery_document,
    former_row,
    replay_row,
    secret_row,
    stored_webhook,
    webhook,
    webhook_document,
)

__all__ = [
    "PROGRESS",
    "Row",
    "account",
    "account_document",
    "change",
    "change_document",
    "comment",
    "comment_document",
    "delivery",
    "delivery_document",
    "former_row",
    "item",
    "item_document",
    "link",
    "link_document",
    "links",
    "mail",
    "mail_document",
    "object_id",
    "password_document",
    "position",
    "position_document",
    "preferences",
    "preferences_document",
    "project",
    "project_document",
    "replay_row",
    "secret_row",
    "session",
    "session_document",
    "stored_webhook",
    "task",
    "task_document",
    "task_name",
    "task_record_fields",
    "token",
    "token_document",
    "user",
    "user_document",
    "view",
    "view_document",
    "webhook",
    "webhook_document",
]
