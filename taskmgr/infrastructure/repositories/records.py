"""Task records, each made once for as long as it is asked for.

What is stored decides alone what a record says (and the workflow, which names the status's category).
So a record is kept by the very bytes that it was made from: whatever writes to the database, by
whatever way, the next reading brings other bytes, and nobody has to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.database import Database

from taskmgr.domain.query import TaskRecord
from taskmgr.domain.workflow import Workflow
from taskmgr.infrastructure import mappers

# A record with its bytes and its JSON takes some 4 kB, so that all take 15 MB as a rule.
MOST_KEPT = 4_000
LONGEST_KEPT = 4_096  # bytes; most tasks have less than 1,000

T = TypeVar("T")
R = TypeVar("R", bytes, bytes | memoryview)

Raw = bytes | memoryview


@dataclass(slots=True)
class Recent(Generic[T]):
    """What was made of some bytes lately: the younger half of it, and the older one.

    When the younger half is full, the older one goes, but for what has been asked for meanwhile.
    `make` makes many at once, each from its bytes.
    """

    make: Callable[[Sequence[bytes]], Sequence[T]]
    most: int = MOST_KEPT
    _younger: dict[Raw, T] = field(default_factory=dict)
    _older: dict[Raw, T] = field(default_factory=dict)

    def of(self, raws: Sequence[Raw]) -> Sequence[T]:
        """What is made of each, in order."""
        return _filled([self._younger.get(raw) for raw in raws], raws, self._older_or_new)

    def _older_or_new(self, raws: Sequence[Raw]) -> Sequence[T]:
        lasting = [bytes(raw) for raw in raws]
        found = _filled([self._older.get(raw) for raw in lasting], lasting, self.make)
        for raw, thing in zip(lasting, found, strict=True):
            if len(raw) <= LONGEST_KEPT:
                self._keep(raw, thing)
        return found

    def _keep(self, raw: bytes, thing: T) -> None:
        if 2 * len(self._younger) >= self.most:
            self._older, self._younger = self._younger, {}
        self._younger[raw] = thing


def _filled(
    known: list[T | None], raws: Sequence[R], make: Callable[[Sequence[R]], Sequence[T]]
) -> Sequence[T]:
    """What is known, and where it is not, what is made of the bytes in that place."""
    made = iter(make([raw for raw, thing in zip(raws, known, strict=True) if thing is None]))
    return [next(made) if thing is None else thing for thing in known]


class Records:
    """The records of a database's tasks, under one workflow at a time."""

    def __init__(self, database: Database[Any]) -> None:
        # Moments without a zone: the mapper knows that they are in UTC, and decoding is quicker.
        self.options: CodecOptions[Any] = database.codec_options.with_options(tz_aware=False)
        self._kept: tuple[Workflow, Recent[TaskRecord]] | None = None

    def of(self, rows: Iterable[RawBSONDocument], workflow: Workflow) -> Sequence[TaskRecord]:
        """The records of some rows, in order."""
        kept = self._kept
        if kept is None or kept[0] is not workflow:
            kept = self._kept = workflow, self._none_yet(workflow.category_names)
        return kept[1].of([row.raw for row in rows])

    def _none_yet(self, categories: Mapping[str, str]) -> Recent[TaskRecord]:
        def made(raws: Sequence[bytes]) -> list[TaskRecord]:
            rows = bson.decode_all(b"".join(raws), self.options)
            return [mappers.task_record(row, categories) for row in rows]

        return Recent(made)

    def decoded(self, row: RawBSONDocument) -> dict[str, Any]:
        """What else such a row holds, as usual."""
        return bson.decode(row.raw, self.options)


def undecoded(collection: Collection[Any]) -> Collection[RawBSONDocument]:
    """The collection, answering the bytes of its documents."""
    options = collection.codec_options.with_options(document_class=RawBSONDocument)
    return collection.with_options(codec_options=options)
