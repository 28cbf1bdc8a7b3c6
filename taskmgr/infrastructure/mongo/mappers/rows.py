"""Holds what the conversions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

Row = Mapping[str, Any]


def object_id(key: str | None) -> ObjectId | None:
    """Returns the ObjectId of an id, or None for None."""
    return None if key is None else ObjectId(key)
