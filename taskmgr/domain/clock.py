"""What time it is, to the millisecond: the store keeps no more, and an answer must equal a reading."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment in UTC, cut to milliseconds."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`. `moment` must be in UTC."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
