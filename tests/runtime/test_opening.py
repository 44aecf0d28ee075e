"""Queues that keep business hours: opened and closed by the router, at the right moments and at no others."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from acd.core.messages import CloseQueue, OpenQueue, Outcome, SignOutAgent
from acd.errors import JournalUnavailable
from acd.runtime.calendars import Calendar
from acd.runtime.clock import Timeline
from acd.runtime.journal import MemoryJournal
from acd.runtime.opening import RETRY_US, OpeningHours
from acd.runtime.router import Router
from acd.testing import ManualClock
from tests.runtime.live import HOUR, call, commands, configuration, idle, router_of

TEXT = """
[queues.sales]
calendar = "office"
when_closed = "refuse"

[queues.night]

[calendars.office]
time_zone = "Asia/Shanghai"
hours = { mon-fri = "09:00-18:00" }
dates = { 2026-06-16 = "closed" }
"""


def clock_at(text: str) -> ManualClock:
    """Local time in Shanghai."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return ManualClock(round(moment.timestamp()) * 1_000_000)


def told(journal: MemoryJournal) -> list[tuple[str, str]]:
    """Which queue was opened, or closed and why, in order."""
    found = []
    for command in commands(journal):
        if isinstance(command, OpenQueue):
            found.append((command.queue, "open"))
        elif isinstance(command, CloseQueue):
            found.append((command.queue, command.reason))
    return found


async def caught_up(router: Router) -> None:
    """Wait until whatever is due has been handed in, which takes a few turns, and is durable: they keep their order."""
    await idle()
    await router.submit(SignOutAgent(router.new_id(), "nobody"))


async def pass_time(router: Router, clock: ManualClock, hours: int) -> None:
    """Hour by hour, with the router keeping up."""
    for _ in range(hours):
        clock.advance(HOUR)
        await caught_up(router)


async def test_a_queue_opens_and_closes_at_the_right_moments(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), clock_at("2026-06-15T08:00")
    async with router_of(configuration(tmp_path, TEXT), journal, clock=clock) as router:
        assert told(journal) == [("sales", "out-of-hours")], "closed before anybody can come in"
        refused = await router.submit(call(1))
        assert refused.refusal is not None
        assert refused.refusal.detail == "queue sales is closed (out-of-hours)"
        clock.advance(HOUR - 1)
        await caught_up(router)
        assert len(told(journal)) == 1
        clock.advance(1)
        await caught_up(router)
        assert told(journal)[1:] == [("sales", "open")]
        assert (await router.submit(call(2))).refusal is None
        await pass_time(router, clock, 9)
        assert told(journal)[2:] == [("sales", "out-of-hours")]
        await pass_time(router, clock, 6)
        assert told(journal)[3:] == [("sales", "public-holiday")], "midnight, and the date is a closed one"
        await pass_time(router, clock, 24 + 9)
        assert told(journal)[4:] == [("sales", "out-of-hours"), ("sales", "open")]
        assert router.view.queues["sales"].closed is None


async def test_a_restart_repeats_nothing_and_makes_up_for_what_was_missed(tmp_path: Path) -> None:
    journal = MemoryJournal()
    config = configuration(tmp_path, TEXT)
    async with router_of(config, journal, clock=clock_at("2026-06-15T10:00")):
        assert told(journal) == []
    again = journal.twin()
    async with router_of(config, again, clock=clock_at("2026-06-15T12:00")):
        assert told(again) == []
    evening = again.twin()
    async with router_of(config, evening, clock=clock_at("2026-06-15T19:00")) as router:
        assert told(evening) == [("sales", "out-of-hours")]
        assert router.view.queues["night"].closed is None


async def test_what_a_supervisor_says_holds_until_the_calendar_speaks_again(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), clock_at("2026-06-17T10:00")
    async with router_of(configuration(tmp_path, TEXT), journal, clock=clock) as router:
        await router.submit(CloseQueue("drill", "sales", "fire-drill"))
        await pass_time(router, clock, 4)
        assert router.view.queues["sales"].closed == "fire-drill"
        await pass_time(router, clock, 4)
        assert router.view.queues["sales"].closed == "out-of-hours"
        await router.submit(OpenQueue("longer", "sales"))
        await pass_time(router, clock, 5)
        assert router.view.queues["sales"].closed is None
        assert told(journal) == [("sales", "fire-drill"), ("sales", "out-of-hours"), ("sales", "open")]


async def test_a_queue_that_loses_its_calendar_is_opened(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), clock_at("2026-06-15T20:00")
    config = configuration(tmp_path, TEXT)
    bare = configuration(tmp_path, "[queues.sales]\n[queues.night]\n")
    async with router_of(config, journal, clock=clock) as router:
        await router.submit(CloseQueue("by-hand", "night", "renovation"))
        await router.reconfigure(bare)
        await caught_up(router)
        assert told(journal)[-1] == ("sales", "open")
        await router.reconfigure(config)
        await caught_up(router)
        assert told(journal)[-1] == ("sales", "out-of-hours")
    later = journal.twin()
    async with router_of(bare, later, clock=clock) as router:
        assert told(later)[-1] == ("sales", "open")
        assert router.view.queues["night"].closed == "renovation"


async def test_commands_that_could_not_be_given_are_given_again() -> None:
    clock = clock_at("2026-06-15T08:00")
    given: list[str] = []
    failing = [False]

    async def order(command: object) -> Outcome:
        if failing[0]:
            raise JournalUnavailable("the disk is full")
        given.append(type(command).__name__)
        return Outcome()

    hours = OpeningHours(order, lambda: str(len(given)))
    week = (((9 * 60, 18 * 60),),) * 7
    await hours.begin(Timeline(clock, 0), {"sales": Calendar("office", "Asia/Shanghai", week)}, {})
    assert given == ["CloseQueue"]
    failing[0] = True
    clock.advance(HOUR)
    await idle()
    assert given == ["CloseQueue"]
    failing[0] = False
    clock.advance(RETRY_US - 1)
    await idle()
    assert given == ["CloseQueue"]
    clock.advance(1)
    await idle()
    assert given == ["CloseQueue", "OpenQueue"]
    await hours.stop()
    await hours.stop()
    clock.advance(24 * HOUR)
    await idle()
    assert given == ["CloseQueue", "OpenQueue"]


async def test_many_queues_are_told_in_few_batches(tmp_path: Path) -> None:
    count = 600
    text = TEXT + "".join(f'[queues.q{number}]\ncalendar = "office"\n' for number in range(count))
    journal = MemoryJournal()
    config = msgspec.structs.replace(configuration(tmp_path, text))
    async with router_of(config, journal, clock=clock_at("2026-06-15T08:00")):
        assert len(told(journal)) == count + 1
