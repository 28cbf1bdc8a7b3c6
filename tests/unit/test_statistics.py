"""The days of the statistics in a time zone, and percentiles by rank."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.queries.statistics import MAX_DAYS, Days, nearest_rank, parse_day

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = date(2026, 3, 10)
NEW_YORK = ZoneInfo("America/New_York")


def days(first: date | None = None, last: date | None = None) -> Days:
    return Days.between(first, last, now=NOW, zone=UTC)


def test_the_default_is_the_last_thirty_days() -> None:
    assert (days().first, days().last, len(list(days()))) == (date(2026, 2, 9), TODAY, 30)


def test_today_is_that_of_the_time_zone() -> None:
    late = datetime(2026, 3, 11, 3, 59, tzinfo=UTC)
    assert Days.between(None, None, now=late, zone=NEW_YORK).last == TODAY
    assert Days.between(None, None, now=late, zone=UTC).last == date(2026, 3, 11)


def test_one_end_alone_is_enough() -> None:
    assert days(date(2026, 3, 1)).last == TODAY
    assert days(last=date(2026, 1, 30)).first == date(2026, 1, 1)
    assert days(last=date(1970, 1, 2)).first == date(1970, 1, 1)


def test_a_span_may_be_one_day_or_a_leap_year_but_no_longer() -> None:
    assert list(days(TODAY, TODAY)) == [TODAY]
    assert len(list(days(date(2024, 1, 1), date(2024, 12, 31)))) == MAX_DAYS
    with pytest.raises(BadValue) as caught:
        days(date(2023, 12, 31), date(2024, 12, 31))
    assert caught.value.code == "too_many"
    assert caught.value.detail == "Must be 2024-01-01 or later: at most 366 days up to 2024-12-31."


def test_a_span_does_not_end_before_it_begins() -> None:
    with pytest.raises(BadValue) as caught:
        days(TODAY + timedelta(days=1))
    assert caught.value.detail == "Must not be later than the last day, which is 2026-03-10."


def test_midnights_are_those_of_the_time_zone() -> None:
    midnights = Days(date(2026, 3, 7), date(2026, 3, 9), NEW_YORK).midnights
    assert midnights == [
        datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((7, 5), (8, 5), (9, 4), (10, 4))
    ]


@given(
    st.dates(date(1970, 1, 1), date(2100, 1, 1)),
    st.integers(0, MAX_DAYS - 1),
    st.sampled_from(["UTC", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.integers(0, 10**9),
)
def test_a_moment_lies_between_the_midnights_of_its_day(
    first: date, length: int, zone_name: str, place: int
) -> None:
    zone = ZoneInfo(zone_name)
    span = Days(first, first + timedelta(days=length), zone)
    midnights = span.midnights
    assert len(midnights) == len(list(span)) + 1
    assert midnights == sorted(midnights)
    if midnights[0] < midnights[-1]:  # Apia skipped 30 December 2011
        seconds = int((midnights[-1] - midnights[0]).total_seconds())
        moment = midnights[0] + timedelta(seconds=place % seconds)
        day = max(n for n, midnight in enumerate(midnights) if midnight <= moment)
        assert list(span)[day] == moment.astimezone(zone).date()


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-03-10", TODAY),
        (TODAY, TODAY),
        ("1970-01-01", date(1970, 1, 1)),
        ("9999-12-30", date(9999, 12, 30)),
    ],
)
def test_a_day_is_a_plain_date(value: object, day: date) -> None:
    assert parse_day(value, UTC) == day


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *((value, "bad_date") for value in ("", "today", "20260310", "2026-W11-2", "2026-02-30", "2026-3-1")),
        *(
            (value, "bad_date")
            for value in ("2026-03-10T00:00:00Z", datetime(2026, 3, 10, tzinfo=UTC), 7, None)
        ),
        *((value, "out_of_range") for value in ("1969-12-31", "9999-12-31", date(1900, 1, 1))),
    ],
)
def test_anything_but_a_day_is_refused(value: Any, code: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_day(value, UTC)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("percent", "count", "rank"),
    [(50, 1, 1), (85, 1, 1), (50, 2, 1), (50, 3, 2), (50, 4, 2), (85, 20, 17), (85, 21, 18), (85, 100, 85)],
)
def test_a_percentile_is_the_value_at_its_nearest_rank(percent: int, count: int, rank: int) -> None:
    assert nearest_rank(percent, count) == rank


@given(st.integers(1, 100), st.lists(st.integers(), min_size=1))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(percent: int, values: list[int]) -> None:
    percentile = sorted(values)[nearest_rank(percent, len(values)) - 1]
    assert percentile == min(v for v in values if 100 * sum(w <= v for w in values) >= percent * len(values))
