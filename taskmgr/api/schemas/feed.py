"""Describes the feed: its head, pages of changes, and the parameters of both ways to follow it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from taskmgr.api.schemas.activity import ActivityFilters, ChangeOut
from taskmgr.api.schemas.base import CompiledOutput, Input, Moment, Output, Writer
from taskmgr.api.schemas.parameters import comma_list, integer, parameter
from taskmgr.api.schemas.tasks import TaskOut
from taskmgr.domain.history.feed_position import PATTERN, parse_position
from taskmgr.domain.model import parsing
from taskmgr.domain.model.task import Task
from taskmgr.domain.services.feed import DEFAULT_LIMIT, MAX_LIMIT, FeedPage

MAX_WAIT = 25  # seconds
CHANGE_INCLUDES = ("task",)


class HashText(fields.String):
    """A SHA-256 hash in hexadecimal digits."""

    def converter(self) -> Any:
        return bytes.hex

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value.hex()


class FeedHeadOut(CompiledOutput):
    """The end of the feed. Whoever notes it can later prove that nothing before it was altered."""

    seq = fields.Integer(
        required=True, metadata={"description": "The number of the last entry; 0 if there is none."}
    )
    hash = HashText(
        required=True,
        metadata={
            "pattern": "^[0-9a-f]{64}$",
            "description": "The SHA-256 hash of the last entry and, through it, of all before.",
        },
    )
    at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When the last entry was appended; null if there is none."},
    )


class FeedEntryOut(ChangeOut):
    """An entry of the log with its number in the feed."""

    seq = fields.Integer(required=True, metadata={"description": "Its number: 1, 2, 3, … without gaps."})

    _change = ChangeOut()

    class Meta(ChangeOut.Meta):
        fields = ("seq", *ChangeOut().fields)

    def writer(self) -> Writer:
        write_change = self._change.writer()
        return lambda entry: {"seq": entry.seq, **write_change(entry.change)}


@dataclass(frozen=True, slots=True)
class ChangesResult:
    """A page of the feed, and the tasks that `include` adds to it (None for nothing)."""

    page: FeedPage
    tasks: Collection[Task] | None


class ChangesOut(Output):
    """A part of the feed."""

    items = fields.List(fields.Nested(FeedEntryOut), required=True)
    next = fields.String(
        required=True,
        metadata={"pattern": PATTERN, "description": "The position after them: `since` of the next call."},
    )
    more = fields.Boolean(
        required=True, metadata={"description": "Whether the feed goes on: call again at once."}
    )
    tasks = fields.List(
        fields.Nested(TaskOut),
        metadata={"description": "Only with `include=task`: the present state of the tasks in `items`."},
    )

    _entry, _task = FeedEntryOut(), TaskOut()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Returns the form of a `ChangesResult`."""
        page, tasks = obj.page, obj.tasks
        items = self._entry.dump(page.items, many=True)
        body = {"items": items, "next": str(page.next), "more": page.more}
        return body if tasks is None else body | {"tasks": self._task.dump(tasks, many=True)}


# Generated clients could not make an object of a stream.
EVENT_STREAM = {
    "type": "string",
    "description": "Server-sent events: `event` is the kind of the change, `data` an item of `/changes`, and "
    "`id` the position after it.",
}


class FollowingQuery(Input):
    """Where to begin in the feed."""

    is_timeless = True

    since = parameter(
        parse_position,
        pattern=PATTERN,
        description="The position after which to begin: `next` or an event's id, or `0` for the beginning of "
        "history. Without it, begin at the end of the feed.",
    )


class ChangesQuery(ActivityFilters, FollowingQuery):
    """The parameters of a page of the feed."""

    limit = integer(1, MAX_LIMIT, DEFAULT_LIMIT, description="The maximum number of items.")
    wait = integer(
        0,
        MAX_WAIT,
        0,
        description="For how many seconds to wait if there is nothing yet; the response is sent as soon as "
        "there is something.",
    )
    include = comma_list(
        parsing.one_of_names(CHANGE_INCLUDES),
        {"enum": list(CHANGE_INCLUDES)},
        (),
        description="`task` adds the present state of the tasks that the items are about, each once.",
    )


class EventsQuery(ActivityFilters, FollowingQuery):
    """The parameters of a stream of events."""
