"""Translates a `TaskQuery` to MongoDB: a filter, an order, and stages for what no filter can express."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from bson import ObjectId, Regex

from taskmgr.domain.model.due_date import end_of_day, start_of_day
from taskmgr.domain.model.workflow import OPEN, Category
from taskmgr.domain.queries.task_query import QueryContext, Sort, Span, TaskQuery
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.tasks import HAS_BLOCKERS
from taskmgr.infrastructure.mongo.reads.keyset import Filter, Stages

# Sort keys that are stored in other fields, in a form that sorts correctly.
_SORT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "due_date": ("due_at",),
    "priority": ("priority_rank",),
    "title": ("title_key",),
    "key": ("project", "number"),
    "rank": ("project", "rank"),
}
_IS_DAY: Filter = {"$regex": "^.{10}$"}  # a due date without a time, such as 2026-12-01


def any_id(ids: Collection[str | None]) -> Filter:
    """Returns the condition that a field is one of these ids, or null for None."""
    return {"$in": [mappers.object_id(key) for key in ids]}


def beginning_with(words: Collection[str]) -> Filter:
    """Returns the condition that each of these words is the beginning of an item of a list.

    Each word is a range of the index; the planner scans one range and checks the other words.
    """
    return {"$all": [Regex(f"^{re.escape(word)}") for word in words]}


def _any(values: Collection[Any]) -> Filter:
    return {"$in": list(values)}


def _all(values: Collection[Any]) -> Filter:
    return {"$all": list(values)}


# The filters of a TaskQuery that are a condition on one field: the field, and the condition for a value.
_FILTERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "ids": ("_id", any_id),
    "except_id": ("_id", lambda task_id: {"$ne": ObjectId(task_id)}),
    "projects": ("project", _any),
    "statuses": ("status", _any),
    "priorities": ("priority_rank", lambda priorities: {"$in": [p.rank for p in priorities]}),
    "assignee_ids": ("assignee_id", any_id),
    "created_by": ("created_by", _any),
    "labels": ("labels", _all),
    "parent_ids": ("parent_id", any_id),
    "blocked_by": ("blocked_by", any_id),
    "dated": ("due_date", lambda dated: {"$ne": None} if dated else None),
}
# The filters that need the policy, the time zone or the current time.
_NEEDING_CONTEXT = ("categories", "created", "updated", "due", "overdue", "blocked")


def task_filter(
    query: TaskQuery, context: QueryContext | None = None, commented: Collection[ObjectId] = ()
) -> Filter:
    """Returns the filter: an `$and` of all conditions, so that two conditions on one field both apply.

    `commented` are the tasks with a comment that has all words of the query.
    The planner treats it like one document with all the conditions. Raises `TypeError` if the query needs a
    context and has none.
    """
    words = [_with_words(query.words, commented)] if query.words else []
    return {"$and": [{"binned": query.binned}, *words, *_conditions(query, context)]}


def _with_words(words: Collection[str], commented: Collection[ObjectId]) -> Filter:
    own: Filter = {"words": beginning_with(words)}
    return {"$or": [own, {"_id": _any(commented)}]} if commented else own


def _conditions(query: TaskQuery, context: QueryContext | None) -> Iterator[Filter]:
    for name, (field, condition) in _FILTERS.items():
        value = getattr(query, name)
        if value is not None and value != ():
            yield {field: condition(value)}
        elif value == () and name != "labels":
            yield {field: {"$in": []}}
    if all(getattr(query, name) is None for name in _NEEDING_CONTEXT):
        return
    if context is None:
        raise TypeError(f"a query with one of {', '.join(_NEEDING_CONTEXT)} needs a context")
    if query.categories is not None:
        yield {"status": _any(context.policy.workflow.in_category(*query.categories))}
    for name, field in (("created", "created_at"), ("updated", "updated_at")):
        if (span := getattr(query, name)) is not None:
            yield {field: _within(span, context)}
    if query.due is not None:
        yield from _due_within(query.due, context)
    if query.overdue is not None:
        yield _overdue(context, overdue=query.overdue)
    if query.blocked:
        yield HAS_BLOCKERS


def _within(span: Span, context: QueryContext) -> Filter:
    bounds = {"$gte": _begins(span.start, context), "$lt": _ends(span.end, context)}
    return {operator: moment for operator, moment in bounds.items() if moment is not None}


def _due_within(span: Span, context: QueryContext) -> Iterator[Filter]:
    """Yields the conditions for a due date within a span.

    A due day is stored as the midnight at its end, which is also the first moment of the next day. If a span
    begins or ends with a day, rows at exactly that midnight therefore have to be told apart: a due day
    belongs to the day before it, and a due moment to the day after it.
    """
    begins, ends = _begins(span.start, context), _ends(span.end, context)
    bounds = {"$gte": begins, "$lte" if _is_day(span.end) else "$lt": ends}
    yield {"due_at": {operator: moment for operator, moment in bounds.items() if moment is not None}}
    yield {"due_date": {"$ne": None}}
    outside: list[Filter] = [{"due_at": begins, "due_date": _IS_DAY}] if _is_day(span.start) else []
    outside += [{"due_at": ends, "due_date": {"$not": _IS_DAY}}] if _is_day(span.end) else []
    if outside:
        yield {"$nor": outside}


def _overdue(context: QueryContext, *, overdue: bool) -> Filter:
    open_statuses = context.policy.workflow.in_category(*OPEN)
    if overdue:
        return {"$and": [{"status": {"$in": open_statuses}}, {"due_at": {"$lte": context.now}}]}
    return {"$or": [{"status": {"$nin": open_statuses}}, {"due_at": {"$gt": context.now}}]}


def _is_day(bound: date | datetime | None) -> bool:
    return isinstance(bound, date) and not isinstance(bound, datetime)


def _begins(bound: date | datetime | None, context: QueryContext) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    return start_of_day(bound, context.policy.time_zone)


def _ends(bound: date | datetime | None, context: QueryContext) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    return end_of_day(bound, context.policy.time_zone)


def task_order(sorts: Collection[Sort]) -> list[tuple[str, int]]:
    """Returns the stored fields to sort by; the id comes last, in the direction of the last key.

    `key` and `rank` both begin with the project, which has no further effect the second time.
    """
    keys: dict[str, int] = {}
    for sort in sorts:
        for field in _SORT_FIELDS.get(sort.key, (sort.key,)):
            keys.setdefault(field, -1 if sort.descending else 1)
    return [*keys.items(), ("_id", -1 if sort.descending else 1)]


def match_stages(query: TaskQuery) -> Stages:
    """Returns the stages that add the score `match`, if the order needs it.

    A word of the query counts 2 if it begins a word of the title and 1 for a label, and twice that if
    it is the whole word.
    """
    if all(sort.key != "match" for sort in query.order):
        return []
    title, labels = (_matching(f"${name}", query.words) for name in ("title_words", "label_words"))
    return [{"$addFields": {"match": {"$add": [{"$multiply": [2, title]}, labels]}}}]


def _matching(items: str, words: Collection[str]) -> dict[str, Any]:
    """Returns the expression for how many of the words begin an item of a list, plus how many equal one."""
    begins_item = {"$eq": [{"$indexOfBytes": ["$$item", "$$word"]}, 0]}
    begins_any = {"$anyElementTrue": {"$map": {"input": items, "as": "item", "in": begins_item}}}
    equal = {"$size": {"$setIntersection": [items, list(words)]}}
    return {
        "$add": [equal, {"$size": {"$filter": {"input": list(words), "as": "word", "cond": begins_any}}}],
    }


def blocked_stages(query: TaskQuery, context: QueryContext | None) -> Stages:
    """Returns the stages that filter by whether a task is blocked; they look up its unresolved blockers."""
    if query.blocked is None or context is None:
        return []
    completed = context.policy.workflow.in_category(Category.COMPLETED)
    unresolved = [
        {"$match": {"binned": False, "status": {"$nin": list(completed)}}},
        {"$limit": 1},
        {"$project": {"_id": True}},
    ]
    lookup = {"from": "tasks", "localField": "blocked_by", "foreignField": "_id", "as": "unresolved"}
    condition: Filter = {"$ne": []} if query.blocked else {"$eq": []}
    return [
        {"$lookup": {**lookup, "pipeline": unresolved}},
        {"$match": {"unresolved": condition}},
        {"$unset": "unresolved"},
    ]
