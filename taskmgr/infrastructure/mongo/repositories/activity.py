"""`ActivityRepository` on the collection `activity`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.history.changes import CREDENTIALS, Change
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.keyset import Filter
from taskmgr.infrastructure.mongo.writing import flush, insert_gathered

_NEWEST = [("at", -1), ("_id", -1)]


def activity_filter(query: ActivityQuery) -> Filter:
    """Returns the condition for the entries that a query selects."""
    conditions: Filter = {
        "entity": query.entity,
        "entity_id": query.entity_id and ObjectId(query.entity_id),
        "by": query.by,
        "kind": query.kinds and {"$in": list(query.kinds)},
        "change_set": query.change_set,
        "projects": None if query.projects is None else {"$in": list(query.projects)},
    }
    bounds = {"$gte": query.at_from, "$lt": query.at_to}
    conditions["at"] = {operator: at for operator, at in bounds.items() if at is not None} or None
    filters = {field: value for field, value in conditions.items() if value is not None}
    permitted: list[Filter] = []  # entries that the caller may see
    hidden = {"user": query.but_users, "webhook": query.but_webhooks}
    if any(hidden.values()):
        permitted.append({"entity": {"$nin": [entity for entity, is_hidden in hidden.items() if is_hidden]}})
    if query.seen_by is not None:
        permitted.append({"private_to": {"$in": [None, query.seen_by]}})
    if query.credentials_of is not None:
        owners = [{f"{side}.user_id": query.credentials_of} for side in ("before", "after")]
        permitted.append({"$or": [{"entity": {"$nin": list(CREDENTIALS)}}, *owners]})
    return {"$and": [filters, *permitted]} if permitted else filters


@raises_domain_errors
class MongoActivityRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._activity = database["activity"]

    def append(self, change: Change) -> None:
        insert_gathered(self._activity, mappers.change_document(change))

    def was_assignee(self, task_id: str, user_id: str, *, since_in: Collection[str]) -> bool:
        flush(self._activity)
        of_task = {"entity": "task", "entity_id": ObjectId(task_id)}
        moves = {**of_task, "after.status": {"$in": list(since_in)}}
        last_move = self._activity.find_one(moves, {"version": True}, sort=[("version", -1)])
        since = {**of_task, "version": {"$gt": last_move["version"] if last_move else 0}}
        assigned = [{"before.assignee_id": user_id}, {"after.assignee_id": user_id}]
        return self._activity.find_one({**since, "$or": assigned}, {"_id": True}) is not None

    def find(self, query: ActivityQuery, page_request: PageRequest) -> Page[Change]:
        return keyset.page(self._activity, activity_filter(query), _NEWEST, page_request, mappers.change)
