"""The engine is told what waits are estimated: where steps ask for it, when it has changed, and not too often."""

import asyncio
from pathlib import Path

import pytest

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    ApplyConfig,
    EndInteraction,
    InteractionRelaxed,
    NoteEstimate,
    Outcome,
    SetPresence,
    SignInAgent,
    SignOutAgent,
)
from acd.errors import CommandInvalid, CommandQuarantined, JournalUnavailable, OutcomeUnknown, RouterClosed
from acd.runtime.clock import Timeline
from acd.runtime.estimate_notes import AT_ONCE, EVERY_US, EstimateNotes, differs
from acd.runtime.journal import MemoryJournal
from acd.runtime.projections import Projections
from acd.runtime.router import Router
from acd.testing import ManualClock
from tests.runtime.live import SECOND, call, commands, configuration, idle, quiet, router_of, sign_in

TEXT = """
[agents.anna]
[agents.boris]

[queues.sales]
[[queues.sales.steps]]
after = "20s"
when = "estimated_wait > 10s"
announce = "sorry"

[queues.support]
[[queues.support.steps]]
after = "20s"
when = "position > 1"
priority = 1
"""


def notes(journal: MemoryJournal) -> list[NoteEstimate]:
    """What the engine was told, in order."""
    return [command for command in commands(journal) if isinstance(command, NoteEstimate)]


async def pass_time(router: Router, clock: ManualClock, us: int = EVERY_US) -> None:
    clock.advance(us)
    await idle()
    # Behind whatever that made: when this has been answered (refused), so has everything before it been committed.
    await router.submit(EndInteraction(router.new_id(), "nobody"))
    await quiet(router)
    await idle()


