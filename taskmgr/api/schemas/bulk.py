"""Bulk operations, in and out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from taskmgr.api.schemas.base import _MESSAGES, Answer, In, Parsed, Text, Whole, mistake
from taskmgr.api.schemas.problems import ProblemOut
from taskmgr.api.schemas.queries import FILTERS, TaskListQuery
from taskmgr.api.schemas.tasks import TaskPatch
from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.services.bulk import MAX_OPERATIONS

MODES = ("atomic", "each")
_BY_QUERY = ("where", "change", "expect")


class Operations(Parsed, fields.List[Any]):
    """A list of operations; each is judged by itself later."""

    def __init__(self, **kwargs: Any) -> None:
        self.parser = _operations
        fields.List.__init__(self, fields.Dict(), **kwargs)


def _operations(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadValue("wrong_type", "Must be a list of objects.")
    if not 1 <= len(value) <= MAX_OPERATIONS:
        raise BadValue("out_of_range", f"Must be 1 to {MAX_OPERATIONS} operations; these are {len(value)}.")
    return value


class Filters(TaskListQuery):
    """The filters of `GET /tasks`, in an object: the values are text, as in a query."""

    class Meta:
        fields = tuple(name for name in FILTERS if name != "bin")  # what is in there does not change
        unknown = ma.RAISE


class Part(fields.Nested):
    """An object inside the body."""

    default_error_messages = {**_MESSAGES, "type": mistake("wrong_type", "Must be a JSON object.")}


class BulkIn(In):
    """Either `operations`, or `where` with `change` and `expect`."""

    operations = Operations(metadata={"minItems": 1, "maxItems": MAX_OPERATIONS})
    mode = Text(parsing.one_of_names(MODES), load_default="atomic", metadata={"enum": list(MODES)})
    where = Part(Filters)
    change = Part(TaskPatch)
    expect = Whole(values.count, metadata={"minimum": 0, "maximum": MAX_OPERATIONS})

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def one_of_two(self, _: dict[str, Any], given: Any, **__: Any) -> None:
        """Which tasks is said in one way, and wholly."""
        if not isinstance(given, dict):
            return
        by_query = [name for name in _BY_QUERY if name in given]
        if "operations" in given:
            wrong = dict.fromkeys(by_query, mistake("not_allowed", "Not beside operations."))
        else:
            missing = [name for name in _BY_QUERY if name not in given] if by_query else ["operations"]
            wrong = dict.fromkeys(missing, mistake("required", "Must be given."))
        if wrong:
            raise ma.ValidationError({name: [message] for name, message in wrong.items()})


class BulkDoneOut(Answer):
    """An operation that succeeded. Status 424: it was undone because another operation failed."""

    status = fields.Integer(required=True, validate=validate.Range(min=200, max=424))
    id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The task's id; null for a new task that was not kept."},
    )
    version = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The task's version; null if undone."}
    )


class BulkFailedOut(Answer):
    """An operation that failed, with the problem that its single call would have answered."""

    status = fields.Integer(required=True, validate=validate.Range(min=400, max=599))
    problem = fields.Nested(ProblemOut, required=True)


class BulkOut(Answer):
    """What became of all operations, in their order."""

    results = fields.List(fields.Nested(BulkDoneOut), required=True)
    change_set = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What its entries in the log share; null where it was tried dry."},
    )

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj
