"""Declares the stored form: MongoEngine documents with their fields, validation and indexes.

Every write is validated against these documents, and the indexes are created from them. Reads return raw
rows, which become entities in `mappers`. A new document is added to `DOCUMENTS`.

`words` exist for searching. `touched` is a counter that commands raise in the documents that their rules
have read, so that two such commands conflict.
"""

from __future__ import annotations

from mongoengine import Document

from taskmgr.infrastructure.mongo.documents.activity import ChangeDocument
from taskmgr.infrastructure.mongo.documents.answers import AnswerDocument
from taskmgr.infrastructure.mongo.documents.comments import CommentDocument
from taskmgr.infrastructure.mongo.documents.feed import CheckpointDocument, FeedDocument, LeaseDocument
from taskmgr.infrastructure.mongo.documents.inbox import INBOX_DOCUMENTS
from taskmgr.infrastructure.mongo.documents.projects import ProjectDocument
from taskmgr.infrastructure.mongo.documents.sign_in import (
    AccountDocument,
    AttemptDocument,
    LinkDocument,
    PasswordDocument,
    SessionDocument,
)
from taskmgr.infrastructure.mongo.documents.tasks import TaskDocument
from taskmgr.infrastructure.mongo.documents.tokens import TokenDocument
from taskmgr.infrastructure.mongo.documents.users import UserDocument
from taskmgr.infrastructure.mongo.documents.views import ViewDocument
from taskmgr.infrastructure.mongo.documents.webhooks import DeliveryDocument, WebhookDocument

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
    ViewDocument,
    SessionDocument,
    PasswordDocument,
    LinkDocument,
    AccountDocument,
    AttemptDocument,
    AnswerDocument,
    *INBOX_DOCUMENTS,
)
