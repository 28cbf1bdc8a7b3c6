"""Provides example responses, about one task and what belongs to it."""

from __future__ import annotations

import json
from typing import Any

from taskmgr.api.openapi.example_ids import (
    ACCOUNT,
    BLOCKER,
    CHANGE_SET,
    COMMENT,
    DELIVERY,
    ITEM,
    LINK,
    OTHER_USER,
    PROJECT,
    PROJECT_KEY,
    SESSION,
    TASK,
    TASK_KEY,
    TOKEN,
    USER,
    VIEW,
    WEBHOOK,
)
from taskmgr.api.problems.codes import CODES
from taskmgr.api.problems.responses import type_uri
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.domain.model.inbox import DEFAULT_CHANNELS
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.rank import rank_of
from taskmgr.domain.model.workflow import Category
from taskmgr.version import __version__

Json = dict[str, Any]
AT = "2026-11-20T09:30:00.000Z"
LATER = "2026-11-23T14:05:12.418Z"
FEED_HASH = "1f0a9c1a76d2c0ea4b1dc5cbd32d2d2c23ad3c1f0b4d1f6e0a9a3b0c4a7de55f"
_REQUEST_ID = "a73a6959c4f7dc76"
_PRIORITIES = [priority.value for priority in Priority]

# The name of the example for the stream of events, which has no schema.
EVENTS = "events"


def next_status(policy: Policy) -> str:
    """Returns a status to which a new task can move, a started one if possible."""
    flow = policy.workflow
    targets = flow.transitions[flow.initial] or (flow.initial,)
    return next((to for to in targets if flow.category(to) is Category.STARTED), targets[0])


def problem(code: str, task: Json, status: str) -> Json:
    """Returns an example of a problem with this code and its additional members."""
    value_error = {
        "location": "body.priority",
        "code": "not_allowed",
        "detail": f"Must be one of: {', '.join(_PRIORITIES)}.",
    }
    parameter_error = {
        "location": "query.asignee",
        "code": "unknown_parameter",
        "detail": "Unknown parameter.",
    }
    refusal = {
        "code": "transition_not_allowed",
        "detail": f"A task cannot move from {task['status']} to this status. It can move to: {status}.",
        "fix": {"action": "change_status", "text": f"Move it to {status} first.", "status": status},
        "overridable": False,
    }
    extensions: dict[str, Json] = {
        "malformed": {"errors": [parameter_error | {"allowed": ["assignee", "bin", "blocked"]}]},
        "invalid": {"errors": [value_error | {"allowed": _PRIORITIES}]},
        "refused": {"reasons": [refusal]},
        "stale": {"current": task},
        "unexpected_count": {"count": 2},
        "resync_required": {"head": {"seq": 17, "hash": FEED_HASH, "at": LATER}},
    }
    kind = CODES[code]
    return {
        "type": type_uri(code),
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": kind.meaning,
        "request_id": _REQUEST_ID,
        **extensions.get(code, {}),
    }


