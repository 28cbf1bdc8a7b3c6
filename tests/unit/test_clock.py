"""The current time and the text of instants, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model.clock import format_instant, utc_now


def test_now_is_in_utc_and_between_before_and_after() -> None:
    before = datetime.now(UTC)
    now = utc_now()
    assert now.utcoffset() == timedelta(0)
    assert before - timedelta(milliseconds=1) < now <= datetime.now(UTC)


def test_now_has_no_more_than_milliseconds() -> None:
    assert all(utc_now().microsecond % 1000 == 0 for _ in range(100))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 12, 1, tzinfo=UTC), "2026-12-01T00:00:00.000Z"),
        (datetime(1970, 1, 1, 0, 0, 0, 1_000, tzinfo=UTC), "1970-01-01T00:00:00.001Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_formatted_as_in_rfc_3339(moment: datetime, text: str) -> None:
    assert format_instant(moment) == text


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.sampled_from([UTC])))  # type: ignore[arg-type]
def test_the_text_of_an_instant_parses_to_it_cut_to_milliseconds(moment: datetime) -> None:
    text = format_instant(moment)
    assert datetime.fromisoformat(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert format_instant(moment.replace(tzinfo=None)) == text
