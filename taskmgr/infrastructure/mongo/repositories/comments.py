"""`CommentRepository` on the collection `comments`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.errors import NotFound, WriteConflict
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.keyset import Selection
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import insert, replace

_OLDEST = [("created_at", 1), ("_id", 1)]
_UNREAD = ("words",)


@raises_domain_errors
class MongoCommentRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._comments = database["comments"]

    def get(self, comment_id: str) -> Comment:
        if is_identifier(comment_id):
            row = self._comments.find_one({"_id": ObjectId(comment_id)}, dict.fromkeys(_UNREAD, False))
            if row is not None:
                return mappers.comment(row)
        raise NotFound("comment", comment_id)

    def find(self, task_id: str, page_request: PageRequest) -> Page[Comment]:
        of_task = Selection(filter={"task_id": ObjectId(task_id)}, order=_OLDEST, excluded_fields=_UNREAD)
        return keyset.select(self._comments, of_task, page_request, mappers.comment)

    def task_ids(self, comment_ids: Collection[str]) -> Mapping[str, str]:
        ids = [ObjectId(comment_id) for comment_id in comment_ids]
        rows = self._comments.find({"_id": {"$in": ids}}, {"task_id": True})
        return {str(row["_id"]): str(row["task_id"]) for row in rows}

    def texts(self, comment_ids: Collection[str]) -> Mapping[str, str]:
        ids = [ObjectId(comment_id) for comment_id in comment_ids]
        rows = self._comments.find({"_id": {"$in": ids}}, {"text": True})
        return {str(row["_id"]): row["text"] for row in rows}

    def authors(self, task_ids: Collection[str]) -> Mapping[str, Set[str]]:
        of_tasks = {"task_id": {"$in": [ObjectId(task_id) for task_id in task_ids]}}
        grouped = {"_id": "$task_id", "authors": {"$addToSet": "$author_id"}}
        rows = self._comments.aggregate([{"$match": of_tasks}, {"$group": grouped}])
        return {str(row["_id"]): frozenset(row["authors"]) for row in rows}

    def add(self, comment: Comment) -> None:
        insert(self._comments, mappers.comment_document(comment))

    def replace(self, comment: Comment) -> None:
        replace(self._comments, mappers.comment_document(comment))

    def remove(self, comment: Comment) -> None:
        count_write()
        result = self._comments.delete_one({"_id": ObjectId(comment.id), "version": comment.version})
        if result.deleted_count != 1:
            raise WriteConflict
