"""Refusals and problems, for OpenAPI; `taskmgr.api.problems` writes them."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.problems import CODES
from taskmgr.api.schemas.base import Answer
from taskmgr.domain.rules.rule import FIX_ACTIONS
from taskmgr.domain.rules.rule_book import RULES

# `last_admin` is the one rule about users; a transition that the role does not allow is `not_permitted`.
REFUSALS = (*(rule.__name__ for rule in RULES), "last_admin", "not_permitted")


class FixOut(Answer):
    """What would lift a refusal; the ids and names that the action needs stand beside it."""

    action = fields.String(required=True, metadata={"enum": list(FIX_ACTIONS)})
    text = fields.String(required=True)
    status = fields.String(metadata={"x-status": True})
    task_id = fields.String()
    task_ids = fields.List(fields.String())


class RefusalOut(Answer):
    """One rule that stands against a command."""

    code = fields.String(required=True, metadata={"enum": list(REFUSALS)})
    detail = fields.String(required=True)
    fix = fields.Nested(FixOut, required=True, allow_none=True)
    overridable = fields.Boolean(required=True)


class MistakeOut(Answer):
    """One value that is not acceptable: where, and what is allowed there."""

    location = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    allowed = fields.List(fields.Raw())


class ProblemOut(Answer):
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
