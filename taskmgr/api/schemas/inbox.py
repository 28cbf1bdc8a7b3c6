"""Describes inboxes, watches, and which news users want."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CompiledOutput,
    EnumName,
    Input,
    Moment,
    Output,
    ParsedList,
    ParsedText,
    Writer,
    error_message,
    id_field,
    key_field,
)
from taskmgr.api.schemas.parameters import boolean_flag
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import parse_instant
from taskmgr.domain.model.inbox import DEFAULT_CHANNELS, PARSERS, Channel, NewsKind
from taskmgr.domain.services.inbox import MAX_IDS

_KINDS = [kind.value for kind in NewsKind]
_CHANNELS = [channel.value for channel in Channel]


class InboxQuery(PageQuery):
    """Items are sorted by their newest news, the latest first."""

    unread = boolean_flag("Whether to return only unread items.")


class ReadIn(Input):
    """Which items have been read: `ids`, `up_to` or both."""

    ids = ParsedList(
        lambda value: parsing.distinct(value, values.identifier, maximum=MAX_IDS),
        {"pattern": patterns.ID},
        metadata={"description": "Only these items.", "maxItems": MAX_IDS},
    )
    up_to = ParsedText(
        parse_instant,
        metadata=patterns.MOMENT | {"description": "Only items whose `at` is not later than this."},
    )

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def require_a_choice(self, _: dict[str, Any], raw: Any, **__: Any) -> None:
        """Rejects a body that does not say which items."""
        if isinstance(raw, dict) and not {"ids", "up_to"} & raw.keys():
            message = error_message("required", "Must be given, or `ids`.")
            raise ma.ValidationError({"up_to": [message]})


class UnreadOut(Output):
    """How many items are unread."""

    unread = fields.Integer(required=True)


class NewsOut(CompiledOutput):
    """One thing that happened; what does not belong to its kind is null."""

    kind = EnumName(required=True, metadata={"enum": _KINDS})
    at = Moment(required=True)
    entry_id = id_field("The entry of the log; null for due dates.", allow_none=True)
    comment_id = id_field("The comment that was written, or that mentions the user.", allow_none=True)
    status = fields.String(required=True, allow_none=True, metadata={"description": "The new status."})
    blocker_id = id_field("The task that was completed, for `unblocked`.", allow_none=True)
    due_date = fields.String(required=True, allow_none=True)


class TaskNameOut(CompiledOutput):
    """What people call a task."""

    id = id_field("The task's id.")
    key = key_field("The task's key.", allow_none=True)
    title = fields.String(required=True)


class InboxItemOut(CompiledOutput):
    """News about one task by one actor, within ten minutes."""

    id = id_field("The item's id.")
    task = fields.Nested(TaskNameOut, required=True)
    by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A user's id, or `system:…`; null for due dates."},
    )
    at = Moment(required=True, metadata={"description": "When the newest of the news happened."})
    read_at = Moment(required=True, allow_none=True)
    news = fields.List(fields.Nested(NewsOut), required=True, metadata={"description": "Oldest first."})

    _task = TaskNameOut()
    _news = NewsOut()

    def writer(self) -> Writer:
        write_task, write_news = self._task.writer(), self._news.writer()
        convert = Moment().converter()

        def write(obj: Any) -> dict[str, Any]:
            item = obj.item
            return {
                "id": item.id,
                "task": write_task(obj.task),
                "by": item.by,
                "at": convert(item.at),
                "read_at": convert(item.read_at),
                "news": [write_news(news) for news in item.news],
            }

        return write


class WatchOut(Output):
    """Whether the caller watches a task."""

    watching = fields.Boolean(required=True)


ChannelsIn: type[Input] = type(
    "ChannelsIn",
    (Input,),
    {
        "__doc__": "How the caller gets some kinds of news; null stands for the default.",
        **{
            kind.value: ParsedText(
                PARSERS[kind.value],
                allow_none=True,
                metadata={"enum": _CHANNELS, "default": DEFAULT_CHANNELS[kind].value},
            )
            for kind in NewsKind
        },
    },
)
ChannelsOut: type[CompiledOutput] = type(
    "ChannelsOut",
    (CompiledOutput,),
    {
        "__doc__": "How the caller gets each kind of news.",
        **{kind: EnumName(required=True, metadata={"enum": _CHANNELS}) for kind in _KINDS},
    },
)
