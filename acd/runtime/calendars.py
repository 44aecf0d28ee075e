"""Business hours: when a calendar is open, and until when that stays so.

Owns the meaning of weeks, holidays, single dates and time zones. Must not know queues, commands, files or the clock:
a moment comes in, an answer goes out. The core knows none of this; `acd.runtime.opening` turns it into commands.

A span belongs to the date on which it begins, also when it ends on the next. When clocks are set forward, a time that
they skip means the moment of the jump; when they are set back, a span begins at the first and ends at the second of
the two equal times.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import holidays
from msgspec import Struct

MINUTES_A_DAY: Final = 24 * 60

LOOK_AHEAD_DAYS: Final = 35
"""How far the next change is sought; when there is none so soon, it is time to look again."""

FEWEST_AHEAD: Final = 11
"""From this month on, next year's make-up workdays should be known."""

DayKind = Literal["holiday", "workday"]

Span = tuple[int, int]
"""Minutes after midnight from and to; the end may lie on the next day, up to twice 24 hours."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Calendar(Struct, frozen=True):
    """When something is open. `week`: the spans of Monday to Sunday.

    `holiday`, `workday`: the spans of public holidays, and of days that are worked although they fall on a weekend.
    `country`, `subdivision`: whose public holidays count; empty for none. `dates`: days that are different, as
    (ISO date, what they are like): they go before everything else.
    """

    name: str
    zone: str
    week: tuple[tuple[Span, ...], ...]
    holiday: tuple[Span, ...] = ()
    workday: tuple[Span, ...] = ()
    country: str = ""
    subdivision: str = ""
    dates: tuple[tuple[str, DayKind | tuple[Span, ...]], ...] = ()


class Status(Struct, frozen=True):
    """Whether it is open, and why not (`hours` or `holiday`).

    `until_us`: when that changes, or when it is time to look again.
    """

    is_open: bool
    reason: str
    until_us: int


def status_at(calendar: Calendar, at_us: int) -> Status:
    """How it is at a moment, in µs since 1970."""
    days = _Days(calendar)
    at = _EPOCH + timedelta(microseconds=at_us)
    now = days.look(at)
    for moment in days.changes(at):
        if days.look(moment) != now:
            return Status(*now, _micros(moment))
    return Status(*now, _micros(at + timedelta(days=LOOK_AHEAD_DAYS)))


def years_without_workdays(calendar: Calendar, today: date) -> tuple[int, ...]:
    """Years at hand for which the country's make-up workdays are announced every year, and are not known.

    Countries that have them decree them late in the year before; until the library knows them, or `dates` name at
    least one of the year, those days would count as weekend.
    """
    if not calendar.country:
        return ()
    public = _public_holidays(calendar.country, calendar.subdivision)
    years = (today.year, today.year + 1) if today.month >= FEWEST_AHEAD else (today.year,)
    usual = range(today.year - 3, today.year)
    if not any(_has_workdays(public, year) for year in usual):
        return ()
    named = {each[:4] for each, kind in calendar.dates if kind == "workday"}
    return tuple(year for year in years if str(year) not in named and not _has_workdays(public, year))


def missing_workdays(calendar: Calendar, today: date) -> str:
    """A sentence for whoever runs the system when make-up workdays are not known; empty when all is well."""
    years = years_without_workdays(calendar, today)
    if not years:
        return ""
    return (
        f"calendar {calendar.name}: the make-up workdays of {calendar.country} are not known for "
        f"{' and '.join(map(str, years))}, so that those days count as weekend; once they are announced, write them "
        f'into its dates or its dates_file, like {years[0]}-02-06 = "workday", or install a newer `holidays`'
    )


def is_country(country: str, subdivision: str) -> bool:
    """Whether public holidays are known for it."""
    known = holidays.list_supported_countries()
    return country in known and (not subdivision or subdivision in known[country])


class _Days:
    """The days of one calendar."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.zone)
        self._dates = dict(calendar.dates)
        self._public = _public_holidays(calendar.country, calendar.subdivision) if calendar.country else None

    def look(self, at: datetime) -> tuple[bool, str]:
        """Whether it is open, and why not."""
        today = at.astimezone(self._zone).date()
        for ago in (2, 1, 0):
            for begin, end in self._spans(today - timedelta(days=ago)):
                if begin <= at < end:
                    return True, ""
        return False, "holiday" if self._kind(today) in ("holiday", ()) else "hours"

    def changes(self, at: datetime) -> Iterator[datetime]:
        """Moments after `at` at which something may change, midnights among them; in order while it is closed.

        While it is open, only the end of the spans that cover `at` matters, and everything before that is open, too.
        """
        today = at.astimezone(self._zone).date()
        for ahead in range(-2, LOOK_AHEAD_DAYS):
            day = today + timedelta(days=ahead)
            midnight = _moment(day + timedelta(days=1), 0, self._zone, last=False)
            moments = {midnight, *(each for span in self._spans(day) for each in span)}
            yield from sorted(each for each in moments if each > at)

    def _spans(self, day: date) -> list[tuple[datetime, datetime]]:
        """The spans that begin on a date."""
        kind = self._kind(day)
        if kind is None:
            spans = self._calendar.week[day.weekday()]
        elif kind == "holiday":
            spans = self._calendar.holiday
        elif kind == "workday":
            spans = self._calendar.workday
        else:
            spans = kind
        zone = self._zone
        return [(_moment(day, begin, zone, last=False), _moment(day, end, zone, last=True)) for begin, end in spans]

    def _kind(self, day: date) -> DayKind | tuple[Span, ...] | None:
        """What a date is like, other than its day of the week says; None when it is an ordinary one."""
        named = self._dates.get(day.isoformat())
        if named is not None or self._public is None:
            return named
        is_holiday = day in self._public  # works out the whole year when it is first asked for
        if day in self._public.weekend_workdays:
            return "workday"
        return "holiday" if is_holiday else None


def _moment(day: date, minutes: int, zone: ZoneInfo, *, last: bool) -> datetime:
    """When the clocks of a zone show so many minutes after a date's midnight; the second such moment if `last`."""
    days, rest = divmod(minutes, MINUTES_A_DAY)
    shown = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60))
    early, late = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early <= late:
        return late if last else early
    return _jump(late, early, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two at which the zone's clocks are set forward, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision or None)


def _has_workdays(public: holidays.HolidayBase, year: int) -> bool:
    _ = date(year, 1, 1) in public
    return any(day.year == year for day in public.weekend_workdays)
