"""Reads the feed: all changes in the order in which they were committed, from any place on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taskmgr.domain.history.feed_position import FeedPosition, parse_position
from taskmgr.domain.model import parsing
from taskmgr.domain.model.errors import DomainError
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.feed import FeedEntry, FeedHead
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.visible_changes import as_seen_by, visible

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
# How many entries a call reads at most, if few of them match.
_MAX_SCANNED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPage:
    """Entries of the feed in order, and the position after them.

    `next` is after everything that was read, also after entries that do not match. If `more` is true, the
    feed may go on there already.
    """

    items: Sequence[FeedEntry]
    next: FeedPosition
    more: bool


class ResyncRequired(DomainError):
    """The feed does not have this position: a backup was restored, or the database is another one.

    Whoever keeps a copy has to read everything again, and to go on from `head`.
    """

    code = "resync_required"

    def __init__(self, position: FeedPosition, head: FeedHead) -> None:
        self.position = position
        self.head = head
        super().__init__(
            f"The feed does not have the position {position}, because a backup was restored, or because "
            "the position is that of another database. Read everything again, and continue from the head."
        )


@dataclass(frozen=True, slots=True)
class FeedService:
    """Reads the feed. It shows an actor the same as the log does."""

    store: Store

    def head(self, *, by: Actor) -> FeedHead:
        """Returns the end of the feed."""
        permissions.require(by, Action.READ)
        return self.store.feed.head()

    def changes(
        self,
        query: ActivityQuery = ActivityQuery(),
        *,
        since: FeedPosition | str | None = None,
        limit: int = DEFAULT_LIMIT,
        by: Actor,
    ) -> FeedPage:
        """Returns at most `limit` entries after a position that match and that the actor may see.

        `since` is `next` of the page before, or "0" for the beginning of history. Without it, the page has
        no entries, and `next` is the end of the feed. Raises `ResyncRequired`, and `Invalid` for unknown
        projects.
        """
        query, position = self.start(query, since=since, by=by)
        if since is None:
            return FeedPage(items=(), next=position, more=False)
        page = self._scan(position, min(limit, MAX_LIMIT), query)
        return replace(page, items=[_entry_as_seen_by(by, entry) for entry in page.items])

    def start(
        self, query: ActivityQuery, *, since: FeedPosition | str | None = None, by: Actor
    ) -> tuple[ActivityQuery, FeedPosition]:
        """Returns the query for those of the entries that the actor may see, and the position to begin at.

        Without `since` that is the end of the feed. Raises `ResyncRequired`, and `Invalid` for unknown
        projects.
        """
        query = visible(self.store, query, by=by)
        if since is None:
            head = self.store.feed.head()
            return query, FeedPosition.after(head.seq, head.hash)
        position: FeedPosition = parsing.parse_fields({"since": since}, {"since": parse_position})["since"]
        digest = self.store.feed.hash_at(position.seq)
        if digest is None or FeedPosition.after(position.seq, digest) != position:
            raise ResyncRequired(position, self.store.feed.head())
        return query, position

    def tasks(self, entries: Sequence[FeedEntry], *, by: Actor) -> Mapping[str, Task]:
        """Returns the present state of the tasks that these entries are about, by id, also in the bin."""
        permissions.require(by, Action.READ)
        changes = (entry.change for entry in entries)
        ids = {change.entity_id for change in changes if change.entity == "task"}
        return self.store.tasks.get_many(ids, with_binned=True)

    def _scan(self, position: FeedPosition, limit: int, query: ActivityQuery) -> FeedPage:
        """Reads on until there are enough entries, the feed ends, or many entries have been read.

        If few entries match, each read is of more entries than the one before.
        """
        items: list[FeedEntry] = []
        window, scanned, more = limit, 0, True
        while more and len(items) < limit and scanned < _MAX_SCANNED:
            part = self.store.feed.read(position.seq, limit=window, query=query)
            entries = part.entries[: limit - len(items)]
            items += entries
            if len(entries) < len(part.entries):
                return FeedPage(items=items, next=_after(entries[-1]), more=True)
            more = part.last == position.seq + window
            position = position if part.hash is None else FeedPosition.after(part.last, part.hash)
            scanned += window
            window = min(2 * window, MAX_LIMIT)
        more = more and position.seq < self.store.feed.head().seq
        return FeedPage(items=items, next=position, more=more)


def _after(entry: FeedEntry) -> FeedPosition:
    return FeedPosition.after(entry.seq, entry.hash)


def _entry_as_seen_by(actor: Actor, entry: FeedEntry) -> FeedEntry:
    return replace(entry, change=as_seen_by(actor, entry.change))
