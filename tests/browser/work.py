"""A project of a test's own, and its tasks."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

from tests.running import Service


class Work:
    """A new project without tasks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.key = "".join(secrets.choice(string.ascii_uppercase) for _ in range(8))
        self.name = f"Project {self.key}"
        self.board = f"/board?project={self.key}"
        self._do("POST", "projects", {"key": self.key, "name": self.name})

    def _do(self, method: str, path: str, body: object = None) -> Any:
        status, content = self._service.call(method, f"/api/v1/{path}", body)
        assert status < 300, content
        return content

    def task(self, title: str, **fields: object) -> Any:
        """Creates a task and returns it."""
        return self._do("POST", "tasks", {"title": title, "project": self.key, **fields})

    def tasks(self, count: int, kinds: Sequence[Mapping[str, object]] = ({},)) -> None:
        """Creates `Task 0`, `Task 1`, …, with the fields of each of the kinds in turn."""
        for start in range(0, count, 1_000):
            numbers = range(start, min(start + 1_000, count))
            operations = [
                {"op": "create", "title": f"Task {n}", "project": self.key, **kinds[n % len(kinds)]}
                for n in numbers
            ]
            self.bulk(operations)

    def bulk(self, operations: Sequence[Mapping[str, object]]) -> None:
        self._do("POST", "tasks/bulk", {"operations": operations})

    def change(self, title: str, **fields: object) -> None:
        self._do("PATCH", f"tasks/{self.find(title)['id']}", fields)

    def bin(self, title: str) -> None:
        self._do("DELETE", f"tasks/{self.find(title)['id']}")

    def archive(self) -> None:
        self._do("PATCH", f"projects/{self.key}", {"archived": True})

    def all(self, *, bin: bool = False) -> list[Any]:  # noqa: A002 - the name of the parameter
        path = f"tasks?project={self.key}&sort=rank&limit=200"
        return list(self._do("GET", path + ("&bin=true" if bin else ""))["items"])

    def find(self, title: str) -> Any:
        (found,) = (task for task in self.all() if task["title"] == title)
        return found

    def status_of(self, title: str) -> str:
        return str(self.find(title)["status"])

    def order(self) -> list[str]:
        return [task["title"] for task in self.all()]
