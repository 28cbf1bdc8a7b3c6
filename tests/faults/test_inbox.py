"""What users are told while the background process is killed: everything, and nothing twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.running import Service, serving, wait_until

API = "/api/v1"
COMMENTS = 30


def told(service: Service, reader: Callable[..., Any]) -> Counter[str]:
    """Returns how often the reader has been told of each comment."""
    items = reader("GET", f"{API}/inbox?limit=200")["items"]
    return Counter(news["comment_id"] for item in items for news in item["news"])


def test_everything_is_told_once_although_the_process_is_killed(place: Path) -> None:
    with serving(place) as service:
        _, task = service.call("POST", f"{API}/tasks", {"title": "Followed"})
        _, user = service.call("POST", f"{API}/users", {"username": "eve", "name": "Eve", "role": "manager"})
        _, token = service.call("POST", f"{API}/tokens", {"name": "test", "user_id": user["id"]})
        own, service.token = service.token, token["token"]
        service.background()
        assert wait_until(lambda: _is_told_of_a_first_comment(service, own, task["id"]))
        written = []
        for number in range(COMMENTS):
            path = f"{API}/tasks/{task['id']}/comments"
            written.append(service.call("POST", path, {"text": f"Comment {number}"})[1]["id"])
            if number % 10 == 5:
                background = service.background()
                os.kill(background, signal.SIGKILL)
                service.background(after=background)
        service.token = own

        def reader(method: str, path: str) -> Any:
            return service.call(method, path)[1]

        assert wait_until(lambda: set(written) <= told(service, reader).keys())
        assert set(told(service, reader).values()) == {1}


def _is_told_of_a_first_comment(service: Service, own: str, task_id: str) -> bool:
    """Writes a comment, and returns whether the job has begun to tell."""
    service.call("POST", f"{API}/tasks/{task_id}/comments", {"text": "Is anybody there?"})
    other, service.token = service.token, own
    unread: int = service.call("GET", f"{API}/users/me")[1]["unread"]
    service.token = other
    return unread > 0
