"""The state of an entity, rebuilt from its log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taskmgr.domain.history.changes import Change


def replay(entries: Iterable[Change]) -> dict[str, Any]:
    """Returns the fields of an entity after all the entries about it, in the form of `logged_fields`.

    The result also has the `id`, the `version` and `updated_at`. The entries may be in any order; without
    entries the result is empty.
    """
    state: dict[str, Any] = {}
    for entry in sorted(entries, key=lambda entry: entry.version):
        state |= entry.after
        state |= {"id": entry.entity_id, "version": entry.version, "updated_at": entry.at}
    return state
