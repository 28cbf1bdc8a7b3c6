"""A project whose texts are hard to show: too long, without spaces, from right to left, and too many."""

from __future__ import annotations

from typing import Any

from tests.running import Service

WORD = "Donaudampfschifffahrtsgesellschaftskapitän"
SENTENCE = "Find out why the nightly export leaves out the orders of the last hour of each month. "
ARABIC = "طلب الكابلات الرمادية قبل نهاية الأسبوع"
MANY_LABELS = [f"label number {number}" for number in range(19)] + [WORD[:40]]


def add_hard_texts(service: Service, key: str) -> str:
    """Creates the project and its tasks, with three users, one of them deactivated; returns the key."""

    def call(method: str, path: str, body: dict[str, Any]) -> Any:
        status, content = service.call(method, f"/api/v1/{path}", body)
        assert status in (200, 201), content
        return content

    call("POST", "projects", {"key": key, "name": f"{WORD} and others"})
    users = [
        call("POST", "users", {"username": "maximilian." + "x" * 28, "name": f"Maximilian {WORD}"}),
        call("POST", "users", {"username": "noor", "name": "نور الهاشمي"}),
        call("POST", "users", {"username": "wilhelmina", "name": f"Wilhelmina {WORD} {WORD}"}),
    ]
    tasks: list[dict[str, Any]] = [
        {"title": WORD * 4, "labels": MANY_LABELS, "assignee_id": users[0]["id"], "priority": "high"},
        {"title": ARABIC, "due_date": "2020-01-01", "description": f"{ARABIC}\n\n- {ARABIC}"},
        {"title": (SENTENCE * 3)[:200], "assignee_id": users[1]["id"], "description": WORD * 10},
        {"title": "Short", "labels": ["a", "b"], "due_date": "2031-12-31T17:00:00Z"},
        {"title": f"שלום {WORD} שלום", "assignee_id": "me", "status": "in_progress"},
    ]
    ids = [call("POST", "tasks", {"project": key, **task})["id"] for task in tasks]
    call("PATCH", f"tasks/{ids[0]}", {"blocked_by": ids[1:3], "parent_id": ids[3]})
    call(
        "POST",
        f"tasks/{ids[0]}/comments",
        {"text": f"{WORD * 5}\n\n| a | b |\n|---|---|\n| {WORD} | {WORD} |"},
    )
    call("PATCH", f"users/{users[0]['id']}", {"active": False})
    return key
