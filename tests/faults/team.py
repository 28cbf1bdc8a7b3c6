"""A busy team that sends random commands of all kinds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tests.running import Service

_STATUSES = ("todo", "in_progress", "in_review", "completed", "cancelled")
Command = tuple[str, str, Any]  # method, path and body


class Team:
    """Knows what it has created. `successes` counts the commands that were executed, by name."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.successes: Counter[str] = Counter()
        self.tasks: list[str] = []
        self.comments: list[str] = []  # paths
        self.users: list[str] = []
        self.projects: list[str] = []

    def send(self, number: int) -> int:
        """Sends the command that follows from a number and from what there is; returns the status."""
        chosen = random.Random(number)
        possible = [name for name, kind in _NEEDS.items() if kind is None or getattr(self, kind)]
        return self.send_named(chosen.choice(possible), number)

    def send_named(self, name: str, number: int) -> int:
        """Sends a certain command."""
        method, path, body = COMMANDS[name](self, random.Random(number), f"{name} {number}")
        status, answer = self.service.call(method, f"/api/v1{path}", body)
        if 200 <= status < 300:
            self.successes[name] += 1
        if status == 201:
            self._remember(path, answer)
        return status

    def _remember(self, path: str, answer: Any) -> None:
        if path.endswith("/comments"):
            self.comments.append(f"{path}/{answer['id']}")
        elif path in ("/tasks", "/users", "/projects"):
            getattr(self, path[1:]).append(answer["key"] if path == "/projects" else answer["id"])

    def task(self, chosen: random.Random) -> str:
        """Returns one of the newest tasks, so that some have many changes."""
        return chosen.choice(self.tasks[-40:])


def _changing(
    body: Callable[[Team, random.Random, str], Any], method: str = "PATCH", place: str = ""
) -> Callable[[Team, random.Random, str], Command]:
    """Returns a command about a task, with this body."""
    return lambda team, chosen, text: (
        method, f"/tasks/{team.task(chosen)}{place}", body(team, chosen, text)
    )  # fmt: skip


def _bulk(team: Team, chosen: random.Random, text: str) -> Command:
    operations = [
        {"op": "create", "ref": "a", "title": text},
        {"op": "create", "title": f"{text}, part", "parent_id": "ref:a"},
        {"op": "change", "id": team.task(chosen), "labels": ["bulk"]},
        {"op": "delete", "id": team.task(chosen)},
    ]
    return "POST", "/tasks/bulk", {"mode": "each", "operations": operations}


COMMANDS: Mapping[str, Callable[[Team, random.Random, str], Command]] = {
    "create": lambda _, chosen, text: (
        "POST", "/tasks", {"title": text, "labels": [chosen.choice("abc")], "due_date": "2027-03-01"}
    ),
    "create a user": lambda _, chosen, text: (
        "POST", "/users",
        {"username": f"u{text.split()[-1]}", "name": text, "role": chosen.choice(["member", "manager"])},
    ),
    "create a project": lambda _, __, text: (
        "POST", "/projects", {"key": f"P{int(text.split()[-1]):X}"[:10], "name": text}
    ),
    "comment": _changing(lambda _, __, text: {"text": f"{text}: Größe 🎂"}, "POST", "/comments"),
    "edit": _changing(lambda _, __, text: {"title": text, "description": "x" * (len(text) * 3)}),
    "reschedule": _changing(lambda _, c, __: {"due_date": c.choice(["2027-01-05", "2027-01-09T12:00Z"])}),
    "label": _changing(lambda _, c, __: {"labels": c.sample(["a", "b", "c", "d"], 2), "priority": "high"}),
    "move": _changing(lambda _, c, __: {"status": c.choice(_STATUSES)}, "PUT", "/status"),
    "assign": _changing(lambda t, c, __: {"assignee_id": c.choice(["me", *t.users])}, "PUT", "/assignee"),
    "prioritise": _changing(lambda _, c, __: {"priority": c.choice(["low", "urgent"])}, "PUT", "/priority"),
    "rank": _changing(lambda _, c, __: {c.choice(["first", "last"]): True}, "PUT", "/rank"),
    "block": _changing(lambda t, c, __: {"blocked_by": [t.task(c)]}),
    "nest": _changing(lambda t, c, __: {"parent_id": c.choice([t.task(c), None])}),
    "delete": _changing(lambda *_: None, "DELETE"),
    "restore": _changing(lambda *_: None, "POST", "/restore"),
    "bulk": _bulk,
    "move to a project": _changing(lambda t, c, __: {"project": c.choice(t.projects)}),
    "change a comment": lambda t, c, text: ("PATCH", c.choice(t.comments), {"text": text}),
    "delete a comment": lambda t, c, _: ("DELETE", c.choice(t.comments), None),
    "change a user": lambda t, c, text: (
        "PATCH", f"/users/{c.choice(t.users)}", {"name": text, "active": c.random() < 0.9}
    ),
    "change a project": lambda t, c, text: (
        "PATCH", f"/projects/{c.choice(t.projects)}", {"name": text, "archived": c.random() < 0.1}
    ),
    "create a token": lambda _, __, text: ("POST", "/tokens", {"name": text}),
}  # fmt: skip
# What must exist before: an attribute of `Team`.
_WITHOUT_TASKS = {"create", "create a user", "create a project", "create a token"}
_NEEDS: Mapping[str, str | None] = {
    name: None if name in _WITHOUT_TASKS else "tasks" for name in COMMANDS
} | {
    "move to a project": "projects",
    "change a comment": "comments",
    "delete a comment": "comments",
    "change a user": "users",
    "change a project": "projects",
}
