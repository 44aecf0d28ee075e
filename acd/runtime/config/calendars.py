"""`[calendars.NAME]`: business hours.

Owns the notation of days and times of day, and the files of dates. Must not know what a calendar means
(`acd.runtime.calendars`), nor queues.

    [calendars.office]
    time_zone = "Asia/Shanghai"
    country = "CN"
    dates_file = "china-2027.toml"
    hours = { mon-fri = "09:00-12:00, 13:00-18:00", sat = "10:00-16:00" }
    dates = { 2026-12-31 = "09:00-12:00", 2027-02-06 = "workday" }
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from acd.runtime.calendars import MINUTES_A_DAY, Calendar, DayKind, Span, is_country
from acd.runtime.config.model import QueueConfig
from acd.runtime.config.problems import did_you_mean, quoted
from acd.runtime.config.table import Table

MAX_CALENDARS: Final = 1_000
"""Calendars of one domain."""

MAX_SPANS: Final = 10
"""Spans of one day."""

MAX_DATES: Final = 4_000
"""Single dates of one calendar, those of its file included."""

MAX_FILE_BYTES: Final = 1_000_000
"""Size of a file of dates."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_KINDS: Final[dict[str, DayKind]] = {"holiday": "holiday", "workday": "workday"}
_TIME: Final = r"([01]?\d|2[0-3]):([0-5]\d)"
_SPAN: Final = re.compile(rf"\s*{_TIME}\s*-\s*(?:{_TIME}|(24:00))\s*", re.ASCII)
_FIX_SPANS: Final = 'write it like "09:00-18:00", "09:00-12:00, 13:00-18:00", "22:00-06:00" or "closed"'
_FIX_DATE: Final = 'write a date like 2026-12-31 = "closed", "holiday", "workday" or "09:00-12:00"'
_FIX_DAYS: Final = "use mon to sun, a range like mon-fri, daily, holiday or workday"


def read_calendars(root: Table) -> dict[str, Calendar]:
    """Every calendar by name."""
    tables = root.named("calendars", "calendar", MAX_CALENDARS)
    return {name: _calendar(name, table) for name, table in tables}


def check_calendars(root: Table, calendars: Mapping[str, Calendar], queues: Sequence[QueueConfig]) -> None:
    """Note queues whose calendar is not there; warn of calendars that no queue keeps."""
    kept = {queue.calendar for queue in queues}
    for queue in queues:
        if queue.calendar and queue.calendar not in calendars:
            key = ("queues", queue.settings.id, "calendar")
            fix = did_you_mean(queue.calendar, calendars) if calendars else f"add [calendars.{queue.calendar}]"
            root.problems.error(key, f"{quoted(queue.calendar)} is not a calendar", fix)
    for name in calendars:
        if name not in kept:
            fix = f"add calendar = {quoted(name)} to a queue, or leave it out"
            root.problems.warn(("calendars", name), "has no effect: no queue keeps it", fix, code="no-effect")


def _calendar(name: str, table: Table) -> Calendar:
    hours = table.table("hours")
    week = _week(hours)
    holiday, workday = _spans(hours, "holiday"), _spans(hours, "workday")
    country, subdivision = table.text("country"), table.text("subdivision")
    if country and not is_country(country, subdivision):
        where, what = ("subdivision", "a part of this country") if is_country(country, "") else ("country", "a country")
        fix = "use a code of ISO 3166, like CN or DE, and like BY within it; leave it out where no holidays count"
        table.problems.error(table.at(where), f"{quoted(table.raw[where])} is not {what} whose holidays are known", fix)
        country = subdivision = ""
    elif subdivision and not country:
        table.problems.error(table.at("subdivision"), "has no effect without a country", 'add country = "DE"')
    calendar = Calendar(
        name,
        _zone(table),
        tuple(week.get(day, ()) for day in DAYS),
        holiday or (),
        week.get("mon", ()) if workday is None else workday,
        country,
        subdivision,
        _dates(table),
    )
    if not any(calendar.week):
        table.problems.error(hours.key, "name no hours of any day, so that it would never open", _FIX_DAYS)
    hours.finish()
    table.finish()
    return calendar


