"""The router from outside: commands in, outcomes, effects and projections out, each only when it is durable."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from acd.core.messages import (
    AcceptOffer,
    ApplyConfig,
    ConnectInteraction,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    OfferInteraction,
    OfferMade,
    Outcome,
    ReleaseInteraction,
    SetPresence,
    SignInAgent,
)
from acd.core.messages.codec import decode_command
from acd.errors import CommandInvalid, ConfigError, JournalUnavailable, RouterClosed, RouterOverloaded
from acd.ports.channel import Personal
from acd.runtime.config import Config
from acd.runtime.feed import Commit, Gap
from acd.runtime.journal import MemoryJournal
from acd.runtime.replay import load
from acd.runtime.router import Router
from acd.runtime.view import View
from acd.testing import FakeChannel, ManualClock
from tests.runtime.live import GatedJournal, call, commands, configuration, idle, kinds, router_of, rows, sign_in


async def test_a_call_from_arrival_to_release(tmp_path: Path) -> None:
    fake = FakeChannel()
    async with router_of(configuration(tmp_path), MemoryJournal(), fake) as router:
        await sign_in(router, "anna")
        customer = await fake.arrive("sales")
        offer = await fake.expect(OfferInteraction)
        assert (offer.interaction_id, offer.agent_id) == (customer, "anna")
        assert router.view.agents["anna"].work[customer].state == "offered"
        await fake.answer(offer.offer_id)
        await fake.expect(ConnectInteraction)
        await fake.hang_up(customer)
        await fake.expect(ReleaseInteraction)
        assert not router.view.interactions
        assert router.view.queues["sales"].figures.completed == 1


async def test_nothing_leaves_before_its_commit(tmp_path: Path) -> None:
    journal, fake = GatedJournal(), FakeChannel()
    async with router_of(configuration(tmp_path), journal, fake) as router:
        await sign_in(router, "anna")
        feed = router.subscribe()
        next_event = asyncio.create_task(anext(feed))
        seq = router.seq
        fake.appear("call-1")
        journal.shut()
        answer = asyncio.create_task(router.submit(call(1)))
        await journal.blocked()
        assert not answer.done()
        assert not next_event.done()
        assert fake.attempted == []
        assert router.view.interactions == {}
        assert router.seq == seq
        journal.gate.set()
        outcome = await answer
        assert isinstance(outcome.effects[-1], OfferInteraction)
        assert (await fake.expect(OfferInteraction)).interaction_id == "call-1"
        assert "call-1" in router.view.interactions
        told = await next_event
        assert isinstance(told, Commit)
        assert told.seq == seq + 1


async def test_while_a_batch_commits_the_others_gather_for_the_next(tmp_path: Path) -> None:
    journal = GatedJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        await sign_in(router, "anna")
        journal.shut()
        answers = [asyncio.create_task(router.submit(call(0)))]
        await journal.blocked()
        answers += [asyncio.create_task(router.submit(call(number))) for number in range(1, 40)]
        await idle()
        journal.sizes.clear()
        journal.gate.set()
        outcomes = await asyncio.gather(*answers)
        assert journal.sizes == [1, 39]
        assert all(outcome.refusal is None for outcome in outcomes)
        assert list(router.view.queues["sales"].line) == [f"call-{number}" for number in range(40)]


async def test_no_batch_is_larger_than_configured(tmp_path: Path) -> None:
    journal = GatedJournal()
    config = configuration(tmp_path, "[router]\nbatch = 10\n[queues.sales]\n")
    async with router_of(config, journal) as router:
        journal.sizes.clear()
        await asyncio.gather(*(router.submit(call(number)) for number in range(25)))
        assert max(journal.sizes) == 10
        assert sum(journal.sizes) == 25


async def test_the_inbox_is_bounded_and_says_so(tmp_path: Path) -> None:
    journal = GatedJournal()
    config = configuration(tmp_path, "[agents.anna]\n[router]\ninbox = 10\n[queues.sales]\n")
    async with router_of(config, journal) as router:
        journal.shut()
        taken = [asyncio.create_task(router.submit(call("first")))]
        await journal.blocked()
        taken += [asyncio.create_task(router.submit(call(number))) for number in range(9)]
        await idle()
        assert router.health()["inbox"] == 9
        with pytest.raises(RouterOverloaded, match="9 commands wait"):
            await router.submit(call("too-many"))
        # Who is at work already has the last place; then it is full for everybody.
        taken.append(asyncio.create_task(router.submit(SignInAgent("in", "anna"))))
        await idle()
        with pytest.raises(RouterOverloaded, match="10 commands wait"):
            await router.submit(EndInteraction("e", "call-1"))
        journal.gate.set()
        outcomes = await asyncio.gather(*taken)
        assert all(outcome.refusal is None for outcome in outcomes)
        assert (await router.submit(call("too-many"))).refusal is None


async def test_a_repeated_id_returns_what_it_returned_and_does_nothing(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    async with router_of(configuration(tmp_path), journal, fake) as router:
        await sign_in(router, "anna")
        fake.appear("call-1")
        first = await router.submit(call(1))
        await fake.expect(OfferInteraction)
        seq, events = router.seq, router.view.queues["sales"].figures.entered
        assert await router.submit(call(1)) == first
        assert await router.submit(SetPresence("q-1", "anna", "ready")) == first
        assert (router.seq, router.view.queues["sales"].figures.entered) == (seq, events)
        assert len(rows(journal)) == seq
        await router.submit(EndInteraction("end", "call-1"))
        await fake.expect(ReleaseInteraction)
        assert len(fake.performed(OfferInteraction)) == 1


async def test_the_same_id_twice_in_one_batch_is_carried_out_once(tmp_path: Path) -> None:
    journal = GatedJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        journal.shut()
        blocker = asyncio.create_task(router.submit(call("x")))
        await journal.blocked()
        twins = [asyncio.create_task(router.submit(call(1))) for _ in range(2)]
        await idle()
        journal.gate.set()
        await blocker
        first, second = await asyncio.gather(*twins)
        assert first == second
        assert [row.entry.command_id for row in rows(journal)].count("q-1") == 1


async def test_a_refusal_is_an_outcome_and_is_journaled(tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        outcome = await router.submit(SignInAgent("s", "nobody"))
        assert outcome.refusal is not None
        assert outcome.refusal.code == "unknown-agent"
    assert rows(journal)[-1].entry.outcome == "unknown-agent"


async def test_what_is_submitted_is_detached_and_its_origin_kept(tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        await router.submit(call(1))
        await router.submit(call(2), origin="policy")
    entries = [row.entry for row in rows(journal)]
    assert [entry.origin for entry in entries[-2:]] == ["demand", "policy"]
    assert decode_command(entries[-2].command) == call(1)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (SignInAgent("s", 7), r"Expected `str`, got `int` - at `\$.agent_id`"),  # type: ignore[arg-type]
        (SignInAgent("", "anna"), r"\$.id"),
        (EnqueueInteraction("q", "i", "voice", "sales", priority=10**30), "SignIn|Enqueue"),
        (EnqueueInteraction("q", "i", "voice", "sales", priority=5_000), r"\$.priority"),
        (SignInAgent("s", "\ud800"), "cannot be encoded"),
        (SignInAgent("tick-1-1", "anna"), "begins like one of the router's own"),
        ("sign in, please", r"Expected `object`"),
        (object(), "cannot be encoded"),
    ],
)
async def test_an_invalid_command_is_refused_with_the_field_named(tmp_path: Path, command: object, reason: str) -> None:
    journal = MemoryJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        with pytest.raises(CommandInvalid, match=reason):
            await router.submit(command)  # type: ignore[arg-type]
        with pytest.raises(CommandInvalid, match="origin 'weather' is not one of demand, policy, reaction, system"):
            await router.submit(call(1), origin="weather")  # type: ignore[arg-type]
    assert kinds(journal) == ["ApplyConfig"]


async def test_a_cancelled_submit_is_carried_out_all_the_same(tmp_path: Path) -> None:
    journal = GatedJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        journal.shut()
        impatient = asyncio.create_task(router.submit(call(1)))
        await journal.blocked()
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        journal.gate.set()
        await router.submit(call(2))
        assert list(router.view.interactions) == ["call-1", "call-2"]


# ---- starting and stopping


async def test_the_configuration_is_applied_when_it_differs_and_recovery_comes_first(tmp_path: Path) -> None:
    journal = MemoryJournal()
    config = configuration(tmp_path)
    async with router_of(config, journal):
        pass
    assert kinds(journal) == ["ApplyConfig"]
    async with router_of(config, journal.twin()) as router:
        assert router.health()["epoch"] == 2
    assert kinds(journal) == ["ApplyConfig", "Recover"]
    other = configuration(tmp_path, "[agents.chen]\n[queues.sales]\n")
    async with router_of(other, journal.twin()) as router:
        assert list(router.view.agents) == ["chen"]
    assert kinds(journal) == ["ApplyConfig", "Recover", "Recover", "ApplyConfig"]
    assert [row.epoch for row in rows(journal)] == [1, 2, 3, 3]


async def test_a_configuration_that_the_engine_refuses_leaves_nothing_open(tmp_path: Path) -> None:
    fake = FakeChannel()
    with pytest.raises(ConfigError, match="agent anna is given twice"):
        async with router_of(_with_agent_twice(configuration(tmp_path)), MemoryJournal(), fake):
            pass
    assert fake.starts == 0


async def test_a_router_takes_nothing_before_and_after(tmp_path: Path) -> None:
    router = router_of(configuration(tmp_path), MemoryJournal())
    with pytest.raises(RouterClosed, match="has not started"):
        await router.submit(call(1))
    assert router.health()["status"] == "starting"
    async with router:
        assert router.health()["ready"] is True
    with pytest.raises(RouterClosed, match="stopping, or has stopped"):
        await router.submit(call(1))
    assert router.health()["status"] == "closed"
    assert router.health()["ready"] is False
    assert await router.wait_closed() == "closed"
    with pytest.raises(RuntimeError, match="used once"):
        await router.__aenter__()


async def test_stopping_finishes_what_was_taken_and_what_is_under_way(tmp_path: Path) -> None:
    journal, fake = GatedJournal(), FakeChannel()
    router = router_of(configuration(tmp_path), journal, fake)
    async with router:
        await sign_in(router, "anna")
        fake.appear("call-1")
        journal.shut()
        fake.hang("perform")
        blocker = asyncio.create_task(router.submit(call(1)))
        await journal.blocked()
        waiting = asyncio.create_task(router.submit(call(2)))
        await idle()
        stopping = asyncio.create_task(router.__aexit__(None, None, None))
        await idle()
        with pytest.raises(RouterClosed):
            await router.submit(call(3))
        journal.gate.set()
        assert (await blocker).refusal is None
        assert (await waiting).refusal is None
        await fake.until(lambda: len(fake.attempted) >= 1)
        fake.resume("perform")
        await stopping
        assert [type(effect).__name__ for effect in fake.effects[:2]] == ["ParkInteraction", "OfferInteraction"]
        assert fake.stops == 1
        assert fake.calls["call-1"].standing == "ringing", "stopping leaves the world as it is"


async def test_a_second_router_on_the_same_files_is_kept_off(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    async with Router(config, channels=()) as router:
        with pytest.raises(JournalUnavailable, match="is in use by process"):
            async with Router(config, channels=()):
                pass
        await sign_in(router, "anna")
    async with Router(config, channels=()) as router:
        assert router.view.agents["anna"].presence == "ready"


async def test_the_path_of_a_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "acd.toml").write_text("[queues.sales]\n", encoding="utf-8")
    async with Router(tmp_path / "acd.toml") as router:
        assert list(router.view.queues) == ["sales"]
    with pytest.raises(ConfigError, match="no such file"):
        Router(tmp_path / "none.toml")


# ---- crashes


async def test_a_crash_while_it_rings(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    config = configuration(tmp_path)
    async with router_of(config, journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        offer = await fake.expect(OfferInteraction)
        await router.abort()
    assert fake.stops == 0
    await fake.answer(offer.offer_id, silently=True)
    performed = len(fake.effects)
    async with router_of(config, journal.twin(), fake, clock=clock) as router:
        await router.ready()
        assert [(each.state, each.offer_id) for each in fake.reconciles[-1]] == [("offered", "call-1.1")]
        # What was ringing had been picked up: the reconcile says so, and they are joined.
        await fake.expect(ConnectInteraction)
        assert router.view.interactions["call-1"].state == "active"
    # Nothing that had been performed before was performed again.
    assert [type(effect).__name__ for effect in fake.effects[performed:]] == ["ConnectInteraction"]
    assert "Recover" in kinds(journal)


async def test_a_crash_while_they_talk(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    config = configuration(tmp_path)
    async with router_of(config, journal, fake) as router:
        await sign_in(router, "anna")
        talking = await fake.arrive("sales", "call-1")
        await fake.answer((await fake.expect(OfferInteraction)).offer_id)
        await fake.expect(ConnectInteraction)
        gone = await fake.arrive("sales", "call-2")
        await router.abort()
    await fake.hang_up(gone, silently=True)
    async with router_of(config, journal.twin(), fake) as router:
        await router.ready()
        wanted = {each.interaction_id: each.state for each in fake.reconciles[-1]}
        assert wanted == {talking: "connected", gone: "waiting"}
        await fake.until(lambda: gone not in router.view.interactions or router.view.interactions[gone].ended_at_us > 0)
        assert fake.calls[talking].standing == "connected"
        await fake.hang_up(talking, by="agent")
        assert router.view.agents["anna"].work == {}


async def test_an_offer_that_rang_through_a_crash_punishes_nobody(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    config = configuration(tmp_path)
    async with router_of(config, journal, fake, clock=clock) as router:
        await sign_in(router, "anna")
        await fake.arrive("sales", "call-1")
        await fake.expect(OfferInteraction)
        await router.abort()
    clock.advance(60_000_000)
    async with router_of(config, journal.twin(), fake, clock=clock) as router:
        await router.ready()
        assert router.view.agents["anna"].work["call-1"].state == "offered", "recovery grants grace"
        clock.advance(5_000_000)
        await fake.expect(OfferInteraction, lambda offer: offer.offer_id == "call-1.2")
        assert router.view.agents["anna"].presence == "ready"


async def test_a_command_repeated_across_a_crash_is_carried_out_once(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    config = configuration(tmp_path)
    async with router_of(config, journal, fake) as router:
        await sign_in(router, "anna")
        fake.appear("call-1")
        first = await router.submit(call(1))
        await fake.expect(OfferInteraction)
        await router.abort()
    async with router_of(config, journal.twin(), fake) as router:
        assert await router.submit(call(1)) == first
        await idle()
        assert len(fake.performed(OfferInteraction)) == 1
    assert [row.entry.command_id for row in rows(journal)].count("q-1") == 1


@pytest.mark.parametrize("fault", ["crash-before-commit", "crash-after-commit"])
async def test_a_crash_in_the_middle_of_a_commit(tmp_path: Path, fault: str) -> None:
    journal = MemoryJournal()
    config = configuration(tmp_path)
    router = router_of(config, journal)
    async with router:
        await sign_in(router, "anna")
        journal.inject(fault)  # type: ignore[arg-type]
        with pytest.raises(RouterClosed):
            await router.submit(call(1))
        assert await router.wait_closed() == "failed"
        assert router.health()["status"] == "failed"
    async with router_of(config, journal.twin()) as router:
        there = "call-1" in router.view.interactions
        assert there == (fault == "crash-after-commit")
        assert (await router.submit(call(1))).refusal is None
        assert list(router.view.interactions) == ["call-1"]


async def test_the_journal_replays_to_the_same_engine(tmp_path: Path) -> None:
    journal, fake, clock = MemoryJournal(), FakeChannel(), ManualClock()
    async with router_of(configuration(tmp_path), journal, fake, clock=clock) as router:
        await sign_in(router, "anna", "boris")
        for number in range(30):
            await fake.arrive("sales", f"call-{number}")
            clock.advance(3_000_000)
            for agent in ("anna", "boris"):
                for offer_id in fake.rings(agent):
                    await router.submit(AcceptOffer(router.new_id(), offer_id, agent))
        seq = router.seq
    restored = load(journal.twin())
    assert restored.seq == seq
    assert "Tick" not in kinds(journal)[:3]
    again = View.from_state(restored.engine.state(), restored.at_us)
    assert {key: row.state for key, row in again.interactions.items()} == {
        key: row.state for key, row in router.view.interactions.items()
    }


# ---- watching


async def test_the_feed_tells_commits_in_order_and_gaps_openly(tmp_path: Path) -> None:
    async with router_of(configuration(tmp_path), MemoryJournal()) as router:
        quick, slow = router.subscribe(), router.subscribe(buffer=2)
        begun = router.seq
        await sign_in(router, "anna")
        for number in range(4):
            await router.submit(call(number))
        seen: list[Commit | Gap] = [await anext(quick) for _ in range(5)]
        assert [item.seq for item in seen if isinstance(item, Commit)] == list(range(begun + 1, begun + 6))
        kinds_told = [type(event) for item in seen if isinstance(item, Commit) for event in item.events]
        assert kinds_told.count(OfferMade) == 1
        assert await anext(slow) == Gap(begun, begun + 5)
        await router.submit(call("next"))
        after = await anext(slow)
        assert isinstance(after, Commit)
        assert after.seq == begun + 6
        assert isinstance(await anext(quick), Commit)
    with pytest.raises(StopAsyncIteration):
        await anext(quick)


async def test_recovery_is_told(tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with router_of(configuration(tmp_path), journal):
        pass
    async with router_of(configuration(tmp_path), journal.twin()) as router:
        assert router.view.recoveries == 1
    assert isinstance(commands(journal)[0], ApplyConfig)


async def test_a_projection_that_cannot_follow_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with router_of(configuration(tmp_path), MemoryJournal()) as router:
        broken = router.view

        def raises(_at_us: int, _outcome: object) -> None:
            raise KeyError("a bug in the projection")

        monkeypatch.setattr(broken, "fold", raises)
        await router.submit(call(1))
        assert router.view is not broken
        assert list(router.view.interactions) == ["call-1"]
        await router.submit(call(2))
        assert list(router.view.interactions) == ["call-1", "call-2"]


async def test_figures_that_cannot_follow_begin_anew_with_the_next_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with router_of(configuration(tmp_path), MemoryJournal()) as router:
        broken = router.figures

        def raises(_outcome: object) -> None:
            raise KeyError("a bug in the figures")

        monkeypatch.setattr(broken, "fold", raises)
        await router.submit(call(1))
        assert list(router.view.interactions) == ["call-1"]
        await router.submit(call(2))
        assert router.figures is not broken
        assert list(router.view.interactions) == ["call-1", "call-2"]


async def test_a_telephone_rings_before_figures_are_folded_and_whoever_reads_them_finds_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    class Channel(FakeChannel):
        async def perform(self, effect: Effect) -> None:
            order.append(type(effect).__name__)
            await super().perform(effect)
            if isinstance(effect, OfferInteraction):
                assert router.waits.given(effect.interaction_id) is not None
                order.append("read")

    fake = Channel()
    async with router_of(configuration(tmp_path), MemoryJournal(), fake) as router:
        await sign_in(router, "anna")
        figures = router.figures
        fold = figures.fold

        def folds(outcome: Outcome) -> None:
            order.append("folded")
            fold(outcome)

        monkeypatch.setattr(figures, "fold", folds)
        await fake.arrive("sales")
        await fake.expect(OfferInteraction)
        assert order == ["ParkInteraction", "OfferInteraction", "folded", "read"]


async def test_reconfiguring_a_live_router(tmp_path: Path) -> None:
    text = (
        '[agents.anna]\nname = "Anna"\n[agents.anna.addresses]\nvoice = "PJSIP/a1"\n[queues.sales]\ntitle = "Sales"\n'
    )
    async with router_of(configuration(tmp_path, text), MemoryJournal()) as router:
        assert router.address("anna", "voice") == "PJSIP/a1"
        assert router.address("anna", "chat") == ""
        assert router.view.titles["sales"] == "Sales"
        await router.reconfigure(configuration(tmp_path, text.replace("a1", "a2").replace("Sales", "Vente")))
        assert router.address("anna", "voice") == "PJSIP/a2"
        assert router.view.titles["sales"] == "Vente"
        twice = _with_agent_twice(configuration(tmp_path, text))
        with pytest.raises(ConfigError, match="is given twice"):
            await router.reconfigure(twice)
        assert router.address("anna", "voice") == "PJSIP/a2"


async def test_people_are_remembered_outside_the_journal(tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with router_of(configuration(tmp_path), journal) as router:
        many = await asyncio.gather(
            *(router.remember(Personal(number="+8613800000001", name="李雷")) for _ in range(5))
        )
        assert len(set(many)) == 1
        customer = many[0]
        assert await router.recall(customer) == Personal(number="+8613800000001", name="李雷")
        await router.submit(EnqueueInteraction("q", "i", "voice", "sales", customer=customer))
        assert await router.erase(customer) is True
        assert await router.recall(customer) is None
    assert not any(b"13800000001" in row.entry.command for row in rows(journal))


def _with_agent_twice(config: Config) -> Config:
    return msgspec.structs.replace(config, agents=(*config.agents, config.agents[0]))


# ---- embedding

EMBEDDED = """
import asyncio, sys
from acd import EnqueueInteraction, OfferMade, Router, SignInAgent, load

