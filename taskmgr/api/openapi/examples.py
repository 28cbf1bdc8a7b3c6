"""Adds examples to all requests and responses of the document; tests send all requests as they are.

The page `/docs` fills in a parameter's `example` when somebody tries an operation, so all of them must work
together. The `examples` in a parameter's schema are only shown, and each must work by itself.
"""

from __future__ import annotations

from typing import Any

from taskmgr.api.openapi.example_answers import EVENTS, answers, next_status, problem
from taskmgr.api.openapi.example_ids import (
    BLOCKER_KEY,
    CHANGE_SET,
    ITEM,
    LINK_TEXT,
    PASSWORD,
    PATH_IDS,
    PROJECT_KEY,
    TASK_KEY,
    USER,
)
from taskmgr.api.openapi.operations import METHODS
from taskmgr.api.problems.codes import CODES
from taskmgr.domain.model.policy import Policy

# The `example` of a parameter, by operation and parameter.
_NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}
_FILLED_IN: dict[str, dict[str, Any]] = {
    "start_oidc": {"next": "/docs"},
    "finish_oidc": {
        "code": "SplxlOBeZQQYbYS6WxSbIA",
        "state": "af0ifjsldkj",
        "iss": "https://id.example.org",
        "error": "access_denied",
    },
    "list_tasks": {
        "category": ["open"],
        "sort": ["-priority", "due_date"],
        "include": ["assignee"],
        "limit": 20,
    },
    "list_tasks_of_user": {"category": ["open"], "sort": ["due_date"]},
    "list_users": {"include": "tasks", "tasks_limit": 5},
    "get_stats": _NOVEMBER,
    "get_flow": _NOVEMBER,
    "get_cycle_times": _NOVEMBER,
    "list_projects": {"include": "counts"},
    "get_project": {"include": "counts"},
    "list_activity": {"entity": "task", "limit": 20},
    "list_changes": {"since": "0", "limit": 20, "include": ["task"]},
}
# The `examples` of a parameter, by its name. No cursor and no version would always work.
_SHOWN: dict[str, Any] = {
    "id": [TASK_KEY],
    "project": [PROJECT_KEY],
    "archived": False,
    "category": ["started"],
    "priority": ["high", "urgent"],
    "assignee": ["me"],
    "label": ["ui"],
    "created_by": ["me", "system:cli"],
    "parent": ["none"],
    "blocked_by": [BLOCKER_KEY],
    "blocked": False,
    "overdue": True,
    "due": "any",
    "bin": False,
    "fields": ["key", "title", "status"],
    "include": ["derived"],
    "sort": ["-updated_at"],
    "limit": 50,
    "total": True,
    "dry_run": True,
    "by": "me",
    "unread": True,
    "kind": ["task.created", "task.status_changed"],
    "entity": "task",
    "entity_id": TASK_KEY,
    "change_set": CHANGE_SET,
    "user_id": USER,
    "username": ["ada"],
    "role": ["manager"],
    "active": True,
    "prefix": "u",
    "since": "0",
    "wait": 1,
    "state": "failed",
}


