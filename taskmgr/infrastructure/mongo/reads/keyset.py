"""Reads pages by the sort keys of the last row of the page before: page 1,000 costs as much as page 1.

Rows that are inserted or removed meanwhile do not shift the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from bson import ObjectId, Timestamp
from pymongo.collection import Collection

from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.infrastructure.mongo.reads.snapshots import Snapshot, aggregate, find

T = TypeVar("T")

Order = Sequence[tuple[str, int]]
Filter = dict[str, Any]
Stages = Sequence[dict[str, Any]]


def filter_after(filters: Filter, order: Order, position: Position | None) -> Filter:
    """Returns the filter for the matching rows after a position; `filters` itself if the position is None.

    It is an `$or` with one branch per sort key, and each branch repeats `filters`. Each branch is therefore
    a range of an index that is already in order, and the server merges the ranges.
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
    """The rows of a list: a filter, an order that ends with `_id`, and the fields not to read.

    `score_stages` add a field that the order needs. `filter_stages` run after sorting and leave out rows by
    conditions that a filter cannot express.
    """

    filter: Filter
    order: Order
    score_stages: Stages = ()
    filter_stages: Stages = ()
    excluded_fields: Sequence[str] = ()

    @property
    def is_plain(self) -> bool:
        """Returns True if a `find` with filter and order suffices."""
        return not (self.score_stages or self.filter_stages)


def rows(
    collection: Collection[Any],
    selection: Selection,
    *,
    after: Position | None,
    limit: int,
    projection: Mapping[str, bool] | None = None,
) -> list[dict[str, Any]]:
    """Returns at most `limit` rows after a position, in order; by default without the excluded fields."""
    order = selection.order
    projection = projection or dict.fromkeys(selection.excluded_fields, False) or None
    if selection.is_plain:
        filters = filter_after(selection.filter, order, after)
        return list(collection.find(filters, projection).sort(list(order)).limit(limit))
    last = [{"$project": projection}] if projection else []
    return list(collection.aggregate([*pipeline(selection, after, limit), *last]))


def snapshot(
    collection: Collection[Any],
    selection: Selection,
    *,
    after: Position | None,
    limit: int,
    at: Timestamp | None = None,
) -> Snapshot:
    """Returns the same rows as `rows`, all as of one moment; cannot be used inside a transaction.

    `at` is the moment of another snapshot, or None for now.
    """
    order = selection.order
    projection = dict.fromkeys(selection.excluded_fields, False)
    if selection.is_plain:
        filters = filter_after(selection.filter, order, after)
        return find(collection, filters, projection=projection, order=dict(order), limit=limit, at=at)
    last = {"$project": projection}
    return aggregate(collection, [*pipeline(selection, after, limit), last], limit=limit, at=at)


def pipeline(selection: Selection, after: Position | None, limit: int) -> Stages:
    """Returns the aggregation stages for at most `limit` rows after a position, in order."""
    filters, order = selection.filter, selection.order
    if selection.score_stages:  # the position may refer to a field that these stages add
        beyond = filter_after({}, order, after)
        matching = [{"$match": filters}, *selection.score_stages, *([{"$match": beyond}] if beyond else ())]
    else:
        matching = [{"$match": filter_after(filters, order, after)}]
    return [*matching, {"$sort": dict(order)}, *selection.filter_stages, {"$limit": limit}]


def count(collection: Collection[Any], selection: Selection) -> int:
    """Returns how many rows a selection has."""
    if not selection.filter_stages:
        return collection.count_documents(selection.filter)
    stages = [{"$match": selection.filter}, *selection.filter_stages, {"$count": "rows"}]
    return sum(row["rows"] for row in collection.aggregate(stages))


def select(
    collection: Collection[Any],
    selection: Selection,
    page_request: PageRequest,
    to_entity: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """Returns a page of a selection."""
    page_rows = rows(collection, selection, after=page_request.after, limit=page_request.limit + 1)
    return Page(
        items=[to_entity(row) for row in page_rows[: page_request.limit]],
        next=next_position(page_rows, selection.order, page_request.limit),
        total=count(collection, selection) if page_request.with_total else None,
    )


def page(
    collection: Collection[Any],
    filters: Filter,
    order: Order,
    page_request: PageRequest,
    to_entity: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """Returns a page of the rows that match a filter."""
    return select(collection, Selection(filter=filters, order=order), page_request, to_entity)


def next_position(rows: Sequence[Mapping[str, Any]], order: Order, limit: int) -> Position | None:
    """Returns the position after which the next page begins, or None if no row follows the limit."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return Position(tuple(_key(last[field]) for field, _ in order[:-1]), str(last["_id"]))


def _key(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
