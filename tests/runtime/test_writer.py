"""The single writer when something goes wrong, and when time passes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from acd.core import limits
from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    ApplyConfig,
    Command,
    EndInteraction,
    OfferInteraction,
    Outcome,
    ReleaseInteraction,
    RevokeOffer,
    SetPresence,
    SignInAgent,
    Tick,
)
from acd.core.messages.codec import decode_command
from acd.errors import CommandQuarantined, JournalCorrupt, JournalUnavailable, OutcomeUnknown, RouterClosed
from acd.ports.journal import AppendResult, Committed, Entry, Rejected, Row
from acd.runtime.feed import Commit, Gap
from acd.runtime.journal import MemoryJournal
from acd.runtime.replay import load
from acd.runtime.router import Router
from acd.runtime.writer import PATIENCE
from acd.testing import FakeChannel, ManualClock
from tests.runtime.live import (
    HOUR,
    SECOND,
    GatedJournal,
    PoisonEngine,
    call,
    configuration,
    idle,
    kinds,
    quiet,
    router_of,
    rows,
    sign_in,
)

# ---- commits that fail


async def test_a_full_disk_refuses_everything_and_recovers_by_itself(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        fake.appear("call-1")
        journal.inject("rejected", "rejected", "rejected")
        with pytest.raises(JournalUnavailable, match="disk is full; the command was not carried out"):
            await router.submit(call(1))
        health = router.health()
        assert (health["status"], health["ready"]) == ("unavailable", False)
        assert "disk is full" in str(health["outage"])
        with pytest.raises(JournalUnavailable, match="disk is full"):
            await router.submit(call(2))
        assert fake.attempted == []
        assert router.view.interactions == {}
        before = len(rows(journal))
        # Two attempts fail, after 0.1 and 0.2 s, the third succeeds after 0.4 s: without any command from outside.
        for pause_us, status in ((100_000, "unavailable"), (200_000, "unavailable"), (400_000, "running")):
            await _until_waiting(clock)
            clock.advance(pause_us - 1)
            await idle()
            assert router.health()["status"] == "unavailable"
            clock.advance(1)
            await _until(partial(_has_status, router, status))
        assert kinds(journal)[before:] == ["Tick"]
        # The command that was refused had not happened: the same id is carried out now.
        await fake.until(lambda: len(fake.reconciles) == 2)
        fake.appear("call-1")
        assert (await router.submit(call(1))).refusal is None
        await fake.expect(OfferInteraction)


async def test_after_an_outage_every_channel_reconciles(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await router.ready()
        await fake.arrive("sales", "call-1")
        clock.advance(SECOND)
        journal.inject("rejected")
        with pytest.raises(JournalUnavailable):
            await fake.hang_up("call-1")
        assert "call-1" in router.view.interactions
        await _until_waiting(clock)
        clock.advance(SECOND)
        # The hang-up could not be told; the reconcile finds nobody there and tells it again.
        await _until(lambda: "call-1" not in router.view.interactions)


async def test_an_unknown_commit_that_was_written_is_answered_and_carried_out_once(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    async with router_of(configuration(tmp_path), journal, fake) as router:
        await sign_in(router, "anna")
        feed = router.subscribe()
        fake.appear("call-1")
        journal.inject("unknown-written")
        outcome = await router.submit(call(1))
        assert isinstance(outcome.effects[-1], OfferInteraction)
        await fake.expect(OfferInteraction)
        assert router.health()["status"] == "running"
        assert isinstance(await anext(feed), Commit)
        await router.submit(EndInteraction("e", "call-1"))
        await fake.expect(ReleaseInteraction)
        assert len(fake.performed(OfferInteraction)) == 1
    assert [row.entry.command_id for row in rows(journal)].count("q-1") == 1


async def test_an_unknown_commit_that_was_lost_is_not_carried_out(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        fake.appear("call-1")
        journal.inject("unknown-lost")
        with pytest.raises(JournalUnavailable, match="not carried out"):
            await router.submit(call(1))
        assert fake.attempted == []
        await _until_waiting(clock)
        clock.advance(SECOND)
        await _until(lambda: router.health()["status"] == "running")
        assert (await router.submit(call(1))).refusal is None


async def test_a_repeated_command_is_answered_even_when_the_journal_fails(tmp_path: Path) -> None:
    journal = GatedJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        done = await router.submit(call(1))
        journal.shut()
        blocker = asyncio.create_task(router.submit(call(2)))
        await journal.blocked()
        repeated = asyncio.create_task(router.submit(call(1)))
        new = asyncio.create_task(router.submit(call(3)))
        await idle()
        journal.inject("none", "rejected")
        journal.gate.set()
        await blocker
        assert await repeated == done
        with pytest.raises(JournalUnavailable):
            await new


async def test_another_engine_takes_over(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    async with router_of(configuration(tmp_path), journal, fake) as router:
        await sign_in(router, "anna")
        feed = router.subscribe()
        journal.inject("fenced")
        with pytest.raises(RouterClosed, match="another engine has taken over"):
            await router.submit(call(1))
        assert await router.wait_closed() == "fenced"
        await fake.until(lambda: fake.stops == 1)
        with pytest.raises(RouterClosed, match="another engine has taken over"):
            await router.submit(call(2))
        with pytest.raises(StopAsyncIteration):
            await anext(feed)
        assert fake.attempted == []
    assert "call-1" not in str(rows(journal))


class _Split(MemoryJournal):
    """Breaks its promise: writes the first half of a batch and does not know what it did."""

    broken = False

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        if not self.broken or len(batch) < 2:
            return super().append(epoch, expected_seq, batch)
        self.broken = False
        assert isinstance(super().append(epoch, expected_seq, batch[: len(batch) // 2]), Committed)
        self.inject("unknown-lost")
        return super().append(epoch, expected_seq, batch)


async def test_a_torn_batch_is_answered_from_what_the_journal_holds(tmp_path: Path) -> None:
    journal, fake = _Split(), FakeChannel()
    async with router_of(configuration(tmp_path), journal, fake) as router:
        feed = router.subscribe()
        journal.broken = True
        first, second = await asyncio.gather(router.submit(call(1)), router.submit(call(2)), return_exceptions=True)
        assert isinstance(first, Outcome)
        assert isinstance(second, JournalUnavailable)
        assert list(router.view.interactions) == ["call-1"]
        assert isinstance(await anext(feed), Gap)
        assert router.seq == len(rows(journal))


class _Unreadable(MemoryJournal):
    """Cannot be read for a while."""

    errors: list[Exception] = []  # noqa: RUF012 - replaced, not changed

    def rows(self, after_seq: int = 0, after_chain: bytes | None = None) -> Iterator[Row]:
        if self.errors:
            raise self.errors.pop()
        return super().rows(after_seq, after_chain)


async def test_a_journal_that_cannot_be_reread_is_tried_again(tmp_path: Path) -> None:
    journal, clock = _Unreadable(), ManualClock()
    async with router_of(configuration(tmp_path), journal, clock=clock) as router:
        journal.inject("unknown-written")
        journal.errors = [JournalUnavailable("gone fishing")]
        answer = asyncio.create_task(router.submit(call(1)))
        await _until(lambda: router.health()["status"] == "unavailable")
        with pytest.raises(JournalUnavailable, match="gone fishing"):
            await router.submit(call(2))
        assert not answer.done(), "nobody knows yet"
        await _until_waiting(clock)
        clock.advance(SECOND)
        assert (await answer).refusal is None
        assert router.health()["status"] == "running"


async def test_who_waits_for_a_journal_that_stays_unreadable_is_told_that_nothing_is_known(tmp_path: Path) -> None:
    journal, clock = _Unreadable(), ManualClock()
    async with router_of(configuration(tmp_path), journal, clock=clock) as router, asyncio.timeout(10):
        journal.inject("unknown-written")
        journal.errors = [JournalUnavailable("gone for good") for _ in range(PATIENCE + 2)]
        answer = asyncio.create_task(router.submit(call(1)))
        while not answer.done():
            clock.advance(SECOND)
            await asyncio.sleep(0)
        with pytest.raises(OutcomeUnknown, match=r"gone for good; .* hand it in again with the same id"):
            await answer
        while router.health()["status"] != "running":
            clock.advance(SECOND)
            await asyncio.sleep(0)
        assert (await router.submit(call(1))).refusal is None
    assert kinds(journal).count("EnqueueInteraction") == 1


async def test_a_corrupt_journal_stops_the_router(tmp_path: Path) -> None:
    journal = _Unreadable()
    async with router_of(configuration(tmp_path), journal) as router:
        journal.inject("unknown-lost")
        journal.errors = [JournalCorrupt("row 2 has been altered")]
        with pytest.raises(RouterClosed, match="because of an error"):
            await router.submit(call(1))
        assert await router.wait_closed() == "failed"


class _Full(MemoryJournal):
    """Full until somebody makes room."""

    full = False

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        return Rejected("full") if self.full else super().append(epoch, expected_seq, batch)


async def test_stopping_during_an_outage_does_not_wait_for_it(tmp_path: Path) -> None:
    journal = _Full()
    async with router_of(configuration(tmp_path), journal) as router:
        journal.full = True
        with pytest.raises(JournalUnavailable):
            await router.submit(call(1))
    assert router.health()["status"] == "closed"


# ---- commands that make the engine raise


async def test_a_poisonous_command_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    journal = GatedJournal()
    async with router_of(configuration(tmp_path), journal, engine=PoisonEngine) as router:
        journal.shut()
        blocker = asyncio.create_task(router.submit(call("first")))
        await journal.blocked()
        poison = EndInteraction("poison", "call-first")
        answers = [
            asyncio.create_task(router.submit(command)) for command in (call(1), poison, call(2), poison, call(3))
        ]
        await idle()
        journal.gate.set()
        await blocker
        results = await asyncio.gather(*answers, return_exceptions=True)
        assert [type(result) for result in results] == [
            Outcome,
            CommandQuarantined,
            Outcome,
            CommandQuarantined,
            Outcome,
        ]
        # Half of it had been done in memory; nothing of it is left.
        assert list(router.view.interactions) == ["call-first", "call-1", "call-2", "call-3"]
        assert (await router.submit(EndInteraction("end", "call-first"))).refusal is None
        with pytest.raises(CommandQuarantined, match="command poison made the engine raise"):
            await router.submit(poison)
        assert [(entry.command_id, error) for entry, error in journal.quarantined] == [
            ("poison", "ZeroDivisionError: poisoned")
        ]
        assert decode_command(journal.quarantined[0][0].command) == poison
        assert router.health()["quarantined"] == 1
    assert "poison" not in [row.entry.command_id for row in rows(journal)]
    assert load(journal.twin()).seq == len(rows(journal))


class _TickEngine(Engine):
    """Raises on every Tick while an interaction `call-bad` rings."""

    def apply(self, command: Command, now_us: int) -> Outcome:
        if isinstance(command, Tick) and any(work.interaction_id == "call-bad" for work in self.state().work):
            raise ZeroDivisionError("a bug")
        return super().apply(command, now_us)


async def test_a_tick_that_raises_is_not_tried_in_a_loop(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock, engine=_TickEngine) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-bad")
        clock.advance(20 * SECOND)
        await _until(lambda: router.health()["stuck_deadline_us"] is not None)
        clock.advance(60 * SECOND)
        await idle()
        assert len(journal.quarantined) == 1
        # Commands go on, and the one that takes the deadline away lets time pass again.
        await router.submit(EndInteraction("end", "call-bad"))
        await fake.arrive("sales", "call-good")
        clock.advance(20 * SECOND)
        await fake.expect(RevokeOffer, lambda effect: effect.interaction_id == "call-good")
        assert len(journal.quarantined) == 1


# ---- time


async def test_an_offer_expires_at_its_deadline_and_not_before(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        offer = await fake.expect(OfferInteraction)
        clock.advance(20 * SECOND - 1)
        await idle()
        assert kinds(journal)[-1] == "EnqueueInteraction"
        clock.advance(1)
        await fake.expect(RevokeOffer)
        assert router.view.agents["anna"].reason == "rona"
        tick = rows(journal)[-1].entry
        assert (tick.command_id, tick.origin, tick.at_us) == ("tick-1-1", "system", offer.expires_at_us)
        await idle()
        assert clock.timers() <= 1


@pytest.mark.parametrize("jump_us", [-HOUR, HOUR])
async def test_setting_the_wall_clock_changes_nothing(tmp_path: Path, jump_us: int) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        await fake.expect(OfferInteraction)
        clock.set_wall(clock.wall_us() + jump_us)
        await fake.arrive("sales", "call-2")
        clock.advance(20 * SECOND - 1)
        await idle()
        assert router.view.interactions["call-1"].state == "offered"
        clock.advance(1)
        await fake.expect(RevokeOffer)
    times = [row.entry.at_us for row in rows(journal)]
    assert times == sorted(times)
    assert times[-1] - times[0] == 20 * SECOND


async def test_even_a_monotonic_clock_that_goes_back_does_not_turn_time_back(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with router_of(configuration(tmp_path), journal, clock=clock) as router:
        await router.submit(call(1))
        clock.stall(-SECOND)
        await router.submit(call(2))
    times = [row.entry.at_us for row in rows(journal)]
    assert times[-1] == times[-2]


async def test_a_restart_with_the_wall_clock_set_back_goes_on_in_the_future(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        await router.abort()
    last_us = rows(journal)[-1].entry.at_us
    earlier = ManualClock(wall_us=clock.wall_us() - HOUR)
    async with router_of(configuration(tmp_path), journal.twin(), fake, clock=earlier) as router:
        assert router.now_us() == last_us
        # Time does not stand still for an hour: the offer's grace of 5 s, or its own 20 s, are over in time.
        earlier.advance(20 * SECOND)
        await fake.expect(RevokeOffer)
        assert router.now_us() == last_us + 20 * SECOND
    times = [row.entry.at_us for row in rows(journal)]
    assert times == sorted(times)


async def test_what_is_due_goes_before_every_later_command(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        offer = await fake.expect(OfferInteraction)
        clock.stall(20 * SECOND)
        outcome = await router.submit(AcceptOffer("a", offer.offer_id, "anna"))
        assert outcome.refusal is not None
        assert outcome.refusal.code == "offer-ended"
    assert kinds(journal)[-2:] == ["Tick", "AcceptOffer"]
    entries = [row.entry for row in rows(journal)[-2:]]
    assert entries[0].at_us == entries[1].at_us


async def test_a_loop_that_stalled_punishes_nobody(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        await fake.expect(OfferInteraction)
        clock.stall(60 * SECOND)
        clock.advance(0)
        revoked = await fake.expect(RevokeOffer)
        assert revoked.reason == "late"
        assert router.view.agents["anna"].presence == "ready"


async def test_more_expiries_than_one_tick_handles(tmp_path: Path) -> None:
    count = limits.TICK_EXPIRIES + 10
    agents = "".join(f"[agents.a{number}]\n" for number in range(count))
    config = configuration(
        tmp_path, f'{agents}[router]\nbatch = 64\n[queues.sales]\noffer_timeout = "20s"\nlate = "60s"\n'
    )
    journal, clock = MemoryJournal(), ManualClock()
    async with router_of(config, journal, clock=clock) as router:
        await sign_in(router, *(f"a{number}" for number in range(count)))
        await asyncio.gather(*(router.submit(call(number, instance="")) for number in range(count)))
        before = len(rows(journal))
        clock.stall(30 * SECOND)
        await router.submit(call("next", instance=""))
        assert kinds(journal)[before:] == ["Tick", "Tick", "EnqueueInteraction"]
        assert router.view.presences()["not-ready"] == count


async def test_no_tick_comes_before_recovery(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        await router.abort()
    before = len(rows(journal))
    clock.advance(HOUR)
    changed = configuration(tmp_path, "[agents.anna]\n[queues.sales]\n[queues.other]\n")
    async with router_of(changed, journal.twin(), fake, clock=clock) as router:
        await router.ready()
        await quiet(router)
        assert kinds(journal)[before : before + 2] == ["Recover", "ApplyConfig"]
        assert router.view.agents["anna"].presence == "ready"


async def test_ids_of_ticks_are_never_used_twice(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    for _ in range(2):
        async with router_of(configuration(tmp_path), journal.twin(), fake, clock=clock) as router:
            if router.view.agents["anna"].presence != "ready":
                await router.submit(_ready(router.new_id(), router.view.agents["anna"].presence))
            for _ in range(2):
                customer = await fake.arrive("sales")
                await fake.expect(OfferInteraction)
                clock.advance(20 * SECOND)
                await fake.expect(RevokeOffer)
                await router.submit(EndInteraction(router.new_id(), customer))
                await router.submit(_ready(router.new_id(), router.view.agents["anna"].presence))
    ids = [row.entry.command_id for row in rows(journal)]
    assert len(set(ids)) == len(ids)
    assert {"tick-1-1", "tick-1-2", "tick-2-1", "tick-2-2"} <= set(ids)


async def test_what_the_meter_counts(tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        await asyncio.gather(*(router.submit(call(number)) for number in range(10)))
        assert router.meter.decisions.count == len(rows(journal))
        assert router.meter.batches.total == len(rows(journal))
        assert router.meter.commits.count < router.meter.decisions.count
    assert isinstance(decode_command(rows(journal)[0].entry.command), ApplyConfig)


def _ready(command_id: str, presence: str) -> Command:
    if presence == "signed-out":
        return SignInAgent(command_id, "anna", ready=True)
    return SetPresence(command_id, "anna", "ready")


def _has_status(router: Router, status: str) -> bool:
    return router.health()["status"] == status


async def _until_waiting(clock: ManualClock) -> None:
    """Wait until somebody waits for the clock."""
    async with asyncio.timeout(5):
        while not clock.timers():
            await asyncio.sleep(0)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)
