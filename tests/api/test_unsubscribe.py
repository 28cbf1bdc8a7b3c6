"""Tests ending the mails with the address in a received mail (RFC 8058), without signing in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from taskmgr.background.mail import MailJob
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.domain.services.mailing import MailService
from taskmgr.infrastructure.mongo.store import new_id
from taskmgr.infrastructure.outside.smtp import SmtpMailer
from tests.api.client import Answer, Client, problem
from tests.factories import SYSTEM, Clock
from tests.feeds import fill_feed
from tests.mail_server import Server, receiving_mails

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Deliver = Callable[..., None]


@pytest.fixture
def server() -> Iterator[Server]:
    with receiving_mails() as server:
        yield server


@pytest.fixture
def readers(services: Services) -> dict[str, User]:
    """Two users who are mailed when somebody mentions them."""
    return {
        name: services.users.create(username=name, name=name, email=f"{name}@example.org", by=SYSTEM)
        for name in ("reader", "other")
    }


@pytest.fixture
def deliver(
    services: Services, store: Store, clock: Clock, server: Server, readers: dict[str, User],
    mongodb_uri: str, database: Any,
) -> Deliver:  # fmt: skip
    """Mentions people in a comment, and sends all mails that are due an hour later."""
    mails = MailService(
        store=store, policy=DEFAULT_POLICY, clock=clock, new_id=new_id,
        public_url="https://tasks.example.org", tokens=services.inbox.tokens,
    )  # fmt: skip
    notifier = replace(services.notifier, mails=mails)
    job = MailJob(mails, SmtpMailer(url=server.url, sender="tasks@example.org"))
    task = services.tasks.create(title="Plan", by=SYSTEM)
    notifier.tell_changes()

    def run(text: str = "@reader", *, before_sending: Callable[[], Any] = lambda: None) -> None:
        services.comments.create(task.id, text=text, by=SYSTEM)
        fill_feed(mongodb_uri, database)
        while notifier.tell_changes():
            pass
        before_sending()
        clock.advance(hours=1)
        job.step()

    return run


def address_in(content: bytes) -> str:
    """Returns where a mail program sends its request: the address in a received mail, without the host."""
    found = re.search(rb"^List-Unsubscribe: <https://tasks\.example\.org(/\S+)>\r\n", content, re.MULTILINE)
    assert found, content
    return found[1].decode()


def one_click(client: Client, address: str, data: str = ONE_CLICK, **headers: str) -> Answer:
    path, query = urlsplit(address).path, urlsplit(address).query
    return client.open("POST", f"{path}?{query}", raw=data.encode(), headers={**FORM, **headers})


def test_the_address_in_a_mail_ends_the_mails_to_its_recipient_only(
    deliver: Deliver, server: Server, client: Client, services: Services, readers: dict[str, User]
) -> None:
    deliver()
    assert server.messages[0]["List-Unsubscribe-Post"] == ONE_CLICK

    answer = one_click(client.with_token(None), address_in(server.contents[0]))
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "You get no more mails" in answer.text
    deliver("@reader, @other")

    assert [message["To"] for message in server.messages[1:]] == ["other <other@example.org>"]
    assert services.inbox.count_unread(by=Actor.of(readers["reader"])) == 2


def test_a_mail_that_waits_already_is_not_sent(deliver: Deliver, server: Server, client: Client) -> None:
    deliver()
    address = address_in(server.contents[0])
    deliver(before_sending=lambda: one_click(client.with_token(None), address))

    assert len(server.messages) == 1


def test_a_user_can_have_mails_again(
    deliver: Deliver, server: Server, client: Client, services: Services, readers: dict[str, User]
) -> None:
    deliver()
    one_click(client.with_token(None), address_in(server.contents[0]))
    services.inbox.choose({"mentioned": "mail"}, by=Actor.of(readers["reader"]))
    deliver()

    assert len(server.messages) == 2


def test_looking_at_the_address_changes_nothing(
    deliver: Deliver, server: Server, client: Client, nothing_changes: Callable[[], Any]
) -> None:
    """Programs that scan mails follow their links."""
    deliver()
    with nothing_changes():
        page = client.with_token(None).get(address_in(server.contents[0]))

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert '<form method="post">' in page.text
    assert "no-store" in page.headers["Cache-Control"]
    deliver()
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda token, _: token[:-1],
        lambda token, _: token[: len(token) // 2],
        lambda token, _: token + "x",
        lambda token, other: other + token[len(other) :],  # somebody else's id
        lambda _, other: other,
        lambda *_: "",
        lambda *_: "é.ü",
    ],
)
def test_a_forged_or_shortened_address_is_explained_and_ends_nothing(
    damage: Callable[[str, str], str], deliver: Deliver, server: Server, client: Client,
    readers: dict[str, User], nothing_changes: Callable[[], Any],
) -> None:  # fmt: skip
    deliver()
    path, _, token = address_in(server.contents[0]).partition("?token=")
    damaged = f"{path}?token={damage(token, readers['other'].id)}"

    with nothing_changes():
        answers = [client.with_token(None).get(damaged), one_click(client.with_token(None), damaged)]

    for answer in answers:
        assert answer.status_code == 404
        assert "The address is not complete" in answer.text
        assert "<form" not in answer.text


def test_the_request_needs_neither_session_nor_origin_and_gets_no_cookie(
    deliver: Deliver, server: Server, client: Client
) -> None:
    deliver()
    address = address_in(server.contents[0])

    answer = one_click(client.with_token(None), address, Origin="https://mail.example.com")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    body = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    assert one_click(client.with_token(None), address, body, **multipart).status_code == 200
    problem(one_click(client.with_token(None), address, "x" * 10_001), "too_large")


def test_the_token_is_not_logged(
    deliver: Deliver, server: Server, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver()
    address = address_in(server.contents[0])
    one_click(client.with_token(None), address)

    logged = capsys.readouterr().out
    assert "path=/unsubscribe " in logged
    assert address.partition("=")[2] not in logged
