"""What a user is told: news about tasks, the items of an inbox, and how each kind of news is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from taskmgr.domain.model import parsing

MERGE_WITHIN = timedelta(minutes=10)
MAX_NEWS = 50  # in one item; the next one begins another item


class NewsKind(StrEnum):
    """Why a user is told something; a change that has several reasons is told for the first of them."""

    ASSIGNED = "assigned"
    MENTIONED = "mentioned"
    COMMENTED = "commented"
    CLOSED = "closed"
    MOVED = "moved"
    UNBLOCKED = "unblocked"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"


class Channel(StrEnum):
    """How a kind of news is delivered. News that are mailed are in the inbox, too."""

    INBOX = "inbox"
    MAIL = "mail"
    DAILY = "daily"
    NOTHING = "nothing"


DEFAULT_CHANNELS: Mapping[NewsKind, Channel] = MappingProxyType(
    {
        NewsKind.ASSIGNED: Channel.MAIL,
        NewsKind.MENTIONED: Channel.MAIL,
        NewsKind.COMMENTED: Channel.DAILY,
        NewsKind.CLOSED: Channel.INBOX,
        NewsKind.MOVED: Channel.INBOX,
        NewsKind.UNBLOCKED: Channel.DAILY,
        NewsKind.DUE_SOON: Channel.DAILY,
        NewsKind.OVERDUE: Channel.DAILY,
    }
)
PARSERS: Mapping[str, parsing.Parser] = {
    kind.value: parsing.null_as(parsing.one_of(Channel), default)
    for kind, default in DEFAULT_CHANNELS.items()
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """The channels that a user has chosen; the other kinds have the default."""

    user_id: str
    chosen: Mapping[NewsKind, Channel] = field(default_factory=dict)

    @property
    def channels(self) -> Mapping[NewsKind, Channel]:
        """The channel of each kind."""
        return {**DEFAULT_CHANNELS, **self.chosen}

    def first_wanted(self, kinds: Iterable[NewsKind]) -> NewsKind | None:
        """Returns the first of these kinds that the user wants to hear of, or None."""
        channels = self.channels
        return next((kind for kind in kinds if channels[kind] is not Channel.NOTHING), None)

    @property
    def has_mail(self) -> bool:
        """Whether the user gets any mails."""
        return not {Channel.MAIL, Channel.DAILY}.isdisjoint(self.channels.values())

    def without_mail(self) -> Preferences:
        """Returns these preferences with the inbox in the place of every mail."""
        mailed = (Channel.MAIL, Channel.DAILY)
        inbox = {kind: Channel.INBOX for kind, channel in self.channels.items() if channel in mailed}
        return replace(self, chosen={**self.chosen, **inbox})


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """One thing that a user is told. The fields after `at` are None if they do not belong to the kind.

    `entry_id` is the entry of the log; news about due dates have none. `comment_id` is the comment, for a
    mention also None if the description has it. `status` is the new status, `blocker_id` the task that was
    completed, and `due_date` the date as it is sent.
    """

    kind: NewsKind
    at: datetime
    entry_id: str | None = None
    comment_id: str | None = None
    status: str | None = None
    blocker_id: str | None = None
    due_date: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxItem:
    """The news that a user gets about one task by one actor within `MERGE_WITHIN`, oldest first.

    `by` is an actor's id, or None for due dates. `at` is the time of the newest news. `mailed` is how many of
    the news have been mailed.
    """

    id: str
    user_id: str
    task_id: str
    by: str | None
    news: tuple[News, ...]
    at: datetime
    read_at: datetime | None = None
    mailed: int = 0

    def accepts(self, news: News) -> bool:
        """Returns whether news about the same task by the same actor become part of this item."""
        if self.by is None or self.read_at is not None or len(self.news) >= MAX_NEWS:
            return False
        return abs(news.at - self.news[0].at) <= MERGE_WITHIN

    def with_news(self, news: News) -> InboxItem:
        """Returns this item with one more piece of news."""
        return replace(self, news=(*self.news, news), at=max(self.at, news.at))
