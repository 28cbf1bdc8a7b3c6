"""Describes what the demo has created."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas.base import Output


class DemoOut(Output):
    """How many users, projects and tasks were created."""

    users = fields.Integer(required=True)
    projects = fields.Integer(required=True)
    tasks = fields.Integer(required=True)
