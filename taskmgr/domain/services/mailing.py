"""Decides which mails are sent, and keeps account of what has been sent.

A mail is claimed before it is sent and removed afterwards. A process that is killed in between leaves a
claimed mail; when the claim has expired, it is sent once more with the same `Message-ID`, and never again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taskmgr.domain.model.inbox import Channel, InboxItem
from taskmgr.domain.model.mail import AT_ONCE_AFTER, MAX_ATTEMPTS, Mail, Part, next_daily
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import TaskName
from taskmgr.domain.model.user import User
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.mail import UNSUBSCRIBE, Letter, UnsubscribeTokens
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import concerns
from taskmgr.domain.services import letters

MAX_ITEMS = 200  # in one daily mail
MAX_UNKNOWN = 1  # how often a mail is sent again although it may have been sent


@dataclass(frozen=True, kw_only=True, slots=True)
class MailService:
    """Prepares mails. `public_url` is the address of the service, for links; without it there are none."""

    store: Store
    policy: Policy
    clock: Clock
    new_id: NewId
    public_url: str | None
    tokens: UnsubscribeTokens

    def add(self, item: InboxItem, user: User, channel: Channel) -> None:
        """Makes sure that new news of an item are mailed. Called in the transaction that stores them."""
        if user.email is None or channel not in (Channel.MAIL, Channel.DAILY):
            return
        daily = channel is Channel.DAILY
        waiting = self.store.mails.find_waiting(user.id, daily=daily, item_id=item.id)
        if waiting is None:
            now = self.clock()
            send_at = next_daily(now, self.policy.time_zone) if daily else now + AT_ONCE_AFTER
            waiting = Mail(
                id=self.new_id(), user_id=user.id, is_daily=daily, item_ids=(item.id,), send_at=send_at
            )
        elif item.id in waiting.item_ids or len(waiting.item_ids) >= MAX_ITEMS:
            return
        else:
            waiting = replace(waiting, item_ids=(*waiting.item_ids, item.id))
        self.store.mails.save(waiting)

    def is_due(self) -> bool:
        """Returns whether a mail is to be sent now."""
        return self.store.mails.find_due(self.clock()) is not None

    def claim(self) -> tuple[Mail, Letter] | None:
        """Claims the next mail, and returns it with what it says; None if no mail is due.

        Mails that have nothing to tell any more, because everything has been read, are removed.
        """
        while (mail := self.store.mails.find_due(self.clock())) is not None:
            claimed = self.store.unit_of_work.run(lambda mail=mail: self._claim(mail))  # type: ignore[misc]
            if claimed is not None:
                return claimed
        return None

    def note_sent(self, mail: Mail) -> None:
        """Notes that a mail has been sent, or never will be."""
        self.store.unit_of_work.run(lambda: self.store.mails.remove(mail.id))

    def note_failure(self, mail: Mail) -> None:
        """Notes that a mail has certainly not been sent; it is tried again, a limited number of times."""
        if mail.attempts >= MAX_ATTEMPTS:
            self.note_sent(mail)
            return
        failed = mail.failed(now=self.clock())
        self.store.unit_of_work.run(lambda: self.store.mails.save(failed))

    def _claim(self, found: Mail) -> tuple[Mail, Letter] | None:
        now = self.clock()
        mail = self.store.mails.find_due(now)
        if mail is None or mail.id != found.id:  # another process was faster
            return None
        items = {item.id: item for item in self.store.inbox.get_many(mail.item_ids)}
        parts = mail.parts if mail.parts is not None else self._parts(items)
        user = self.store.users.get_many([mail.user_id]).get(mail.user_id)
        claimed = mail.claimed(parts, now=now)
        letter = None
        if user is not None and self._is_wanted(user) and claimed.unknown <= MAX_UNKNOWN:
            letter = self._letter(claimed, user, items)
        if letter is None:
            self.store.mails.remove(mail.id)
            return None
        if mail.parts is None:
            told = [replace(items[part.item_id], mailed=part.end) for part in parts]
            self.store.inbox.save(told)
        self.store.mails.save(claimed)
        return claimed, letter

    def _is_wanted(self, user: User) -> bool:
        """Returns whether a user still gets mails, which they may have ended while this one waited."""
        if not user.email or not concerns.may_be_told(user):
            return False
        return self.store.preferences.get_many([user.id])[user.id].has_mail

    @staticmethod
    def _parts(items: Mapping[str, InboxItem]) -> tuple[Part, ...]:
        """Returns the news that are neither read nor mailed yet."""
        unread = [item for item in items.values() if item.read_at is None and item.mailed < len(item.news)]
        return tuple(Part(item_id=item.id, start=item.mailed, end=len(item.news)) for item in unread)

    def _letter(self, mail: Mail, user: User, items: Mapping[str, InboxItem]) -> Letter | None:
        sections = self._sections(mail, items)
        if not sections:
            return None
        unsubscribe_url = None
        footer: letters.Footer = [("Choose what you are told: PATCH /api/v1/users/me/notifications", None)]
        if self.public_url is not None:
            unsubscribe_url = f"{self.public_url}{UNSUBSCRIBE}?token={self.tokens.make(user.id)}"
            footer = [
                ("Choose what you are told", f"{self.public_url}/settings/notifications"),
                ("No more mails", unsubscribe_url),
            ]
        return Letter(
            to=user.email or "",
            name=user.name,
            subject=letters.subject_of(sections, daily=mail.is_daily),
            text=letters.text_of(sections, footer),
            html=letters.html_of(sections, footer),
            message_id=f"mail.{mail.id}",
            thread=None if mail.is_daily else f"task.{sections[0].task.id}",
            unsubscribe_url=unsubscribe_url,
        )

    def _sections(self, mail: Mail, items: Mapping[str, InboxItem]) -> Sequence[letters.Section]:
        """Returns what is told about tasks outside the bin."""
        parts = [part for part in mail.parts or () if part.item_id in items]
        tasks = self.store.tasks.get_many({items[part.item_id].task_id for part in parts})
        people = {item.by for item in items.values() if item.by is not None and is_identifier(item.by)}
        users = self.store.users.get_many(people) if people else {}
        comments = {news.comment_id for item in items.values() for news in item.news if news.comment_id}
        texts = self.store.comments.texts(comments) if comments else {}
        sections = []
        for part in parts:
            item = items[part.item_id]
            task = tasks.get(item.task_id)
            if task is not None:
                by = item.by or ""
                who = users[by].name if by in users else by
                sections.append(self._section(item, part, task.name, who, texts))
        return sections

    def _section(
        self, item: InboxItem, part: Part, task: TaskName, who: str, texts: Mapping[str, str]
    ) -> letters.Section:
        news = item.news[part.start : part.end]
        return letters.section_of(news, task, who=who, comments=texts, public_url=self.public_url)
