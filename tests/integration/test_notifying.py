"""Who is told what, from the commands to the inbox, on a real MongoDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.inbox import InboxItem, NewsKind
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.services import Services
from tests.factories import NOW, SYSTEM, Clock
from tests.feeds import fill_feed

IN_TWO_DAYS = NOW + timedelta(days=2)


class Told:
    """Runs the notifier as the background process does, and reads what users were told."""

    def __init__(self, services: Services, mongodb_uri: str, database: Database[Any]) -> None:
        self._services, self._uri, self._database = services, mongodb_uri, database
        services.notifier.tell_changes()  # notes when it has begun
        services.notifier.tell_due_dates()

    def run(self) -> None:
        fill_feed(self._uri, self._database)
        while self._services.notifier.tell_changes():
            pass
        while self._services.notifier.tell_due_dates():
            pass

    def items(self, user: User) -> list[InboxItem]:
        """Everything that a user has been told, oldest first."""
        self.run()
        page = self._services.inbox.list(PageRequest(limit=200), by=Actor.of(user))
        return [row.item for row in reversed(page.items)]

    def kinds(self, user: User) -> list[str]:
        return [news.kind.value for item in self.items(user) for news in item.news]


@pytest.fixture
def told(services: Services, mongodb_uri: str, database: Database[Any]) -> Told:
    return Told(services, mongodb_uri, database)


@pytest.fixture
def eve(make_user: Callable[..., User]) -> User:
    return make_user("eve", role=Role.MANAGER)


@pytest.fixture
def task(make_task: Callable[..., Task], told: Told, ada: User, bob: User) -> Task:
    """A task that Ada has created."""
    return make_task(by=Actor.of(ada))


def as_(user: User) -> Actor:
    return Actor.of(user)


def test_an_assignment_is_told(services: Services, told: Told, task: Task, bob: User, eve: User) -> None:
    services.tasks.assign(task.id, assignee_id=bob.id, by=as_(eve))

    (item,) = told.items(bob)

    assert (item.task_id, item.by, item.news[0].kind) == (task.id, eve.id, NewsKind.ASSIGNED)


def test_a_mention_in_a_comment_is_told_with_the_comment(
    services: Services, told: Told, task: Task, bob: User, eve: User
) -> None:
    comment = services.comments.create(task.id, text="@bob, look.", by=as_(eve))

    (item,) = told.items(bob)

    assert (item.news[0].kind, item.news[0].comment_id) == (NewsKind.MENTIONED, comment.id)


def test_an_edit_that_adds_a_mention_is_told(
    services: Services, told: Told, task: Task, ada: User, bob: User
) -> None:
    comment = services.comments.create(task.id, text="Look.", by=as_(ada))
    services.comments.change(task.id, comment.id, text="@bob, look.", by=as_(ada))
    services.comments.change(task.id, comment.id, text="@bob, look!", by=as_(ada))

    assert told.kinds(bob) == ["mentioned"]


def test_a_mention_in_a_description_is_told(
    services: Services, told: Told, task: Task, ada: User, bob: User
) -> None:
    services.tasks.change(task.id, {"description": "@bob"}, by=as_(ada))

    assert told.kinds(bob) == ["mentioned"]


def test_creator_commenters_and_watchers_are_told_of_a_comment(
    services: Services,
    told: Told,
    task: Task,
    make_user: Callable[..., User],
    ada: User,
    bob: User,
    eve: User,
) -> None:
    dan = make_user("dan")
    services.comments.create(task.id, text="First.", by=as_(bob))
    services.inbox.watch(task.id, by=as_(dan))
    told.run()
    services.comments.create(task.id, text="Second.", by=as_(eve))

    assert [told.kinds(user)[-1] for user in (ada, bob, dan)] == ["commented"] * 3
    assert told.kinds(eve) == []


def test_whoever_stops_watching_is_told_nothing_more(
    services: Services, told: Told, task: Task, bob: User, eve: User
) -> None:
    services.inbox.watch(task.id, by=as_(bob))
    services.inbox.unwatch(task.id, by=as_(bob))
    services.comments.create(task.id, text="Well.", by=as_(eve))

    assert told.kinds(bob) == []


def test_moves_and_the_end_of_a_task_are_told(
    services: Services, told: Told, task: Task, ada: User, eve: User
) -> None:
    services.tasks.change(task.id, {"status": "in_progress", "assignee_id": eve.id}, by=as_(eve))
    services.tasks.change_status(task.id, status="cancelled", reason="Because.", by=as_(eve))

    (item,) = told.items(ada)

    assert [(news.kind.value, news.status) for news in item.news] == [
        ("moved", "in_progress"),
        ("closed", "cancelled"),
    ]


def test_the_last_completed_blocker_frees_a_task_and_only_that_is_told(
    services: Services, told: Told, make_task: Callable[..., Task], bob: User, eve: User
) -> None:
    blockers = [make_task(assignee_id=eve.id, status="in_progress") for _ in range(2)]
    waiting = make_task(assignee_id=bob.id, blocked_by=[blocker.id for blocker in blockers])
    for blocker in blockers:
        services.tasks.change_status(blocker.id, status="completed", by=as_(eve))

    freed = [item for item in told.items(bob) if item.by == eve.id]

    (news,) = [news for item in freed for news in item.news]
    assert freed[0].task_id == waiting.id
    assert (news.kind, news.blocker_id in {b.id for b in blockers}) == (NewsKind.UNBLOCKED, True)


def test_nobody_is_told_of_what_they_did_themselves(
    services: Services, told: Told, task: Task, ada: User
) -> None:
    services.tasks.change(task.id, {"assignee_id": ada.id, "description": "@ada"}, by=as_(ada))
    services.comments.create(task.id, text="@ada", by=as_(ada))
    services.tasks.change_status(task.id, status="cancelled", reason="x", by=as_(ada))

    assert told.items(ada) == []


def test_deactivated_users_and_programs_are_told_nothing(
    services: Services, told: Told, task: Task, make_user: Callable[..., User], bob: User
) -> None:
    robot = make_user("robot", kind="service")
    services.comments.create(task.id, text="@bob, @robot", by=SYSTEM)
    services.users.change(bob.id, {"active": False}, by=SYSTEM)
    told.run()
    services.users.change(bob.id, {"active": True}, by=SYSTEM)

    assert (told.items(bob), told.items(robot)) == ([], [])


def test_a_comment_that_is_gone_and_a_task_in_the_bin_are_not_told(
    services: Services, told: Told, task: Task, make_task: Callable[..., Task], bob: User
) -> None:
    comment = services.comments.create(task.id, text="@bob", by=SYSTEM)
    services.comments.delete(task.id, comment.id, by=SYSTEM)
    binned = make_task(assignee_id=bob.id)
    services.tasks.bin(binned.id, by=SYSTEM)

    assert told.items(bob) == []


def test_what_a_user_does_not_want_is_not_told(
    services: Services, told: Told, task: Task, bob: User, eve: User
) -> None:
    services.inbox.choose({"assigned": "nothing"}, by=as_(bob))
    services.tasks.assign(task.id, assignee_id=bob.id, by=as_(eve))

    assert told.items(bob) == []


def test_changes_within_ten_minutes_by_one_person_are_one_item(
    services: Services, told: Told, clock: Clock, task: Task, ada: User, bob: User, eve: User
) -> None:
    services.comments.create(task.id, text="One.", by=as_(eve))
    told.run()
    clock.advance(minutes=9)
    services.comments.create(task.id, text="Two.", by=as_(eve))
    services.comments.create(task.id, text="Three.", by=as_(bob))
    told.run()
    clock.advance(minutes=2)
    services.comments.create(task.id, text="Four.", by=as_(eve))

    items = told.items(ada)

    assert sorted((item.by, len(item.news)) for item in items) == sorted(
        [(eve.id, 2), (eve.id, 1), (bob.id, 1)]
    )


def test_an_item_that_has_been_read_is_followed_by_another(
    services: Services, told: Told, task: Task, ada: User, eve: User
) -> None:
    services.comments.create(task.id, text="One.", by=as_(eve))
    told.run()
    services.inbox.mark_read(up_to=NOW, by=as_(ada))
    services.comments.create(task.id, text="Two.", by=as_(eve))

    assert [item.read_at for item in told.items(ada)] == [NOW, None]
    assert services.inbox.count_unread(by=as_(ada)) == 1


def test_what_happened_before_the_first_start_is_not_told(
    services: Services, clock: Clock, make_task: Callable[..., Task], bob: User, mongodb_uri: str,
    database: Database[Any],
) -> None:  # fmt: skip
    make_task(assignee_id=bob.id)
    clock.advance(seconds=1)
    told = Told(services, mongodb_uri, database)
    later = make_task(assignee_id=bob.id)

    assert [item.task_id for item in told.items(bob)] == [later.id]


def test_a_due_date_is_told_a_day_before_and_when_it_has_passed_once_each(
    told: Told, clock: Clock, make_task: Callable[..., Task], bob: User
) -> None:
    make_task(assignee_id=bob.id, due_date=IN_TWO_DAYS)
    seen = []
    for hours in (0, 23, 1, 5, 18, 1, 30):  # 0, 23, 24, 29, 47, 48 and 78 hours after NOW
        clock.advance(hours=hours)
        seen.append(told.kinds(bob)[1:])  # without the assignment

    soon, both = ["due_soon"], ["due_soon", "overdue"]
    assert seen == [[], [], soon, soon, soon, both, both]


def test_after_a_pause_an_overdue_task_is_not_told_as_due_soon(
    told: Told, clock: Clock, make_task: Callable[..., Task], bob: User
) -> None:
    make_task(assignee_id=bob.id, due_date=IN_TWO_DAYS)
    told.run()
    clock.advance(days=3)

    assert told.kinds(bob) == ["assigned", "overdue"]


def test_another_due_date_is_told_again(
    services: Services, told: Told, clock: Clock, make_task: Callable[..., Task], bob: User
) -> None:
    task = make_task(assignee_id=bob.id, due_date=IN_TWO_DAYS)
    told.run()
    clock.advance(days=3)
    told.run()
    services.tasks.change(task.id, {"due_date": clock.now + timedelta(days=2)}, reason="x", by=SYSTEM)
    told.run()
    clock.advance(days=3)

    assert told.kinds(bob) == ["assigned", "overdue", "overdue"]


def test_a_due_date_that_somebody_else_sets_near_is_told_at_once(
    services: Services, told: Told, make_task: Callable[..., Task], bob: User, eve: User
) -> None:
    task = make_task(assignee_id=bob.id)
    services.tasks.change(task.id, {"due_date": NOW + timedelta(hours=3)}, by=as_(eve))

    assert told.kinds(bob) == ["assigned", "due_soon"]


def test_whoever_sets_their_own_due_date_near_knows_it_and_is_told_when_it_has_passed(
    services: Services, told: Told, clock: Clock, make_task: Callable[..., Task], bob: User
) -> None:
    task = make_task(assignee_id=bob.id)
    services.tasks.change(task.id, {"due_date": NOW + timedelta(hours=3)}, by=as_(bob))
    assert told.kinds(bob) == ["assigned"]

    clock.advance(hours=3)
    assert told.kinds(bob) == ["assigned", "overdue"]


@pytest.mark.parametrize("change", ["closed", "binned", "undated"])
def test_due_dates_that_no_longer_count_are_not_told(
    services: Services, told: Told, clock: Clock, make_task: Callable[..., Task], ada: User, change: str
) -> None:
    task = make_task(by=as_(ada), due_date=IN_TWO_DAYS)
    {
        "closed": lambda: services.tasks.change_status(task.id, status="cancelled", reason="x", by=as_(ada)),
        "binned": lambda: services.tasks.bin(task.id, by=as_(ada)),
        "undated": lambda: services.tasks.change(task.id, {"due_date": None}, reason="x", by=as_(ada)),
    }[change]()
    told.run()
    clock.advance(days=3)

    assert told.items(ada) == []


def test_many_tasks_that_are_due_at_the_same_moment_are_all_told_once(
    services: Services, told: Told, clock: Clock, ada: User
) -> None:
    rows: Any = [{"op": "create", "title": f"Task {n}", "due_date": IN_TWO_DAYS} for n in range(230)]
    services.bulk.run(rows, by=as_(ada))
    told.run()
    clock.advance(days=1)
    told.run()
    told.run()

    page = services.inbox.list(PageRequest(limit=1, with_total=True), by=as_(ada))

    assert page.total == 230


def test_two_notifiers_at_once_tell_everything_once(
    services: Services,
    told: Told,
    task: Task,
    ada: User,
    eve: User,
    mongodb_uri: str,
    database: Database[Any],
) -> None:
    for number in range(250):
        services.comments.create(task.id, text=f"Comment {number}", by=as_(eve))
    fill_feed(mongodb_uri, database)

    def run() -> None:
        while services.notifier.tell_changes():
            pass

    rivals = [Thread(target=run) for _ in range(2)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()

    entries = [news.entry_id for item in told.items(ada) for news in item.news]
    assert len(entries) == len(set(entries)) == 250


def test_a_failure_while_telling_tells_everything_once_when_it_is_tried_again(
    services: Services, store: Store, told: Told, task: Task, ada: User, eve: User, mongodb_uri: str,
    database: Database[Any],
) -> None:  # fmt: skip
    services.comments.create(task.id, text="Well.", by=as_(eve))
    fill_feed(mongodb_uri, database)

    class Killed(Exception):
        pass

    class FailingInbox:
        """Stores the items and fails before the position is stored."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store.inbox, name)

        def set_position(self, *_: Any) -> None:
            raise Killed

    failing = replace(services.notifier, store=replace(store, inbox=FailingInbox()))
    with pytest.raises(Killed):
        failing.tell_changes()

    assert database["inbox"].count_documents({}) == 0
    assert told.kinds(ada) == ["commented"]
