"""The inbox over HTTP: lists, marking as read, watches, and the choice of channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.model.inbox import DEFAULT_CHANNELS, InboxItem, News, NewsKind
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from tests.api.client import Client, problem
from tests.api.operations import World
from tests.factories import NOW, an_id

MOVED = News(kind=NewsKind.MOVED, at=NOW, entry_id=an_id(), status="in_progress")


@pytest.fixture
def tell(store: Store, world: World) -> Callable[..., InboxItem]:
    """Stores an item of Ada's: `tell(minutes=3)` about a move three minutes after `NOW`."""

    def told(minutes: int = 0, user: str = "user", **fields: Any) -> InboxItem:
        at = NOW + timedelta(minutes=minutes)
        plain = InboxItem(
            id=an_id(), user_id=world[user], task_id=world["task"], by=world["other_user"],
            news=(replace(MOVED, at=at),), at=at,
        )  # fmt: skip
        item = replace(plain, **fields)
        store.unit_of_work.run(lambda: store.inbox.save([item]))
        return item

    return told


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer.json["items"]]


def test_an_item_names_the_task_the_actor_and_what_happened(
    client: Client, world: World, tell: Callable[..., InboxItem]
) -> None:
    item = tell()

    (shown,) = client.as_("ada").get("inbox").json["items"]

    assert shown == {
        "id": item.id,
        "task": {"id": world["task"], "key": world["task_key"], "title": "Task"},
        "by": world["other_user"],
        "at": "2026-03-10T12:00:00.000Z",
        "read_at": None,
        "news": [
            {
                "kind": "moved",
                "at": "2026-03-10T12:00:00.000Z",
                "entry_id": MOVED.entry_id,
                "comment_id": None,
                "status": "in_progress",
                "blocker_id": None,
                "due_date": None,
            }
        ],
    }


def test_items_come_newest_first_and_page_by_page(client: Client, tell: Callable[..., InboxItem]) -> None:
    items = [tell(minutes) for minutes in range(5)]
    ada = client.as_("ada")

    first = ada.get("inbox?limit=2&total=true")
    second = ada.get(f"inbox?limit=2&cursor={first.json['next']}")

    assert ids(first) + ids(second) == [item.id for item in items[:0:-1]]
    assert first.json["total"] == 5


def test_nobody_sees_the_inbox_of_somebody_else(client: Client, tell: Callable[..., InboxItem]) -> None:
    tell()

    assert ids(client.as_("admin").get("inbox")) == []


def test_only_unread_items_are_listed_on_request_and_counted_in_the_own_user(
    client: Client, tell: Callable[..., InboxItem]
) -> None:
    unread = tell(1)
    tell(2, read_at=NOW)
    ada = client.as_("ada")

    assert ids(ada.get("inbox?unread=true")) == [unread.id]
    assert len(ids(ada.get("inbox"))) == 2
    assert ada.get("users/me").json["unread"] == 1


def test_the_tag_of_the_own_user_changes_with_the_number_of_unread_items(
    client: Client, tell: Callable[..., InboxItem]
) -> None:
    ada = client.as_("ada")
    tag = {"If-None-Match": ada.get("users/me").headers["ETag"]}

    assert ada.get("users/me", headers=tag).status_code == 304
    tell()
    assert ada.get("users/me", headers=tag).status_code == 200


def test_reading_up_to_a_time_leaves_what_came_later(client: Client, tell: Callable[..., InboxItem]) -> None:
    tell(1)
    seen, later = tell(2), tell(3)
    ada = client.as_("ada")

    answer = ada.post("inbox/read", body={"up_to": seen.at.isoformat()})

    assert answer.json == {"unread": 1}
    assert ids(ada.get("inbox?unread=true")) == [later.id]


def test_reading_some_items_leaves_the_others(client: Client, tell: Callable[..., InboxItem]) -> None:
    items = [tell(1), tell(2), tell(3)]
    ada = client.as_("ada")

    answer = ada.post("inbox/read", body={"ids": [items[0].id, items[2].id, an_id()]})

    assert answer.json == {"unread": 1}
    assert ids(ada.get("inbox?unread=true")) == [items[1].id]


def test_an_item_that_has_got_more_news_meanwhile_stays_unread(
    client: Client, tell: Callable[..., InboxItem]
) -> None:
    item = tell(2)

    answer = client.as_("ada").post("inbox/read", body={"ids": [item.id], "up_to": "2026-03-10T12:01:00Z"})

    assert answer.json == {"unread": 1}


def test_nobody_reads_the_items_of_somebody_else(client: Client, tell: Callable[..., InboxItem]) -> None:
    item = tell()

    client.as_("admin").post("inbox/read", body={"ids": [item.id]})

    assert client.as_("ada").get("users/me").json["unread"] == 1


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, "body.up_to"),
        ({"up_to": "soon"}, "body.up_to"),
        ({"ids": ["OPS-1"]}, "body.ids.0"),
        ({"ids": [f"{number:024x}" for number in range(201)]}, "body.ids"),
        ({"ids": None}, "body.ids"),
    ],
)
def test_what_to_mark_as_read_has_to_be_said_properly(
    client: Client, world: World, body: dict[str, Any], location: str
) -> None:
    answer = client.as_("ada").post("inbox/read", body=body)

    assert [error["location"] for error in problem(answer, "invalid")["errors"]] == [location]


def test_a_task_is_watched_until_that_ends(client: Client, world: World) -> None:
    viewer, path = client.as_("viewer"), f"tasks/{world['task_key']}/watch"
    assert viewer.get(path).json == {"watching": False}

    for _ in range(2):
        assert viewer.put(path).json == {"watching": True}
        assert viewer.get(path).json == {"watching": True}
    assert client.as_("admin").get(path).json == {"watching": False}
    for _ in range(2):
        assert viewer.delete(path).json == {"watching": False}
        assert viewer.get(path).json == {"watching": False}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_task_that_is_in_the_bin_or_unknown_cannot_be_watched(
    client: Client, world: World, method: str
) -> None:
    for task_id in (world["binned"], an_id(), "OPS-999"):
        problem(client.as_("admin").open(method, f"tasks/{task_id}/watch"), "not_found")


def test_channels_can_be_chosen_one_by_one_and_go_back_to_the_default(client: Client, world: World) -> None:
    ada, path = client.as_("ada"), "users/me/notifications"
    defaults = {kind.value: channel.value for kind, channel in DEFAULT_CHANNELS.items()}
    assert ada.get(path).json == defaults

    ada.patch(path, body={"moved": "mail"})
    both = ada.patch(path, body={"assigned": "nothing"}).json

    assert both == ada.get(path).json == {**defaults, "moved": "mail", "assigned": "nothing"}
    assert client.as_("admin").get(path).json == defaults
    assert ada.patch(path, body={"moved": None, "assigned": None}).json == defaults


def test_unknown_kinds_and_channels_are_refused(client: Client, world: World) -> None:
    answer = client.as_("ada").patch("users/me/notifications", body={"moved": "sms", "poked": "mail"})

    errors = {error["location"]: error["code"] for error in problem(answer, "invalid")["errors"]}
    assert errors == {"body.moved": "not_allowed", "body.poked": "unknown_field"}


def test_a_task_in_the_bin_is_still_named_by_its_item(
    client: Client, world: World, tell: Callable[..., InboxItem], make_task: Callable[..., Task]
) -> None:
    tell(task_id=world["binned"])

    (item,) = client.as_("ada").get("inbox").json["items"]

    assert item["task"]["title"] == "Binned"
