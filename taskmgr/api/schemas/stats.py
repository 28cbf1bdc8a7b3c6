"""The statistics, in and out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import marshmallow as ma
from marshmallow import fields

from taskmgr.api import runtime
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import Answer, In, Out, key_text, mistake
from taskmgr.api.schemas.queries import PageQuery, parameter
from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.queries.statistics import DEFAULT_DAYS, MAX_DAYS, Days, parse_day

_SPAN = f"There are at most {MAX_DAYS} days."


def _day(description: str) -> Any:
    return parameter(
        lambda text: parse_day(text, runtime.policy().time_zone),
        **patterns.DATE,
        description=f"{description} {_SPAN}",
    )


class StatsQuery(In):
    """The days that are asked about, in the service's time zone."""

    class Meta(In.Meta):
        include = {
            "from": _day(f"The first day; {DEFAULT_DAYS - 1} days before the last if not given."),
            "to": _day("The last day; today if not given."),
        }

    @ma.post_load
    def _meant(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        service = runtime.services().statistics
        try:
            days = Days.between(data["from"], data["to"], now=service.clock(), zone=service.policy.time_zone)
        except BadValue as bad:
            raise ma.ValidationError({"from": [mistake(bad.code, bad.detail)]}) from bad
        return {"first": days.first, "last": days.last}


class Day(fields.Date):
    """A plain date."""

    def converter(self) -> Callable[[date], str]:
        return date.isoformat


class AssigneeCountOut(Out):
    """How many open tasks somebody has."""

    assignee_id = key_text("Who; null for tasks without an assignee.", allow_none=True)
    username = fields.String(required=True, allow_none=True)
    open = fields.Integer(required=True)


class DayCountsOut(Out):
    """How many tasks were created and completed on a day."""

    day = Day(required=True)
    created = fields.Integer(required=True)
    completed = fields.Integer(
        required=True, metadata={"description": "Those that are completed now, by when that was."}
    )


class CycleTimesOut(Out):
    """From the first start to the completion, of the tasks that were completed on these days."""

    tasks = fields.Integer(
        required=True, metadata={"description": "How many that is; those never started are not among them."}
    )
    median_seconds = fields.Float(required=True, allow_none=True)
    p85_seconds = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "85 percent of them took so long or less. Null without tasks."},
    )


class LabelListQuery(PageQuery):
    """Labels come by name."""

    prefix = parameter(
        lambda text: values.text(text, max_length=values.MAX_LABEL_LENGTH),
        "",
        **patterns.LABEL_PREFIX,
        description="What the labels begin with, without regard to case and accents.",
    )


class LabelCountOut(Out):
    """How many tasks outside the bin have a label, and how many of these are open."""

    label = fields.String(required=True)
    open = fields.Integer(required=True)
    tasks = fields.Integer(required=True)


class StatsOut(Answer):
    """Numbers over all tasks outside the bin, all of one moment."""

    by_status = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "All tasks, by every status of the workflow."},
    )
    by_priority = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "Open tasks, by the stored priority.",
            "propertyNames": {"enum": [p.value for p in Priority]},
        },
    )
    by_assignee = fields.List(
        fields.Nested(AssigneeCountOut),
        required=True,
        metadata={"description": "Open tasks, the busiest first."},
    )
    overdue = fields.Integer(required=True, metadata={"description": "Open tasks past their due date."})
    time_zone = fields.String(required=True, metadata={"description": "Where the days begin and end."})
    per_day = fields.List(fields.Nested(DayCountsOut), required=True)
    cycle_times = fields.Nested(CycleTimesOut, required=True)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {
            "by_status": obj.by_status,
            "by_priority": {priority.value: count for priority, count in obj.by_priority.items()},
            "by_assignee": AssigneeCountOut().dump(obj.by_assignee, many=True),
            "overdue": obj.overdue,
            "time_zone": str(obj.days.zone),
            "per_day": DayCountsOut().dump(obj.per_day, many=True),
            "cycle_times": CycleTimesOut().dump(obj.cycle_times),
        }
