"""Due dates: a day in a time zone or an instant, shown in the form in which it was set."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taskmgr.domain.model.due_date import (
    EARLIEST,
    LATEST,
    DueDate,
    parse_end,
    parse_instant,
    parse_start,
)
from taskmgr.domain.model.parsing import BadValue

BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
KIRITIMATI = ZoneInfo("Pacific/Kiritimati")  # UTC+14
BAKER_ISLAND = timezone(timedelta(hours=-12))
ZONES = [UTC, BERLIN, SAO_PAULO, KIRITIMATI, BAKER_ISLAND]

# Text that is not a date or date-time in the form of RFC 3339.
NO_DATES = [
    "",
    "tomorrow",
    "2026-12",
    "2026-12-1",
    "20261201",
    "2026-W49-2",
    "2026-335",
    "01.12.2026",
    " 2026-12-01",
    "2026-12-01 ",
    "2026-12-01\n",
    "٢٠٢٦-١٢-٠١",
    "2026-12-01T17:00Z",
    "2026-12-01T17:00:00+0100",
    "2026-12-01T17:00:00+01",
    "2026-12-01T17:00:00 Z",
    "2026-12-01T17:00:00,5Z",
    "2026-12-01T17:00:00.Z",
    "2026-12-01T17:00:00.1234567890Z",
    "+2026-12-01",
    "-2026-12-01",
    "12026-12-01",
]
# In the right form, but not in the calendar or on the clock.
NO_SUCH = [
    "0000-01-01",
    "2026-00-01",
    "2026-13-01",
    "2026-02-29",
    "2026-12-32",
    "2026-12-01T25:00:00Z",
    "2026-12-01T17:60:00Z",
    "2026-12-01T17:00:60Z",
    "2026-12-01T17:00:00+24:00",
    "2026-12-01T17:00:00+99:99",
]
OUT_OF_RANGE = [
    "0001-01-01",
    "1969-12-31",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:59:59+01:00",
    "0001-01-01T00:00:00+01:00",  # before the year 1 in UTC
    "9999-12-31",  # ends in the year 10000
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:59.999-23:59",
]


def code(value: object, zone: tzinfo = UTC) -> str:
    with pytest.raises(BadValue) as caught:
        DueDate.parse(value, zone)
    return caught.value.code


# --- a day


def test_a_plain_date_stays_a_plain_date() -> None:
    due = DueDate.parse("2026-12-01", BERLIN)
    assert (str(due), due.day) == ("2026-12-01", date(2026, 12, 1))


@pytest.mark.parametrize(
    ("day", "zone", "ends"),
    [
        ("2026-12-01", UTC, "2026-12-02T00:00:00+00:00"),
        ("2026-12-01", BERLIN, "2026-12-01T23:00:00+00:00"),
        ("2026-07-01", BERLIN, "2026-07-01T22:00:00+00:00"),
        ("2026-03-29", BERLIN, "2026-03-29T22:00:00+00:00"),  # 23 hours long: the clock goes forward
        ("2026-10-25", BERLIN, "2026-10-25T23:00:00+00:00"),  # 25 hours long
        ("2026-12-01", KIRITIMATI, "2026-12-01T10:00:00+00:00"),
        ("2026-12-01", BAKER_ISLAND, "2026-12-02T12:00:00+00:00"),
        ("2018-11-03", SAO_PAULO, "2018-11-04T03:00:00+00:00"),  # the clock skipped that midnight
        ("2018-02-17", SAO_PAULO, "2018-02-18T03:00:00+00:00"),  # the hour before that midnight came twice
        ("2028-02-29", UTC, "2028-03-01T00:00:00+00:00"),
        ("1970-01-01", UTC, "1970-01-02T00:00:00+00:00"),
        ("1970-01-01", KIRITIMATI, "1970-01-02T10:40:00+00:00"),  # 10:40 behind UTC at the time
        ("9999-12-30", UTC, "9999-12-31T00:00:00+00:00"),
        ("9999-12-30", BAKER_ISLAND, "9999-12-31T12:00:00+00:00"),
    ],
)
def test_a_plain_date_is_due_at_the_midnight_that_ends_it(day: str, zone: tzinfo, ends: str) -> None:
    assert DueDate.parse(day, zone).at == datetime.fromisoformat(ends)


def test_a_date_is_parsed_like_its_text() -> None:
    assert DueDate.parse(date(2026, 12, 1), BERLIN) == DueDate.parse("2026-12-01", BERLIN)


# --- an instant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-12-01T17:00:00Z", "2026-12-01T17:00:00.000Z"),
        ("2026-12-01t17:00:00z", "2026-12-01T17:00:00.000Z"),
        ("2026-12-01 17:00:00Z", "2026-12-01T17:00:00.000Z"),
        ("2026-12-01T17:00:00+00:00", "2026-12-01T17:00:00.000Z"),
        ("2026-12-01T17:00:00-00:00", "2026-12-01T17:00:00.000Z"),
        ("2026-12-01T17:00:00+01:00", "2026-12-01T16:00:00.000Z"),
        ("2026-12-01T00:30:00+05:45", "2026-11-30T18:45:00.000Z"),
        ("2026-12-01T17:00:00.1Z", "2026-12-01T17:00:00.100Z"),
        ("2026-12-01T17:00:00.1239Z", "2026-12-01T17:00:00.123Z"),
        ("2026-12-01T17:00:00.999999999Z", "2026-12-01T17:00:00.999Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59.000Z"),
    ],
)
def test_an_instant_is_shown_in_utc_to_the_millisecond(value: str, text: str) -> None:
    due = DueDate.parse(value, BERLIN)
    assert (str(due), due.day) == (text, None)


def test_a_date_time_is_parsed_like_its_text() -> None:
    moment = datetime(2026, 12, 1, 17, tzinfo=BERLIN)
    assert DueDate.parse(moment, UTC) == DueDate.parse("2026-12-01T17:00:00+01:00", UTC)


def test_a_due_date_is_returned_unchanged() -> None:
    due = DueDate.parse("2026-12-01", BERLIN)
    assert DueDate.parse(due, UTC) is due


# --- refused values


@pytest.mark.parametrize("value", ["2026-12-01T17:00:00", "2026-12-01T17:00:00.5", datetime(2026, 12, 1)])
def test_a_date_time_without_an_offset_is_refused(value: object) -> None:
    assert code(value) == "no_offset"


@pytest.mark.parametrize("value", [*NO_DATES, *NO_SUCH, None, 0, 1_800_000_000, 1.5, True, b"2026-12-01", []])
def test_anything_but_a_date_is_refused(value: object) -> None:
    assert code(value) == "bad_date"


@pytest.mark.parametrize("value", OUT_OF_RANGE)
def test_years_outside_1970_to_9999_in_utc_are_refused(value: str) -> None:
    assert code(value) == "out_of_range"


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("value", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_no_time_zone_widens_the_calendar(value: str, zone: tzinfo) -> None:
    assert code(value, zone) == "out_of_range"


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("value", ["1970-01-01", "9999-12-30"])
def test_no_time_zone_narrows_the_calendar(value: str, zone: tzinfo) -> None:
    assert str(DueDate.parse(value, zone)) == value


# --- properties

MOMENTS = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC))
DAYS = st.dates(date(1970, 1, 1), date(9999, 12, 30))


@given(DAYS, st.sampled_from(ZONES))
def test_a_day_comes_back_from_its_text(day: date, zone: tzinfo) -> None:
    due = DueDate.on(day, zone)
    assert DueDate.parse(str(due), zone) == due


@given(MOMENTS)
def test_an_instant_comes_back_from_its_text(moment: datetime) -> None:
    due = DueDate.at_instant(moment)
    assert DueDate.parse(str(due), UTC) == due


@given(MOMENTS, st.timezones())
def test_an_instant_is_the_same_in_every_time_zone(moment: datetime, zone: ZoneInfo) -> None:
    assume(moment.year < 9999)  # on its last day some time zones are in the year 10000
    assert DueDate.at_instant(moment.astimezone(zone)) == DueDate.at_instant(moment)


@given(DAYS.filter(lambda day: day < date(9999, 12, 30)), st.sampled_from(ZONES))
def test_a_later_day_ends_later(day: date, zone: tzinfo) -> None:
    assert DueDate.on(day, zone).at < DueDate.on(day + timedelta(days=1), zone).at


@given(st.text(alphabet="0123456789-:.+TZtz ", max_size=32))
def test_a_bad_date_raises_nothing_but_bad_value(value: str) -> None:
    for parse in (
        lambda text: DueDate.parse(text, BERLIN),
        parse_instant,
        lambda text: parse_start(text, BERLIN),
        lambda text: parse_end(text, BERLIN),
    ):
        with suppress(BadValue):
            parse(value)


# --- moments and spans


@pytest.mark.parametrize("value", ["2026-12-01T17:00:00+01:00", datetime(2026, 12, 1, 17, tzinfo=BERLIN)])
def test_an_instant_is_read_from_text_and_date_time_alike(value: object) -> None:
    assert parse_instant(value) == datetime(2026, 12, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2026-12-01", date(2026, 12, 1), *NO_DATES, *NO_SUCH, None, 5, True])
def test_a_day_or_anything_else_is_not_an_instant(value: object) -> None:
    with pytest.raises(BadValue) as caught:
        parse_instant(value)
    assert caught.value.code == "bad_date"


def test_a_span_of_days_runs_from_midnight_to_midnight() -> None:
    assert parse_start("2026-12-01", BERLIN) == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert parse_end("2026-12-01", BERLIN) == datetime(2026, 12, 1, 23, tzinfo=UTC)


def test_a_span_of_instants_runs_from_one_to_the_other() -> None:
    for parse in (parse_start, parse_end):
        assert parse("2026-12-01T17:00:00+01:00", BERLIN) == datetime(2026, 12, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["0001-01-01", "1969-12-31", "9999-12-31T23:59:59-01:00", "2026-02-30", "soon"]
)
def test_a_span_has_no_end_outside_the_calendar(value: str) -> None:
    for parse in (parse_start, parse_end):
        with pytest.raises(BadValue):
            parse(value, UTC)


def test_a_span_may_begin_with_the_first_day_and_end_with_the_last() -> None:
    assert parse_start("1970-01-01", UTC) == EARLIEST
    assert parse_start("9999-12-31", UTC) == datetime(9999, 12, 31, tzinfo=UTC)
    assert parse_end("9999-12-30", UTC) == datetime(9999, 12, 31, tzinfo=UTC)