def _zone(table: Table) -> str:
    if not table.has("time_zone"):
        fix = 'name the zone in which the hours are meant, like time_zone = "Asia/Shanghai"'
        table.problems.error(table.key, "has no time_zone", fix)
        return "UTC"
    name = table.text("time_zone", "UTC")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = 'use a name of the IANA database, like "Asia/Shanghai", "Europe/Berlin" or "UTC"'
        table.problems.error(table.at("time_zone"), f"{quoted(name)} is not a time zone", fix)
        return "UTC"
    return name


def _week(hours: Table) -> dict[str, tuple[Span, ...]]:
    """Day → spans, of all days that are named."""
    week: dict[str, tuple[Span, ...]] = {}
    for key in hours.raw:
        if key in ("holiday", "workday"):
            continue
        days = _days(key)
        spans = _spans(hours, key)
        if not days:
            hours.problems.error(hours.at(key), "is not a day", _FIX_DAYS)
        for day in days:
            if day in week:
                hours.problems.error(hours.at(key), f"names {day} once more", "name every day once")
            week[day] = spans or ()
    return week


def _days(key: str) -> tuple[str, ...]:
    """`fri` or `mon-fri` or `fri-mon` or `daily`; nothing when it is none of these."""
    if key == "daily":
        return DAYS
    first, _, last = key.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        return ()
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return DAYS[begin : end + 1] if begin <= end else DAYS[begin:] + DAYS[: end + 1]


def _spans(table: Table, key: str) -> tuple[Span, ...] | None:
    """The spans of a key; None when it is not there."""
    if not table.has(key):
        return None
    value = table.raw[key]
    spans = parse_spans(value) if isinstance(value, str) else None
    if spans is None:
        table.problems.error(table.at(key), f"{quoted(value)} are not hours", _FIX_SPANS)
        return ()
    return spans


def parse_spans(text: str) -> tuple[Span, ...] | None:
    """`09:00-12:00, 13:00-18:00`, in order; `closed` has none. An end before its beginning is on the next day."""
    if text.strip() == "closed":
        return ()
    spans = []
    for each in text.split(","):
        match = _SPAN.fullmatch(each)
        if match is None:
            return None
        begin = int(match[1]) * 60 + int(match[2])
        end = MINUTES_A_DAY if match[5] else int(match[3]) * 60 + int(match[4])
        if end == begin:
            return None
        spans.append((begin, end if end > begin else end + MINUTES_A_DAY))
    in_order = all(before[1] <= after[0] for before, after in pairwise(spans))
    return tuple(spans) if in_order and len(spans) <= MAX_SPANS else None


def _dates(table: Table) -> tuple[tuple[str, DayKind | tuple[Span, ...]], ...]:
    """Those of the file, and over them those that are written here, in order."""
    found = _dates_of_file(table)
    inline = table.table("dates")
    for key, value in inline.raw.items():
        inline.has(key)
        _read_date(key, value, found, partial(inline.problems.error, inline.at(key)))
    if len(found) > MAX_DATES:
        table.problems.error(inline.key, f"has {len(found)} dates, those of the file included", f"{MAX_DATES} at most")
    return tuple(sorted(found.items()))


def _dates_of_file(table: Table) -> dict[str, DayKind | tuple[Span, ...]]:
    found: dict[str, DayKind | tuple[Span, ...]] = {}
    if not table.has("dates_file"):
        return found
    path, key = table.path("dates_file", ""), table.at("dates_file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            table.problems.error(key, "names a file that is larger than 1 MB", "is it the right file?")
            return found
        raw = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        reason = f"names a file that cannot be read ({error.strerror})"
        table.problems.error(key, reason, "name a file of dates; paths start from the configuration's folder")
        return found
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        table.problems.error(key, f"names a file that is no TOML: {error}", _FIX_DATE)
        return found
    for name, value in raw.items():
        _read_date(name, value, found, lambda reason, fix: table.problems.error(key, f"has a line that {reason}", fix))
    return found


def _read_date(
    name: str, value: object, found: dict[str, DayKind | tuple[Span, ...]], note: Callable[[str, str], None]
) -> None:
    """One line; `note` takes a reason and a fix."""
    spans = parse_spans(value) if isinstance(value, str) else None
    if not _is_date(name):
        note(f"{quoted(name)} is not a date", _FIX_DATE)
    elif isinstance(value, str) and value in _KINDS:
        found[name] = _KINDS[value]
    elif spans is None:
        note(f"{quoted(value)} is not what a day can be like", _FIX_DATE)
    else:
        found[name] = spans


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
