"""Business hours: weeks, nights, holidays, single dates, and the two days a year on which clocks are set."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from acd.runtime.calendars import (
    LOOK_AHEAD_DAYS,
    Calendar,
    Status,
    missing_workdays,
    status_at,
    years_without_workdays,
)

NINE_TO_SIX = ((9 * 60, 18 * 60),)
WEEK = (NINE_TO_SIX,) * 5 + ((), ())
BERLIN = "Europe/Berlin"
OFFICE = Calendar("office", BERLIN, WEEK)


def micros(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    """Local time → µs since 1970."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1_000_000


def look(calendar: Calendar, text: str, fold: int = 0) -> tuple[bool, str, str]:
    """Open, why not, and until when, in the calendar's local time with its offset."""
    status = status_at(calendar, micros(text, calendar.zone, fold))
    until = datetime.fromtimestamp(status.until_us // 1_000_000, ZoneInfo(calendar.zone))
    return status.is_open, status.reason, until.isoformat(timespec="minutes")


def intervals(calendar: Calendar, begin: str, end: str) -> list[tuple[str, str]]:
    """Every change between two local times: when, and how it is from then on."""
    at_us, end_us = micros(begin, calendar.zone), micros(end, calendar.zone)
    changes = []
    while at_us < end_us:
        status = status_at(calendar, at_us)
        assert status.until_us > at_us
        moment = datetime.fromtimestamp(at_us // 1_000_000, ZoneInfo(calendar.zone))
        changes.append((moment.isoformat(timespec="minutes"), "open" if status.is_open else status.reason))
        at_us = status.until_us
    return changes


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-06-15T08:59", (False, "hours", "2026-06-15T09:00+02:00")),
        ("2026-06-15T09:00", (True, "", "2026-06-15T18:00+02:00")),
        ("2026-06-15T17:59", (True, "", "2026-06-15T18:00+02:00")),
        ("2026-06-15T18:00", (False, "hours", "2026-06-16T09:00+02:00")),
        ("2026-06-19T18:00", (False, "hours", "2026-06-22T09:00+02:00")),
    ],
)
def test_a_week_of_office_hours(at: str, expected: tuple[bool, str, str]) -> None:
    assert look(OFFICE, at) == expected


def test_a_moment_is_looked_at_to_the_microsecond() -> None:
    nine = micros("2026-06-15T09:00")
    assert status_at(OFFICE, nine - 1) == Status(is_open=False, reason="hours", until_us=nine)
    assert status_at(OFFICE, nine).is_open


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = Calendar("nights", BERLIN, (((22 * 60, 30 * 60),),) * 4 + ((), (), ()))
    assert intervals(nights, "2026-06-18T12:00", "2026-06-22T23:00") == [
        ("2026-06-18T12:00+02:00", "hours"),
        ("2026-06-18T22:00+02:00", "open"),
        ("2026-06-19T06:00+02:00", "hours"),
        ("2026-06-22T22:00+02:00", "open"),
    ]


def test_round_the_clock_never_closes_at_midnight() -> None:
    always = Calendar("always", BERLIN, (((0, 24 * 60),),) * 7)
    status = status_at(always, micros("2026-06-15T13:00"))
    assert status == Status(is_open=True, reason="", until_us=micros("2026-06-15T13:00") + days_us(LOOK_AHEAD_DAYS))


def days_us(days: int) -> int:
    return timedelta(days=days) // timedelta(microseconds=1)


def test_never_is_looked_at_again_before_long() -> None:
    never = Calendar("never", BERLIN, ((),) * 7)
    assert status_at(never, 0) == Status(is_open=False, reason="hours", until_us=days_us(LOOK_AHEAD_DAYS))


def test_when_clocks_are_set_forward_the_day_is_an_hour_shorter() -> None:
    sunday = Calendar("sunday", BERLIN, ((),) * 6 + (((60, 5 * 60),),))
    assert intervals(sunday, "2026-03-29T00:00", "2026-03-29T12:00") == [
        ("2026-03-29T00:00+01:00", "hours"),
        ("2026-03-29T01:00+01:00", "open"),
        ("2026-03-29T05:00+02:00", "hours"),
    ]
    assert (micros("2026-03-29T05:00") - micros("2026-03-29T01:00")) == 3 * 3600 * 1_000_000