async def test_the_engine_is_told_at_most_once_a_second_and_a_step_goes_by_it(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    seen: list[InteractionRelaxed] = []
    async with router_of(configuration(tmp_path, TEXT), journal, clock=clock) as router:
        assert notes(journal) == [], "it is unknown, and the engine knows that"
        await sign_in(router, "anna")
        for number in range(6):
            await router.submit(call(number))
        assert notes(journal) == []
        await pass_time(router, clock, EVERY_US - 1)
        assert notes(journal) == []
        await pass_time(router, clock, 1)
        (first,) = notes(journal)
        assert (first.id, first.queue) == ("estimate-1-1", "sales")
        band = router.waits.estimate("sales")
        assert band is not None
        assert first.estimated_wait_us == round(band.middle_s * 1_000_000) > 10 * SECOND
        subscription = router.subscribe()
        await pass_time(router, clock, 5 * SECOND)
        assert len(notes(journal)) == 1, "nothing has happened"
        await router.submit(AcceptOffer("a", "call-0.1", "anna"))
        await pass_time(router, clock, 14 * SECOND)
        await router.submit(SetPresence("p", "anna", "ready"))
    async for commit in subscription:
        seen += [event for event in getattr(commit, "events", ()) if isinstance(event, InteractionRelaxed)]
    assert [event.applied for event in seen] == [True] * 5
    assert {event.found for event in seen} <= {note.estimated_wait_us for note in notes(journal)}


async def test_after_everybody_has_gone_it_is_unknown(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with router_of(configuration(tmp_path, TEXT), journal, clock=clock) as router:
        await sign_in(router, "anna")
        await pass_time(router, clock)
        await router.submit(SignOutAgent("out", "anna"))
        await pass_time(router, clock)
        known, unknown = notes(journal)
        assert known.estimated_wait_us > 0
        assert unknown.estimated_wait_us == -1


async def test_a_restart_tells_only_what_is_new(tmp_path: Path) -> None:
    journal = MemoryJournal()
    config = configuration(tmp_path, TEXT)
    clock = ManualClock()
    async with router_of(config, journal, clock=clock) as router:
        await sign_in(router, "anna")
        await pass_time(router, clock)
    again = journal.twin()
    async with router_of(config, again, clock=clock) as router:
        await pass_time(router, clock)
        assert len(notes(again)) == 1
        for number in range(9):
            await router.submit(call(number))
        await pass_time(router, clock)
        # The first call at once, for nothing has been told for a second; the others together.
        assert [note.id for note in notes(again)] == ["estimate-1-1", "estimate-2-1", "estimate-2-2"]


async def test_steps_that_come_and_go_with_the_configuration(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    plain = configuration(tmp_path, "[agents.anna]\n[queues.sales]\n")
    async with router_of(plain, journal, clock=clock) as router:
        await sign_in(router, "anna")
        await pass_time(router, clock)
        assert notes(journal) == []
        await router.reconfigure(configuration(tmp_path, TEXT))
        await pass_time(router, clock)
        assert [note.queue for note in notes(journal)] == ["sales"]
        await router.reconfigure(plain)
        for number in range(9):
            await router.submit(call(number))
        await pass_time(router, clock)
        assert len(notes(journal)) == 1


async def test_its_ids_are_the_routers_own(tmp_path: Path) -> None:
    async with router_of(configuration(tmp_path, TEXT), MemoryJournal()) as router:
        with pytest.raises(CommandInvalid, match="begins like one of the router's own"):
            await router.submit(NoteEstimate("estimate-1-1", "sales", 5))


class Writing:
    """Takes commands, and fails as told."""

    def __init__(self) -> None:
        self.taken: list[NoteEstimate] = []
        self.refuses: Exception | None = None
        self.loses: Exception | None = None

    def submit(self, command: NoteEstimate, raw: bytes, origin: str) -> asyncio.Future[Outcome]:
        assert raw
        assert origin == "system"
        if self.refuses is not None:
            raise self.refuses
        self.taken.append(command)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self.loses is None:
            future.set_result(Outcome())
        else:
            future.set_exception(self.loses)
        return future


class Scene:
    """Notes that have begun on a clock that stands still, with an estimate for every one of `count` queues to tell."""

    def __init__(self, tmp_path: Path, count: int = 1) -> None:
        step = 'steps = [{ after = 1, priority = 1, when = "estimated_wait > 10s" }]'
        text = "[agents.anna]\n" + "".join(f"[queues.q{number:03}]\n{step}\n" for number in range(count))
        config = configuration(tmp_path, text)
        self.clock = ManualClock()
        self.writing = Writing()
        self.engine = Engine()
        self.picture = Projections(config)
        self.notes = EstimateNotes(self.picture)
        for command in (ApplyConfig("c", config.core_settings()), SignInAgent("in", "anna", ready=True)):
            outcome = self.engine.apply(command, 0)
            self.picture.fold(1, 0, [outcome], self.engine.state)

    def begin(self) -> None:
        self.notes.begin(self.writing, Timeline(self.clock, 0), 1, self.engine.state())


@pytest.mark.parametrize("lost", [JournalUnavailable("full"), OutcomeUnknown("lost")])
async def test_what_was_lost_is_told_again_a_second_later(tmp_path: Path, lost: Exception) -> None:
    scene = Scene(tmp_path)
    scene.writing.loses = lost
    scene.begin()
    await idle()
    assert len(scene.writing.taken) == 1
    scene.writing.loses = None
    scene.clock.advance(EVERY_US - 1)
    await idle()
    assert len(scene.writing.taken) == 1
    scene.clock.advance(1)
    await idle()
    first, second = scene.writing.taken
    assert (first.queue, first.estimated_wait_us) == (second.queue, second.estimated_wait_us)
    assert first.id != second.id
    scene.clock.advance(10 * EVERY_US)
    await idle()
    assert len(scene.writing.taken) == 2


async def test_what_could_not_be_handed_in_is_handed_in_later(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.writing.refuses = JournalUnavailable("full")
    scene.begin()
    scene.clock.advance(3 * EVERY_US)
    assert scene.writing.taken == []
    scene.writing.refuses = None
    scene.clock.advance(EVERY_US)
    assert len(scene.writing.taken) == 1
    await idle()


@pytest.mark.parametrize("how", ["refuses", "loses"])
async def test_after_the_end_nothing_is_told(tmp_path: Path, how: str) -> None:
    scene = Scene(tmp_path)
    setattr(scene.writing, how, RouterClosed("it stops"))
    scene.begin()
    await idle()
    taken = len(scene.writing.taken)
    scene.clock.advance(10 * EVERY_US)
    await idle()
    assert len(scene.writing.taken) == taken
    assert scene.clock.timers() == 0
    scene.notes.stop()
    scene.notes.stop()


async def test_what_the_engine_cannot_bear_is_not_told_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.writing.loses = CommandQuarantined("it raised")
    scene.begin()
    await idle()
    scene.clock.advance(10 * EVERY_US)
    await idle()
    assert len(scene.writing.taken) == 1


async def test_many_queues_take_turns(tmp_path: Path) -> None:
    scene = Scene(tmp_path, AT_ONCE + 5)
    scene.begin()
    assert len(scene.writing.taken) == AT_ONCE
    scene.clock.advance(EVERY_US)
    assert len(scene.writing.taken) == AT_ONCE + 5
    assert len({note.queue for note in scene.writing.taken}) == AT_ONCE + 5
    scene.clock.advance(EVERY_US)
    assert len(scene.writing.taken) == AT_ONCE + 5
    await idle()


@pytest.mark.parametrize(
    ("told_s", "new_s", "worth"),
    [
        (10.0, 10.9, False),
        (10.0, 11.0, False),
        (10.0, 11.1, True),
        (10.0, 8.9, True),
        (100.0, 104.9, False),
        (100.0, 105.1, True),
        (0.0, 0.1, True),
        (0.0, 0.0, False),
    ],
)
def test_what_is_worth_telling(told_s: float, new_s: float, *, worth: bool) -> None:
    assert differs(round(told_s * SECOND), round(new_s * SECOND)) == worth


def test_what_is_unknown_differs_from_everything_known() -> None:
    assert differs(-1, 0)
    assert differs(0, -1)
    assert not differs(-1, -1)
