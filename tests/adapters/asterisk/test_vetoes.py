"""Devices as a veto, on a real Asterisk: personal calls, telephones out of reach, and our own legs, which are none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.core.messages import (
    DeviceCleared,
    DeviceVetoed,
    InteractionAbandoned,
    InteractionCompleted,
    InteractionQueued,
    OfferMade,
)
from acd_asterisk.ami.states import DeviceChanged
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.registrar import Registering
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until

PATIENT = AgentBehaviour(ring_ms=50, talk_ms=60_000)
HASTY = AgentBehaviour(ring_ms=50, talk_ms=200, hang_up_chance=1.0)
SELDOM = {"devices": {"look_every": "1h"}}
"""So that nothing but an event can be the reason."""

OUTGOING = {"extensions.conf": "[acd-agents]\nexten => _7XX,1,Answer()\n same => n,Wait(60)\n same => n,Hangup()\n"}
ERNA = {"pjsip.conf": "[erna](acd-agent)\naors = erna\n[erna](acd-agent-aor)\n"}

BOTH_WAYS = pytest.mark.parametrize("way", [{"ami": True}, {"over_ami": True}], ids=["ARI and AMI", "AMI alone"])

HangUp = Callable[[], Awaitable[None]]


@asynccontextmanager
async def personal_call(it: Rig, agent: str) -> AsyncIterator[HangUp]:
    """Somebody calls the agent's telephone past the engine, until they hang up."""
    name = f"personal-{agent}"
    async with it.pbx.ami() as ami:
        found: list[str] = []

        async def there() -> bool:
            found[:] = [each["name"] for each in await it.pbx.channels() if each["id"] == name]
            return bool(found)

        async def hang_up() -> None:
            if await there():
                await ami.action("Hangup", Channel=found[0])
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while await there():  # It is asked to go, and does so by itself.
                        await asyncio.sleep(POLL_SECONDS)

        order = {"Application": "Wait", "Data": "60", "Async": "true"}
        await ami.action("Originate", Channel=f"PJSIP/{agent}", ChannelId=name, **order)
        yield hang_up
        await hang_up()


def state(it: Rig, device: str) -> str:
    """What AMI says of it."""
    assert isinstance(it.channel, AsteriskChannel)
    return it.channel.states.device(device)


async def known(it: Rig) -> None:
    """Wait until AMI has told of all devices, and they have been looked at."""
    await until(lambda: state(it, "PJSIP/anna") == "NOT_INUSE", lambda: str(it.channel.health()))


async def queued(it: Rig, count: int) -> list[InteractionQueued]:
    """Wait until so many callers wait."""
    await until(lambda: len(it.all(InteractionQueued)) == count, lambda: str(it.events))
    return it.all(InteractionQueued)


@BOTH_WAYS
async def test_a_personal_call_makes_an_agent_busy_until_it_ends(
    provisioned: Provisioned, tmp_path: Path, way: dict[str, bool]
) -> None:
    """Whoever has waited longest is offered in the same moment in which it is over."""
    async with rig(provisioned, tmp_path, [Agent("anna", PATIENT)], options=SELDOM, **way) as it:  # type: ignore[arg-type]
        await known(it)
        await it.ready("anna")
        calls = [CallSpec(caller=f"1000{n}", dialled="sales", hang_up_after_ms=3_000) for n in (1, 2)]
        async with personal_call(it, "anna") as hang_up:
            vetoed = await it.event(DeviceVetoed)
            assert (vetoed.agent_id, vetoed.channel, vetoed.state) == ("anna", "voice", "in-use")
            async with it.callers(*calls) as callers:
                first, _ = await queued(it, 2)
                assert it.all(OfferMade) == []
                await hang_up()
                cleared, offer = await it.event(DeviceCleared), await it.event(OfferMade)
                assert cleared.reason == "cleared"
                assert offer.interaction_id == first.interaction_id
                assert it.events.index(offer) == it.events.index(cleared) + 1
                await callers.finished(seconds=10)
        await it.empty()
        assert len(it.all(DeviceVetoed)) == 1


async def test_a_call_that_the_agent_makes(provisioned: Provisioned, tmp_path: Path) -> None:
    """Likewise, and another agent is offered what comes meanwhile."""
    agents = [Agent("anna", PATIENT), Agent("ben", HASTY)]
    async with rig(provisioned, tmp_path, agents, options=SELDOM, ami=True, extra_config=OUTGOING) as it:
        await known(it)
        await it.ready("anna", "ben")
        async with it.callers(CallSpec(caller="anna", dialled="701", hang_up_after_ms=1_500)) as dialling:
            assert (await it.event(DeviceVetoed)).agent_id == "anna"
            async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
                offer = await it.event(OfferMade)
                assert (offer.agent_id, it.all(DeviceCleared)) == ("ben", [])
                await callers.finished(seconds=5)
            await dialling.finished(seconds=5)
        assert (await it.event(DeviceCleared)).reason == "cleared"
        await it.empty()


