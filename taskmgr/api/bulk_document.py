"""What a bulk takes, for OpenAPI: an operation has the fields of its single call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskmgr.api.schemas import patterns
from taskmgr.domain.services.bulk import OPERATIONS

# The body of the single call; an operation of another kind has what may be said with a restoring.
_BODIES = {
    "create": "TaskIn",
    "change": "TaskPatch",
    "status": "StatusChange",
    "priority": "PriorityChange",
    "assign": "AssigneeChange",
}
_BY_QUERY = ("where", "change", "expect")


def describe(schemas: dict[str, Any]) -> None:
    """Completes the bulk's schema among those of the document."""
    bulk = schemas["BulkIn"]
    bulk["properties"]["operations"]["items"] = {"oneOf": [_operation(name, schemas) for name in OPERATIONS]}
    bulk["oneOf"] = [
        {"required": ["operations"], "not": {"anyOf": [{"required": [name]} for name in _BY_QUERY]}},
        {"required": list(_BY_QUERY), "not": {"required": ["operations"]}},
    ]


def _operation(name: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    body = schemas[_BODIES.get(name, "Restoring")]
    kind = OPERATIONS[name]
    known = {*kind.needs, *kind.takes}
    key = {"type": "string", "pattern": patterns.ID}
    keys = {field: key for field in ("id", "blocker_id") if field in known}
    fields = {field: schema for field, schema in body["properties"].items() if field in known}
    return {
        "type": "object",
        "properties": {"op": {"type": "string", "enum": [name]}, **keys, **fields},
        "required": ["op", *kind.needs],
        "additionalProperties": False,
    }
