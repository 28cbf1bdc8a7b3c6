"""Pages by the keys of the last row seen: the same cost at any depth, and stable under inserts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from bson import ObjectId
from pymongo.collection import Collection

from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.infrastructure.mongo.reads.snapshots import Snapshot, aggregate, find

T = TypeVar("T")

Order = Sequence[tuple[str, int]]
Filter = dict[str, Any]
Stages = Sequence[dict[str, Any]]


def behind(filters: Filter, order: Order, position: Position | None) -> Filter:
    """The filter for what comes behind a position.

    One branch for each key, each with the whole filter in it: so every branch can be one range of
    an index whose entries are already in order, and the server merges them.
    """
    if position is None:
        return filters
    values = [*position.keys, ObjectId(position.id)]
    branches = []
    for depth, (field, direction) in enumerate(order):
        equal = {name: value for (name, _), value in zip(order[:depth], values, strict=False)}
        beyond = {field: {"$gt" if direction > 0 else "$lt": values[depth]}}
        branches.append({"$and": [filters, equal | beyond]} if filters else equal | beyond)
    return {"$or": branches} if len(branches) > 1 else branches[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a list is over. `order` ends with `_id`, so that it is total.

    `scoring` are stages that add what the order needs; `sifting` are stages that leave rows out, in
    order. `hidden` are fields that nobody needs to read.
    """

    filters: Filter
    order: Order
    scoring: Stages = ()
    sifting: Stages = ()
    hidden: Sequence[str] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the filters and the order say it all."""
        return not (self.scoring or self.sifting)


def rows(
    collection: Collection[Any],
    selection: Selection,
    *,
    after: Position | None,
    limit: int,
    only_ids: bool = False,
) -> list[dict[str, Any]]:
    """The stored rows behind a position, in order."""
    order = selection.order
    projection = {"_id": True} if only_ids else dict.fromkeys(selection.hidden, False) or None
    if selection.is_plain:
        cursor = collection.find(behind(selection.filters, order, after), projection).sort(list(order))
        return list(cursor.limit(limit))
    last = [{"$project": projection}] if projection else []
    return list(collection.aggregate([*stages(selection, after, limit), *last]))


def snapshot(
    collection: Collection[Any], selection: Selection, *, after: Position | None, limit: int
) -> Snapshot:
    """What `rows` answers, as of one moment. Not inside a transaction, which has its own."""
    order = selection.order
    projection = dict.fromkeys(selection.hidden, False)
    if selection.is_plain:
        filters = behind(selection.filters, order, after)
        return find(collection, filters, projection=projection, order=dict(order), limit=limit)
    last = {"$project": projection}
    return aggregate(collection, [*stages(selection, after, limit), last], limit=limit)


def stages(selection: Selection, after: Position | None, limit: int) -> Stages:
    """The pipeline for the rows behind a position, in order."""
    filters, order = selection.filters, selection.order
    if selection.scoring:  # a position may be told by what the stages add
        place = behind({}, order, after)
        matching = [{"$match": filters}, *selection.scoring, *([{"$match": place}] if place else ())]
    else:
        matching = [{"$match": behind(filters, order, after)}]
    return [*matching, {"$sort": dict(order)}, *selection.sifting, {"$limit": limit}]


def count(collection: Collection[Any], selection: Selection) -> int:
    """How many rows there are in all."""
    if not selection.sifting:
        return collection.count_documents(selection.filters)
    counting = [{"$match": selection.filters}, *selection.sifting, {"$count": "rows"}]
    return sum(row["rows"] for row in collection.aggregate(counting))


def select(
    collection: Collection[Any],
    selection: Selection,
    page_request: PageRequest,
    entity: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """A page of a selection."""
    found = rows(collection, selection, after=page_request.after, limit=page_request.limit + 1)
    return Page(
        items=[entity(row) for row in found[: page_request.limit]],
        next=position_of(found, selection.order, page_request.limit),
        total=count(collection, selection) if page_request.with_total else None,
    )


def page(
    collection: Collection[Any],
    filters: Filter,
    order: Order,
    page_request: PageRequest,
    entity: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """A page of what a filter alone selects."""
    return select(collection, Selection(filters=filters, order=order), page_request, entity)


def position_of(rows: Sequence[Mapping[str, Any]], order: Order, limit: int) -> Position | None:
    """Where the next page begins; None where `rows` do not go on behind the limit."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return Position(tuple(_key(last[field]) for field, _ in order[:-1]), str(last["_id"]))


def _key(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
