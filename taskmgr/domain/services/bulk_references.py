"""Lets an operation of a bulk refer to a task that an earlier operation of the same bulk creates.

A create with `"ref": "a"` names its new task; later operations write `"ref:a"` where a task's id belongs. A
text was chosen instead of an object such as `{"$ref": "a"}`: fields keep their type, no id begins with
`ref:`, and the strict JSON gate, which rejects keys with `$`, needs no exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from taskmgr.domain.model.errors import DomainError, FieldError, Invalid
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.place import ANCHORED

PREFIX = "ref:"
NAME_PATTERN = "[A-Za-z0-9_-]{1,64}"
# The fields of an operation in which a reference may stand for a task's id.
SINGLE_FIELDS = ("id", "parent_id", "blocker_id", *ANCHORED)
LIST_FIELD = "blocked_by"
PLACE_FIELD = "rank"


class DependencyFailed(DomainError):
    """The operation refers to a task whose creation failed."""

    code = "dependency_failed"

    def __init__(self, name: str, position: int) -> None:
        super().__init__(f"{PREFIX}{name} refers to operations.{position}, which failed.")


class References:
    """The named tasks of one attempt at a bulk."""

    def __init__(self, operations: Sequence[Mapping[str, Any]]) -> None:
        self._positions: dict[str, int] = {}
        self._task_ids: dict[str, str] = {}
        for position, operation in enumerate(operations):
            name = operation.get("ref")
            if operation.get("op") == "create" and _is_name(name):
                self._positions.setdefault(str(name), position)

    def resolve(self, fields: Mapping[str, Any], position: int) -> dict[str, Any]:
        """Returns the fields of the operation at this position with ids in place of references.

        Raises `Invalid` with every mistake: a bad or repeated `ref`, or a reference to a `ref` that no
        earlier operation has. Raises `DependencyFailed` if the creation of that task failed.
        """
        errors: list[FieldError] = []

        def resolve_value(value: Any, location: str) -> Any:
            try:
                return self._resolve(value, position)
            except BadValue as bad:
                errors.append(bad.at(location))
                return value

        resolved = dict(fields)
        if "ref" in fields and (bad := self._mistake_in_name(fields["ref"], position)):
            errors.append(bad.at("ref"))
        for name in SINGLE_FIELDS:
            if name in fields:
                resolved[name] = resolve_value(fields[name], name)
        place = fields.get(PLACE_FIELD)
        if isinstance(place, Mapping):
            resolved[PLACE_FIELD] = {
                side: resolve_value(value, f"{PLACE_FIELD}.{side}") if side in ANCHORED else value
                for side, value in place.items()
            }
        values = fields.get(LIST_FIELD)
        if isinstance(values, list | tuple):
            resolved[LIST_FIELD] = [
                resolve_value(value, f"{LIST_FIELD}.{index}") for index, value in enumerate(values)
            ]
        if errors:
            raise Invalid(errors)
        return resolved

    def register(self, name: str, task_id: str) -> None:
        """Makes the name stand for a task that has been created."""
        self._task_ids[name] = task_id

    def _mistake_in_name(self, name: object, position: int) -> BadValue | None:
        if not _is_name(name):
            return BadValue("bad_ref", "Must be 1 to 64 ASCII letters, digits, hyphens or underscores.")
        first = self._positions[str(name)]
        if first != position:
            return BadValue(
                "repeated", f"operations.{first} has the ref {name}, too; each ref must be unique."
            )
        return None

    def _resolve(self, value: Any, position: int) -> Any:
        if not isinstance(value, str) or not value.startswith(PREFIX):
            return value
        name = value.removeprefix(PREFIX)
        if not _is_name(name) or name not in self._positions:
            raise BadValue("unknown_ref", f"No create in this bulk has the ref {name[:64]}.")
        created_at = self._positions[name]
        if created_at >= position:
            detail = f"operations.{created_at} has the ref {name}; only a later operation can refer to it."
            raise BadValue("unknown_ref", detail)
        if name not in self._task_ids:
            raise DependencyFailed(name, created_at)
        return self._task_ids[name]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(NAME_PATTERN, value) is not None
