"""Stores what users are told, what they watch, and which news they want."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskmgr.domain.model.inbox import InboxItem, Preferences
from taskmgr.domain.queries.pages import Page, PageRequest

# Far away, so that a position without a task begins before all of its time.
NO_TASK = "0" * 24


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxPosition:
    """How far the telling has come: the number in the feed, or the time and the task of a due date."""

    seq: int = 0
    at: datetime
    task_id: str = NO_TASK


class InboxRepository(Protocol):
    """Stores the items of all inboxes, and how far the telling has come."""

    def find(self, user_id: str, page_request: PageRequest, *, unread: bool) -> Page[InboxItem]:
        """Returns a page of a user's items, or of the unread ones, newest first."""

    def count_unread(self, user_id: str) -> int:
        """Returns how many items of a user are unread."""

    def mark_read(
        self, user_id: str, *, at: datetime, ids: Collection[str] | None, up_to: datetime | None
    ) -> int:
        """Marks a user's unread items as read, and returns how many.

        With `ids` only these, and with `up_to` only those whose newest news are not later.
        """

    def find_unread(self, user_ids: Collection[str], since: datetime) -> Sequence[InboxItem]:
        """Returns the unread items of these users with news since then, the oldest first."""

    def get_many(self, item_ids: Collection[str]) -> Sequence[InboxItem]:
        """Returns the items that exist among these, the oldest first."""

    def save(self, items: Collection[InboxItem]) -> None:
        """Stores items, new ones and new states of stored ones."""

    def position(self, name: str) -> InboxPosition | None:
        """Returns a stored position, or None."""

    def set_position(self, name: str, position: InboxPosition) -> None:
        """Stores a position."""

    def add_reminders(self, reminders: Collection[str], at: datetime) -> Set[str]:
        """Stores reminders by their keys, and returns those that were not stored yet."""


class WatchRepository(Protocol):
    """Stores who watches which task."""

    def add(self, task_id: str, user_id: str, at: datetime) -> None:
        """Stores that a user watches a task; nothing happens if it is stored already."""

    def remove(self, task_id: str, user_id: str) -> None:
        """Stores that a user no longer watches a task."""

    def exists(self, task_id: str, user_id: str) -> bool:
        """Returns whether a user watches a task."""

    def watchers(self, task_ids: Collection[str]) -> Mapping[str, Set[str]]:
        """Returns the ids of those who watch these tasks, by task."""


class PreferencesRepository(Protocol):
    """Stores which news users want, and how."""

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        """Returns the preferences of these users, by id; those who have chosen nothing have the defaults."""

    def save(self, preferences: Preferences) -> None:
        """Stores a user's preferences."""
