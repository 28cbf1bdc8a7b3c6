"""The floor: the same calls at the lowest possible cost, with pymongo, orjson and one WSGI function.

It trusts its input and checks no rules, but has the duties of `benchmarks.peers.duties`, returns the same
fields as taskmgr, and its writes send the database what taskmgr sends. Its CPU time is that of the database
driver, the JSON encoder and gunicorn.
"""

from __future__ import annotations

import base64
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from bson import ObjectId, json_util
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from benchmarks.peers import duties

Row = dict[str, Any]

# The naive datetimes from the database are in UTC.
_FORMAT = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
# The fields of a response, and `due_at`, by which the list is sorted and continued.
_TASK_FIELDS = (
    "key", "project", "rank", "title", "description", "status", "priority", "due_date", "due_at",
    "assignee_id", "labels", "parent_id", "blocked_by", "created_by", "created_at", "updated_at",
    "started_at", "completed_at", "status_changed_at", "reopen_count", "deleted_at", "version",
)  # fmt: skip
_LOGGED_FIELDS = (
    "key", "project", "title", "description", "status", "priority", "due_date", "labels", "rank",
    "created_by", "created_at", "started_at", "completed_at", "status_changed_at",
    "reopen_count", "deleted_at",
)  # fmt: skip
_USER_FIELDS = (
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
projects = database["projects"]
activity = database["activity"]
users = database["users"]
with open(os.environ["BENCH_USERS_PIPELINE"]) as file:
    users_pipeline = json_util.loads(file.read())


def respond(environ: Row, start_response: Callable[..., Any]) -> Iterable[bytes]:
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    collection, *rest = environ["PATH_INFO"].split("/")[3:]  # after /api/v1
    status, content = ROUTES[environ["REQUEST_METHOD"], collection, len(rest)](environ, query, *rest)
    body = to_json(content)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def to_json(content: Any) -> bytes:
    return orjson.dumps(content, default=str, option=_FORMAT)


def list_tasks(_: Row, query: Mapping[str, str]) -> tuple[str, Any]:
    limit = int(query["limit"])
    filters = _after({"binned": False, "status": query["status"]}, query.get("cursor"))
    rows = list(tasks.find(filters, _TASK_FIELDS).sort([("due_at", 1), ("_id", 1)]).limit(limit + 1))
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        position = [last["due_at"].isoformat(), str(last["_id"])]
        next_cursor = base64.urlsafe_b64encode(orjson.dumps(position)).decode()
    return "200 OK", {"items": [_task(row) for row in rows[:limit]], "next": next_cursor}


def _after(filters: Row, cursor: str | None) -> Row:
    """Returns the filter for the rows after a cursor, in the form that taskmgr sends."""
    if cursor is None:
        return filters
    due_at, last = orjson.loads(base64.urlsafe_b64decode(cursor))
    moment = datetime.fromisoformat(due_at)
    later = {"due_at": {"$gt": moment}}
    same = {"due_at": moment, "_id": {"$gt": ObjectId(last)}}
    return {"$or": [{"$and": [filters, later]}, {"$and": [filters, same]}]}


def get_task(_: Row, __: Mapping[str, str], task_id: str) -> tuple[str, Any]:
    row = tasks.find_one({"_id": ObjectId(task_id), "binned": False}, _TASK_FIELDS)
    return ("200 OK", _task(row)) if row else ("404 Not Found", None)


def create_task(environ: Row, _: Mapping[str, str]) -> tuple[str, Any]:
    """Takes a number, and in a transaction touches the assignee, inserts the task and its log entry."""
    values = _body(environ)
    assignee = ObjectId(values["assignee_id"])
    now = datetime.now(UTC).replace(tzinfo=None)
    due = values.get("due_date")
    project = projects.find_one_and_update(
        {"is_default": True}, {"$inc": {"last_number": 1}}, return_document=True
    )
    number = project["last_number"]
    key = f"{project['key']}-{number}"
    row = {
        "_id": ObjectId(),
        "project": project["key"],
        "number": number,
        "key": key,
        "keys": [key],
        "rank": f"b{number:08}1",
        "title": values["title"],
        "title_key": values["title"].lower(),
        "description": values.get("description", ""),
        "status": "todo",
        "priority": values.get("priority", "medium"),
        "priority_rank": _RANKS[values.get("priority", "medium")],
        "due_date": due,
        "due_at": datetime.fromisoformat(due) if due else _UNDATED,
        "assignee_id": assignee,
        "labels": values.get("labels", []),
        "parent_id": None,
        "blocked_by": [],
        "created_by": environ["caller"],
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
    with _transaction() as session:
        _touch(assignee, session)
        tasks.insert_one(row, session=session)
        logged = {name: row[name] for name in _LOGGED_FIELDS}
        logged |= {"assignee_id": values["assignee_id"], "parent_id": None, "blocked_by": []}
        _log(environ, row, "task.created", {}, logged, session)
    return "201 Created", _task({name: row[name] for name in ("_id", *_TASK_FIELDS)})


def change_status(environ: Row, _: Mapping[str, str], task_id: str, __: str) -> tuple[str, Any]:
    """Changes the task and inserts a log entry; before a start, counts what the assignee has started."""
    now, status = datetime.now(UTC).replace(tzinfo=None), _body(environ)["status"]
    with _transaction() as session:
        row: Row = tasks.find_one({"_id": ObjectId(task_id), "binned": False}, session=session)  # type: ignore[assignment]
        if status in _STARTED:
            _touch(row["assignee_id"], session)
            _count_started(row["assignee_id"], session)
        before = {name: row[name] for name in ("status", "status_changed_at")}
        after = {"status": status, "status_changed_at": now}
        row |= {**after, "updated_at": now, "version": row["version"] + 1}
        tasks.update_one(
            {"_id": row["_id"], "version": row["version"] - 1},
            {"$set": {name: value for name, value in row.items() if name != "_id"}},
            session=session,
        )
        _log(environ, row, "task.status_changed", before, after, session)
    return "200 OK", _task({name: row[name] for name in ("_id", *_TASK_FIELDS)})


@contextmanager
def _transaction() -> Iterator[ClientSession]:
    with client.start_session() as session, session.start_transaction(ReadConcern("snapshot")):
        yield session


def _touch(user_id: ObjectId, session: ClientSession) -> None:
    users.find_one_and_update({"_id": user_id}, {"$inc": {"touched": 1}}, session=session)


def _count_started(user_id: ObjectId, session: ClientSession) -> int:
    started = {"binned": False, "status": {"$in": _STARTED}, "assignee_id": user_id}
    return len(list(tasks.find(started, {"key": True, "title": True}, limit=20, session=session)))


def _log(environ: Row, task: Row, kind: str, before: Row, after: Row, session: ClientSession) -> None:
    entry = {
        "_id": ObjectId(),
        "at": task["updated_at"],
        "by": environ["caller"],
        "change_set": str(ObjectId()),
        "entity": "task",
        "entity_id": task["_id"],
        "kind": kind,
        "before": before,
        "after": after,
        "reason": None,
        "override": False,
        "version": task["version"],
        "projects": [task["project"]],
    }
    activity.insert_one(entry, session=session)


def list_users(_: Row, __: Mapping[str, str]) -> tuple[str, Any]:
    """Returns the first page: runs the pipeline that taskmgr sends, and counts as taskmgr does."""
    rows = list(users.aggregate(users_pipeline))
    page = rows[0]["page"]
    counts = defaultdict(lambda: {"open": 0, "overdue": 0, "blocked": 0, "started": 0, "urgent": 0})
    totals: defaultdict[Any, int] = defaultdict(int)
    for group in page["counts"]:
        user, status = group["_id"]["user"], group["_id"]["status"]
        totals[user] += group["tasks"]
        if status in _OPEN:
            user_counts = counts[user]
            user_counts["open"] += group["tasks"]
            user_counts["overdue"] += group["overdue"]
            user_counts["urgent"] += group["urgent"]
            user_counts["started"] += group["tasks"] if status in _STARTED else 0
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


def _user(row: Row, user_tasks: list[Row], counts: Mapping[Any, Row], totals: Mapping[Any, int]) -> Row:
    user_counts = counts[row["_id"]]
    fields = {name: row[name] for name in _USER_FIELDS}
    return {
        **fields,
        "id": row["_id"],
        "tasks": [_task_of_pipeline(task) for task in user_tasks],
        "tasks_total": totals[row["_id"]],
        "counts": user_counts,
        "wip_room": max(0, _WIP_LIMIT - user_counts["started"]),
    }


def _task_of_pipeline(row: Row) -> Row:
    """Returns a task of the pipeline without the fields that exist only in the database."""
    for name in ("number", "keys", "title_key", "priority_rank", "binned", "touched"):
        row.pop(name, None)
    return _task(row)


def _body(environ: Row) -> Any:
    return orjson.loads(environ["wsgi.input"].read())


ROUTES: Mapping[tuple[str, str, int], Callable[..., tuple[str, Any]]] = {
    ("GET", "tasks", 0): list_tasks,
    ("GET", "tasks", 1): get_task,
    ("POST", "tasks", 0): create_task,
    ("PUT", "tasks", 2): change_status,
    ("GET", "users", 0): list_users,
}

app = duties.wsgi(respond, database)
