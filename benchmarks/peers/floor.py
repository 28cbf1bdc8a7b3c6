"""The floor: what the same calls cost with nothing around them. pymongo, orjson, and a WSGI function.

It trusts its input, knows no users, checks no rule, writes no log, and answers the same fields. The
time that it takes is the database driver's, the JSON's and gunicorn's.
"""

from __future__ import annotations

import base64
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from bson import ObjectId, json_util
from pymongo import MongoClient

Row = dict[str, Any]

# The answer's naive moments are in UTC.
_FORMAT = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
# What an answer shows, and for the cursor the moment by which the list is ordered.
_SHOWN = (
    "title", "description", "status", "priority", "due_date", "due_at", "assignee_id", "labels",
    "parent_id", "blocked_by", "created_by", "created_at", "updated_at", "started_at", "completed_at",
    "status_changed_at", "reopen_count", "deleted_at", "version",
)  # fmt: skip
_SHOWN_OF_A_USER = (
    "username", "name", "email", "role", "kind", "active", "created_at", "updated_at", "version",
)  # fmt: skip
_CATEGORY = {
    "backlog": "unstarted", "todo": "unstarted", "in_progress": "started", "in_review": "started",
    "completed": "completed", "cancelled": "cancelled",
}  # fmt: skip
_OPEN = ("backlog", "todo", "in_progress", "in_review")
_STARTED = ("in_progress", "in_review")
_WIP_LIMIT = 5
_UNDATED = datetime(9999, 12, 31, 23, 59, 59, 999_000)  # noqa: DTZ001
_RANKS = {"low": 0, "medium": 1, "high": 2, "urgent": 3}

client: MongoClient[Row] = MongoClient(os.environ["BENCH_MONGODB_URI"], w="majority")
database = client[os.environ["BENCH_DATABASE"]]
tasks = database["tasks"]
users = database["users"]
with open(os.environ["BENCH_USERS_PIPELINE"]) as file:
    users_pipeline = json_util.loads(file.read())


def app(environ: Row, start_response: Callable[..., Any]) -> Iterable[bytes]:
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    collection, *rest = environ["PATH_INFO"].split("/")[3:]  # behind /api/v1
    status, answer = _ROUTES[environ["REQUEST_METHOD"], collection, len(rest)](environ, query, *rest)
    body = orjson.dumps(answer, default=str, option=_FORMAT)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def list_tasks(_: Row, query: Mapping[str, str]) -> tuple[str, Any]:
    limit = int(query["limit"])
    found = tasks.find({"binned": False, "status": query["status"]}, _SHOWN)
    rows = list(found.sort([("due_at", 1), ("_id", 1)]).limit(limit + 1))
    after = None
    if len(rows) > limit:
        last = rows[limit - 1]
        after = base64.urlsafe_b64encode(orjson.dumps([last["due_at"], str(last["_id"])])).decode()
    return "200 OK", {"items": [_task(row) for row in rows[:limit]], "next": after}


def get_task(_: Row, __: Mapping[str, str], task_id: str) -> tuple[str, Any]:
    row = tasks.find_one({"_id": ObjectId(task_id), "binned": False}, _SHOWN)
    return ("200 OK", _task(row)) if row else ("404 Not Found", None)


def create_task(environ: Row, _: Mapping[str, str]) -> tuple[str, Any]:
    """One insert, acknowledged by a majority."""
    given = _body(environ)
    now = datetime.now(UTC).replace(tzinfo=None)
    due = given.get("due_date")
    row = {
        "_id": ObjectId(),
        "title": given["title"],
        "title_key": given["title"].lower(),
        "description": given.get("description", ""),
        "status": "todo",
        "priority": given.get("priority", "medium"),
        "priority_rank": _RANKS[given.get("priority", "medium")],
        "due_date": due,
        "due_at": datetime.fromisoformat(due) if due else _UNDATED,
        "assignee_id": ObjectId(given["assignee_id"]),
        "labels": given.get("labels", []),
        "parent_id": None,
        "blocked_by": [],
        "created_by": given["assignee_id"],
        "created_at": now,
        "updated_at": now,
        "started_at": None,
        "completed_at": None,
        "status_changed_at": now,
        "reopen_count": 0,
        "binned": False,
        "deleted_at": None,
        "version": 1,
    }
    tasks.insert_one(row)
    return "201 Created", _task({name: row[name] for name in ("_id", *_SHOWN)})


def change_status(environ: Row, _: Mapping[str, str], task_id: str, __: str) -> tuple[str, Any]:
    now = datetime.now(UTC).replace(tzinfo=None)
    fields = {"status": _body(environ)["status"], "status_changed_at": now, "updated_at": now}
    row = tasks.find_one_and_update(
        {"_id": ObjectId(task_id)}, {"$set": fields, "$inc": {"version": 1}}, _SHOWN, return_document=True
    )
    return "200 OK", _task(row)


def list_users(_: Row, __: Mapping[str, str]) -> tuple[str, Any]:
    """The first page, by the very pipeline that taskmgr sends, and what follows from its rows."""
    rows = list(users.aggregate(users_pipeline))
    page = rows[0]["page"]
    counts = defaultdict(lambda: {"open": 0, "overdue": 0, "blocked": 0, "started": 0, "urgent": 0})
    totals: defaultdict[Any, int] = defaultdict(int)
    for counted in page["counted"]:
        user, status = counted["_id"]["user"], counted["_id"]["status"]
        totals[user] += counted["tasks"]
        if status in _OPEN:
            of_user = counts[user]
            of_user["open"] += counted["tasks"]
            of_user["overdue"] += counted["overdue"]
            of_user["urgent"] += counted["urgent"]
            of_user["started"] += counted["tasks"] if status in _STARTED else 0
    unresolved = {row["_id"] for row in page["unresolved"]}
    for row in page["waiting"]:
        counts[row["assignee_id"]]["blocked"] += not unresolved.isdisjoint(row["blocked_by"])
    items = [_user(row["user"], row["tasks"], counts, totals) for row in rows]
    last = base64.urlsafe_b64encode(items[-1]["username"].encode()).decode() if page["more"] else None
    return "200 OK", {"items": items, "next": last}


def _task(row: Row) -> Row:
    row["id"] = row.pop("_id")
    row.pop("due_at", None)
    row["category"] = _CATEGORY[row["status"]]
    return row


def _user(row: Row, found: list[Row], counts: Mapping[Any, Row], totals: Mapping[Any, int]) -> Row:
    of_user = counts[row["_id"]]
    shown = {name: row[name] for name in _SHOWN_OF_A_USER}
    return {
        **shown,
        "id": row["_id"],
        "tasks": [_lean_task(task) for task in found],
        "tasks_total": totals[row["_id"]],
        "counts": of_user,
        "wip_room": max(0, _WIP_LIMIT - of_user["started"]),
    }


def _lean_task(row: Row) -> Row:
    """A task as the pipeline brings it, without fields of the store that no answer shows."""
    for name in ("title_key", "priority_rank", "binned", "touched"):
        row.pop(name, None)
    return _task(row)


def _body(environ: Row) -> Any:
    return orjson.loads(environ["wsgi.input"].read())


_ROUTES: Mapping[tuple[str, str, int], Callable[..., tuple[str, Any]]] = {
    ("GET", "tasks", 0): list_tasks,
    ("GET", "tasks", 1): get_task,
    ("POST", "tasks", 0): create_task,
    ("PUT", "tasks", 2): change_status,
    ("GET", "users", 0): list_users,
}
