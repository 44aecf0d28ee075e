"""The board over a running domain: alarms are told once, by event and by timer, over restarts, and so is the day."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acd.core.messages import (
    AcceptOffer,
    AlarmCleared,
    AlarmRaised,
    CancelInteraction,
    EndInteraction,
    Event,
    NoteAlarm,
    SignOutAgent,
)
from acd.runtime.board import Board
from acd.runtime.board.keeping import path_of
from acd.runtime.board.series import STEP_US
from acd.runtime.board.watching import OLDEST_US, SAVED_US
from acd.runtime.config import Config
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing import ManualClock
from tests.runtime.live import SECOND, call, commands, configuration, idle, quiet, sign_in

TEXT = """
[agents.anna]
queues = ["sales"]
[agents.boris]
queues = ["support"]

[queues.sales]
offer_timeout = "1h"
wrap_up = "0s"

[queues.sales.alarms]
waiting = 3
waiting_clear = 1
longest_wait = "1m"
no_agent_ready = "30s"
service_level = 80
least_calls = 2
settle = "5s"

[queues.support]
requirement = '"support" in queues'
"""


class Centre:
    """A domain with its board, on one clock that stands still."""

    def __init__(self, router: Router, board: Board, clock: ManualClock) -> None:
        self.router, self.board, self.clock = router, board, clock
        self.calls = 0

    async def settle(self) -> None:
        for _ in range(3):
            await idle()
            # Behind whatever that made: when this has been answered (refused), so has everything before it.
            await self.router.submit(EndInteraction(self.router.new_id(), "nobody"))
            await quiet(self.router)
        await idle()

    async def pass_time(self, seconds: float) -> None:
        """A second at a time, as timers that follow each other need it."""
        left_us = round(seconds * SECOND)
        while left_us > 0:
            self.clock.advance(min(left_us, SECOND))
            left_us -= SECOND
            await self.settle()

    async def enqueue(self, count: int = 1) -> None:
        for _ in range(count):
            self.calls += 1
            # Of no channel that is there: nobody answers for it, and nobody lets it go.
            await self.router.submit(call(self.calls, instance="nowhere"))
        await self.settle()

    def raised(self, queue: str = "sales") -> list[str]:
        return sorted(self.router.view.queues[queue].alarms)


def told(journal: MemoryJournal) -> list[tuple[str, bool]]:
    """What the engine was told, in order."""
    return [(each.alarm, each.raised) for each in commands(journal) if isinstance(each, NoteAlarm)]


@asynccontextmanager
async def centre_of(config: Config, journal: MemoryJournal | None, clock: ManualClock) -> AsyncIterator[Centre]:
    """`journal` None: the one of the configuration, on disk."""
    router = Router(config, journal=journal, clock=clock, channels=())
    board = Board(config.journal.path, config.domain, router, clock)
    router.on_configured(board.configured)
    try:
        async with router:
            await board.start()
            centre = Centre(router, board, clock)
            await centre.settle()
            yield centre
    finally:
        await board.close()


async def test_a_line_raises_an_alarm_and_clears_it_once(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    config = configuration(tmp_path, TEXT)
    async with centre_of(config, journal, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue(3)
        await centre.pass_time(2)
        assert told(journal) == [], "one of them rings"
        await centre.enqueue()
        await centre.pass_time(2)
        assert told(journal) == [("waiting", True)]
        assert centre.router.view.queues["sales"].alarms["waiting"].value == 3
        await centre.enqueue(2)
        await centre.pass_time(5)
        for number in (2, 3, 4, 5):
            await centre.router.submit(CancelInteraction(f"x{number}", f"call-{number}"))
        await centre.pass_time(4)
        assert centre.raised() == ["waiting"], "it has not settled yet"
        await centre.pass_time(4)
        assert told(journal) == [("waiting", True), ("waiting", False)]
        assert centre.raised() == []


async def test_time_alone_raises_one_and_nobody_has_to_ask(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with centre_of(configuration(tmp_path, TEXT), journal, clock) as centre:
        await centre.pass_time(29)
        assert told(journal) == []
        await centre.pass_time(2)
        assert told(journal) == [("no-agent-ready", True)]
        await sign_in(centre.router, "anna", "boris")
        await centre.pass_time(4)
        assert centre.raised() == ["no-agent-ready"]
        await centre.pass_time(3)
        assert told(journal) == [("no-agent-ready", True), ("no-agent-ready", False)]


async def test_the_longest_wait_begins_and_ends_with_calls(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with centre_of(configuration(tmp_path, TEXT), journal, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue()
        await centre.pass_time(59)
        assert told(journal) == []
        await centre.pass_time(2)
        assert told(journal) == [("longest-wait", True)]
        await centre.router.submit(AcceptOffer("a", "call-1.1", "anna"))
        await centre.pass_time(6)
        assert told(journal) == [("longest-wait", True), ("longest-wait", False)]


async def test_a_service_level_that_falls_and_is_forgotten_by_the_window(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    text = TEXT.replace('longest_wait = "1m"\n', "").replace("waiting = 3\nwaiting_clear = 1\n", "")
    async with centre_of(configuration(tmp_path, text), journal, clock) as centre:
        await sign_in(centre.router, "anna", "boris")
        await centre.enqueue(2)
        await centre.pass_time(30)
        for number, agent in ((1, "anna"), (2, "boris")):
            await centre.router.submit(AcceptOffer(f"a{number}", f"call-{number}.1", agent))
        await centre.pass_time(2)
        assert told(journal) == [("service-level", True)]
        assert centre.router.view.queues["sales"].alarms["service-level"].value == 0
        for _ in range(17):
            clock.advance(60 * SECOND)
            await centre.settle()
        assert told(journal) == [("service-level", True), ("service-level", False)]


async def test_a_restart_raises_nothing_again_and_clears_what_is_over(tmp_path: Path) -> None:
    journal, clock, config = MemoryJournal(), ManualClock(), configuration(tmp_path, TEXT)
    async with centre_of(config, journal, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue(4)
        await centre.pass_time(2)
        assert centre.raised() == ["waiting"]
    again = journal.twin()
    async with centre_of(config, again, clock) as centre:
        await centre.pass_time(10)
        assert centre.raised() == ["waiting"]
        for number in (2, 3, 4):
            await centre.router.submit(CancelInteraction(f"x{number}", f"call-{number}"))
        await centre.pass_time(8)
        assert told(again) == [("waiting", True), ("waiting", False)]


async def test_thresholds_that_go_take_their_alarms_with_them(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with centre_of(configuration(tmp_path, TEXT), journal, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue(4)
        await centre.pass_time(2)
        plain = configuration(tmp_path, TEXT.replace("waiting = 3\nwaiting_clear = 1\n", ""))
        await centre.router.reconfigure(plain)
        await centre.pass_time(2)
        assert centre.raised() == []
        await centre.router.reconfigure(configuration(tmp_path, TEXT))
        await centre.pass_time(2)
        assert told(journal) == [("waiting", True), ("waiting", False), ("waiting", True)]


async def test_events_say_which_queue_and_how_bad_it_is(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    seen: list[Event] = []
    async with centre_of(configuration(tmp_path, TEXT), journal, clock) as centre:
        subscription = centre.router.subscribe()
        await sign_in(centre.router, "anna")
        await centre.enqueue(4)
        await centre.pass_time(3)
        for number in (2, 3, 4):
            await centre.router.submit(CancelInteraction(f"x{number}", f"call-{number}"))
        await centre.pass_time(8)
    async for commit in subscription:
        seen += [event for event in getattr(commit, "events", ()) if isinstance(event, AlarmRaised | AlarmCleared)]
    raised, cleared = seen
    assert raised == AlarmRaised("sales", "waiting", 3, 3)
    assert isinstance(cleared, AlarmCleared)
    assert (cleared.queue, cleared.value, cleared.lasted_us >= 8 * SECOND) == ("sales", 0, True)


# The day


def day_of(board: Board) -> tuple[int, int, int, int]:
    """Entered, answered, abandoned; and the most who waited at once."""
    series = board.series("sales")
    assert series is not None
    entered, answered, _, abandoned, most = (list(each) for each in zip(*series.day.rows.values(), strict=True))
    return sum(entered), sum(answered), sum(abandoned), max(most)


async def test_the_day_goes_on_after_a_restart_that_kept_it(tmp_path: Path) -> None:
    clock, config = ManualClock(), configuration(tmp_path, TEXT)
    async with centre_of(config, None, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue(4)
        await centre.router.submit(AcceptOffer("a", "call-1.1", "anna"))
        await centre.settle()
        before = day_of(centre.board)
        assert before == (4, 1, 0, 3)
    assert path_of(config.journal.path).exists()
    clock.advance(STEP_US)
    async with centre_of(config, None, clock) as centre:
        assert day_of(centre.board) == before
        series = centre.board.series("sales")
        assert series is not None
        assert series.waiting == 3
        assert [row[-1] for _, row in series.points(0, clock.wall_us())] == [3, 3], "they have waited all the time"


async def test_what_a_crash_took_is_told_again_from_the_journal(tmp_path: Path) -> None:
    clock, config = ManualClock(), configuration(tmp_path, TEXT)
    day = path_of(config.journal.path)
    async with centre_of(config, None, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue(3)
    early = day.read_bytes()
    async with centre_of(config, None, clock) as centre:
        centre.calls = 3
        await centre.enqueue(2)
        await centre.router.submit(CancelInteraction("x", "call-2"))
        await centre.settle()
        before = day_of(centre.board)
        assert before[0] == 5
    day.write_bytes(early)
    async with centre_of(config, None, clock) as centre:
        async with asyncio.timeout(30):
            while not centre.board.is_current:
                await asyncio.sleep(0)
        assert day_of(centre.board) == before
        series = centre.board.series("sales")
        assert series is not None
        assert series.waiting == centre.router.view.queues["sales"].waiting


async def test_the_day_is_kept_now_and_then(tmp_path: Path) -> None:
    clock, config = ManualClock(), configuration(tmp_path, TEXT)
    day = path_of(config.journal.path)
    async with centre_of(config, None, clock) as centre:
        await centre.enqueue(1)
        before = day.read_bytes()
        clock.advance(SAVED_US)
        await centre.enqueue(1)
        async with asyncio.timeout(30):
            while day.read_bytes() == before:
                await asyncio.sleep(0)


async def test_a_day_that_is_over_is_not_told_again(tmp_path: Path) -> None:
    clock, config = ManualClock(), configuration(tmp_path, TEXT)
    async with centre_of(config, None, clock) as centre:
        await centre.enqueue(2)
    clock.advance(3 * OLDEST_US)
    async with centre_of(config, None, clock) as centre:
        assert centre.board.is_current
        series = centre.board.series("sales")
        assert series is not None
        assert (series.waiting, sum(row[0] for _, row in series.points(0, clock.wall_us()))) == (2, 0)


async def test_a_file_that_is_damaged_begins_the_day_anew(tmp_path: Path) -> None:
    clock, config = ManualClock(), configuration(tmp_path, TEXT)
    async with centre_of(config, None, clock) as centre:
        await sign_in(centre.router, "anna")
        await centre.enqueue(3)
    path_of(config.journal.path).write_bytes(b"\xc1 no such thing")
    async with centre_of(config, None, clock) as centre:
        centre.calls = 3
        series = centre.board.series("sales")
        assert series is not None
        assert series.waiting == 2, "those who are there are known to the engine"
        await centre.enqueue(1)
        assert day_of(centre.board)[0] == 1
        assert centre.board.staffing.of("sales").on_duty == 1
        await centre.router.submit(SignOutAgent("out", "anna"))
        await centre.settle()
        assert centre.board.staffing.of("sales").on_duty == 0
