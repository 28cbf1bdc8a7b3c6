"""Task records of lists, each made once for as long as it is asked for.

What is stored decides alone what a record says (and the workflow, which names the status's category).
So a record is kept by the very bytes that it was made from: whatever writes to the database, by
whatever way, the next reading brings other bytes, and nobody has to be told.
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

from taskmgr.domain.model.workflow import Workflow
from taskmgr.infrastructure.mongo import mappers

# With its bytes and its JSON a record takes 4 kB as a rule, and 12 at the most: 15 to 50 MB in all.
MOST_KEPT = 4_000
LONGEST_KEPT = 4_096  # bytes; most tasks have less than 1,000

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
class Recent(Generic[T]):
    """What was made of some bytes lately: the younger half of it, and the older one.

    When the younger half is full, the older one goes, but for what has been asked for meanwhile.
    `make` makes many at once, each from its bytes.
    """

    make: Callable[[Sequence[Raw]], Sequence[T]]
    most: int = MOST_KEPT
    _younger: dict[Raw, T] = field(default_factory=dict)
    _older: dict[Raw, T] = field(default_factory=dict)

    def of(self, raws: Sequence[Raw]) -> Sequence[T]:
        """What is made of each, in order."""
        found = [self._younger.get(raw) for raw in raws]
        if None not in found:
            return cast("list[T]", found)
        missing = [place for place, thing in enumerate(found) if thing is None]
        again = {place: thing for place in missing if (thing := self._older.get(raws[place])) is not None}
        new = [place for place in missing if place not in again]
        made = again | dict(zip(new, self.make([raws[place] for place in new]), strict=True))
        for place, thing in made.items():
            self._keep(bytes(raws[place]), thing)
        return [made[place] if thing is None else thing for place, thing in enumerate(found)]

    def _keep(self, raw: bytes, thing: T) -> None:
        if len(raw) > LONGEST_KEPT:
            return
        if 2 * len(self._younger) >= self.most:
            self._older, self._younger = self._younger, {}
        self._younger[raw] = thing


class Records:
    """The records of a database's tasks, under one workflow at a time."""

    def __init__(self, database: Database[Any]) -> None:
        # Moments without a zone: the mapper knows that they are in UTC, and decoding is quicker.
        self.options: CodecOptions[Any] = database.codec_options.with_options(tz_aware=False)
        self._kept: tuple[Workflow, Recent[MongoTaskRecord]] | None = None

    def of(
        self, rows: Iterable[RawBSONDocument], workflow: Workflow, *, keep: bool = True
    ) -> Sequence[MongoTaskRecord]:
        """The records of some rows, in order; kept, unless the rows will not come again."""
        kept = self._kept
        if kept is None or kept[0] is not workflow:
            kept = self._kept = workflow, self._none_yet(workflow.category_names)
        recent, raws = kept[1], [row.raw for row in rows]
        return recent.of(raws) if keep else recent.make(raws)

    def _none_yet(self, categories: Mapping[str, str]) -> Recent[MongoTaskRecord]:
        def made(raws: Sequence[Raw]) -> list[MongoTaskRecord]:
            rows = bson.decode_all(b"".join(raws), self.options)
            return [MongoTaskRecord.of(row, categories) for row in rows]

        return Recent(made)

    def decoded(self, row: RawBSONDocument) -> dict[str, Any]:
        """What else such a row holds, as usual."""
        return bson.decode(row.raw, self.options)


def undecoded(collection: Collection[Any]) -> Collection[RawBSONDocument]:
    """The collection, answering the bytes of its documents."""
    options = collection.codec_options.with_options(document_class=RawBSONDocument)
    return collection.with_options(codec_options=options)
