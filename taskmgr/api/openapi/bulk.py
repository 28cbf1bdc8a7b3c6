"""Describes what a bulk takes and answers: an operation has the fields of its single call."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from taskmgr.api.schemas import patterns
from taskmgr.domain.services.bulk import OPERATIONS
from taskmgr.domain.services.bulk_references import NAME_PATTERN, PREFIX

# The body of the single call; the other operations have what may be said with a restoring.
_BODIES = {
    "create": "TaskIn",
    "change": "TaskPatch",
    "status": "StatusChange",
    "priority": "PriorityChange",
    "assign": "AssigneeChange",
}
_BY_OPERATIONS = ("operations",)
_BY_QUERY = ("where", "change", "expect")
_TASK = f"{patterns.ID}|^{PREFIX}{NAME_PATTERN}$"
_REFERENCE = "#/components/schemas/"


def describe(schemas: dict[str, Any]) -> None:
    """Completes the bulk's schemas among those of the document."""
    body = schemas.pop("BulkIn")
    body["properties"]["operations"]["items"] = {"$ref": f"{_REFERENCE}BulkOperation"}
    names = {op: f"Bulk{op.title()}" for op in OPERATIONS}
    references = {op: _REFERENCE + name for op, name in names.items()}
    schemas |= {
        **{name: _operation(op, schemas) for op, name in names.items()},
        "BulkOperation": {
            "description": "One command on one task.",
            "oneOf": [{"$ref": reference} for reference in references.values()],
            "discriminator": {"propertyName": "op", "mapping": references},
        },
        "BulkByOperations": _body(body, _BY_OPERATIONS, "Each operation names its task."),
        "BulkByQuery": _body(body, _BY_QUERY, "The same change of every task that matches."),
        "BulkIn": _choice("oneOf", "BulkByOperations", "BulkByQuery"),
        "BulkResult": _choice("anyOf", "BulkDone", "BulkFailed"),
    }
    for answer in ("Bulk", "Problem"):
        schemas[answer]["properties"]["results"]["items"] = {"$ref": f"{_REFERENCE}BulkResult"}


def _choice(word: str, *names: str) -> dict[str, Any]:
    return {word: [{"$ref": _REFERENCE + name} for name in names]}


def _body(body: Mapping[str, Any], required: tuple[str, ...], description: str) -> dict[str, Any]:
    properties = {name: body["properties"][name] for name in (*required, "mode")}
    return {
        "type": "object",
        "description": description,
        "properties": deepcopy(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _operation(name: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    body = schemas[_BODIES.get(name, "Restoring")]
    kind = OPERATIONS[name]
    known = {*kind.required, *kind.optional}
    key = {"type": "string", "pattern": _TASK, "description": "A task's id, or `ref:` and an earlier `ref`."}
    keys: dict[str, Any] = {field: dict(key) for field in ("id", "blocker_id") if field in known}
    fields = deepcopy({field: schema for field, schema in body["properties"].items() if field in known})
    if "ref" in known:
        keys["ref"] = {
            "type": "string",
            "pattern": f"^{NAME_PATTERN}$",
            "description": f"Names the new task; `{PREFIX}` and this name then stand for its id.",
        }
    if "parent_id" in fields:
        fields["parent_id"]["pattern"] = _TASK
    if "blocked_by" in fields:
        fields["blocked_by"]["items"]["pattern"] = _TASK
    return {
        "type": "object",
        "properties": {"op": {"type": "string", "const": name}, **keys, **fields},
        "required": ["op", *kind.required],
        "additionalProperties": False,
    }
