"""Pages by the keys of the last row seen: the same cost at any depth, and stable under inserts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bson import ObjectId
from pymongo.collection import Collection

from taskmgr.domain.query import Page, Position, Window

T = TypeVar("T")

Order = Sequence[tuple[str, int]]
Filter = dict[str, Any]


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


def page(
    collection: Collection[Any],
    filters: Filter,
    order: Order,
    window: Window,
    entity: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """A page of a collection. `order` ends with `_id`, so that it is total."""
    cursor = collection.find(behind(filters, order, window.after)).sort(list(order))
    rows = list(cursor.limit(window.limit + 1))
    total = collection.count_documents(filters) if window.with_total else None
    return Page(
        items=[entity(row) for row in rows[: window.limit]],
        next=position_of(rows, order, window.limit),
        total=total,
    )


def position_of(rows: Sequence[Mapping[str, Any]], order: Order, limit: int) -> Position | None:
    """Where the next page begins; None where `rows` do not go on behind the limit."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return Position(tuple(last[field] for field, _ in order[:-1]), str(last["_id"]))
