"""The simulated channel: people who answer, decline, ignore, talk and lose patience; all through a real router."""

import asyncio
import json
import random
from pathlib import Path

import pytest

from acd.core.messages import (
    Command,
    EndInteraction,
    OfferInteraction,
    Outcome,
    ReleaseInteraction,
    RevokeOffer,
    SignInAgent,
)
from acd.errors import ChannelError, ConfigError, RouterOverloaded
from acd.ports.channel import Desired
from acd.runtime.feed import Commit
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing import FakeChannel
from acd.testing.recording_host import RecordingHost
from acd.testing.simulated import Behaviour, SimulatedChannel, open_channel
from tests.runtime.live import configuration, idle

HOUR = (3_600.0, 3_600.0)
AT_ONCE = (0.0, 0.001)
PATIENT = Behaviour(ring=AT_ONCE, talk=AT_ONCE, patience=HOUR, back=AT_ONCE, no_answer=0.0, decline=0.0)
TEXT = """
[agents.anna]
[agents.boris]
[queues.sales]
offer_timeout = "50ms"
late = "5s"
retry_after = "1ms"
"""


async def _run(tmp_path: Path, behaviour: Behaviour, calls: int, ends: set[str], text: str = TEXT) -> dict[str, int]:
    """Let so many call, and wait until all have ended; returns what has happened how often."""
    channel = SimulatedChannel("sim", behaviour)
    counts: dict[str, int] = {}
    async with Router(configuration(tmp_path, text), journal=MemoryJournal(), channels=[channel]) as router:
        feed = router.subscribe()
        for agent in ("anna", "boris"):
            await router.submit(SignInAgent(router.new_id(), agent, ready=True))
        for _ in range(calls):
            await channel.call("", "sales")
        left = calls
        async with asyncio.timeout(20):
            while left:
                commit = await anext(feed)
                assert isinstance(commit, Commit)
                for event in commit.events:
                    name = type(event).__name__
                    counts[name] = counts.get(name, 0) + 1
                    left -= name in ends
        await idle()
        assert channel.calls == {}
        assert channel._timers.keys() <= {("back", "anna"), ("back", "boris")}
    return counts


async def test_everyone_is_answered_and_talks(tmp_path: Path) -> None:
    counts = await _run(tmp_path, PATIENT, 40, {"InteractionCompleted"})
    assert counts["OfferAccepted"] == counts["InteractionCompleted"] == counts["OfferMade"] == 40


async def test_some_decline_and_the_caller_goes_on_waiting(tmp_path: Path) -> None:
    behaviour = Behaviour(ring=AT_ONCE, talk=AT_ONCE, patience=HOUR, back=AT_ONCE, no_answer=0.0, decline=0.5, seed=3)
    counts = await _run(tmp_path, behaviour, 20, {"InteractionCompleted"})
    assert counts["OfferDeclined"] > 3
    assert counts["OfferMade"] == 20 + counts["OfferDeclined"]


async def test_some_let_it_ring_and_come_back(tmp_path: Path) -> None:
    behaviour = Behaviour(ring=AT_ONCE, talk=AT_ONCE, patience=HOUR, back=AT_ONCE, no_answer=0.5, decline=0.0, seed=5)
    counts = await _run(tmp_path, behaviour, 6, {"InteractionCompleted"})
    assert counts["OfferExpired"] >= 1
    assert counts["InteractionCompleted"] == 6


async def test_patience_ends(tmp_path: Path) -> None:
    behaviour = Behaviour(ring=HOUR, talk=HOUR, patience=AT_ONCE, no_answer=0.0, decline=0.0)
    text = TEXT.replace("50ms", "1h")
    counts = await _run(tmp_path, behaviour, 10, {"InteractionAbandoned"}, text)
    assert counts["InteractionAbandoned"] == 10
    assert "OfferAccepted" not in counts


async def test_a_caller_with_a_number_is_remembered_and_a_refused_one_is_let_go(tmp_path: Path) -> None:
    channel = SimulatedChannel("sim", Behaviour(patience=HOUR))
    async with Router(configuration(tmp_path), journal=MemoryJournal(), channels=[channel]) as router:
        called = await channel.call("+8613800000001", "sales", "true", 3, [("lang", "zh")])
        row = router.view.interactions[called]
        assert (row.priority, row.attributes, row.instance) == (3, (("lang", "zh"),), "sim")
        person = await router.recall(row.customer)
        assert person is not None
        assert person.number == "+8613800000001"
        with pytest.raises(ChannelError, match=r"channel sim: no queue nowhere is configured \(unknown-queue\)"):
            await channel.call("", "nowhere")
        assert list(channel.calls) == [called]
    with pytest.raises(ChannelError, match="channel sim has not been started"):
        await channel.call("", "sales")


