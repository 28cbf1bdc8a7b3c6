"""Sends mails, as a job of the background process."""

from __future__ import annotations

import structlog

from taskmgr.domain.ports.mail import Disconnected, Mailer, NotSent, OutcomeUnknown, Refused
from taskmgr.domain.services.mailing import MailService

_INTERVAL = 10.0  # seconds between two looks at the waiting mails
_PAUSE = 60.0  # seconds after which an unusable mail server is tried again

_log = structlog.get_logger("taskmgr.mail")


class MailJob:
    """Sends the mails that are due, one after the other, over one connection."""

    name = "mail"

    def __init__(self, mails: MailService, mailer: Mailer) -> None:
        self._mails = mails
        self._mailer = mailer

    def close(self) -> None:
        """Does nothing: a step leaves nothing in progress."""

    def step(self) -> float:
        """Sends the mails that are due. If the mail server cannot be reached, they stay as they are."""
        if not self._mails.is_due():
            return _INTERVAL
        try:
            self._send_all()
        except NotSent as error:
            _log.warning("mails cannot be sent", reason=str(error))
            return _PAUSE
        return _INTERVAL

    def _send_all(self) -> None:
        with self._mailer.connected() as post:
            while (claimed := self._mails.claim()) is not None:
                mail, letter = claimed
                try:
                    post.send(letter)
                except OutcomeUnknown as error:
                    _log.warning("it is unknown whether a mail was sent", mail=mail.id, reason=str(error))
                    return  # the claim stays, and the mail is sent once more when it has expired
                except Refused as error:
                    _log.warning("a mail was refused", mail=mail.id, reason=str(error))
                    self._mails.note_sent(mail)
                except Disconnected as error:
                    self._mails.note_failure(mail)
                    raise NotSent(str(error)) from error
                except NotSent as error:
                    _log.warning("a mail was not sent", mail=mail.id, reason=str(error))
                    self._mails.note_failure(mail)
                else:
                    self._mails.note_sent(mail)
