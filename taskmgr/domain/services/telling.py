"""Stores what users are told, in their inboxes and for the mails, as far as each of them wants it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskmgr.domain.model.inbox import MERGE_WITHIN, InboxItem, News, NewsKind
from taskmgr.domain.model.user import User
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.commands import NewId
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import concerns
from taskmgr.domain.services.mailing import MailService


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """That a user is to be told something of a task by an actor, for the first of the reasons they want."""

    user_id: str
    task_id: str
    by: str | None
    kinds: tuple[NewsKind, ...]
    news: Mapping[NewsKind, News]


def about_one(user_id: str, task_id: str, by: str | None, news: News) -> Telling:
    """Returns that a user is to be told of something for one reason."""
    kinds = (news.kind,)
    return Telling(user_id=user_id, task_id=task_id, by=by, kinds=kinds, news={news.kind: news})


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """Tells users. Called in the transaction that stores how far the notifier has come."""

    store: Store
    new_id: NewId
    mails: MailService | None

    def tell(self, tellings: Sequence[Telling]) -> None:
        """Stores what users are told, as far as they want it, in new items or in those that it belongs to."""
        users = self._users(telling.user_id for telling in tellings)
        tellings = [telling for telling in tellings if telling.user_id in users]
        if not tellings:
            return
        preferences = self.store.preferences.get_many(users)
        items = _Items(self.store.inbox.find_unread(users, self._earliest(tellings)), self.new_id)
        deliveries = []
        for telling in tellings:
            chosen = preferences[telling.user_id]
            kind = chosen.first_wanted(telling.kinds)
            if kind is not None:
                item = items.add(telling, telling.news[kind])
                deliveries.append((item, users[telling.user_id], chosen.channels[kind]))
        self.store.inbox.save(items.changed)
        if self.mails is not None:
            for item, user, channel in deliveries:
                self.mails.add(item, user, channel)

    def _users(self, ids: Iterable[str]) -> Mapping[str, User]:
        """Returns those among the actors who are users and may be told."""
        user_ids = {user_id for user_id in ids if is_identifier(user_id)}
        users = self.store.users.get_many(user_ids) if user_ids else {}
        return {user_id: user for user_id, user in users.items() if concerns.may_be_told(user)}

    @staticmethod
    def _earliest(tellings: Sequence[Telling]) -> datetime:
        """Returns the time of the oldest news that these may follow on."""
        first = min(news.at for telling in tellings for news in telling.news.values())
        return first - MERGE_WITHIN


class _Items:
    """The unread items that news may follow on, and the new ones."""

    def __init__(self, unread: Iterable[InboxItem], new_id: NewId) -> None:
        self._new_id = new_id
        self._latest = {(item.user_id, item.task_id, item.by): item for item in unread}
        self._changed: dict[str, InboxItem] = {}

    @property
    def changed(self) -> Sequence[InboxItem]:
        """The items that have got news."""
        return tuple(self._changed.values())

    def add(self, telling: Telling, news: News) -> InboxItem:
        """Adds news to the item that they follow on, or else to a new one, and returns it."""
        place = (telling.user_id, telling.task_id, telling.by)
        item = self._latest.get(place)
        if item is not None and item.accepts(news):
            item = item.with_news(news)
        else:
            item = InboxItem(
                id=self._new_id(), user_id=telling.user_id, task_id=telling.task_id, by=telling.by,
                news=(news,), at=news.at,
            )  # fmt: skip
        self._latest[place] = self._changed[item.id] = item
        return item
