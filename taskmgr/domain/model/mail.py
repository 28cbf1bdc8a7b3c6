"""Mails that are to be sent about items of an inbox."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

AT_ONCE_AFTER = timedelta(minutes=1)  # so that what is done in a row is one mail
DAILY_AT = time(7)  # in the service's time zone
CLAIMED_FOR = timedelta(minutes=5)  # longer than sending one mail can take
MAX_ATTEMPTS = 12
_MAX_DELAY = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The news of an item, from one position to another, that a mail tells."""

    item_id: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail to a user about items of their inbox, with all daily news or with the news of one item.

    While it waits, more items may be added. Once a process has claimed it to send it, `parts` say what it
    tells, which never changes again. `claimed_until` is set while a process sends it. Once that time has
    passed, nobody knows whether the mail was sent; `unknown` counts such ends.
    """

    id: str
    user_id: str
    is_daily: bool
    item_ids: tuple[str, ...]
    send_at: datetime
    parts: tuple[Part, ...] | None = None
    claimed_until: datetime | None = None
    attempts: int = 0
    unknown: int = 0

    def claimed(self, parts: tuple[Part, ...], *, now: datetime) -> Mail:
        """Returns this mail as a process sends it."""
        return replace(
            self,
            parts=parts,
            claimed_until=now + CLAIMED_FOR,
            send_at=now + CLAIMED_FOR,
            attempts=self.attempts + 1,
            unknown=self.unknown + (self.claimed_until is not None),
        )

    def failed(self, *, now: datetime) -> Mail:
        """Returns this mail as it waits for another attempt; it has certainly not been sent."""
        delay = min(timedelta(minutes=2**self.attempts), _MAX_DELAY)
        return replace(self, claimed_until=None, send_at=now + delay)


def next_daily(now: datetime, zone: tzinfo) -> datetime:
    """Returns the next time after `now` at which daily mails are sent."""
    local = now.astimezone(zone)
    for days in (0, 1):
        at = datetime.combine(local.date() + timedelta(days=days), DAILY_AT, tzinfo=zone).astimezone(UTC)
        if at > now:
            break
    return at