async def test_stopping_leaves_everyone_where_they_are_and_starting_goes_on(tmp_path: Path) -> None:
    journal = MemoryJournal()
    slow = Behaviour(ring=HOUR, talk=HOUR, patience=HOUR, no_answer=0.0, decline=0.0)
    channel = SimulatedChannel("sim", slow)
    config = configuration(tmp_path, TEXT.replace("50ms", "1h"))
    async with Router(config, journal=journal, channels=[channel]) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        ringing, waiting = await channel.call("", "sales"), await channel.call("", "sales")
        async with asyncio.timeout(5):
            while channel.calls[ringing].standing != "ringing":
                await asyncio.sleep(0)
    assert channel._timers == {}
    assert (channel.calls[ringing].standing, channel.calls[waiting].standing) == ("ringing", "waiting")
    channel.behaviour = PATIENT
    async with Router(config, journal=journal.twin(), channels=[channel]) as router, asyncio.timeout(5):
        async for commit in router.subscribe():
            if channel.calls == {}:
                break
            assert isinstance(commit, Commit)


async def test_what_the_engine_does_not_take_is_told_again_by_a_reconcile() -> None:
    host = _Overloaded(lambda _agent, _channel: "")
    channel = SimulatedChannel("sim", PATIENT)
    await channel.start(host)
    await channel.call("", "sales")
    (customer,) = channel.calls
    host.overloaded = True
    await channel.perform(OfferInteraction("o.1", customer, "anna", "sim", 1))
    async with asyncio.timeout(5):
        while not host.reconciles:
            await asyncio.sleep(0)
    host.overloaded = False
    await channel.reconcile((Desired(customer, "offered", "o.1", "anna"),))
    assert [type(command).__name__ for command in host.commands] == ["EnqueueInteraction", "AcceptOffer"]
    host.overloaded = True
    channel._hang_up(channel.calls[customer], by_agent=True)
    async with asyncio.timeout(5):
        while host.reconciles < 2:
            await asyncio.sleep(0)
    host.overloaded = False
    await channel.reconcile((Desired(customer, "connected", "o.1", "anna"),))
    assert isinstance(host.commands[-1], EndInteraction)
    await channel.stop()


class _Overloaded(RecordingHost):
    overloaded = False

    async def submit(self, command: Command) -> Outcome:
        if self.overloaded:
            raise RouterOverloaded("full")
        return await super().submit(command)


async def test_the_same_seed_leads_to_the_same_behaviour() -> None:
    assert await _fates(7) == await _fates(7)
    assert await _fates(7) != await _fates(8)


async def _fates(seed: int) -> list[object]:
    """What everyone is going to do, and the dice afterwards."""
    channel = SimulatedChannel("sim", Behaviour(no_answer=0.3, decline=0.3, seed=seed))
    await channel.start(RecordingHost(lambda _agent, _channel: ""))
    fates: list[object] = []
    for number in range(10):
        customer = await channel.call("", "sales")
        await channel.perform(OfferInteraction(f"o.{number}", customer, "anna", "sim", 1))
        fates.append([what for what, _ in channel._timers])
        await channel.perform(RevokeOffer(f"o.{number}", customer, "anna", "sim", "declined"))
        await channel.perform(ReleaseInteraction(customer, "sim", "cancelled"))
    await channel.stop()
    return [*fates, channel._random.getstate()]


def test_options() -> None:
    channel = open_channel("lab", {"ring": "3s", "talk": ["1s", 2], "no_answer": 0, "decline": 1, "seed": 9})
    assert isinstance(channel, SimulatedChannel)
    assert channel.behaviour == Behaviour(ring=(3.0, 3.0), talk=(1.0, 2.0), no_answer=0.0, decline=1.0, seed=9)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"ring": ["6s", "2s"]}, "channels.lab.ring: is no span of time"),
        ({"talk": ["1s"]}, "channels.lab.talk: is no span"),
        ({"talk": ["1s", "2s", "3s"]}, "channels.lab.talk: is no span"),
        ({"patience": ["1s", "2d"]}, "of a day at most"),
        ({"back": {"a": 1}}, "channels.lab.back"),
        ({"no_answer": 1.5}, "channels.lab.no_answer: 1.5 is no share"),
        ({"decline": True}, "channels.lab.decline: true is no share"),
        ({"no_answer": 0.6, "decline": 0.6}, "together with no_answer it is more than 1"),
        ({"seed": "x"}, 'channels.lab.seed: "x" is not a whole number'),
        ({"no_anwser": 0.1}, 'no such option; did you mean "no_answer"?'),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_channel("lab", options)
    assert complaint in str(caught.value), json.dumps(options)


def test_every_wrong_option_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        open_channel("lab", {"ring": "x", "talk": "y", "seed": 0.5, "speed": 2})
    assert len(caught.value.problems) == 4


def test_chance_is_the_channels_own() -> None:
    random.seed(1)
    before = random.getstate()
    SimulatedChannel("sim", Behaviour(seed=1))._random.random()
    assert random.getstate() == before
    assert isinstance(FakeChannel("x").health()["connected"], bool)