def _bodies(policy: Policy) -> dict[str, dict[str, Any]]:
    """Returns the bodies to send: for each operation, the values by their summaries."""
    return {
        "create_task": {
            "A task with a due date": {
                "title": "Redesign the login page",
                "description": "With the **new** logo.",
                "priority": "high",
                "due_date": "2026-12-18",
                "assignee_id": "me",
                "labels": ["ui"],
            },
            "Only a title": {"title": "Order the cake"},
            "In a project": {"title": "Order the cables", "project": PROJECT_KEY},
        },
        "change_task": {
            "Several fields at once": {"title": "Redesign the sign-in page", "labels": ["ui", "sign-in"]},
            "Another due date": {"due_date": "2026-12-31T17:00:00+01:00", "reason": "The logo is late."},
        },
        "change_status": {"The next status": {"status": next_status(policy)}},
        "change_priority": {"A higher priority": {"priority": "high", "reason": "A customer is waiting."}},
        "assign": {"To myself": {"assignee_id": "me"}, "To nobody": {"assignee_id": None}},
        "rank_task": {"To the top": {"first": True}},
        "restore_task": {"With a reason": {"reason": "Binned by mistake."}},
        "perform": {
            "Two new tasks": {
                "mode": "atomic",
                "operations": [
                    {"op": "create", "title": "Book a room", "labels": ["offsite"]},
                    {"op": "create", "title": "Order lunch", "labels": ["offsite"], "priority": "low"},
                ],
            },
            "Every task that matches; none is expected": {
                "where": {"label": ["release-1"], "category": "open"},
                "change": {"labels": ["release-2"]},
                "expect": 0,
            },
        },
        "create_project": {
            "A project": {
                "key": "WEB",
                "name": "Website",
                "description": "Everything that *customers* see.",
            },
        },
        "change_project": {
            "Another name": {"name": "Operations and support"},
            "Into the archive": {"archived": True},
            "Out of the archive": {"archived": False},
        },
        "create_comment": {"A comment": {"text": "The designers are **on it**."}},
        "change_comment": {"Another text": {"text": "The designers are done."}},
        "create_user": {
            "A person": {"username": "grace", "name": "Grace Hopper", "email": "grace@example.org"},
            "A program": {"username": "importer", "name": "Nightly import", "kind": "service"},
        },
        "change_user": {"Another name": {"name": "Ada King"}},
        "mark_inbox_read": {
            "Everything that has been seen": {"up_to": "2026-11-23T14:05:12.418Z"},
            "Some items": {"ids": [ITEM], "up_to": "2026-11-23T14:05:12.418Z"},
        },
        "change_notifications": {
            "Fewer mails": {"commented": "inbox", "due_soon": "mail"},
            "The default": {"commented": None},
        },
        "sign_in": {"With a password": {"username": "ada", "password": PASSWORD}},
        "change_password": {
            "Another password": {"current_password": PASSWORD, "password": "a longer horse battery"}
        },
        "create_link": {"For a new user, or to reset a password": {"user_id": USER}},
        "link_account": {"And go on to a page": {"next": "/docs"}},
        "open_link": {"What follows the # in the address": {"link": LINK_TEXT}},
        "use_link": {"A link and a password": {"link": LINK_TEXT, "password": PASSWORD}},
        "create_token": {
            "For a job": {"name": "nightly import", "scopes": ["tasks:read", "tasks:write"]},
            "For a year": {"name": "laptop", "expires_at": "2036-01-01T00:00:00Z"},
        },
        "create_view": {
            "A list": {"name": "Overdue at ours", "filters": {"project": PROJECT_KEY, "overdue": "true"}},
            "A board for everybody": {
                "name": "My work by priority",
                "filters": {"assignee": "me", "category": "open", "label": ["ui"]},
                "sort": "due_date,-priority",
                "layout": {"kind": "board", "swimlanes": "priority", "fields": ["key", "due_date"]},
                "shared": True,
            },
        },
        "change_view": {"Another name": {"name": "Late at ours"}, "For everybody": {"shared": True}},
        "create_webhook": {
            "All changes": {"url": "https://hooks.example.org/taskmgr"},
            "Tasks and new comments of a project": {
                "url": "https://hooks.example.org/taskmgr",
                "description": "The on-call channel",
                "kinds": ["task.*", "comment.created"],
                "project": PROJECT_KEY,
            },
        },
        "change_webhook": {"Other changes": {"kinds": ["task.*"]}, "Enable it again": {"active": True}},
        "replay_changes": {"The whole history": {"since": 0}, "A part of it": {"since": 2, "until": 5}},
    }


def add(spec: dict[str, Any], policy: Policy) -> None:
    """Adds the examples to the document."""
    bodies, responses = _bodies(policy), answers(policy)
    operations = (item[m] for item in spec["paths"].values() for m in METHODS if m in item)
    for operation in operations:
        _add_to_parameters(operation, policy)
        named = {
            f"example_{number}": {"summary": summary, "value": value}
            for number, (summary, value) in enumerate(bodies.get(operation["operationId"], {}).items(), 1)
        }
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["examples"] = named
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                names = _names(content["schema"]) or [EVENTS]
                content["examples"] = {name: {"value": responses[name]} for name in names}
    for code, response in spec["components"]["responses"].items():
        (content,) = response["content"].values()
        content["examples"] = _problems(code, responses["NewTask"], next_status(policy))


def _add_to_parameters(operation: dict[str, Any], policy: Policy) -> None:
    filled_in = _FILLED_IN.get(operation["operationId"], {})
    shown = {"status": [policy.workflow.initial], **_SHOWN}
    for parameter in operation["parameters"]:
        name, place = parameter["name"], parameter["in"]
        if place == "path":
            parameter["example"] = PATH_IDS[name]
        elif name in filled_in:
            parameter["example"] = filled_in[name]
        elif place == "query" and name in shown:
            parameter["schema"]["examples"] = [shown[name]]


def _names(schema: dict[str, Any]) -> list[str]:
    """Returns the names of the schemas that a response can have; a stream has none."""
    choices = schema.get("anyOf", [schema])
    return [choice["$ref"].rpartition("/")[2] for choice in choices if "$ref" in choice]


def _problems(code: str, task: dict[str, Any], status: str) -> dict[str, Any]:
    """Returns an example for each code that has the same status as this one."""
    same = [other for other, kind in CODES.items() if kind.status == CODES[code].status]
    return {other: {"value": problem(other, task, status)} for other in same}
