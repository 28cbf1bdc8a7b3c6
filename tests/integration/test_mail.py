"""Mails about the inbox, sent to a real SMTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from bson import ObjectId

from taskmgr.background.mail import MailJob
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.mail import Letter, NotSent
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.domain.services.mailing import MailService
from taskmgr.infrastructure.mongo.store import new_id
from taskmgr.infrastructure.outside.smtp import SmtpMailer, SmtpPost, build_message
from taskmgr.infrastructure.unsubscribe_tokens import SignedUnsubscribeTokens
from tests.factories import NOW, Clock
from tests.feeds import fill_feed
from tests.mail_server import Server, receiving_mails
from tests.outside import make_certificate
from tests.running import free_port

TITLE = 'Prüfe <b>"alles"</b> & mehr'


@dataclass
class ServerWithPasswords(Server):
    """Also notes who signs in with which password, and whether the connection is encrypted."""

    port: int = 0
    is_encrypted: bool = False
    logins: list[tuple[str, str, bool]] = field(default_factory=list)

    def authenticate(self, _: Any, session: Any, __: Any, ___: str, data: LoginPassword) -> AuthResult:
        encrypted = session.ssl is not None or self.is_encrypted
        self.logins.append((data.login.decode(), data.password.decode(), encrypted))
        return AuthResult(success=data.password == b"p@ss", handled=False)


@contextmanager
def a_server_with_passwords(scheme: str, tls: SSLContext) -> Iterator[ServerWithPasswords]:
    """Runs a server that is encrypted from the start (`smtps`), or requires STARTTLS before a password."""
    handler = ServerWithPasswords(port=free_port(), is_encrypted=scheme == "smtps")
    place = {"hostname": "127.0.0.1", "port": handler.port, "ready_timeout": 60}
    login = {"authenticator": handler.authenticate, "auth_required": True}
    controller = (
        Controller(handler, **place, **login, auth_require_tls=False, ssl_context=tls)
        if scheme == "smtps"
        else Controller(handler, **place, **login, tls_context=tls, require_starttls=True)
    )
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    with receiving_mails() as server:
        yield server


@pytest.fixture
def mails(store: Store, clock: Clock) -> MailService:
    return MailService(
        store=store, policy=DEFAULT_POLICY, clock=clock, new_id=new_id,
        public_url="https://tasks.example.org", tokens=SignedUnsubscribeTokens(lambda: "a secret key"),
    )  # fmt: skip


@pytest.fixture
def job(mails: MailService, server: Server) -> MailJob:
    return MailJob(mails, SmtpMailer(url=server.url, sender="Tasks <tasks@example.org>"))


@pytest.fixture
def reader(make_user: Callable[..., User], services: Services) -> User:
    """A user with an address, who gets comments at once and moves daily."""
    user = make_user("reader", name="Zoë Reader", email="reader@example.org")
    services.inbox.choose({"commented": "mail", "moved": "daily"}, by=Actor.of(user))
    return user


@pytest.fixture
def watched(make_task: Callable[..., Task], services: Services, reader: User) -> Task:
    task = make_task(title=TITLE)
    services.inbox.watch(task.id, by=Actor.of(reader))
    return task


@pytest.fixture
def tell(
    services: Services, mails: MailService, mongodb_uri: str, database: Any, watched: Task
) -> Callable[[], None]:
    """Tells everything that has happened since the task exists."""
    notifier = replace(services.notifier, mails=mails)
    notifier.tell_changes()

    def run() -> None:
        fill_feed(mongodb_uri, database)
        while notifier.tell_changes():
            pass

    run()
    return run


def test_a_mail_at_once_says_what_happened_and_belongs_to_the_thread_of_its_task(
    services: Services, tell: Any, job: MailJob, server: Server, clock: Clock, watched: Task, ada: User
) -> None:
    services.comments.create(watched.id, text="See <script> & so on.", by=Actor.of(ada))
    tell()
    job.step()
    assert server.messages == []  # it waits, so that more can be said in one mail

    clock.advance(minutes=1)
    job.step()
    clock.advance(hours=1)
    job.step()

    (message,) = server.messages
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert message["To"] == "Zoë Reader <reader@example.org>"
    assert message["From"] == "Tasks <tasks@example.org>"
    assert message["Subject"] == f"[{watched.key}] {TITLE}"
    assert message["References"] == message["In-Reply-To"] == f"<task.{watched.id}@example.org>"
    assert message["Message-ID"].startswith("<mail.")
    assert message["List-Unsubscribe"]
    assert "Ada commented." in text
    assert "> See <script> & so on." in text
    assert f"https://tasks.example.org/tasks/{watched.key}" in text
    assert "See &lt;script&gt; &amp; so on." in html
    assert "&lt;b&gt;&quot;alles&quot;&lt;/b&gt; &amp; mehr" in html
    assert "<script>" not in html


def test_what_is_done_in_a_row_is_one_mail_and_what_follows_another(
    services: Services, tell: Any, job: MailJob, server: Server, clock: Clock, watched: Task, ada: User
) -> None:
    for text in ("One.", "Two."):
        services.comments.create(watched.id, text=text, by=Actor.of(ada))
        tell()
    clock.advance(minutes=1)
    job.step()
    services.comments.create(watched.id, text="Three.", by=Actor.of(ada))
    tell()
    clock.advance(minutes=1)
    job.step()

    first, second = (message.get_body(("plain",)).get_content() for message in server.messages)  # type: ignore[union-attr]
    assert ("One." in first, "Two." in first, "Three." in first) == (True, True, False)
    assert ("One." in second, "Two." in second, "Three." in second) == (False, False, True)
    assert server.messages[0]["References"] == server.messages[1]["References"]
    assert server.messages[0]["Message-ID"] != server.messages[1]["Message-ID"]


def test_daily_news_of_all_tasks_come_in_one_mail_in_the_morning(
    services: Services, tell: Any, job: MailJob, server: Server, clock: Clock, watched: Task,
    make_task: Callable[..., Task], reader: User, ada: User,
) -> None:  # fmt: skip
    other = make_task(title="Other")
    services.inbox.watch(other.id, by=Actor.of(reader))
    for task in (watched, other):
        services.tasks.change(task.id, {"status": "backlog"}, by=services.system("planning"))
    tell()
    clock.now = NOW + timedelta(hours=18, minutes=59)  # 6:59 on the next day
    job.step()
    assert server.messages == []

    clock.advance(minutes=1)
    job.step()

    (message,) = server.messages
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert message["Subject"] == "Your tasks: news about 2 tasks"
    assert message["References"] is None
    assert text.count("system:planning moved the task to backlog.") == 2


def test_what_has_been_read_is_not_mailed(
    services: Services, tell: Any, job: MailJob, server: Server, clock: Clock, watched: Task, reader: User,
    database: Any,
) -> None:  # fmt: skip
    services.comments.create(watched.id, text="Well.", by=services.system("x"))
    tell()
    services.inbox.mark_read(up_to=clock.now, by=Actor.of(reader))
    clock.advance(minutes=1)
    job.step()

    assert server.messages == []
    assert database["mails"].count_documents({}) == 0


@pytest.mark.parametrize("choice", ["inbox", "nothing"])
def test_what_a_user_does_not_want_by_mail_is_not_mailed(
    services: Services, tell: Any, watched: Task, reader: User, database: Any, choice: str
) -> None:
    services.inbox.choose({"commented": choice}, by=Actor.of(reader))
    services.comments.create(watched.id, text="Well.", by=services.system("x"))
    tell()

    assert database["mails"].count_documents({}) == 0


def test_a_user_without_an_address_gets_everything_in_the_inbox(
    services: Services, tell: Any, watched: Task, bob: User, database: Any
) -> None:
    services.comments.create(watched.id, text="@bob", by=services.system("x"))
    tell()

    assert services.inbox.count_unread(by=Actor.of(bob)) == 1
    assert database["mails"].count_documents({"user_id": ObjectId(bob.id)}) == 0


class Killed(BaseException):
    """Stands for the end of the process."""


@dataclass
class Dying:
    """Sends a mail and then ends the process."""

    mailer: SmtpMailer

    def connected(self) -> Any:
        return self

    def __enter__(self) -> Any:
        self._connection = self.mailer.connected()
        self._post: SmtpPost = self._connection.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.__exit__(None, None, None)

    def send(self, letter: Letter) -> None:
        self._post.send(letter)
        raise Killed


def test_a_process_that_is_killed_after_sending_repeats_the_mail_once_with_the_same_id(
    services: Services,
    tell: Any,
    mails: MailService,
    job: MailJob,
    server: Server,
    clock: Clock,
    watched: Task,
) -> None:
    services.comments.create(watched.id, text="Well.", by=services.system("x"))
    tell()
    clock.advance(minutes=1)
    dying = MailJob(mails, Dying(SmtpMailer(url=server.url, sender="tasks@example.org")))

    for _ in range(3):
        with pytest.raises(Killed) if len(server.messages) < 2 else nullcontext():
            dying.step()
        job.step()  # the claim has not expired yet
        clock.advance(minutes=5)

    first, second = server.messages
    assert first["Message-ID"] == second["Message-ID"]


def test_a_refused_recipient_holds_up_no_other_mail(
    services: Services, tell: Any, job: MailJob, server: Server, clock: Clock, watched: Task,
    make_user: Callable[..., User], database: Any,
) -> None:  # fmt: skip
    server.refused = {"reader@example.org": "550 Unknown", "busy@example.org": "451 Later"}
    for name in ("busy", "good"):
        make_user(name, email=f"{name}@example.org")
    services.comments.create(watched.id, text="@busy, @good", by=services.system("x"))
    tell()
    clock.advance(minutes=1)
    job.step()

    assert [message["To"] for message in server.messages] == ["Good <good@example.org>"]
    assert database["mails"].count_documents({}) == 1  # that to busy@example.org, which is tried again
    server.refused = {}
    clock.advance(minutes=2)
    job.step()
    assert [message["To"] for message in server.messages][1:] == ["Busy <busy@example.org>"]


def test_mails_wait_while_the_mail_server_is_down(
    services: Services, tell: Any, mails: MailService, job: MailJob, server: Server, clock: Clock,
    watched: Task, database: Any,
) -> None:  # fmt: skip
    services.comments.create(watched.id, text="Well.", by=services.system("x"))
    tell()
    clock.advance(minutes=1)
    before = list(database["mails"].find())
    down = MailJob(mails, SmtpMailer(url="smtp://127.0.0.1:1", sender="tasks@example.org"))

    assert down.step() > 10
    assert list(database["mails"].find()) == before
    job.step()
    assert len(server.messages) == 1


def test_a_password_is_not_sent_unencrypted_to_another_machine(server: Server) -> None:
    url = server.url.replace("//127.0.0.1", "//ada:secret@127.1")
    mailer = SmtpMailer(url=url, sender="tasks@example.org", seconds=5)

    with pytest.raises(Exception, match="password would be readable"):
        mailer.connected().__enter__()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it does not know that of smtps
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_is_sent_over_tls_to_a_server_with_the_right_certificate(
    tmp_path: Path, scheme: str
) -> None:
    theirs, ours = make_certificate(tmp_path, "localhost")
    with a_server_with_passwords(scheme, theirs) as server:
        letter = Letter(
            to="ada@example.org", name="Ada", subject="Hi", text="x", html="x", message_id="m", thread=None
        )
        url = f"{scheme}://ada:p%40ss@localhost:{server.port}"
        with SmtpMailer(url=url, sender="tasks@example.org", tls=ours).connected() as post:
            post.send(letter)
        with pytest.raises(NotSent, match="certificate"):
            SmtpMailer(url=url, sender="tasks@example.org").connected().__enter__()
        wrong = url.replace("p%40ss", "pass")
        with pytest.raises(NotSent, match="535"):
            SmtpMailer(url=wrong, sender="tasks@example.org", tls=ours).connected().__enter__()

    assert [message["Subject"] for message in server.messages] == ["Hi"]
    assert set(server.logins) == {("ada", "p@ss", True), ("ada", "pass", True)}


@pytest.mark.parametrize(
    ("url", "header", "post"),
    [
        ("https://t.example.org/unsubscribe?token=x", "<https://t.example.org/unsubscribe?token=x>", True),
        ("http://t.example.org/unsubscribe?token=x", "<http://t.example.org/unsubscribe?token=x>", False),
        (None, "<mailto:tasks@example.org?subject=unsubscribe>", False),
    ],
)
def test_mail_programs_get_a_button_only_for_https(url: str | None, header: str, post: bool) -> None:
    letter = Letter(
        to="ada@example.org", name="Ada", subject="x", text="x", html="x", message_id="m", thread=None,
        unsubscribe_url=url,
    )  # fmt: skip

    message = build_message(letter, "Tasks <tasks@example.org>")
    assert message["List-Unsubscribe"] == header
    assert ("List-Unsubscribe-Post" in message) is post


@pytest.mark.parametrize("text", ["a\r\nBcc: eve@example.org", "a\nBcc: eve@example.org\n\nbody"])
def test_no_text_adds_a_header(text: str) -> None:
    letter = Letter(
        to="ada@example.org", name="Ada", subject=text, text="x", html="x", message_id="m", thread=None
    )

    message = message_from_bytes(build_message(letter, "tasks@example.org").as_bytes(), policy=default)

    assert message["Bcc"] is None
    assert message["Subject"].startswith("a Bcc: eve@example.org")
