"""Describes refusals and problems. `taskmgr.api.problems` writes them."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.problems.codes import CODES
from taskmgr.api.schemas.base import Output
from taskmgr.domain.rules.rule import FIX_ACTIONS
from taskmgr.domain.rules.rule_book import RULES

# `default_project` is about projects and `last_admin` about users; `not_permitted` is a transition that the
# role does not allow.
REFUSALS = (*(rule.__name__ for rule in RULES), "default_project", "last_admin", "not_permitted")


class FixOut(Output):
    """What to do about a refusal, with the ids and names that the action needs."""

    action = fields.String(required=True, metadata={"enum": list(FIX_ACTIONS)})
    text = fields.String(required=True)
    status = fields.String(metadata={"x-status": True})
    task_id = fields.String()
    task_key = fields.String(allow_none=True)
    task_ids = fields.List(fields.String())
    task_keys = fields.List(fields.String(allow_none=True))
    project = fields.String(metadata={"description": "The key of a project."})


class RefusalOut(Output):
    """A rule that forbids a command."""

    code = fields.String(required=True, metadata={"enum": list(REFUSALS)})
    detail = fields.String(required=True)
    fix = fields.Nested(FixOut, required=True, allow_none=True)
    overridable = fields.Boolean(required=True)


class MistakeOut(Output):
    """A value that is not acceptable: its location, and what is allowed there."""

    location = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    allowed = fields.List(fields.Raw())


class ProblemOut(Output):
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
    head = fields.Dict()
    results = fields.List(fields.Dict())
