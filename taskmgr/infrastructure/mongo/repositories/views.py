"""`ViewRepository` on the collection `views`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bson import ObjectId
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.model.errors import NotFound, ViewNameTaken, WriteConflict
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.view import View
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.mappers.views import view, view_document
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.keyset import Filter
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import insert, replace

_BY_NAME = [("name_key", 1), ("_id", 1)]


@raises_domain_errors
class MongoViewRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._views = database["views"]

    def get(self, view_id: str) -> View:
        row = self._views.find_one({"_id": ObjectId(view_id)}) if is_identifier(view_id) else None
        if row is None:
            raise NotFound("view", view_id)
        return view(row)

    def find(self, page_request: PageRequest, *, seen_by: str | None) -> Page[View]:
        visible: list[Filter] = [{"shared": True}]
        if seen_by is not None:
            visible.append({"owner_id": ObjectId(seen_by)})
        return keyset.page(self._views, {"$or": visible}, _BY_NAME, page_request, view)

    def count(self, owner_id: str) -> int:
        return self._views.count_documents({"owner_id": ObjectId(owner_id)})

    def add(self, view: View) -> None:
        with _unique_names(view):
            insert(self._views, view_document(view))

    def replace(self, view: View) -> None:
        with _unique_names(view):
            replace(self._views, view_document(view))

    def remove(self, view: View) -> None:
        count_write()
        version = {"_id": ObjectId(view.id), "version": view.version}
        if self._views.delete_one(version).deleted_count != 1:
            raise WriteConflict


@contextmanager
def _unique_names(view: View) -> Iterator[None]:
    """Raises `ViewNameTaken` if another view of the owner has the name."""
    try:
        yield
    except DuplicateKeyError as error:
        raise ViewNameTaken(view.name) from error