def answers(policy: Policy) -> dict[str, Any]:
    """Returns an example of each response, by the name of its schema."""
    new, status = _task(policy), next_status(policy)
    category = policy.workflow.categories[status].value
    task = new | {"status": status, "category": category, "version": 2}
    task |= {"updated_at": LATER, "status_changed_at": LATER}
    task |= {"started_at": LATER} if category == Category.STARTED.value else {}
    user = {
        "id": USER, "username": "ada", "name": "Ada Lovelace", "email": "ada@example.org", "role": "manager",
        "kind": "person", "active": True, "created_at": AT, "updated_at": AT, "version": 1,
    }  # fmt: skip
    comment = {
        "id": COMMENT, "task_id": TASK, "author_id": USER, "text": "The designers are **on it**.",
        "created_at": AT, "updated_at": AT, "version": 1,
    }  # fmt: skip
    project = {
        "id": PROJECT, "key": PROJECT_KEY, "name": "Operations", "description": "", "default": False,
        "archived_at": None, "created_by": USER, "created_at": AT, "updated_at": AT, "version": 1,
    }  # fmt: skip
    counted = project | {"counts": {"open": 12, "overdue": 1, "completed_30_days": 7}}
    change = {
        "id": "6920a1f47b3e5d0c9a8f1e07", "at": LATER, "by": USER, "change_set": CHANGE_SET, "entity": "task",
        "entity_id": TASK, "kind": "task.status_changed", "before": {"status": new["status"]},
        "after": {"status": task["status"]}, "reason": None, "override": False, "version": 2,
    }  # fmt: skip
    feed_head = {"seq": 17, "hash": FEED_HASH, "at": LATER}
    news = {
        "kind": "mentioned", "at": LATER, "entry_id": "6920a1f47b3e5d0c9a8f1e09", "comment_id": COMMENT,
        "status": None, "blocker_id": None, "due_date": None,
    }  # fmt: skip
    item = {
        "id": ITEM, "task": {"id": TASK, "key": TASK_KEY, "title": new["title"]}, "by": OTHER_USER,
        "at": LATER, "read_at": None, "news": [news],
    }  # fmt: skip
    token = {
        "id": TOKEN, "user_id": USER, "name": "nightly import", "scopes": ["tasks:read", "tasks:write"],
        "created_at": AT, "expires_at": None, "last_used_at": LATER,
    }  # fmt: skip
    session = {
        "id": SESSION, "user_id": USER, "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0",
        "address": "192.0.2.17", "created_at": AT, "last_used_at": LATER,
        "expires_at": "2026-11-27T09:30:00.000Z", "current": True,
    }  # fmt: skip
    transition = {"to": status, "category": category, "allowed": True, "requires": [], "reasons": []}
    assignee = {name: user[name] for name in ("id", "username", "name", "active")}
    return {
        "Receipt": {"id": TASK, "version": 2}, "NewTask": new, "TaskRow": task, "ChangedTask": task,
        "TaskPage": _page([task | {"assignee": assignee}]), "TasksOfUserPage": _page([task]),
        "TaskPartPage": _page([{name: task[name] for name in ("key", "title", "status")}]),
        "Transitions": {"items": [transition]},
        "Comment": comment, "NewComment": comment, "CommentPage": _page([comment]),
        "FeedHead": feed_head, EVENTS: _event({"seq": 17} | change),
        "Changes": {"items": [{"seq": 17} | change], "next": "17-1f0a9c", "more": False, "tasks": [task]},
        "ChangePage": _page([change]), "ActivityPage": _page([change]),
        "Project": project, "NewProject": project, "ProjectRow": counted, "ProjectPage": _page([counted]),
        **_webhooks(), **_views(),
        "User": user, "Me": user | {"unread": 1}, "NewUser": user,
        "UserPage": _page([user | _tasks_of_user(task)]),
        "InboxPage": _page([item]), "Unread": {"unread": 0}, "Watch": {"watching": True},
        "Channels": {kind.value: channel.value for kind, channel in DEFAULT_CHANNELS.items()},
        "Token": token, "Tokens": {"items": [token]},
        "NewToken": token | {"last_used_at": None, "token": f"tm_{TOKEN}_…"},
        "Session": session, "Sessions": {"items": [session]},
        "Accounts": {
            "items": [
                {
                    "id": ACCOUNT, "user_id": USER, "issuer": "https://id.example.org",
                    "subject": "248289761001", "created_at": AT,
                }
            ]
        },
        "SignInMethods": {"password": True, "provider": "id.example.org", "is_linked": False},
        "LinkStart": {"url": "https://id.example.org/authorize?response_type=code&client_id=taskmgr"},
        "NewLink": {
            "id": LINK, "user_id": USER, "created_at": LATER, "expires_at": "2026-11-30T14:05:12.418Z",
            "path": f"/welcome#tml_{LINK}_…",
        },
        "Invitation": {
            "username": "ada", "name": "Ada Lovelace", "expires_at": "2026-11-30T14:05:12.418Z",
        },
        "Bulk": {
            "results": [{"status": 201, "id": TASK, "key": TASK_KEY, "version": 1}],
            "change_set": CHANGE_SET,
        },
        "Workflow": _workflow(policy), "Stats": _stats(policy, task),
        "Flow": _flow(policy, task),
        "CycleTimeList": {
            "cycle_times": {"tasks": 1, "median_seconds": 93_600.0, "p85_seconds": 93_600.0},
            "latest": [{"id": TASK, "key": TASK_KEY, "finished_at": LATER, "seconds": 93_600.0}],
        },
        "Demo": {"users": 8, "projects": 4, "tasks": 67},
        "LabelPage": _page([{"label": "ui", "open": 1, "tasks": 1}]),
        "Root": {"name": "taskmgr", "version": __version__, "links": {"tasks": "/api/v1/tasks"}},
        "Health": {"status": "ok"},
    }  # fmt: skip


