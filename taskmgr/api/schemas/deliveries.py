"""Describes deliveries to webhooks."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import CompiledOutput, EnumName, Moment, Writer
from taskmgr.api.schemas.parameters import parameter
from taskmgr.api.schemas.queries import PageQuery
from taskmgr.domain.history.changes import KINDS
from taskmgr.domain.model import parsing
from taskmgr.domain.model.webhook import DeliveryState

_STATES = [state.value for state in DeliveryState]


class AttemptOut(CompiledOutput):
    """One attempt to deliver: the status and the beginning of the answer, or why there was none."""

    at = Moment(required=True)
    duration_ms = fields.Integer(required=True)
    status = fields.Integer(required=True, allow_none=True)
    response = fields.String(required=True, metadata={"description": "At most the first 1,024 bytes."})
    error = fields.String(required=True, allow_none=True)


class DeliveryOut(CompiledOutput):
    """One change on its way to a webhook."""

    id = fields.String(
        required=True,
        metadata={
            "pattern": patterns.DELIVERY,
            "description": "The id of the message, in the header `webhook-id`.",
        },
    )
    seq = fields.Integer(required=True, metadata={"description": "The number of the change."})
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    state = EnumName(required=True, metadata={"enum": _STATES})
    attempts = fields.Integer(required=True)
    created_at = Moment(required=True)
    next_attempt_at = Moment(required=True, allow_none=True)
    last_attempt = fields.Nested(AttemptOut, required=True, allow_none=True)

    _attempt = AttemptOut()

    def writer(self) -> Writer:
        write_plain, write_attempt = super().writer(), self._attempt.writer()

        def write(obj: Any) -> dict[str, Any]:
            attempt = obj.last_attempt
            return {**write_plain(obj), "last_attempt": None if attempt is None else write_attempt(attempt)}

        return write


class DeliveryListQuery(PageQuery):
    """Deliveries of the last 30 days, the latest changes first."""

    state = parameter(parsing.one_of(DeliveryState), enum=_STATES, description="The state of the deliveries.")
