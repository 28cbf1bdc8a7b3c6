"""What users are told while the background process is killed: everything, and nothing twice."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from aiosmtpd.controller import Controller

from tests.running import Service, free_port, serving, wait_until

pytestmark = pytest.mark.slow

API = "/api/v1"
COMMENTS = 30
ONE_CLICK = b"List-Unsubscribe=One-Click"


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


def wait_until_users_are_told(service: Service) -> None:
    """Assigns tasks to somebody without an e-mail address until they are told of one."""
    user = service.call("POST", f"{API}/users", {"username": "bob", "name": "Bob"})[1]["id"]
    token = service.call("POST", f"{API}/tokens", {"name": "test", "user_id": user})[1]["token"]

    def is_told() -> bool:
        service.call("POST", f"{API}/tasks", {"title": "First", "assignee_id": user})
        headers = {"Authorization": f"Bearer {token}"}
        return bool(service.ask("GET", f"{API}/users/me", headers=headers)[2]["unread"])

    assert wait_until(is_told)


def address_to_unsubscribe(service: Service, content: bytes) -> str:
    found = re.search(rb"^List-Unsubscribe: <https://tasks\.example\.org(/\S+)>\r\n", content, re.MULTILINE)
    assert found, content
    return f"http://127.0.0.1:{service.port}{found[1].decode()}"


def test_a_running_service_sends_mails(place: Path) -> None:
    received: list[Any] = []

    class Receiver:
        async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
            received.append(envelope)
            return "250 OK"

    port = free_port()
    controller = Controller(Receiver(), hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    settings = {
        "SMTP_URL": f"smtp://127.0.0.1:{port}",
        "MAIL_FROM": "Tasks <tasks@example.org>",
        "PUBLIC_URL": "https://tasks.example.org",
    }
    with serving(place, WORKERS="1", **settings) as service:
        wait_until_users_are_told(service)
        body = {"username": "eve", "name": "Eve", "email": "eve@example.org"}
        user = service.call("POST", f"{API}/users", body)[1]["id"]
        task = service.call("POST", f"{API}/tasks", {"title": "Yours", "assignee_id": user})[1]
        assert wait_until(lambda: received, seconds=120)  # a mail at once is sent after a minute
        # The workers understand the address that the background process has made.
        address = address_to_unsubscribe(service, received[0].content)
        with urlopen(address, data=ONE_CLICK) as answer:  # noqa: S310 - it is ours
            assert b"You get no more mails" in answer.read()
    controller.stop()

    (envelope,) = received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("tasks@example.org", ["eve@example.org"])
    assert f"Subject: [{task['key']}] Yours".encode() in envelope.content
    assert f"https://tasks.example.org/tasks/{task['key']}".encode() in envelope.content
