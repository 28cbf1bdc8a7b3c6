"""Sends mails to the mail server that the operator has configured.

The address may be an internal one, because only the operator can choose it.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.ports.mail import Disconnected, Letter, NotSent, OutcomeUnknown, Refused

_SECONDS = 20.0  # for each call of the server
_PORTS = {"smtp": 25, "smtps": 465}
_LOCAL = ("localhost", "127.0.0.1", "::1")


class _UrlHeader(UnstructuredHeader, BaseHeader):
    """A header with a URL, which Python would otherwise encode to make its lines short."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _UrlHeader)
_POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpMailer:
    """Implements `Mailer` by SMTP.

    `smtps://` encrypts from the start. `smtp://` encrypts if the server offers it, and sends a password only
    encrypted, except to this machine.
    """

    url: str = field(repr=False)  # it may contain a password
    sender: str
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    seconds: float = _SECONDS

    @contextmanager
    def connected(self) -> Iterator[SmtpPost]:
        try:
            connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"The mail server cannot be used: {_text(error)}") from error
        try:
            yield SmtpPost(connection, self.sender)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        if parts.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self.seconds, context=self.tls)
        else:
            connection = smtplib.SMTP(host, port, timeout=self.seconds)
        try:
            self._secure(connection, host, encrypted=parts.scheme == "smtps")
            if parts.username is not None:
                connection.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            connection.close()
            raise
        return connection

    def _secure(self, connection: smtplib.SMTP, host: str, *, encrypted: bool) -> None:
        connection.ehlo()
        if not encrypted and connection.has_extn("starttls"):
            connection.starttls(context=self.tls)
            connection.ehlo()
            encrypted = True
        if urlsplit(self.url).username is not None and not encrypted and host not in _LOCAL:
            raise smtplib.SMTPException("it does not encrypt, and the password would be readable")


class SmtpPost:
    """One connection to the mail server."""

    def __init__(self, connection: smtplib.SMTP, sender: str) -> None:
        self._connection = connection
        self._sender = sender

    def send(self, letter: Letter) -> None:
        try:
            message = build_message(letter, self._sender).as_bytes()
        except (ValueError, MessageError) as error:
            raise Refused("The address cannot be used in a mail.") from error
        is_sending = False
        try:
            self._connection.rset()
            self._require(*self._connection.mail(parseaddr(self._sender)[1]))
            self._require(*self._connection.rcpt(letter.to))
            is_sending = True
            self._require(*self._connection.data(message))
        except smtplib.SMTPDataError as error:  # it refuses before the text is sent
            raise _not_sent(error.smtp_code, error.smtp_error) from error
        except UnicodeError as error:
            raise Refused("The mail server only accepts addresses in ASCII.") from error
        except (OSError, smtplib.SMTPException) as error:
            if is_sending:
                raise OutcomeUnknown(_text(error)) from error
            raise Disconnected(_text(error)) from error

    @staticmethod
    def _require(code: int, text: bytes) -> None:
        if code not in (250, 251):
            raise _not_sent(code, text)


def build_message(letter: Letter, sender: str) -> EmailMessage:
    """Returns the mail as it is sent. The policy refuses line breaks in headers."""
    message = EmailMessage(policy=_POLICY)
    host = parseaddr(sender)[1].rpartition("@")[2]
    local, _, domain = letter.to.rpartition("@")
    message["From"] = sender
    message["To"] = Address(display_name=letter.name, username=local, domain=domain)
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(utc_now())
    message["Message-ID"] = f"<{letter.message_id}@{host}>"
    if letter.thread is not None:
        message["In-Reply-To"] = message["References"] = f"<{letter.thread}@{host}>"
    if letter.unsubscribe_url is None:
        message["List-Unsubscribe"] = f"<mailto:{parseaddr(sender)[1]}?subject=unsubscribe>"
    else:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
    if (letter.unsubscribe_url or "").startswith("https://"):  # RFC 8058 allows no other
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _not_sent(code: int, text: bytes | str) -> NotSent:
    detail = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    kind = Refused if 500 <= code < 600 else NotSent
    return kind(f"{code} {detail}"[:200])


def _text(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
