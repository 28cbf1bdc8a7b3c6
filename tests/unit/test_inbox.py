"""Inbox items: which news go together, and which a user wants."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from taskmgr.domain.model.inbox import (
    DEFAULT_CHANNELS,
    MAX_NEWS,
    Channel,
    InboxItem,
    News,
    NewsKind,
    Preferences,
)
from tests.factories import NOW, an_id

MOVED = News(kind=NewsKind.MOVED, at=NOW, status="in_progress")
ITEM = InboxItem(id=an_id(), user_id=an_id(), task_id=an_id(), by=an_id(), news=(MOVED,), at=NOW)


def moved(**later: float) -> News:
    return replace(MOVED, at=NOW + timedelta(**later))


def test_news_within_ten_minutes_of_the_first_belong_to_its_item() -> None:
    assert ITEM.accepts(moved(minutes=10))
    assert not ITEM.accepts(moved(minutes=10, milliseconds=1))


def test_ten_minutes_are_counted_from_the_first_news_and_not_from_the_last() -> None:
    item = ITEM.with_news(moved(minutes=9))

    assert item.at == NOW + timedelta(minutes=9)
    assert not item.accepts(moved(minutes=11))


def test_news_of_slightly_earlier_commands_belong_to_the_item_too() -> None:
    item = ITEM.with_news(moved(seconds=-1))

    assert ITEM.accepts(moved(seconds=-1))
    assert item.at == NOW  # the newest


def test_an_item_that_has_been_read_takes_no_more_news() -> None:
    assert not replace(ITEM, read_at=NOW).accepts(moved(seconds=1))


def test_news_about_due_dates_are_items_of_their_own() -> None:
    assert not replace(ITEM, by=None).accepts(moved(seconds=1))


def test_an_item_does_not_grow_without_bound() -> None:
    assert not replace(ITEM, news=(MOVED,) * MAX_NEWS).accepts(moved(seconds=1))


def test_every_kind_has_a_default() -> None:
    assert set(DEFAULT_CHANNELS) == set(NewsKind)
    assert Preferences(user_id=an_id()).channels == DEFAULT_CHANNELS


def test_a_choice_replaces_only_its_own_default() -> None:
    channels = Preferences(user_id=an_id(), chosen={NewsKind.MOVED: Channel.NOTHING}).channels

    assert channels == {**DEFAULT_CHANNELS, NewsKind.MOVED: Channel.NOTHING}


@pytest.mark.parametrize(
    ("unwanted", "told"),
    [((), NewsKind.MENTIONED), ((NewsKind.MENTIONED,), NewsKind.COMMENTED)],
)
def test_a_user_is_told_for_the_first_reason_that_they_want_to_hear_of(
    unwanted: tuple[NewsKind, ...], told: NewsKind
) -> None:
    preferences = Preferences(user_id=an_id(), chosen=dict.fromkeys(unwanted, Channel.NOTHING))

    assert preferences.first_wanted((NewsKind.MENTIONED, NewsKind.COMMENTED)) is told


def test_a_user_who_wants_none_of_the_reasons_is_told_nothing() -> None:
    preferences = Preferences(user_id=an_id(), chosen={NewsKind.MOVED: Channel.NOTHING})

    assert preferences.first_wanted((NewsKind.MOVED,)) is None


def test_unsubscribing_moves_every_mail_to_the_inbox_and_leaves_the_rest() -> None:
    chosen = {NewsKind.MOVED: Channel.NOTHING, NewsKind.CLOSED: Channel.MAIL}

    channels = Preferences(user_id=an_id(), chosen=chosen).without_mail().channels

    assert channels.pop(NewsKind.MOVED) is Channel.NOTHING
    assert set(channels.values()) == {Channel.INBOX}
