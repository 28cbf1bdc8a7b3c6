"""Describes the body and the response of a bulk: an operation has the fields of its single call."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.bulk import BY_QUERY
from taskmgr.domain.model.place import ANCHORED, SIDES
from taskmgr.domain.services.bulk import OPERATIONS
from taskmgr.domain.services.bulk_references import NAME_PATTERN, PREFIX

# The schema of the body of the single call; the other operations have the options of a restore.
_BODIES = {
    "create": "TaskIn",
    "change": "TaskPatch",
    "status": "StatusChange",
    "priority": "PriorityChange",
    "assign": "AssigneeChange",
    "rank": "RankChange",
}
_BY_OPERATIONS = ("operations",)
_TASK = f"{patterns.TASK}|^{PREFIX}{NAME_PATTERN}$"
_REFERENCE = "#/components/schemas/"
# In words, because redocly and generators of clients cannot read choices inside of the choice of operations.
_ONE_PLACE = f"Requires exactly one of {', '.join(f'`{side}`' for side in SIDES)}."


def describe(schemas: dict[str, Any]) -> None:
    """Completes the schemas of a bulk in the document."""
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
        "BulkByQuery": _body(body, BY_QUERY, "Makes the same change to every task that matches."),
        "BulkIn": _choice("oneOf", "BulkByOperations", "BulkByQuery"),
        "BulkResult": _choice("anyOf", "BulkDone", "BulkFailed"),
    }
    for response in ("Bulk", "Problem"):
        schemas[response]["properties"]["results"]["items"] = {"$ref": f"{_REFERENCE}BulkResult"}


def _choice(keyword: str, *names: str) -> dict[str, Any]:
    return {keyword: [{"$ref": _REFERENCE + name} for name in names]}


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
    operation = OPERATIONS[name]
    accepted = {*operation.required, *operation.optional}
    text = f"A task's id or key, or `{PREFIX}` and the `ref` of an earlier operation."
    task = {"type": "string", "pattern": _TASK, "description": text}
    keys: dict[str, Any] = {field: dict(task) for field in ("id", "blocker_id") if field in accepted}
    fields = deepcopy({field: schema for field, schema in body["properties"].items() if field in accepted})
    if "ref" in accepted:
        keys["ref"] = {
            "type": "string",
            "pattern": f"^{NAME_PATTERN}$",
            "description": f"Names the new task; later operations accept `{PREFIX}` and this name as its id.",
        }
    if "parent_id" in fields:
        fields["parent_id"]["pattern"] = _TASK
    if "blocked_by" in fields:
        fields["blocked_by"]["items"]["pattern"] = _TASK
    for anchors in (fields, fields.get("rank", {}).get("properties", {})):
        for side in ANCHORED:
            if side in anchors:
                anchors[side]["pattern"] = _TASK
    return {
        "type": "object",
        "properties": {"op": {"type": "string", "const": name}, **keys, **fields},
        "required": ["op", *operation.required],
        **({"description": _ONE_PLACE} if "oneOf" in body else {}),
        "additionalProperties": False,
    }
