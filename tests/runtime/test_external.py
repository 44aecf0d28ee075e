"""The external channel: its options, and a router that has one. Of connections: `tests/api/test_channels.py`."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import Effect, EnqueueInteraction, FailCallback, ReachCustomer, SignInAgent
from acd.errors import ConfigError
from acd.ports.channel import Desired, InteractionStanding
from acd.runtime.channels import open_channel
from acd.runtime.config import ChannelConfig, loads
from acd.runtime.external import Ended, ExternalChannel
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing.recording_host import RecordingHost
from tests.runtime.live import idle

CONFIG = """
[channels.web]
type = "external"
media = "chat"
[agents.anna]
addresses = { chat = "desk-4" }
[queues.sales]
"""


def opened(**options: object) -> ExternalChannel:
    channel = open_channel(ChannelConfig("web", "external", options, Path()))
    assert isinstance(channel, ExternalChannel)
    return channel


def test_it_is_made_of_its_options() -> None:
    channel = opened(media="chat", recall=True)
    assert (channel.name, channel.media, channel.may_recall) == ("web", "chat", True)
    channel = opened()
    assert (channel.media, channel.may_recall) == ("voice", False)


def test_every_wrong_option_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        opened(medium="chat", media="live chat", recall="yes")
    assert caught.value.problems == (
        'channels.web.medium: there is no such option; did you mean "media"?',
        'channels.web.media: "live chat" is no channel; write a word, like media = "chat"',
        'channels.web.recall: "yes" is neither true nor false; write one of them',
    )


class Recorder:
    """A connection that does everything at once."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.compared: list[tuple[Desired, ...]] = []
        self.ended: list[Ended] = []

    async def carry_out(self, effect: Effect) -> None:
        self.effects.append(effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        self.compared.append(desired)

    def hang_up(self, why: Ended) -> None:
        self.ended.append(why)


async def test_whoever_connects_is_told_first_how_all_should_stand() -> None:
    channel, line = opened(media="chat"), Recorder()
    async with Router(loads(CONFIG), journal=MemoryJournal(), channels=[channel]) as router:
        assert router.channel("web") is channel
        assert router.channel("pbx") is None
        await router.submit(SignInAgent("1", "anna", ready=True))
        # Nobody is there: the ring is part of what is desired, and is not lost.
        await router.submit(EnqueueInteraction("2", "c1", "chat", "sales", instance="web"))
        await router.ready()
        assert channel.host.wish("c1") == Desired("c1", "offered", "c1.1", "anna")
        assert channel.host.wish("c2") is None
        assert channel.host.recorded("2") is not None
        assert channel.host.recorded("3") is None
        assert channel.host.address("anna", "chat") == "desk-4"
        before = router.health()["channels"]["web"]["reconciles"]  # type: ignore[index]
        channel.attach(line)
        while not line.compared:
            await router.ready()
            await idle()
        assert line.compared[-1] == (Desired("c1", "offered", "c1.1", "anna"),)
        assert router.health()["channels"]["web"]["reconciles"] > before  # type: ignore[index]
    assert line.ended == ["stopped"]


CALLED_FIRST = """
[channels.web]
type = "external"
[agents.anna]
[queues.sales]
callback_channel = "web"
callback_first = "customer"
"""
WANTED = EnqueueInteraction("2", "b1", "voice", "sales", customer="chen", kind="callback")


async def test_whom_no_process_was_told_to_call_has_not_been_called() -> None:
    """No attempt, and once more soon."""
    channel = opened()
    async with Router(loads(CALLED_FIRST), journal=MemoryJournal(), channels=[channel]) as router, asyncio.timeout(5):
        await router.submit(SignInAgent("1", "anna", ready=True))
        await router.submit(WANTED)
        while (shown := channel.host.interaction("b1")) is not None and shown.state != "scheduled":
            await idle()
        assert shown is not None
        assert shown.attempts == 0


async def test_whom_a_process_was_told_to_call_may_have_been_called() -> None:
    """It is gone, and nobody says what came of it: they are not called again for this attempt."""
    channel, line = opened(), Recorder()
    async with Router(loads(CALLED_FIRST), journal=MemoryJournal(), channels=[channel]) as router, asyncio.timeout(5):
        channel.attach(line)
        await router.submit(SignInAgent("1", "anna", ready=True))
        await router.submit(WANTED)
        while not any(isinstance(each, ReachCustomer) for each in line.effects) and not any(line.compared):
            await idle()
        channel.detach(line)
        await channel.reconcile(channel.host.desired())
        shown = channel.host.interaction("b1")
        assert shown is not None
        assert shown.state == "reaching"


async def test_what_an_earlier_engine_told_nobody_knows() -> None:
    channel, host = opened(), RecordingHost(lambda _agent, _channel: "")
    host.wished["b1"] = Desired("b1", "reaching")
    host.interactions["b1"] = InteractionStanding("b1", "reaching", "sales", kind="callback", attempts=1)
    await channel.start(host)
    await channel.reconcile(host.desired())
    assert host.commands == []
    # Its next attempt is another matter.
    host.interactions["b1"] = InteractionStanding("b1", "reaching", "sales", kind="callback", attempts=2)
    await channel.reconcile(host.desired())
    assert host.commands == [FailCallback("contract-1", "b1", "no-process", 3, called=False)]
