"""Describes the statistics and the labels, and their parameters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from marshmallow import fields

from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import CompiledOutput, Input, Moment, Output, id_field, key_field
from taskmgr.api.schemas.parameters import parameter, projects_parameter
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.domain.model import values
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.queries.statistics import DEFAULT_DAYS, MAX_DAYS, MAX_POINTS, parse_day


def _day(description: str) -> Any:
    return parameter(
        lambda text: parse_day(text, policy().time_zone),
        **patterns.DATE,
        description=f"{description} At most {MAX_DAYS} days can be requested.",
    )


class StatsQuery(Input):
    """The first and the last day, in the service's time zone, and the projects."""

    class Meta(Input.Meta):
        include = {
            "from": _day(f"The first day; by default {DEFAULT_DAYS - 1} days before the last."),
            "to": _day("The last day; by default today."),
            "project": projects_parameter("Keys or ids of the projects whose tasks are counted."),
        }


class Day(fields.Date):
    """A date."""

    def converter(self) -> Callable[[date], str]:
        return date.isoformat


class AssigneeCountOut(CompiledOutput):
    """How many open tasks a user has, and how many of these are past their due date."""

    assignee_id = id_field("The user's id; null for the tasks without an assignee.", allow_none=True)
    username = fields.String(required=True, allow_none=True)
    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class DayCountsOut(CompiledOutput):
    """How many tasks were created and completed on a day."""

    day = Day(required=True)
    created = fields.Integer(required=True)
    completed = fields.Integer(
        required=True,
        metadata={"description": "Tasks that are completed now, by the day of their completion."},
    )


class CycleTimesOut(CompiledOutput):
    """The times from the first start to the completion of the tasks that were completed on these days."""

    tasks = fields.Integer(
        required=True,
        metadata={"description": "The number of these tasks, without those that were never started."},
    )
    median_seconds = fields.Float(required=True, allow_none=True)
    p85_seconds = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "85 percent of the tasks took at most this long. Null if there are no tasks."
        },
    )


class CycleTimeOut(CompiledOutput):
    """How long one task took from its first start to its completion."""

    id = id_field("The task's id.")
    key = key_field("The task's key.")
    finished_at = Moment(required=True)
    seconds = fields.Float(required=True)


class CycleTimeListOut(Output):
    """The cycle times of the tasks that were completed on these days."""

    cycle_times = fields.Nested(CycleTimesOut, required=True)
    latest = fields.List(
        fields.Nested(CycleTimeOut),
        required=True,
        metadata={"description": f"The tasks completed last, at most {MAX_POINTS:,}, the latest first."},
    )

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {
            "cycle_times": CycleTimesOut().dump(obj.all),
            "latest": CycleTimeOut().dump(obj.latest, many=True),
        }


class FlowDayOut(CompiledOutput):
    """How many tasks were in each status of the workflow at the end of a day, or are now if it is today."""

    day = Day(required=True)
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class FlowOut(Output):
    """The tasks in each status at the end of each day."""

    time_zone = fields.String(
        required=True, metadata={"description": "The time zone in which the days begin and end."}
    )
    per_day = fields.List(fields.Nested(FlowDayOut), required=True)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {
            "time_zone": str(obj.days.zone),
            "per_day": FlowDayOut().dump(obj.per_day, many=True),
        }


class LabelListQuery(PageQuery):
    """Labels are sorted by name."""

    project = projects_parameter("Keys or ids of the projects whose tasks are counted.")
    prefix = parameter(
        lambda text: values.text(text, max_length=values.MAX_LABEL_LENGTH),
        "",
        **patterns.LABEL_PREFIX,
        description="The beginning of the labels to list. Case and accents are ignored.",
    )


class LabelCountOut(CompiledOutput):
    """How many tasks outside the bin have a label, and how many of these are open."""

    label = fields.String(required=True)
    open = fields.Integer(required=True)
    tasks = fields.Integer(required=True)


class StatsOut(Output):
    """Statistics of all tasks outside the bin at one moment."""

    by_status = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "The number of tasks in each status of the workflow."},
    )
    by_priority = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "The number of open tasks of each stored priority.",
            "propertyNames": {"enum": [p.value for p in Priority]},
        },
    )
    by_assignee = fields.List(
        fields.Nested(AssigneeCountOut),
        required=True,
        metadata={"description": "The number of open tasks of each assignee, the greatest first."},
    )
    overdue = fields.Integer(
        required=True, metadata={"description": "The number of open tasks past their due date."}
    )
    time_zone = fields.String(
        required=True, metadata={"description": "The time zone in which the days begin and end."}
    )
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
