"""What users have been told, what they watch, and which news they want. Each user sees only their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import parse_instant
from taskmgr.domain.model.errors import Invalid, NotPermitted, required
from taskmgr.domain.model.inbox import PARSERS, Channel, InboxItem, NewsKind, Preferences
from taskmgr.domain.model.task import TaskName
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.mail import UnsubscribeTokens
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action

MAX_IDS = 200
_READ_PARSERS: Mapping[str, parsing.Parser] = {
    "ids": parsing.optional(lambda value: parsing.distinct(value, values.identifier, maximum=MAX_IDS)),
    "up_to": parsing.optional(parse_instant),
}


@dataclass(frozen=True, slots=True)
class ListedItem:
    """An item with the present key and title of its task, which may be in the bin."""

    item: InboxItem
    task: TaskName


@dataclass(frozen=True, slots=True)
class InboxService:
    """Reads and changes the inbox, the watches and the preferences of the actor, who must be a user.

    Nobody else sees them, and the log has no entries about them.
    """

    store: Store
    clock: Clock
    tokens: UnsubscribeTokens

    def list(
        self, page_request: PageRequest = PageRequest(), *, by: Actor, unread: bool = False
    ) -> Page[ListedItem]:
        """Returns a page of the actor's items, or of the unread ones, newest first."""
        page = self.store.inbox.find(_user_id(by), page_request, unread=unread)
        names = self.store.tasks.names({item.task_id for item in page.items})
        unknown = TaskName("", None, "")  # tasks are never deleted
        items = [ListedItem(item, names.get(item.task_id, unknown)) for item in page.items]
        return Page(items=items, next=page.next, total=page.total)

    def count_unread(self, *, by: Actor) -> int:
        """Returns how many items of the actor are unread."""
        return self.store.inbox.count_unread(_user_id(by))

    def mark_read(
        self, *, by: Actor, ids: Collection[str] | None = None, up_to: datetime | str | None = None
    ) -> int:
        """Marks items of the actor as read, and returns how many items remain unread.

        With `ids` only these, and with `up_to` only those whose newest news (`at`) are not later; at least
        one of them is required. With both, items that have got more news meanwhile stay unread.
        """
        fields = parsing.parse_fields({"ids": ids, "up_to": up_to}, _READ_PARSERS)
        if ids is None and up_to is None:
            raise Invalid([required("up_to")])
        user_id = _user_id(by)

        def command() -> int:
            self.store.inbox.mark_read(user_id, at=self.clock(), ids=fields["ids"], up_to=fields["up_to"])
            return self.store.inbox.count_unread(user_id)

        return self.store.unit_of_work.run(command)

    def watch(self, task_id: str, *, by: Actor) -> None:
        """Tells the actor from now on what happens to a task. Raises `NotFound`."""
        user_id = _user_id(by)

        def command() -> None:
            self.store.watches.add(self.store.tasks.get(task_id).id, user_id, self.clock())

        self.store.unit_of_work.run(command)

    def unwatch(self, task_id: str, *, by: Actor) -> None:
        """Ends watching a task. Raises `NotFound`."""
        user_id = _user_id(by)

        def command() -> None:
            self.store.watches.remove(self.store.tasks.get(task_id).id, user_id)

        self.store.unit_of_work.run(command)

    def is_watching(self, task_id: str, *, by: Actor) -> bool:
        """Returns whether the actor watches a task. Raises `NotFound`."""
        return self.store.watches.exists(self.store.tasks.get(task_id).id, _user_id(by))

    def channels(self, *, by: Actor) -> Mapping[NewsKind, Channel]:
        """Returns how the actor gets each kind of news."""
        return self._preferences(_user_id(by)).channels

    def choose(
        self, channels: Mapping[str, Any], *, by: Actor, dry_run: bool = False
    ) -> Mapping[NewsKind, Channel]:
        """Changes how the actor gets some kinds of news, and returns all channels; None means the default."""
        fields = parsing.parse_fields(channels, PARSERS)
        user_id = _user_id(by)
        chosen = {NewsKind(kind): channel for kind, channel in fields.items()}

        def command() -> Mapping[NewsKind, Channel]:
            before = self._preferences(user_id)
            after = replace(before, chosen={**before.chosen, **chosen})
            self.store.preferences.save(after)
            return after.channels

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def knows_unsubscribe_token(self, token: str) -> bool:
        """Returns whether this is the token in the mails of a user."""
        return self.tokens.read(token) is not None

    def end_mails(self, token: str) -> bool:
        """Ends the mails to the user whose mails have this token; the news stay in the inbox.

        Whoever has the token may do so, and nothing else with it. Returns False if it is nobody's.
        """
        user_id = self.tokens.read(token)
        if user_id is None:
            return False

        def command() -> None:
            self.store.preferences.save(self._preferences(user_id).without_mail())

        self.store.unit_of_work.run(command)
        return True

    def _preferences(self, user_id: str) -> Preferences:
        return self.store.preferences.get_many([user_id])[user_id]


def _user_id(by: Actor) -> str:
    """Returns the id of the actor's user. Raises `NotPermitted` for a system process."""
    permissions.require(by, Action.READ)
    user_id = require_actor(by).user_id
    if user_id is None:
        raise NotPermitted("Only users have an inbox; a system process has none.")
    return user_id
