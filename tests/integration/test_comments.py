"""What is said about tasks, and that the log keeps all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from taskmgr.domain.model.errors import NotFound, Stale
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.services import Services
from tests.answers import assert_log_tells_of, log_of, mistakes, not_permitted
from tests.factories import NOW, SYSTEM, Clock

MakeTask = Callable[..., Task]


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task()


def test_a_comment_is_listed_and_leaves_the_task_as_it_is(
    services: Services, task: Task, member: Actor, viewer: Actor
) -> None:
    comment = services.comments.create(task.id, text=" Done. ", by=member)
    assert (comment.text, comment.author_id, comment.created_at) == ("Done.", member.id, NOW)
    assert list(services.comments.list(task.id, by=viewer).items) == [comment]
    assert services.tasks.get(task.id, by=viewer) == task


def test_comments_come_oldest_first_page_by_page(services: Services, task: Task, clock: Clock) -> None:
    for text in "abc":
        services.comments.create(task.id, text=text, by=SYSTEM)
        clock.advance(seconds=1)
    first = services.comments.list(task.id, PageRequest(limit=2), by=SYSTEM)
    second = services.comments.list(task.id, PageRequest(limit=2, after=first.next), by=SYSTEM)
    assert [comment.text for comment in (*first.items, *second.items)] == ["a", "b", "c"]


def test_a_comment_is_rewritten_by_its_author(
    services: Services, task: Task, member: Actor, clock: Clock
) -> None:
    comment = services.comments.create(task.id, text="Done.", by=member)
    now = clock.advance(hours=1)
    after = services.comments.change(task.id, comment.id, text="Not done.", by=member)
    assert after == replace(comment, text="Not done.", updated_at=now, version=2)
    assert_log_tells_of(services, after)


def test_the_same_text_changes_nothing(services: Services, task: Task, member: Actor) -> None:
    comment = services.comments.create(task.id, text="Done.", by=member)
    assert services.comments.change(task.id, comment.id, text=" Done. ", by=member) == comment
    assert len(log_of(services, comment.id)) == 1


def test_the_log_keeps_what_a_deleted_comment_said(services: Services, task: Task, member: Actor) -> None:
    comment = services.comments.create(task.id, text="Done.", by=member)
    assert services.comments.delete(task.id, comment.id, by=member) == comment
    assert list(services.comments.list(task.id, by=member).items) == []
    log = log_of(services, comment.id)
    assert [(entry.kind, entry.version) for entry in log] == [("comment.created", 1), ("comment.deleted", 2)]
    assert log[1].before == {"text": "Done."}


def test_others_comments_are_for_managers_and_admins(
    services: Services, task: Task, member: Actor, manager: Actor, viewer: Actor
) -> None:
    comment = services.comments.create(task.id, text="Done.", by=manager)
    for by in (member, viewer):
        not_permitted(lambda: services.comments.change(task.id, comment.id, text="x", by=by))  # noqa: B023
        not_permitted(lambda: services.comments.delete(task.id, comment.id, by=by))  # noqa: B023
    of_member = services.comments.create(task.id, text="Done.", by=member)
    assert services.comments.change(task.id, of_member.id, text="x", by=manager).author_id == member.id


def test_a_viewer_says_nothing(services: Services, task: Task, viewer: Actor) -> None:
    not_permitted(lambda: services.comments.create(task.id, text="x", by=viewer))


def test_an_empty_comment_is_none(services: Services, task: Task, member: Actor) -> None:
    assert mistakes(lambda: services.comments.create(task.id, text=" \u200b", by=member)) == [
        ("text", "blank")
    ]


def test_a_comment_belongs_to_its_task(services: Services, make_task: MakeTask, task: Task) -> None:
    comment = services.comments.create(task.id, text="x", by=SYSTEM)
    with pytest.raises(NotFound):
        services.comments.change(make_task().id, comment.id, text="y", by=SYSTEM)


def test_a_stale_comment_is_not_changed(services: Services, task: Task) -> None:
    comment = services.comments.create(task.id, text="x", by=SYSTEM)
    services.comments.change(task.id, comment.id, text="y", by=SYSTEM)
    with pytest.raises(Stale):
        services.comments.change(task.id, comment.id, text="z", by=SYSTEM, version=1)
    with pytest.raises(Stale):
        services.comments.delete(task.id, comment.id, by=SYSTEM, version=1)


def test_dry_runs_leave_nothing(services: Services, task: Task) -> None:
    services.comments.create(task.id, text="x", by=SYSTEM, dry_run=True)
    comment = services.comments.create(task.id, text="x", by=SYSTEM)
    services.comments.change(task.id, comment.id, text="y", by=SYSTEM, dry_run=True)
    services.comments.delete(task.id, comment.id, by=SYSTEM, dry_run=True)
    assert list(services.comments.list(task.id, by=SYSTEM).items) == [comment]


def test_the_comments_of_a_task_in_the_bin_come_back_with_it(services: Services, task: Task) -> None:
    comment = services.comments.create(task.id, text="x", by=SYSTEM)
    services.tasks.bin(task.id, by=SYSTEM)
    with pytest.raises(NotFound):
        services.comments.list(task.id, by=SYSTEM)
    services.tasks.restore(task.id, by=SYSTEM)
    assert list(services.comments.list(task.id, by=SYSTEM).items) == [comment]
