"""Holds the options that all documents share."""

from __future__ import annotations

from typing import Any

COMMON: dict[str, Any] = {"auto_create_index": False, "strict": False}
