"""Holds what all documents share: their options, and drafts, which are documents before their validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mongoengine import Document

COMMON: dict[str, Any] = {"auto_create_index": False, "strict": False}


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is not validated yet: its class and its values by field."""

    document: type[Document]
    values: Mapping[str, Any]


def draft_of(document: type[Document], **values: Any) -> Draft:
    """Returns a draft with these values."""
    return Draft(document, values)
