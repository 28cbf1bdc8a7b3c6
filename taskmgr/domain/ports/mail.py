"""Stores mails that are to be sent, sends them, and recognises who wants no more of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskmgr.domain.model.mail import Mail

UNSUBSCRIBE = "/unsubscribe"  # the path at which the recipient of a mail ends the mails


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What a mail says. `message_id` is the same for each attempt; mails with one `thread` belong together.

    None of the texts are escaped; `html` is a document. A `POST` to `unsubscribe_url` ends the mails to the
    recipient.
    """

    to: str
    name: str
    subject: str
    text: str
    html: str
    message_id: str
    thread: str | None
    unsubscribe_url: str | None = None


class NotSent(Exception):
    """The mail server has not accepted the mail; the text says why."""


class Refused(NotSent):
    """The mail server will never accept this mail, for example because it does not know the address."""


class Disconnected(NotSent):
    """The connection to the mail server cannot be used any more."""


class OutcomeUnknown(Exception):
    """The connection broke after the mail was sent, and before the mail server said that it has it."""


class Post(Protocol):
    """A connection to the mail server."""

    def send(self, letter: Letter) -> None:
        """Sends a mail. Raises `NotSent`, `Refused`, `Disconnected` or `OutcomeUnknown`."""


class Mailer(Protocol):
    """Connects to the mail server."""

    def connected(self) -> AbstractContextManager[Post]:
        """Yields a connection. Raises `NotSent` if the server cannot be reached or refuses the login."""


class UnsubscribeTokens(Protocol):
    """Makes and reads the tokens that are in mails. Only the user's own mails have the user's token."""

    def make(self, user_id: str) -> str:
        """Returns the token of a user, which nobody can guess and which can be part of a URL."""

    def read(self, text: str) -> str | None:
        """Returns the user's id, or None if this is no token."""


class MailRepository(Protocol):
    """Stores mails that are to be sent."""

    def find_waiting(self, user_id: str, *, daily: bool, item_id: str) -> Mail | None:
        """Returns a user's daily mail, or the mail about an item, that no process has claimed yet."""

    def find_due(self, now: datetime) -> Mail | None:
        """Returns the mail that is to be sent next, if its time has come, or None."""

    def save(self, mail: Mail) -> None:
        """Stores a mail, a new one or a new state of a stored one."""

    def remove(self, mail_id: str) -> None:
        """Removes a mail that has been sent, or never will be."""
