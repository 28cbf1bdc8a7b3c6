"""Converts what users are told."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from bson import ObjectId

from taskmgr.domain.model.inbox import Channel, InboxItem, News, NewsKind, Preferences
from taskmgr.domain.model.mail import Mail, Part
from taskmgr.domain.ports.inbox import InboxPosition
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.inbox import (
    InboxItemDocument,
    MailDocument,
    PositionDocument,
    PreferencesDocument,
)
from taskmgr.infrastructure.mongo.mappers.rows import Row

_NEWS_FIELDS = tuple(field.name for field in fields(News))


def item_document(item: InboxItem) -> Draft:
    return draft_of(
        InboxItemDocument,
        id=ObjectId(item.id),
        user_id=ObjectId(item.user_id),
        task_id=ObjectId(item.task_id),
        by=item.by,
        news=[_news_row(news) for news in item.news],
        at=item.at,
        read_at=item.read_at,
        mailed=item.mailed,
    )


def _news_row(news: News) -> dict[str, Any]:
    values = {name: getattr(news, name) for name in _NEWS_FIELDS}
    return {name: value for name, value in values.items() if value is not None} | {"kind": news.kind.value}


def item(row: Row) -> InboxItem:
    return InboxItem(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        task_id=str(row["task_id"]),
        by=row["by"],
        news=tuple(News(**{**news, "kind": NewsKind(news["kind"])}) for news in row["news"]),
        at=row["at"],
        read_at=row["read_at"],
        mailed=row["mailed"],
    )


def preferences_document(preferences: Preferences) -> Draft:
    channels = {kind.value: channel.value for kind, channel in preferences.chosen.items()}
    return draft_of(PreferencesDocument, id=ObjectId(preferences.user_id), channels=channels)


def preferences(row: Row) -> Preferences:
    chosen = {NewsKind(kind): Channel(channel) for kind, channel in row["channels"].items()}
    return Preferences(user_id=str(row["_id"]), chosen=chosen)


def position_document(name: str, position: InboxPosition) -> Draft:
    return draft_of(
        PositionDocument,
        id=name,
        seq=position.seq,
        at=position.at,
        task_id=ObjectId(position.task_id),
    )


def position(row: Row) -> InboxPosition:
    return InboxPosition(seq=row["seq"], at=row["at"], task_id=str(row["task_id"]))


def mail_document(mail: Mail) -> Draft:
    parts = None if mail.parts is None else [asdict(part) for part in mail.parts]
    return draft_of(
        MailDocument,
        id=ObjectId(mail.id),
        user_id=ObjectId(mail.user_id),
        is_daily=mail.is_daily,
        item_ids=[ObjectId(item_id) for item_id in mail.item_ids],
        send_at=mail.send_at,
        parts=parts,
        claimed_until=mail.claimed_until,
        attempts=mail.attempts,
        unknown=mail.unknown,
    )


def mail(row: Row) -> Mail:
    parts = row["parts"]
    return Mail(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        is_daily=row["is_daily"],
        item_ids=tuple(map(str, row["item_ids"])),
        send_at=row["send_at"],
        parts=None if parts is None else tuple(Part(**part) for part in parts),
        claimed_until=row["claimed_until"],
        attempts=row["attempts"],
        unknown=row["unknown"],
    )
