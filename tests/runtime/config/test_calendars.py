"""`[calendars.NAME]` as a calendar; `errors.txt` has what can be wrong with it."""

from pathlib import Path

import pytest

from acd.runtime.calendars import Calendar, DayKind, Span
from acd.runtime.config import check_text, loads
from acd.runtime.config.calendars import MAX_DATES, parse_spans

TEXT = """
[queues.sales]
calendar = "office"

[queues.other]

[calendars.office]
time_zone = "Asia/Shanghai"
country = "CN"
dates_file = "days.toml"

[calendars.office.hours]
mon-thu = "09:00-12:00, 13:00-18:00"
fri = "9:00-17:00"
sat-sun = "closed"
holiday = "10:00-12:00"

[calendars.office.dates]
2026-12-31 = "09:00-12:00"
2027-02-06 = "closed"
"""

DAYS = """
2027-02-06 = "workday"
2027-02-07 = "workday"
2027-02-08 = "holiday"
"""


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "days.toml").write_text(DAYS, encoding="utf-8")
    config = loads(TEXT, base=tmp_path)
    dates: tuple[tuple[str, DayKind | tuple[Span, ...]], ...]
    day, short = ((540, 720), (780, 1080)), ((540, 1020),)
    dates = (("2026-12-31", ((540, 720),)), ("2027-02-06", ()), ("2027-02-07", "workday"), ("2027-02-08", "holiday"))
    office = Calendar(
        "office", "Asia/Shanghai", (day, day, day, day, short, (), ()), ((600, 720),), day, "CN", "", dates
    )
    assert config.calendars == (office,)
    assert config.hours() == {"sales": office}


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("09:00-18:00", ((540, 1080),)),
        (" 9:00 - 12:00,13:00-18:00 ", ((540, 720), (780, 1080))),
        ("00:00-24:00", ((0, 1440),)),
        ("22:00-06:00", ((1320, 1800),)),
        ("closed", ()),
        ("09:00-12:00, 12:00-13:00", ((540, 720), (720, 780))),
        ("24:00-06:00", None),
        ("09:00-09:00", None),
        ("09:00-25:00", None),
        ("09:60-10:00", None),
        ("13:00-18:00, 09:00-12:00", None),
        ("22:00-06:00, 07:00-08:00", None),
        ("", None),
        ("09:00", None),
        ("٠٩:٠٠-١٨:٠٠", None),
        (", ".join(f"{hour:02}:00-{hour:02}:30" for hour in range(11)), None),
    ],
)
def test_times_of_day(text: str, spans: tuple[tuple[int, int], ...] | None) -> None:
    assert parse_spans(text) == spans


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        ("2027-02-30 = 'closed'", 'has a line that "2027-02-30" is not a date'),
        ("2027-02-06 = 7", "has a line that 7 is not what a day can be like"),
        ("2027-02-06", "names a file that is no TOML"),
        ("\udcff", "names a file that is no TOML"),
        ("x" * 1_000_001, "names a file that is larger than 1 MB"),
        ("\n".join(f"{2000 + n // 365}-{1 + n // 28 % 12:02}-{1 + n % 28:02} = 'closed'" for n in range(336)), ""),
    ],
)
def test_a_file_of_dates_that_is_no_use_is_reported(tmp_path: Path, days: str, problem: str) -> None:
    (tmp_path / "days.toml").write_bytes(days.encode("utf-8", "surrogateescape"))
    errors = [str(each) for each in check_text(TEXT, base=tmp_path).errors]
    assert len(errors) == bool(problem)
    assert all(problem in each and "calendars.office.dates_file: " in each for each in errors)


def test_too_many_dates_are_reported(tmp_path: Path) -> None:
    dates = {
        f"{year}-{month:02}-{day:02}" for year in range(2026, 2038) for month in range(1, 13) for day in range(1, 29)
    }
    (tmp_path / "days.toml").write_text("".join(f'{each} = "closed"\n' for each in dates), encoding="utf-8")
    report = check_text(TEXT, base=tmp_path)
    (error,) = report.errors
    assert f"dates, those of the file included; {MAX_DATES} at most" in str(error)
