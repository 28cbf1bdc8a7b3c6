"""The database at one moment, for an inspection, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

# Called with the subject of a finding, its code, and a sentence.
Report = Callable[[str, str, str], None]
Row = Mapping[str, Any]

AN_ID = {"$type": "objectId"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at the moment of the first reading."""

    database: Database[Any]
    session: ClientSession

    def rows(self, collection: str, filters: Row, *order: str) -> Iterator[Row]:
        """Returns the rows that match, by the named fields, or else by id."""
        cursor = self.database[collection].find(filters, session=self.session)
        yield from cursor.sort([(field, 1) for field in order or ("_id",)]).allow_disk_use(True)

    def ids(self, collection: str) -> Iterator[Row]:
        """Returns the id of every row."""
        yield from self.database[collection].find({}, {"_id": True}, session=self.session)
