"""Reads the database as of one moment, for the checks of an inspection, and defines how they report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from taskmgr.infrastructure.mongo.client import with_any_text

# Called with the subject of a finding, its code, and a sentence.
Report = Callable[[str, str, str], None]
Row = Mapping[str, Any]

OBJECT_ID = {"$type": "objectId"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Reads everything as of the moment of the first read."""

    database: Database[Any]
    session: ClientSession

    def rows(self, collection: str, filters: Row, *order: str) -> Iterator[Row]:
        """Yields the rows that match, sorted by the named fields, or else by id."""
        cursor = with_any_text(self.database[collection]).find(filters, session=self.session)
        yield from cursor.sort([(field, 1) for field in order or ("_id",)]).allow_disk_use(True)

    def ids(self, collection: str) -> Iterator[Row]:
        """Yields the id of every row."""
        yield from self.database[collection].find({}, {"_id": True}, session=self.session)
