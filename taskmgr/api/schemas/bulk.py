"""Describes bulk operations and their results."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from taskmgr.api.schemas.base import (
    FIELD_MESSAGES,
    Input,
    Output,
    Parsed,
    ParsedInteger,
    ParsedText,
    error_message,
    key_field,
)
from taskmgr.api.schemas.problems import ProblemOut
from taskmgr.api.schemas.task_bodies import TaskPatch
from taskmgr.api.schemas.task_queries import FILTERS, TaskListQuery
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.services.bulk import MAX_OPERATIONS

MODES = ("atomic", "each")
# The fields of the form that changes every task that matches a query.
BY_QUERY = ("where", "change", "expect")


class Operations(Parsed, fields.List[Any]):
    """A list of operations. The bulk service checks what is in each."""

    def __init__(self, **kwargs: Any) -> None:
        self.parser = _parse_operations
        fields.List.__init__(self, fields.Dict(), **kwargs)


def _parse_operations(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadValue("wrong_type", "Must be a list of objects.")
    if not 1 <= len(value) <= MAX_OPERATIONS:
        raise BadValue("out_of_range", f"Must be 1 to {MAX_OPERATIONS} operations, not {len(value)}.")
    return value


class Filters(TaskListQuery):
    """The filters of `GET /tasks` as an object. Their values are text, as in a query."""

    class Meta:
        fields = tuple(name for name in FILTERS if name != "bin")  # tasks in the bin cannot be changed
        unknown = ma.RAISE


class NestedObject(fields.Nested):
    """An object in the body."""

    default_error_messages = {**FIELD_MESSAGES, "type": error_message("wrong_type", "Must be a JSON object.")}


class BulkIn(Input):
    """Either `operations`, or `where` with `change` and `expect`."""

    operations = Operations(metadata={"minItems": 1, "maxItems": MAX_OPERATIONS})
    mode = ParsedText(parsing.one_of_names(MODES), load_default="atomic", metadata={"enum": list(MODES)})
    where = NestedObject(Filters)
    change = NestedObject(TaskPatch)
    expect = ParsedInteger(values.count, metadata={"minimum": 0, "maximum": MAX_OPERATIONS})

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def require_one_form(self, _: dict[str, Any], raw: Any, **__: Any) -> None:
        """Rejects a body that mixes the two forms, or has only a part of one."""
        if not isinstance(raw, dict):
            return
        by_query = [name for name in BY_QUERY if name in raw]
        if "operations" in raw:
            message = error_message("not_allowed", "Must not be combined with operations.")
            errors = dict.fromkeys(by_query, message)
        else:
            missing = [name for name in BY_QUERY if name not in raw] if by_query else ["operations"]
            errors = dict.fromkeys(missing, error_message("required", "Is required."))
        if errors:
            raise ma.ValidationError({name: [message] for name, message in errors.items()})


class BulkDoneOut(Output):
    """An operation that succeeded. Status 424: it was undone because another operation failed."""

    status = fields.Integer(required=True, validate=validate.Range(min=200, max=424))
    id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The task's id; null for a new task that was not stored."},
    )
    key = key_field(
        "The task's key; null for a new task that was not stored, and if the token lacks the scope to read.",
        allow_none=True,
    )
    version = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The task's version; null if undone."}
    )


class BulkFailedOut(Output):
    """An operation that failed, with the problem that the single call would have returned."""

    status = fields.Integer(required=True, validate=validate.Range(min=400, max=599))
    problem = fields.Nested(ProblemOut, required=True)


class BulkOut(Output):
    """The results of all operations, in their order."""

    results = fields.List(fields.Nested(BulkDoneOut), required=True)
    change_set = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The id that its entries in the log share; null in a dry run."},
    )

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj
