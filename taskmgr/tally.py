"""Counts events of this process where the metrics cannot be imported, because that takes 50 ms."""

from __future__ import annotations

TRANSACTION_RETRIES = "transaction_retries"
RECORD_HITS, RECORD_MISSES = "record_hits", "record_misses"

# What has been counted and not yet collected. `taskmgr.metrics` turns the numbers into metrics.
_counts: dict[str, int] = {}


def count(name: str, number: int = 1) -> None:
    """Adds to the number of an event."""
    _counts[name] = _counts.get(name, 0) + number


def collect() -> dict[str, int]:
    """Returns what has been counted since the last call."""
    collected = _counts.copy()
    _counts.clear()
    return collected
