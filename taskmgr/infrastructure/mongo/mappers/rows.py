"""Holds what the conversions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from mongoengine.errors import ValidationError

Row = Mapping[str, Any]

# The errors that the mappers raise for a document that they cannot read.
UNREADABLE = (InvalidId, KeyError, TypeError, ValueError, AttributeError, IndexError, ValidationError)


def object_id(key: str | None) -> ObjectId | None:
    """Returns the ObjectId of an id, or None for None."""
    return None if key is None else ObjectId(key)
