"""Refusals and problems, for OpenAPI; `taskmgr.api.problems` writes them."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from taskmgr.api.problems import CODES
from taskmgr.domain.rules import FIX_ACTIONS


class FixOut(ma.Schema):
    """What would lift a refusal; the ids and names that the action needs stand beside it."""

    class Meta:
        unknown = ma.INCLUDE

    action = fields.String(required=True, metadata={"enum": list(FIX_ACTIONS)})
    text = fields.String(required=True)
    status = fields.String()
    task_id = fields.String()
    task_ids = fields.List(fields.String())


class RefusalOut(ma.Schema):
    """One rule that stands against a command."""

    code = fields.String(required=True)
    detail = fields.String(required=True)
    fix = fields.Nested(FixOut, required=True, allow_none=True)
    overridable = fields.Boolean(required=True)


class MistakeOut(ma.Schema):
    """One value that is not acceptable: where, and what is allowed there."""

    location = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    allowed = fields.List(fields.Raw())


class ProblemOut(ma.Schema):
    """A failure (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"enum": list(CODES)})
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(MistakeOut))
    reasons = fields.List(fields.Nested(RefusalOut))
    current = fields.Dict()
    count = fields.Integer()
    results = fields.List(fields.Dict())