async def test_a_telephone_that_is_not_registered_is_offered_nothing(provisioned: Provisioned, tmp_path: Path) -> None:
    """From the beginning, and after it has gone; as soon as it is there, it is offered who waits."""
    text = '[queues.sales]\n[agents.erna]\naddresses.voice = "PJSIP/erna"\n'
    agents = [Agent("anna")]
    async with rig(provisioned, tmp_path, agents, options=SELDOM, ami=True, extra_config=ERNA, text=text) as it:
        vetoed = await it.event(DeviceVetoed)
        assert (vetoed.agent_id, vetoed.state) == ("erna", "unavailable")
        await it.ready("erna")
        telephone = Registering("erna", it.pbx.sip_port)
        try:
            await telephone.register(600)
            await it.event(DeviceCleared)
            await telephone.register(0)
            await until(lambda: len(it.all(DeviceVetoed)) == 2, lambda: str(it.events))
            async with it.callers(CallSpec(caller="10001", dialled="sales", hang_up_after_ms=3_000)) as callers:
                await queued(it, 1)
                assert it.all(OfferMade) == []
                await telephone.register(600)
                assert (await it.event(OfferMade)).agent_id == "erna"
                await callers.finished(seconds=10)
        finally:
            telephone.close()
        await it.empty()


@BOTH_WAYS
async def test_our_own_calls_never_veto(provisioned: Provisioned, tmp_path: Path, way: dict[str, bool]) -> None:
    """Answered, abandoned while they ring, one after another: the device was in use each time, and always by us."""
    async with rig(provisioned, tmp_path, [Agent("anna", HASTY)], options=SELDOM, **way) as it:  # type: ignore[arg-type]
        await known(it)
        heard: list[DeviceChanged] = []
        assert isinstance(it.channel, AsteriskChannel)
        it.channel.states.listen(heard.append)
        await it.ready("anna")
        hang_up_after_ms = (0, 30, 0, 30, 0, 30)
        calls = [CallSpec(f"1000{n}", "sales", hang_up_after_ms=ms) for n, ms in enumerate(hang_up_after_ms)]
        async with it.callers(*calls, rate=5) as callers:
            await callers.finished(seconds=15)
        await until(
            lambda: len(it.all(InteractionCompleted)) + len(it.all(InteractionAbandoned)) == len(calls),
            lambda: str(it.events),
        )
        await it.empty()
        assert sum(each.state == "INUSE" for each in heard) >= 3
        await until(lambda: state(it, "PJSIP/anna") == "NOT_INUSE", lambda: str(heard))
        async with personal_call(it, "anna"):
            # What was looked at for one of ours would have been told before this.
            await it.event(DeviceVetoed)
        await it.event(DeviceCleared)
        assert len(it.all(DeviceVetoed)) == 1


@BOTH_WAYS
async def test_a_personal_call_that_begins_during_one_of_ours(
    provisioned: Provisioned, tmp_path: Path, way: dict[str, bool]
) -> None:
    """The device's state does not change when ours ends: it is looked at then."""
    async with rig(provisioned, tmp_path, [Agent("anna", PATIENT)], options=SELDOM, **way) as it:  # type: ignore[arg-type]
        await known(it)
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales", hang_up_after_ms=1_000)) as callers:
            await it.event(OfferMade)
            await it.talking()
            async with personal_call(it, "anna"):
                await callers.finished(seconds=5)
                vetoed = await it.event(DeviceVetoed)
                completed = await it.event(InteractionCompleted)
                assert it.events.index(completed) < it.events.index(vetoed)
        assert (await it.event(DeviceCleared)).reason == "cleared"
        await it.empty()


@pytest.mark.parametrize("ami", [True, False], ids=["AMI is cut", "without AMI"])
async def test_looking_heals_what_no_event_tells(provisioned: Provisioned, tmp_path: Path, ami: bool) -> None:  # noqa: FBT001 - a parameter
    """Nobody hears of the end of a personal call; or of anything at all."""
    options = {"devices": {"look_every": "1s", "veto": True}}
    async with rig(provisioned, tmp_path, [Agent("anna", PATIENT)], options=options, ami=ami) as it:
        await it.ready("anna")
        async with personal_call(it, "anna") as hang_up:
            await it.event(DeviceVetoed)
            it.ami_proxy.refuse()
            await it.ami_proxy.cut()
            async with it.callers(CallSpec(caller="10001", dialled="sales", hang_up_after_ms=4_000)) as callers:
                await queued(it, 1)
                assert it.all(OfferMade) == []
                await hang_up()
                assert (await it.event(OfferMade)).agent_id == "anna"
                await callers.finished(seconds=10)
        await it.empty()


async def test_an_engine_that_was_away_finds_out(provisioned: Provisioned, tmp_path: Path) -> None:
    """A veto outlives the process that noted it, and the next one sees that it is over."""
    async with rig(provisioned, tmp_path, [Agent("anna", PATIENT), Agent("ben")], options=SELDOM, ami=True) as it:
        await known(it)
        await it.ready("anna")
        async with personal_call(it, "anna") as hang_up:
            await it.event(DeviceVetoed)
            await it.stop_engine(crash=True)
            assert it.all(DeviceCleared) == []
            await hang_up()
        async with personal_call(it, "ben"):
            await it.start_engine()
            assert (await it.event(DeviceCleared)).agent_id == "anna"
            assert (await it.event(DeviceVetoed, lambda event: event.agent_id == "ben")).state == "in-use"
        assert (await it.event(DeviceCleared, lambda event: event.agent_id == "ben")).reason == "cleared"


async def test_a_pbx_that_restarts_clears_what_died_with_it(provisioned: Provisioned, tmp_path: Path) -> None:
    """No event tells of the end of its calls."""
    async with rig(provisioned, tmp_path, [Agent("anna", PATIENT)], options=SELDOM, ami=True) as it:
        await known(it)
        await it.ready("anna")
        async with personal_call(it, "anna"):
            await it.event(DeviceVetoed)
            await it.pbx.kill()
            await it.pbx.start()
            assert (await it.event(DeviceCleared)).reason == "cleared"