def _views() -> dict[str, Json]:
    """Returns the examples of the responses about views."""
    view = {
        "id": VIEW, "owner_id": USER, "name": "Overdue at ours",
        "filters": {"project": PROJECT_KEY, "overdue": "true"}, "sort": "due_date",
        "layout": {"kind": "list", "columns": None, "swimlanes": None, "fields": ["key", "title"]},
        "shared": False, "created_at": AT, "updated_at": AT, "version": 1,
    }  # fmt: skip
    return {"View": view, "NewView": view, "ViewPage": _page([view])}


def _webhooks() -> dict[str, Json]:
    """Returns the examples of the responses about webhooks."""
    webhook = {
        "id": WEBHOOK, "url": "https://hooks.example.org/taskmgr", "description": "The on-call channel",
        "kinds": ["task.*", "comment.created"], "project": PROJECT_KEY, "active": True,
        "disabled_because": None, "scopes": None, "secret_changed_at": AT, "created_by": USER,
        "created_at": AT, "updated_at": AT, "version": 1,
    }  # fmt: skip
    secret = f"whsec_{'A' * 43}="
    row = webhook | {"position": 1723, "failing_since": None, "replay": None}
    attempt = {"at": LATER, "duration_ms": 112, "status": 200, "response": "", "error": None}
    delivery = {
        "id": DELIVERY, "seq": 1, "kind": "task.created", "state": "delivered", "attempts": 1,
        "created_at": LATER, "next_attempt_at": None, "last_attempt": attempt,
    }  # fmt: skip
    return {
        "Webhook": webhook, "WebhookRow": row, "Webhooks": {"items": [row]},
        "NewWebhook": webhook | {"secret": secret}, "Secret": {"secret": secret, "former_until": LATER},
        "Attempt": attempt, "Delivery": delivery, "DeliveryPage": _page([delivery]),
        "Replay": {"since": 0, "until": 1723},
    }  # fmt: skip


def _task(policy: Policy) -> Json:
    """Returns a newly created task, with every key that a task has."""
    initial = policy.workflow.initial
    values = {
        "id": TASK, "key": TASK_KEY, "project": PROJECT_KEY, "rank": rank_of(17),
        "title": "Redesign the login page", "description": "With the **new** logo.",
        "status": initial, "category": policy.workflow.categories[initial].value, "priority": "high",
        "due_date": "2026-12-18", "assignee_id": USER, "labels": ["ui"], "blocked_by": [BLOCKER],
        "created_by": USER, "created_at": AT, "updated_at": AT, "status_changed_at": AT, "reopen_count": 0,
        "version": 1,
    }  # fmt: skip
    return {name: values.get(name) for name in TaskOut().dump_fields}


def _page(items: list[Json]) -> Json:
    return {"items": items, "next": None}


def _tasks_of_user(task: Json) -> Json:
    """Returns what `include=tasks` adds to a user."""
    counts = {"open": 1, "overdue": 0, "blocked": 0, "started": 1, "urgent": 0}
    return {"tasks": [task], "tasks_total": 1, "counts": counts, "wip_room": 4}


def _workflow(policy: Policy) -> Json:
    flow = policy.workflow
    return {
        "initial": flow.initial,
        "statuses": [
            {"name": name, "category": category.value, "transitions": list(flow.transitions[name])}
            for name, category in flow.categories.items()
        ],
        "priorities": _PRIORITIES,
        "limits": {"wip": policy.wip_limit, "urgent": policy.urgent_limit},
        "four_eyes": policy.four_eyes,
        "time_zone": str(policy.time_zone),
    }


def _stats(policy: Policy, task: Json) -> Json:
    return {
        "by_status": {name: int(name == task["status"]) for name in policy.workflow.statuses},
        "by_priority": {name: int(name == task["priority"]) for name in _PRIORITIES},
        "by_assignee": [{"assignee_id": USER, "username": "ada", "open": 1, "overdue": 0}],
        "overdue": 0,
        "time_zone": str(policy.time_zone),
        "per_day": [{"day": "2026-11-20", "created": 1, "completed": 0}],
        "cycle_times": {"tasks": 0, "median_seconds": None, "p85_seconds": None},
    }


def _flow(policy: Policy, task: Json) -> Json:
    by_status = {name: int(name == task["status"]) for name in policy.workflow.statuses}
    return {"time_zone": str(policy.time_zone), "per_day": [{"day": "2026-11-20", "by_status": by_status}]}


def _event(entry: dict[str, Any]) -> str:
    return f"id: 17-1f0a9c\nevent: {entry['kind']}\ndata: {json.dumps(entry)}\n\n"
