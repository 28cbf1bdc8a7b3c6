"""Reading the feed with filters: what matches, and how much is read for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.history.chain import GENESIS
from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Role, User
from taskmgr.domain.ports.feed import EMPTY_FEED, FeedEntry, FeedHead, FeedPart
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.feed import FeedService, ResyncRequired
from taskmgr.domain.services.visible_changes import matches
from tests.factories import NOW, SYSTEM, Clock, a_change, an_actor
from tests.feeds import fill_feed

HASH = bytes(range(32))


class LongFeed:
    """A feed of so many entries, of which every `step`th matches any query; counts what is read."""

    def __init__(self, length: int, step: int) -> None:
        self.length, self.step = length, step
        self.read_entries = 0

    def head(self) -> FeedHead:
        return FeedHead(seq=self.length, hash=HASH, at=NOW) if self.length else EMPTY_FEED

    def hash_at(self, seq: int) -> bytes | None:
        return GENESIS if seq == 0 else HASH if seq <= self.length else None

    def read(self, after: int, *, limit: int, query: ActivityQuery = ActivityQuery()) -> FeedPart:  # noqa: ARG002
        last = min(after + limit, self.length)
        self.read_entries += last - after
        matching = [n for n in range(after + 1, last + 1) if n % self.step == 0]
        entries = [FeedEntry(seq=n, hash=HASH, change=a_change()) for n in matching]
        return FeedPart(entries=entries, last=last, hash=HASH if last > after else None)


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 25_000])
@pytest.mark.parametrize("step", [1, 7, 3_000, 10**6])
@pytest.mark.parametrize("limit", [1, 100, 500])
def test_pages_have_every_match_once_and_reading_stays_bounded(
    store: Store, length: int, step: int, limit: int
) -> None:
    feed = LongFeed(length, step)
    service = FeedService(replace(store, feed=feed))
    found: list[int] = []
    since, more = "0", True
    while more and len(found) < 200:
        before = feed.read_entries
        page = service.changes(since=since, limit=limit, by=SYSTEM)
        assert feed.read_entries - before <= 10_500
        assert len(page.items) <= limit
        assert not page.more or str(page.next) != since
        found += [entry.seq for entry in page.items]
        since, more = str(page.next), page.more

    expected = list(range(step, length + 1, step))
    assert found == expected[: len(found)]
    assert len(found) == len(expected) or len(found) >= 200
    assert more or page.next.seq == length


def test_a_position_that_is_none_is_invalid_and_that_of_another_history_gone(store: Store) -> None:
    service = FeedService(replace(store, feed=LongFeed(5, 1)))

    assert service.changes(since="5-000102", by=SYSTEM).items == []
    with pytest.raises(Invalid, match="since: Must be a position"):
        service.changes(since="five", by=SYSTEM)
    for since in ("5-000000", "6-000102"):
        with pytest.raises(ResyncRequired) as caught:
            service.changes(since=since, by=SYSTEM)
        assert caught.value.head.seq == 5


def test_a_query_matches_in_memory_what_it_selects_in_the_database(
    mongodb_uri: str,
    database: Database[Any],
    store: Store,
    services: Services,
    clock: Clock,
    make_task: Callable[..., Task],
    make_user: Callable[..., User],
) -> None:
    ada = make_user("ada", email="ada@example.org", role=Role.ADMIN)
    services.projects.create(by=SYSTEM, key="OPS", name="Operations")
    actor = services.actor("ada")
    for project in ("TASK", "OPS"):
        clock.now += timedelta(hours=1)
        task = make_task(project=project, by=actor)
        services.comments.create(task.id, text="Soon.", by=actor)
    services.tasks.change(task.id, {"project": "TASK"}, by=SYSTEM)
    for user in (ada, make_user("bob")):
        token = services.tokens.create(user_id=user.id, name="laptop", by=SYSTEM).token
        services.tokens.revoke(token.id, by=SYSTEM)
    fill_feed(mongodb_uri, database)
    everything = store.feed.read(0, limit=500).entries
    change_set = everything[-1].change.change_set
    queries = [
        ActivityQuery(),
        ActivityQuery(entity="task"),
        ActivityQuery(entity_id=task.id),
        ActivityQuery(by=ada.id),
        ActivityQuery(kinds=("task.created", "user.created")),
        ActivityQuery(change_set=change_set),
        ActivityQuery(projects=("OPS",)),
        ActivityQuery(projects=()),
        ActivityQuery(projects=("OPS", "TASK"), by=ada.id),
        ActivityQuery(at_from=NOW + timedelta(hours=2)),
        ActivityQuery(at_to=NOW + timedelta(hours=2)),
        ActivityQuery(at_from=NOW + timedelta(hours=1), at_to=NOW + timedelta(hours=2), entity="task"),
        ActivityQuery(but_users=True),
        ActivityQuery(credentials_of=ada.id),
        ActivityQuery(credentials_of=ada.id, but_users=True, entity="token"),
    ]
    for query in queries:
        selected = store.feed.read(0, limit=500, query=query).entries
        assert [e for e in everything if matches(query, e.change)] == list(selected), query
        assert query == ActivityQuery() or len(selected) < len(everything), query


def test_a_script_reads_the_changes_that_its_actor_may_see(
    mongodb_uri: str, database: Database[Any], services: Services, make_user: Callable[..., User]
) -> None:
    make_user("ada", email="ada@example.org")
    fill_feed(mongodb_uri, database)

    page = services.feed.changes(since="0", by=an_actor())

    assert [entry.change.after["email"] for entry in page.items] == [None]
    assert page.next.seq == services.feed.head(by=an_actor()).seq