@pytest.mark.parametrize(
    ("span", "opens", "closes"),
    [
        ((2 * 60 + 30, 4 * 60), "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
        ((60, 2 * 60 + 30), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        ((2 * 60 + 30, 3 * 60 + 15), "2026-03-29T03:00+02:00", "2026-03-29T03:15+02:00"),
    ],
)
def test_a_time_that_the_clocks_skip_means_the_moment_of_the_jump(
    span: tuple[int, int], opens: str, closes: str
) -> None:
    sunday = Calendar("sunday", BERLIN, ((),) * 6 + ((span,),))
    found = intervals(sunday, "2026-03-29T00:00", "2026-03-29T12:00")
    assert found == [("2026-03-29T00:00+01:00", "hours"), (opens, "open"), (closes, "hours")]


def test_hours_that_the_clocks_skip_altogether_are_none() -> None:
    sunday = Calendar("sunday", BERLIN, ((),) * 6 + (((2 * 60 + 10, 2 * 60 + 50),),))
    assert len(intervals(sunday, "2026-03-29T00:00", "2026-03-30T00:00")) == 1


def test_when_clocks_are_set_back_a_span_takes_in_both_of_the_equal_hours() -> None:
    sunday = Calendar("sunday", BERLIN, ((),) * 6 + (((2 * 60 + 30, 2 * 60 + 45),),))
    found = intervals(sunday, "2026-10-25T00:00", "2026-10-25T12:00")
    assert found[1:] == [("2026-10-25T02:30+02:00", "open"), ("2026-10-25T02:45+01:00", "hours")]


def test_a_leap_day_is_a_day() -> None:
    assert look(OFFICE, "2028-02-28T18:00") == (False, "hours", "2028-02-29T09:00+01:00")
    closed = Calendar("office", BERLIN, WEEK, dates=(("2028-02-29", ()),))
    assert look(closed, "2028-02-28T18:00") == (False, "hours", "2028-02-29T00:00+01:00")
    assert look(closed, "2028-02-29T09:00") == (False, "holiday", "2028-03-01T00:00+01:00")


def test_a_single_date_goes_before_everything_else() -> None:
    short = ((10 * 60, 12 * 60),)
    dates = (("2026-06-16", short), ("2026-06-17", "holiday"), ("2026-06-20", "workday"))
    special = Calendar("office", BERLIN, WEEK, workday=NINE_TO_SIX, dates=dates)  # type: ignore[arg-type]
    assert intervals(special, "2026-06-16T00:00", "2026-06-21T00:00") == [
        ("2026-06-16T00:00+02:00", "hours"),
        ("2026-06-16T10:00+02:00", "open"),
        ("2026-06-16T12:00+02:00", "hours"),
        ("2026-06-17T00:00+02:00", "holiday"),
        ("2026-06-18T00:00+02:00", "hours"),
        ("2026-06-18T09:00+02:00", "open"),
        ("2026-06-18T18:00+02:00", "hours"),
        ("2026-06-19T09:00+02:00", "open"),
        ("2026-06-19T18:00+02:00", "hours"),
        ("2026-06-20T09:00+02:00", "open"),
        ("2026-06-20T18:00+02:00", "hours"),
    ]


def test_public_holidays_of_a_country_and_of_a_part_of_it() -> None:
    bavaria = Calendar("office", BERLIN, WEEK, country="DE", subdivision="BY")
    berlin = Calendar("office", BERLIN, WEEK, country="DE", subdivision="BE")
    assert look(bavaria, "2026-01-06T10:00") == (False, "holiday", "2026-01-07T00:00+01:00")
    assert look(berlin, "2026-01-06T10:00")[0]
    open_on_holidays = Calendar("office", BERLIN, WEEK, ((600, 720),), country="DE", subdivision="BY")
    assert look(open_on_holidays, "2026-01-06T11:00") == (True, "", "2026-01-06T12:00+01:00")


def test_chinese_make_up_workdays_are_worked() -> None:
    china = Calendar("office", "Asia/Shanghai", WEEK, workday=((540, 1020),), country="CN")
    assert date(2024, 2, 4).weekday() == 6
    assert look(china, "2024-02-04T10:00") == (True, "", "2024-02-04T17:00+08:00")
    assert look(china, "2024-02-12T10:00")[:2] == (False, "holiday")
    assert look(china, "2024-02-11T10:00")[:2] == (False, "holiday")
    assert look(china, "2024-03-03T10:00")[:2] == (False, "hours")


def test_a_year_without_make_up_workdays_is_reported_until_it_is_known() -> None:
    china = Calendar("office", "Asia/Shanghai", WEEK, country="CN")
    assert years_without_workdays(china, date(2024, 5, 1)) == ()
    far = date(2090, 11, 1)
    assert years_without_workdays(china, far) == (), "a library that has had none for years is not waited for"
    assert years_without_workdays(Calendar("office", BERLIN, WEEK, country="DE"), date(2024, 11, 1)) == ()
    assert years_without_workdays(OFFICE, date(2024, 11, 1)) == ()
    last = max(year for year in range(2024, 2060) if years_without_workdays(china, date(year, 1, 1)) == ())
    known = next(year for year in range(2024, 2060) if years_without_workdays(china, date(year + 1, 1, 1)))
    assert years_without_workdays(china, date(known, 10, 31)) == ()
    assert years_without_workdays(china, date(known, 11, 1)) == (known + 1,)
    assert last >= known
    told = Calendar("office", "Asia/Shanghai", WEEK, country="CN", dates=((f"{known + 1}-02-06", "workday"),))
    assert years_without_workdays(told, date(known, 11, 1)) == ()
    assert missing_workdays(told, date(known, 11, 1)) == ""
    assert f"not known for {known + 1}, so" in missing_workdays(china, date(known, 11, 1))
