"""Makes the task records of lists, and caches them by the bytes of the rows that they are made from.

A record depends only on the stored row and on the workflow, which gives the status its category. A
changed row has different bytes, however it was changed, so nothing has to be invalidated
(docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import bson
import orjson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.database import Database

from taskmgr import tally
from taskmgr.domain.model.workflow import Workflow
from taskmgr.infrastructure.mongo import mappers

# A record with its bytes and its JSON takes about 4 kB and at most 12 kB: 15 to 50 MB in all.
MAX_RECORDS = 4_000
MAX_ROW_BYTES = 4_096  # longer rows are not cached; most have less than 1,000 bytes

T = TypeVar("T")

Raw = bytes | memoryview


@dataclass(slots=True, eq=False)
class MongoTaskRecord:
    """A task record made from a row. Keeps its JSON for the next response that contains it."""

    fields: Mapping[str, Any]
    _json: bytes | None = None

    @classmethod
    def of(cls, row: mappers.Row, categories: Mapping[str, str]) -> MongoTaskRecord:
        """Returns the record of a row with naive moments; `categories` are by status."""
        return cls(mappers.task_record_fields(row, categories))

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def version(self) -> int:
        return int(self.fields["version"])

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def to_json(self) -> bytes:
        if self._json is None:
            # Copied, because orjson's own buffer is up to ten times as long as its text.
            self._json = bytes(memoryview(orjson.dumps(self.fields)))
        return self._json


@dataclass(slots=True)
class RecentCache(Generic[T]):
    """Caches values by the bytes that they are made from, in a younger and an older half.

    A value that is used moves to the younger half. When that is full, it becomes the older half, and
    whatever is still in the older half is dropped. `make` returns a value for each item.
    """

    make: Callable[[Sequence[Raw]], Sequence[T]]
    max_size: int = MAX_RECORDS
    _younger: dict[Raw, T] = field(default_factory=dict)
    _older: dict[Raw, T] = field(default_factory=dict)

    def of(self, raws: Sequence[Raw]) -> Sequence[T]:
        """Returns the value of each item, in order."""
        values = [self._younger.get(raw) for raw in raws]
        if None not in values:
            tally.count(tally.RECORD_HITS, len(values))
            return cast("list[T]", values)
        missing = [index for index, value in enumerate(values) if value is None]
        older = {i: value for i in missing if (value := self._older.get(raws[i])) is not None}
        new = [index for index in missing if index not in older]
        tally.count(tally.RECORD_HITS, len(values) - len(new))
        tally.count(tally.RECORD_MISSES, len(new))
        made = older | dict(zip(new, self.make([raws[index] for index in new]), strict=True))
        for index, value in made.items():
            self._keep(bytes(raws[index]), value)
        return [made[index] if value is None else value for index, value in enumerate(values)]

    def _keep(self, raw: bytes, value: T) -> None:
        if len(raw) > MAX_ROW_BYTES:
            return
        if 2 * len(self._younger) >= self.max_size:
            self._older, self._younger = self._younger, {}
        self._younger[raw] = value


class TaskRecordCache:
    """Makes and caches the records of a database's tasks, under one workflow at a time."""

    def __init__(self, database: Database[Any]) -> None:
        # Naive moments are faster to decode, and the mapper knows that they are in UTC.
        self.options: CodecOptions[Any] = database.codec_options.with_options(tz_aware=False)
        self._cache: tuple[Workflow, RecentCache[MongoTaskRecord]] | None = None

    def of(
        self, rows: Iterable[RawBSONDocument], workflow: Workflow, *, keep: bool = True
    ) -> Sequence[MongoTaskRecord]:
        """Returns the records of rows, in order; `keep=False` bypasses the cache."""
        cached = self._cache
        if cached is None or cached[0] is not workflow:
            cached = self._cache = workflow, self._empty_cache(workflow.category_names)
        recent, raws = cached[1], [row.raw for row in rows]
        return recent.of(raws) if keep else recent.make(raws)

    def _empty_cache(self, categories: Mapping[str, str]) -> RecentCache[MongoTaskRecord]:
        def build(raws: Sequence[Raw]) -> list[MongoTaskRecord]:
            rows = bson.decode_all(b"".join(raws), self.options)
            return [MongoTaskRecord.of(row, categories) for row in rows]

        return RecentCache(build)

    def decoded(self, row: RawBSONDocument) -> dict[str, Any]:
        """Returns an embedded raw document as a dictionary."""
        return bson.decode(row.raw, self.options)


def undecoded(collection: Collection[Any]) -> Collection[RawBSONDocument]:
    """Returns the collection with options that leave its documents undecoded."""
    options = collection.codec_options.with_options(document_class=RawBSONDocument)
    return collection.with_options(codec_options=options)
