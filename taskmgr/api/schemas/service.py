"""Describes what the service says about itself: its links and its health."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas.base import Output


class HealthOut(Output):
    """Whether the service works."""

    status = fields.String(required=True)


class RootOut(Output):
    """The service's name, its version, and the paths to start from."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
