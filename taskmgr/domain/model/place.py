"""Where a task is put in the order by hand of its project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue, Parser


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of a project: directly `before` or `after` another task, or `first` or `last`.

    `anchor` is the id or the key of the other task.
    """

    side: str
    anchor: str | None = None


def true(value: object) -> bool:
    """Returns True. Raises `BadValue` for anything else, also for False."""
    if values.boolean(value):
        return True
    raise BadValue("not_allowed", "Must be true.", allowed=(True,))


_PARSERS: Mapping[str, Parser] = {
    "before": values.task_reference,
    "after": values.task_reference,
    "first": true,
    "last": true,
}
SIDES = tuple(_PARSERS)
ANCHORED = ("before", "after")


def parse_place(value: object) -> Place:
    """Returns the place that an object describes, such as `{"before": "OPS-3"}` or `{"first": True}`."""
    if isinstance(value, Place):
        return value
    if not isinstance(value, Mapping):
        raise BadValue("wrong_type", f"Must be an object with one of: {', '.join(SIDES)}.")
    for name in value:
        if name not in _PARSERS:
            raise BadValue("unknown_field", "Unknown field.", allowed=SIDES, within=str(name))
    if len(value) != 1:
        code = "not_allowed" if value else "required"
        raise BadValue(code, f"Must have exactly one of: {', '.join(SIDES)}.", allowed=SIDES)
    ((side, raw),) = value.items()
    try:
        parsed = _PARSERS[side](raw)
    except BadValue as bad:
        raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=side) from bad
    return Place(side, parsed if side in ANCHORED else None)
