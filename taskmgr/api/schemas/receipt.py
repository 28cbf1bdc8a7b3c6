"""Describes the response to a write for callers who may write but not read."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas.base import CompiledOutput, id_field


class ReceiptOut(CompiledOutput):
    """The response to a write if the token lacks the scope to read."""

    id = id_field("The id; null if it was created in a dry run.", allow_none=True)
    version = fields.Integer(required=True)


RECEIPT = ReceiptOut()