async def main(path):
    async with Router(load(path)) as router:
        feed = router.subscribe()
        await router.submit(SignInAgent(router.new_id(), "anna", ready=True))
        await router.submit(EnqueueInteraction(router.new_id(), "call-1", "voice", "sales"))
        async for commit in feed:
            for event in commit.events:
                if isinstance(event, OfferMade):
                    print(event.interaction_id, "->", event.agent_id)
                    return

asyncio.run(main(sys.argv[1]))
print(sorted({name for name in sys.modules if name.startswith(("acd.api", "acd.cli", "aiohttp", "acd_"))}))
"""


def test_embedding_needs_neither_the_api_nor_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "acd.toml").write_text("[agents.anna]\n[queues.sales]\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", EMBEDDED, str(tmp_path / "acd.toml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["call-1 -> anna", "[]"]


def test_the_engine_alone_is_light() -> None:
    heavy = "('asyncio', 'sqlite3', 'aiohttp', 'acd.runtime.router')"
    script = f"import sys, acd; acd.Engine(); print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


# ---- readiness


class _Line(FakeChannel):
    """Connected or not, as the test says."""

    connected = True

    def health(self) -> Mapping[str, str | int | bool]:
        return {**super().health(), "connected": self.connected}


async def test_not_ready_when_every_channel_is_cut_off_and_says_so(tmp_path: Path) -> None:
    first, second = _Line("pbx-1"), _Line("pbx-2")
    async with router_of(configuration(tmp_path), MemoryJournal(), first, second) as router:
        await router.ready()
        assert (router.health()["ready"], router.health()["reason"]) == (True, "")
        first.connected = False
        assert router.health()["ready"] is True, "the other goes on"
        second.connected = False
        assert router.health()["ready"] is False
        reason = "no channel is connected (pbx-1, pbx-2); each one's own health says why"
        assert router.health()["reason"] == reason
        assert (await router.submit(call(1))).refusal is None, "it still takes commands: whoever is here goes on"
        second.connected = True
        assert router.health()["ready"] is True
    assert router.health()["reason"] == "the engine is stopping, or has stopped"


async def test_ready_without_any_channel(tmp_path: Path) -> None:
    router = router_of(configuration(tmp_path), MemoryJournal())
    assert router.health()["reason"] == "the engine is starting"
    async with router:
        assert (router.health()["ready"], router.health()["reason"]) == (True, "")
