"""Describes the workflow and the limits in force."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas.base import Output
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.workflow import Category


class WorkflowStatusOut(Output):
    """A status of the workflow, and the statuses that a task may move to from there."""

    name = fields.String(required=True, metadata={"x-status": True})
    category = fields.String(required=True, metadata={"enum": [c.value for c in Category]})
    transitions = fields.List(fields.String(metadata={"x-status": True}), required=True)


class LimitsOut(Output):
    """How many started tasks and how many open urgent tasks one assignee may have; 0 means no limit."""

    wip = fields.Integer(required=True)
    urgent = fields.Integer(required=True)


class WorkflowOut(Output):
    """What a client needs to draw a board."""

    initial = fields.String(required=True, metadata={"x-status": True})
    statuses = fields.List(fields.Nested(WorkflowStatusOut), required=True)
    priorities = fields.List(fields.String(metadata={"enum": [p.value for p in Priority]}), required=True)
    limits = fields.Nested(LimitsOut, required=True)
    four_eyes = fields.Boolean(required=True)
    time_zone = fields.String(required=True)
